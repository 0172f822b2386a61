//! One outage of a peer is one silence, and a peer that never responded is not preferred to it.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{
    PeerStatus, ServedRange, SyncConfig,
    fault::PeerFault,
    id::PeerId,
    peers::{Peers, scheduler::Scheduler},
    time::Instant,
};

#[test]
fn u01_a_peer_that_never_responded_is_asked_after_one_that_was_silent_once() {
    let mut peers = Peers::new(&SyncConfig::default());
    let served = ServedRange { earliest: 0, latest: 100, latest_hash: Default::default() };
    for id in 0..3 {
        assert!(peers.connect(Instant::ZERO, PeerId(id), &PeerStatus { chain_id: 1, genesis: None, served }, true));
    }
    let verified = peers.get_mut(PeerId(0)).expect("connected");
    verified.evidence.asked();
    verified.evidence.verified();
    peers.fault(Instant::from_millis(2_000), PeerId(0), &PeerFault::Timeout);
    peers.get_mut(PeerId(1)).expect("connected").evidence.asked();
    for millis in 0..100 {
        peers.fault(Instant::from_millis(2_000 + millis), PeerId(1), &PeerFault::Timeout);
    }
    let later = Instant::from_millis(100_000);
    peers.refresh(later);
    for seed in 0..50 {
        let mut scheduler = Scheduler::new(seed);
        let order = [PeerId(0), PeerId(2), PeerId(1)];
        assert_eq!(scheduler.askable(peers.usable(later), later), order, "verified, never asked, never responded");
    }
}

/// The link of the only honest peer is cut while requests are open, beside six peers that never respond. When it is
/// back the sync goes on as if nothing had been.
#[test]
fn u01_one_outage_beside_six_silent_peers_costs_its_own_time_and_little_more() {
    let chain = Chain::new(8_000);
    let mut took = Vec::new();
    for outage in [false, true] {
        let mut world = World::towards(&chain);
        world.connect(1, TestPeer { delay_ms: 150, ..TestPeer::new(&chain) });
        assert!(world.run_until(5, World::has_linked));
        for id in 2..=7 {
            world.connect(id, TestPeer::new(&chain).behavior(Behavior::Silent));
        }
        if outage {
            assert!(world.run_until(1, |world| world.progress().peers[0].requests_in_flight >= 2));
            world.cut_ways();
            world.peer_mut(1).behavior = Behavior::Silent;
            world.run_for(9);
            world.peer_mut(1).behavior = Behavior::Honest;
        }
        let start = world.now_ms;
        world.run_to_synced(60);
        took.push(world.now_ms - start);
        world.assert_stored(&chain, 0);
        let faults = world.penalized(1);
        assert!(faults.len() <= 1, "one silence is one fault: {faults:?}");
        assert!(world.progress().peers[0].score >= 90);
    }
    assert!(took[1] <= took[0] + 8_000, "{took:?} ms");
}
