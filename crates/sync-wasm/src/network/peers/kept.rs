//! Persistence of the address book: maps the stored records of an earlier session to the peers of this one.
//!
//! A peer that the page names is matched by its identity; while it is banned it is not dialled. For a peer that the
//! page does not name (any more) only the record is restored, and the page does not see it. The [`SPARES_MAX`] best of
//! these, with verified headers, may be dialled as *spares*, if no other peer could be reached for [`SPARES_AFTER`],
//! and only if the driver allows it: a peer that the page no longer names must not influence the choice of the tip.

use super::*;
use crate::network::{PEERS_MAX, kept::KeptPeers};
use sync_core::{PeerBook, PeerRecord};

/// Stored peers that may be dialled when no other is reached. Four are enough to find a live one without many dials.
pub const SPARES_MAX: usize = 4;

/// Time without any connection after which spares are dialled: one dial that times out, and one more.
pub const SPARES_AFTER: Duration = Duration::from_secs(15);

/// Lowest score of a spare.
const SPARE_SCORE_MIN: u8 = 60;

impl AddressBook {
    /// The records to store: of every peer with a known address, without peers of another chain.
    pub fn keep(&self, book: PeerBook) -> KeptPeers {
        let kept = |record: PeerRecord| {
            let peer = self.get(record.peer).filter(|peer| peer.trouble != Some(Trouble::WrongChain))?;
            Some((peer.multiaddr(), record)).filter(|(multiaddr, _)| !multiaddr.is_empty())
        };
        KeptPeers { peers: book.peers.into_iter().filter_map(kept).collect(), banned_addresses: book.banned_addresses }
    }

    /// Restores the stored records, before any peer is dialled; returns them with the peer ids of this session.
    /// `spares`: whether peers that the page does not name may be dialled.
    pub fn restore(&mut self, now: Instant, kept: KeptPeers, spares: bool) -> PeerBook {
        self.alone_since = now;
        let mut book = PeerBook { peers: Vec::new(), banned_addresses: kept.banned_addresses };
        let mut candidates = Vec::new();
        for (multiaddr, record) in kept.peers.into_iter().take(PEERS_MAX) {
            // `KeptPeers::decode` accepts only valid multiaddresses.
            let Ok((identity, address)) = transport::parse(&multiaddr) else { continue };
            let index = self.index_of(identity).unwrap_or_else(|| {
                let index = self.push(now, identity, Role::Remembered);
                // The original source is not stored.
                self.peers[index].note_address(address, Source::List);
                index
            });
            let record = PeerRecord { peer: PeerId(index as u32), ..record };
            match book.banned_for(&record) {
                Some(left) => self.banned(now, record.peer, left),
                None if self.peers[index].role == Role::Remembered
                    && record.headers > 0
                    && record.score >= SPARE_SCORE_MIN =>
                {
                    candidates.push((record.score, record.headers, index));
                }
                None => {}
            }
            book.peers.push(record);
        }
        for _ in 0..if spares { SPARES_MAX } else { 0 } {
            // The best of the remaining candidates.
            let free = |(_, _, index): &&(u8, u64, usize)| self.peers[*index].role == Role::Remembered;
            let Some((_, _, index)) = candidates.iter().filter(free).max().copied() else { break };
            self.peers[index].role = Role::Spare;
        }
        book
    }

    /// Clears the troubles and faults of every peer; spares become remembered peers.
    pub fn forget(&mut self, now: Instant) {
        for peer in &mut self.peers {
            peer.trouble = None;
            peer.last_fault = None;
            if peer.role == Role::Spare {
                peer.role = Role::Remembered;
            }
            match &mut peer.link {
                Link::Closing { dial_at } => *dial_at = Some(now),
                _ => peer.dial_now(now),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use crate::message::PeerState;

    /// Records of two peers at one host; the first is banned.
    fn kept() -> KeptPeers {
        let mut book = AddressBook::new(7);
        let records = [(4_001, ONE, 0, 600), (4_002, TWO, 96, 0)].map(|(port, identity, score, banned)| {
            book.add(at(0), &multiaddr(port, identity)).expect("a good address");
            let session = book.due(at(0)).expect("due");
            let address = format!("/ip4/127.0.0.1/udp/{port}").parse().expect("an address");
            assert!(book.greeted(at(1), session, status(), &address));
            PeerRecord {
                peer: session.peer,
                address: book.get(session.peer).expect("known").place.clone(),
                score,
                faults: 1,
                headers: 500,
                banned_for: Duration::from_secs(banned),
                round_trip: None,
            }
        });
        let banned_addresses = vec![(records[0].address.clone().expect("reached"), Duration::from_secs(600))];
        book.keep(PeerBook { peers: records.to_vec(), banned_addresses })
    }

    #[test]
    fn a_ban_holds_in_the_next_session_whatever_the_order_of_the_peers() {
        let mut book = AddressBook::new(7);
        book.add(at(0), &multiaddr(4_002, TWO)).expect("a good address");
        book.add(at(0), &multiaddr(4_001, ONE)).expect("a good address");
        let machine = book.restore(at(5), kept(), false);
        let numbers: Vec<_> = machine.peers.iter().map(|record| (record.peer, record.score)).collect();
        assert_eq!(numbers, [(PeerId(1), 0), (PeerId(0), 96)], "each record found its peer");
        assert_eq!(book.get(PeerId(1)).expect("known").state(), PeerState::Banned);
        assert_eq!(book.due(at(6)).expect("the honest one").peer, PeerId(0), "a neighbour on the same host");
        book.dial_all_now(at(7));
        book.add(at(7), &multiaddr(4_009, ONE)).expect("a good address");
        assert_eq!(book.due(at(604)), None);
        assert_eq!(book.due(at(605)).expect("its ban is over").peer, PeerId(1));
    }

    #[test]
    fn a_peer_that_the_page_does_not_name_is_remembered_and_neither_shown_nor_dialled() {
        let mut book = AddressBook::new(7);
        assert_eq!(book.restore(at(0), kept(), false).peers.len(), 2);
        assert_eq!(book.next_dial_at(), None);
        assert!(book.iter().all(|(_, peer)| !peer.is_shown()));
        assert_eq!(book.no_peer(), NoPeer::Unreachable, "the page did not name the banned one");
        assert_eq!(book.add(at(1), &multiaddr(4_001, ONE)).expect("a good address"), Added::Noted(PeerId(0)));
        assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Banned, "named later, and still banned");
        assert!(book.get(PeerId(0)).expect("known").is_shown());
    }

    #[test]
    fn a_spare_is_dialled_when_no_other_peer_was_reached_for_a_while_and_never_a_banned_one() {
        let mut book = AddressBook::new(7).of_page(Reach::Loopback);
        let stranger = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
        book.add(at(0), &multiaddr(4_003, &stranger.to_string())).expect("a good address");
        book.restore(at(0), kept(), true);
        let named = book.due(at(0)).expect("due");
        assert_eq!(book.due(at(14)), None);
        let spare = book.due(at(0) + SPARES_AFTER).expect("no peer was reached");
        assert_eq!((named.peer, spare.peer), (PeerId(0), PeerId(2)));
        assert_eq!(book.due(at(500)), None, "the banned one is none");
        assert!(book.get(spare.peer).expect("known").is_shown());
        // It connects; when it disconnects, the time starts again.
        let address = "/ip4/127.0.0.1/udp/4002".parse().expect("an address");
        assert!(book.greeted(at(501), spare, status(), &address));
        book.silent(at(510), spare.peer);
        book.down(at(510), spare);
        assert_eq!(book.next_dial_at(), Some(at(510) + SPARES_AFTER));
    }

    #[test]
    fn spares_are_few() {
        let mut kept = kept();
        let (_, record) = kept.peers.remove(1);
        for _ in 0..20 {
            let identity = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
            kept.peers.push((multiaddr(4_001, &identity.to_string()), PeerRecord { address: None, ..record.clone() }));
        }
        let mut book = AddressBook::new(7).of_page(Reach::Loopback);
        book.restore(at(0), kept, true);
        assert_eq!(std::iter::from_fn(|| book.due(at(0) + SPARES_AFTER)).count(), SPARES_MAX);
    }

    #[test]
    fn a_full_memory_leaves_the_page_its_places() {
        let (_, record) = kept().peers.remove(1);
        let peers = (0..PEERS_MAX + 5).map(|_| {
            let identity = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
            (multiaddr(4_001, &identity.to_string()), record.clone())
        });
        let kept = KeptPeers { peers: peers.collect(), banned_addresses: Vec::new() };
        let first = kept.peers[0].0.clone();
        let mut book = AddressBook::new(7);
        assert_eq!(book.restore(at(0), kept, true).peers.len(), PEERS_MAX);
        for _ in 1..PEERS_MAX {
            let identity = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
            book.add(at(0), &multiaddr(4_001, &identity.to_string())).expect("there is room");
        }
        assert_eq!(book.add(at(0), &first).expect("the last place"), Added::Noted(PeerId(0)));
        let full = book.add(at(0), &multiaddr(4_001, ONE));
        assert_eq!(full, Err(HostError::TooManyPeers { limit: PEERS_MAX }));
    }

    #[test]
    fn a_peer_of_another_chain_is_not_kept_and_forgetting_frees_every_peer() {
        let mut book = AddressBook::new(7);
        book.add(at(0), &multiaddr(4_001, ONE)).expect("a good address");
        book.add(at(0), &multiaddr(4_002, TWO)).expect("a good address");
        let machine = book.restore(at(0), kept(), false);
        book.on_wrong_chain(at(1), PeerId(1));
        let again = book.keep(machine);
        assert_eq!(again.peers.len(), 1);
        assert_eq!(again.peers[0].0, multiaddr(4_001, ONE));
        assert_eq!(book.due(at(2)), None);
        book.forget(at(3));
        assert_eq!(std::iter::from_fn(|| book.due(at(3))).count(), 2);
        assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Dialing);
    }
}
