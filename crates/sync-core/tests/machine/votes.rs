//! Peers that do not respond, or announce another tip all the time, delay no vote of the others.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::announce,
    strangers::{HONEST, assert_not_blamed, connect_honest},
};
use sync_core::{StallReason, SyncConfig, SyncTarget};

fn world(chain: &Chain, tip_quorum: usize) -> World {
    let config = SyncConfig { tip_quorum, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world
}

/// Two honest peers differ by a block; a third, five blocks higher, says nothing.
#[test]
fn u06_a_silent_peer_with_a_higher_tip_costs_no_time() {
    let short = Chain::new(500);
    let long = short.grown(1);
    let mut world = world(&short, 2);
    world.connect(1, TestPeer::new(&short.grown(5)).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&short));
    world.connect(3, TestPeer::new(&long));
    let start = world.now_ms;
    world.run_to_resolved(60);
    assert!(world.now_ms - start <= 1_000, "{} ms", world.now_ms - start);
    assert_eq!(world.resolved(), [short.tip()]);
    world.run_to_synced(10);
    assert_eq!(world.stalls(), []);
    assert_not_blamed(&world, [2, 3]);
}

/// Its responses are empty, and it announces another tip each ten milliseconds.
#[test]
fn u06_a_peer_that_announces_all_the_time_keeps_no_vote_open() {
    let short = Chain::new(500);
    let long = short.grown(1);
    let mut world = world(&short, 2);
    world.connect(1, TestPeer { delay_ms: 20, ..TestPeer::new(&short.grown(5)) }.behavior(Behavior::Empty));
    world.connect(2, TestPeer::new(&short));
    world.connect(3, TestPeer::new(&long));
    let tips = [20, 21].map(|salt| short.branch(490, 490 + u64::from(salt), salt));
    for n in 0..100 {
        announce(&mut world, 1, &tips[n % 2]);
        let next = world.now_ms + 10;
        world.run_to_ms(next);
    }
    assert_eq!(world.resolved(), [short.tip()], "within a second");
    world.run_to_synced(10);
    assert_eq!(world.stalls(), []);
}

/// Sixteen peers name the same tip that no peer has, and do not respond; four honest ones have another.
#[test]
fn u06_a_silent_majority_decides_nothing_and_has_no_vote_for_long() {
    let chain = Chain::new(3_000);
    let forged = chain.fork(1_000, 3_500);
    for quorum in [1, 2, 3] {
        let mut world = world(&chain, quorum);
        for id in 1..=16 {
            world.connect(id, TestPeer::new(&forged).behavior(Behavior::Silent));
        }
        connect_honest(&mut world, 4, &chain, 50);
        let start = world.now_ms;
        let synced = world.run_until(120, |world| world.is_synced());
        assert!(synced, "{:#?}", world.progress());
        assert!(world.now_ms - start <= 30_000, "{} ms", world.now_ms - start);
        world.assert_stored(&chain, 0);
        assert_not_blamed(&world, HONEST..HONEST + 4);
    }
}

/// The highest number that peers agree on is a block of an honest majority, when that comes.
#[test]
fn u06_a_target_by_number_on_a_bad_chain_ends_when_an_honest_majority_comes() {
    let good = Chain::new(1_500);
    let bad = crate::support::ancestor::broken_at(&good, 700);
    let mut world = World::with(good.spec(), crate::support::ancestor::config(), Default::default());
    world.target(SyncTarget::Number(1_400));
    for id in 1..=2 {
        world.connect(id, TestPeer::new(&bad));
    }
    world.run_for(20);
    assert!(matches!(world.stalls()[..], [StallReason::InvalidTarget { number: 700, .. }]), "{:?}", world.stalls());
    connect_honest(&mut world, 3, &good, 20);
    let start = world.now_ms;
    world.run_to_synced(60);
    assert!(world.now_ms - start <= 5_000, "{} ms", world.now_ms - start);
    assert_eq!(world.resolved().last(), Some(&good.at(1_400)));
    assert_eq!(world.progress().stall, None);
    assert_not_blamed(&world, HONEST..HONEST + 3);
}
