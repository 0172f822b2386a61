//! Fairness: no fault but silence is ever held against a peer that did nothing wrong, and silence never bans. Where ways
//! are slow and lose nothing for good, not even silence: what is late comes.

use sync_core::{
    Output,
    fault::{PeerFault, Verdict},
};

use super::{Check, Checker};
use crate::state::State;

#[derive(Debug, Default)]
pub struct Fairness;

impl Checker for Fairness {
    fn name(&self) -> &'static str {
        "fairness"
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        let Output::Penalize { peer, fault, verdict } = output else { return Ok(()) };
        let Some(known) = state.peers.get(peer.0 as usize) else { return Err(format!("{peer} is nobody")) };
        let manner = known.plan.manner;
        if !manner.is_honest() {
            return Ok(());
        }
        if *verdict == Verdict::Banned {
            return Err(format!("{peer} is banned, but it is honest ({manner:?}): {fault}"));
        }
        match fault {
            PeerFault::Timeout if !state.options.slow_ways => Ok(()),
            _ => Err(format!("{peer} is blamed, but it is honest ({manner:?}): {fault}")),
        }
    }
}
