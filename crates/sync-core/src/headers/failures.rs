//! Failures of a piece of the plan: by which peers, how often, and when each may be asked for it again.

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
    /// The peer.
    pub peer: PeerId,
    /// Its failures of this piece; 0 when the piece was only reassigned.
    pub count: u32,
    /// It is not asked for the piece before.
    pub until: Instant,
}

/// The failures of one piece: their number, and the last [`FAILED_PEERS_PER_PIECE_MAX`] peers.
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

    /// Notes that `peer` did not respond in time: the same pause for the peer, no failure of the piece.
    pub fn pause(&mut self, peer: PeerId, now: Instant, first: Duration, longest: Duration) {
        let count = self.peers.iter().find(|failure| failure.peer == peer).map_or(0, |failure| failure.count) + 1;
        self.peers.retain(|failure| failure.peer != peer);
        self.keep(Failure { peer, count, until: now + doubled(first, count - 1, longest) });
    }

    fn keep(&mut self, failure: Failure) {
        if self.peers.len() == FAILED_PEERS_PER_PIECE_MAX {
            self.peers.remove(0);
        }
        self.peers.push(failure);
        debug_assert!(self.peers.len() <= FAILED_PEERS_PER_PIECE_MAX, "{} failures of one piece", self.peers.len());
    }

    /// Notes that the piece was reassigned from one peer to another. The first, whose response is outstanding, is not
    /// asked for it again before `until`.
    pub fn hand_over(&mut self, from: PeerId, until: Instant) {
        self.handed_over = self.handed_over.saturating_add(1);
        if let Some(known) = self.peers.iter_mut().find(|failure| failure.peer == from) {
            known.until = known.until.max(until);
        } else {
            self.keep(Failure { peer: from, count: 0, until });
        }
    }

    /// Notes that the connection to a peer ended while it had the piece, and that the peer has never sent a response.
    pub fn disappeared(&mut self) {
        self.handed_over = self.handed_over.saturating_add(1);
    }

    /// How often the piece was reassigned to a quicker peer, or lost with a connection.
    pub fn handed_over(&self) -> u32 {
        self.handed_over
    }

    /// The failures of the rest when a part of the piece was requested: the part may have caused them. One more failure
    /// escalates the rest again.
    pub(super) fn of_the_rest(&self) -> Self {
        Self { attempts: self.attempts.min(ESCALATE_AFTER), ..self.clone() }
    }

    /// The failures of two pieces that are asked for together: of each peer the longer pause.
    pub(super) fn joined_with(mut self, other: &Self) -> Self {
        for failure in &other.peers {
            if let Some(known) = self.peers.iter_mut().find(|known| known.peer == failure.peer) {
                known.count = known.count.max(failure.count);
                known.until = known.until.max(failure.until);
            } else if self.peers.len() < FAILED_PEERS_PER_PIECE_MAX {
                self.peers.push(*failure);
            }
        }
        self.attempts = self.attempts.max(other.attempts);
        self.handed_over = self.handed_over.max(other.handed_over);
        debug_assert!(self.peers.len() <= FAILED_PEERS_PER_PIECE_MAX, "{} failures of one piece", self.peers.len());
        self
    }

    /// May `peer` be asked now?
    pub fn allow(&self, peer: PeerId, now: Instant) -> bool {
        self.peers.iter().all(|failure| failure.peer != peer || failure.until <= now)
    }

    /// Did no peer fail the piece?
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Failures so far; silences are not counted.
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

    /// A slow peer is awaited as long as it usually takes, not ever longer: it failed nothing.
    #[test]
    fn u01_a_piece_that_was_handed_over_pauses_its_first_peer_once() {
        let mut failures = Failures::default();
        for _ in 0..8 {
            failures.hand_over(PeerId(1), Instant::from_millis(3_000));
        }
        assert_eq!((failures.handed_over(), failures.attempts()), (8, 0));
        assert!(!failures.allow(PeerId(1), Instant::from_millis(2_999)));
        assert!(failures.allow(PeerId(1), Instant::from_millis(3_000)));
    }

    #[test]
    fn failures_of_two_pieces_keep_the_longer_pause_of_each_peer() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(4));
        let (mut one, mut other) = (Failures::default(), Failures::default());
        one.note(PeerId(1), NOW, first, longest);
        other.note(PeerId(1), NOW, first, longest);
        other.note(PeerId(1), NOW, first, longest);
        other.note(PeerId(2), NOW, first, longest);
        let joined = one.joined_with(&other);
        assert_eq!(joined.attempts(), 3);
        assert!(
            !joined.allow(PeerId(1), Instant::from_millis(999)) && joined.allow(PeerId(1), Instant::from_millis(1_000))
        );
        assert!(joined.peers.iter().any(|failure| failure.peer == PeerId(2)));
    }
}
