//! Fairness: no fault but silence is ever held against a peer that did nothing wrong, and silence never bans. Where ways
//! are slow and lose nothing for good, not even silence: what is late comes. Of any peer one silence is one fault, however
//! many requests were open.
//!
//! A peer that prunes and says so late responses with nothing inside the range that it announced. The machine cannot
//! tell that from a false announcement, so one empty response may be held against it for each time that it pruned,
//! however many requests were on their way, and however many it gets until it has announced the new range; and never so
//! that it is banned.

use std::collections::BTreeMap;

use sync_core::{
    Output,
    fault::{PeerFault, Verdict},
};

use super::{Check, Checker};
use crate::{network::Micros, state::State};

#[derive(Debug, Default)]
pub(super) struct Fairness {
    /// Empty responses that were held against honest peers.
    empty: BTreeMap<u32, u32>,
    /// When a silence was held against a peer the last time.
    silent: BTreeMap<u32, Micros>,
}

impl Checker for Fairness {
    fn name(&self) -> &'static str {
        "fairness"
    }

    fn on_session(&mut self, _state: &State<'_>) -> Check {
        self.empty.clear();
        self.silent.clear();
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        let Output::Penalize { peer, fault, verdict } = output else { return Ok(()) };
        if matches!(fault, PeerFault::Timeout) && self.silent.insert(peer.0, state.now) == Some(state.now) {
            return Err(format!("{peer} is penalized twice for one silence"));
        }
        let Some(known) = state.peers.get(peer.0 as usize) else { return Err(format!("{peer} does not exist")) };
        let behavior = known.plan.behavior;
        if !behavior.is_honest() {
            return Ok(());
        }
        if *verdict == Verdict::Banned {
            return Err(format!("{peer} is banned, but it is honest ({behavior:?}): {fault}"));
        }
        match fault {
            PeerFault::Timeout if !state.options.slow_ways => Ok(()),
            PeerFault::EmptyResponse { .. } if known.prunes > 0 => {
                let count = self.empty.entry(peer.0).or_default();
                *count += 1;
                if *count <= known.prunes {
                    return Ok(());
                }
                Err(format!("{peer} pruned {} times and is penalized for {count} empty responses", known.prunes))
            }
            _ => Err(format!("{peer} is penalized, but it is honest ({behavior:?}): {fault}")),
        }
    }
}
