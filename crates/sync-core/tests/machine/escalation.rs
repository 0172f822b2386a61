//! Ranges that keep failing: served first, in ever smaller parts, until a peer has them.

use crate::support::{Behavior, Chain, TestPeer, World, meddle::break_streams_at};
use sync_core::{Event, Input, id::PeerId};

#[test]
fn h04_h05_what_failed_often_is_had_in_small_parts_and_counted_as_recovered() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_resolved(10);
    // It responds to everything but requests with this number: there its stream breaks.
    let sizes = break_streams_at(&mut world, 1, &chain, 1_000, 8);
    assert!(sizes.iter().any(|size| *size < 10), "{sizes:?}");
    assert!(world.machine.download_stats().escalated > 0);
    world.peer_mut(1).behavior = Behavior::Honest;
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
    let stats = world.machine.download_stats();
    assert!(stats.recovered > 0, "{stats:?}");
    assert_eq!((stats.escalated, stats.in_flight, stats.buffered), (0, 0, 0), "done is: nothing pending anywhere");
    assert_eq!(stats.linked, 2_000);
    assert!(!world.is_banned(1));
}

#[test]
fn h08_a_lost_connection_is_no_failure_of_the_range() {
    let chain = Chain::new(4_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 80, ..TestPeer::new(&chain) });
    for _ in 0..20 {
        assert!(world.run_until(10, |world| world.progress().peers[0].requests_in_flight > 0));
        world.disconnect(1);
        assert_eq!(world.machine.download_stats().in_flight, 0, "released at once");
        world.reconnect(1);
    }
    assert_eq!(world.machine.download_stats().escalated, 0);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.machine.download_stats().recovered, 0);
    let verified = world.events.iter().filter_map(|event| match event {
        Event::HeadersLinked { range, .. } => Some(range.len()),
        _ => None,
    });
    assert_eq!(verified.sum::<u64>(), 4_000, "no header is verified twice");
}

#[test]
fn h02_a_peer_that_cools_down_is_left_alone_and_nothing_spins() {
    let chain = Chain::new(2_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_resolved(10);
    world.peer_mut(1).behavior = Behavior::Silent;
    assert!(world.run_until(60, |world| !world.penalized(1).is_empty()));
    let (asked, at) = (world.requests.len(), world.now_ms);
    let mut steps = 0;
    world.run_until(60, |world| {
        steps += 1;
        world.requests.len() > asked
    });
    assert!(world.now_ms - at >= world.config.backoff_start.as_millis() as u64, "{} ms", world.now_ms - at);
    assert!(steps < 40, "{steps} wake-ups in {} ms", world.now_ms - at);
    let served = world.peers[&1].served_range();
    world.input(Input::PeerUpdated { peer: PeerId(1), served });
}
