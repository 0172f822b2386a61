//! Numbers: a number that no chain has is never used, whichever peer names it: not as a target, not in a request, not
//! as what a peer serves.

use sync_core::{BlockNumHash, Event, Output, StallReason, StartBlock};

use super::{Check, Checker};
use crate::state::State;

/// Plausible numbers end here. The figure is the checker's own: one of the machine's could be wrong.
const END: u64 = 1 << 48;

#[derive(Debug, Default)]
pub(super) struct Numbers;

impl Checker for Numbers {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn on_output(&mut self, _state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Request(request) => match request.start {
                StartBlock::Number(number) => below_end(number, "a request"),
                StartBlock::Hash(_) => Ok(()),
            },
            Output::Event(Event::TargetResolved(BlockNumHash { number, .. })) => below_end(*number, "the target"),
            Output::Event(Event::Stalled(StallReason::TipsDisagree { claims, .. })) => {
                claims.iter().try_for_each(|claim| below_end(claim.tip.number, "a tip that peers disagree on"))
            }
            Output::Event(Event::Progress(progress)) => progress
                .peers
                .iter()
                .try_for_each(|peer| below_end(peer.served.latest.max(peer.served.earliest), "the range of a peer")),
            _ => Ok(()),
        }
    }
}

fn below_end(number: u64, what: &str) -> Check {
    if number < END { Ok(()) } else { Err(format!("{what} has number {number}, all that are plausible end at {END}")) }
}
