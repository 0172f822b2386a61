//! Peers that serve a part of the chain.

use crate::support::{Chain, TestPeer, World};
use sync_core::{StallReason, StartBlock, SyncConfig, SyncTarget};

/// A chain whose lowest served number is unknown.
fn without_bounds(chain: &Chain) -> World {
    let config = SyncConfig { floor_may_rise: true, ..SyncConfig::default() };
    World::with(chain.spec(), config, Default::default())
}

#[test]
fn p07_a_floor_that_may_rise_is_the_lowest_block_that_peers_serve() {
    let chain = Chain::new(4_000);
    let mut world = without_bounds(&chain);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).range(1_500, 3_999));
    world.connect(2, TestPeer::new(&chain).range(2_500, 3_999));
    world.run_to_synced(60);
    world.assert_stored(&chain, 1_500);
    assert_eq!(world.penalties, []);
    for request in &world.requests {
        let StartBlock::Number(start) = request.start else { continue };
        let lowest = start + 1 - u64::from(request.limit);
        assert!(lowest >= if request.peer.0 == 1 { 1_500 } else { 2_500 }, "{request:?}");
    }
}

#[test]
fn a_peer_with_more_below_lowers_the_floor_later() {
    let chain = Chain::new(4_000);
    let mut world = without_bounds(&chain);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).range(1_500, 3_999));
    world.run_to_synced(60);
    world.events.clear();
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(world.peers[&1].served + world.peers[&2].served <= 4_000);
}

#[test]
fn the_hosts_own_floor() {
    let chain = Chain::new(4_000);
    let config = SyncConfig { floor: 3_000, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 3_000);
}

#[test]
fn no_peer_left_that_serves_the_rest() {
    let chain = Chain::new(4_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).range(2_000, 3_999));
    world.connect(2, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
    assert!(world.run_until(60, |world| world.progress().staged > 100));
    world.disconnect(2);
    world.run_for(20);
    assert!(
        matches!(world.stalls()[..], [StallReason::RangeUnavailable(range)] if range.last() == 1_999),
        "{:?}",
        world.stalls()
    );
    world.reconnect(2);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn p07_peers_that_serve_complementary_parts() {
    let chain = Chain::new(4_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).range(0, 1_700));
    world.connect(2, TestPeer::new(&chain).range(1_600, 3_999));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}
