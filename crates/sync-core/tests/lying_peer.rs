//! Two peers, one of which lies: the sync completes, the liar is named, the honest one never.

mod support;

use support::{Chain, Manner, TestPeer, World};
use sync_core::{SyncTarget, fault::PeerFault};

const LIAR: u32 = 1;
const HONEST: u32 = 2;

fn against(manner: Manner) -> World {
    let chain = Chain::new(6_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(LIAR, TestPeer::new(&chain).manner(manner));
    world.connect(HONEST, TestPeer::new(&chain));
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(HONEST), Vec::<&PeerFault>::new());
    world
}

#[test]
fn flipped_byte() {
    let world = against(Manner::FlipByte);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::BrokenLink { .. } | PeerFault::Undecodable { .. }));
    assert!(world.is_banned(LIAR));
    assert_eq!(world.penalized(LIAR).len(), 1, "named once");
}

#[test]
fn wrong_start() {
    let world = against(Manner::WrongStart);
    let faults = world.penalized(LIAR);
    assert!(faults.iter().any(|fault| matches!(fault, PeerFault::WrongStart { .. } | PeerFault::BrokenLink { .. })));
    assert!(world.is_banned(LIAR));
}

#[test]
fn too_many_headers() {
    let world = against(Manner::TooMany);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::TooManyHeaders { .. }));
    assert!(world.is_banned(LIAR));
}

#[test]
fn garbage() {
    let world = against(Manner::Garbage);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::Undecodable { .. } | PeerFault::BrokenLink { .. }));
    assert!(world.is_banned(LIAR));
}

#[test]
fn empty_answers_inside_its_range() {
    let world = against(Manner::Empty);
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::EmptyAnswer { .. }));
    assert!(world.is_banned(LIAR));
}

#[test]
fn another_fork_under_a_pinned_target_is_no_lie_and_no_help() {
    let chain = Chain::new(6_000);
    let fork = chain.fork(2_000, 6_500);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(LIAR, TestPeer::new(&fork));
    world.connect(HONEST, TestPeer::new(&chain));
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    // What it has under a number is another header than ours: that may be so. It is left alone from then on.
    assert_eq!(world.penalties, []);
    assert!(world.peers[&LIAR].served < 1_000, "{} headers in vain", world.peers[&LIAR].served);
}

#[test]
fn one_good_among_nine_empty_ones() {
    let chain = Chain::new(3_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(chain.tip().hash));
    for id in 10..19 {
        world.connect(id, TestPeer { delay_ms: 1, ..TestPeer::new(&chain).manner(Manner::Empty) });
    }
    world.connect(HONEST, TestPeer { delay_ms: 40, ..TestPeer::new(&chain) });
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(HONEST), Vec::<&PeerFault>::new());
}
