//! Peers that do not respond, or late, or no longer.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{Event, Input, StallReason, SyncConfig, SyncTarget, fault::PeerFault, id::PeerId};

#[test]
fn a_silent_peer_delays_no_peer_and_is_named() {
    let chain = Chain::new(6_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(world.now_ms < 6_000, "took {} ms", world.now_ms);
    // Its deadline may come after the other has done all the work.
    world.run_for(10);
    assert!(!world.penalized(1).is_empty());
    assert!(world.penalized(1).iter().all(|fault| **fault == PeerFault::Timeout));
    assert_eq!(world.penalized(2), Vec::<&PeerFault>::new());
}

#[test]
fn i19_a_silent_peer_whose_every_piece_is_reassigned_is_named() {
    let chain = Chain::new(60_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Slow(30)));
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::Silent));
    assert!(world.run_until(30, |world| !world.penalized(2).is_empty()));
    assert!(world.penalized(2).iter().all(|fault| **fault == PeerFault::Timeout));
    assert_eq!(world.penalized(1), Vec::<&PeerFault>::new());
}

#[test]
fn a_piece_reassigned_and_then_late_is_no_fault() {
    let chain = Chain::new(20_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain));
    // Later than a piece is reassigned, sooner than any deadline.
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::Slow(1_900)));
    world.run_to_synced(60);
    world.run_for(10);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn a_slow_peer_beside_a_quick_one() {
    let chain = Chain::new(6_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Slow(8_000)));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(2), Vec::<&PeerFault>::new());
    assert!(!world.is_banned(1));
}

#[test]
fn db6_a_lone_peer_that_is_slower_than_every_deadline_is_asked_for_ever_and_used_at_last() {
    let chain = Chain::new(300);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.run_for(120);
    assert!(!world.is_synced());
    assert!(!world.is_banned(1), "the only peer is never banned for silence");
    assert!(world.stalls().contains(&StallReason::NoProgress), "{:?}", world.stalls());
    let asked = world.requests.len();
    assert!((5..200).contains(&asked), "asked {asked} times: retried, not in a hot loop");
    world.peer_mut(1).behavior = Behavior::Honest;
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(world.events.contains(&Event::Resumed));
}

#[test]
fn n07_a_late_response_is_used_and_teaches_the_deadline_and_is_no_fault() {
    let chain = Chain::new(200);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    // Its first responses come after the first deadline (5 s), and sooner than silence is a fault.
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Slow(5_500)));
    world.run_to_synced(300);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert_eq!(world.peers[&1].served, 200, "what came late was used");
    assert_eq!(world.progress().peers[0].score, 100);
}

#[test]
fn i17_n06_all_peers_vanish_and_come_back() {
    let chain = Chain::new(9_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().staged > 2_000));
    world.disconnect(1);
    world.disconnect(2);
    world.run_for(20);
    assert_eq!(world.stalls(), [StallReason::NoPeers]);
    assert_eq!(world.progress().stall, Some(StallReason::NoPeers));
    world.reconnect(2);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert!(world.events.contains(&Event::Resumed));
    let served: u64 = world.peers.values().map(|peer| peer.served).sum();
    assert!(served < 9_000 + 2_200, "only what was in flight is asked for again: {served}");
}

#[test]
fn a_peer_restarts_under_the_same_id() {
    let chain = Chain::new(4_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    for _ in 0..3 {
        assert!(world.run_until(60, |world| world.progress().peers[0].requests_in_flight > 0));
        world.disconnect(1);
        world.reconnect(1);
    }
    // Even when the host says nothing of the loss.
    world.reconnect(1);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert_eq!(world.progress().peers.len(), 1);
    assert_eq!(world.progress().peers[0].peer, PeerId(1));
}

#[test]
fn a_host_that_slept_penalizes_no_peer() {
    let chain = Chain::new(4_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().peers[0].requests_in_flight > 0));
    world.now_ms += 3_600_000;
    world.input(Input::Timeout);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
}

#[test]
fn silent_peers_that_come_and_go_do_not_hold_up_the_front() {
    let chain = Chain::new(4_000);
    // Little memory: soon nothing but the front may be asked for.
    let config = SyncConfig { seed: 7, window: 256, staged_bytes_max: 512 * 1024, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer { delay_ms: 40, ..TestPeer::new(&chain) });
    for id in 2..6 {
        world.connect(id, TestPeer::new(&chain).behavior(Behavior::Silent));
    }
    let mut turn = 0;
    while !world.is_synced() && world.now_ms < 120_000 {
        world.run_for(1);
        let id = 2 + turn % 4;
        world.disconnect(id);
        world.reconnect(id);
        turn += 1;
    }
    assert!(world.now_ms < 60_000, "took {} ms", world.now_ms);
}

/// Peers that never respond were asked for pieces of their own request size. The rests of these pieces are no reason to
/// ask the peer that responds, with a smaller request size, twice as often.
#[test]
fn h01_u01_pieces_that_silent_peers_were_asked_for_do_not_part_what_others_are_asked_for() {
    let chain = Chain::new(3_000);
    let requests = |silent: u32| {
        let mut world = World::with(chain.spec(), SyncConfig { seed: 3, ..SyncConfig::default() }, Default::default());
        for id in 2..2 + silent {
            world.connect(id, TestPeer::new(&chain).behavior(Behavior::Silent));
        }
        world.target(SyncTarget::PeersTip);
        world.run_for(1);
        world.connect(1, TestPeer { delay_ms: 50, ..TestPeer::new(&chain).behavior(Behavior::Short(75)) });
        world.run_to_synced(120);
        world.assert_stored(&chain, 0);
        assert_eq!(world.penalized(1), Vec::<&PeerFault>::new());
        world.requests.iter().filter(|request| request.peer == PeerId(1)).count()
    };
    let (alone, beside) = (requests(0), requests(16));
    assert!(beside <= alone + 4, "{beside} requests beside silent peers, {alone} alone");
}

/// The only honest peer does not respond for a while; silent strangers connect under new ids all the time, as many as
/// are asked for the target. Once it responds again it is asked for the target too, and not each newcomer before it.
#[test]
fn u01_an_honest_peer_is_asked_again_after_an_outage_although_strangers_come_without_end() {
    let chain = Chain::new(4_000);
    let mut world = World::with(chain.spec(), SyncConfig { seed: 7, ..SyncConfig::default() }, Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    let stranger = || TestPeer::new(&chain).behavior(Behavior::Silent);
    (2..10).for_each(|id| world.connect(id, stranger()));
    world.connect(1, TestPeer { delay_ms: 40, ..stranger() });
    for newest in 10..400 {
        if newest == 52 {
            world.peers.get_mut(&1).expect("it is connected").behavior = Behavior::Honest;
        }
        world.run_until_ms(world.now_ms + 333, World::is_synced);
        if world.is_synced() {
            break;
        }
        world.disconnect(newest - 8);
        world.connect(newest, stranger());
    }
    assert!(world.is_synced() && world.now_ms < 60_000, "{} stored after {} ms", world.store.rows.len(), world.now_ms);
    world.assert_stored(&chain, 0);
}
