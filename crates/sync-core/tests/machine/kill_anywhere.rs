//! Sessions end at any moment, the chain moves on or over meanwhile, and the next session makes of what is left what an
//! undisturbed one would have made.

use crate::support::{Chain, TestPeer, TestStore, World};
use header_rules::header::Header;
use proptest::prelude::*;
use sync_core::{SyncConfig, SyncTarget};

#[derive(Clone, Debug)]
enum Between {
    Nothing,
    Grows(u64),
    /// So many blocks are replaced by so many others.
    Reorg(u64, u64),
}

#[derive(Clone, Debug)]
struct Session {
    steps: u16,
    pinned: bool,
    store_delay_ms: u64,
    then: Between,
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        Just(Between::Nothing),
        (1..300u64).prop_map(Between::Grows),
        (1..700u64, 1..700u64).prop_map(|(gone, come)| Between::Reorg(gone, come)),
    ]
}

fn session() -> impl Strategy<Value = Session> {
    (1..220u16, any::<bool>(), prop_oneof![Just(0), 1..60u64], between())
        .prop_map(|(steps, pinned, store_delay_ms, then)| Session { steps, pinned, store_delay_ms, then })
}

fn open(chain: &Chain, pinned: bool, store: TestStore) -> World {
    let config = SyncConfig { window: 128, seed: 5, ..SyncConfig::default() };
    let mut world = World::with(chain.spec(), config, store);
    world.target(if pinned { SyncTarget::Hash(chain.tip().hash) } else { SyncTarget::PeersTip });
    for id in 1..=2 {
        world.connect(id, TestPeer::new(chain));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Writes under way when a session ends are lost, batch and checkpoint together.
    #[test]
    fn i14_i11_k01_a_session_killed_anywhere_leaves_what_the_next_one_completes(
        sessions in prop::collection::vec(session(), 1..7),
    ) {
        let mut chain = Chain::new(1_500);
        let mut store = TestStore::default();
        for Session { steps, pinned, store_delay_ms, then } in sessions {
            store.delay_ms = store_delay_ms;
            let mut world = open(&chain, pinned, store);
            for _ in 0..steps {
                world.step();
            }
            prop_assert_eq!(&world.penalties, &[]);
            store = world.store;
            chain = match then {
                Between::Nothing => chain,
                Between::Grows(more) => chain.grown(more),
                Between::Reorg(gone, come) => {
                    let len = chain.tip().number + 1;
                    let at = len.saturating_sub(gone).max(1);
                    chain.fork(at, at + come)
                }
            };
        }
        // At last an undisturbed one. A tip under the stored head is pinned, or it might be lag.
        store.delay_ms = 0;
        let mut world = open(&chain, true, store);
        world.run_to_synced(120);
        prop_assert_eq!(&world.penalties, &[]);
        let stored = &world.store.rows;
        for (number, header) in chain.headers.iter().enumerate() {
            prop_assert_eq!(stored.get(&(number as u64)), Some(header), "header {}", number);
        }
        // What lies above descends from the target (a reorg to fewer blocks may have been to the same ones), or is not there.
        let tip = chain.tip();
        match stored.get(&(tip.number + 1)) {
            None => prop_assert_eq!(stored.len(), chain.headers.len(), "no orphans"),
            Some(above) => prop_assert_eq!(Header::decode(above).expect("a header").parent_hash, tip.hash),
        }
    }
}
