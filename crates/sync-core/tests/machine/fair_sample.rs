//! A new session hears enough of its peers before it chooses a tip, and a disagreement ends with its majority.

use crate::support::{Behavior, Chain, TestPeer, World, ancestor::announce};
use sync_core::{Event, StallReason, SyncConfig, SyncTarget, TipClaim, id::PeerId, progress::SyncStage};

fn world(chain: &Chain, peers_expected: usize, tip_quorum: usize) -> World {
    let config = SyncConfig { peers_expected, tip_quorum, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world
}

fn disagreement(need: usize, tips: &[(u32, &Chain)]) -> StallReason {
    let claims = tips.iter().map(|(id, chain)| TipClaim { peer: PeerId(*id), tip: chain.tip() });
    StallReason::TipsDisagree { need, claims: claims.collect() }
}

#[test]
fn the_first_to_speak_decide_nothing_before_more_than_half_have_spoken() {
    let chain = Chain::new(500);
    let forged = chain.fork(300, 600);
    let mut world = world(&chain, 5, 2);
    world.connect(1, TestPeer::new(&forged));
    world.connect(2, TestPeer::new(&forged));
    world.run_for(2);
    assert_eq!((world.resolved(), world.stalls()), (vec![], vec![]), "two of five are no sample");
    assert_eq!(world.progress().stage, SyncStage::ResolvingTarget);
    for id in 3..=5 {
        world.connect(id, TestPeer::new(&chain));
    }
    world.run_to_synced(30);
    assert_eq!(world.resolved(), [chain.tip()]);
}

#[test]
fn peers_that_do_not_come_are_waited_for_no_longer_than_said() {
    let chain = Chain::new(500);
    let mut world = world(&chain, 9, 2);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    let wait = world.config.tip_settle.as_secs();
    world.run_for(wait - 1);
    assert_eq!(world.resolved(), []);
    world.run_to_synced(3);
    world.assert_stored(&chain, 0);
    assert_eq!(world.stalls(), []);
}

/// A peer that names a high tip and does not respond has no vote; it delays no other vote.
#[test]
fn f02_a_silent_peer_with_a_higher_tip_holds_no_vote_open() {
    let chain = Chain::new(500);
    let mut world = world(&chain, 3, 2);
    world.connect(1, TestPeer::new(&chain.grown(5)).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain));
    world.connect(3, TestPeer::new(&chain.grown(1)));
    world.run_to_synced(5);
    assert_eq!(world.resolved(), [chain.tip()]);
}

#[test]
fn two_that_disagree_stay_a_stall_that_lists_the_tips_and_a_third_ends_it() {
    let chain = Chain::new(500);
    let other = chain.fork(300, 500);
    let mut world = world(&chain, 2, 2);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&other));
    world.run_for(600);
    assert_eq!(world.stalls(), [disagreement(2, &[(1, &chain), (2, &other)])]);
    assert_eq!(world.penalties, []);
    world.connect(3, TestPeer::new(&other));
    world.run_to_synced(30);
    world.assert_stored(&other, 0);
    assert!(world.events.contains(&Event::Resumed));
}

/// The agreed target is stored and stays; the missing majority for the next one is reported.
#[test]
fn peers_that_part_after_the_sync_are_said_to_disagree_until_they_agree_again() {
    let chain = Chain::new(500);
    let (one, other) = (chain.branch(480, 510, 2), chain.branch(480, 512, 3));
    let mut world = world(&chain, 2, 2);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(30);
    announce(&mut world, 1, &one);
    announce(&mut world, 2, &other);
    world.run_for(20);
    assert_eq!(world.stalls(), [], "peers follow a reorg one after another");
    world.run_for(20);
    assert_eq!(world.stalls(), [disagreement(2, &[(1, &one), (2, &other)])]);
    world.assert_stored(&chain, 0);
    announce(&mut world, 1, &other);
    assert!(world.store_complete_within(60, &other));
    assert_eq!(world.progress().stall, None);
}

#[test]
fn details_of_a_stall_follow_announcements_at_a_measured_pace() {
    let chain = Chain::new(500);
    let mut other = chain.fork(300, 400);
    let mut world = world(&chain, 2, 2);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&other));
    world.run_for(10);
    for _ in 0..200 {
        other = other.branch(other.tip().number + 1, other.tip().number + 2, 1);
        announce(&mut world, 2, &other);
        world.now_ms += 20;
    }
    world.run_for(2);
    assert!((3..=7).contains(&world.stalls().len()), "{} in six seconds", world.stalls().len());
    assert_eq!(world.stalls().last(), Some(&disagreement(2, &[(1, &chain), (2, &other)])), "the last word is true");
}
