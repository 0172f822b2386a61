//! The reverse download, rule by rule: which headers are requested, in which order, and how the responses are used.

use std::collections::VecDeque;

use crate::support::{
    Behavior, Chain, TestPeer, World,
    bare::{Bare, requests},
};
use sync_core::{
    Event, HeadersRequest, Input, Output, StartBlock, SyncTarget,
    fault::{PeerFault, RequestFailure},
};

#[test]
fn d01_nothing_is_asked_until_there_are_target_and_peer() {
    let chain = Chain::new(500);
    let peer = |world: &mut World| world.connect(1, TestPeer::new(&chain));
    let target = |world: &mut World| world.target(SyncTarget::Hash(chain.tip().hash));
    let mut peer_first = World::new(chain.spec());
    peer(&mut peer_first);
    peer_first.run_for(60);
    assert!(peer_first.requests.is_empty());
    target(&mut peer_first);
    peer_first.run_to_synced(10);
    let mut target_first = World::new(chain.spec());
    target(&mut target_first);
    target_first.run_for(60);
    assert!(target_first.requests.is_empty());
    peer(&mut target_first);
    target_first.run_to_synced(10);
}

/// Where the field's clients never ask for genesis, because they are born with its header, this machine does when its
/// floor is 0: its store begins empty, and genesis is verified like every other header.
#[test]
fn d05_requests_fall_and_never_ask_for_the_local_head() {
    let chain = Chain::new(4_000);
    let grown = chain.grown(3_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    let mut next = chain.tip().number;
    // The first request is the question for the target's number.
    for request in &world.requests[1..] {
        let start = match request.start {
            StartBlock::Number(number) => number,
            StartBlock::Hash(hash) => chain.number_of(hash).expect("of the chain"),
        };
        assert_eq!(start, next, "the next request starts where the one before ends");
        next = start.wrapping_sub(u64::from(request.limit));
    }
    assert_eq!(next, u64::MAX, "down to genesis, and not beyond");
    let first = world.requests.len();
    world.events.clear();
    world.connect(2, TestPeer::new(&grown));
    world.target(SyncTarget::Hash(grown.tip().hash));
    world.run_to_synced(60);
    for request in &world.requests[first..] {
        let StartBlock::Number(start) = request.start else { continue };
        assert!(start + 1 - u64::from(request.limit) > chain.tip().number, "{request:?}");
    }
    world.assert_stored(&grown, 0);
}

/// The field multiplies peers by a constant and caps the product; here each peer's window of bytes decides, and the sum is
/// bounded by requests a peer, by requests in all, and by memory.
#[test]
fn d06_concurrency_follows_the_peers_and_is_bounded() {
    let chain = Chain::new(40_000);
    let mut in_flight = Vec::new();
    for peers in [1usize, 4, 12] {
        let mut world = World::towards(&chain);
        for id in 0..peers as u32 {
            world.connect(id, TestPeer { delay_ms: 100, ..TestPeer::new(&chain) });
        }
        let mut most = 0;
        world.run_until(2, |world| {
            let progress = world.progress();
            for peer in &progress.peers {
                assert!(peer.requests_in_flight <= world.config.requests_per_peer_max);
                assert!(peer.bytes_in_flight <= peer.window_bytes.max(world.config.request_bytes));
            }
            assert!(progress.memory_bytes <= world.config.staged_bytes_max);
            most = most.max(progress.peers.iter().map(|peer| peer.requests_in_flight).sum::<usize>());
            false
        });
        in_flight.push(most);
    }
    assert!(in_flight[0] >= 2 && in_flight[1] >= 3 * in_flight[0] && in_flight[2] > 2 * in_flight[1], "{in_flight:?}");
}

#[test]
fn d07_a_response_is_checked_for_its_length_then_its_start_then_its_links() {
    let chain = Chain::new(3_000);
    let fork = chain.fork(100, 3_000);
    let fault = |spoil: &dyn Fn(&HeadersRequest, u64) -> Vec<u64>| {
        let (mut bare, open) = Bare::with_requests(&chain, 1);
        // What everything waits for is asked for by hash; what comes after it by number.
        bare.respond(&open[0]);
        let piece = *bare.requests().last().expect("the next");
        let StartBlock::Number(start) = piece.start else { panic!("by number") };
        // A number over a million names a header of the other branch.
        let header =
            |n: u64| if n >= 1_000_000 { &fork.headers[(n - 1_000_000) as usize] } else { &chain.headers[n as usize] };
        let headers = spoil(&piece, start).into_iter().map(|n| header(n).clone()).collect();
        bare.input(Input::HeadersReceived { request: piece.id, headers });
        let fault = bare.drain().into_iter().find_map(|output| match output {
            Output::Penalize { fault, .. } => Some(fault),
            _ => None,
        });
        fault.map(|fault| (start, fault))
    };
    let whole =
        |piece: &HeadersRequest, start: u64| (start + 1 - u64::from(piece.limit)..=start).rev().collect::<Vec<_>>();
    assert_eq!(fault(&whole), None);
    let long = fault(&|piece, start| [whole(piece, start), vec![0]].concat());
    assert!(matches!(long, Some((_, PeerFault::TooManyHeaders { got, limit })) if got == limit + 1), "{long:?}");
    // Too long and a wrong start: the length is looked at first, it costs nothing.
    let both = fault(&|piece, start| [vec![5], whole(piece, start)].concat());
    assert!(matches!(both, Some((_, PeerFault::TooManyHeaders { .. }))), "{both:?}");
    let late = fault(&|piece, start| whole(piece, start)[1..].to_vec());
    assert!(matches!(late, Some((_, PeerFault::WrongStart { got, expected })) if got + 1 == expected), "{late:?}");
    let hole = fault(&|piece, start| whole(piece, start).into_iter().filter(|n| *n != start - 3).collect());
    assert!(matches!(hole, Some((start, PeerFault::BrokenLink { number, .. })) if number == start - 3), "{hole:?}");
    let mixed = fault(&|piece, start| {
        whole(piece, start).into_iter().map(|n| if n < start - 5 { n + 1_000_000 } else { n }).collect()
    });
    assert!(matches!(mixed, Some((start, PeerFault::BrokenLink { number, .. })) if number == start - 6), "{mixed:?}");
    // Nothing at all, where the peer says that it has something.
    let nothing = fault(&|_, _| Vec::new());
    assert!(matches!(nothing, None | Some((_, PeerFault::EmptyResponse { .. }))), "{nothing:?}");
}

#[test]
fn d10_what_waited_is_verified_in_order_once_the_front_is_there_and_late_copies_are_dropped() {
    let chain = Chain::new(600);
    let (mut bare, mut open) = Bare::with_requests(&chain, 4);
    assert!(open.len() >= 4);
    let front = open.remove(0);
    let mut staged = 0;
    for request in &open {
        bare.respond(request);
        // Requests that are sent meanwhile get no response.
        let outputs = bare.drain();
        assert!(!outputs.iter().any(|output| matches!(output, Output::Event(Event::HeadersLinked { .. }))));
        staged += 1;
    }
    assert_eq!(bare.machine.download_stats().buffered, staged);
    assert_eq!(bare.machine.download_stats().out_of_order, staged as u64);
    bare.respond(&front);
    let outputs = bare.drain();
    let linked: Vec<u64> = outputs
        .iter()
        .filter_map(|output| {
            if let Output::Event(Event::HeadersLinked { range, .. }) = output { Some(range.last()) } else { None }
        })
        .collect();
    assert_eq!(linked.len(), staged + 1);
    assert!(linked.windows(2).all(|pair| pair[0] > pair[1]), "{linked:?}");
    // The same responses again: their ids are spent.
    let before = bare.machine.download_stats();
    for request in [&front, &open[0]] {
        bare.respond(request);
        bare.drain();
    }
    assert_eq!(bare.machine.download_stats().headers, before.headers);
}

#[test]
fn d14_batches_fall_whole_windows_first_and_what_is_left_at_the_end() {
    let chain = Chain::new(20_000);
    let mut bare = Bare::new(&chain, 1);
    let mut inputs = VecDeque::from([Input::Timeout]);
    let (mut ranges, mut done) = (Vec::new(), 0);
    while let Some(input) = inputs.pop_front() {
        bare.input(input);
        for output in bare.drain() {
            match output {
                Output::Request(request) => inputs.push_back(bare.response_to(&request)),
                Output::Persist(batch) => {
                    ranges.push((batch.range().first(), batch.range().last()));
                    assert_eq!(batch.headers().len() as u64, batch.range().len());
                    inputs.push_back(Input::BatchPersisted { batch: batch.id() });
                }
                Output::Event(Event::Synced { .. }) => done += 1,
                _ => {}
            }
        }
    }
    assert_eq!(ranges, [(16_384, 19_999), (8_192, 16_383), (0, 8_191)]);
    assert_eq!(done, 1, "the end is told once");
    bare.input(Input::Timeout);
    assert!(bare.drain().iter().all(|output| matches!(output, Output::Event(Event::Progress(_)))));
}

/// The field ends its stream when the channel to the network closes. Here the host owns the network: a request that it
/// could not send goes to another peer at once, and to the same peer after a pause; peers may come and go for ever.
#[test]
fn d15_p08_a_request_lost_with_its_stream_goes_to_another_peer_at_once() {
    let chain = Chain::new(3_000);
    let (mut bare, open) = Bare::with_requests(&chain, 2);
    let lost = open[0];
    bare.input(Input::RequestFailed { request: lost.id, failure: RequestFailure::Disconnected });
    // The other has room again: it is given the same numbers before anything else.
    let other = open.iter().find(|request| request.peer != lost.peer).expect("both are asked");
    bare.respond(other);
    let outputs = bare.drain();
    assert!(!outputs.iter().any(|output| matches!(output, Output::Penalize { .. })), "no fault for a lost stream");
    let again = requests(&outputs)[0];
    assert_eq!((again.start, again.peer), (lost.start, other.peer));
    assert_eq!(bare.machine.download_stats().transport_failures, 1);
    // A breach of the protocol is a fault.
    let failure = RequestFailure::Protocol("no message".into());
    bare.input(Input::RequestFailed { request: again.id, failure });
    let outputs = bare.drain();
    assert!(
        outputs
            .iter()
            .any(|o| matches!(o, Output::Penalize { fault: PeerFault::Protocol(_), peer, .. } if *peer == again.peer))
    );
}

#[test]
fn d16_the_wire_comes_first_then_proofs_then_batches() {
    let chain = Chain::new(30_000);
    let (mut bare, open) = Bare::with_requests(&chain, 1);
    bare.respond(&open[0]);
    let kinds: Vec<&str> = bare
        .drain()
        .iter()
        .filter_map(|output| match output {
            Output::Request(_) => Some("request"),
            Output::Event(Event::HeadersLinked { .. }) => Some("linked"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds.first(), Some(&"request"), "what is asked for travels while the response is hashed: {kinds:?}");
    assert_eq!(kinds.last(), Some(&"linked"), "{kinds:?}");
}

/// The field seals headers on a thread pool. A page's worker has one thread and must return to its event loop, so here
/// one poll hashes at most one response, and a host that has threads runs a machine for each chain.
#[test]
fn d17_one_poll_hashes_at_most_one_response() {
    let chain = Chain::new(4_000);
    let (mut bare, open) = Bare::with_requests(&chain, 4);
    for request in open {
        bare.respond(&request);
    }
    assert_eq!(bare.machine.download_stats().headers, 0, "inputs are only noted");
    let mut before = 0;
    loop {
        let output = bare.machine.poll_output(bare.now);
        let headers = bare.machine.download_stats().headers;
        assert!(headers - before <= 1_024, "{} headers in one poll", headers - before);
        before = headers;
        if matches!(output, Output::Timeout(_)) {
            break;
        }
    }
    assert!(before > 100);
}

#[test]
fn d18_the_figures_add_up() {
    let chain = Chain::new(9_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::Short(9)));
    world.connect(3, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(4, TestPeer::new(&chain).behavior(Behavior::FlipByte));
    world.run_to_synced(120);
    world.run_for(15);
    let stats = world.machine.download_stats();
    assert_eq!((stats.linked, stats.flushed), (9_000, 9_000));
    assert!(stats.headers >= stats.linked);
    assert_eq!(stats.requests, world.requests.len() as u64);
    assert!(
        stats.partial > 0 && stats.out_of_order > 0 && stats.timeouts > 0 && stats.validation_failures > 0,
        "{stats:?}"
    );
    assert_eq!((stats.in_flight, stats.buffered, stats.escalated, stats.disagreements), (0, 0, 0, 0));
}

#[test]
fn db4_junk_far_under_the_front_is_found_when_it_comes() {
    let chain = Chain::new(6_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 1_200, ..TestPeer::new(&chain) });
    world.run_to_resolved(10);
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::FlipByte));
    assert!(world.run_until(10, |world| world.is_banned(2)));
    assert!(!world.has_linked(), "named while the front was still on its way");
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
}
