//! A real pair of headers, one changed field, one violation: the rules that the public cases break too seldom or never.
//!
//! Each pair passes unchanged, down and up; changed, it must fail in both directions with exactly the violation that is
//! named. The pairs by stake are one of mainnet and one that is made here; where the test data is absent, only the
//! latter.

use alloy_primitives::{B64, B256, U256, b256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::{BlobParams, ChainSpec, Consensus, DaoFork, ForkSchedule},
    header::Header,
    rules::{
        Field, GAS_PER_BLOB, Parent, RuleViolation as V, check_future, validate, validate_forward, validate_standalone,
    },
};
use header_store::contract::{TestChain, encode};
use sync_core::lineage::SealedRun;

/// A parent, its child, and their chain.
#[derive(Clone)]
struct Pair {
    parent: Bytes,
    child: Bytes,
    chain: ChainSpec,
}

impl Pair {
    /// One that is made here, with the forks of Prague.
    fn generated() -> Self {
        let chain = TestChain::new(20, 1);
        let [parent, child] = [18, 19].map(|number| chain.header(number).clone());
        Self { parent, child, chain: chain.spec().clone() }
    }

    /// Two neighbours of a file, of which the child has this number.
    fn of(headers: &[Bytes], number: u64, chain: ChainSpec) -> Self {
        let at = headers.iter().position(|rlp| Header::decode(rlp).expect("decodes").number == number);
        let at = at.expect("the file has it");
        Self { parent: headers[at - 1].clone(), child: headers[at].clone(), chain }
    }

    /// Blocks 1 and 2 of mainnet, whose gas limit is the lowest there is.
    fn frontier() -> Option<Self> {
        let path = crate::data::file("era1/mainnet-00000-5ec1ffb8.era1")?;
        Some(Self::of(&crate::data::era1(&path), 2, ChainSpec::mainnet()))
    }

    /// Pairs by stake, with the fields of Prague.
    fn by_stake() -> Vec<Self> {
        let path = crate::data::file("headers/mainnet-22431080-22431090.headers.rlp");
        let real = path.map(|path| Self::of(&crate::data::concatenated(&path), 22_431_090, ChainSpec::mainnet()));
        [Some(Self::generated()), real].into_iter().flatten().collect()
    }

    fn parent(&self) -> Header<'_> {
        Header::decode(&self.parent).expect("decodes")
    }

    fn child(&self) -> Header<'_> {
        Header::decode(&self.child).expect("decodes")
    }

    fn forks(&self) -> ForkSchedule {
        self.chain.forks().expect("a chain with a schedule").clone()
    }

    /// The same headers on a chain with other forks.
    fn on(&self, forks: ForkSchedule) -> Self {
        Self { chain: ChainSpec::custom(1, None, forks), ..self.clone() }
    }

    /// The broken rule of the changed child: in a sync from the top down, and in a pass from genesis up.
    fn changed(&self, change: impl for<'a> Fn(&mut Header<'a>)) -> [Result<(), V>; 2] {
        let (parent, mut child) = (self.parent(), self.child());
        change(&mut child);
        let down = validate(&child, &parent, &self.chain).and_then(|()| validate_standalone(&child, &self.chain));
        let forward = Parent { header: &parent, hash: keccak256(&self.parent), total_difficulty: None };
        [down, validate_forward(&child, &forward, &self.chain)]
    }

    /// Unchanged it is valid; changed, it breaks this rule and no other.
    fn breaks(&self, change: impl for<'a> Fn(&mut Header<'a>), expected: V) {
        assert_eq!(self.changed(|_| ()), [Ok(()), Ok(())], "{:?}: unchanged", self.chain.name());
        assert_eq!(self.changed(change), [Err(expected.clone()), Err(expected)], "{:?}", self.chain.name());
    }
}

#[test]
fn a_field_of_the_fork_is_missing() {
    for pair in Pair::by_stake() {
        pair.breaks(|child| child.base_fee_per_gas = None, V::FieldMissing(Field::BaseFeePerGas));
        pair.breaks(|child| child.withdrawals_root = None, V::FieldMissing(Field::WithdrawalsRoot));
        pair.breaks(|child| child.blob_gas_used = None, V::FieldMissing(Field::BlobGasUsed));
        pair.breaks(|child| child.excess_blob_gas = None, V::FieldMissing(Field::ExcessBlobGas));
        pair.breaks(|child| child.parent_beacon_block_root = None, V::FieldMissing(Field::ParentBeaconBlockRoot));
        pair.breaks(|child| child.requests_hash = None, V::FieldMissing(Field::RequestsHash));
    }
}

#[test]
fn a_field_of_a_later_fork_is_there() {
    for pair in Pair::by_stake() {
        let root = Some(B256::ZERO);
        pair.breaks(|child| child.block_access_list_hash = root, V::FieldUnexpected(Field::BlockAccessListHash));
        pair.breaks(|child| child.slot_number = Some(1), V::FieldUnexpected(Field::SlotNumber));
        let later = |change: fn(&mut ForkSchedule)| {
            let mut forks = pair.forks();
            change(&mut forks);
            pair.on(forks).changed(|_| ())
        };
        let unexpected = |field| [Err(V::FieldUnexpected(field)), Err(V::FieldUnexpected(field))];
        assert_eq!(later(|forks| forks.prague = None), unexpected(Field::RequestsHash));
        assert_eq!(later(|forks| forks.cancun = None), unexpected(Field::BlobGasUsed));
        assert_eq!(later(|forks| forks.shanghai = None), unexpected(Field::WithdrawalsRoot));
    }
    let Some(pair) = Pair::frontier() else { return };
    pair.breaks(|child| child.base_fee_per_gas = Some(7), V::FieldUnexpected(Field::BaseFeePerGas));
}

/// No public chain has Amsterdam yet: the pair is put on a chain that has.
#[test]
fn amsterdam_brings_the_access_list_and_the_slot() {
    for pair in Pair::by_stake() {
        let since = pair.child().timestamp;
        let amsterdam = pair.on(ForkSchedule { amsterdam: Some(since), ..pair.forks() });
        let full = Header { block_access_list_hash: Some(B256::ZERO), slot_number: Some(1), ..pair.child() };
        let amsterdam = Pair { child: encode(&full), ..amsterdam };
        amsterdam.breaks(|child| child.block_access_list_hash = None, V::FieldMissing(Field::BlockAccessListHash));
        amsterdam.breaks(|child| child.slot_number = None, V::FieldMissing(Field::SlotNumber));
    }
}

#[test]
fn blob_gas_is_in_whole_blobs_within_the_maximum() {
    for pair in Pair::by_stake() {
        let odd = pair.child().blob_gas_used.expect("after Cancun") + 1;
        pair.breaks(|child| child.blob_gas_used = Some(odd), V::BlobGasMultiple { got: odd });
        let (got, max) = (10 * GAS_PER_BLOB, 9 * GAS_PER_BLOB);
        pair.breaks(|child| child.blob_gas_used = Some(got), V::BlobGasMax { got, max });
        assert_eq!(pair.changed(|child| child.blob_gas_used = Some(max)), [Ok(()), Ok(())]);
    }
}

#[test]
fn excess_blob_gas_follows_from_the_parent() {
    for pair in Pair::by_stake() {
        let expected = pair.child().excess_blob_gas.expect("after Cancun");
        let got = expected + GAS_PER_BLOB;
        pair.breaks(|child| child.excess_blob_gas = Some(got), V::ExcessBlobGas { got, expected });
    }
}

/// The parameters are those of the child's time, in the very block in which they change.
#[test]
fn blob_parameters_change_with_the_child() {
    for pair in Pair::by_stake() {
        let since = pair.child().timestamp;
        let mut forks = pair.forks();
        forks.blobs.to_mut().push(BlobParams { from: since, target: 0, max: 1, update_fraction: 9 });
        let (parent, child) = (pair.parent(), pair.child());
        let sum = parent.excess_blob_gas.expect("after Cancun") + parent.blob_gas_used.expect("after Cancun");
        let got = child.excess_blob_gas.expect("after Cancun");
        let one = pair.on(forks).changed(|child| child.blob_gas_used = Some(GAS_PER_BLOB));
        assert_eq!(one, [Err(V::ExcessBlobGas { got, expected: sum }), Err(V::ExcessBlobGas { got, expected: sum })]);
    }
}

#[test]
fn stake_has_no_nonce_and_no_ommers() {
    for pair in Pair::by_stake() {
        pair.breaks(|child| child.nonce = B64::with_last_byte(9), V::StakeNonce { got: 9 });
        pair.breaks(|child| child.ommers_hash = B256::ZERO, V::StakeOmmers { got: B256::ZERO });
    }
}

/// By the number of the merge; only against the parent if the merge depends on a total difficulty, which a sync from
/// the top down does not know.
#[test]
fn work_never_follows_stake() {
    let difficulty = U256::from(131_072);
    let expected = [Err(V::WorkAfterStake { difficulty }), Err(V::StakeDifficulty { got: difficulty })];
    for pair in Pair::by_stake() {
        assert_eq!(pair.changed(|child| child.difficulty = difficulty), expected);
        let terminal = Some(U256::from(1) << 70);
        let pair = pair.on(ForkSchedule { merge: None, terminal_total_difficulty: terminal, ..pair.forks() });
        pair.breaks(|child| child.difficulty = difficulty, V::WorkAfterStake { difficulty });
    }
}

/// A pass from genesis up knows the total difficulty, and that the merge came neither early nor late.
#[test]
fn the_merge_comes_at_its_total_difficulty() {
    let Some(path) = crate::data::file("conformance/mainnet-boundaries.jsonl.gz") else { return };
    let headers: Vec<Bytes> = crate::data::lines(&path).iter().map(|line| crate::data::rlp(&line["rlp"])).collect();
    let mainnet = ChainSpec::mainnet();
    let forks = mainnet.forks().expect("a public network");
    let by_total = ChainSpec::custom(1, None, ForkSchedule { merge: None, ..forks.clone() });
    let terminal = forks.terminal_total_difficulty.expect("mainnet has merged");
    let judge = |number, total| {
        let pair = Pair::of(&headers, number, by_total.clone());
        let (header, hash) = (&pair.parent(), keccak256(&pair.parent));
        validate_forward(&pair.child(), &Parent { header, hash, total_difficulty: Some(total) }, &by_total)
    };
    let (first, before) = (15_537_394, terminal - U256::from(1));
    assert_eq!(judge(first, "58750003716598352816469".parse().expect("a number")), Ok(()));
    assert_eq!(judge(first, terminal), Ok(()));
    assert_eq!(judge(first, before), Err(V::WorkDifficulty), "early");
    let difficulty = Pair::of(&headers, first - 1, by_total.clone()).child().difficulty;
    assert_eq!(judge(first - 1, before), Ok(()));
    assert_eq!(judge(first - 1, terminal), Err(V::StakeDifficulty { got: difficulty }), "late");
}

#[test]
fn the_gas_limit_has_a_floor() {
    let Some(pair) = Pair::frontier() else { return };
    assert_eq!(pair.parent().gas_limit, 5_000);
    pair.breaks(|child| child.gas_limit = 4_999, V::GasLimitMin { got: 4_999, min: 5_000 });
}

#[test]
fn difficulty_follows_from_the_parent() {
    let Some(pair) = Pair::frontier() else { return };
    let expected = pair.child().difficulty;
    for got in [expected + U256::from(1), expected - U256::from(1)] {
        pair.breaks(|child| child.difficulty = got, V::Difficulty { got, expected });
    }
    // A block made within one second must have a difficulty higher by 1/2048.
    let (parent, soon) = (pair.parent().difficulty, pair.parent().timestamp + 1);
    let harder = parent + (parent >> 11);
    pair.breaks(|child| child.timestamp = soon, V::Difficulty { got: expected, expected: harder });
}

#[test]
fn the_dao_fork_is_marked_on_one_side_alone() {
    let Some(pair) = Pair::frontier() else { return };
    let number = pair.child().number;
    let dao = |block, support| pair.on(ForkSchedule { dao: Some(DaoFork { block, support }), ..pair.forks() });
    let mark = |child: &mut Header<'_>| child.extra_data = b"dao-hard-fork";
    dao(number, false).breaks(mark, V::DaoExtraData { expected: false });
    let marked = Header { extra_data: b"dao-hard-fork", ..pair.child() };
    let pro = Pair { child: encode(&marked), ..dao(number, true) };
    pro.breaks(|child| child.extra_data = b"dao-hard-fork!", V::DaoExtraData { expected: true });
    // The block before the ten, and the one after: any extra data on both sides.
    let around = [dao(number + 1, true), dao(number + 1, false)];
    assert!(around.iter().all(|pair| pair.changed(mark) == [Ok(()), Ok(())]));
    assert!(around.iter().all(|pair| pair.changed(|_| ()) == [Ok(()), Ok(())]));
}

/// The tenth marked block and the one after it, on mainnet itself.
#[test]
fn the_dao_mark_ends_after_ten_blocks() {
    let template = TestChain::new(2, 1);
    let header = Header { number: 1_920_009, ..Header::decode(template.header(1)).expect("decodes") };
    let by_work = Header { difficulty: U256::from(131_072), base_fee_per_gas: None, withdrawals_root: None, ..header };
    let by_work = Header { blob_gas_used: None, excess_blob_gas: None, timestamp: 1_469_000_000, ..by_work };
    let tenth = Header { parent_beacon_block_root: None, requests_hash: None, ..by_work };
    let mainnet = ChainSpec::mainnet();
    assert_eq!(validate_standalone(&tenth, &mainnet), Err(V::DaoExtraData { expected: true }));
    assert_eq!(validate_standalone(&Header { number: 1_920_010, ..tenth }, &mainnet), Ok(()));
    assert_eq!(validate_standalone(&Header { number: 1_919_999, ..tenth }, &mainnet), Ok(()));
}

/// Down, the link is a matter of the lineage; up, of the rules.
#[test]
fn the_parent_hash_is_the_parents() {
    for pair in Pair::by_stake() {
        let wrong = b256!("0101010101010101010101010101010101010101010101010101010101010101");
        let [down, up] = pair.changed(|child| child.parent_hash = wrong);
        assert_eq!(up, Err(V::ParentHash { got: wrong, expected: keccak256(&pair.parent) }));
        assert_eq!(down, Ok(()));
        let answer = |child: Bytes| SealedRun::seal(&pair.chain, pair.child().number, vec![child, pair.parent.clone()]);
        assert!(answer(pair.child.clone()).is_ok());
        assert!(answer(encode(&Header { parent_hash: wrong, ..pair.child() })).is_err());
    }
}

/// A clique chain: the rules that clique changes. The seals have their own tests.
#[test]
fn clique_has_two_difficulties_and_a_period() {
    let clique = Consensus::Clique { period: 12, epoch: 30_000 };
    let generated = Pair::generated();
    let by_authority = |rlp: &Bytes| {
        let header = Header::decode(rlp).expect("decodes");
        encode(&Header { difficulty: U256::from(2), extra_data: &[7; 97], ..header })
    };
    let (parent, child) = (by_authority(&generated.parent), by_authority(&generated.child));
    let forks = ForkSchedule { consensus: clique, merge: None, terminal_total_difficulty: None, ..generated.forks() };
    let link = |parent: &Bytes, child: &Bytes| {
        let header = Header::decode(child).expect("decodes");
        encode(&Header { parent_hash: keccak256(parent), ..header })
    };
    let pair = Pair { child: link(&parent, &child), parent, ..generated.on(forks) };
    pair.breaks(|child| child.difficulty = U256::from(3), V::CliqueDifficulty { got: U256::from(3) });
    let earliest = pair.child().timestamp;
    pair.breaks(|child| child.timestamp -= 1, V::CliquePeriod { got: earliest - 1, earliest });
    assert_eq!(pair.changed(|child| child.difficulty = U256::from(1)), [Ok(()), Ok(())]);
    let merged = pair.on(ForkSchedule { merge: Some(pair.child().number), ..pair.forks() });
    let long = Err(V::ExtraData { got: 97, max: 32 });
    assert_eq!(merged.changed(|child| child.difficulty = U256::ZERO), [long.clone(), long], "clique ends at the merge");
}

/// Only before the merge, and only by a given clock.
#[test]
fn nothing_is_made_tomorrow() {
    let Some(pair) = Pair::frontier() else { return };
    let got = pair.child().timestamp;
    assert_eq!(check_future(&pair.child(), got - 15, &pair.chain), Ok(()));
    let late = check_future(&pair.child(), got - 16, &pair.chain);
    assert_eq!(late, Err(V::TimestampInFuture { got, latest: got - 1 }));
    let clique = pair.on(ForkSchedule { consensus: Consensus::Clique { period: 1, epoch: 9 }, ..pair.forks() }).chain;
    assert_eq!(check_future(&pair.child(), got, &clique), Ok(()));
    assert!(check_future(&pair.child(), got - 1, &clique).is_err());
    let stake = Pair::generated();
    assert_eq!(check_future(&stake.child(), 0, &stake.chain), Ok(()));
    assert_eq!(check_future(&pair.child(), 0, &ChainSpec::unknown(7, None)), Ok(()));
}
