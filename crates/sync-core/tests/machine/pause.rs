//! The page holds the sync and lets it go on.

use crate::support::{Chain, TestPeer, World};
use sync_core::{Input, SyncTarget};

#[test]
fn nothing_is_asked_while_paused_and_verified_headers_are_stored() {
    let chain = Chain::new(9_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| world.progress().staged > 500));
    world.input(Input::Paused(true));
    let asked = world.requests.len();
    world.run_for(120);
    assert_eq!(world.requests.len(), asked);
    assert_eq!(world.stalls(), [], "a pause is no stall");
    assert!(world.store.rows.len() > 500, "a reload now loses no verified header");
    assert!(world.progress().paused);
    world.input(Input::Paused(false));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.peers[&1].served, 9_000);
}
