//! Escalation: a peer's silence says nothing of the range that it was asked for. Where nothing but silence happens, no
//! range is asked for in ever smaller parts because it failed often.
//!
//! Looked at in the worlds that are made for it.

use super::{Check, Checker};
use crate::{attack::Attack, state::State};

#[derive(Debug, Default)]
pub(super) struct Escalation;

impl Checker for Escalation {
    fn name(&self) -> &'static str {
        "escalation"
    }

    fn at_end(&mut self, state: &State<'_>) -> Check {
        let kind = state.options.attack.as_ref().map(|attack| attack.kind);
        let is_silence_alone = matches!(
            kind,
            Some(
                Attack::LongOutage
                    | Attack::Comeback
                    | Attack::AloneSilent
                    | Attack::ShortGap
                    | Attack::FullWays
                    | Attack::LostVotes
            )
        );
        if is_silence_alone && state.recovered > 0 {
            return Err(format!("{} headers had failed often, although peers were only silent", state.recovered));
        }
        Ok(())
    }
}
