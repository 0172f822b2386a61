//! The back-off between dials of a peer, and the budget of all dials.
//!
//! The pause doubles with each failure, from [`FIRST`] to [`LONGEST`], or only to [`LONGEST_WHEN_ALONE`] while no peer
//! is connected, so that a restarted peer is found within seconds. A peer that the page does not name itself and that
//! was never reached gets [`HOPEFUL_MAX`] such quick dials; then the pause grows to [`LONGEST_UNREACHED`], so that a
//! list of addresses cannot make a browser send packets to them for ever. Half of each pause is random, so that the
//! clients of a restarted peer do not reconnect all at once.
//!
//! All dials together have one budget ([`dials_in_all`]).

use std::time::Duration;

use super::{PEERS_MAX, allowance::Allowance};

/// Pause after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// Longest pause while other peers are connected.
const LONGEST: Duration = Duration::from_secs(60);

/// Longest pause while no peer is connected: at most 450 dials an hour for each peer, each closed before the next.
const LONGEST_WHEN_ALONE: Duration = Duration::from_secs(8);

/// Longest pause for a peer of a list that was never reached: six dials an hour.
const LONGEST_UNREACHED: Duration = Duration::from_secs(600);

/// Failures in a row after which a peer of a list that was never reached counts as absent.
const HOPEFUL_MAX: u32 = 8;

/// A connection of at least this duration counts as a success: it resets the back-off.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Most addresses dialled at once: each peer of a full address book once, and some again.
const DIALS_BURST: u32 = PEERS_MAX as u32 + 64;

/// Time between two dials when the burst is used up: 60 a minute in all.
const DIAL_EVERY: Duration = Duration::from_secs(1);

/// The dial budget of a session, counted in addresses.
pub(super) const fn dials_in_all() -> Allowance {
    Allowance::new(DIALS_BURST, DIAL_EVERY)
}

/// The inputs of the pause after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hope {
    /// No peer is connected.
    pub(super) alone: bool,
    /// The page names the peer itself, or it was reached before.
    pub(super) known: bool,
}

/// The back-off of one peer: its failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Resets the back-off: the peer was reached, or a quick dial may succeed.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether there was no failure since the last reset.
    pub(super) fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// Counts a failure; returns the pause. `chance` is a random number.
    pub(super) fn next(&mut self, hope: Hope, chance: u64) -> Duration {
        let longest = match hope {
            Hope { known: false, .. } if self.failures >= HOPEFUL_MAX => LONGEST_UNREACHED,
            Hope { alone: true, .. } => LONGEST_WHEN_ALONE,
            Hope { alone: false, .. } => LONGEST,
        };
        // 2^16 times the first pause is far above the longest.
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

    const NAMED: Hope = Hope { alone: false, known: true };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..12).map(|_| backoff.next(NAMED, 0)).collect();
        assert_eq!(pauses[0], FIRST / 2);
        assert_eq!(pauses[3], FIRST * 4);
        assert_eq!(pauses[11], LONGEST / 2);
        assert_eq!(backoff.next(Hope { alone: true, ..NAMED }, 0), LONGEST_WHEN_ALONE / 2);
        backoff.reset();
        assert_eq!(backoff.next(NAMED, 0), FIRST / 2);
    }

    #[test]
    fn a_listed_peer_that_never_answers_is_dialled_ever_less() {
        let mut backoff = Backoff::default();
        let listed = Hope { alone: true, known: false };
        let pauses: Vec<_> = (0..20).map(|_| backoff.next(listed, 0)).collect();
        assert_eq!(pauses[HOPEFUL_MAX as usize - 1], LONGEST_WHEN_ALONE / 2, "it may just be starting");
        assert_eq!(pauses[19], LONGEST_UNREACHED / 2);
        let first_hour: Duration = pauses.iter().sum();
        assert!(first_hour > Duration::from_secs(45 * 60), "{first_hour:?} for 20 dials");
    }

    #[test]
    fn half_of_a_pause_is_chance() {
        let mut chance = Chance::new(0);
        for _ in 0..100 {
            let pause = Backoff::default().next(NAMED, chance.next());
            assert!(FIRST / 2 <= pause && pause < FIRST, "{pause:?}");
        }
    }
}
