//! Two peers, one of which is malicious: the sync completes, the malicious peer is penalized, the honest one never.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::fault::PeerFault;

const LIAR: u32 = 1;
const HONEST: u32 = 2;

fn against(behavior: Behavior) -> World {
    let chain = Chain::new(6_000);
    let mut world = World::towards(&chain);
    world.connect(LIAR, TestPeer::new(&chain).behavior(behavior));
    world.connect(HONEST, TestPeer::new(&chain));
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(HONEST), Vec::<&PeerFault>::new());
    world
}

#[test]
fn d09_a_flipped_byte_drops_the_whole_response_and_another_peer_is_asked() {
    let world = against(Behavior::FlipByte);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::BrokenLink { .. } | PeerFault::Undecodable { .. }));
    assert!(world.is_banned(LIAR));
    assert_eq!(world.penalized(LIAR).len(), 1, "named once");
}

#[test]
fn p06_wrong_start() {
    let world = against(Behavior::WrongStart);
    let faults = world.penalized(LIAR);
    assert!(faults.iter().any(|fault| matches!(fault, PeerFault::WrongStart { .. } | PeerFault::BrokenLink { .. })));
    assert!(world.is_banned(LIAR));
}

#[test]
fn p06_too_many_headers() {
    let world = against(Behavior::TooMany);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::TooManyHeaders { .. }));
    let score = world.progress().peers[0].score;
    assert!(score < 100, "it lowers its score: {score}");
}

#[test]
fn garbage() {
    let world = against(Behavior::Garbage);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::Undecodable { .. } | PeerFault::BrokenLink { .. }));
    assert!(world.is_banned(LIAR));
}

#[test]
fn p06_empty_responses_inside_its_range() {
    let world = against(Behavior::Empty);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::EmptyResponse { .. }));
    let score = world.progress().peers[0].score;
    assert!(score < 100, "it lowers its score: {score}");
    let after = world.requests.iter().filter(|request| request.peer.0 == LIAR && request.limit > 1).count();
    assert!(after < 20, "asked {after} times for what it does not have");
}

/// Its headers hang together and do not link: it holds another chain, and says so when it is asked for the header at the
/// target's height. It is of no use and did nothing wrong.
#[test]
fn i06_another_fork_under_a_pinned_target_is_skipped_and_not_penalized() {
    let chain = Chain::new(6_000);
    let fork = chain.fork(2_000, 6_500);
    let mut world = World::towards(&chain);
    world.connect(LIAR, TestPeer::new(&fork));
    world.connect(HONEST, TestPeer::new(&chain));
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    // Under the fork its numbers are those of the target's chain, and there it is as good as any.
    assert!(!world.is_banned(LIAR));
    let verified_above = world.events.iter().any(|event| {
        matches!(event, sync_core::Event::HeadersLinked { peer, range } if peer.0 == LIAR && range.last() >= 2_000)
    });
    assert!(!verified_above);
}

#[test]
fn i09_n02_one_good_among_nine_empty_ones() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    for id in 10..19 {
        world.connect(id, TestPeer { delay_ms: 1, ..TestPeer::new(&chain).behavior(Behavior::Empty) });
    }
    world.connect(HONEST, TestPeer { delay_ms: 40, ..TestPeer::new(&chain) });
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(HONEST), Vec::<&PeerFault>::new());
}
