//! A session ends in the middle; the next one downloads only what was not stored.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{Checkpoint, SyncConfig, SyncTarget};

fn small_windows() -> SyncConfig {
    SyncConfig { seed: 3, window: 1_024, ..SyncConfig::default() }
}

fn interrupted(chain: &Chain, stored: u64) -> World {
    let mut world = World::with(chain.spec(), small_windows(), Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(chain));
    assert!(world.run_until(60, |world| world.progress().stored >= stored));
    world
}

#[test]
fn k01_i14_goes_on_where_it_stopped() {
    let chain = Chain::new(10_000);
    let first = interrupted(&chain, 3_000);
    let stored = first.store.rows.len() as u64;
    let mut second = first.reopened();
    second.target(SyncTarget::Hash(chain.tip().hash));
    assert_eq!(second.progress().stored, stored, "the target is the stored head: no request is needed");
    second.connect(1, TestPeer::new(&chain));
    second.run_to_synced(60);
    second.assert_stored(&chain, 0);
    assert_eq!(second.peers[&1].served, 10_000 - stored);
}

#[test]
fn a_whole_chain_under_a_pinned_head_needs_no_peer() {
    let chain = Chain::new(3_000);
    let config = SyncConfig { floor_may_rise: true, ..small_windows() };
    let mut first = World::with(chain.spec(), config, Default::default());
    first.target(SyncTarget::Hash(chain.tip().hash));
    first.connect(1, TestPeer::new(&chain).range(500, 2_999));
    first.run_to_synced(60);
    let mut second = first.reopened();
    second.target(SyncTarget::Hash(chain.tip().hash));
    second.run_to_synced(1);
    // A peer that offers more below opens the gap under what is stored.
    second.connect(1, TestPeer::new(&chain));
    assert!(second.run_until(60, |world| world.store.rows.len() == 3_000));
    second.assert_stored(&chain, 0);
}

#[test]
fn k05_i05_a_newer_tip_opens_a_gap_above_and_the_runs_meet() {
    let chain = Chain::new(6_000);
    let first = interrupted(&chain, 2_000);
    let stored = first.store.rows.len() as u64;
    let grown = chain.grown(3_000);
    let mut second = first.reopened();
    second.target(SyncTarget::PeersTip);
    second.connect(1, TestPeer::new(&grown));
    second.run_to_synced(60);
    second.assert_stored(&grown, 0);
    assert_eq!(second.peers[&1].served, 9_000 - stored);
    assert_eq!(second.penalties, []);
}

#[test]
fn k02_i14_interrupted_again_and_again_with_newer_tips() {
    let mut chain = Chain::new(3_000);
    let mut world = interrupted(&chain, 1_000);
    for _ in 0..3 {
        chain = chain.grown(2_500);
        world = world.reopened();
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer::new(&chain));
        let goal = world.store.rows.len() + 1_000;
        assert!(world.run_until(60, |world| world.store.rows.len() >= goal));
    }
    assert!(world.store.checkpoint.as_ref().expect("stored").subchains.len() > 1);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn db1_one_block_above_is_verified_too() {
    let chain = Chain::new(2_000);
    let mut first = interrupted(&chain, 1);
    first.run_to_synced(60);
    let grown = chain.grown(1);
    let mut second = first.reopened();
    second.target(SyncTarget::Hash(grown.tip().hash));
    second.connect(1, TestPeer::new(&grown).behavior(Behavior::Honest));
    second.run_to_synced(60);
    second.assert_stored(&grown, 0);
}

#[test]
fn db2_a_target_that_is_stored_already_needs_no_download() {
    let chain = Chain::new(2_000);
    let mut first = interrupted(&chain, 1);
    first.run_to_synced(60);
    let mut second = first.reopened();
    second.target(SyncTarget::PeersTip);
    second.connect(1, TestPeer::new(&chain));
    second.run_to_synced(60);
    assert_eq!(second.peers[&1].served, 0);
    assert_eq!(second.progress().percent, 100.0);
}

#[test]
fn a_hole_in_the_store_is_filled() {
    let chain = Chain::new(5_000);
    let mut first = interrupted(&chain, 1);
    first.run_to_synced(60);
    let hole = header_rules::range::BlockRange::new(2_048, 3_071).expect("rising");
    let upper = chain.at(3_071).hash;
    let lower = chain.at(2_047).hash;
    first.store.checkpoint.as_mut().expect("stored").carve(hole, Some(upper), Some(lower));
    first.store.rows.retain(|number, _| !hole.contains(*number));
    let mut second = first.reopened();
    second.target(SyncTarget::PeersTip);
    second.connect(1, TestPeer::new(&chain));
    second.run_to_synced(60);
    second.assert_stored(&chain, 0);
    assert_eq!(second.peers[&1].served, 1_024);
}

#[test]
fn k09_an_unsound_or_foreign_checkpoint_counts_as_none() {
    let chain = Chain::new(500);
    let foreign = Checkpoint::new(1, 0);
    let mut unsound = interrupted(&chain, 1).store.checkpoint.expect("stored");
    unsound.subchains.push(unsound.subchains[0]);
    for checkpoint in [foreign, unsound] {
        let store = crate::support::TestStore { checkpoint: Some(checkpoint), ..Default::default() };
        let mut world = World::with(chain.spec(), small_windows(), store);
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer::new(&chain));
        world.run_to_synced(60);
        world.assert_stored(&chain, 0);
    }
}
