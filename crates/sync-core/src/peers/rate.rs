//! How much was verified a second, over the last seconds, in 24 bytes: what the current span holds, and of the span
//! before it the share that still lies in the window.

use core::time::Duration;

use crate::time::Instant;

/// Length of the window: a few responses of a slow peer, and short enough to notice that it stopped.
pub const RATE_SPAN: Duration = Duration::from_secs(5);

/// A rate over the last [`RATE_SPAN`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    since: Instant,
    current: u64,
    last: u64,
}

impl Rate {
    /// So much more.
    pub fn add(&mut self, now: Instant, count: u64) {
        *self = self.rolled(now);
        self.current = self.current.saturating_add(count);
    }

    /// How much a second.
    pub fn per_second(&self, now: Instant) -> f64 {
        let rolled = self.rolled(now);
        let into = now.saturating_since(rolled.since).as_secs_f64() / RATE_SPAN.as_secs_f64();
        (rolled.current as f64 + rolled.last as f64 * (1.0 - into.min(1.0))) / RATE_SPAN.as_secs_f64()
    }

    fn rolled(mut self, now: Instant) -> Self {
        let passed = now.saturating_since(self.since);
        if passed >= RATE_SPAN * 2 {
            self = Self { since: now, ..Self::default() };
        } else if passed >= RATE_SPAN {
            self = Self { since: self.since + RATE_SPAN, current: 0, last: self.current };
        }
        debug_assert!(now.saturating_since(self.since) < RATE_SPAN, "the current span is over");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut rate = Rate::default();
        for tick in 0..200 {
            rate.add(Instant::from_millis(tick * 100), 10);
        }
        let steady = rate.per_second(Instant::from_millis(19_900));
        assert!((95.0..=105.0).contains(&steady), "{steady}");
        let half = rate.per_second(Instant::from_millis(22_500));
        assert!((40.0..=60.0).contains(&half), "{half}");
        assert_eq!(rate.per_second(Instant::from_millis(40_000)), 0.0);
    }
}
