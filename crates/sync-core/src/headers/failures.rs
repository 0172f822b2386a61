//! Who failed a piece of the plan, and when each may be asked for it again.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    config::{ESCALATE_AFTER, FAILED_PEERS_PER_PIECE_MAX},
    id::PeerId,
    time::{Instant, doubled},
};

/// A peer that failed a piece, and when it may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who.
    pub peer: PeerId,
    /// How often.
    pub count: u32,
    /// Not before.
    pub until: Instant,
}

/// The failures of one piece: how many, and of the last [`FAILED_PEERS_PER_PIECE_MAX`] peers whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    peers: Vec<Failure>,
    attempts: u32,
    handed_over: u32,
}

impl Failures {
    /// Notes that `peer` failed the piece: it is not asked for it again for `first`, doubled for each earlier failure,
    /// at most `longest`.
    pub fn note(&mut self, peer: PeerId, now: Instant, first: Duration, longest: Duration) {
        self.pause(peer, now, first, longest);
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Notes that `peer` did not answer in time: the same pause for it. That says nothing of the piece.
    pub fn pause(&mut self, peer: PeerId, now: Instant, first: Duration, longest: Duration) {
        let count = self.peers.iter().find(|failure| failure.peer == peer).map_or(0, |failure| failure.count) + 1;
        self.peers.retain(|failure| failure.peer != peer);
        if self.peers.len() == FAILED_PEERS_PER_PIECE_MAX {
            self.peers.remove(0);
        }
        self.peers.push(Failure { peer, count, until: now + doubled(first, count - 1, longest) });
    }

    /// Notes that the piece was taken from one peer for another.
    pub fn note_handed_over(&mut self) {
        self.handed_over = self.handed_over.saturating_add(1);
    }

    /// How often it was taken from one peer for another.
    pub fn handed_over(&self) -> u32 {
        self.handed_over
    }

    /// Of what was left over when a part of the piece was asked for: the part may have been what failed. One more failure
    /// escalates it again.
    pub(super) fn of_the_rest(&self) -> Self {
        Self { attempts: self.attempts.min(ESCALATE_AFTER), ..self.clone() }
    }

    /// May `peer` be asked now?
    pub fn allow(&self, peer: PeerId, now: Instant) -> bool {
        self.peers.iter().all(|failure| failure.peer != peer || failure.until <= now)
    }

    /// Did this peer fail it?
    pub fn names(&self, peer: PeerId) -> bool {
        self.peers.iter().any(|failure| failure.peer == peer)
    }

    /// Did anybody fail it?
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How often it failed.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        self.peers.iter().map(|failure| failure.until).filter(|until| *until > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    #[test]
    fn h10_pauses_double_up_to_the_longest() {
        let mut failures = Failures::default();
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(4));
        for expected in [500, 1_000, 2_000, 4_000, 4_000] {
            failures.note(PeerId(1), NOW, first, longest);
            assert!(!failures.allow(PeerId(1), Instant::from_millis(expected - 1)));
            assert!(failures.allow(PeerId(1), Instant::from_millis(expected)));
        }
    }
}
