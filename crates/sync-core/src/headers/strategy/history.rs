//! The measured rate of each strategy, and the outcomes of recent requests.
//!
//! The rate of a strategy is the number of headers *verified* a second while it was in use, smoothed, and it is valid
//! for [`FRESH`]. Reliability counts the requests that ended in the last one to two spans of [`SPAN`].

use core::time::Duration;

use super::Strategy;
use crate::time::Instant;

/// Outcomes are counted in spans of this length.
pub const SPAN: Duration = Duration::from_secs(10);

/// After this time a measured rate is outdated.
pub const FRESH: Duration = Duration::from_secs(120);

/// How requests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// With headers that could be used.
    pub responded: u64,
    /// Without.
    pub failed: u64,
}

impl Outcomes {
    /// All of them.
    pub const fn ended(self) -> u64 {
        self.responded + self.failed
    }
}

/// What was measured. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct History {
    rates: [Option<(f64, Instant)>; Strategy::ALL.len()],
    current: Outcomes,
    last: Outcomes,
    since: Instant,
}

impl History {
    /// A request ended.
    pub fn ended(&mut self, now: Instant, responded: bool) {
        self.roll(now);
        if responded {
            self.current.responded += 1;
        } else {
            self.current.failed += 1;
        }
    }

    /// How requests ended lately.
    pub fn outcomes(&self, now: Instant) -> Outcomes {
        let mut rolled = self.clone();
        rolled.roll(now);
        Outcomes {
            responded: rolled.current.responded + rolled.last.responded,
            failed: rolled.current.failed + rolled.last.failed,
        }
    }

    /// What happened before counts no longer: another strategy begins.
    pub fn forget_outcomes(&mut self, now: Instant) {
        (self.current, self.last, self.since) = (Outcomes::default(), Outcomes::default(), now);
    }

    /// So many headers a second are verified with this strategy.
    pub fn measured(&mut self, now: Instant, strategy: Strategy, headers_per_second: f64) {
        debug_assert!(headers_per_second >= 0.0, "{headers_per_second} headers a second");
        let smoothed = match self.rate(now, strategy) {
            Some(before) => before * 0.75 + headers_per_second * 0.25,
            None => headers_per_second,
        };
        self.rates[strategy.index()] = Some((smoothed, now));
    }

    /// What the strategy brought when it was last used, headers a second; `None` when that is too long ago.
    pub fn rate(&self, now: Instant, strategy: Strategy) -> Option<f64> {
        let (rate, at) = self.rates[strategy.index()]?;
        (now.saturating_since(at) <= FRESH).then_some(rate)
    }

    fn roll(&mut self, now: Instant) {
        let passed = now.saturating_since(self.since);
        if passed >= SPAN {
            self.last = if passed >= SPAN * 2 { Outcomes::default() } else { self.current };
            (self.current, self.since) = (Outcomes::default(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_of_the_last_seconds() {
        let mut history = History::default();
        for second in 0..15 {
            history.ended(Instant::from_millis(second * 1_000), second % 2 == 0);
        }
        let now = Instant::from_millis(15_000);
        assert_eq!(history.outcomes(now), Outcomes { responded: 8, failed: 7 });
        assert_eq!(history.outcomes(Instant::from_millis(60_000)), Outcomes::default());
        history.forget_outcomes(now);
        assert_eq!(history.outcomes(now).ended(), 0);
    }

    #[test]
    fn rates_are_smoothed_and_age() {
        let mut history = History::default();
        assert_eq!(history.rate(Instant::ZERO, Strategy::Sequential), None);
        history.measured(Instant::ZERO, Strategy::Sequential, 100.0);
        history.measured(Instant::from_millis(1), Strategy::Sequential, 200.0);
        assert_eq!(history.rate(Instant::from_millis(1), Strategy::Sequential), Some(125.0));
        assert_eq!(history.rate(Instant::from_millis(1) + FRESH * 2, Strategy::Sequential), None);
    }
}
