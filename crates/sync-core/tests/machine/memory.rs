//! Memory stays under its ceiling, whatever peers and store do.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{SyncConfig, SyncTarget, fault::StoreFailure};

const CEILING: u64 = 3 * 1024 * 1024;

fn tight(chain: &Chain) -> World {
    let config = SyncConfig { window: 1_024, staged_bytes_max: CEILING, ..SyncConfig::default() };
    World::with(chain.spec(), config, Default::default())
}

#[test]
fn db8_i08_when_the_front_is_slow_and_all_other_peers_quick() {
    let chain = Chain::new(12_000);
    let mut world = tight(&chain);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&chain).behavior(Behavior::Slow(1_900)));
    for id in 2..8 {
        world.connect(id, TestPeer { delay_ms: 1, ..TestPeer::new(&chain) });
    }
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
    assert!(world.memory_peak <= CEILING, "{}", world.memory_peak);
}

#[test]
fn db8_i08_when_the_store_takes_nothing() {
    let chain = Chain::new(12_000);
    let mut world = tight(&chain);
    world.store.failing = Some(StoreFailure::Full);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&chain));
    world.run_for(60);
    assert!(world.memory_peak <= CEILING, "{}", world.memory_peak);
    assert!(world.memory_peak > CEILING / 2, "the download goes on while there is room: {}", world.memory_peak);
    world.store.failing = None;
    world.run_to_synced(120);
    world.assert_stored(&chain, 0);
}
