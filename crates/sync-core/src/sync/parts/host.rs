//! [`Host`]: when the host polls, and whether it overslept.

use core::time::Duration;

use crate::time::Instant;

/// When the host polled, when its wake-up is, and whether the user paused the sync.
#[derive(Debug, Default)]
pub struct Host {
    /// The moment that the last `Output::Timeout` named.
    promised: Option<Instant>,
    /// The last call came late by more than is tolerated.
    overslept: bool,
    polled_at: Instant,
    /// Nothing is downloaded.
    pub is_paused: bool,
}

impl Host {
    /// The host polls. `true` for the first poll at this moment.
    pub fn poll(&mut self, now: Instant) -> bool {
        core::mem::replace(&mut self.polled_at, now) != now
    }

    /// The moment of the last poll.
    pub fn polled_at(&self) -> Instant {
        self.polled_at
    }

    /// The host is told when to call again.
    pub fn promise(&mut self, at: Option<Instant>) {
        debug_assert!(at.is_none_or(|at| at > self.polled_at), "a timer ends at {at:?}, not after the poll");
        self.promised = at;
    }

    /// How long the host slept, if it was longer than `forgiven`, and whether it did so the last time too.
    pub fn overslept(&mut self, now: Instant, forgiven: Duration) -> Option<(Duration, bool)> {
        let slept = now.saturating_since(self.promised.take()?);
        let is_long = slept >= forgiven;
        let before = core::mem::replace(&mut self.overslept, is_long);
        is_long.then_some((slept, before))
    }
}
