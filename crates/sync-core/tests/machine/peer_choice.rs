//! The choice of peers: windows, follow-ups, fairness, deadlines, and scores.

use crate::support::{Behavior, Chain, TestPeer, World, bare::Bare};
use sync_core::{
    Event, Input, Output, StartBlock, SyncTarget,
    fault::{PeerFault, RequestFailure},
    id::PeerId,
};

/// The field keeps one request for each peer in flight. Over a data channel that would leave the way empty for a round
/// trip after each response, so here a window of bytes bounds what is in flight to one peer; a new peer's holds one
/// whole response.
#[test]
fn n01_a_window_bounds_what_is_in_flight_to_one_peer() {
    let chain = Chain::new(9_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 300, ..TestPeer::new(&chain) });
    let mut first_window = 0;
    world.run_until(30, |world| {
        let peer = &world.progress().peers[0];
        assert!(peer.requests_in_flight <= 16 && peer.bytes_in_flight <= peer.window_bytes);
        if peer.headers == 0 {
            first_window = first_window.max(peer.requests_in_flight);
        }
        world.is_synced()
    });
    assert_eq!(first_window, 1);
    assert_eq!(world.penalties, []);
}

#[test]
fn n04_a_peer_that_cannot_serve_the_top_gets_what_it_can_and_a_new_one_is_asked_at_once() {
    let chain = Chain::new(6_000);
    let mut world = World::towards(&chain);
    let old = TestPeer { delay_ms: 50, ..TestPeer::new(&chain).range(0, 2_999) };
    world.connect(1, old);
    world.connect(2, TestPeer { delay_ms: 1_500, ..TestPeer::new(&chain) });
    assert!(world.run_until(10, |world| world.peers[&1].served > 1_000), "the top does not block the bottom");
    let before = world.requests.len();
    world.connect(3, TestPeer::new(&chain));
    assert_eq!(world.requests[before].peer, PeerId(3), "asked in the same breath");
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

/// Other clients check a response before the next request. Here the next request is sent first, so that it travels
/// while the response is hashed; after an invalid response it is cancelled at once.
#[test]
fn n05_a_peer_that_responds_well_is_asked_again_at_once_and_one_that_responds_badly_is_not() {
    let chain = Chain::new(6_000);
    for (spoil, expect_follow_up) in [(0usize, true), (1, true), (2, false)] {
        let (mut bare, open) = Bare::with_requests(&chain, 1);
        // The first one asks for the target's header, by its hash, and what lies under it.
        let top = 5_999u64;
        assert_eq!(open[0].start, StartBlock::Hash(chain.tip().hash));
        let mut headers: Vec<_> =
            (0..=top).rev().take(usize::from(open[0].limit)).map(|n| chain.headers[n as usize].clone()).collect();
        match spoil {
            0 => {}
            // Shorter than asked for: lawful.
            1 => headers.truncate(3),
            _ => headers[5] = bytes::Bytes::from_static(b"no header"),
        }
        bare.input(Input::HeadersReceived { request: open[0].id, headers });
        let mut wanted = std::collections::BTreeSet::from_iter(open[1..].iter().map(|request| request.id));
        for output in bare.drain() {
            match output {
                Output::Request(request) => _ = wanted.insert(request.id),
                Output::Cancel(id) => _ = wanted.remove(&id),
                _ => {}
            }
        }
        let follow_up = wanted.len() >= open.len();
        assert_eq!(wanted.is_empty(), !expect_follow_up);
        assert_eq!(follow_up, expect_follow_up, "spoil {spoil}");
    }
}

#[test]
fn i16_n08_one_quick_peer_dooms_no_slow_ones() {
    let chain = Chain::new(12_000);
    let mut world = World::towards(&chain);
    for id in 1..5 {
        world.connect(id, TestPeer { delay_ms: 1_400, ..TestPeer::new(&chain) });
    }
    world.connect(9, TestPeer { delay_ms: 1, ..TestPeer::new(&chain).range(0, 6_000) });
    world.run_to_synced(200);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, [], "slow and steady is no fault");
}

/// A peer that was quick and becomes as slow as all others: its own past would give it two seconds.
#[test]
fn n08_the_deadline_follows_the_median_of_the_peers() {
    let chain = Chain::new(30_000);
    let mut world = World::towards(&chain);
    for id in 1..5 {
        world.connect(id, TestPeer { delay_ms: 2_500, ..TestPeer::new(&chain) });
    }
    world.connect(9, TestPeer { delay_ms: 20, ..TestPeer::new(&chain).range(0, 25_000) });
    assert!(world.run_until(60, |world| world.peers[&9].served > 8_000));
    world.peer_mut(9).delay_ms = 3_000;
    world.run_for(30);
    assert_eq!(world.penalized(9), Vec::<&PeerFault>::new(), "three seconds are what the others take too");
}

#[test]
fn n10_an_empty_response_near_the_tip_is_lag_and_elsewhere_a_fault() {
    let chain = Chain::new(5_000);
    let grown = chain.grown(2);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(grown.tip().hash));
    world.connect(1, TestPeer { delay_ms: 40, ..TestPeer::new(&grown) });
    world.run_to_resolved(10);
    // It says that it has the two newest blocks and cannot give them.
    let malicious = TestPeer { delay_ms: 1, ..TestPeer::new(&grown) };
    let status = malicious.status();
    world.peers.insert(2, TestPeer { connected: true, ..TestPeer::new(&chain) });
    world.input(Input::PeerConnected { peer: PeerId(2), status });
    world.run_to_synced(60);
    world.assert_stored(&grown, 0);
    assert_eq!(world.penalties, []);

    let mut elsewhere = World::towards(&chain);
    elsewhere.connect(1, TestPeer { delay_ms: 400, ..TestPeer::new(&chain) });
    elsewhere.run_to_resolved(10);
    elsewhere.connect(2, TestPeer::new(&chain).behavior(Behavior::Empty));
    elsewhere.run_to_synced(200);
    assert!(elsewhere.penalized(2).iter().all(|fault| matches!(fault, PeerFault::EmptyResponse { .. })));
    assert!(!elsewhere.penalized(2).is_empty());
}

#[test]
fn i19_every_lost_request_is_laid_to_a_peer_and_has_a_deadline() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_resolved(10);
    world.peer_mut(1).behavior = Behavior::Silent;
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::Silent));
    let asked = |world: &World, id: u32| world.requests.iter().any(|it| it.peer == PeerId(id) && it.limit > 1);
    assert!(world.run_until(4, |world| asked(world, 1) && asked(world, 2)));
    let score = |world: &World, id: u32| {
        world.progress().peers.iter().find(|peer| peer.peer == PeerId(id)).expect("known").score
    };
    let before = score(&world, 1);
    let mine: Vec<_> = world.requests.iter().filter(|request| request.peer == PeerId(1)).map(|r| r.id).collect();
    for request in mine {
        world.input(Input::RequestFailed { request, failure: RequestFailure::Disconnected });
    }
    assert!(score(&world, 1) < before, "a transport that fails is seen");
    assert_eq!(world.penalized(1), Vec::<&PeerFault>::new(), "and no fault");
    world.run_for(30);
    assert!(!world.penalized(2).is_empty(), "silence ends at a deadline");
    assert!(score(&world, 2) < 100);
}

#[test]
fn i20_a_quick_response_is_worth_nothing_until_it_is_verified() {
    let chain = Chain::new(9_000);
    let fork = chain.fork(10, 9_000);
    let mut world = World::towards(&chain);
    // Its responses are quick, link inside themselves, and are of another chain.
    world.connect(1, TestPeer { delay_ms: 1, ..TestPeer::new(&fork) });
    world.connect(2, TestPeer { delay_ms: 60, ..TestPeer::new(&chain) });
    world.connect(3, TestPeer { delay_ms: 60, ..TestPeer::new(&chain) });
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    let peers = world.progress().peers;
    let of = |id: u32| peers.iter().find(|peer| peer.peer == PeerId(id)).expect("known");
    assert!(of(1).bytes > 0, "it did respond");
    assert_eq!(of(1).headers, chain.at(9).number.min(of(1).headers), "nothing above the fork counts");
    assert!(of(1).headers < of(2).headers.min(of(3).headers));
    let linked_of_malicious = world
        .events
        .iter()
        .any(|event| matches!(event, Event::HeadersLinked { peer: PeerId(1), range } if range.last() >= 10));
    assert!(!linked_of_malicious);
}

#[test]
fn h09_what_is_released_twice_is_released_once() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 100, ..TestPeer::new(&chain) });
    assert!(world.run_until(10, |world| world.progress().peers[0].requests_in_flight > 1));
    let ids: Vec<_> = world.requests.iter().map(|request| request.id).collect();
    world.disconnect(1);
    // The host reports each of them lost as well, and a response comes after all.
    for request in ids {
        world.input(Input::RequestFailed { request, failure: RequestFailure::Disconnected });
        world.input(Input::HeadersReceived { request, headers: vec![chain.headers[3].clone()] });
    }
    world.reconnect(1);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}
