//! The address book as a script: dial, fail, dial again.

use alloy_primitives::B256;
use sync_core::ServedRange;

use super::*;

const CERTHASH: &str = "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g";
pub const ONE: &str = "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE";
pub const TWO: &str = "12D3KooWGRUVh3xLBnCfYbK1MRtvJxkS6JyQx6gxK8zL9cPRzGeo";

pub fn multiaddr(port: u16, identity: &str) -> String {
    format!("/ip4/127.0.0.1/udp/{port}/webrtc-direct/certhash/{CERTHASH}/p2p/{identity}")
}

pub fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn reached() -> Multiaddr {
    "/ip4/203.0.113.7/udp/4001".parse().expect("an address")
}

pub fn status() -> PeerStatus {
    let served = ServedRange { earliest: 0, latest: 9, latest_hash: B256::ZERO };
    PeerStatus { chain_id: 1, genesis: None, served }
}

fn book_of_one() -> AddressBook {
    let mut book = AddressBook::new(7);
    book.add(at(0), &multiaddr(4_001, ONE)).expect("a good address");
    book
}

#[test]
fn what_a_browser_cannot_dial_is_refused_with_the_reason() {
    let mut book = AddressBook::new(7);
    let good = multiaddr(4_001, ONE);
    let bad = [
        ("hello", "multiaddress"),
        (&good[..good.len() - 2], "multiaddress"),
        (&good[..good.len() - 57], "/p2p/"),
        ("/ip4/127.0.0.1/tcp/4001", "WebRTC-direct"),
        (&good.replace("/ip4/127.0.0.1", "/dns4/peer.example"), "WebRTC-direct"),
        (&good.replace("webrtc-direct", "quic-v1"), "WebRTC-direct"),
        (&good.replace("/udp/4001", "/udp/0"), "reached"),
        (&good.replace(&format!("/certhash/{CERTHASH}"), ""), "certhash"),
        (&good.replace(CERTHASH, "uEyDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g"), "SHA-256"),
    ];
    for (text, expected) in bad {
        match book.add(at(0), text) {
            Err(HostError::BadMultiaddr { reason, .. }) => assert!(reason.contains(expected), "{text}: {reason}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(book.iter().count(), 0);
}

#[test]
fn addresses_of_one_identity_are_merged_and_bounded() {
    let mut book = book_of_one();
    for port in [4_001, 4_002, 4_002, 4_003, 4_004, 4_005, 4_006] {
        assert_eq!(book.add(at(0), &multiaddr(port, ONE)).expect("a good address"), Added::Noted(PeerId(0)));
    }
    assert_eq!(book.iter().count(), 1);
    assert_eq!(book.get(PeerId(0)).expect("just added").addresses.len(), ADDRESSES_PER_PEER_MAX);
    assert_eq!(book.get(PeerId(0)).expect("just added").multiaddr(), multiaddr(4_006, ONE));
    assert_eq!(book.add(at(0), &multiaddr(4_001, TWO)).expect("a good address"), Added::Noted(PeerId(1)));
}

#[test]
fn a_peer_that_cannot_be_reached_is_dialled_again_for_ever() {
    let mut book = book_of_one();
    let mut now = at(0);
    for _ in 0..50 {
        let session = book.due(now).expect("due");
        assert_eq!(book.due(now), None, "dialled once at a time");
        book.down(now, session);
        assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Unreachable);
        let next = book.next_dial_at().expect("dialled again");
        assert!(next > now && next <= now + Duration::from_secs(8));
        now = next;
    }
    book.dial_all_now(now);
    assert!(book.due(now).is_some(), "a hint ends the pause");
}

#[test]
fn a_dead_connection_is_noticed_by_silence_and_one_sign_of_life_resets_it() {
    let mut book = book_of_one();
    let session = book.due(at(0)).expect("due");
    assert!(book.greeted(at(1), session, status(), &reached()));
    assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Connected);
    assert!(!book.timed_out(PeerId(0)));
    book.heard(session, None);
    assert!(!book.timed_out(PeerId(0)));
    assert!(book.timed_out(PeerId(0)), "two in a row");
    book.closing(at(20), PeerId(0));
    book.down(at(20), session);
    let next = book.next_dial_at().expect("dialled again");
    assert!(next <= at(21), "it was connected before, so it is dialled soon: {next:?}");
    let again = book.due(next).expect("due");
    assert_ne!(again, session);
    book.down(next, session);
    assert!(book.is_current(again), "what the old connection still says does not count");
}

#[test]
fn a_banned_peer_is_not_dialled_before_its_ban_is_over() {
    let mut book = book_of_one();
    let session = book.due(at(0)).expect("due");
    assert!(book.greeted(at(1), session, status(), &reached()));
    book.banned(at(2), PeerId(0), Duration::from_secs(600));
    book.down(at(3), session);
    assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Banned);
    book.dial_all_now(at(4));
    book.add(at(5), &multiaddr(4_009, ONE)).expect("a good address");
    assert_eq!(book.due(at(601)), None);
    assert!(book.due(at(602)).is_some());
}

#[test]
fn a_better_address_ends_the_dial_at_the_old_one() {
    let mut book = book_of_one();
    let session = book.due(at(0)).expect("due");
    assert_eq!(book.add(at(1), &multiaddr(4_001, ONE)).expect("a good address"), Added::Noted(PeerId(0)));
    assert_eq!(book.add(at(1), &multiaddr(4_002, ONE)).expect("a good address"), Added::Redial(PeerId(0)));
    book.down(at(1), session);
    assert!(book.next_dial_at().expect("dialled again") < at(2));
}

#[test]
fn connections_are_bounded() {
    let mut book = AddressBook::new(7);
    for _ in 0..=CONNECTIONS_MAX {
        let identity = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
        book.add(at(0), &multiaddr(4_001, &identity.to_string())).expect("a good address");
    }
    let sessions: Vec<_> = std::iter::from_fn(|| book.due(at(0))).collect();
    assert_eq!(sessions.len(), CONNECTIONS_MAX);
    assert_eq!(book.next_dial_at(), None);
    book.down(at(1), sessions[0]);
    assert!(book.due(at(1)).is_some(), "the next one has its turn");
}
