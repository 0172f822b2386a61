//! Any sequence of inputs, sensible or not: the machine never panics, always drains, keeps its ceiling, and with one
//! honest peer afterwards it ends synced.

mod support;

use std::sync::OnceLock;

use bytes::Bytes;
use proptest::prelude::*;
use support::{Chain, Manner, TestPeer, World};
use sync_core::{
    Input, ServedRange, SyncConfig, SyncTarget,
    fault::{RequestFailure, StoreFailure},
    id::{BatchId, LookupId, PeerId, RequestId},
};

#[derive(Clone, Debug)]
enum Op {
    Connect { peer: u32, manner: u8, latest: u64 },
    Address { peer: u32, address: u8 },
    Disconnect { peer: u32 },
    Update { peer: u32, earliest: u64, latest: u64 },
    Target { which: u8 },
    Pause { paused: bool },
    Headers { request: u64, from: u64, count: u64 },
    Fail { request: u64, protocol: bool },
    Persisted { batch: u64 },
    PersistFailed { batch: u64 },
    Unwound { to: u64 },
    Stored { id: u64, number: u64, absent: bool },
    StoreFails { failing: bool },
    Steps { count: u8 },
    Sleep { millis: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..4u32, any::<u8>(), 1..1_500u64)
            .prop_map(|(peer, manner, latest)| Op::Connect { peer, manner, latest }),
        1 => (0..5u32, 0..3u8).prop_map(|(peer, address)| Op::Address { peer, address }),
        1 => (0..5u32).prop_map(|peer| Op::Disconnect { peer }),
        1 => (0..5u32, 0..2_000u64, any::<u64>())
            .prop_map(|(peer, earliest, latest)| Op::Update { peer, earliest, latest }),
        2 => any::<u8>().prop_map(|which| Op::Target { which }),
        1 => any::<bool>().prop_map(|paused| Op::Pause { paused }),
        2 => (0..60u64, 0..1_500u64, 0..90u64).prop_map(|(request, from, count)| Op::Headers { request, from, count }),
        1 => (0..60u64, any::<bool>()).prop_map(|(request, protocol)| Op::Fail { request, protocol }),
        1 => (0..20u64).prop_map(|batch| Op::Persisted { batch: batch + 1_000 }),
        1 => (0..20u64).prop_map(|batch| Op::PersistFailed { batch }),
        1 => (0..2_000u64).prop_map(|to| Op::Unwound { to }),
        1 => (0..40u64, 0..1_500u64, any::<bool>()).prop_map(|(id, number, absent)| Op::Stored { id, number, absent }),
        1 => any::<bool>().prop_map(|failing| Op::StoreFails { failing }),
        8 => (1..60u8).prop_map(|count| Op::Steps { count }),
        1 => (1..40_000u64).prop_map(|millis| Op::Sleep { millis }),
    ]
}

fn manner(which: u8) -> Manner {
    let all = [
        Manner::Honest,
        Manner::Honest,
        Manner::FlipByte,
        Manner::WrongStart,
        Manner::Short(3),
        Manner::TooMany,
        Manner::Silent,
        Manner::Slow(3_000),
        Manner::Empty,
        Manner::Garbage,
    ];
    all[usize::from(which) % all.len()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_and_ends_synced(ops in prop::collection::vec(op(), 1..80)) {
        static CHAINS: OnceLock<(Chain, Chain)> = OnceLock::new();
        let (chain, fork) = CHAINS.get_or_init(|| {
            let chain = Chain::new(1_500);
            let fork = chain.fork(900, 1_400);
            (chain, fork)
        });
        let ceiling = 2 * 1024 * 1024;
        let config = SyncConfig { window: 256, staged_bytes_max: ceiling, ..SyncConfig::default() };
        let mut world = World::with(chain.spec(), config, Default::default());
        world.lenient = true;
        for op in ops {
            match op {
                Op::Connect { peer, manner: which, latest } => {
                    let source = if which >= 200 { fork } else { chain };
                    let latest = latest.min(source.tip().number);
                    world.connect(peer, TestPeer::new(source).range(0, latest).manner(manner(which)));
                }
                Op::Address { peer, address } => {
                    let address = sync_core::PeerAddress::new(vec![address]).expect("one byte");
                    world.input(Input::PeerAddress { peer: PeerId(peer), address });
                }
                Op::Disconnect { peer } => world.disconnect(peer),
                Op::Update { peer, earliest, latest } => {
                    let served = ServedRange { earliest, latest, latest_hash: support::no_hash() };
                    world.input(Input::PeerUpdated { peer: PeerId(peer), served });
                }
                Op::Target { which } => world.target(match which % 5 {
                    0 => SyncTarget::PeersTip,
                    1 => SyncTarget::Hash(support::no_hash()),
                    2 => SyncTarget::Hash(fork.tip().hash),
                    3 => SyncTarget::Hash(chain.at(u64::from(which) * 5).hash),
                    _ => SyncTarget::Hash(chain.tip().hash),
                }),
                Op::Pause { paused } => world.input(Input::Paused(paused)),
                Op::Headers { request, from, count } => {
                    let headers: Vec<Bytes> = (0..=from).rev().take(count as usize).map(|n| chain.headers[n as usize].clone()).collect();
                    world.input(Input::HeadersReceived { request: RequestId(request), headers });
                }
                Op::Fail { request, protocol } => {
                    let failure = if protocol { RequestFailure::Protocol("junk".into()) } else { RequestFailure::Disconnected };
                    world.input(Input::RequestFailed { request: RequestId(request), failure });
                }
                Op::Persisted { batch } => world.input(Input::BatchPersisted { batch: BatchId(batch) }),
                Op::PersistFailed { batch } => {
                    world.input(Input::PersistFailed { batch: BatchId(batch + 1_000), failure: StoreFailure::Full });
                }
                Op::Unwound { to } => world.input(Input::Unwound { to: to + 10_000 }),
                Op::Stored { id, number, absent } => {
                    let header = (!absent).then(|| chain.headers[number as usize].clone());
                    world.input(Input::Stored { id: LookupId(id + 1_000_000), headers: vec![(number, header)] });
                }
                Op::StoreFails { failing } => world.store.failing = failing.then_some(StoreFailure::Full),
                Op::Steps { count } => {
                    for _ in 0..count {
                        world.step();
                    }
                }
                Op::Sleep { millis } => world.now_ms += millis,
            }
            prop_assert!(world.memory_peak <= ceiling, "{}", world.memory_peak);
        }
        for id in 0..5 {
            world.disconnect(id);
        }
        world.store.failing = None;
        world.input(Input::Paused(false));
        world.target(SyncTarget::Hash(chain.tip().hash));
        world.connect(9, TestPeer::new(chain));
        let end = world.store_complete_within(900, chain);
        prop_assert!(end, "not synced: {:#?}", world.progress());
        prop_assert!(world.penalties.iter().all(|(peer, ..)| *peer != 9), "{:?}", world.penalties);
    }
}
