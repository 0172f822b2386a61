//! For any values in two headers and a schedule: a result, never a panic, and both directions agree.

use alloy_primitives::{B256, U256, U512};
use header_rules::{
    chain::{BlobParams, ChainSpec, Consensus, DaoFork, ForkSchedule},
    header::Header,
    rules::{
        GAS_PER_BLOB, Parent, check_future, next_excess_blob_gas, validate, validate_forward, validate_standalone,
    },
};
use header_store::contract::TestChain;
use proptest::prelude::*;

/// The numbers of a header that the rules use.
#[derive(Clone, Copy, Debug)]
struct Figures {
    number: u64,
    timestamp: u64,
    difficulty: U256,
    gas: [u64; 2],
    base_fee: Option<u64>,
    blobs: [Option<u64>; 2],
}

/// Small, large, and at the edges.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, any::<u64>(), (0..4u64).prop_map(|below| u64::MAX - below), Just(131_072 * 6)]
}

fn wide() -> impl Strategy<Value = U256> {
    prop_oneof![
        Just(U256::ZERO),
        Just(U256::MAX),
        any::<[u64; 4]>().prop_map(U256::from_limbs),
        any::<u64>().prop_map(U256::from)
    ]
}

fn figures() -> impl Strategy<Value = Figures> {
    let blobs = [proptest::option::of(number()), proptest::option::of(number())];
    let fees = (proptest::option::of(number()), blobs);
    (number(), number(), wide(), [number(), number()], fees).prop_map(
        |(number, timestamp, difficulty, gas, (base_fee, blobs))| Figures {
            number,
            timestamp,
            difficulty,
            gas,
            base_fee,
            blobs,
        },
    )
}

fn schedule() -> impl Strategy<Value = ForkSchedule> {
    let at = || proptest::option::of(number());
    let consensus =
        prop_oneof![Just(Consensus::Ethash), number().prop_map(|period| Consensus::Clique { period, epoch: period }),];
    let work = (at(), at(), at(), at(), at(), consensus);
    let stake = (at(), proptest::option::of(wide()), at(), at(), at());
    let params = (number(), number(), number(), number());
    (work, stake, proptest::collection::vec(params, 0..3)).prop_map(|(work, stake, blobs)| ForkSchedule {
        homestead: work.0,
        byzantium: work.1,
        london: work.2,
        gray_glacier: work.3,
        dao: work.4.map(|block| DaoFork { block, support: block % 2 == 0 }),
        consensus: work.5,
        merge: stake.0,
        terminal_total_difficulty: stake.1,
        cancun: stake.2,
        osaka: stake.3,
        amsterdam: stake.4,
        blobs: blobs
            .into_iter()
            .map(|(from, target, max, update_fraction)| BlobParams { from, target, max, update_fraction })
            .collect(),
        ..ForkSchedule::default()
    })
}

impl Figures {
    fn put<'a>(&self, header: Header<'a>) -> Header<'a> {
        let Self { number, timestamp, difficulty, gas: [gas_limit, gas_used], base_fee, blobs } = *self;
        let (blob_gas_used, excess_blob_gas) = (blobs[0], blobs[1]);
        let base_fee_per_gas = base_fee;
        let header = Header { number, timestamp, difficulty, gas_limit, gas_used, ..header };
        Header { base_fee_per_gas, blob_gas_used, excess_blob_gas, ..header }
    }
}

/// `fake_exponential` as EIP-4844 writes it, in 512 bits.
fn fake_exponential(numerator: u64, denominator: u64) -> U512 {
    let (numerator, denominator) = (U512::from(numerator), U512::from(denominator));
    let (mut term, mut sum, mut step) = (denominator, U512::ZERO, U512::from(1));
    while !term.is_zero() {
        sum += term;
        term = term * numerator / (denominator * step);
        step += U512::from(1);
    }
    sum / denominator
}

proptest! {
    /// The comparison of EIP-7918 ends early, with the result of the whole series.
    #[test]
    fn the_blob_fee_is_compared_as_if_it_were_computed(
        base_fee in prop_oneof![0..100u64, 0..10_000_000_000u64, any::<u64>()],
        (fraction, excess) in (1..20_000_000u64).prop_flat_map(|fraction| (Just(fraction), 0..fraction * 45)),
    ) {
        let params = BlobParams { from: 0, target: 1, max: 2, update_fraction: fraction };
        let template = TestChain::new(2, 1);
        let header = Header::decode(template.header(1)).expect("decodes");
        let (excess_blob_gas, base_fee_per_gas) = (Some(excess), Some(base_fee));
        let parent = Header { blob_gas_used: Some(GAS_PER_BLOB), excess_blob_gas, base_fee_per_gas, ..header };
        let blob_fee = fake_exponential(excess, fraction);
        let is_under_cost = U512::from(8_192) * U512::from(base_fee) > U512::from(GAS_PER_BLOB) * blob_fee;
        // At the target the two formulas differ by half a blob.
        let expected = u128::from(excess) + if is_under_cost { u128::from(GAS_PER_BLOB) / 2 } else { 0 };
        prop_assert_eq!(next_excess_blob_gas(&parent, &params, true), expected);
    }

    #[test]
    fn a_verdict_and_no_panic(parent in figures(), child in figures(), forks in schedule(), total in wide()) {
        let template = TestChain::new(2, 1);
        let header = Header::decode(template.header(1)).expect("decodes");
        let parent = parent.put(header);
        // Mostly a successor, so that the later rules are reached.
        let number = if child.number % 4 == 0 { child.number } else { parent.number.wrapping_add(1) };
        let child = Header { number, parent_hash: B256::ZERO, ..child.put(header) };
        for chain in [ChainSpec::custom(1, None, forks), ChainSpec::mainnet(), ChainSpec::dev(), ChainSpec::unknown(1, None)] {
            let down = validate(&child, &parent, &chain).and_then(|()| validate_standalone(&child, &chain));
            let forward = Parent { header: &parent, hash: B256::ZERO, total_difficulty: None };
            let up = validate_forward(&child, &forward, &chain);
            // Genesis is never validated alone, and is never a child.
            prop_assert_eq!(down.is_ok(), up.is_ok(), "{:?} {:?}", down, up);
            let total = Some(total);
            let _either = validate_forward(&child, &Parent { total_difficulty: total, ..forward }, &chain);
            let _either = check_future(&child, 0, &chain);
        }
    }
}
