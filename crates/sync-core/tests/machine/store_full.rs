//! The store refuses: the sync stalls with the reason, loses nothing, and goes on by itself.

use crate::support::{Chain, TestPeer, World};
use sync_core::{Event, StallReason, SyncConfig, SyncTarget, fault::StoreFailure};

fn refused(failure: StoreFailure) -> (Chain, World) {
    let chain = Chain::new(6_000);
    let config = SyncConfig { window: 1_024, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.store.batches == 2));
    world.store.failing = Some(failure.clone());
    world.run_for(30);
    assert_eq!(world.stalls(), [StallReason::Store(failure)]);
    assert_eq!(world.store.batches, 2);
    (chain, world)
}

#[test]
fn full_then_freed() {
    let (chain, mut world) = refused(StoreFailure::Full);
    world.store.failing = None;
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.peers[&1].served, 6_000, "nothing was lost and asked for again");
    assert!(world.events.contains(&Event::Resumed));
    assert_eq!(world.penalties, []);
}

#[test]
fn any_other_failure_is_tried_again_too() {
    let (chain, mut world) = refused(StoreFailure::Other("transaction aborted".into()));
    world.store.failing = None;
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn a_slow_store_does_not_stop_the_download() {
    let chain = Chain::new(8_000);
    let config = SyncConfig { window: 1_024, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.store.delay_ms = 300;
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.peers[&1].served == 8_000));
    assert!(world.store.batches < 4, "the whole chain came while {} batches were written", world.store.batches);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}
