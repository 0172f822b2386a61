//! The chain was reorganised while nobody looked: what is stored is given up where it does not meet the target.

mod support;

use support::{Chain, TestPeer, World};
use sync_core::{Event, SyncConfig, SyncTarget};

fn synced(chain: &Chain) -> World {
    let config = SyncConfig { window: 1_024, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(chain));
    world.run_to_synced(60);
    world
}

fn moves_over(from: &Chain, to: &Chain) {
    let mut world = synced(from).reopened();
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(to));
    world.connect(2, TestPeer::new(to));
    world.run_to_synced(120);
    world.assert_stored(to, 0);
    assert_eq!(world.penalties, [], "an honest peer is not blamed for a reorg");
    assert!(world.events.iter().any(|event| matches!(event, Event::DetachedHead { .. })));
    assert!(world.events.iter().any(|event| matches!(event, Event::Reorg { .. })));
}

#[test]
fn of_one_block() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(2_999, 3_010));
}

#[test]
fn of_the_tip_itself_at_the_same_height() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(2_999, 3_000));
}

#[test]
fn of_many_blocks() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(500, 3_500));
}

#[test]
fn down_to_block_one() {
    let old = Chain::new(2_000);
    moves_over(&old, &old.fork(1, 2_500));
}

#[test]
fn with_a_new_part_longer_than_several_windows() {
    let old = Chain::new(1_500);
    moves_over(&old, &old.fork(1_400, 9_000));
}

#[test]
fn of_the_tip_while_the_page_is_open() {
    let old = Chain::new(2_000);
    let new = old.fork(1_995, 2_003);
    let mut world = synced(&old);
    world.peers.insert(1, TestPeer { connected: true, ..TestPeer::new(&new) });
    let served = world.peers[&1].served_range();
    world.input(sync_core::Input::PeerUpdated { peer: sync_core::id::PeerId(1), served });
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn what_waits_for_the_store_below_a_run_that_is_given_up_is_stored_before_the_checkpoint_speaks_of_it() {
    let chain = Chain::new(3_000);
    let config = SyncConfig { window: 256, batches_in_flight_max: 3, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.store.delay_ms = 2_000;
    world.target(SyncTarget::Hash(chain.at(2_000).hash));
    world.connect(1, TestPeer::new(&chain));
    // The store is slow: batches wait. The target moves up, the new run is begun, and the target moves down again.
    world.run_until(1, |world| world.events.iter().filter(|it| matches!(it, Event::HeadersLinked { .. })).count() > 12);
    world.target(SyncTarget::Hash(chain.tip().hash));
    assert!(world.run_until(1, |world| {
        world.events.iter().any(|event| matches!(event, Event::HeadersLinked { range, .. } if range.last() > 2_000))
    }));
    assert_eq!(world.store.batches, 0, "the first write is still on its way");
    world.target(SyncTarget::Hash(chain.at(1_500).hash));
    world.run_to_synced(60);
    assert_eq!(world.store.rows.range(..=1_500).count(), 1_501);
    // Each write was held against its checkpoint by the store of this test.
    assert!(world.events.iter().any(|event| matches!(event, Event::DetachedHead { .. })));
}
