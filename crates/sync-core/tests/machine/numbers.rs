//! Numbers that no chain has, from wherever they come: no panic, and a sync that goes on without them.

use std::time::Duration;

use crate::support::{CHAIN_ID, Chain, TestPeer, TestStore, World, no_hash};
use alloy_primitives::B256;
use header_rules::{range::BLOCK_NUMBER_END, range::BlockRange};
use sync_core::{
    Checkpoint, Input, PeerAddress, ServedRange, StallReason, Subchain, SyncConfig, SyncTarget,
    headers::{Failures, plan::Plan},
    id::PeerId,
    peers::{PeerBook, PeerRecord},
};

fn synced(chain: &Chain, config: SyncConfig) -> World {
    let mut world = World::with(chain.spec(), config, TestStore::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(chain));
    world.run_to_synced(120);
    world
}

#[test]
fn u14_a_lone_peer_with_the_highest_number_is_penalized_and_changes_nothing() {
    let chain = Chain::new(300);
    for latest in [u64::MAX, BLOCK_NUMBER_END] {
        let mut world = World::new(chain.spec());
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer::new(&chain).range(0, 0));
        let served = ServedRange { earliest: 0, latest, latest_hash: no_hash() };
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
        world.run_for(10);
        assert_eq!(world.penalized(1).len(), 1);
        world.connect(2, TestPeer::new(&chain));
        world.run_to_synced(60);
        assert_eq!(world.progress().percent, 100.0);
    }
}

#[test]
fn u14_figures_of_a_host_are_cut_to_what_a_sync_can_have() {
    let chain = Chain::new(300);
    let usual = SyncConfig::default();
    for config in [
        SyncConfig { window: 0, ..usual.clone() },
        SyncConfig { window: u64::MAX, near_tip: u64::MAX, rollback_window: u64::MAX, ..usual.clone() },
        SyncConfig { request_bytes: u64::MAX, staged_bytes_max: u64::MAX, ..usual.clone() },
        SyncConfig { window_bytes_min: u64::MAX, window_bytes_max: 64 * 1024, ..usual.clone() },
        SyncConfig { deadline_min: Duration::MAX, target_retry: Duration::MAX, ..usual.clone() },
        SyncConfig { batches_in_flight_max: 0, tip_quorum: 0, ..usual.clone() },
    ] {
        synced(&chain, config).assert_stored(&chain, 0);
    }
    let mut world = World::with(chain.spec(), SyncConfig { floor: u64::MAX, ..usual }, TestStore::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_for(60);
    assert!(matches!(world.stalls()[..], [StallReason::FloorAboveTarget { .. }]), "{:?}", world.stalls());
}

#[test]
fn u14_a_checkpoint_with_numbers_that_no_chain_has_counts_as_none() {
    let chain = Chain::new(300);
    let run = |head, tail| Subchain { head, head_hash: no_hash(), tail, next: B256::ZERO };
    let with = |floor, run| Checkpoint { subchains: vec![run], ..Checkpoint::new(CHAIN_ID, floor) };
    for bad in [with(0, run(u64::MAX, 0)), with(0, run(BLOCK_NUMBER_END, 7)), with(u64::MAX, run(9, 0))] {
        assert_eq!(Checkpoint::decode(&bad.encode()), None, "{bad:?}");
        let store = TestStore { checkpoint: Some(bad), ..TestStore::default() };
        let mut world = World::with(chain.spec(), SyncConfig::default(), store);
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer::new(&chain));
        world.run_to_synced(60);
        world.assert_stored(&chain, 0);
    }
    let last = with(0, run(BLOCK_NUMBER_END - 1, 7));
    assert_eq!(Checkpoint::decode(&last.encode()), Some(last));
}

#[test]
fn u14_a_target_at_the_highest_number_waits_until_another_is_named() {
    let chain = Chain::new(300);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Number(u64::MAX));
    world.connect(1, TestPeer::new(&chain));
    world.run_for(60);
    assert_eq!(world.stalls(), [StallReason::QuorumNotReached { have: 0, need: 1 }]);
    world.target(SyncTarget::Number(299));
    world.run_to_synced(60);
}

#[test]
fn u14_a_peer_book_with_the_highest_figures_is_taken_in() {
    let chain = Chain::new(300);
    let address = PeerAddress::new(vec![1]).expect("one byte");
    let record = PeerRecord {
        peer: PeerId(1),
        address: Some(address.clone()),
        score: 100,
        faults: u32::MAX,
        headers: u64::MAX,
        banned_for: Duration::ZERO,
        round_trip: Some(Duration::from_micros(u64::MAX)),
    };
    let book = PeerBook { peers: vec![record], banned_addresses: Vec::new() };
    assert_eq!(PeerBook::decode(&book.encode()), book);
    let mut world = World::towards(&chain);
    let now = world.now();
    world.machine.restore_peers(now, &book);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.disconnect(1);
    // The same place under another id: its figures are added up.
    world.input(Input::PeerAddress { peer: PeerId(2), address });
    world.connect(2, TestPeer::new(&chain));
    world.run_for(5);
    assert_eq!(world.machine.export_peers(world.now()).peers[0].headers, u64::MAX);
}

#[test]
fn u14_a_plan_may_hold_every_number() {
    let mut plan = Plan::new();
    let all = BlockRange::new(0, u64::MAX).expect("rising");
    plan.release(all, Failures::default());
    let now = sync_core::time::Instant::ZERO;
    let (range, failures) = plan.borrow(PeerId(1), all, 0, 80, now).expect("there is enough");
    assert_eq!((range.len(), range.last()), (80, u64::MAX));
    plan.release(range, failures);
    assert_eq!(plan.ranges().collect::<Vec<_>>(), [all]);
}
