//! Where the sync ends: pinned hashes and tips that peers agree on.

use crate::support::{Behavior, Chain, TestPeer, World, no_hash};
use sync_core::{Event, Input, StallReason, SyncConfig, SyncTarget, TipClaim, id::PeerId};

fn quorum(chain: &Chain, tip_quorum: usize) -> World {
    let config = SyncConfig { tip_quorum, ..SyncConfig::default() };
    World::with(chain.spec(), config, Default::default())
}

#[test]
fn i17_a_hash_that_no_peer_has_is_reported_and_asked_for_again() {
    let chain = Chain::new(500);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(no_hash()));
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    world.run_for(60);
    assert!(
        world.stalls().contains(&StallReason::TargetUnavailable { hash: no_hash(), asked: 2 }),
        "{:?}",
        world.stalls()
    );
    assert_eq!(world.penalties, [], "not having a header is no fault");
    let asked = world.requests.len();
    assert!((4..40).contains(&asked), "asked {asked} times");
    // A newer target is taken.
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn d03_a_new_peer_is_asked_at_once() {
    let short = Chain::new(500);
    let long = short.grown(100);
    let mut world = World::new(short.spec());
    world.target(SyncTarget::Hash(long.tip().hash));
    world.connect(1, TestPeer::new(&short));
    world.run_for(8);
    let before = world.now_ms;
    world.connect(2, TestPeer::new(&long));
    world.run_to_synced(60);
    assert!(world.now_ms < before + 2_000);
    world.assert_stored(&long, 0);
}

#[test]
fn d03_a_wrong_header_for_the_target_is_a_fault() {
    let chain = Chain::new(500);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::FlipByte));
    world.run_for(5);
    assert!(world.is_banned(1));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
}

#[test]
fn fewer_peers_than_the_quorum() {
    let chain = Chain::new(500);
    let mut world = quorum(&chain, 2);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_for(10);
    assert_eq!(world.stalls(), [StallReason::QuorumNotReached { have: 1, need: 2 }]);
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn f04_two_that_name_different_tips_disagree_and_a_third_decides() {
    let chain = Chain::new(500);
    let fork = chain.fork(300, 600);
    let mut world = quorum(&chain, 2);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&fork));
    world.connect(2, TestPeer::new(&chain));
    world.run_for(10);
    let claims = vec![TipClaim { peer: PeerId(1), tip: fork.tip() }, TipClaim { peer: PeerId(2), tip: chain.tip() }];
    assert_eq!(world.stalls(), [StallReason::TipsDisagree { need: 2, claims }]);
    world.connect(3, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn f02_a_peer_that_is_some_blocks_ahead_agrees() {
    let short = Chain::new(500);
    let long = short.grown(3);
    let mut world = quorum(&short, 2);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&short));
    world.connect(2, TestPeer::new(&long));
    world.run_to_synced(60);
    assert_eq!(world.resolved(), [short.tip()]);
    assert_eq!(world.stalls(), []);
}

#[test]
fn d12_f08_newer_tips_extend_the_sync_and_lose_no_work() {
    let chain = Chain::new(3_000);
    let grown = chain.grown(40);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().staged > 500));
    let served_before = world.peers[&1].served;
    world.peers.insert(1, TestPeer { connected: true, ..TestPeer::new(&grown) });
    world.peer_mut(1).served = served_before;
    let served = world.peers[&1].served_range();
    world.input(Input::PeerUpdated { peer: PeerId(1), served });
    assert!(world.run_until(60, |world| world.store.checkpoint.as_ref().is_some_and(|c| c.is_complete(grown.tip()))));
    world.run_to_synced(10);
    world.assert_stored(&grown, 0);
    assert_eq!(world.peers[&1].served, 3_040);
    assert_eq!(world.resolved(), [chain.tip(), grown.tip()]);
}

#[test]
fn i02_s02_the_same_target_again_changes_nothing() {
    let chain = Chain::new(3_000);
    let mut world = World::new(chain.spec());
    let target = SyncTarget::Hash(chain.tip().hash);
    world.target(target);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().staged > 500));
    for _ in 0..10 {
        world.target(target);
        let served = world.peers[&1].served_range();
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
    }
    world.run_to_synced(60);
    assert_eq!(world.peers[&1].served, 3_001);
    assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Synced { .. })).count(), 1);
}

#[test]
fn db3_a_sibling_target_in_the_middle_restarts_cleanly() {
    let chain = Chain::new(3_000);
    let fork = chain.fork(2_500, 2_900);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().staged > 1_000));
    world.connect(2, TestPeer::new(&fork));
    world.disconnect(1);
    world.target(SyncTarget::Hash(fork.tip().hash));
    world.run_to_synced(60);
    world.assert_stored(&fork, 0);
    assert_eq!(world.penalties, []);
}
