//! The chain was reorganised between two sessions: the common ancestor is found, the headers above it are reverted, and
//! nothing is fetched twice.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, compared_max, config, detached, moved, questions, reorgs, stored},
};
use sync_core::{Event, StallReason, SyncConfig, SyncTarget};

/// A store of `old` moves over to `new`, which parts from it above `ancestor`.
fn moves_over(old: &Chain, new: &Chain, ancestor: u64) -> World {
    let mut world = moved(old, new, 2);
    world.run_to_synced(120);
    world.assert_stored(new, 0);
    assert_eq!(world.penalties, [], "an honest peer is not penalized for a reorg");
    assert_eq!(detached(&world), 1);
    assert_reorg(&world, ancestor, old.tip().number, new.tip().number);
    // The new branch, the questions, and what was compared under it. (A piece of one header looks like a question.)
    let served: u64 = world.peers.values().map(|peer| peer.served).sum();
    let branch = new.tip().number - ancestor;
    let most = branch + questions(&world) as u64 + compared_max(old.tip().number.min(new.tip().number) - ancestor);
    assert!((branch..=most).contains(&served), "{served} headers for {branch}");
    world
}

#[test]
fn i06_d11_an_offline_reorg_of_any_small_depth_recovers() {
    let old = Chain::new(600);
    for depth in 1..40 {
        moves_over(&old, &old.fork(600 - depth, 620), 599 - depth);
    }
}

#[test]
fn db1_a_gap_of_one_block_is_checked_against_the_stored_head() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(2_999, 3_001), 2_998);
}

#[test]
fn db2_a_sibling_of_the_stored_head_takes_its_place() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(2_999, 3_000), 2_998);
}

#[test]
fn i06_f06_a_reorg_of_many_blocks_fetches_the_missing_range_only() {
    let old = Chain::new(3_000);
    moves_over(&old, &old.fork(500, 3_500), 499);
}

#[test]
fn l06_down_to_block_one_keeps_genesis_and_ends() {
    let old = Chain::new(2_000);
    moves_over(&old, &old.fork(1, 2_500), 0);
}

#[test]
fn f06_a_new_part_longer_than_several_windows_is_fetched_once() {
    let old = Chain::new(1_500);
    moves_over(&old, &old.fork(1_400, 9_000), 1_399);
}

/// reth unwinds 3 blocks, then 6, 9, ...: for 5,000 blocks some 57 rounds, each with its own download. Ours asks for
/// single headers: 1, 2, 4, ... down, then by halves, each of at most three peers. (One piece of the branch is a single
/// header too.)
#[test]
fn i03_f05_a_deep_fork_costs_logarithmically_many_questions() {
    let old = Chain::new(6_000);
    for (depth, most) in [(10, 2 * (2 * 3 + 2) + 1), (5_000, 2 * (2 * 12 + 2))] {
        let world = moves_over(&old, &old.fork(6_000 - depth, 6_001), 5_999 - depth);
        assert!(questions(&world) <= most, "depth {depth}: {} questions", questions(&world));
    }
}

#[test]
fn d11_the_tip_moves_over_while_the_page_is_open() {
    let old = Chain::new(2_000);
    let new = old.fork(1_995, 2_003);
    let mut world = moved(&old, &old, 1);
    world.run_to_synced(60);
    announce(&mut world, 1, &new);
    assert!(world.run_until(1, |world| !world.is_synced()));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_eq!(world.penalties, []);
    assert_reorg(&world, 1_994, 1_999, 2_002);
}

#[test]
fn db2_f10_peers_that_are_behind_on_the_same_chain_change_nothing() {
    let chain = Chain::new(2_000);
    let mut world = World::with(chain.spec(), config(), stored(&chain));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).range(0, 1_500));
    world.connect(2, TestPeer::new(&chain).range(0, 1_500));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.resolved(), [chain.tip()]);
    assert_eq!(world.peers.values().map(|peer| peer.served).sum::<u64>(), 0);
}

#[test]
fn db2_f10_a_shorter_chain_that_peers_agree_on_wins() {
    let old = Chain::new(2_000);
    let new = old.fork(1_900, 1_950);
    let mut world = moves_over(&old, &new, 1_899);
    // And again while the page is open: shorter still.
    let shorter = new.fork(1_800, 1_850);
    announce(&mut world, 1, &shorter);
    announce(&mut world, 2, &shorter);
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&shorter.tip())));
    world.run_to_synced(60);
    world.assert_stored(&shorter, 0);
    assert_eq!(reorgs(&world).len(), 2);
}

#[test]
fn f05_a_reorg_deeper_than_the_window_removes_nothing_and_says_what_to_do() {
    let old = Chain::new(3_000);
    let new = old.fork(2_000, 3_100);
    let before = stored(&old);
    let rows = before.rows.clone();
    let mut world = World::with(old.spec(), SyncConfig { rollback_window: 500, ..config() }, before);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&new));
    world.run_for(60);
    assert_eq!(world.stalls(), [StallReason::RollbackTooDeep { local: old.tip(), window: 500 }]);
    assert!(rows.iter().all(|(number, row)| world.store.rows.get(number) == Some(row)), "nothing is removed");
    assert_eq!(reorgs(&world), []);
    assert!(questions(&world) < 20);
    // A target on the stored chain ends the stall; with a wider window the other chain is taken.
    world.config.rollback_window = 1_000;
    let mut world = world.reopened();
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&new));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_999, 2_999, 3_099);
}

#[test]
fn db5_the_event_names_the_stored_head_and_what_the_new_chain_has_there() {
    let old = Chain::new(1_000);
    let new = old.fork(990, 1_010);
    let world = moves_over(&old, &new, 989);
    let expected = sync_core::Event::DetachedHead { local: old.tip(), expected: new.at(999).hash };
    assert!(world.events.contains(&expected), "the height at which the two differ, not the one above it");
}

#[test]
fn what_waits_for_the_store_below_a_run_that_is_dropped_is_stored_before_the_checkpoint_speaks_of_it() {
    let chain = Chain::new(3_000);
    let config = SyncConfig { window: 256, batches_in_flight_max: 3, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.store.delay_ms = 2_000;
    world.target(SyncTarget::Hash(chain.at(2_000).hash));
    world.connect(1, TestPeer::new(&chain));
    // The store is slow: batches wait. The target moves up, which waits for them; the new run is begun, and while its own
    // batches wait the target moves down again.
    world.run_until(1, |world| world.events.iter().filter(|it| matches!(it, Event::HeadersLinked { .. })).count() > 4);
    world.target(SyncTarget::Hash(chain.tip().hash));
    assert!(world.run_until(60, |world| {
        world.events.iter().any(|event| matches!(event, Event::HeadersLinked { range, .. } if range.last() > 2_000))
    }));
    let batches = world.store.batches;
    world.target(SyncTarget::Hash(chain.at(1_500).hash));
    world.run_to_synced(60);
    assert!(world.store.batches > batches, "some were on their way");
    assert_eq!(world.store.rows.range(..=1_500).count(), 1_501);
    // Each write was held against its checkpoint by the store of this test.
}
