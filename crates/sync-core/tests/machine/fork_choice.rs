//! Chains by proof of work: a tip that peers agree on takes the place of what is stored only if its branch is heavier.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, moved, reorgs, stored},
    chain::MINED,
};
use sync_core::SyncTarget;

/// Twice and three times the difficulty of `Chain::mined`.
const HEAVY: u8 = MINED + 1;
const HEAVIER: u8 = MINED + 2;

#[test]
fn db2_a_longer_branch_of_the_same_difficulty_is_heavier_and_wins() {
    let old = Chain::mined(2_000);
    let new = old.branch(1_900, 2_100, MINED).clone();
    assert_eq!(new.at(1_999), old.at(1_999), "the same salt is the same chain");
    let new = old.branch(1_900, 2_001, HEAVY);
    let mut world = moved(&old, &new, 2);
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_899, 1_999, 2_000);
    assert_eq!(world.penalties, []);
}

#[test]
fn db2_a_shorter_branch_wins_when_it_is_heavier() {
    let old = Chain::mined(2_000);
    // 100 blocks are reverted for 51 of twice their difficulty.
    let new = old.branch(1_900, 1_951, HEAVY);
    let mut world = moved(&old, &new, 2);
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_899, 1_999, 1_950);
}

/// Equal weight: what is stored stays. Not one stored header goes, and the tip is not weighed again and again.
#[test]
fn db2_f08_a_branch_that_is_not_heavier_changes_nothing() {
    let old = Chain::mined(2_000);
    for new in [old.branch(1_900, 1_950, HEAVY), old.branch(1_900, 1_930, HEAVIER)] {
        let mut world = moved(&old, &new, 2);
        assert!(world.run_until(60, |world| world.resolved().last() == Some(&old.tip()) && world.is_synced()));
        world.run_for(120);
        world.assert_stored(&old, 0);
        assert_eq!(reorgs(&world), []);
        assert_eq!(world.penalties, []);
        let asked = world.requests.len();
        world.run_for(120);
        assert_eq!(world.requests.len(), asked, "weighed once");
    }
}

/// Longer and lighter: a part of it was stored above the stored head already, and goes again.
#[test]
fn db2_a_longer_and_lighter_branch_leaves_no_trace() {
    let old = Chain::mined(10).branch(10, 2_000, HEAVIER);
    let new = old.branch(1_000, 3_500, MINED);
    let mut world = moved(&old, &new, 2);
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&old.tip()) && world.is_synced()));
    world.assert_stored(&old, 0);
    assert_eq!(reorgs(&world), []);
    // It grows, and is heavier at last.
    let grown = new.branch(3_500, 4_300, MINED);
    announce(&mut world, 1, &grown);
    announce(&mut world, 2, &grown);
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&grown.tip())));
    assert!(world.run_until(60, World::is_synced));
    world.assert_stored(&grown, 0);
    assert_reorg(&world, 999, 1_999, 4_299);
    assert_eq!(world.penalties, []);
}

#[test]
fn db2_a_pinned_hash_wins_whatever_it_weighs() {
    let old = Chain::mined(2_000);
    let new = old.branch(1_900, 1_920, HEAVY);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::Hash(new.tip().hash));
    world.connect(1, TestPeer::new(&new));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_899, 1_999, 1_919);
}
