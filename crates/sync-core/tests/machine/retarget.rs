//! The target changes while it is being synced: by the user, or because the chain was reorganised under it.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{announce, compared_max, config, detached, reorgs, stored},
};
use sync_core::{Event, Input, SyncConfig, SyncTarget, id::PeerId};

/// In the middle of a sync of `chain` by so many peers.
fn midway(chain: &Chain, target: SyncTarget, peers: u32) -> World {
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(target);
    for id in 1..=peers {
        world.connect(id, TestPeer::new(chain));
    }
    let third = chain.tip().number / 3;
    assert!(world.run_until(60, |world| world.progress().staged + world.progress().stored > third));
    world
}

fn served(world: &World) -> u64 {
    world.peers.values().map(|peer| peer.served).sum()
}

/// The tip that is being synced is reorganised away under the anchor: responses of peers no longer link, and that is no
/// fault. A reorg further down does not concern the current run until it ends.
#[test]
fn db3_i06_i17_a_tip_that_is_reorganised_away_in_the_middle_restarts_and_penalizes_no_peer() {
    let old = Chain::new(6_000);
    for (parts_at, len) in [(10, 6_100), (10, 5_900), (2_000, 6_000), (5_990, 6_010), (5_990, 5_995)] {
        let new = old.fork(parts_at, len);
        let mut world = midway(&old, SyncTarget::PeersTip, 2);
        announce(&mut world, 1, &new);
        announce(&mut world, 2, &new);
        let moved = world.run_until(300, |world| world.resolved().last() == Some(&new.tip()));
        assert!(moved, "from {parts_at}, {len} long: {:#?}", world.progress());
        world.run_to_synced(300);
        world.assert_stored(&new, 0);
        assert_eq!(world.penalties, [], "from {parts_at}, {len} long");
    }
}

#[test]
fn db3_a_peer_that_leaves_the_chain_is_skipped_and_the_sync_goes_on_with_the_others() {
    let chain = Chain::new(6_000);
    let fork = chain.fork(10, 6_000);
    let mut world = midway(&chain, SyncTarget::PeersTip, 3);
    announce(&mut world, 3, &fork);
    let before = world.peers[&3].served;
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert!(world.peers[&3].served - before < 1_000, "asked no more: {}", world.peers[&3].served - before);
    // It comes back, and is asked again for what comes then.
    let grown = chain.grown(500);
    let before = world.peers[&3].served;
    for id in (1..=3).rev() {
        announce(&mut world, id, &grown);
    }
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&grown.tip())));
    world.run_to_synced(60);
    assert!(world.peers[&3].served > before);
}

/// reth clears everything when a higher target comes. Ours compares hashes: the new tip waits for the end of what runs, and
/// not one header is fetched twice.
#[test]
fn d12_db3_an_extension_keeps_all_work() {
    let chain = Chain::new(5_000);
    let mut world = midway(&chain, SyncTarget::PeersTip, 1);
    let mut tip = chain.clone();
    for _ in 0..5 {
        tip = tip.grown(1);
        announce(&mut world, 1, &tip);
    }
    assert!(world.run_until(60, |world| world.store.checkpoint.as_ref().is_some_and(|c| c.is_complete(tip.tip()))));
    world.run_to_synced(10);
    world.assert_stored(&tip, 0);
    assert_eq!(served(&world), 5_005);
}

/// A pinned hash above what is being synced: what was verified stays, as a stored run that the new one comes down to.
#[test]
fn d12_db3_a_pinned_extension_keeps_what_was_verified() {
    let chain = Chain::new(5_000);
    let grown = chain.grown(100);
    let mut world = midway(&chain, SyncTarget::Hash(chain.tip().hash), 1);
    let verified = world.progress().stored + world.progress().staged;
    announce(&mut world, 1, &grown);
    world.target(SyncTarget::Hash(grown.tip().hash));
    assert!(world.run_until(10, |world| world.resolved().last() == Some(&grown.tip())));
    world.run_to_synced(60);
    world.assert_stored(&grown, 0);
    assert_eq!(world.penalties, []);
    let wasted = served(&world) - 5_100;
    assert!(wasted < 5_000 - verified, "{wasted} headers twice");
}

/// reth keeps queue and requests when the new target is lower, and penalizes honest peers when it is on another fork.
/// Ours restarts, and no header of the old fork stays.
#[test]
fn db3_d12_a_lower_sibling_restarts_without_orphans() {
    let chain = Chain::new(4_000);
    let fork = chain.fork(2_500, 3_500);
    let mut world = midway(&chain, SyncTarget::Hash(chain.tip().hash), 1);
    world.connect(2, TestPeer::new(&fork));
    world.target(SyncTarget::Hash(fork.tip().hash));
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&fork.tip())));
    world.run_to_synced(60);
    world.assert_stored(&fork, 0);
    assert_eq!(world.penalties, []);
}

/// A pinned hash under a stored head: the same chain is there already, another one is a reorg to it.
#[test]
fn db2_a_pinned_target_under_the_stored_head_is_had_already_or_a_reorg() {
    let chain = Chain::new(3_000);
    let fork = chain.fork(1_000, 2_000);
    let mut world = midway(&chain, SyncTarget::Hash(chain.tip().hash), 1);
    world.run_to_synced(60);
    world.connect(2, TestPeer::new(&fork));
    let before = served(&world);
    world.target(SyncTarget::Hash(chain.at(2_500).hash));
    assert!(world.run_until(10, |world| world.resolved().last() == Some(&chain.at(2_500))));
    world.run_to_synced(10);
    assert!(served(&world) - before <= 2, "nothing but the question for its number");
    assert_eq!(world.store.rows.len(), 3_000, "what descends from it stays");
    world.target(SyncTarget::Hash(fork.tip().hash));
    assert!(world.run_until(10, |world| world.resolved().last() == Some(&fork.tip())));
    world.run_to_synced(60);
    world.assert_stored(&fork, 0);
}

/// The user names another chain above the stored head, of which a few headers are stored before it is known where the
/// two part, and goes back to the stored head. Those few name another parent: they are removed, and nothing else is.
/// Peers that have the target are not judged by a chain that is no longer the target.
#[test]
fn db3_d12_i06_back_to_the_stored_head_under_another_chain_loses_nothing_and_penalizes_no_peer() {
    let chain = Chain::new(3_000);
    for (parts_at, back) in [(1_000, SyncTarget::Hash(chain.tip().hash)), (2_990, SyncTarget::PeersTip)] {
        let fork = chain.fork(parts_at, 3_003);
        let config = SyncConfig { tip_quorum: 2, ..config() };
        let mut world = World::with(chain.spec(), config, stored(&chain));
        for id in 1..=3 {
            world.connect(id, TestPeer { delay_ms: 20, ..TestPeer::new(&chain) });
        }
        world.connect(4, TestPeer::new(&fork));
        world.target(SyncTarget::Hash(fork.tip().hash));
        let is_above = |world: &World| world.store.checkpoint.as_ref().is_some_and(|it| it.subchains.len() == 2);
        assert!(world.run_until(10, is_above), "{:#?}", world.progress());
        assert_eq!(detached(&world), 1, "from {parts_at}");
        let asked = world.requests.len();
        world.target(back);
        world.run_to_synced(60);
        world.assert_stored(&chain, 0);
        assert_eq!(world.resolved(), [fork.tip(), chain.tip()], "from {parts_at}");
        assert_eq!((detached(&world), reorgs(&world)), (1, vec![]), "from {parts_at}");
        let downloads = world.requests[asked..].iter().filter(|request| request.limit > 1).count();
        assert_eq!((downloads, world.penalties), (0, vec![]), "from {parts_at}");
    }
}

#[test]
fn i02_the_same_target_again_is_nothing_and_a_reorg_is_said_once() {
    let old = Chain::new(2_000);
    let new = old.fork(1_500, 2_100);
    let mut world = crate::support::ancestor::moved(&old, &new, 2);
    for _ in 0..200 {
        world.target(SyncTarget::PeersTip);
        let served = world.peers[&1].served_range();
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
        world.step();
    }
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    let count = |wanted: fn(&Event) -> bool| world.events.iter().filter(|event| wanted(event)).count();
    assert_eq!(count(|event| matches!(event, Event::DetachedHead { .. })), 1);
    assert_eq!(count(|event| matches!(event, Event::Reorg { .. })), 1);
    assert_eq!(world.resolved(), [new.tip()]);
    assert!(served(&world) < 800 + compared_max(500), "{}", served(&world));
}

/// A session whose store holds a chain, with a forged block on top for all it knows: what stood above the pin stays, and
/// is no part of this session.
#[test]
fn db2_a_pinned_target_inside_a_stored_run_needs_no_peer() {
    let chain = Chain::new(3_000);
    let mut world = midway(&chain, SyncTarget::PeersTip, 1);
    world.run_to_synced(60);
    let pin = chain.at(2_500);
    let mut world = world.reopened();
    world.target(SyncTarget::Hash(pin.hash));
    world.input(Input::TargetStored(chain.headers[2_499].clone()));
    assert_eq!(world.resolved(), [], "another header is not the pin");
    world.input(Input::TargetStored(chain.headers[2_500].clone()));
    world.run_to_synced(10);
    assert_eq!(world.resolved(), [pin]);
    let progress = world.progress();
    assert_eq!((progress.target, progress.total, progress.stored, progress.percent), (Some(pin), 2_501, 2_501, 100.0));
    assert!(world.events.iter().any(|event| matches!(event, Event::Synced { head } if *head == pin)));
    assert_eq!((world.requests.len(), world.store.rows.len()), (0, 3_000), "nothing is asked for, nothing is lost");
    // The next session wants the tip again, and has it.
    let mut world = world.reopened();
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(served(&world) <= 2, "nothing but the question for the tip");
}
