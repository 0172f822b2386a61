//! Replacement of useless connections. At most [`CONNECTIONS_MAX`] peers are connected, and the address book may have
//! many more: without rotation, the first connected peers would occupy every connection for ever, useful or not.
//!
//! While the sync needs something, connections that were useless for a while end, the least useful first: peers that
//! serve nothing that is missing, then peers without a verified header, then peers whose last verified header is
//! oldest. These peers pause, longer each time, so that all others are dialled before them. A peer that delivers
//! headers stays connected.

use std::time::Duration;

use sorted::sort_short_by;

use super::*;

/// Time between two rotations. One or two of them end sixteen connections of an attacker; each builds a list of peers.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Time until a connection counts as useless while the sync is stalled: some round trips and the messages of a quorum.
const USELESS_AFTER_URGENT: Duration = Duration::from_secs(10);

/// The same while the sync makes progress.
const USELESS_AFTER: Duration = Duration::from_secs(30);

/// Connections that end in one rotation while the sync is stalled: half of all, so that the others continue.
const REPLACED_MAX_URGENT: usize = CONNECTIONS_MAX / 2;

/// The same while the sync makes progress.
const REPLACED_MAX: usize = 2;

/// First pause of a peer that made room; it doubles each time that the peer was useless.
const REST_FIRST: Duration = Duration::from_secs(60);

/// Longest such pause.
const REST_LONGEST: Duration = Duration::from_secs(600);

/// How urgently the sync needs other peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Not at all: the sync is done, paused, or waits for something that no peer has.
    Nothing,
    /// The sync makes progress; more peers may speed it up.
    More,
    /// The sync is stalled, or cannot complete.
    Urgent,
}

/// The current usefulness of a connected peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// The machine's id of the peer.
    pub peer: PeerId,
    /// Total number of its verified headers.
    pub headers: u64,
    /// Whether it claims to serve a missing block.
    pub serves_missing: bool,
}

impl AddressBook {
    /// When [`replace`](Self::replace) may have work; `None` while there is room, or no peer waits for a connection.
    pub fn next_look_at(&self) -> Option<Instant> {
        if self.busy() < CONNECTIONS_MAX {
            return None;
        }
        let (dial_at, _) = self.next_down()?;
        Some(dial_at.max(self.looked_at + LOOK_EVERY))
    }

    /// Ends the least useful connections, at most as many as peers wait; returns their peers. The driver closes them.
    pub fn replace(&mut self, now: Instant, need: Need, worth: &[Worth]) -> Vec<PeerId> {
        self.looked_at = now;
        let (after, most) = match need {
            Need::Nothing => return Vec::new(),
            Need::More => (USELESS_AFTER, REPLACED_MAX),
            Need::Urgent => (USELESS_AFTER_URGENT, REPLACED_MAX_URGENT),
        };
        let mut useless = Vec::new();
        for worth in worth {
            let Some(peer) = self.peers.get_mut(worth.peer.0 as usize) else { continue };
            let Link::Up { use_of, .. } = &mut peer.link else { continue };
            if worth.headers > peer.headers {
                peer.headers = worth.headers;
                use_of.useful_at = now;
                peer.rests = 0;
            }
            if now.saturating_since(use_of.useful_at) >= after {
                useless.push((worth.serves_missing, worth.headers > 0, use_of.useful_at, worth.peer));
            }
        }
        sort_short_by(&mut useless, Ord::cmp);
        let waiting = self.waiting(now);
        let ended: Vec<_> = useless.into_iter().map(|(.., peer)| peer).take(most.min(waiting)).collect();
        for peer in &ended {
            self.rest(now, *peer);
        }
        ended
    }

    /// Ends the connection of `peer` to make room; the peer is dialled again after a pause.
    pub(super) fn rest(&mut self, now: Instant, peer: PeerId) {
        let Some(known) = self.peers.get_mut(peer.0 as usize) else { return };
        let rest = (REST_FIRST * (1 << known.rests.min(8))).min(REST_LONGEST);
        known.rests = known.rests.saturating_add(1);
        self.give_up(now, peer, Some(now + rest), None, Ending::Ours);
    }

    /// Number of peers that would be dialled now if there were room.
    fn waiting(&self, now: Instant) -> usize {
        self.downs().filter(|(dial_at, _)| *dial_at <= now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use crate::message::PeerState;

    /// An address book with `peers` peers; the first sixteen are connected at second 1.
    fn full_book(peers: usize) -> (AddressBook, Vec<PeerId>) {
        let mut book = book_of(peers);
        let sessions: Vec<_> = std::iter::from_fn(|| book.due(at(0))).collect();
        assert_eq!(sessions.len(), CONNECTIONS_MAX.min(peers));
        for session in &sessions {
            assert!(book.greeted(at(1), *session, status(), &reached()));
        }
        (book, sessions.into_iter().map(|session| session.peer).collect())
    }

    fn worth(peer: PeerId, headers: u64, serves_missing: bool) -> Worth {
        Worth { peer, headers, serves_missing }
    }

    /// Closes the connections of `ended`, and connects every peer that is due.
    fn turn_over(book: &mut AddressBook, now: Instant, ended: &[PeerId]) -> Vec<PeerId> {
        for peer in ended {
            let dial = book.get(*peer).expect("known").dial;
            book.down(now, SessionKey { peer: *peer, dial });
        }
        let sessions: Vec<_> = std::iter::from_fn(|| book.due(now)).collect();
        for session in &sessions {
            assert!(book.greeted(now, *session, status(), &reached()));
        }
        sessions.into_iter().map(|session| session.peer).collect()
    }

    #[test]
    fn sixteen_useless_peers_do_not_starve_the_seventeenth() {
        let (mut book, connected) = full_book(17);
        let worths: Vec<_> = connected.iter().map(|peer| worth(*peer, 0, false)).collect();
        assert_eq!(book.replace(at(5), Need::Urgent, &worths), [], "each has some time to be of use");
        let ended = book.replace(at(12), Need::Urgent, &worths);
        assert_eq!(ended.len(), 1, "as many as wait");
        assert_eq!(turn_over(&mut book, at(12), &ended), [PeerId(16)]);
        assert_eq!(book.get(ended[0]).expect("known").state(), PeerState::Disconnected);
    }

    #[test]
    fn every_peer_is_connected_within_minutes() {
        let (mut book, mut connected) = full_book(256);
        let mut met: Vec<_> = connected.clone();
        let mut now = at(1);
        while met.len() < 256 {
            now = book.next_look_at().expect("others wait").max(now + LOOK_EVERY);
            let worths: Vec<_> = connected.iter().map(|peer| worth(*peer, 0, true)).collect();
            let ended = book.replace(now, Need::Urgent, &worths);
            let new = turn_over(&mut book, now, &ended);
            connected.retain(|peer| !ended.contains(peer));
            connected.extend(&new);
            met.extend(new.into_iter().filter(|peer| !met.contains(peer)).collect::<Vec<_>>());
            assert!(now < at(400), "{} of 256 by {now:?}", met.len());
        }
    }

    #[test]
    fn the_least_useful_goes_first_and_who_delivers_stays() {
        let (mut book, connected) = full_book(20);
        let (delivers, delivered, pruned) = (connected[0], connected[1], connected[2]);
        let worths = |headers| {
            let others = connected[3..].iter().map(|peer| worth(*peer, 0, true));
            let three = [worth(delivers, headers, true), worth(delivered, 50, true), worth(pruned, 0, false)];
            three.into_iter().chain(others).collect::<Vec<_>>()
        };
        book.replace(at(20), Need::More, &worths(10));
        let ended = book.replace(at(50), Need::More, &worths(20));
        assert_eq!(ended.len(), REPLACED_MAX);
        assert_eq!(ended[0], pruned, "it serves nothing that is missing");
        let ended = book.replace(at(55), Need::Urgent, &worths(30));
        assert!(!ended.contains(&delivers) && !ended.contains(&delivered), "{ended:?}");
    }

    #[test]
    fn no_connection_ends_when_nothing_is_missing_or_no_peer_waits() {
        let (mut book, connected) = full_book(17);
        let worths: Vec<_> = connected.iter().map(|peer| worth(*peer, 0, true)).collect();
        assert_eq!(book.replace(at(900), Need::Nothing, &worths), []);
        let (mut book, connected) = full_book(CONNECTIONS_MAX);
        let worths: Vec<_> = connected.iter().map(|peer| worth(*peer, 0, true)).collect();
        assert_eq!(book.next_look_at(), None);
        assert_eq!(book.replace(at(900), Need::Urgent, &worths), []);
    }

    #[test]
    fn a_peer_that_never_helps_rests_ever_longer() {
        let (mut book, connected) = full_book(1);
        let mut now = at(1);
        for rest in [60, 120, 240, 480, 600, 600] {
            book.rest(now, connected[0]);
            let dial = book.get(connected[0]).expect("known").dial;
            book.down(now, SessionKey { peer: connected[0], dial });
            let next = book.next_dial_at().expect("dialled again");
            assert_eq!(next, now + Duration::from_secs(rest));
            let session = book.due(next).expect("due");
            assert!(book.greeted(next, session, status(), &reached()));
            now = next;
        }
    }
}
