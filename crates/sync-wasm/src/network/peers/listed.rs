//! Peers of a peer list. A list is untrusted: an unusable entry is skipped and reported, and the others are added.

use sync_core::{id::PeerId, time::Instant};

use super::{Added, AddressBook};
use crate::error::HostError;

/// An entry of a peer list that was not added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedPeer {
    /// The entry.
    pub multiaddr: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Result of [`AddressBook::add_listed`].
#[derive(Debug, Default)]
pub struct AddedListed {
    /// Peers with a dial under way that does not include their new address ([`Added::Redial`]).
    pub redial: Vec<PeerId>,
    /// Entries that were not added.
    pub skipped: Vec<SkippedPeer>,
}

impl AddressBook {
    /// Adds the peers of a list, in its order, until the address book is full.
    pub fn add_listed(&mut self, now: Instant, multiaddrs: &[String]) -> AddedListed {
        let mut done = AddedListed::default();
        for multiaddr in multiaddrs {
            match self.add_from_list(now, multiaddr) {
                Ok(Added::Noted(_)) => {}
                Ok(Added::Redial(peer)) => done.redial.push(peer),
                Err(error) => done.skipped.push(SkippedPeer { multiaddr: multiaddr.clone(), reason: reason(error) }),
            }
        }
        done
    }
}

fn reason(error: HostError) -> String {
    match error {
        HostError::BadMultiaddr { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{ONE, TWO, at, multiaddr},
        *,
    };
    use crate::network::{PEERS_MAX, reach::Reach};

    #[test]
    fn a_bad_entry_is_skipped_with_its_reason_and_the_others_are_added() {
        let good = multiaddr(4_001, ONE);
        let bad = [
            (String::new(), "WebRTC-direct"),
            (good.replace("/ip4/127.0.0.1", "/dns4/peer.example"), "WebRTC-direct"),
            (good.split("/certhash").next().expect("a part").to_owned(), "certhash"),
            (good.split("/p2p").next().expect("a part").to_owned(), "/p2p/"),
            (format!("{good}/p2p-circuit"), "p2p-circuit"),
            ("/".repeat(4_000), "4000 bytes"),
        ];
        let mut list: Vec<String> = bad.iter().map(|(entry, _)| entry.clone()).collect();
        list.insert(0, good);
        list.push(multiaddr(4_002, TWO));
        let mut book = AddressBook::new(7);
        let added = book.add_listed(at(0), &list);
        assert_eq!(book.iter().count(), 2);
        assert_eq!(added.skipped.len(), bad.len());
        for (skipped, (entry, reason)) in added.skipped.iter().zip(&bad) {
            assert_eq!(&skipped.multiaddr, entry);
            assert!(skipped.reason.contains(reason), "{skipped:?}");
        }
    }

    #[test]
    fn a_list_longer_than_the_book_fills_it_and_the_rest_is_named() {
        let list: Vec<String> = (0..PEERS_MAX + 44)
            .map(|_| libp2p_identity::Keypair::generate_ed25519().public().to_peer_id())
            .map(|identity| multiaddr(4_001, &identity.to_string()))
            .collect();
        let mut book = AddressBook::new(7);
        book.add(at(0), &multiaddr(4_001, ONE)).expect("a good address");
        let added = book.add_listed(at(0), &list);
        assert_eq!(book.iter().count(), PEERS_MAX);
        assert_eq!(added.skipped.len(), 45);
        assert_eq!(added.skipped[44].multiaddr, list[299]);
        assert!(added.skipped[0].reason.contains("256"), "{:?}", added.skipped[0]);
    }

    #[test]
    fn a_listed_address_of_a_peer_that_is_being_dialled_is_dialled_anew() {
        let mut book = AddressBook::new(7).of_page(Reach::Loopback);
        book.add(at(0), &multiaddr(4_001, ONE)).expect("a good address");
        book.due(at(0)).expect("due");
        let added = book.add_listed(at(1), &[multiaddr(4_001, ONE), multiaddr(4_002, ONE)]);
        assert_eq!((added.redial, added.skipped), (vec![PeerId(0)], Vec::new()));
    }
}
