//! Numbers that are still to fetch: *unprocessed* runs, handed out from the top down.
//!
//! A run that a peer is asked for is *borrowed*: it leaves the plan. When the response is short, invalid or missing,
//! the rest is released to the plan and handed out first, because it is the highest. A run that a peer failed is
//! released as a piece of its own with the failure, so that another peer is asked first and the same peer only after a
//! pause that doubles.
//!
//! A piece that keeps failing is escalated ([`super::escalation`]): it is handed out before everything else, the
//! shortest first, in ever smaller parts.
//!
//! Bounded by construction: pieces are disjoint, and each was either never requested or once in flight. A malicious
//! peer that responds with one header at a time replaces a piece by one piece, never by two.
//!
//! ```text
//!  plan      [0 ................................ 9,999]
//!  borrow 80 [0 ...................... 9,919]            -> 9,920..=9,999 falling
//!  short     [0 ...................... 9,919] [9,920..=9,939]   60 came, the rest is first in line
//! ```

use core::cmp::Reverse;

use super::{Failures, escalation};
use crate::{id::PeerId, time::Instant};
use header_rules::range::{BlockNumber, BlockRange};
use sorted::{SortedMap, SortedSet};

#[derive(Clone, Debug)]
struct Piece {
    first: BlockNumber,
    failures: Failures,
}

/// Numbers that are not requested. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By highest number; disjoint.
    pieces: SortedMap<BlockNumber, Piece>,
    /// The pieces that are escalated, the shortest first, the highest of equals: length and highest number.
    escalated: SortedSet<(u64, Reverse<BlockNumber>)>,
}

impl Plan {
    /// An empty plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.escalated.clear();
    }

    /// Is there nothing left to ask for?
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The runs, from the top down.
    pub fn ranges(&self) -> impl Iterator<Item = BlockRange> + '_ {
        self.pieces.iter().rev().filter_map(|(last, piece)| BlockRange::new(piece.first, *last))
    }

    /// Headers that are escalated.
    pub fn escalated(&self) -> u64 {
        self.escalated.iter().map(|(len, _)| len).sum()
    }

    /// The failures of the piece that ends, above, at `last`.
    pub fn failures_at(&self, last: BlockNumber) -> Option<&Failures> {
        self.pieces.get(&last).map(|piece| &piece.failures)
    }

    /// Hands out at most `limit` numbers for `peer` to serve, at or above `at_or_above`, inside `served`, that the peer
    /// may be asked for now: of what is escalated the shortest piece, else the highest numbers.
    pub fn borrow(
        &mut self,
        peer: PeerId,
        served: BlockRange,
        at_or_above: BlockNumber,
        limit: u64,
        now: Instant,
    ) -> Option<(BlockRange, Failures)> {
        debug_assert!(limit > 0, "a request for nothing");
        let fits = |last: BlockNumber, piece: &Piece| {
            let whole = BlockRange::new(piece.first, last)?;
            let usable = whole.intersection(served)?;
            if usable.last() < at_or_above || !piece.failures.allow(peer, now) {
                return None;
            }
            let part = escalation::part(piece.failures.attempts(), limit);
            let first = usable.first().max(usable.last().saturating_sub(part - 1));
            Some((whole, piece.failures.clone(), BlockRange::new(first, usable.last())?))
        };
        let mut escalated =
            self.escalated.iter().filter_map(|(_, Reverse(last))| Some((*last, self.pieces.get(last)?)));
        let urgent = escalated.find_map(|(last, piece)| fits(last, piece));
        let (piece, failures, borrowed) = urgent.or_else(|| {
            let from_the_top = self.pieces.iter().rev().take_while(|(last, _)| **last >= at_or_above);
            from_the_top.map(|(last, piece)| (*last, piece)).find_map(|(last, piece)| fits(last, piece))
        })?;
        self.split_off(piece, borrowed, &failures.of_the_rest());
        let mut borrowed = (borrowed, failures);
        // Adjacent failed pieces below it are joined to it.
        while let Some(under) = borrowed.0.first().checked_sub(1)
            && let Some(piece) = self.pieces.get(&under)
            && !borrowed.1.is_empty()
            && !piece.failures.is_empty()
            && !escalation::is_due(borrowed.1.attempts().max(piece.failures.attempts()))
            && piece.failures.allow(peer, now)
            && let left @ 1.. = limit.saturating_sub(borrowed.0.len())
            && let Some(whole) = BlockRange::new(piece.first, under)
            && let Some(usable) = whole.intersection(served)
            && usable.last() == under
            && let Some(part) = BlockRange::new(usable.first().max(under.saturating_sub(left - 1)), under)
            && let Some(joined) = BlockRange::new(part.first(), borrowed.0.last())
        {
            let failures = piece.failures.clone();
            self.split_off(whole, part, &failures.of_the_rest());
            borrowed = (joined, borrowed.1.joined_with(&failures));
        }
        debug_assert!(borrowed.0.len() <= limit, "{} numbers for a request of {limit}", borrowed.0.len());
        debug_assert_eq!(served.intersection(borrowed.0), Some(borrowed.0), "a request for what the peer serves");
        Some(borrowed)
    }

    /// Hands out at most `limit` numbers for a peer on trial: the highest without a failure, inside `served` and at or
    /// below `from`; where there is none, the lowest. `None` while the front itself is in the plan: it goes first.
    pub fn borrow_untouched(
        &mut self,
        served: BlockRange,
        front: BlockNumber,
        from: BlockNumber,
        limit: u64,
    ) -> Option<(BlockRange, Failures)> {
        debug_assert!(limit > 0, "a trial request for nothing");
        debug_assert!(from <= front, "a trial at {from} starts above the front {front}");
        let waits = self.pieces.range(front..).next().is_some_and(|(_, piece)| piece.first <= front);
        if waits {
            return None;
        }
        let part = |last: BlockNumber, piece: &Piece| {
            let whole = BlockRange::new(piece.first, last).filter(|_| piece.failures.is_empty())?;
            let usable = whole.intersection(served)?;
            let lowest = usable.first().saturating_add(limit - 1).min(usable.last());
            let last = usable.last().min(from.max(lowest));
            Some((whole, BlockRange::new(usable.first().max(last.saturating_sub(limit - 1)), last)?))
        };
        let reached = |piece: &Piece| piece.first.saturating_add(limit - 1) <= from;
        let low =
            self.pieces.iter().rev().filter(|(_, piece)| reached(piece)).find_map(|(last, piece)| part(*last, piece));
        let (whole, borrowed) = low.or_else(|| self.pieces.iter().find_map(|(last, piece)| part(*last, piece)))?;
        self.split_off(whole, borrowed, &Failures::default());
        Some((borrowed, Failures::default()))
    }

    /// Takes a part out of a piece; the rest has these failures.
    fn split_off(&mut self, piece: BlockRange, part: BlockRange, failures: &Failures) {
        debug_assert_eq!(piece.intersection(part), Some(part), "a part of {piece}");
        debug_assert!(self.pieces.contains_key(&piece.last()), "{piece} is not in the plan");
        self.remove(piece.last());
        let (under, over) = piece.without(part);
        for rest in [under, over].into_iter().flatten() {
            self.insert(rest, failures.clone());
        }
    }

    /// Takes the numbers of a late response out of the plan: from the highest down, those that are not requested again.
    /// `None` when the highest is requested from another peer, or came already.
    pub fn take(&mut self, range: BlockRange) -> Option<(BlockRange, Failures)> {
        let (last, piece) = self.pieces.range(range.last()..).next()?;
        let whole = BlockRange::new(piece.first, *last)?;
        let mut taken = whole.intersection(range).filter(|part| part.last() == range.last())?;
        let mut failures = piece.failures.clone();
        self.split_off(whole, taken, &failures.of_the_rest());
        while let Some(under) = taken.first().checked_sub(1)
            && let Some(piece) = self.pieces.get(&under)
            && let Some(whole) = BlockRange::new(piece.first, under)
            && let Some(part) = whole.intersection(range)
            && let Some(joined) = BlockRange::new(part.first(), taken.last())
        {
            let below = piece.failures.clone();
            self.split_off(whole, part, &below.of_the_rest());
            failures = failures.joined_with(&below);
            taken = joined;
        }
        debug_assert_eq!(range.intersection(taken), Some(taken), "a part of {range}");
        debug_assert_eq!(taken.last(), range.last(), "the upper part of {range}");
        Some((taken, failures))
    }

    /// Adds numbers to the plan, for the first time or again. They must not be in the plan.
    pub fn release(&mut self, range: BlockRange, failures: Failures) {
        let mut range = range;
        if failures.is_empty() {
            // Adjacent pieces without failures are joined, so that the next request is a whole one.
            if let Some(under) = range.first().checked_sub(1)
                && let Some(piece) = self.pieces.get(&under)
                && piece.failures.is_empty()
            {
                range = BlockRange::new(piece.first, range.last()).unwrap_or(range);
                self.remove(under);
            }
            let over = self.pieces.range(range.last()..).next().map(|(last, piece)| (*last, piece));
            if let Some((last, piece)) = over
                && Some(piece.first) == range.last().checked_add(1)
                && piece.failures.is_empty()
            {
                range = BlockRange::new(range.first(), last).unwrap_or(range);
                self.remove(last);
            }
        }
        self.insert(range, failures);
    }

    /// The next moment at which a peer may be asked again for a piece that it failed.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        self.pieces.values().filter_map(|piece| piece.failures.next_wakeup(now)).min()
    }

    fn insert(&mut self, range: BlockRange, failures: Failures) {
        debug_assert!(
            self.pieces.range(range.first()..).next().is_none_or(|(_, next)| next.first > range.last()),
            "{range} is already in the plan"
        );
        if escalation::is_due(failures.attempts()) {
            self.escalated.insert((range.len(), Reverse(range.last())));
        }
        let twice = self.pieces.insert(range.last(), Piece { first: range.first(), failures });
        debug_assert!(twice.is_none(), "two pieces end at {}", range.last());
        debug_assert!(self.escalated.len() <= self.pieces.len(), "an escalated piece is not in the plan");
    }

    fn remove(&mut self, last: BlockNumber) {
        if let Some(piece) = self.pieces.remove(&last) {
            let len = BlockRange::new(piece.first, last).map_or(0, BlockRange::len);
            self.escalated.remove(&(len, Reverse(last)));
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;

    fn range(first: u64, last: u64) -> BlockRange {
        BlockRange::new(first, last).expect("first <= last in tests")
    }

    fn plan(first: u64, last: u64) -> Plan {
        let mut plan = Plan::new();
        plan.release(range(first, last), Failures::default());
        plan
    }

    const ALL: fn() -> BlockRange = || range(0, u64::MAX);
    const NOW: Instant = Instant::ZERO;

    #[test]
    fn h01_borrows_from_the_top_down() {
        let mut plan = plan(0, 99);
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(60, 99));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(20, 59));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(0, 19));
        assert!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).is_none());
        assert!(plan.is_empty());
    }

    /// The field has two queues, urgent before normal, and one of its clients serves the urgent one last in, first out.
    /// Here a released piece has its place by number, so the highest goes first, whenever it was released.
    #[test]
    fn n03_what_comes_back_is_first_in_line() {
        let mut plan = plan(0, 99);
        let (borrowed, failures) = plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work");
        plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work");
        plan.release(range(borrowed.first(), 69), failures.clone());
        plan.release(range(90, 99), failures);
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(90, 99));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(60, 69));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 40, NOW).expect("work").0, range(0, 19));
    }

    #[test]
    fn h01_h10_only_inside_the_served_range_and_consecutive() {
        let mut plan = plan(0, 99);
        assert_eq!(plan.borrow(PeerId(1), range(10, 49), 0, 20, NOW).expect("work").0, range(30, 49));
        assert_eq!(plan.ranges().collect::<Vec<_>>(), [range(50, 99), range(0, 29)]);
        assert!(plan.borrow(PeerId(1), range(200, 300), 0, 20, NOW).is_none());
        assert_eq!(plan.borrow(PeerId(2), ALL(), 90, 20, NOW).expect("work").0, range(80, 99));
        assert!(plan.borrow(PeerId(2), ALL(), 90, 20, NOW).is_none());
    }

    #[test]
    fn h02_a_failed_piece_goes_to_another_peer_and_waits_for_the_same() {
        let (malicious, honest) = (PeerId(1), PeerId(2));
        let mut plan = plan(0, 99);
        let (borrowed, mut failures) = plan.borrow(malicious, ALL(), 0, 40, NOW).expect("work");
        failures.note(malicious, NOW, Duration::from_millis(500), Duration::from_secs(16));
        plan.release(borrowed, failures);
        assert_eq!(plan.borrow(malicious, ALL(), 0, 40, NOW).expect("the next").0, range(20, 59));
        assert_eq!(plan.next_wakeup(NOW), Some(Instant::from_millis(500)));
        let mut later = plan.clone();
        assert_eq!(later.borrow(malicious, ALL(), 0, 40, Instant::from_millis(500)).expect("again").0, borrowed);
        assert_eq!(plan.borrow(honest, ALL(), 0, 40, NOW).expect("at once").0, borrowed);
    }

    fn failed(times: u32) -> Failures {
        let mut failures = Failures::default();
        for peer in 0..times {
            failures.note(PeerId(100 + peer), NOW, Duration::from_millis(500), Duration::from_secs(16));
        }
        failures
    }

    #[test]
    fn h04_h10_the_sixth_failure_escalates_and_the_shortest_goes_first_in_parts() {
        let mut plan = plan(1_000, 1_999);
        plan.release(range(0, 79), failed(5));
        assert_eq!(plan.escalated(), 0);
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 80, NOW).expect("the top").0, range(1_920, 1_999));
        plan.release(range(200, 279), failed(6));
        plan.release(range(300, 309), failed(7));
        assert_eq!(plan.escalated(), 90);
        // Far under the top, and still first: of the shorter piece a quarter, of the longer one half.
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 80, NOW).expect("urgent").0, range(300, 309));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 80, NOW).expect("urgent").0, range(240, 279));
        // Its rest may be good: one failure more, and it is escalated again.
        assert_eq!(plan.borrow(PeerId(1), ALL(), 0, 80, NOW).expect("the top").0, range(1_840, 1_919));
        let failures = plan.failures_at(239).expect("its rest").clone();
        assert_eq!(failures.attempts(), 5);
    }

    #[test]
    fn h04_an_escalated_piece_waits_for_the_peer_that_failed_it_and_obeys_the_lack_of_memory() {
        let mut plan = plan(1_000, 1_999);
        plan.release(range(0, 9), failed(6));
        let culprit = PeerId(105);
        assert_eq!(plan.borrow(culprit, ALL(), 0, 80, NOW).expect("another piece").0, range(1_920, 1_999));
        assert_eq!(plan.borrow(PeerId(1), ALL(), 1_919, 80, NOW).expect("only the front").0, range(1_840, 1_919));
        let later = Instant::from_millis(500);
        assert_eq!(plan.borrow(culprit, ALL(), 0, 80, later).expect("after its pause").0, range(0, 9));
    }

    /// A peer that fails one header after another by number must not make slower ones ask for them one by one.
    #[test]
    fn u01_failed_pieces_side_by_side_are_handed_out_together() {
        let (malicious, slow) = (PeerId(1), PeerId(2));
        let one_by_one = || {
            let mut plan = plan(0, 99);
            for number in (60..100).rev() {
                let (one, mut failures) = plan.borrow(malicious, range(number, number), 0, 1, NOW).expect("work");
                failures.note(malicious, NOW, Duration::from_millis(500), Duration::from_secs(16));
                plan.release(one, failures);
            }
            plan
        };
        let mut plan = one_by_one();
        assert_eq!(plan.borrow(malicious, ALL(), 0, 25, NOW).expect("what it did not fail").0, range(35, 59));
        let (together, failures) = plan.borrow(slow, ALL(), 0, 25, NOW).expect("work");
        assert_eq!(together, range(75, 99));
        assert!(!failures.allow(malicious, NOW) && failures.attempts() == 1);
        assert_eq!(plan.borrow(slow, range(63, 80), 0, 25, NOW).expect("what it serves").0, range(63, 74));
        assert_eq!(
            plan.borrow(slow, ALL(), 0, 25, NOW).expect("the rest, and nothing without a failure").0,
            range(60, 62)
        );
        // What is escalated stays alone: its bad part is sought.
        let mut plan = one_by_one();
        plan.take(range(99, 99)).expect("it is there");
        plan.release(range(99, 99), failed(6));
        assert_eq!(plan.borrow(slow, ALL(), 0, 25, NOW).expect("urgent").0, range(99, 99));
    }

    #[test]
    fn u01_of_what_came_late_the_part_is_taken_that_is_not_requested() {
        let mut plan = plan(0, 99);
        plan.borrow(PeerId(1), range(50, 69), 0, 20, NOW).expect("work");
        assert_eq!(plan.take(range(60, 89)).expect("the upper part").0, range(70, 89));
        assert!(plan.take(range(40, 69)).is_none(), "a peer is asked for its highest");
        assert_eq!(plan.take(range(40, 49)).expect("all of it").0, range(40, 49));
        assert_eq!(plan.ranges().collect::<Vec<_>>(), [range(90, 99), range(0, 39)]);
        let (piece, _) = plan.borrow(PeerId(1), range(30, 34), 0, 5, NOW).expect("work");
        plan.release(piece, failed(1));
        assert_eq!(plan.take(range(20, 39)).expect("over all the pieces").0, range(20, 39));
        assert_eq!(plan.ranges().collect::<Vec<_>>(), [range(90, 99), range(0, 19)]);
    }
}
