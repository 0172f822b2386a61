//! A sync that does not move says how its peers stand.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{Event, PeerHealth, StallReason, config::PEER_HEALTH_MAX};

fn after_stall(world: &World, reason: &StallReason) -> Option<Vec<PeerHealth>> {
    let at = world.events.iter().position(|event| *event == Event::Stalled(reason.clone()))?;
    match world.events.get(at + 1) {
        Some(Event::PeerHealth(health)) => Some(health.clone()),
        _ => None,
    }
}

#[test]
fn h03_thirty_seconds_without_progress_are_told_with_every_peers_health() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    for id in 0..PEER_HEALTH_MAX as u32 + 9 {
        world.connect(id, TestPeer::new(&chain));
    }
    assert!(world.run_until(10, |world| world.progress().staged > 500));
    for id in 0..PEER_HEALTH_MAX as u32 + 9 {
        world.peer_mut(id).behavior = Behavior::Silent;
    }
    let before = world.now_ms;
    assert!(world.run_until(120, |world| !world.stalls().is_empty()));
    assert!((29_000..40_000).contains(&(world.now_ms - before)), "{}", world.now_ms - before);
    assert_eq!(world.stalls(), [StallReason::NoProgress]);
    let health = after_stall(&world, &StallReason::NoProgress).expect("with its stall");
    assert_eq!(health.len(), PEER_HEALTH_MAX, "bounded");
    assert!(health.iter().all(|peer| peer.connected && peer.same_chain));
    let troubled = health.iter().find(|peer| peer.faults > 0).expect("a peer was silent");
    assert!(troubled.score < 100 && troubled.round_trip_median.is_some() && troubled.linked_before.is_some());
}

#[test]
fn stalls_that_no_peer_can_help_with_say_nothing_of_peers() {
    let chain = Chain::new(300);
    let mut world = World::towards(&chain);
    world.run_for(20);
    assert_eq!(world.stalls(), [StallReason::NoPeers]);
    assert!(after_stall(&world, &StallReason::NoPeers).is_none());
}
