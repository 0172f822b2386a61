//! How far down a sync goes: what the host asked for, whatever peers say of their lowest block.

use crate::support::{Behavior, Chain, TestPeer, World, ancestor::announce, chain::numbered};
use alloy_primitives::keccak256;
use header_rules::{range::BLOCK_NUMBER_END, range::BlockRange};
use sync_core::{
    BlockNumHash, Event, Input, PeerStatus, ServedRange, StallReason, SyncConfig, SyncTarget, fault::PeerFault,
    id::PeerId, progress::SyncStage,
};

fn missing(first: u64, last: u64) -> StallReason {
    StallReason::RangeUnavailable(BlockRange::new(first, last).expect("rising"))
}

fn towards_tip(chain: &Chain) -> World {
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world
}

/// Stored is what peers serve, it can be read, and the rest is named.
fn assert_usable_from(world: &World, chain: &Chain, first: u64) {
    assert_eq!(world.store.rows.len() as u64, chain.tip().number - first + 1);
    assert_eq!(world.progress().stall, Some(missing(0, first - 1)));
    assert_eq!((world.progress().floor, world.progress().total), (0, chain.tip().number + 1));
    assert!(!world.is_synced() && world.progress().stage != SyncStage::Synced);
}

#[test]
fn a_first_peer_with_a_short_chain_does_not_end_the_sync() {
    let chain = Chain::new(4_000);
    let mut world = towards_tip(&chain);
    world.connect(1, TestPeer::new(&chain).range(3_989, 3_999));
    world.run_for(20);
    assert_usable_from(&world, &chain, 3_989);
    assert_eq!(world.stalls(), [missing(0, 3_988)], "reported once");
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn a_silent_peer_that_claims_everything_beside_pruned_ones_holds_nothing_open() {
    let chain = Chain::new(4_000);
    let mut world = towards_tip(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain).range(1_500, 3_999));
    world.connect(3, TestPeer::new(&chain).range(2_500, 3_999));
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    assert_usable_from(&world, &chain, 1_500);
    world.run_for(120);
    assert_eq!(world.stalls(), [missing(0, 1_499)], "steady, not in turns with something else");
    assert_usable_from(&world, &chain, 1_500);
    // A peer that has the range ends the stall.
    world.connect(4, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

/// With a floor that the pruned peers reach, the claims of others are of no interest.
#[test]
fn the_floor_that_was_asked_for_is_enough_whatever_peers_claim() {
    let chain = Chain::new(4_000);
    let config = SyncConfig { floor: 2_000, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain).range(1_500, 3_999));
    world.run_to_synced(60);
    world.assert_stored(&chain, 2_000);
}

#[test]
fn a_peer_that_claims_more_than_it_serves_is_found_out() {
    let chain = Chain::new(4_000);
    let mut world = towards_tip(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Withholds(1_499)));
    world.connect(2, TestPeer::new(&chain).range(1_500, 3_999));
    assert!(world.run_until(120, |world| world.stalls().contains(&missing(0, 1_499))));
    assert_usable_from(&world, &chain, 1_500);
    assert_eq!(world.penalized(2), Vec::<&PeerFault>::new());
}

/// Every peer has forgotten the old history, and the chain goes on: new blocks are stored, the stall stays one stall.
#[test]
fn new_blocks_are_followed_while_old_ones_are_not_on_offer() {
    let mut chain = Chain::new(3_000);
    let mut world = towards_tip(&chain);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&chain).range(2_000, 2_999));
    }
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    for _ in 0..10 {
        chain = chain.grown(1);
        for id in 1..=3 {
            announce(&mut world, id, &chain);
        }
        world.run_for(12);
        assert_eq!(world.progress().target, Some(chain.tip()));
        assert!(world.store.rows.contains_key(&chain.tip().number), "the new block is stored");
    }
    assert_usable_from(&world, &chain, 2_000);
    assert_eq!(world.stalls(), [missing(0, 1_999)]);
    assert!(!world.events.contains(&Event::Resumed));
    assert_eq!(world.penalties, []);
}

/// The next session finds the same, although nothing was verified in it yet.
#[test]
fn a_new_session_on_what_pruned_peers_gave_says_what_is_missing() {
    let chain = Chain::new(4_000);
    let mut world = towards_tip(&chain);
    world.connect(1, TestPeer::new(&chain).range(1_500, 3_999));
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    let mut second = world.reopened();
    second.target(SyncTarget::PeersTip);
    second.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    second.connect(2, TestPeer::new(&chain).range(1_500, 3_999));
    second.connect(3, TestPeer::new(&chain).range(1_500, 3_999));
    assert!(second.run_until(60, |world| !world.stalls().is_empty()));
    assert_usable_from(&second, &chain, 1_500);
}

#[test]
fn a_floor_that_may_rise_is_not_raised_by_claims_alone_and_not_held_down_by_silence() {
    let chain = Chain::new(4_000);
    let config = SyncConfig { floor_may_rise: true, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain).range(1_500, 3_999));
    world.connect(3, TestPeer::new(&chain).range(3_900, 3_999));
    world.run_to_synced(60);
    world.assert_stored(&chain, 1_500);
    assert_eq!(world.progress().floor, 1_500);
    // It was silent: its claim does not lower the floor again.
    announce(&mut world, 1, &chain);
    world.run_for(30);
    assert!(world.is_synced());
}

#[test]
fn a_floor_above_the_target_is_said_and_a_higher_target_ends_it() {
    let chain = Chain::new(1_000);
    let config = SyncConfig { floor: 1_500, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_for(10);
    assert_eq!(world.stalls(), [StallReason::FloorAboveTarget { floor: 1_500, target: chain.tip() }]);
    assert!(!world.is_synced() && world.store.rows.is_empty());
    assert_eq!((world.progress().floor, world.progress().total, world.progress().percent), (1_500, 0, 0.0));
    let grown = chain.grown(1_000);
    announce(&mut world, 1, &grown);
    world.run_to_synced(60);
    world.assert_stored(&grown, 1_500);
    assert!(world.events.contains(&Event::Resumed));
}

#[test]
fn numbers_that_no_chain_has_are_refused_where_a_peer_says_them() {
    let chain = Chain::new(1_000);
    for (earliest, latest) in [(0, u64::MAX), (u64::MAX, u64::MAX), (0, BLOCK_NUMBER_END), (BLOCK_NUMBER_END, 5)] {
        let served = ServedRange { earliest, latest, latest_hash: chain.tip().hash };
        let mut world = towards_tip(&chain);
        world.lenient = true;
        world.peers.insert(1, TestPeer::new(&chain));
        let status = PeerStatus { served, ..TestPeer::new(&chain).status() };
        world.input(Input::PeerConnected { peer: PeerId(1), status });
        world.run_for(10);
        assert!(matches!(world.penalized(1)[..], [PeerFault::Protocol(_)]), "{:?}", world.penalties);
        assert_eq!(world.resolved(), [], "its word is no tip");
        // A later announcement is rejected too; a plausible one in between counts.
        announce(&mut world, 1, &chain);
        world.run_to_synced(60);
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
        world.run_for(10);
        assert_eq!(world.penalized(1).len(), 2);
        assert_eq!(world.resolved(), [chain.tip()]);
    }
}

/// The header has the pinned hash, so no peer is penalized; and no peer can serve its parent.
#[test]
fn a_pinned_header_with_a_number_that_no_chain_has_is_no_target() {
    let chain = Chain::new(10);
    let high = numbered(BLOCK_NUMBER_END);
    let mut world = World::new(chain.spec());
    let hash = keccak256(&high);
    world.target(SyncTarget::Hash(hash));
    world.connect(1, TestPeer::new(&chain));
    let asked = world.requests.first().expect("asked for the target").id;
    world.input(Input::HeadersReceived { request: asked, headers: vec![high] });
    world.run_for(10);
    assert_eq!(world.resolved(), Vec::<BlockNumHash>::new());
    assert_eq!(world.stalls(), [StallReason::TargetUnavailable { hash, asked: 1 }]);
    assert_eq!(world.penalties, []);
}
