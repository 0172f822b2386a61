//! Sleep: time in which the host did not run is no fault of a peer. Right after it wakes no honest peer is penalized,
//! and no lack of progress is reported.
//!
//! Looked at in the worlds that are made for it, where honest peers serve before and after: elsewhere nothing may have
//! moved for long already when the host fell asleep.

use sync_core::{Event, Output, StallReason};

use super::{Check, Checker};
use crate::{
    attack::Attack,
    network::{MILLI, Micros, SECOND},
    state::State,
};

/// How long after it woke: far less than the thirty seconds after which a stall is one.
const WAKING: Micros = 5 * SECOND;

#[derive(Debug, Default)]
pub(super) struct Sleep;

impl Checker for Sleep {
    fn name(&self) -> &'static str {
        "sleep"
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        let kind = state.options.attack.as_ref().map(|attack| attack.kind);
        let (Some(Attack::Sleep), Some(since)) = (kind, state.now.checked_sub(state.wakes_at)) else { return Ok(()) };
        if state.wakes_at == 0 || since > WAKING {
            return Ok(());
        }
        let since = since / MILLI;
        match output {
            Output::Event(Event::Stalled(StallReason::NoProgress)) => {
                Err(format!("no progress is reported {since} ms after the host woke"))
            }
            Output::Penalize { peer, fault, .. } => {
                let honest = state.peers.get(peer.0 as usize).is_some_and(|known| known.plan.behavior.is_honest());
                if honest {
                    Err(format!("{peer} is penalized {since} ms after the host woke: {fault}"))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}
