//! One header, one change, one violated rule.

use alloy_primitives::{B64, B256, U256};
use header_rules::{
    chain::{BlobParams, ChainSpec, ForkSchedule, RuleSet},
    header::Header,
    rules::{
        Field, GAS_PER_BLOB, INITIAL_BASE_FEE, RuleViolation, next_base_fee, next_excess_blob_gas, validate,
        validate_standalone,
    },
};
use header_store::contract::TestChain;

/// Both halves of the rules.
fn check(child: &Header<'_>, parent: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    validate(child, parent, chain)?;
    validate_standalone(child, chain)
}

/// A valid pair of a generated chain, and the result of changing the child.
fn changed(change: impl Fn(&mut Header<'_>, &Header<'_>)) -> Result<(), RuleViolation> {
    let chain = TestChain::new(4, 1);
    let (parent, mut child) = pair(&chain);
    check(&child, &parent, chain.spec()).expect("a test chain is valid");
    change(&mut child, &parent);
    check(&child, &parent, chain.spec())
}

fn pair(chain: &TestChain) -> (Header<'_>, Header<'_>) {
    let decode = |number| Header::decode(chain.header(number)).expect("decodes");
    (decode(2), decode(3))
}

#[test]
fn against_the_parent() {
    use RuleViolation as V;
    assert_eq!(changed(|child, _| child.number = 5), Err(V::Number { got: 5, expected: 3 }));
    let parent_time = 1_750_000_000 + 2 * 12;
    assert_eq!(
        changed(|child, parent| child.timestamp = parent.timestamp),
        Err(V::Timestamp { got: parent_time, parent: parent_time })
    );
    assert!(matches!(changed(|child, _| child.base_fee_per_gas = Some(1)), Err(V::BaseFee { got: 1, .. })));
    assert!(matches!(
        changed(|child, _| child.excess_blob_gas = Some(GAS_PER_BLOB)),
        Err(V::ExcessBlobGas { got: GAS_PER_BLOB, expected: 0 })
    ));
    assert!(matches!(changed(|child, _| child.difficulty = U256::from(131_072)), Err(V::WorkAfterStake { .. })));
    assert_eq!(changed(|child, _| child.requests_hash = None), Err(V::FieldMissing(Field::RequestsHash)));
}

#[test]
fn the_gas_limit_moves_by_less_than_its_1024th() {
    // Below the bound, and at it, on both sides.
    let bound = 30_000_000 / 1_024;
    assert_eq!(changed(|child, parent| child.gas_limit = parent.gas_limit + bound - 1), Ok(()));
    let smaller = |by: u64| {
        move |child: &mut Header<'_>, parent: &Header<'_>| {
            child.gas_limit = parent.gas_limit - by;
            child.gas_used = 0;
        }
    };
    assert_eq!(changed(smaller(bound - 1)), Ok(()));
    for got in [30_000_000 + bound, 30_000_000 - bound] {
        let result = changed(|child, _| (child.gas_limit, child.gas_used) = (got, 0));
        assert_eq!(result, Err(RuleViolation::GasLimitBound { got, parent: 30_000_000, bound }));
    }
}

#[test]
fn alone() {
    use RuleViolation as V;
    assert_eq!(changed(|child, _| child.gas_used = 30_000_001), Err(V::GasUsed { got: 30_000_001, limit: 30_000_000 }));
    assert_eq!(changed(|child, _| child.extra_data = &[0; 33]), Err(V::ExtraData { got: 33, max: 32 }));
    assert_eq!(changed(|child, _| child.extra_data = &[0; 32]), Ok(()));
    assert_eq!(changed(|child, _| child.nonce = B64::with_last_byte(1)), Err(V::StakeNonce { got: 1 }));
    assert_eq!(changed(|child, _| child.ommers_hash = B256::ZERO), Err(V::StakeOmmers { got: B256::ZERO }));
    assert_eq!(
        changed(|child, _| child.blob_gas_used = Some(GAS_PER_BLOB + 1)),
        Err(V::BlobGasMultiple { got: GAS_PER_BLOB + 1 })
    );
    let (got, max) = (10 * GAS_PER_BLOB, 9 * GAS_PER_BLOB);
    assert_eq!(changed(|child, _| child.blob_gas_used = Some(got)), Err(V::BlobGasMax { got, max }));
    assert_eq!(
        changed(|child, _| child.block_access_list_hash = Some(B256::ZERO)),
        Err(V::FieldUnexpected(Field::BlockAccessListHash))
    );
}

#[test]
fn limits_of_the_gas_limit() {
    let chain = TestChain::new(4, 1);
    let (parent, child) = pair(&chain);
    for (limit, expected) in [
        (4_999, Err(RuleViolation::GasLimitMin { got: 4_999, min: 5_000 })),
        (5_000, Ok(())),
        (i64::MAX as u64, Ok(())),
        (1 << 63, Err(RuleViolation::GasLimitMax { got: 1 << 63, max: i64::MAX as u64 })),
    ] {
        let parent = Header { gas_limit: limit, ..parent };
        let child = Header { gas_limit: limit, gas_used: 0, ..child };
        let fee = Some(u64::try_from(next_base_fee(&parent)).expect("small"));
        let child = Header { base_fee_per_gas: fee, ..child };
        assert_eq!(check(&child, &parent, chain.spec()), expected, "{limit}");
    }
}

#[test]
fn genesis_is_never_validated() {
    let chain = TestChain::new(1, 1);
    let genesis = Header::decode(chain.header(0)).expect("decodes");
    let odd = Header { gas_limit: 0, extra_data: &[1; 200], difficulty: U256::from(17), ..genesis };
    assert_eq!(validate_standalone(&odd, chain.spec()), Ok(()));
    assert_eq!(validate_standalone(&odd, &ChainSpec::mainnet()), Ok(()));
}

/// The four cases of EIP-1559, and numbers that would overflow.
#[test]
fn base_fee_by_the_formula() {
    let chain = TestChain::new(2, 1);
    let parent = Header::decode(chain.header(1)).expect("decodes");
    let next = |fee, limit, used| {
        next_base_fee(&Header { base_fee_per_gas: Some(fee), gas_limit: limit, gas_used: used, ..parent })
    };
    assert_eq!(next(1_000_000_000, 20_000_000, 10_000_000), 1_000_000_000);
    assert_eq!(next(1_000_000_000, 20_000_000, 9_000_000), 987_500_000);
    assert_eq!(next(1_000_000_000, 20_000_000, 11_000_000), 1_012_500_000);
    assert_eq!(next(1_000_000_000, 20_000_000, 20_000_000), 1_125_000_000);
    assert_eq!(next(7, 20_000_000, 10_000_001), 8, "at least one more");
    assert_eq!(next(7, 20_000_000, 9_999_999), 7, "perhaps none less");
    assert_eq!(next(0, 20_000_000, 0), 0);
    assert_eq!(next(u64::MAX, u64::MAX - 1, u64::MAX - 1), u128::from(u64::MAX) + u128::from(u64::MAX) / 8);
    assert_eq!(next(5, 0, 0), 5, "a limit without a target");
    assert_eq!(next(5, 1, 1), 5, "a limit without a target");
    let before = Header { base_fee_per_gas: None, ..parent };
    assert_eq!(next_base_fee(&before), u128::from(INITIAL_BASE_FEE));
}

const PRAGUE: BlobParams = BlobParams { from: 0, target: 6, max: 9, update_fraction: 5_007_716 };

/// EIP-4844 and EIP-7691 below, at and above the target; EIP-7918 on both sides of its price.
#[test]
fn excess_blob_gas_by_the_formula() {
    let chain = TestChain::new(2, 1);
    let parent = Header::decode(chain.header(1)).expect("decodes");
    let next = |excess, used, fee, osaka| {
        let parent = Header {
            excess_blob_gas: Some(excess),
            blob_gas_used: Some(used * GAS_PER_BLOB),
            base_fee_per_gas: Some(fee),
            ..parent
        };
        next_excess_blob_gas(&parent, &PRAGUE, osaka)
    };
    let blobs = |count: u64| u128::from(count * GAS_PER_BLOB);
    assert_eq!(next(0, 5, 7, false), 0);
    assert_eq!(next(0, 6, 7, false), 0);
    assert_eq!(next(0, 9, 7, false), blobs(3));
    assert_eq!(next(10 * GAS_PER_BLOB, 0, 7, false), blobs(4));
    // At excess 0 a blob costs 1 wei a gas: under its cost from a base fee of 17 on.
    assert_eq!(next(6 * GAS_PER_BLOB, 9, 16, true), blobs(9));
    assert_eq!(next(6 * GAS_PER_BLOB, 9, 17, true), blobs(6) + blobs(9) / 3);
    assert_eq!(next(0, 5, 1_000, true), 0, "under the target nothing remains");
    // e^(34_711_000 / 5_007_716) is about 1_023: the blob fee is a little over 1,000 there.
    assert_eq!(next(34_711_000, 6, 16 * 900, true), 34_711_000);
    assert_eq!(next(34_711_000, 6, 16 * 1_200, true), 34_711_000 + blobs(6) / 3);
    // Extreme numbers end at once.
    assert_eq!(next(u64::MAX, 9, u64::MAX, true), u128::from(u64::MAX) + blobs(3));
    assert_eq!(next(u64::MAX, 9, 0, true), u128::from(u64::MAX) + blobs(3));
}

#[test]
fn the_excess_before_cancun_counts_as_zero() {
    let chain = TestChain::new(2, 1);
    let parent = Header::decode(chain.header(1)).expect("decodes");
    let before = Header { excess_blob_gas: None, blob_gas_used: None, ..parent };
    assert_eq!(next_excess_blob_gas(&before, &PRAGUE, false), 0);
}

/// A schedule with a fork at each number or time, so that each field is required exactly from its fork on.
#[test]
fn fields_come_with_their_forks() {
    let forks = |active: usize| {
        let at = |index: usize| (active > index).then_some(0);
        ForkSchedule {
            london: at(0),
            merge: Some(0),
            shanghai: at(1),
            cancun: at(2),
            prague: at(3),
            osaka: None,
            amsterdam: at(4),
            blobs: vec![PRAGUE].into(),
            ..ForkSchedule::default()
        }
    };
    let chain = TestChain::new(2, 1);
    let full = Header::decode(chain.header(1)).expect("decodes");
    let full = Header { block_access_list_hash: Some(B256::ZERO), slot_number: Some(1), ..full };
    let groups: [fn(&mut Header<'_>); 5] = [
        |header| header.base_fee_per_gas = None,
        |header| header.withdrawals_root = None,
        |header| {
            (header.blob_gas_used, header.excess_blob_gas, header.parent_beacon_block_root) = (None, None, None);
        },
        |header| header.requests_hash = None,
        |header| (header.block_access_list_hash, header.slot_number) = (None, None),
    ];
    for fork in 0..=groups.len() {
        let spec = ChainSpec::custom(1, None, forks(fork));
        for fields in 0..=groups.len() {
            let mut header = full;
            groups[fields..].iter().for_each(|clear| clear(&mut header));
            let result = validate_standalone(&header, &spec);
            match fields.cmp(&fork) {
                std::cmp::Ordering::Equal => assert_eq!(result, Ok(()), "{fork}"),
                std::cmp::Ordering::Less => assert!(matches!(result, Err(RuleViolation::FieldMissing(_)))),
                std::cmp::Ordering::Greater => assert!(matches!(result, Err(RuleViolation::FieldUnexpected(_)))),
            }
        }
    }
}

#[test]
fn a_known_chain_knows_its_merge() {
    let RuleSet::Forks(mainnet) = ChainSpec::mainnet().rules().clone() else { panic!("mainnet has a schedule") };
    assert!(!mainnet.is_merged(15_537_393) && mainnet.is_merged(15_537_394));
    let chain = TestChain::new(4, 1);
    let (_, child) = pair(&chain);
    let spec = ChainSpec::mainnet();
    let early = Header { number: 15_537_393, ..child };
    assert_eq!(validate_standalone(&early, &spec), Err(RuleViolation::WorkDifficulty));
    let difficulty = U256::from(1);
    let late = Header { number: 15_537_394, difficulty, ..child };
    assert_eq!(validate_standalone(&late, &spec), Err(RuleViolation::StakeDifficulty { got: difficulty }));
}
