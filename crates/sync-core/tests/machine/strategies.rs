//! How a gap is asked for: over all peers, over one, by hash; and what the machine says of it.

use crate::support::{Behavior, Chain, TestPeer, World, meddle::break_streams_at};
use sync_core::{StartBlock, Strategy, StrategyReason, SyncConfig, SyncTarget};

#[test]
fn several_good_peers_are_used_together_and_nothing_is_said() {
    let chain = Chain::new(20_000);
    let mut world = World::towards(&chain);
    for id in 0..3 {
        world.connect(id, TestPeer { delay_ms: 30, ..TestPeer::new(&chain) });
    }
    world.run_to_synced(60);
    assert_eq!(world.strategies(), []);
    assert_eq!(world.machine.strategy(), Strategy::Concurrent);
}

#[test]
fn a_short_gap_is_one_request_by_hash() {
    let chain = Chain::new(3_000);
    let grown = chain.grown(1);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    let before = world.requests.len();
    world.events.clear();
    world.connect(2, TestPeer::new(&grown));
    world.disconnect(1);
    world.run_to_synced(60);
    world.assert_stored(&grown, 0);
    let asked = world.requests[before..].last().expect("asked");
    assert_eq!((asked.start, asked.limit), (StartBlock::Hash(grown.tip().hash), 1));
    assert!(world.requests.len() - before <= 2, "a vote of the peer that is ahead, and the gap");
    assert_eq!(world.strategies(), [(Strategy::ByHash, StrategyReason::ShortGap { headers: 1 })]);
}

/// Eight peers behind a way of 45 kB a second: what all of them send at once takes longer than a first deadline. All of
/// it comes, so all of it is used, and no peer is penalized.
#[test]
fn a_way_that_all_peers_share_and_overload_is_slow_and_no_fault() {
    let chain = Chain::new(6_000);
    let mut world = World::new(chain.spec());
    world.way_bytes_per_ms = Some(45);
    world.target(SyncTarget::Hash(chain.tip().hash));
    for id in 0..8 {
        world.connect(id, TestPeer { delay_ms: 20, ..TestPeer::new(&chain) });
    }
    world.run_to_synced(1_200);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    let served: u64 = world.peers.values().map(|peer| peer.served).sum();
    assert!(served < 6_600, "{served} of 6,000 headers went over the way");
}

#[test]
fn a_front_that_no_peer_gives_by_number_is_asked_for_by_hash() {
    let chain = Chain::new(3_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_resolved(10);
    break_streams_at(&mut world, 1, &chain, 2_900, 6);
    assert!(world.run_until(300, |world| world.machine.strategy() == Strategy::ByHash));
    assert!(matches!(world.strategies()[..], [(Strategy::ByHash, StrategyReason::FrontFails { failures: 6, .. })]));
    world.peer_mut(1).behavior = Behavior::Honest;
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
}

#[test]
fn changes_are_rare_whatever_happens() {
    let chain = Chain::new(40_000);
    let fork = chain.fork(39_000, 40_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 300, ..TestPeer::new(&chain) });
    for id in 2..6 {
        world.connect(id, TestPeer { delay_ms: 100, ..TestPeer::new(&fork) });
    }
    world.run_to_synced(600);
    world.assert_stored(&chain, 0);
    let all = world.strategies();
    assert!(all.len() <= 6, "{all:?}");
    assert!(!(1..6).any(|id| world.is_banned(id)));
}

/// The second gap ends at the same floor, and opens in the moment in which the first is dropped.
#[test]
fn by_hash_for_a_short_gap_ends_with_it_though_the_next_goes_down_to_the_same_floor() {
    let chain = Chain::new(3_000);
    let config = SyncConfig { floor: 500, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::Hash(chain.hashes[500]));
    world.connect(1, TestPeer { delay_ms: 300, ..TestPeer::new(&chain) });
    assert!(world.run_until(5, |world| world.machine.strategy() == Strategy::ByHash));
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(2, TestPeer { delay_ms: 1, ..TestPeer::new(&chain) });
    assert!(world.run_until(1, |world| world.resolved().last() == Some(&chain.tip())));
    world.run_for(1);
    assert_eq!(world.machine.strategy(), Strategy::Concurrent);
}
