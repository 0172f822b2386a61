//! Slow is not silent: no fault for a way that is long, narrow, or stands still for seconds.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{Input, SyncTarget, fault::PeerFault, id::PeerId};

fn scores(world: &World) -> Vec<u8> {
    world.progress().peers.iter().map(|peer| peer.score).collect()
}

/// A transport that repairs a loss delivers nothing for seconds, then everything.
#[test]
fn n07_ways_that_stand_still_for_seconds_cost_no_score_and_nothing_is_fetched_twice() {
    let chain = Chain::new(30_000);
    for stall_ms in [2_000, 4_500, 6_000, 7_500] {
        let mut world = World::new(chain.spec());
        world.way_bytes_per_ms = Some(1_000);
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
        let mut stored = 0;
        while !world.is_synced() && world.now_ms < 600_000 {
            world.run_until(60, |world| world.is_synced() || world.machine.download_stats().linked >= stored + 4_000);
            stored = world.machine.download_stats().linked;
            world.stall_ways(stall_ms);
        }
        world.assert_stored(&chain, 0);
        assert_eq!((world.penalties.len(), scores(&world)), (0, vec![100]), "stalls of {stall_ms} ms");
        assert!(world.peers[&1].served < 30_600, "{} of 30,000 served, {stall_ms} ms", world.peers[&1].served);
    }
}

/// The requests of a late peer are reassigned; its own late responses are used where no other peer was quicker.
#[test]
fn a_late_response_takes_the_place_that_no_other_peer_has_filled() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(10, |world| world.machine.download_stats().linked > 500));
    world.stall_ways(6_000);
    world.run_to_synced(30);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert!(world.machine.download_stats().timeouts > 0, "it was late");
    assert_eq!(world.peers[&1].served, 3_001, "all of it once, and the target's header");
}

#[test]
fn requests_open_during_one_silence_are_one_fault() {
    let chain = Chain::new(60_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 60, ..TestPeer::new(&chain) });
    assert!(world.run_until(30, |world| world.progress().peers[0].requests_in_flight >= 6));
    world.cut_ways();
    world.peer_mut(1).behavior = Behavior::Silent;
    assert!(world.run_until(60, |world| !world.penalties.is_empty()));
    world.run_for(1);
    assert_eq!(world.penalized(1), [&PeerFault::Timeout]);
    assert_eq!(scores(&world), [90]);
}

#[test]
fn bytes_of_a_response_are_heard() {
    let chain = Chain::new(60);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_resolved(5);
    world.peer_mut(1).behavior = Behavior::Slow(40_000);
    world.reconnect(1);
    let asked = world.requests.len();
    while !world.is_synced() && world.now_ms < 60_000 {
        world.run_for(1);
        world.input(Input::ResponseProgress { peer: PeerId(1) });
    }
    assert!(world.is_synced());
    assert_eq!((world.penalties.len(), world.machine.download_stats().timeouts), (0, 0));
    assert_eq!(world.requests.len(), asked, "asked once");
}

#[test]
fn a_byte_now_and_then_is_not_heard_for_ever() {
    let chain = Chain::new(60);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    while world.penalties.is_empty() && world.now_ms < 120_000 {
        world.run_for(1);
        world.input(Input::ResponseProgress { peer: PeerId(1) });
    }
    assert!((60_000..90_000).contains(&world.now_ms), "{}", world.now_ms);
    assert_eq!(world.penalized(1), [&PeerFault::Timeout]);
}

/// The peer responds to everything but one request, and is penalized for that one although it sends bytes all the time.
#[test]
fn a_request_that_is_skipped_is_a_fault_whatever_else_comes() {
    let chain = Chain::new(200_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 60, ..TestPeer::new(&chain).behavior(Behavior::Skips(190_000)) });
    assert!(world.run_until(60, |world| !world.penalties.is_empty()));
    assert_eq!(world.penalized(1), [&PeerFault::Timeout]);
    world.peer_mut(1).behavior = Behavior::Honest;
    assert!(world.run_until(60, |world| world.machine.download_stats().linked > 20_000));
}
