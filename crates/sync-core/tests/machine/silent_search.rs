//! Peers that say nothing, or say it too early, while the machine finds out which chain is whose.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, detached, stored},
};
use sync_core::{StartBlock, SyncTarget, id::PeerId};

/// One number, and not each of some eighteen, waits for the silent: a minute and more would pass otherwise.
#[test]
fn f05_a_silent_peer_holds_up_one_number_of_the_search_and_not_each() {
    let old = Chain::new(2_000);
    let new = old.fork(1_500, 2_050);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    for id in 1..=2 {
        world.connect(id, TestPeer::new(&new));
    }
    for id in 3..=6 {
        world.connect(id, TestPeer::new(&new).behavior(Behavior::Silent));
    }
    assert!(world.run_until(60, |world| detached(world) == 1));
    let before = world.now_ms;
    world.run_to_synced(60);
    assert!(world.now_ms - before < 20_000, "{} ms", world.now_ms - before);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_499, 1_999, 2_049);
}

/// All leave the target in the middle of the search, and some of them never say a word when asked where they stand. The
/// others are asked at the same time: so it is seen that the target was reorganised away.
#[test]
fn i06_f05_silent_peers_do_not_hide_that_the_others_have_left_the_target() {
    let old = Chain::new(2_000);
    let (new, newer) = (old.fork(1_500, 2_050), old.branch(1_400, 2_060, 9));
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&new).behavior(Behavior::Silent));
    }
    for id in 4..=7 {
        world.connect(id, TestPeer::new(&new));
    }
    assert!(world.run_until(60, |world| detached(world) == 1));
    for id in 1..=7 {
        announce(&mut world, id, &newer);
    }
    assert!(world.run_until(20, |world| world.resolved().last() == Some(&newer.tip())), "{:#?}", world.progress());
    world.run_to_synced(120);
    world.assert_stored(&newer, 0);
    for id in 4..=7 {
        assert_eq!(world.penalized(id), Vec::<&sync_core::fault::PeerFault>::new());
    }
}

/// Asked by hash it did not have the block; then it moved to the target's chain, and says so.
#[test]
fn i06_a_peer_that_did_not_have_the_block_before_it_moved_is_not_penalized() {
    let old = Chain::new(3_000);
    let new = old.fork(1_000, 3_200);
    let mut world = World::with(old.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(new.hashes[1_500]));
    world.connect(1, TestPeer { delay_ms: 300, ..TestPeer::new(&new) });
    world.connect(2, TestPeer { delay_ms: 1, ..TestPeer::new(&old) });
    let is_asked_where_it_stands = |world: &World| {
        let last = world.requests.last();
        last.is_some_and(|it| (it.peer, it.start, it.limit) == (PeerId(2), StartBlock::Number(1_500), 1))
    };
    assert!(world.run_until(10, is_asked_where_it_stands), "it responded that it has no such block");
    announce(&mut world, 2, &new);
    world.run_to_synced(60);
    assert_eq!(world.penalties, []);
}

/// The user goes down, and back to the tip while the store is still asked about the lower target: nothing is missing under
/// that, so no run ends and makes place for the tip.
#[test]
fn d12_a_tip_that_came_while_the_store_was_asked_is_synced_when_nothing_was_missing() {
    let chain = Chain::new(2_000);
    let mut world = World::with(chain.spec(), config(), stored(&chain));
    world.store.delay_ms = 500;
    world.target(SyncTarget::Hash(chain.hashes[900]));
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(10, |world| world.resolved().last().is_some_and(|target| target.number == 900)));
    world.target(SyncTarget::PeersTip);
    let grown = chain.grown(5);
    announce(&mut world, 1, &grown);
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&grown.tip())), "{:#?}", world.progress());
    world.run_to_synced(60);
    world.assert_stored(&grown, 0);
}
