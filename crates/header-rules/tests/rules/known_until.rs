//! The schedules of the public networks are certain up to a time. A header that breaks a rule is invalid before that
//! time; from then on it belongs to an unknown fork. The sender is never at fault.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use bytes::Bytes;
use header_rules::{
    chain::{ChainSpec, ForkSchedule},
    header::Header,
    rules::{Field, GAS_PER_BLOB, RuleViolation, UnknownFork},
};
use header_store::contract::{TestChain, encode};
use sync_core::lineage::{Anchor, Lineage, LinkFault, SealedRun};

/// Over the merge of every network.
const NUMBER: u64 = 30_000_000;

/// Amsterdam on Hoodi in two public sources; a third one lacks it.
const HOODI_AMSTERDAM: u64 = 1_793_036_568;

fn public() -> [ChainSpec; 4] {
    [ChainSpec::mainnet(), ChainSpec::sepolia(), ChainSpec::holesky(), ChainSpec::hoodi()]
}

fn forks(chain: &ChainSpec) -> &ForkSchedule {
    chain.forks().expect("a public network has a schedule")
}

/// The same network with an overridden schedule.
fn overridden(chain: &ChainSpec, json: &str) -> ChainSpec {
    let forks = forks(chain).overridden(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    ChainSpec::custom(chain.id(), chain.genesis().expect("known"), forks)
}

/// A proof-of-stake header with the fields of Prague, no blobs, and gas at its target, so that its child has the same
/// fee.
fn header<'a>(number: u64, timestamp: u64, parent_hash: B256, form: &'a Bytes) -> Header<'a> {
    let form = Header::decode(form).expect("decodes");
    Header {
        number,
        timestamp,
        parent_hash,
        gas_used: form.gas_limit / 2,
        base_fee_per_gas: Some(1_000_000_000),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        ..form
    }
}

/// The result of a changed block of this time, over a valid parent. Sealing it tells a fault of the peer.
fn verdict(chain: &ChainSpec, timestamp: u64, change: fn(Header<'_>) -> Bytes) -> Result<(), LinkFault> {
    let made = TestChain::new(4, 1);
    let form = made.header(3);
    let parent = encode(&header(NUMBER, timestamp - 12, B256::repeat_byte(1), form));
    let child = change(header(NUMBER + 1, timestamp, keccak256(&parent), form));
    let mut lineage = Lineage::new(chain.clone(), Anchor { number: NUMBER + 1, hash: keccak256(&child) });
    let run = SealedRun::seal(chain, NUMBER + 1, vec![child, parent]).expect("no fault of its sender");
    lineage.link(run).map_err(|error| {
        assert!(!error.blames_sender());
        error.fault
    })?;
    assert_eq!(lineage.anchor().map(|anchor| anchor.number), Some(NUMBER - 1), "both are verified");
    Ok(())
}

fn unchanged(header: Header<'_>) -> Bytes {
    encode(&header)
}

fn with_amsterdam(header: Header<'_>) -> Bytes {
    encode(&Header { block_access_list_hash: Some(B256::repeat_byte(1)), slot_number: Some(7), ..header })
}

/// One field more than any known header has.
fn with_unknown_field(header: Header<'_>) -> Bytes {
    let known = with_amsterdam(header);
    let mut payload = RlpHeader::decode_bytes(&mut &*known, true).expect("a list").to_vec();
    9u64.encode(&mut payload);
    let mut rlp = Vec::new();
    RlpHeader { list: true, payload_length: payload.len() }.encode(&mut rlp);
    rlp.extend(payload);
    rlp.into()
}

fn without_requests(header: Header<'_>) -> Bytes {
    encode(&Header { requests_hash: None, ..header })
}

/// Another target, or another fraction: the excess differs from the known parameters' result.
fn with_other_excess(header: Header<'_>) -> Bytes {
    encode(&Header { excess_blob_gas: Some(GAS_PER_BLOB), ..header })
}

fn with_many_blobs(header: Header<'_>) -> Bytes {
    encode(&Header { blob_gas_used: Some(72 * GAS_PER_BLOB), ..header })
}

fn with_other_fee(header: Header<'_>) -> Bytes {
    encode(&Header { base_fee_per_gas: Some(1_000_000_001), ..header })
}

const CHANGES: [fn(Header<'_>) -> Bytes; 6] =
    [with_amsterdam, with_unknown_field, without_requests, with_other_excess, with_many_blobs, with_other_fee];

#[test]
fn u09_the_public_schedules_are_known_up_to_their_last_fork_that_happened() {
    for chain in public() {
        let forks = forks(&chain);
        let until = forks.known_until.expect("a plan can change");
        let begun = [forks.shanghai, forks.cancun, forks.prague, forks.osaka];
        assert!(begun.into_iter().all(|at| at.is_some_and(|at| at < until)), "{:?}", chain.name());
        assert_eq!(forks.blobs.last().map(|params| params.from), Some(until), "{:?}", chain.name());
        assert!(forks.amsterdam.is_none_or(|at| !forks.is_certain_at(at)), "{:?}", chain.name());
    }
}

#[test]
fn u09_what_does_not_fit_is_invalid_before_that_time_and_of_an_unknown_fork_after_it() {
    for chain in public() {
        let until = forks(&chain).known_until.expect("a plan can change");
        assert_eq!(verdict(&chain, until - 12, unchanged), Ok(()));
        assert_eq!(verdict(&chain, until + 12, unchanged), Ok(()));
        for change in CHANGES {
            let before = verdict(&chain, until - 12, change);
            assert!(matches!(before, Err(LinkFault::Invalid { .. })), "{:?}: {before:?}", chain.name());
            for after in [until, until + 12] {
                let after = verdict(&chain, after, change);
                assert!(matches!(after, Err(LinkFault::UnknownFork { .. })), "{:?}: {after:?}", chain.name());
            }
        }
    }
}

/// A rule that no fork has changed is broken at any time.
#[test]
fn u09_a_rule_that_no_fork_changes_is_broken_at_any_time() {
    let same_time = |header: Header<'_>| encode(&Header { timestamp: header.timestamp - 12, ..header });
    for chain in public() {
        let until = forks(&chain).known_until.expect("a plan can change");
        let fault = verdict(&chain, until + 24, same_time);
        assert!(
            matches!(fault, Err(LinkFault::Invalid { violation: RuleViolation::Timestamp { .. }, .. })),
            "{fault:?}"
        );
    }
}

/// Hoodi may or may not have had Amsterdam on that day: neither kind of header is invalid, and no peer is at fault.
#[test]
fn u09_amsterdam_on_hoodi_is_of_an_unknown_fork_until_a_host_says_what_is_true() {
    let (hoodi, after) = (ChainSpec::hoodi(), HOODI_AMSTERDAM + 12);
    let unknown = verdict(&hoodi, after, with_amsterdam).expect_err("not scheduled");
    let why = UnknownFork::Unfitting(RuleViolation::FieldUnexpected(Field::BlockAccessListHash));
    assert!(matches!(unknown, LinkFault::UnknownFork { why: got, .. } if got == why));
    assert_eq!(verdict(&hoodi, after, unchanged), Ok(()));
    let came = overridden(&hoodi, r#"{"amsterdamTime": 1793036568, "knownUntil": 1800000000}"#);
    assert_eq!(verdict(&came, HOODI_AMSTERDAM, with_amsterdam), Ok(()));
    assert!(matches!(verdict(&came, HOODI_AMSTERDAM, unchanged), Err(LinkFault::Invalid { .. })));
    let did_not = overridden(&hoodi, r#"{"amsterdamTime": null, "knownUntil": 1800000000}"#);
    assert!(matches!(verdict(&did_not, after, with_amsterdam), Err(LinkFault::Invalid { .. })));
    assert_eq!(verdict(&did_not, after, unchanged), Ok(()));
}

/// Sepolia's date is a plan in the table: blocks of that time without the fields belong to a changed plan.
#[test]
fn u09_a_planned_fork_that_did_not_come_is_nobodys_fault() {
    let sepolia = ChainSpec::sepolia();
    let planned = forks(&sepolia).amsterdam.expect("planned");
    assert_eq!(verdict(&sepolia, planned, with_amsterdam), Ok(()));
    assert!(matches!(verdict(&sepolia, planned, unchanged), Err(LinkFault::UnknownFork { .. })));
}
