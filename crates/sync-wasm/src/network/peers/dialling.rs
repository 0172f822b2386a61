//! The next peer to dial, and whether there is room.
//!
//! Peers are dialled in the order of their due times, so a new peer comes before one that failed. While no peer is
//! connected, a slow dial does not delay the other peers: another one starts in parallel, and if there is no room for
//! that, the oldest first dial is cancelled. So one live peer among dead ones is found in some twenty seconds.

use std::time::Duration;

use sorted::sort_short_by;

use super::*;
use crate::network::ADDRESSES_DIALLED_MAX;

/// Time after which a dial is slow: while no peer is connected, another one starts in parallel. A successful dial takes
/// some 100 ms on a good link, and a second on a long one.
const SLOW_DIAL: Duration = Duration::from_millis(1_500);

/// Time after which a first dial is cancelled, if no peer is connected, there is no room for another dial, and others
/// wait. The peer's next dial has the full time ([`super::DIAL_TIMEOUT`]).
const FIRST_DIAL_MAX: Duration = Duration::from_secs(4);

impl AddressBook {
    /// The next peer to dial, if one is due and there is room. It counts as being dialled from now on.
    pub fn due(&mut self, now: Instant) -> Option<SessionKey> {
        if self.next_dial_at()? > now {
            return None;
        }
        let (_, index) = self.next_down()?;
        let addresses = self.addresses_of(index);
        if !self.dials.take(now.since_start(), addresses) {
            return None;
        }
        let peer = &mut self.peers[index];
        peer.link = Link::Dialing { since: now };
        peer.dial = peer.dial.wrapping_add(1);
        peer.timeouts = 0;
        Some(SessionKey { peer: PeerId(index as u32), dial: peer.dial })
    }

    /// The addresses of a peer that this page may dial.
    pub fn addresses(&self, peer: PeerId) -> Vec<Multiaddr> {
        self.get(peer).map(|peer| peer.dialable(self.page).cloned().collect()).unwrap_or_default()
    }

    /// When to call [`due`](Self::due) again; `None`: not before another event.
    pub fn next_dial_at(&self) -> Option<Instant> {
        let (dial_at, index) = self.next_down()?;
        let addresses = self.addresses_of(index);
        let budget_at = Instant::ZERO + self.dials.ready_at(addresses);
        Some(dial_at.max(self.room_at(addresses)?).max(budget_at))
    }

    /// From when there is room for one more dial, with `addresses` addresses; `None` if another dial must end first.
    fn room_at(&self, addresses: u32) -> Option<Instant> {
        let dialled: u32 = self.dialing().map(|(_, index)| self.addresses_of(index)).sum();
        if dialled + addresses > ADDRESSES_DIALLED_MAX as u32 {
            return None;
        }
        let surplus = (self.busy() + 1).saturating_sub(CONNECTIONS_MAX);
        if surplus == 0 {
            return Some(Instant::ZERO);
        }
        if self.connected() > 0 {
            return None;
        }
        // As many dials as exceed the limit must be slow; slow dials do not count.
        let mut begun: Vec<_> = self.dialing().map(|(since, _)| since).collect();
        sort_short_by(&mut begun, Ord::cmp);
        begun.get(surplus - 1).map(|since| *since + SLOW_DIAL)
    }

    /// A dial to cancel for other peers that wait ([`FIRST_DIAL_MAX`]). The driver ends it.
    pub fn give_up_slow_dial(&mut self, now: Instant) -> Option<PeerId> {
        let (since, index) = self.slow_dial()?;
        let waits = self.next_down().is_some_and(|(dial_at, _)| dial_at <= now);
        if !waits || since + FIRST_DIAL_MAX > now {
            return None;
        }
        let peer = &mut self.peers[index];
        peer.link = Link::Closing { dial_at: None };
        peer.trouble = Some(Trouble::Unreachable);
        peer.last_dial_error = Some(DialError::given_up());
        Some(PeerId(index as u32))
    }

    /// When [`give_up_slow_dial`](Self::give_up_slow_dial) may return a dial.
    pub fn next_slow_dial_at(&self) -> Option<Instant> {
        let (since, _) = self.slow_dial()?;
        let (dial_at, _) = self.next_down()?;
        Some(dial_at.max(since + FIRST_DIAL_MAX))
    }

    /// The oldest first dial, if there is no room for another dial.
    fn slow_dial(&self) -> Option<(Instant, usize)> {
        let (_, next) = self.next_down()?;
        if self.connected() > 0 || self.room_at(self.addresses_of(next)).is_some() {
            return None;
        }
        self.dialing().filter(|(_, index)| self.peers[*index].backoff.is_fresh()).min()
    }

    pub(super) fn next_down(&self) -> Option<(Instant, usize)> {
        self.downs().min()
    }

    /// Peers that may be dialled, and from when.
    pub(super) fn downs(&self) -> impl Iterator<Item = (Instant, usize)> {
        let spares_from = (self.connected() == 0).then_some(self.alone_since + SPARES_AFTER);
        let downs = self.peers.iter().enumerate().filter_map(move |(index, peer)| match (&peer.link, peer.role) {
            (Link::Down { dial_at }, Role::Named) => Some((*dial_at, index)),
            (Link::Down { dial_at }, Role::Spare) => Some(((*dial_at).max(spares_from?), index)),
            _ => None,
        });
        downs.filter(|(_, index)| self.peers[*index].dialable(self.page).next().is_some())
    }

    /// Dials under way, with their start times.
    fn dialing(&self) -> impl Iterator<Item = (Instant, usize)> {
        self.peers.iter().enumerate().filter_map(|(index, peer)| match peer.link {
            Link::Dialing { since } => Some((since, index)),
            _ => None,
        })
    }

    pub(super) fn busy(&self) -> usize {
        self.peers.iter().filter(|peer| peer.is_busy()).count()
    }

    /// Number of addresses of a dial of this peer, at most [`super::ADDRESSES_PER_PEER_MAX`].
    fn addresses_of(&self, index: usize) -> u32 {
        self.peers[index].dialable(self.page).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use crate::message::PeerState;

    /// Advances the clock like the driver while no peer responds; returns when `wanted` was dialled.
    fn dial_until(book: &mut AddressBook, wanted: PeerId) -> Instant {
        let mut under_way: Vec<(Instant, SessionKey)> = Vec::new();
        let mut now = at(0);
        loop {
            while let Some(session) = book.due(now) {
                if session.peer == wanted {
                    return now;
                }
                under_way.push((now + crate::network::DIAL_TIMEOUT, session));
            }
            assert!(under_way.len() <= ADDRESSES_DIALLED_MAX, "{}", under_way.len());
            if let Some(given_up) = book.give_up_slow_dial(now) {
                let ended = under_way.iter().position(|(_, session)| session.peer == given_up).expect("it was dialled");
                book.down(now, under_way.remove(ended).1);
                continue;
            }
            let over = under_way.iter().map(|(over, _)| *over).min();
            let next =
                [book.next_dial_at(), book.next_slow_dial_at(), over].into_iter().flatten().min().expect("it goes on");
            assert!(next >= now && (next > now || over == Some(now)), "no step is taken twice: {next:?} at {now:?}");
            now = next;
            while let Some(ended) = under_way.iter().position(|(over, _)| *over <= now) {
                book.down(now, under_way.remove(ended).1);
            }
        }
    }

    #[test]
    fn one_that_lives_among_255_dead_peers_is_dialled_within_half_a_minute() {
        let mut book = book_of(256);
        let found = dial_until(&mut book, PeerId(255));
        assert!(found < at(30), "{found:?}");
    }

    #[test]
    fn quick_dials_are_as_many_as_there_may_be_connections() {
        let mut book = book_of(100);
        let sessions: Vec<_> = std::iter::from_fn(|| book.due(at(0))).collect();
        assert_eq!(sessions.len(), CONNECTIONS_MAX);
        assert_eq!(book.next_dial_at(), Some(at(0) + SLOW_DIAL), "those that are slow are counted no more then");
        assert!(book.greeted(at(1), sessions[0], status(), &reached()));
        assert_eq!(book.next_dial_at(), None, "somebody is connected: no hurry");
        assert_eq!(book.give_up_slow_dial(at(20)), None);
    }

    #[test]
    fn more_answers_than_places_are_sent_away_for_a_while() {
        let mut book = book_of(40);
        let mut sessions: Vec<_> = std::iter::from_fn(|| book.due(at(0))).collect();
        sessions.extend(std::iter::from_fn(|| book.due(at(2))));
        assert_eq!(sessions.len(), 2 * CONNECTIONS_MAX);
        let greeted = sessions.iter().filter(|session| book.greeted(at(3), **session, status(), &reached())).count();
        assert_eq!((greeted, book.connected()), (CONNECTIONS_MAX, CONNECTIONS_MAX));
        let surplus = sessions[CONNECTIONS_MAX];
        book.down(at(4), surplus);
        assert_eq!(book.get(surplus.peer).expect("known").state(), PeerState::Disconnected);
    }

    #[test]
    fn all_dials_together_have_a_budget() {
        let mut book = book_of(256);
        let mut dials = 0;
        let mut now = at(0);
        while now < at(3_600) {
            while let Some(session) = book.due(now) {
                dials += 1;
                // Refused at once: the fastest possible rate of dials.
                book.down(now, session);
            }
            now = book.next_dial_at().expect("for ever");
        }
        assert!(dials <= 320 + 3_600, "{dials} dials in an hour");
    }

    #[test]
    fn a_list_cannot_make_a_browser_knock_for_ever() {
        let mut book = AddressBook::new(7);
        book.add_from_list(at(0), &public(ONE)).expect("a good address");
        let (mut dials, mut now) = (0, at(0));
        while now < at(24 * 3_600) {
            let session = book.due(now).expect("due");
            dials += 1;
            book.down(now + crate::network::DIAL_TIMEOUT, session);
            // The page reads the list every 15 s; a known address causes no dial.
            book.add_from_list(now + crate::network::DIAL_TIMEOUT, &public(ONE)).expect("a good address");
            now = book.next_dial_at().expect("dialled again");
        }
        assert!((100..400).contains(&dials), "{dials} dials a day");
    }

    #[test]
    fn a_list_names_nothing_nearer_than_the_page() {
        for (page, dialled) in [(Reach::Public, false), (Reach::Private, false), (Reach::Loopback, true)] {
            let mut book = AddressBook::new(7).of_page(page);
            book.add_from_list(at(0), &multiaddr(4_001, ONE)).expect("a good address");
            assert_eq!(book.due(at(0)).is_some(), dialled, "{page:?}");
            let peer = book.get(PeerId(0)).expect("known");
            let code = peer.last_dial_error.as_ref().map(|error| error.code);
            assert_eq!(code, (!dialled).then_some(DialErrorCode::NotDialable));
            if !dialled {
                assert_eq!(peer.state(), PeerState::Unreachable);
                assert_eq!(book.next_dial_at(), None);
                book.dial_all_now(at(1));
                assert_eq!(book.due(at(1)), None, "nor by a hint");
                // The page itself may name the address.
                book.add(at(2), &multiaddr(4_001, ONE)).expect("a good address");
                assert!(book.due(at(2)).is_some());
                assert_eq!(book.get(PeerId(0)).expect("known").last_dial_error, None);
            }
        }
    }

    #[test]
    fn of_several_addresses_only_those_that_may_be_are_dialled() {
        let mut book = AddressBook::new(7);
        book.add_from_list(at(0), &multiaddr(4_001, ONE)).expect("a good address");
        book.add_from_list(at(0), &public(ONE)).expect("a good address");
        book.due(at(0)).expect("one may be dialled");
        let dialled: Vec<_> = book.addresses(PeerId(0)).iter().map(ToString::to_string).collect();
        assert_eq!(dialled.len(), 1);
        assert!(dialled[0].starts_with("/ip4/203.0.113.7/"), "{dialled:?}");
    }
}
