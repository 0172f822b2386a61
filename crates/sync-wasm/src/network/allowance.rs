//! Rate limit: a token bucket with a burst and a steady refill rate.

use std::time::Duration;

/// A token bucket. It starts full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    burst: u32,
    /// Time until one token is added.
    every: Duration,
    /// Time until the bucket is full again, as of `at`.
    used: Duration,
    at: Duration,
}

impl Allowance {
    /// `burst` tokens at once, and one more each `every`.
    pub(super) const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, used: Duration::ZERO, at: Duration::ZERO }
    }

    /// Takes `count` tokens at the time `now` (since any fixed time). `false` if there are fewer; then none is taken.
    pub(super) fn take(&mut self, now: Duration, count: u32) -> bool {
        self.refill(now);
        let used = self.used + self.every * count;
        let fits = used <= self.every * self.burst;
        if fits {
            self.used = used;
        }
        fits
    }

    /// The latest time at which `count` tokens are available. `count` must be at most `burst`.
    pub(super) fn ready_at(&self, count: u32) -> Duration {
        self.at + (self.used + self.every * count).saturating_sub(self.every * self.burst)
    }

    fn refill(&mut self, now: Duration) {
        self.used = self.used.saturating_sub(now.saturating_sub(self.at));
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_then_a_steady_rate() {
        let mut allowance = Allowance::new(3, SECOND);
        let taken = |allowance: &mut Allowance, now| (0..9).filter(|_| allowance.take(now, 1)).count();
        assert_eq!(taken(&mut allowance, SECOND * 5), 3);
        assert_eq!(allowance.ready_at(1), SECOND * 6);
        assert_eq!(taken(&mut allowance, SECOND * 6), 1);
        assert_eq!(taken(&mut allowance, SECOND * 8), 2);
        assert_eq!(taken(&mut allowance, SECOND * 900), 3, "an hour saves no more than a burst");
        assert_eq!(taken(&mut allowance, SECOND), 0, "time does not step back");
    }
}
