//! The chain moves on and over while it is synced, again and again, peer by peer, at any moment: the sync ends with
//! what all agree on at last, and no honest peer is penalized.

use crate::support::{
    Chain, TestPeer, TestStore, World,
    ancestor::{announce, reorgs},
};
use proptest::prelude::*;
use sync_core::{SyncConfig, SyncTarget};

const PEERS: u32 = 3;

#[derive(Clone, Debug)]
enum Op {
    Steps(u16),
    Waits(u8),
    Grows(u64),
    /// So many blocks are replaced by so many others.
    Reorg(u64, u64),
    /// This peer hears of the newest chain.
    Hears(u32),
    Leaves(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..60u16).prop_map(Op::Steps),
        1 => (1..20u8).prop_map(Op::Waits),
        2 => (1..40u64).prop_map(Op::Grows),
        2 => (1..900u64, 1..900u64).prop_map(|(gone, come)| Op::Reorg(gone, come)),
        4 => (1..=PEERS).prop_map(Op::Hears),
        1 => (1..=PEERS).prop_map(Op::Leaves),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn i06_db3_d11_reorgs_at_any_moment_end_well_and_penalize_no_peer(
        ops in prop::collection::vec(op(), 1..40),
        store_delay_ms in prop_oneof![Just(0), 1..80u64],
        quorum in 1..3usize,
    ) {
        let mut chain = Chain::new(1_000);
        let config = SyncConfig { window: 128, tip_quorum: quorum, ..SyncConfig::default() };
        let store = TestStore { delay_ms: store_delay_ms, ..TestStore::default() };
        let mut world = World::with(chain.spec(), config, store);
        world.target(SyncTarget::PeersTip);
        for id in 1..=PEERS {
            world.connect(id, TestPeer::new(&chain));
        }
        let mut salt = 1;
        for op in ops {
            match op {
                Op::Steps(count) => {
                    for _ in 0..count {
                        world.step();
                    }
                }
                Op::Waits(seconds) => world.run_for(u64::from(seconds)),
                Op::Grows(more) => chain = chain.branch(chain.tip().number + 1, chain.tip().number + 1 + more, salt),
                Op::Reorg(gone, come) => {
                    salt += 1;
                    let at = (chain.tip().number + 1).saturating_sub(gone).max(1);
                    chain = chain.branch(at, at + come, salt);
                }
                Op::Hears(id) if world.peers[&id].connected => announce(&mut world, id, &chain),
                Op::Hears(id) => world.connect(id, TestPeer::new(&chain)),
                Op::Leaves(id) => world.disconnect(id),
            }
        }
        salt += 1;
        chain = chain.branch(chain.tip().number, chain.tip().number + 2, salt);
        for id in 1..=PEERS {
            if world.peers[&id].connected {
                announce(&mut world, id, &chain);
            } else {
                world.connect(id, TestPeer::new(&chain));
            }
        }
        let whole = |world: &World| world.store.checkpoint.as_ref().is_some_and(|it| it.is_complete(chain.tip()));
        prop_assert!(world.run_until(300, whole), "{:#?}", world.progress());
        world.run_until(10, World::is_synced);
        world.assert_stored(&chain, 0);
        prop_assert_eq!(&world.penalties, &[]);
        for (reverted, adopted) in reorgs(&world) {
            prop_assert_eq!(reverted.first(), adopted.first());
        }
    }
}
