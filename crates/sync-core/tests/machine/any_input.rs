//! Any sequence of inputs, sensible or not: the machine never panics, always drains, keeps its bounds, and with one
//! honest peer afterwards it ends synced. What is done and what must hold stands in `inputs`, which `fuzz/` shares.

use std::sync::OnceLock;

use crate::inputs::{Ground, Op, Session, Spoil};
use header_rules::range::BLOCK_NUMBER_END;
use proptest::prelude::*;

fn op() -> impl Strategy<Value = Op> {
    let response = (0..8u8, prop_oneof![4 => 0..64u8, 1 => any::<u8>()], any::<u16>(), spoil());
    let (any_peer, any_number) = (0..5u8, 0..1_500u16);
    prop_oneof![
        6 => (0..4u8, any::<u8>(), any_number.clone())
            .prop_map(|(peer, behavior, latest)| Op::Connect { peer, behavior, latest }),
        1 => any_peer.clone().prop_map(|peer| Op::Stranger { peer }),
        2 => (any_peer.clone(), any::<u8>()).prop_map(|(peer, address)| Op::Address { peer, address }),
        2 => any_peer.clone().prop_map(|peer| Op::Disconnect { peer }),
        2 => (any_peer, prop_oneof![3 => 0..2_000u64, 1 => edge()], any::<u64>())
            .prop_map(|(peer, earliest, latest)| Op::Update { peer, earliest, latest }),
        4 => any::<u8>().prop_map(|which| Op::Target { which }),
        2 => any::<bool>().prop_map(|paused| Op::Pause { paused }),
        4 => (0..60u8, any_number.clone(), 0..90u8)
            .prop_map(|(request, from, count)| Op::Headers { request, from, count }),
        4 => response.prop_map(|(back, shift, count, spoil)| Op::Response { back, shift, count, spoil }),
        2 => (0..60u8, any::<bool>()).prop_map(|(request, protocol)| Op::Fail { request, protocol }),
        2 => (0..8u8, any::<bool>()).prop_map(|(back, protocol)| Op::FailAsked { back, protocol }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(batch, failed)| Op::Persisted { batch, failed }),
        1 => any::<u16>().prop_map(|to| Op::Unwound { to }),
        2 => (any::<u8>(), any_number, any::<bool>())
            .prop_map(|(id, number, absent)| Op::Stored { id, number, absent }),
        2 => any::<bool>().prop_map(|failing| Op::StoreFails { failing }),
        // Rarely: after a store misreported, its content at the end cannot be checked.
        1 => (any::<u8>(), 0..12u8).prop_map(|(nth, report)| Op::StoreMisreports { nth, report }),
        2 => any::<u8>().prop_map(|nth| Op::Hasten { nth }),
        1 => any::<u8>().prop_map(|nth| Op::Lose { nth }),
        1 => Just(Op::Restart),
        2 => any::<u8>().prop_map(|peer| Op::Progress { peer }),
        1 => Just(Op::Timeout),
        16 => (1..60u8).prop_map(|count| Op::Steps { count }),
        2 => (1..40_000u16).prop_map(|millis| Op::Sleep { millis }),
        1 => session().prop_map(Op::Session),
    ]
}

/// Any number, and often one at an end of what numbers can be.
fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => 0..3u64,
        2 => (0..3u64).prop_map(|under| u64::MAX - under),
        2 => (0..3u64).prop_map(|near| BLOCK_NUMBER_END - 1 + near),
        1 => 0..1_500u64,
        1 => any::<u64>(),
    ]
}

fn session() -> impl Strategy<Value = Session> {
    let figures = (edge(), edge(), edge(), edge(), edge(), edge(), prop_oneof![edge(), any::<u64>()]);
    figures.prop_map(|(floor, head, tail, earliest, latest, target, tuned)| Session {
        floor,
        head,
        tail,
        earliest,
        latest,
        target,
        tuned,
    })
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        3 => Just(Spoil::Right),
        1 => Just(Spoil::Other),
        2 => any::<(u16, u16)>().prop_map(|(place, bit)| Spoil::Bit { place, bit }),
        1 => any::<(u16, u16)>().prop_map(|(place, bytes)| Spoil::Short { place, bytes }),
        1 => any::<u16>().prop_map(|place| Spoil::Twice { place }),
        1 => Just(Spoil::Rising),
    ]
}

/// A store that says it holds everything, and a target that is not what it holds there.
#[test]
fn u14_a_store_that_misreports_its_height_ends_no_session() {
    let ground = Ground::new(300, 64, 512 * 1024);
    let head = BLOCK_NUMBER_END - 1;
    for target in 0..3 {
        let report = Session { floor: 0, head, tail: 0, earliest: 0, latest: 0, target, tuned: 1 };
        ground.session(report);
        ground.session(Session { tuned: 257, ..report });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_and_ends_synced(ops in prop::collection::vec(op(), 1..80)) {
        static GROUND: OnceLock<Ground> = OnceLock::new();
        GROUND.get_or_init(|| Ground::new(1_500, 256, 2 * 1024 * 1024)).play(&ops);
    }

    /// Figures at the ends of what numbers can be, from every side: the host, the store, a peer.
    #[test]
    fn u14_figures_that_no_chain_has_end_no_session(sessions in prop::collection::vec(session(), 1..8)) {
        static GROUND: OnceLock<Ground> = OnceLock::new();
        let ground = GROUND.get_or_init(|| Ground::new(300, 64, 512 * 1024));
        sessions.into_iter().for_each(|it| ground.session(it));
    }
}
