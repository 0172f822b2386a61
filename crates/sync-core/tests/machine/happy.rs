//! Honest peers, nothing goes wrong.

use crate::support::{Chain, TestPeer, World};
use sync_core::{Event, SyncTarget};

#[test]
fn one_peer() {
    let chain = Chain::new(20_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert_eq!(world.resolved(), [chain.tip()]);
    assert_eq!(world.peers[&1].served, 20_000, "no header is asked for twice");
    assert_eq!(world.store.batches, 3, "one batch a window");
}

#[test]
fn h06_five_peers_share_the_work() {
    let chain = Chain::new(30_000);
    let mut world = World::towards(&chain);
    for id in 0..5 {
        world.connect(id, TestPeer::new(&chain));
    }
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    for (id, peer) in &world.peers {
        assert!(peer.served > 2_000, "peer {id} served {}", peer.served);
    }
}

#[test]
fn chains_of_every_small_length() {
    for len in [1, 2, 3, 80, 1_024, 8_191, 8_192, 8_193] {
        let chain = Chain::new(len);
        let mut world = World::towards(&chain);
        world.connect(1, TestPeer::new(&chain));
        world.run_to_synced(120);
        world.assert_stored(&chain, 0);
    }
}

#[test]
fn events_tell_the_story_in_order() {
    let chain = Chain::new(5_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    let mut next = chain.tip().number as i64;
    for event in &world.events {
        if let Event::HeadersLinked { range, .. } = event {
            assert_eq!(range.last() as i64, next, "linked from the tip down");
            next = range.first() as i64 - 1;
        }
    }
    assert_eq!(next, -1);
    let last = world.progress();
    assert_eq!((last.stored, last.total, last.percent), (5_000, 5_000, 100.0));
    assert_eq!(last.memory_bytes, 0);
    assert_eq!(last.ranges.len(), 1);
}
