//! The machine gives a download up at any moment, for another target, a lost peer or a closed page; what it collected then
//! must not show in what it stores afterwards.

use std::sync::LazyLock;

use crate::support::{Chain, TestPeer, World};
use proptest::prelude::*;
use sync_core::{SyncConfig, SyncTarget};

static CHAIN: LazyLock<Chain> = LazyLock::new(|| Chain::new(5_000));

fn world() -> World {
    let config = SyncConfig { seed: 5, window: 512, ..SyncConfig::default() };
    World::with(CHAIN.spec(), config, Default::default())
}

#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Target(u64),
    Lose,
    Reload,
    Nothing,
}

fn disturbance() -> impl Strategy<Value = Disturbance> {
    prop_oneof![
        (1u64..5_000).prop_map(Disturbance::Target),
        Just(Disturbance::Lose),
        Just(Disturbance::Reload),
        Just(Disturbance::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn i01_i11_a_download_dropped_anywhere_and_restarted_equals_a_clean_one(
        disturbances in prop::collection::vec((1usize..120, disturbance()), 0..6),
    ) {
        let chain = &*CHAIN;
        let mut world = world();
        world.target(SyncTarget::Hash(chain.tip().hash));
        world.connect(1, TestPeer::new(chain));
        for (steps, disturbance) in disturbances {
            for _ in 0..steps {
                world.step();
                // Never more than there is, and never a header that is not the chain's.
                prop_assert!(world.progress().stored <= world.progress().total);
            }
            match disturbance {
                Disturbance::Target(number) => world.target(SyncTarget::Hash(chain.hashes[number as usize])),
                Disturbance::Lose => {
                    world.disconnect(1);
                    world.reconnect(1);
                }
                Disturbance::Reload => {
                    world = world.reopened();
                    world.target(SyncTarget::Hash(chain.tip().hash));
                    world.connect(1, TestPeer::new(chain));
                }
                Disturbance::Nothing => {}
            }
        }
        world.target(SyncTarget::Hash(chain.tip().hash));
        prop_assert!(world.store_complete_within(300, chain), "{:#?}", world.progress());
        world.assert_stored(chain, 0);
        prop_assert_eq!(&world.penalties, &vec![], "no peer is penalized");
    }
}

/// The second sync of a store, for a chain that grew: it fetches and stores what is new, and says so.
#[test]
fn i05_a_second_sync_stores_the_new_range_alone() {
    let chain = &*CHAIN;
    let grown = chain.grown(700);
    let mut first = world();
    first.target(SyncTarget::PeersTip);
    first.connect(1, TestPeer::new(chain));
    first.run_to_synced(60);
    let mut second = first.reopened();
    second.store.batches = 0;
    second.target(SyncTarget::PeersTip);
    second.connect(1, TestPeer::new(&grown));
    assert!(second.run_until(60, |world| {
        let progress = world.progress();
        assert!(progress.stored <= progress.total && progress.percent <= 100.0, "{progress:?}");
        world.is_synced()
    }));
    second.assert_stored(&grown, 0);
    assert_eq!(second.peers[&1].served, 700);
    assert!(second.store.batches <= 3, "{} batches", second.store.batches);
}

/// A host whose transport is gone for good says so by disconnecting every peer: the machine says why nothing moves,
/// asks no peer and wakes up seldom.
#[test]
fn i10_a_closed_transport_is_a_stall_with_a_reason_and_no_busy_loop() {
    let mut world = world();
    world.target(SyncTarget::Hash(CHAIN.tip().hash));
    world.connect(1, TestPeer::new(&CHAIN));
    assert!(world.run_until(60, |world| world.progress().stored > 1_000));
    world.disconnect(1);
    let asked = world.requests.len();
    let mut wakeups = 0;
    let end = world.now_ms + 600_000;
    while world.now_ms < end && world.step() {
        wakeups += 1;
    }
    assert_eq!(world.requests.len(), asked);
    assert_eq!(world.stalls(), [sync_core::StallReason::NoPeers]);
    assert!(wakeups < 100, "{wakeups} wake-ups in ten minutes without any peer");
}
