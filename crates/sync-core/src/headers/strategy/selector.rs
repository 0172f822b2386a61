//! Which strategy is in use, and when it changes: causes that force a change, and the hysteresis that keeps the machine
//! from swinging.
//!
//! * **By hash, because it must.** More than half of the peers have another block under the front's number, or the
//!   front is escalated. Changes at once; lasts at least one *dwell*. When no peer has the hash either, it ends at once
//!   and is not tried again for a dwell.
//! * **By hash, because the gap is short** ([`SHORT_GAP_HEADERS`]): one request fetches it whole, and its response cannot
//!   be of another branch. Ends with the gap.
//! * **Concurrent** otherwise. It comes back when the cause is over and a dwell has passed.
//!
//! A cause that returns soon after its end doubles the dwell, up to [`DWELL_MAX`]; a steady time resets it. So a
//! malicious peer can provoke at most one change in a dwell, and less and less often.
//!
//! For one peer with a tiny round trip asking by hash is *not* chosen by itself: two requests in flight hide the time
//! of verification, and one does not.

use core::time::Duration;

use super::{Strategy, StrategyReason};
use crate::{headers::escalation, time::Instant};
use header_rules::range::BlockNumber;

/// The shortest time that a strategy lasts, unless its cause forbids it.
pub const DWELL_START: Duration = Duration::from_secs(5);

/// The longest dwell.
pub const DWELL_MAX: Duration = Duration::from_secs(80);

/// A gap of at most so many headers is short; one that was taken for short stays so up to twice as many.
pub const SHORT_GAP_HEADERS: u64 = 32;

/// What the selector sees of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Number of the front.
    pub front: BlockNumber,
    /// Headers of the gap when it was opened.
    pub gap: u64,
    /// Usable peers that say they serve the front.
    pub peers: usize,
    /// Of these, peers that were found to have another block there.
    pub disagreeing: usize,
    /// No peer that could be asked for the front by its hash has it.
    pub hash_unknown: bool,
    /// How often the range at the front failed.
    pub front_failures: u32,
}

/// The choice. See the [module](self).
#[derive(Clone, Debug)]
pub struct Selector {
    current: Strategy,
    /// For a short gap only.
    short: bool,
    since: Instant,
    /// When it last went back to the usual one.
    steady_since: Option<Instant>,
    dwell: Duration,
    /// By hash is not chosen before.
    by_hash_from: Instant,
}

impl Default for Selector {
    fn default() -> Self {
        Self {
            current: Strategy::default(),
            short: false,
            since: Instant::ZERO,
            steady_since: None,
            dwell: DWELL_START,
            by_hash_from: Instant::ZERO,
        }
    }
}

impl Selector {
    /// The strategy in use.
    pub fn current(&self) -> Strategy {
        self.current
    }

    /// When the choice may change although nothing happens.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        let dwelt = (self.current != Strategy::Concurrent).then(|| self.since + self.dwell);
        [dwelt, Some(self.by_hash_from)].into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Looks at the world; returns the new strategy and why, when it changes.
    pub fn decide(&mut self, now: Instant, view: &View) -> Option<(Strategy, StrategyReason)> {
        debug_assert!(view.disagreeing <= view.peers, "{} of {} peers disagree", view.disagreeing, view.peers);
        if view.hash_unknown && self.current == Strategy::ByHash {
            self.by_hash_from = now + self.dwell;
        }
        let (to, why) = self.next(now, view)?;
        debug_assert!(to != self.current, "a change to the same");
        let short = matches!(why, StrategyReason::ShortGap { .. });
        if !(short || self.short) {
            if to == Strategy::Concurrent {
                self.steady_since = Some(now);
            } else {
                // A cause that comes back soon: it will do so again.
                let soon = self.steady_since.is_some_and(|at| now.saturating_since(at) < self.dwell * 4);
                self.dwell = if soon { (self.dwell * 2).min(DWELL_MAX) } else { DWELL_START };
            }
        }
        debug_assert!((DWELL_START..=DWELL_MAX).contains(&self.dwell), "a dwell of {:?}", self.dwell);
        (self.current, self.short, self.since) = (to, short, now);
        Some((to, why))
    }

    fn next(&self, now: Instant, view: &View) -> Option<(Strategy, StrategyReason)> {
        if let Some(why) = self.needs_hash(now, view) {
            return (self.current != Strategy::ByHash).then_some((Strategy::ByHash, why));
        }
        match self.current {
            Strategy::Concurrent => None,
            Strategy::ByHash => {
                let over = self.short || view.hash_unknown || now.saturating_since(self.since) >= self.dwell;
                over.then_some((Strategy::Concurrent, StrategyReason::CauseOver))
            }
        }
    }

    fn needs_hash(&self, now: Instant, view: &View) -> Option<StrategyReason> {
        if view.hash_unknown || now < self.by_hash_from {
            return None;
        }
        let View { front: number, disagreeing, peers, front_failures: failures, gap: headers, .. } = *view;
        let short = if self.short { 2 * SHORT_GAP_HEADERS } else { SHORT_GAP_HEADERS };
        if disagreeing * 2 > peers {
            Some(StrategyReason::PeersDisagree { number, disagreeing, peers })
        } else if escalation::is_due(failures) {
            Some(StrategyReason::FrontFails { number, failures })
        } else if headers <= short {
            Some(StrategyReason::ShortGap { headers })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(1_000_000 + seconds * 1_000)
    }

    const STEADY: View =
        View { front: 9_999, gap: 10_000, peers: 3, disagreeing: 0, hash_unknown: false, front_failures: 0 };

    #[test]
    fn calm_weather_changes_nothing() {
        let mut selector = Selector::default();
        for second in 0..600 {
            assert_eq!(selector.decide(at(second), &STEADY), None);
        }
    }

    #[test]
    fn peers_that_disagree_are_asked_by_hash_for_a_dwell_that_doubles_when_they_do_it_again() {
        let split = View { disagreeing: 2, ..STEADY };
        let mut selector = Selector::default();
        let (to, why) = selector.decide(at(0), &split).expect("a change");
        assert_eq!(to, Strategy::ByHash);
        assert_eq!(why, StrategyReason::PeersDisagree { number: 9_999, disagreeing: 2, peers: 3 });
        assert_eq!(selector.decide(at(1), &STEADY), None, "sticky");
        assert_eq!(selector.decide(at(5), &STEADY), Some((Strategy::Concurrent, StrategyReason::CauseOver)));
        assert!(selector.decide(at(6), &split).is_some());
        assert_eq!(selector.decide(at(12), &STEADY), None, "the dwell has doubled");
        assert!(selector.decide(at(16), &STEADY).is_some());
        // Steady for long: the next cause is new.
        assert!(selector.decide(at(400), &split).is_some());
        assert!(selector.decide(at(405), &STEADY).is_some());
    }

    #[test]
    fn a_lone_dissenter_changes_nothing() {
        assert_eq!(Selector::default().decide(at(0), &View { disagreeing: 1, ..STEADY }), None);
        assert_eq!(Selector::default().decide(at(0), &View { peers: 2, disagreeing: 1, ..STEADY }), None);
    }

    #[test]
    fn a_hash_that_no_peer_knows_is_no_way() {
        let split = View { disagreeing: 3, ..STEADY };
        let mut selector = Selector::default();
        assert!(selector.decide(at(0), &split).is_some());
        let unknown = View { hash_unknown: true, ..split };
        assert_eq!(selector.decide(at(1), &unknown), Some((Strategy::Concurrent, StrategyReason::CauseOver)));
        assert_eq!(selector.decide(at(2), &split), None, "not again at once");
        assert!(selector.decide(at(20), &split).is_some());
    }

    #[test]
    fn a_short_gap_is_one_request_and_leaves_no_trace() {
        let mut selector = Selector::default();
        let short = View { gap: 1, ..STEADY };
        let change = selector.decide(at(0), &short);
        assert_eq!(change, Some((Strategy::ByHash, StrategyReason::ShortGap { headers: 1 })));
        assert_eq!(selector.decide(at(0), &View { gap: 2 * SHORT_GAP_HEADERS, ..STEADY }), None, "hysteresis");
        assert_eq!(selector.decide(at(0), &STEADY), Some((Strategy::Concurrent, StrategyReason::CauseOver)));
    }

    #[test]
    fn the_front_that_keeps_failing_is_asked_for_by_hash() {
        let mut selector = Selector::default();
        assert_eq!(selector.decide(at(0), &View { front_failures: 5, ..STEADY }), None);
        let (to, why) = selector.decide(at(0), &View { front_failures: 6, ..STEADY }).expect("a change");
        assert_eq!((to, why), (Strategy::ByHash, StrategyReason::FrontFails { number: 9_999, failures: 6 }));
    }
}
