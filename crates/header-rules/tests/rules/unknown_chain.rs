//! Unknown chains: the rules that must not reject an honest chain, and the checks that still detect a dishonest one.

use alloy_primitives::{B64, B256, U256};
use header_rules::{
    chain::ChainSpec,
    header::Header,
    rules::{GAS_PER_BLOB, Parent, RuleViolation, validate, validate_forward, validate_standalone},
};
use header_store::contract::TestChain;
use sync_core::lineage::{Anchor, Lineage, SealedRun};

/// Both directions of the rules, and a pass from genesis up.
fn check(child: &Header<'_>, parent: &Header<'_>) -> Result<(), RuleViolation> {
    let chain = ChainSpec::unknown(5, None);
    let down = validate(child, parent, &chain).and_then(|()| validate_standalone(child, &chain));
    let parent = Parent { header: parent, hash: child.parent_hash, total_difficulty: Some(U256::from(17)) };
    let up = validate_forward(child, &parent, &chain);
    assert_eq!(up.is_ok(), down.is_ok(), "{up:?} {down:?}");
    down
}

/// A valid pair with a change, and the result.
fn changed(change: impl for<'a> Fn(&mut Header<'a>, &mut Header<'a>)) -> Result<(), RuleViolation> {
    let chain = TestChain::new(4, 1);
    let [mut parent, mut child] = [2, 3].map(|number| Header::decode(chain.header(number)).expect("decodes"));
    assert_eq!(check(&child, &parent), Ok(()));
    change(&mut child, &mut parent);
    check(&child, &parent)
}

/// The fields that a chain has before its forks by time.
fn before_shanghai(header: &mut Header<'_>) {
    header.withdrawals_root = None;
    (header.blob_gas_used, header.excess_blob_gas, header.parent_beacon_block_root) = (None, None, None);
    header.requests_hash = None;
}

/// Clique and similar chains: signers in the extra data, a period of zero, and a later merge.
#[test]
fn a_chain_of_authorities_is_not_refused() {
    fn seal(header: &mut Header<'_>) {
        header.difficulty = U256::from(2);
        header.extra_data = &[1; 32 + 5 * 20 + 65];
        header.nonce = B64::repeat_byte(0xff);
    }
    assert_eq!(changed(|child, parent| [child, parent].into_iter().for_each(seal)), Ok(()));
    let still = changed(|child, parent| {
        child.timestamp = parent.timestamp;
        [child, parent].into_iter().for_each(seal);
    });
    assert_eq!(still, Ok(()));
    assert_eq!(changed(|_, parent| seal(parent)), Ok(()), "the merge");
}

/// Proof of work, any difficulty, and London with twice the gas.
#[test]
fn a_chain_by_work_is_not_refused() {
    let result = changed(|child, parent| {
        [&mut *child, &mut *parent].into_iter().for_each(before_shanghai);
        parent.base_fee_per_gas = None;
        (child.gas_limit, child.difficulty) = (2 * parent.gas_limit, U256::from(3_000_000));
        (parent.difficulty, parent.nonce) = (U256::from(9), B64::repeat_byte(9));
    });
    assert_eq!(result, Ok(()));
}

/// OP: gas as its settings say, its own base fee with parameters in the extra data, other data counted in the blob gas.
#[test]
fn a_rollup_with_its_own_fees_is_not_refused() {
    let result = changed(|child, _| {
        (child.gas_limit, child.gas_used) = (1 << 50, 77);
        child.base_fee_per_gas = Some(252);
        child.extra_data = &[1; 17];
        (child.blob_gas_used, child.excess_blob_gas) = (Some(12_345), Some(0));
    });
    assert_eq!(result, Ok(()));
}

/// Arbitrum: difficulty 1 for ever, a nonce that counts, several blocks in a second.
#[test]
fn a_rollup_with_many_blocks_a_second_is_not_refused() {
    let result = changed(|child, parent| {
        child.timestamp = parent.timestamp;
        for header in [child, parent] {
            (header.difficulty, header.nonce) = (U256::from(1), B64::with_last_byte(77));
        }
    });
    assert_eq!(result, Ok(()));
}

/// Polygon and BSC: validators in the extra data, a base fee of their own or of nothing, a limit that moves by 1/256.
#[test]
fn a_side_chain_of_validators_is_not_refused() {
    for fee in [0, 25] {
        let result = changed(|child, parent| {
            (child.gas_limit, child.base_fee_per_gas) = (parent.gas_limit + parent.gas_limit / 257, Some(fee));
            child.extra_data = &[7; 32 + 21 * 68 + 65];
            for header in [child, parent] {
                header.difficulty = U256::from(21);
            }
        });
        assert_eq!(result, Ok(()));
    }
}

/// Any excess and any number of blobs, by a schedule of its own.
#[test]
fn a_chain_with_its_own_blobs_is_not_refused() {
    let result = changed(|child, _| {
        (child.excess_blob_gas, child.blob_gas_used) = (Some(77 * GAS_PER_BLOB), Some(40 * GAS_PER_BLOB));
    });
    assert_eq!(result, Ok(()));
}

/// Difficulty alternately 0 and 1, fields that appear and disappear, gas without relation to the limit.
#[test]
fn a_chain_of_no_kind_is_not_refused() {
    assert_eq!(changed(|child, _| child.difficulty = U256::from(1)), Ok(()));
    assert_eq!(changed(|_, parent| parent.difficulty = U256::from(1)), Ok(()));
    assert_eq!(changed(|child, _| child.requests_hash = None), Ok(()));
    assert_eq!(changed(|child, _| child.gas_used = child.gas_limit + 1), Ok(()));
}

/// The rules of every chain.
#[test]
fn an_unknown_chain_has_rules_too() {
    use RuleViolation as V;
    let gap = changed(|child, _| child.number = 9);
    assert_eq!(gap, Err(V::Number { got: 9, expected: 3 }));
    let earlier = changed(|child, parent| child.timestamp = parent.timestamp - 1);
    assert!(matches!(earlier, Err(V::Timestamp { .. })));
}

/// Hashes verify the link on any chain.
#[test]
fn a_wrong_link_is_caught_on_an_unknown_chain() {
    let (chain, other) = (TestChain::new(4, 1), TestChain::new(4, 2));
    let spec = ChainSpec::unknown(5, None);
    let mixed = vec![chain.header(3).clone(), other.header(2).clone()];
    assert!(SealedRun::seal(&spec, 3, mixed).is_err(), "inside an answer");
    let mut lineage = Lineage::new(spec.clone(), Anchor { number: 3, hash: chain.hash(3) });
    let run = SealedRun::seal(&spec, 3, vec![other.header(3).clone()]).expect("hangs together");
    assert!(lineage.link(run).expect_err("another chain").blames_sender(), "at the anchor");
    let genesis = ChainSpec::unknown(5, B256::repeat_byte(1));
    let mut lineage = Lineage::new(genesis.clone(), Anchor { number: 0, hash: chain.hash(0) });
    let run = SealedRun::seal(&genesis, 0, vec![chain.header(0).clone()]).expect("hangs together");
    assert!(lineage.link(run).is_err(), "another genesis");
}
