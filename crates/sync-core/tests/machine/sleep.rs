//! The host sleeps for an hour, at the worst moments. Nothing was late in that time, and the sync goes on.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, moved},
};
use std::time::Duration;
use sync_core::{HeadersRequest, Input, StallReason, StartBlock, SyncConfig, SyncTarget, id::PeerId};

const HOUR_MS: u64 = 3_600_000;

/// An hour passes before the machine is called again. What was on its way comes after that, at once.
fn sleep(world: &mut World) {
    world.now_ms += HOUR_MS;
    world.input(Input::Timeout);
}

fn assert_blameless(world: &World) {
    assert_eq!(world.stalls(), []);
    assert_eq!(world.penalties, []);
}

#[test]
fn u15_an_hour_asleep_in_a_download_is_no_fault() {
    let chain = Chain::new(50_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
    world.connect(2, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
    assert!(world.run_until(5, World::has_linked));
    world.run_for(1);
    for _ in 0..3 {
        sleep(&mut world);
        world.run_for(1);
    }
    world.run_to_synced(60);
    assert_blameless(&world);
    world.assert_stored(&chain, 0);
}

#[test]
fn u15_an_hour_asleep_in_a_search_for_the_ancestor_is_no_fault() {
    let old = Chain::new(3_000);
    let new = old.fork(1_700, 3_050);
    let mut world = moved(&old, &new, 2);
    let is_seeking = |world: &World| {
        let single = |request: &&HeadersRequest| request.limit == 1 && matches!(request.start, StartBlock::Number(_));
        world.requests.iter().filter(single).count() > 3
    };
    assert!(world.run_until(30, is_seeking));
    sleep(&mut world);
    world.run_to_synced(60);
    assert_blameless(&world);
    assert_reorg(&world, 1_699, 2_999, 3_049);
}

#[test]
fn u15_an_hour_asleep_while_votes_are_open_is_no_fault() {
    let chain = Chain::new(600);
    let config = SyncConfig { tip_quorum: 2, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain).range(0, 500));
    assert!(!world.requests.is_empty() && world.resolved().is_empty(), "a vote is open");
    sleep(&mut world);
    world.run_to_synced(60);
    assert_blameless(&world);
}

#[test]
fn u15_a_stall_that_is_suspected_is_not_said_for_the_time_asleep() {
    let chain = Chain::new(600);
    let mut world = World::towards(&chain);
    world.run_for(2);
    sleep(&mut world);
    assert_eq!(world.stalls(), []);
    world.run_for(1);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_blameless(&world);
    let mut patient = World::towards(&chain);
    patient.run_for(2);
    sleep(&mut patient);
    patient.run_for(6);
    assert_eq!(patient.stalls(), [StallReason::NoPeers], "time awake counts as before");
}

#[test]
fn u15_peers_that_are_configured_have_their_time_after_the_sleep() {
    let chain = Chain::new(600);
    let other = chain.fork(300, 700);
    let config = SyncConfig { tip_quorum: 1, peers_expected: 3, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&other));
    sleep(&mut world);
    world.run_for(1);
    assert_eq!(world.resolved(), [], "the first one does not decide alone");
    world.connect(2, TestPeer::new(&chain));
    world.connect(3, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn u15_a_response_that_waited_teaches_no_round_trip_of_an_hour() {
    let chain = Chain::new(20_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    // Its pieces are reassigned before it responds.
    world.connect(2, TestPeer { delay_ms: 3_000, ..TestPeer::new(&chain) });
    assert!(world.run_until(10, |world| world.machine.download_stats().timeouts == 0 && world.now_ms > 2_500));
    sleep(&mut world);
    world.run_to_synced(60);
    world.run_for(10);
    for peer in world.progress().peers {
        assert!(peer.round_trip.is_none_or(|trip| trip < Duration::from_secs(60)), "{:?}", peer.round_trip);
    }
    assert_blameless(&world);
}

#[test]
fn u15_what_a_peer_said_before_its_last_announcement_does_not_become_newer_by_a_sleep() {
    let chain = Chain::new(600);
    let other = chain.fork(300, 700);
    let config = SyncConfig { tip_quorum: 2, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer { delay_ms: 50, ..TestPeer::new(&chain) });
    world.connect(2, TestPeer::new(&chain).range(0, 500));
    let asked = |world: &World| {
        let of_it = |request: &&HeadersRequest| request.peer == PeerId(1) && request.start == StartBlock::Number(500);
        world.requests.iter().filter(of_it).count()
    };
    assert_eq!(asked(&world), 1);
    world.now_ms += 1;
    announce(&mut world, 1, &other);
    sleep(&mut world);
    world.run_for(1);
    assert_eq!(asked(&world), 2, "the response was of its chain before");
    assert_eq!(world.resolved(), []);
}

/// Timers of a hidden tab fire once a minute, and nothing else happens in it.
#[test]
fn u15_a_host_that_is_late_each_time_notices_a_silent_peer_all_the_same() {
    let chain = Chain::new(600);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    for _ in 0..20 {
        world.now_ms += 60_000;
        world.input(Input::Timeout);
    }
    assert!(!world.penalized(1).is_empty());
}
