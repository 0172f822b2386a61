//! Peers whose numbers name other blocks: a reorg while syncing, and malicious peers that look like one.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{Input, StallReason, StartBlock, Strategy, StrategyReason, SyncTarget, fault::Verdict, id::PeerId};

/// The peer follows `to` from now on; with `keeps` it still has the blocks of its old chain, by hash.
fn reorg(world: &mut World, id: u32, to: &Chain, keeps: bool) {
    let peer = world.peer_mut(id);
    let old = std::mem::replace(&mut peer.chain, to.clone());
    peer.side = keeps.then_some(old);
    peer.latest = to.tip().number;
    let served = peer.served_range();
    world.input(Input::PeerUpdated { peer: PeerId(id), served });
}

#[test]
fn all_peers_reorg_while_the_top_is_synced_and_no_peer_is_banned() {
    for depth in [1u64, 40, 700, 3_000] {
        let chain = Chain::new(4_000);
        let fork = chain.fork(4_000 - depth, 4_010);
        let mut world = World::new(chain.spec());
        world.target(SyncTarget::PeersTip);
        for id in 1..4 {
            world.connect(id, TestPeer { delay_ms: 200, ..TestPeer::new(&chain) });
        }
        world.run_to_resolved(10);
        for id in 1..4 {
            reorg(&mut world, id, &fork, false);
        }
        world.run_to_synced(300);
        assert!(
            world.run_until(60, |world| world.store.checkpoint.as_ref().is_some_and(|c| c.is_complete(fork.tip())))
        );
        world.assert_stored(&fork, 0);
        assert!(world.penalties.iter().all(|(.., verdict)| *verdict == Verdict::Warned), "depth {depth}");
    }
}

#[test]
fn peers_that_keep_the_old_branch_by_hash_are_asked_so() {
    let chain = Chain::new(4_000);
    let fork = chain.fork(3_000, 4_010);
    let mut world = World::new(chain.spec());
    // Pinned: the old branch is wanted, although the peers have left it.
    world.target(SyncTarget::Hash(chain.tip().hash));
    for id in 1..3 {
        world.connect(id, TestPeer { delay_ms: 200, ..TestPeer::new(&chain) });
    }
    world.run_to_resolved(10);
    for id in 1..3 {
        reorg(&mut world, id, &fork, true);
    }
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
    let changes = world.strategies();
    assert!(
        matches!(changes[0], (Strategy::ByHash, StrategyReason::PeersDisagree { disagreeing: 2, peers: 2, .. })),
        "{changes:?}"
    );
    assert!(changes.contains(&(Strategy::Concurrent, StrategyReason::CauseOver)), "{changes:?}");
    let by_hash = world.requests.iter().filter(|request| matches!(request.start, StartBlock::Hash(_))).count();
    assert!(by_hash > 5, "asked by hash {by_hash} times");
    assert!(world.penalties.iter().all(|(.., verdict)| *verdict == Verdict::Warned));
}

#[test]
fn a_pinned_branch_that_no_peer_has_any_more_is_reported_and_no_peer_is_banned() {
    let chain = Chain::new(2_000);
    let fork = chain.fork(500, 2_010);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 200, ..TestPeer::new(&chain) });
    world.run_to_resolved(10);
    reorg(&mut world, 1, &fork, false);
    world.run_for(60);
    assert!(
        matches!(world.stalls()[0], StallReason::RangeUnavailable(_) | StallReason::TargetUnavailable { .. }),
        "{:?}",
        world.stalls()
    );
    assert!(!world.is_banned(1));
    let asked = world.requests.len();
    world.run_for(60);
    assert!(world.requests.len() < asked + 60, "no hot loop: {} more", world.requests.len() - asked);
    // The branch comes back, and so does the sync.
    reorg(&mut world, 1, &chain, false);
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
}

#[test]
fn one_peer_on_another_branch_costs_the_others_nothing() {
    let chain = Chain::new(40_000);
    let fork = chain.fork(39_000, 40_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&fork));
    for id in 2..5 {
        world.connect(id, TestPeer { delay_ms: 200, ..TestPeer::new(&chain) });
    }
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.strategies(), [], "three of four agree");
    let verified = world.progress().peers[0].headers;
    assert!(verified > 0, "under the fork it is as good as any");
    assert!(!world.is_banned(1));
}

#[test]
fn d09_a_malicious_peer_that_looks_like_another_branch_is_caught_by_hash() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    for id in [1, 3] {
        world.connect(id, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
    }
    world.run_to_resolved(10);
    for id in [1, 3] {
        world.peer_mut(id).behavior = Behavior::FlipFirst;
    }
    assert!(world.run_until(60, |world| world.is_banned(1) && world.is_banned(3)), "{:?}", world.penalties);
    assert!(world.strategies().iter().any(|(to, _)| *to == Strategy::ByHash));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(2), Vec::<&sync_core::fault::PeerFault>::new());
}
