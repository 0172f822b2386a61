//! Plan, requests and staging as one: each number of the gap is in exactly one of them, or is linked already.
//!
//! ```text
//!   unprocessed --borrow--> in flight --stage--> staged --take--> linked (lineage)
//!        ^                      |                   |
//!        +------- release <-----+-------------------+      failed, short, evicted
//! ```
//!
//! [`Downloader::check_invariant`] checks it; the machine calls it after every input in debug builds.

use alloc::vec::Vec;

use super::{
    failures::Failures,
    inbox::{Inbox, Response},
    plan::Plan,
    request::{Purpose, Requests},
    staging::{Staged, Staging},
};
use crate::id::PeerId;
use header_rules::range::{BlockNumber, BlockRange};

/// The download of one gap. See the [module](self).
#[derive(Debug)]
pub struct Downloader<R> {
    /// Numbers that are not requested.
    pub plan: Plan,
    /// Requests in flight, probes and votes included.
    pub requests: Requests,
    /// Responses that were not checked yet.
    pub inbox: Inbox,
    /// Responses that were checked and wait for the anchor.
    pub staging: Staging<R>,
}

impl<R> Default for Downloader<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Downloader<R> {
    /// No gap, no request.
    pub fn new() -> Self {
        Self { plan: Plan::new(), requests: Requests::default(), inbox: Inbox::default(), staging: Staging::default() }
    }

    /// Opens a gap; an earlier one must have been [closed](Self::close).
    pub fn open(&mut self, gap: BlockRange) {
        debug_assert!(self.plan.is_empty() && self.staging.is_empty(), "a gap is open");
        debug_assert!(!self.inbox.iter().any(Response::is_piece), "responses of an earlier gap wait");
        debug_assert!(self.requests.ranges().next().is_none(), "requests of an earlier gap are in flight");
        self.plan.release(gap, Failures::default());
    }

    /// Closes the gap: drops plan and staged runs. Late responses of its pieces are not used any more; the requests in
    /// flight are for the caller to cancel.
    pub fn close(&mut self) {
        self.plan.clear();
        self.staging.clear();
        self.requests.stop_using(|request| matches!(request.purpose, Purpose::Piece { .. }));
    }

    /// Stages the received part of a borrowed `piece`; the rest, below, is released to the plan without a failure.
    pub fn stage(
        &mut self,
        peer: PeerId,
        piece: BlockRange,
        failures: Failures,
        received: BlockRange,
        bytes: u64,
        run: R,
    ) {
        debug_assert!(
            received.last() == piece.last() && received.first() >= piece.first(),
            "{received} is no beginning of {piece}"
        );
        let (rest, _) = piece.without(received);
        if let Some(rest) = rest {
            self.plan.release(rest, Failures::default());
        }
        self.staging.insert(Staged { peer, range: received, bytes, failures, run });
    }

    /// Evicts staged runs until at most `bytes_max` are held: those of strangers (peers without verified headers)
    /// first, the lowest before the others; the one that begins at `keep` stays. Returns how many headers must be
    /// fetched again.
    pub fn shed(&mut self, bytes_max: u64, keep: BlockNumber, is_stranger: impl Fn(PeerId) -> bool) -> u64 {
        let mut headers = 0;
        let mut strangers = true;
        while self.staging.bytes() > bytes_max {
            let goes = |staged: &Staged<R>| staged.range.last() != keep && (!strangers || is_stranger(staged.peer));
            let Some(staged) = self.staging.evict_lowest(goes) else {
                if strangers {
                    strangers = false;
                    continue;
                }
                break;
            };
            headers += staged.range.len();
            self.plan.release(staged.range, staged.failures);
        }
        debug_assert!(
            self.staging.bytes() <= bytes_max || self.staging.runs() <= 1,
            "{} staged bytes of {bytes_max}, and not at the front alone",
            self.staging.bytes()
        );
        headers
    }

    /// Releases this peer's staged runs to the plan, if their highest number is `from` or higher.
    pub fn unstage_of(&mut self, peer: PeerId, from: BlockNumber) {
        for staged in self.staging.remove_of(peer, from) {
            self.plan.release(staged.range, staged.failures);
        }
    }

    /// Bytes staged and expected.
    pub fn bytes(&self) -> u64 {
        self.staging.bytes() + self.requests.bytes()
    }

    /// Is each number of `gap` in exactly one place? For tests and debug builds: it walks everything.
    pub fn check_invariant(&self, gap: BlockRange) -> bool {
        let came = self.inbox.iter().filter_map(|response| match response.request.purpose {
            Purpose::Piece { range, .. } => Some(range),
            _ => None,
        });
        let asked = self.plan.ranges().chain(self.requests.ranges());
        let mut runs: Vec<BlockRange> = asked.chain(came).chain(self.staging.ranges()).collect();
        runs.sort_unstable();
        let covers = runs.first().is_some_and(|run| run.first() == gap.first())
            && runs.last().is_some_and(|run| run.last() == gap.last());
        covers && runs.windows(2).all(|pair| pair[0].last().checked_add(1) == Some(pair[1].first()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u07_strangers_make_room_first_and_the_front_stays() {
        let mut downloader = Downloader::new();
        let run = |first, last| BlockRange::new(first, last).expect("rising");
        for (peer, first, last) in [(1, 0, 9), (2, 10, 19), (1, 20, 29), (2, 30, 39), (2, 40, 49)] {
            let range = run(first, last);
            downloader.stage(PeerId(peer), range, Failures::default(), range, 100, ());
        }
        let is_stranger = |peer: PeerId| peer == PeerId(2);
        assert_eq!(downloader.shed(400, 49, is_stranger), 10);
        assert_eq!(downloader.staging.ranges().collect::<Vec<_>>(), [run(40, 49), run(30, 39), run(20, 29), run(0, 9)]);
        assert_eq!(downloader.shed(250, 49, is_stranger), 20, "then the lowest of the others");
        assert_eq!(downloader.staging.ranges().collect::<Vec<_>>(), [run(40, 49), run(20, 29)]);
        assert_eq!(downloader.shed(0, 49, is_stranger), 10);
        assert_eq!(downloader.staging.bytes_of(PeerId(2)), 100, "the front stays");
        assert_eq!(downloader.staging.bytes_of(PeerId(1)), 0);
        assert!(downloader.check_invariant(run(0, 49)));
    }
}
