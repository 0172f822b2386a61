//! Peers of another network, and a target of another network.

use crate::support::{CHAIN_ID, Chain, TestPeer, World};
use header_rules::chain::ChainSpec;
use sync_core::{Input, PeerStatus, StallReason, SyncConfig, SyncTarget, fault::PeerFault, id::PeerId};

#[test]
fn a_peer_of_another_network_is_named_and_never_asked() {
    let chain = Chain::new(1_000);
    let mut world = World::new(chain.spec());
    world.close_banned = false;
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer { chain_id: 1, ..TestPeer::new(&chain) });
    assert!(matches!(world.penalized(1)[..], [PeerFault::WrongChain { got_chain: 1, expected_chain: CHAIN_ID, .. }]));
    assert!(world.is_banned(1));
    world.run_for(10);
    assert_eq!(world.stalls(), [StallReason::NoUsablePeer]);
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(world.peers[&1].served, 0);
}

#[test]
fn the_same_id_with_another_genesis_is_another_network() {
    let chain = Chain::new(1_000);
    let other = chain.fork(0, 1_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&other));
    assert!(world.is_banned(1));
}

#[test]
fn a_peer_that_does_not_know_its_genesis_is_of_this_network() {
    let chain = Chain::new(1_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    let peer = TestPeer::new(&chain).range(500, 999);
    let status = PeerStatus { genesis: None, ..peer.status() };
    world.peers.insert(1, TestPeer { connected: true, ..peer });
    world.input(Input::PeerConnected { peer: PeerId(1), status });
    assert_eq!(world.penalties, [], "unknown is no other genesis");
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(world.peers[&1].served > 0, "it serves what it has");

    let mut world = World::new(chain.spec());
    let status = PeerStatus { genesis: None, chain_id: 1, ..TestPeer::new(&chain).status() };
    world.input(Input::PeerConnected { peer: PeerId(1), status });
    assert!(matches!(world.penalized(1)[..], [PeerFault::WrongChain { got_chain: 1, got_genesis: None, .. }]));
}

#[test]
fn l06_a_target_that_descends_from_another_genesis_ends_the_sync() {
    let chain = Chain::new(1_000);
    let spec = ChainSpec::unknown(CHAIN_ID, crate::support::no_hash());
    let mut world = World::new(spec);
    world.target(SyncTarget::Hash(chain.tip().hash));
    // The peer claims the right genesis; what it serves says otherwise.
    let peer = TestPeer::new(&chain);
    let mut status = peer.status();
    status.genesis = Some(crate::support::no_hash());
    world.peers.insert(1, TestPeer { connected: true, ..peer });
    world.input(sync_core::Input::PeerConnected { peer: sync_core::id::PeerId(1), status });
    world.run_for(20);
    let expected = StallReason::WrongGenesis { got: chain.genesis(), expected: crate::support::no_hash() };
    assert_eq!(world.stalls(), [expected]);
    assert!(!world.is_synced());
    assert_eq!(world.penalties, [], "the target is wrong, not its messenger");
}

#[test]
fn a_target_of_another_network_leaves_nothing_behind_when_the_user_names_another() {
    let chain = Chain::new(2_000);
    let foreign = chain.fork(0, 2_200);
    let config = SyncConfig { window: 256, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::Hash(foreign.tip().hash));
    // It says that it is of our network.
    let peer = TestPeer::new(&foreign);
    let status = PeerStatus { genesis: Some(chain.genesis()), ..peer.status() };
    world.peers.insert(1, TestPeer { connected: true, ..peer });
    world.input(Input::PeerConnected { peer: PeerId(1), status });
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    assert!(world.store.batches > 0, "the upper part was stored before its genesis was known");
    assert_eq!(world.stalls(), [StallReason::WrongGenesis { got: foreign.genesis(), expected: chain.genesis() }]);
    world.run_for(5);
    assert!(world.store.rows.is_empty(), "{} headers of another network", world.store.rows.len());
    world.disconnect(1);
    world.target(SyncTarget::PeersTip);
    assert!(!world.is_synced(), "reported as synced to a chain that was reverted");
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn a_target_of_another_network_does_not_stand_in_the_way_of_the_one_that_was_named_since() {
    let chain = Chain::new(2_000);
    let foreign = chain.fork(0, 2_200);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(foreign.tip().hash));
    let peer = TestPeer::new(&foreign);
    let status = PeerStatus { genesis: Some(chain.genesis()), ..peer.status() };
    world.peers.insert(1, TestPeer { connected: true, ..peer });
    world.input(Input::PeerConnected { peer: PeerId(1), status });
    assert!(world.run_until(10, World::has_linked));
    // No peer has the new target yet: the old run goes on, down to its genesis.
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.run_for(20);
    assert!(world.stalls().iter().all(|stall| !matches!(stall, StallReason::WrongGenesis { .. })));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}
