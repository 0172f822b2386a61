//! Short responses are valid: a peer that caps at one header still syncs, without a penalty.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::SyncTarget;

fn capped_at(most: usize) {
    let chain = Chain::new(700);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Short(most)));
    world.run_to_synced(600);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    assert!(world.peers[&1].served <= 701, "served {}", world.peers[&1].served);
}

#[test]
fn i04_p05_d08_one_header_a_response() {
    capped_at(1);
}

#[test]
fn i04_p05_d08_seven_headers_a_response() {
    capped_at(7);
}
