//! Peers that announce our genesis and have another: they are penalized, the others are not, and the sync does not end
//! with them.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::config,
    strangers::{HONEST, assert_not_blamed, connect_claiming, connect_honest},
};
use sync_core::{Event, StallReason, SyncConfig, SyncTarget, fault::PeerFault};

/// A chain of five blocks, or of more than the honest one.
const MADE_UP: [u64; 2] = [5, 4_000];

/// So many peers with a made-up chain are alone for ten seconds.
fn alone(truth: &Chain, len: u64, malicious: u32, quorum: usize) -> (World, Chain) {
    let other = truth.fork(0, len);
    let config = SyncConfig { tip_quorum: quorum, ..config() };
    let mut world = World::with(truth.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    for id in 1..=malicious {
        connect_claiming(&mut world, id, TestPeer::new(&other), truth.genesis());
    }
    world.run_for(10);
    (world, other)
}

#[test]
fn u05_another_genesis_under_the_peers_tip_ends_with_the_first_honest_peers() {
    let truth = Chain::new(3_000);
    for len in MADE_UP {
        for quorum in [1, 2] {
            let (mut world, other) = alone(&truth, len, 2, quorum);
            let said = StallReason::WrongGenesis { got: other.genesis(), expected: truth.genesis() };
            assert_eq!(world.stalls().first(), Some(&said));
            for malicious in 1..=2 {
                assert!(world.is_banned(malicious), "{:?}", world.penalties);
                assert!(matches!(world.penalized(malicious)[..], [PeerFault::WrongChain { .. }]));
            }
            connect_honest(&mut world, 5, &truth, 20);
            let start = world.now_ms;
            world.run_to_synced(30);
            assert!(world.now_ms - start <= 5_000, "{} ms", world.now_ms - start);
            world.assert_stored(&truth, 0);
            assert!(world.events.contains(&Event::Resumed));
            assert_eq!(world.progress().stall, None);
            assert_not_blamed(&world, HONEST..HONEST + 5);
        }
    }
}

/// The user names the same target again: nothing more is needed than honest peers.
#[test]
fn u05_the_peers_tip_may_be_named_again() {
    let truth = Chain::new(3_000);
    let (mut world, _) = alone(&truth, 5, 1, 1);
    world.target(SyncTarget::PeersTip);
    world.run_for(5);
    connect_honest(&mut world, 5, &truth, 20);
    world.target(SyncTarget::PeersTip);
    world.run_to_synced(30);
    world.assert_stored(&truth, 0);
    assert_not_blamed(&world, HONEST..HONEST + 5);
}

/// The malicious peers come again under new ids, each time before the honest peers respond, and stay.
#[test]
fn u05_malicious_peers_that_come_again_delay_nothing() {
    let truth = Chain::new(3_000);
    let (mut world, other) = alone(&truth, 5, 1, 1);
    for id in 2..=4 {
        connect_claiming(&mut world, id, TestPeer::new(&other), truth.genesis());
    }
    world.run_for(1);
    connect_honest(&mut world, 5, &truth, 20);
    let grown = other.grown(9);
    for id in 5..=8 {
        connect_claiming(&mut world, id, TestPeer::new(&grown), truth.genesis());
    }
    world.run_to_synced(30);
    world.assert_stored(&truth, 0);
    assert_not_blamed(&world, HONEST..HONEST + 5);
}
