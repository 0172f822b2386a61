//! How long to wait before a peer is dialled again.
//!
//! The pause doubles with each failure, from [`FIRST`] to [`LONGEST`], and to [`LONGEST_WHEN_ALONE`] while no peer is
//! connected: a sync without peers has nothing better to do, and a peer that restarts is found within seconds. Half of
//! each pause is chance, so that the clients of a restarted peer do not come back in one moment.

use std::time::Duration;

/// Pause after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// Longest pause while other peers are connected.
const LONGEST: Duration = Duration::from_secs(60);

/// Longest pause while no peer is connected: 450 dials an hour for each peer at most, each closed before the next.
const LONGEST_WHEN_ALONE: Duration = Duration::from_secs(8);

/// A connection that lasted so long was a success: the next failure is the first again.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Failures in a row of one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Starts over: the peer was reached, or there is reason to hope.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait now. `chance` is any number.
    pub(super) fn next(&mut self, alone: bool, chance: u64) -> Duration {
        let longest = if alone { LONGEST_WHEN_ALONE } else { LONGEST };
        // 2^16 times the first pause is far beyond the longest.
        let pause = (FIRST * (1 << self.failures.min(16))).min(longest);
        self.failures = self.failures.saturating_add(1);
        let half = pause / 2;
        half + half.mul_f64((chance % 1_024) as f64 / 1_024.0)
    }
}

/// A small generator for jitter (xorshift64): no secret depends on it.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..12).map(|_| backoff.next(false, 0)).collect();
        assert_eq!(pauses[0], FIRST / 2);
        assert_eq!(pauses[3], FIRST * 4);
        assert_eq!(pauses[11], LONGEST / 2);
        assert_eq!(backoff.next(true, 0), LONGEST_WHEN_ALONE / 2);
        backoff.reset();
        assert_eq!(backoff.next(false, 0), FIRST / 2);
    }

    #[test]
    fn half_of_a_pause_is_chance() {
        let mut chance = Chance::new(0);
        for _ in 0..100 {
            let pause = Backoff::default().next(false, chance.next());
            assert!(FIRST / 2 <= pause && pause < FIRST, "{pause:?}");
        }
    }
}
