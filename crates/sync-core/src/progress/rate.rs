//! Rates over a sliding window, and the time left at such a rate.

use core::time::Duration;

use crate::time::Instant;

/// Over how long rates are taken: long enough to be steady, short enough to show a stall.
pub const RATE_WINDOW: Duration = Duration::from_secs(5);

/// Buckets that the window is kept in; one is a quarter of a second.
const RATE_BUCKETS: usize = 20;

/// Counts over a sliding window: what was added in the last [`RATE_WINDOW`], without keeping each addition.
#[derive(Clone, Debug)]
pub struct Meter {
    buckets: [u64; RATE_BUCKETS],
    /// Number of the bucket that is being filled, counted from the start of the host.
    at: u64,
    started: Option<Instant>,
    total: u64,
}

impl Meter {
    /// A meter that nothing was added to.
    pub const fn new() -> Self {
        Self { buckets: [0; RATE_BUCKETS], at: 0, started: None, total: 0 }
    }

    /// Adds `count` at `now`.
    pub fn add(&mut self, now: Instant, count: u64) {
        self.roll(Self::bucket(now));
        if self.started.is_none() {
            self.started = Some(now);
        }
        self.total += count;
        self.buckets[(self.at % RATE_BUCKETS as u64) as usize] += count;
    }

    /// Everything that was ever added.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// What was added a second, over the last seconds; 0 when that is nothing.
    pub fn per_second(&self, now: Instant) -> f64 {
        let Some(started) = self.started else { return 0.0 };
        let mut rolled = self.clone();
        rolled.roll(Self::bucket(now));
        // A meter that is younger than its window is divided by its age; one bucket at least, or the first addition would
        // be a rate without bounds.
        let age = now.saturating_since(started).clamp(RATE_WINDOW / RATE_BUCKETS as u32, RATE_WINDOW);
        rolled.buckets.iter().sum::<u64>() as f64 / age.as_secs_f64()
    }

    fn bucket(now: Instant) -> u64 {
        let width = (RATE_WINDOW / RATE_BUCKETS as u32).as_millis() as u64;
        now.since_start().as_millis() as u64 / width
    }

    fn roll(&mut self, to: u64) {
        if to >= self.at + RATE_BUCKETS as u64 {
            self.buckets = [0; RATE_BUCKETS];
            self.at = to;
        }
        while self.at < to {
            self.at += 1;
            self.buckets[(self.at % RATE_BUCKETS as u64) as usize] = 0;
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

/// Time left for `remaining` at so many a second; `None` while there is nothing to divide by.
pub fn eta(remaining: u64, per_second: f64) -> Option<Duration> {
    debug_assert!(per_second >= 0.0, "{per_second} headers a second");
    let seconds = remaining as f64 / per_second;
    // A hundred years is no forecast, and `Duration` panics on what it cannot hold.
    (per_second > 0.0 && seconds < 3.2e9).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_in_the_last_seconds() {
        let mut meter = Meter::new();
        assert_eq!(meter.per_second(Instant::from_millis(100)), 0.0);
        for tick in 0..100 {
            meter.add(Instant::from_millis(tick * 100), 50);
        }
        let rate = meter.per_second(Instant::from_millis(9_900));
        assert!((450.0..=550.0).contains(&rate), "{rate}");
        assert_eq!(meter.per_second(Instant::from_millis(60_000)), 0.0);
        assert_eq!(meter.total(), 5_000);
    }

    #[test]
    fn no_eta_without_a_rate() {
        assert_eq!(eta(100, 0.0), None);
        assert_eq!(eta(100, 50.0), Some(Duration::from_secs(2)));
        assert_eq!(eta(u64::MAX, 1e-9), None);
        assert_eq!(eta(0, 10.0), Some(Duration::ZERO));
    }
}
