//! Honest peers on different sides of a reorg, while a sync runs: no peer is penalized for the chain that it is on.

use crate::support::{Behavior, Chain, TestPeer, World, ancestor::announce};
use sync_core::{
    Input, StartBlock, SyncTarget,
    fault::{PeerFault, RequestFailure},
    id::PeerId,
};

#[test]
fn what_everything_waits_for_is_asked_for_by_hash() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    // The probe asks for one; the first piece begins at the target.
    let first = world.requests.iter().find(|request| request.limit > 1).expect("pieces were asked for");
    assert_eq!(first.start, StartBlock::Hash(chain.tip().hash));
    assert!(world.requests.iter().any(|request| matches!(request.start, StartBlock::Number(_))));
}

#[test]
fn peers_that_moved_to_another_chain_are_not_banned_and_the_one_that_stayed_serves() {
    let old = Chain::new(3_000);
    let new = old.fork(1_000, 3_100);
    let mut world = World::towards(&old);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&old));
    }
    assert!(world.run_until(10, World::has_linked));
    announce(&mut world, 1, &new);
    announce(&mut world, 2, &new);
    world.run_to_synced(60);
    world.assert_stored(&old, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn a_chain_that_all_peers_left_is_left_for_the_newer_tip() {
    let old = Chain::new(3_000);
    let new = old.fork(1_000, 3_010);
    let mut world = World::new(old.spec());
    world.target(SyncTarget::PeersTip);
    for id in 1..=2 {
        world.connect(id, TestPeer { delay_ms: 50, ..TestPeer::new(&old) });
    }
    announce(&mut world, 1, &new);
    announce(&mut world, 2, &new);
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn another_header_than_the_one_that_was_named_is_a_fault() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    // Short responses, so that the invalid header is the first of one.
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Short(1)));
    assert!(world.run_until(10, World::has_linked));
    world.disconnect(1);
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::FlipByte));
    assert!(world.run_until(30, |world| world.is_banned(2)));
    assert!(matches!(world.penalized(2)[0], PeerFault::BrokenLink { .. } | PeerFault::Undecodable { .. }));
}

#[test]
fn what_a_silent_peer_holds_up_is_reassigned_when_its_time_has_come_and_not_at_the_deadline() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    let due = world.config.steal_after + world.config.deadline_min / 2;
    assert!(world.now().since_start() < due, "synced after {} ms", world.now_ms);
}

#[test]
fn a_request_that_was_reassigned_and_then_failed_is_no_silence() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    // Everything that the silent one was asked for was reassigned, and its deadlines are yet to come.
    let open: Vec<_> = world.requests.iter().filter(|request| request.peer == PeerId(1)).map(|it| it.id).collect();
    assert!(open.len() > 1);
    assert_eq!(world.penalties, []);
    for request in open {
        world.input(Input::RequestFailed { request, failure: RequestFailure::Disconnected });
    }
    world.run_for(30);
    assert_eq!(world.penalties, []);
}
