//! Tests of the address book: dials, failures, back-off.

use alloy_primitives::B256;
use sync_core::ServedRange;

use super::*;
use crate::message::PeerState;

const CERTHASH: &str = "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g";
pub(crate) const ONE: &str = "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE";
pub(crate) const TWO: &str = "12D3KooWGRUVh3xLBnCfYbK1MRtvJxkS6JyQx6gxK8zL9cPRzGeo";

pub(crate) fn multiaddr(port: u16, identity: &str) -> String {
    format!("/ip4/127.0.0.1/udp/{port}/webrtc-direct/certhash/{CERTHASH}/p2p/{identity}")
}

pub(crate) fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

/// The same peer at a public address.
pub(crate) fn public(identity: &str) -> String {
    multiaddr(4_001, identity).replace("127.0.0.1", "203.0.113.7")
}

/// An address book with `peers` peers, all named by the page.
pub(crate) fn book_of(peers: usize) -> AddressBook {
    let mut book = AddressBook::new(7);
    for _ in 0..peers {
        let identity = libp2p_identity::Keypair::generate_ed25519().public().to_peer_id();
        book.add(at(0), &multiaddr(4_001, &identity.to_string())).expect("a good address");
    }
    book
}

pub(crate) fn reached() -> Multiaddr {
    "/ip4/203.0.113.7/udp/4001".parse().expect("an address")
}

pub(crate) fn status() -> PeerStatus {
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
    assert_eq!(book.addresses(PeerId(0)).len(), super::super::ADDRESSES_PER_PEER_MAX);
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
fn a_dead_connection_is_noticed_by_silence_and_only_a_response_resets_it() {
    let mut book = book_of_one();
    let session = book.due(at(0)).expect("due");
    assert!(book.greeted(at(1), session, status(), &reached()));
    assert_eq!(book.get(PeerId(0)).expect("known").state(), PeerState::Connected);
    assert!(!book.timed_out(PeerId(0)));
    book.responded(session);
    assert!(!book.timed_out(PeerId(0)));
    book.announced(session, ServedRange { earliest: 0, latest: 10, latest_hash: B256::ZERO });
    assert!(book.timed_out(PeerId(0)), "two in a row; an announcement is no response");
    book.silent(at(20), PeerId(0));
    book.down(at(20), session);
    let next = book.next_dial_at().expect("dialled again");
    assert!(next <= at(21), "it was of use before, so it is dialled soon: {next:?}");
    let again = book.due(next).expect("due");
    assert_ne!(again, session);
    book.down(next, session);
    assert!(book.is_current(again), "what the old connection still says does not count");
}

/// Connects, waits `secs` seconds, ends the connection by `end`; returns the pause until the next dial.
fn pause_after(
    book: &mut AddressBook,
    now: &mut Instant,
    secs: u64,
    end: impl Fn(&mut AddressBook, Instant, SessionKey),
) -> Duration {
    let session = book.due(*now).expect("due");
    assert!(book.greeted(*now, session, status(), &reached()));
    *now = *now + Duration::from_secs(secs);
    end(book, *now, session);
    book.down(*now, session);
    let next = book.next_dial_at().expect("dialled again");
    let pause = next.saturating_since(*now);
    *now = next;
    pause
}

#[test]
fn the_back_off_restarts_after_a_useful_connection_whichever_end_closes_it() {
    let day = 24 * 3_600;
    let (mut book, mut now) = (book_of_one(), at(0));
    for _ in 0..20 {
        let lost = pause_after(&mut book, &mut now, day, |_, _, _| {});
        let silent = pause_after(&mut book, &mut now, day, |book, now, session| {
            book.responded(session);
            book.silent(now, session.peer);
        });
        assert!(lost < Duration::from_secs(1) && silent < Duration::from_secs(1), "{lost:?} {silent:?}");
    }
}

#[test]
fn the_back_off_of_a_peer_that_breaks_the_protocol_or_never_responds_goes_on_growing() {
    let ends: [fn(&mut AddressBook, Instant, SessionKey); 2] = [
        |book, now, session| {
            book.responded(session);
            book.breached(now, session.peer);
        },
        |book, now, session| book.silent(now, session.peer),
    ];
    for end in ends {
        let (mut book, mut now) = (book_of_one(), at(0));
        let pauses: Vec<_> = (0..10).map(|_| pause_after(&mut book, &mut now, 60, end)).collect();
        assert!(pauses[9] >= Duration::from_secs(4), "{pauses:?}");
    }
}

#[test]
fn why_a_dial_failed_is_kept_until_the_peer_is_reached() {
    let mut book = book_of_one();
    let session = book.due(at(0)).expect("due");
    book.dial_failed(session, DialError::new(DialErrorCode::WrongCerthash, "another certificate"));
    book.down(at(1), session);
    let (peer, error) = book.dial_errors().next().expect("one");
    assert_eq!((peer.state(), error.code), (PeerState::Unreachable, DialErrorCode::WrongCerthash));
    let session = book.due(at(9)).expect("due");
    assert!(book.greeted(at(10), session, status(), &reached()));
    assert_eq!(book.dial_errors().count(), 0);
}

#[test]
fn identities_are_counted_not_addresses() {
    let addresses =
        [multiaddr(4_001, ONE), multiaddr(4_002, ONE), public(ONE), multiaddr(4_001, TWO), "nonsense".into()];
    assert_eq!(distinct_identities(addresses.iter().map(String::as_str)), 2);
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
    let mut book = book_of(CONNECTIONS_MAX + 1);
    let sessions: Vec<_> = std::iter::from_fn(|| book.due(at(0))).collect();
    assert_eq!(sessions.len(), CONNECTIONS_MAX);
    assert_eq!(book.due(at(1)), None);
    book.down(at(1), sessions[0]);
    assert!(book.due(at(1)).is_some(), "the next one has its turn");
}
