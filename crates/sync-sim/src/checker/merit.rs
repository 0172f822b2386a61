//! Merit: in the end an honest peer whose link had no trouble has almost a full score, whatever other peers did.
//!
//! Fairness looks at each fault; silence is a fault that any peer may get. This looks at the sum: a peer whose link
//! lost nothing, was never cut and is quick enough has responded to everything in time, so at most a single silence of
//! it may be left in the end.

use super::{Check, Checker};
use crate::{network::MILLI, peer::SimPeer, script::Step, state::State};

/// An honest peer without trouble has at least so much: one silence costs 10.
const SCORE_MIN: u8 = 90;

/// One way, at most: far under any deadline.
const LATENCY_MAX: u64 = 150 * MILLI;
/// Bytes a millisecond, at least: a response of 48 KiB takes a tenth of a second.
const BYTES_PER_MILLI_MIN: u64 = 500;

#[derive(Debug, Default)]
pub(super) struct Merit;

impl Checker for Merit {
    fn name(&self) -> &'static str {
        "merit"
    }

    fn at_end(&mut self, state: &State<'_>) -> Check {
        for (id, score) in &state.scores {
            let Some(peer) = state.peers.get(*id as usize) else { continue };
            if *score < SCORE_MIN && is_without_trouble(state, *id, peer) {
                return Err(format!("peer {id} did nothing wrong and has a score of {score}"));
            }
        }
        Ok(())
    }
}

fn is_without_trouble(state: &State<'_>, id: u32, peer: &SimPeer) -> bool {
    // As it was drawn: the trouble of the link ended when the world became quiescent.
    let Some(plan) = state.options.peers.get(id as usize) else { return false };
    let link = &plan.link;
    let lost =
        link.loss_request_ppm + link.loss_response_ppm + link.broken_stream_ppm + link.reset_ppm + link.stall_ppm;
    let is_cut = |step: &Step| matches!(step, Step::Cut(mask, _) if mask >> (id % 64) & 1 == 1);
    plan.behavior.is_honest()
        && lost == 0
        && link.latency <= LATENCY_MAX
        && link.bytes_per_milli >= BYTES_PER_MILLI_MIN
        && plan.flaps.is_none()
        && peer.prunes == 0
        && !state.options.script.steps.iter().any(|(_, step)| is_cut(step))
}
