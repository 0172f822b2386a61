//! What outlives a session: scores, bans, addresses; and bans that hold for an address.

use std::time::Duration;

use crate::support::{Behavior, Chain, TestPeer, World};
use proptest::prelude::*;
use sync_core::{
    HeaderSync, Input, PeerAddress, PeerBook, PeerRecord, SyncConfig, SyncTarget, config::PEERS_MAX, id::PeerId,
    time::Instant,
};

fn address(n: u32) -> PeerAddress {
    PeerAddress::new(format!("/ip4/10.0.0.{n}/udp/9000").into_bytes()).expect("short")
}

/// Two peers at two addresses; the first one lies and is banned.
fn after_an_invalid_response(chain: &Chain) -> World {
    let mut world = World::towards(chain);
    for id in 1..3 {
        world.input(Input::PeerAddress { peer: PeerId(id), address: address(id) });
    }
    world.connect(1, TestPeer::new(chain).behavior(Behavior::Garbage));
    world.connect(2, TestPeer::new(chain));
    world.run_to_synced(60);
    assert!(world.is_banned(1));
    world
}

#[test]
fn n09_a_ban_holds_for_the_address_and_ends() {
    let chain = Chain::new(3_000);
    let mut world = after_an_invalid_response(&chain);
    // The same place under a new key.
    let grown = chain.grown(500);
    world.disconnect(2);
    world.input(Input::PeerAddress { peer: PeerId(7), address: address(1) });
    world.events.clear();
    world.connect(7, TestPeer::new(&grown));
    world.target(SyncTarget::Hash(grown.tip().hash));
    let left = world.progress().peers.iter().find(|peer| peer.peer == PeerId(7)).expect("known").banned_for;
    let left = left.expect("while its address is banned").as_millis() as u64;
    assert!(left <= world.config.ban.as_millis() as u64);
    let before = world.now_ms;
    assert!(world.run_until(left / 1_000 + 60, |world| world.peers[&7].served > 0));
    assert!(world.now_ms >= before + left, "asked when the ban is over, and not before");
    world.run_to_synced(60);
    world.assert_stored(&grown, 0);
}

#[test]
fn n09_scores_and_bans_survive_a_restart() {
    let chain = Chain::new(3_000);
    let world = after_an_invalid_response(&chain);
    let book = world.machine.export_peers(world.now());
    let bytes = book.encode();
    let read = PeerBook::decode(&bytes);
    assert_eq!(read.peers.len(), 2);
    assert_eq!(read.peers[1].score, 100);
    assert_eq!(read.peers[1].headers, book.peers[1].headers);
    assert!(read.peers[0].banned_for > Duration::ZERO && read.peers[1].banned_for.is_zero());
    assert_eq!(read.banned_addresses.len(), 1);

    let mut next = World::new(chain.spec());
    next.machine.restore_peers(next.now(), &read);
    next.target(SyncTarget::Hash(chain.tip().hash));
    next.connect(1, TestPeer::new(&chain));
    // The malicious peer under another id, at its old address.
    next.input(Input::PeerAddress { peer: PeerId(5), address: address(1) });
    next.connect(5, TestPeer::new(&chain));
    assert_eq!(next.requests, []);
    assert_eq!((next.peers[&1].served, next.peers[&5].served), (0, 0));
    next.connect(2, TestPeer::new(&chain));
    next.run_to_synced(60);
    let again = next.machine.export_peers(next.now());
    let second = again.peers.iter().find(|record| record.peer == PeerId(2)).expect("known");
    assert_eq!(second.headers, book.peers[1].headers + 3_000, "its verified headers of before still count");
}

#[test]
fn a_record_is_found_by_its_address_under_another_id() {
    let chain = Chain::new(500);
    let record = PeerRecord {
        peer: PeerId(40),
        address: Some(address(3)),
        score: 41,
        faults: 9,
        headers: 77,
        banned_for: Duration::ZERO,
        round_trip: Some(Duration::from_millis(120)),
    };
    let mut machine = HeaderSync::new(SyncConfig::default(), chain.spec(), None);
    let now = Instant::from_millis(1);
    machine.restore_peers(now, &PeerBook { peers: vec![record], banned_addresses: vec![] });
    machine.handle_input(now, Input::PeerAddress { peer: PeerId(0), address: address(3) });
    machine.handle_input(now, Input::PeerConnected { peer: PeerId(0), status: TestPeer::new(&chain).status() });
    let book = machine.export_peers(now);
    assert_eq!(book.peers.len(), 1);
    assert_eq!((book.peers[0].peer, book.peers[0].score, book.peers[0].faults), (PeerId(0), 41, 9));
}

#[test]
fn a_damaged_book_is_empty_and_a_forged_one_bans_for_no_longer_than_a_ban() {
    let chain = Chain::new(2_000);
    let bytes = after_an_invalid_response(&chain).machine.export_peers(Instant::ZERO).encode();
    for cut in 0..bytes.len() {
        assert_eq!(PeerBook::decode(&bytes[..cut]), PeerBook::default());
    }
    assert_eq!(PeerBook::decode(&[&bytes[..], &[0]].concat()), PeerBook::default());
    let mut book = PeerBook::decode(&bytes);
    book.peers[0].banned_for = Duration::MAX;
    book.banned_addresses[0].1 = Duration::MAX;
    let forged = PeerBook::decode(&book.encode());
    let mut world = World::new(chain.spec());
    world.machine.restore_peers(world.now(), &forged);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.input(Input::PeerAddress { peer: PeerId(1), address: address(1) });
    world.connect(1, TestPeer::new(&chain));
    let ban = world.config.ban.as_secs();
    world.run_to_synced(ban + 60);
}

fn record(peer: u32, place: u32, score: u8, headers: u64) -> PeerRecord {
    let (address, faults, banned_for) = (Some(address(place)), 0, Duration::ZERO);
    PeerRecord { peer: PeerId(peer), address, score, faults, headers, banned_for, round_trip: None }
}

#[test]
fn a_record_is_not_replaced_by_that_of_a_neighbour_at_the_same_address() {
    let chain = Chain::new(500);
    let mut machine = HeaderSync::new(SyncConfig::default(), chain.spec(), None);
    let now = Instant::from_millis(1);
    let peers = vec![record(0, 3, 90, 70), record(1, 3, 41, 7)];
    machine.restore_peers(now, &PeerBook { peers, banned_addresses: vec![] });
    machine.handle_input(now, Input::PeerAddress { peer: PeerId(0), address: address(3) });
    let book = machine.export_peers(now);
    let scores: Vec<_> = book.peers.iter().map(|record| (record.peer.0, record.score, record.headers)).collect();
    assert_eq!(scores, [(0, 90, 70), (1, 41, 7)]);
}

#[test]
fn n09_a_ban_is_shorter_by_the_time_between_the_sessions() {
    let chain = Chain::new(3_000);
    let world = after_an_invalid_response(&chain);
    let mut book = world.machine.export_peers(world.now());
    let left = book.peers[0].banned_for;
    book.age(Duration::from_secs(60));
    assert_eq!(book.peers[0].banned_for, left - Duration::from_secs(60));
    assert_eq!(book.banned_for(&book.peers[0]), Some(book.peers[0].banned_for));
    assert_eq!(book.banned_for(&book.peers[1]), None);

    // Another peer at the banned address is banned before it connects.
    let mut machine = HeaderSync::new(SyncConfig::default(), chain.spec(), None);
    let neighbour = record(8, 1, 100, 5);
    assert!(book.banned_for(&neighbour).is_some());
    let now = Instant::from_millis(1);
    let banned_addresses = book.banned_addresses.clone();
    machine.restore_peers(now, &PeerBook { peers: vec![neighbour], banned_addresses });
    assert!(machine.progress(now).peers[0].banned_for.is_some());

    book.age(left);
    assert_eq!(book.banned_addresses, []);
    let mut machine = HeaderSync::new(SyncConfig::default(), chain.spec(), None);
    machine.restore_peers(now, &book);
    let freed = &machine.progress(now).peers[0];
    assert_eq!((freed.banned_for, freed.score), (None, 50), "as after a ban that ends in a session");
}

#[test]
fn another_chain_is_no_fault_that_bans_an_address() {
    let chain = Chain::new(1_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    for id in 1..3 {
        world.input(Input::PeerAddress { peer: PeerId(id), address: address(1) });
    }
    world.connect(1, TestPeer { chain_id: 77, ..TestPeer::new(&chain) });
    assert!(world.is_banned(1));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(world.machine.export_peers(world.now()).banned_addresses, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_book_or_an_empty_one(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let book = PeerBook::decode(&bytes);
        prop_assert!(book.peers.len() <= PEERS_MAX);
        if !book.peers.is_empty() {
            prop_assert_eq!(book.encode(), bytes);
        }
    }
}
