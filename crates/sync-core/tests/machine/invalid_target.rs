//! The target's chain breaks a rule: it is invalidated with a diagnosis, the peers that sent it are not penalized, and
//! another tip that enough peers agree on takes its place.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, broken_at, config, stored},
};
use header_rules::rules::RuleViolation;
use sync_core::{Event, StallReason, SyncConfig, SyncTarget};

/// Up to block 699 a good chain; 700 is older than its parent.
fn bad(good: &Chain) -> Chain {
    broken_at(good, 700)
}

fn diagnosis(world: &World) -> Vec<StallReason> {
    world.stalls().into_iter().filter(|stall| matches!(stall, StallReason::InvalidTarget { .. })).collect()
}

fn expected(chain: &Chain, number: u64) -> StallReason {
    let time = 1_600_000_000 + (number - 1) * 12;
    StallReason::InvalidTarget {
        number,
        hash: chain.at(number).hash,
        violation: Box::new(RuleViolation::Timestamp { got: time - 1, parent: time }),
        last_valid: Some(chain.at(number - 1)),
    }
}

#[test]
fn i18_i07_a_pinned_target_on_a_bad_chain_stops_with_a_diagnosis_and_penalizes_no_peer() {
    let good = Chain::new(1_500);
    let bad = bad(&good);
    let mut world = World::with(good.spec(), SyncConfig { window: 256, ..config() }, Default::default());
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&bad));
    world.connect(2, TestPeer::new(&bad));
    world.run_for(300);
    assert_eq!(diagnosis(&world), [expected(&bad, 700)], "reported once");
    assert_eq!(world.penalties, [], "they delivered what they were asked for");
    assert!(!world.is_synced());
    let asked = world.requests.len();
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.reconnect(1);
    world.run_for(300);
    assert_eq!(world.requests.len(), asked, "the same target is not tried again");
    assert!(world.store.rows.is_empty(), "what descends from a bad header does not stay");
    // Another target ends it.
    world.connect(3, TestPeer::new(&good));
    world.target(SyncTarget::Hash(good.tip().hash));
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&good.tip())));
    world.run_to_synced(60);
    world.assert_stored(&good, 0);
    assert_eq!(world.penalties, []);
}

/// The last valid ancestor is on the bad chain too, and what lies under it is not held against anything.
#[test]
fn i07_targets_that_descend_from_a_bad_header_are_known_without_another_download() {
    let good = Chain::new(1_500);
    let bad = bad(&good);
    let higher = bad.grown(3);
    let mut world = World::with(good.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&higher));
    world.run_for(30);
    assert_eq!(diagnosis(&world).len(), 1);
    let before = world.peers[&1].served;
    world.target(SyncTarget::Hash(higher.tip().hash));
    world.run_for(30);
    assert_eq!(diagnosis(&world).last(), Some(&expected(&bad, 700)));
    let more = world.peers[&1].served - before;
    assert!(more < 300, "{more} headers: the probe, and one response that comes down to the invalid target");
    assert_eq!(world.penalties, []);
}

/// Each new block on the invalid chain is examined and rejected; there is no loop, and no peer is banned meanwhile.
#[test]
fn i18_a_bad_chain_that_grows_costs_little_and_never_syncs() {
    let good = Chain::new(1_500);
    let mut bad = bad(&good);
    let mut world = World::with(good.spec(), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&bad));
    world.run_for(30);
    let before = world.peers[&1].served;
    for _ in 0..20 {
        bad = bad.grown(1);
        announce(&mut world, 1, &bad);
        world.run_for(12);
    }
    assert!(world.peers[&1].served - before < 20 * 100, "{}", world.peers[&1].served - before);
    assert!(!world.is_synced());
    assert_eq!(world.penalties, []);
    assert!(world.store.rows.is_empty());
}

#[test]
fn i07_the_tip_of_the_others_wins_over_a_chain_that_broke_a_rule() {
    let good = Chain::new(1_000);
    let bad = bad(&Chain::new(1_500));
    let mut world = World::with(good.spec(), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&bad));
    world.run_for(10);
    assert_eq!(diagnosis(&world).len(), 1);
    world.connect(2, TestPeer::new(&good));
    world.run_to_synced(60);
    world.assert_stored(&good, 0);
    assert_eq!(world.resolved().last(), Some(&good.tip()));
    assert_eq!(world.penalties, []);
    assert!(world.events.contains(&Event::Resumed));
}

/// What was stored before stays: nothing speaks against it.
#[test]
fn i07_a_bad_chain_on_top_of_a_stored_one_leaves_that_as_it_is() {
    let good = Chain::new(1_000);
    let bad = broken_at(&good.grown(500), 1_200);
    let mut world = World::with(good.spec(), config(), stored(&good));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&bad));
    world.run_for(30);
    assert_eq!(diagnosis(&world), [expected(&bad, 1_200)]);
    world.assert_stored(&good, 0);
    world.connect(2, TestPeer::new(&good));
    world.run_to_synced(60);
    world.assert_stored(&good, 0);
}

/// The header right above the stored head is bad only compared with it: the seam is checked like any other pair.
#[test]
fn db1_the_rules_hold_between_a_new_run_and_the_stored_head() {
    let good = Chain::new(1_000);
    let bad = broken_at(&good.grown(1), 1_000);
    let mut world = World::with(good.spec(), config(), stored(&good));
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&bad));
    world.run_for(30);
    assert_eq!(diagnosis(&world), [expected(&bad, 1_000)]);
    world.assert_stored(&good, 0);
    assert_eq!(world.penalties, []);
}

/// A session ended right above a header that is bad compared with its child: the next one asks the store for the child.
#[test]
fn i07_the_rules_hold_between_the_stored_tail_and_what_lies_under_it() {
    let good = Chain::new(2_000);
    let bad = broken_at(&good, 1_024);
    let mut world = World::with(good.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&bad).range(1_024, 1_999));
    assert!(world.run_until(60, |world| world.store.rows.len() == 976));
    let mut world = world.reopened();
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&bad));
    world.run_for(30);
    assert_eq!(diagnosis(&world), [expected(&bad, 1_024)]);
    assert!(world.store.rows.is_empty());
}

/// The rule is broken between two responses, so the next header to be requested is the valid parent: it is not held
/// against the good chain, which shares it.
#[test]
fn i07_the_parent_of_a_bad_header_is_nothing_against_the_good_chain() {
    let good = Chain::new(1_000);
    let bad = broken_at(&good, 995);
    let mut world = World::with(good.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(bad.tip().hash));
    // One header a response: every pair is checked where two responses meet.
    world.connect(1, TestPeer::new(&bad).behavior(Behavior::Short(1)));
    world.run_for(60);
    assert_eq!(diagnosis(&world), [expected(&bad, 995)]);
    world.target(SyncTarget::Hash(good.tip().hash));
    world.connect(2, TestPeer::new(&good));
    world.run_to_synced(60);
    world.assert_stored(&good, 0);
}

/// The same where the new run meets the stored head: what is built on that later is not refused.
#[test]
fn i07_a_bad_child_of_the_stored_head_is_nothing_against_the_head() {
    let good = Chain::new(1_000);
    let bad = broken_at(&good.grown(1), 1_000);
    let more = good.grown(20);
    let mut world = World::with(good.spec(), config(), stored(&good));
    world.target(SyncTarget::Hash(bad.tip().hash));
    world.connect(1, TestPeer::new(&bad));
    world.run_for(30);
    assert_eq!(diagnosis(&world), [expected(&bad, 1_000)]);
    world.target(SyncTarget::Hash(more.tip().hash));
    world.connect(2, TestPeer::new(&more));
    world.run_to_synced(60);
    world.assert_stored(&more, 0);
}
