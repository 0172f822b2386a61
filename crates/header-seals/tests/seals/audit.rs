//! The walk up over stored headers: bounded steps, taken up again anywhere, ended by what is broken.

#![cfg(all(feature = "ethash", feature = "clique"))]

use std::sync::OnceLock;

use crate::data::{era1, lines, rlp};
use crate::support::{
    authorities::{Chain, PERIOD, address, vote},
    changed, field,
};
use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::{chain::Consensus, range::BlockRange};
use header_seals::{
    AuditError, AuditHalt, AuditStep, SealAudit, SealPolicy, SealViolation,
    clique::CliqueViolation,
    ethash::EthashViolation,
    limits::{SEAL_QUEUE_HEADERS_MAX, SEAL_STEP_WORK},
};
use proptest::prelude::*;

/// Seals in a whole made chain that are checked: all, or one in 60 without optimisation.
const POLICY: SealPolicy = if cfg!(debug_assertions) { sample(60) } else { SealPolicy::Every };

const fn sample(every: u32) -> SealPolicy {
    SealPolicy::Sample { every: std::num::NonZeroU32::new(every).expect("not 0"), seed: 11 }
}

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("rising")
}

/// A made chain of 3,000 headers with real proof of work, genesis first.
fn worked() -> Option<&'static [Bytes]> {
    static CHAIN: OnceLock<Option<Vec<Bytes>>> = OnceLock::new();
    let chain = CHAIN.get_or_init(|| {
        let case = lines(&crate::data::file("conformance/chain-hive-full.jsonl.gz")?).remove(0);
        let blocks = case["blocks"].as_array().expect("a list").iter().map(|block| rlp(&block["rlp"]));
        Some(std::iter::once(rlp(&case["genesis"])).chain(blocks).collect())
    });
    chain.as_deref()
}

/// The read of `asked` by a store that holds `headers` from number `first` on.
fn stored(headers: &[Bytes], first: u64, asked: BlockRange) -> Vec<Bytes> {
    let at = |number: u64| (number - first) as usize;
    headers[at(asked.first())..=at(asked.last())].to_vec()
}

/// Runs the audit to its end, with reads of the store. Returns the end and the number of steps.
fn run(audit: &mut SealAudit, headers: &[Bytes], first: u64, work: u32) -> (AuditStep, usize) {
    for steps in 1.. {
        match audit.step(work) {
            AuditStep::Continue => {}
            AuditStep::NeedHeaders(asked) => audit.provide(stored(headers, first, asked)),
            end => return (end, steps),
        }
    }
    unreachable!("counting does not end")
}

#[test]
fn a_chain_by_work_is_walked_to_its_end() {
    let Some(headers) = worked() else { return };
    let mut audit = SealAudit::new(Consensus::Ethash, POLICY, range(0, 3_000)).expect("built in");
    let (end, steps) = run(&mut audit, headers, 0, SEAL_STEP_WORK);
    assert_eq!(end, AuditStep::Done { through: Some(3_000) });
    let expected = (1..=3_000).filter(|number| POLICY.checks(*number)).count() as u64;
    assert_eq!(audit.checked(), expected);
    // The cache alone is 1,048,556 hashes.
    assert!(steps as u64 > 1_048_556 / u64::from(SEAL_STEP_WORK), "{steps}");
    assert_eq!((audit.next(), audit.cache_bytes()), (None, 0), "memory is given back");
    assert_eq!(audit.step(SEAL_STEP_WORK), end, "an end stays");
}

/// Sepolia, numbers 24,576 to 32,767: two epochs, one cache at a time.
#[test]
fn an_audit_crosses_an_epoch_with_one_cache() {
    let Some(path) = crate::data::file("era1/sepolia-00003-18b32584.era1") else { return };
    let headers = era1(&path);
    let policy = sample(if cfg!(debug_assertions) { 200 } else { 20 });
    let mut audit = SealAudit::new(Consensus::Ethash, policy, range(24_576, 32_767)).expect("built in");
    let mut most = 0;
    loop {
        match audit.step(SEAL_STEP_WORK) {
            AuditStep::Continue => most = most.max(audit.cache_bytes()),
            AuditStep::NeedHeaders(asked) => audit.provide(stored(&headers, 24_576, asked)),
            end => {
                assert_eq!(end, AuditStep::Done { through: Some(32_767) });
                break;
            }
        }
    }
    assert_eq!(most, 16_907_456, "the cache of the second epoch, and no other beside it");
    assert!(audit.checked() >= 40);
}

/// A made chain of authorities: five of them let three in, one in each epoch of 7 headers, and vote them out again.
fn voted() -> Chain {
    let mut chain = Chain::new(7, "ABCDE");
    let mut most = 0;
    for (at, by) in (1..=40).zip("ABCDE".chars().cycle()) {
        let epoch = at / 7;
        let header = chain.next(by, |fields| match at {
            _ if chain.clique.is_checkpoint(at) => {}
            40 => vote(fields, 'G', true),
            _ => vote(fields, ['F', 'G', 'H'][epoch as usize % 3], epoch < 3),
        });
        chain.push(header).expect("a good header");
        most = most.max(chain.snapshot.signers().len());
    }
    assert_eq!((most, chain.snapshot.signers().len(), chain.snapshot.open_votes()), (8, 5, 1));
    chain
}

const CLIQUE: Consensus = Consensus::Clique { period: PERIOD, epoch: 7 };

#[test]
fn a_chain_of_authorities_is_walked_to_its_end() {
    let headers = voted().headers;
    for policy in [SealPolicy::Every, sample(10)] {
        let mut audit = SealAudit::new(CLIQUE, policy, range(0, 40)).expect("built in");
        let (end, steps) = run(&mut audit, &headers, 0, 1);
        assert_eq!(end, AuditStep::Done { through: Some(40) });
        // Every seal, also for a sample; one header a step, one question, one end.
        assert_eq!((audit.checked(), steps), (40, 43));
    }
    // From a later checkpoint, whose own seal is checked too.
    let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, range(14, 40)).expect("built in");
    assert_eq!(run(&mut audit, &headers, 0, 1_000).0, AuditStep::Done { through: Some(40) });
    assert_eq!(audit.checked(), 27);
    let none = AuditError::NotACheckpoint { first: 15, checkpoint: 14 };
    assert_eq!(SealAudit::new(CLIQUE, SealPolicy::Every, range(15, 40)).err(), Some(none));
}

#[test]
fn a_real_chain_of_authorities_is_walked_to_its_end() {
    let Some(path) = crate::data::file("clique/clique.blocks") else { return };
    let headers = crate::support::headers_of_blocks(&path);
    let engine = Consensus::Clique { period: 1, epoch: 0 };
    let mut audit = SealAudit::new(engine, SealPolicy::Every, range(0, 4)).expect("built in");
    assert_eq!(run(&mut audit, &headers, 0, SEAL_STEP_WORK).0, AuditStep::Done { through: Some(4) });
    assert_eq!(audit.checked(), 4);
}

/// Stopped after each step, written down, dropped and taken up again: the same steps to the same end, header by header.
#[test]
fn an_audit_is_taken_up_again_between_any_two_steps() {
    let headers = voted().headers;
    let mut broken = headers.clone();
    broken[30] = changed(&headers[30], field::EXTRA_DATA, |extra| extra[40] ^= 1);
    for (headers, last) in [(&headers, 40), (&broken, 29)] {
        let new = || SealAudit::new(CLIQUE, SealPolicy::Every, range(0, 40)).expect("built in");
        let mut straight = new();
        let (end, _) = run(&mut straight, headers, 0, 1);
        let mut stopped = new();
        let taken_up = loop {
            let bytes = stopped.encode();
            stopped = SealAudit::resume(CLIQUE, SealPolicy::Every, range(0, 40), &bytes).expect("its own bytes");
            assert_eq!(stopped.encode(), bytes);
            // What was provided is gone with what was dropped: it asks for what is due, and for nothing else.
            match stopped.step(1) {
                AuditStep::NeedHeaders(asked) => {
                    assert_eq!(Some(asked.first()), stopped.next());
                    stopped.provide(stored(headers, 0, asked));
                    match stopped.step(1) {
                        AuditStep::Continue => {}
                        end => break end,
                    }
                }
                end => break end,
            }
        };
        assert_eq!(taken_up, end);
        assert_eq!((stopped.checked(), stopped.encode()), (straight.checked(), straight.encode()));
        assert_eq!(straight.checked(), last);
    }
}

/// The same by work, where the cache is made again. Steps of changing size, stopped in the midst of a cache too.
#[test]
fn an_audit_by_work_is_taken_up_again() {
    let Some(headers) = worked() else { return };
    let policy = sample(100);
    let whole = range(0, 3_000);
    let mut audit = SealAudit::new(Consensus::Ethash, policy, whole).expect("built in");
    let mut straight = audit.clone();
    let end = run(&mut straight, headers, 0, SEAL_STEP_WORK).0;
    let mut stops = 0;
    let taken_up = loop {
        // Stopped while the cache is built, once more, and after some seals; then it runs to its end.
        let (mut steps, mut over) = (0, None);
        while over.is_none() && [3, 30, 66].get(stops).is_none_or(|most| steps < *most) {
            match audit.step(SEAL_STEP_WORK) {
                AuditStep::Continue => steps += 1,
                AuditStep::NeedHeaders(asked) => audit.provide(stored(headers, 0, asked)),
                end => over = Some(end),
            }
        }
        if let Some(end) = over {
            break end;
        }
        stops += 1;
        audit = SealAudit::resume(Consensus::Ethash, policy, whole, &audit.encode()).expect("its own bytes");
    };
    assert_eq!((taken_up, stops), (end, 3));
    assert_eq!((audit.checked(), audit.encode()), (straight.checked(), straight.encode()));
}

#[test]
fn a_forged_header_ends_the_walk() {
    let Some(headers) = worked() else { return };
    // Headers 20 to 29, rewritten by one who did no work for 25 and all above it.
    let mut forged = headers[20..25].to_vec();
    let mut next = changed(&headers[25], field::BENEFICIARY, |who| who[0] ^= 1);
    for header in &headers[26..30] {
        forged.push(next.clone());
        next = changed(header, field::PARENT_HASH, |parent| *parent = keccak256(&next).to_vec());
    }
    forged.push(next);
    let mut audit = SealAudit::new(Consensus::Ethash, SealPolicy::Every, range(20, 29)).expect("built in");
    let (end, _) = run(&mut audit, &forged, 20, u32::MAX);
    let AuditStep::Violation { number: 25, hash, why: SealViolation::Ethash(EthashViolation::MixHash { .. }) } = end
    else {
        panic!("{end:?}")
    };
    assert_eq!((hash, audit.checked()), (keccak256(&forged[5]), 5));
    assert_eq!(audit.step(1), end, "an end stays");

    // A sample misses it, or does not, by what it picks.
    for (every, missed) in [(4, false), (3_000, true)] {
        let policy = sample(every);
        let caught = (25..30).find(|number| policy.checks(*number));
        assert_eq!(caught.is_none(), missed);
        let mut audit = SealAudit::new(Consensus::Ethash, policy, range(20, 29)).expect("built in");
        match run(&mut audit, &forged, 20, u32::MAX).0 {
            AuditStep::Violation { number, .. } => assert_eq!(Some(number), caught),
            end => assert_eq!((end, caught), (AuditStep::Done { through: Some(29) }, None)),
        }
    }
}

#[test]
fn a_stranger_ends_the_walk() {
    let mut chain = voted();
    let forged = chain.next('Z', |_| ());
    chain.headers.push(forged.clone());
    let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, range(35, 41)).expect("built in");
    let why = CliqueViolation::Unauthorized { signer: address('Z') }.into();
    let end = AuditStep::Violation { number: 41, hash: keccak256(&forged), why };
    assert_eq!(run(&mut audit, &chain.headers, 0, 10_000).0, end);
}

/// What the store gives is not what was asked for: that is said, thrown away and asked for again.
#[test]
fn a_broken_store_does_not_look_like_a_broken_seal() {
    let headers = voted().headers;
    let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, range(0, 40)).expect("built in");
    let ask = |audit: &mut SealAudit, first: u64| {
        assert_eq!(audit.step(u32::MAX), AuditStep::NeedHeaders(range(first, 40)));
    };
    ask(&mut audit, 0);
    audit.provide(headers[1..4].to_vec());
    assert_eq!(audit.step(u32::MAX), AuditStep::Halted(AuditHalt::Number { got: 1, expected: 0 }));
    ask(&mut audit, 0);
    audit.provide(headers[..4].to_vec());
    ask(&mut audit, 4);
    let stray = changed(&headers[4], field::PARENT_HASH, |parent| parent[0] ^= 1);
    audit.provide([stray, headers[5].clone()]);
    let expected = keccak256(&headers[3]);
    let mut got = expected;
    got[0] ^= 1;
    assert_eq!(audit.step(u32::MAX), AuditStep::Halted(AuditHalt::Parent { number: 4, got, expected }));
    audit.provide([headers[4].slice(..100)]);
    let halted = audit.step(u32::MAX);
    assert!(matches!(halted, AuditStep::Halted(AuditHalt::Undecodable { number: 4, .. })), "{halted:?}");
    ask(&mut audit, 4);
    // Fewer than asked for is fine, and so are more than can wait.
    audit.provide(headers[4..10].to_vec());
    ask(&mut audit, 10);
    audit.provide(headers[10..].iter().cloned().cycle().take(SEAL_QUEUE_HEADERS_MAX * 2));
    assert_eq!(audit.step(u32::MAX), AuditStep::Done { through: Some(40) });
}

#[test]
fn a_walk_ends_where_stake_begins() {
    let mut headers = voted().headers;
    let stake = changed(&headers[40], field::DIFFICULTY, Vec::clear);
    let stake = changed(&stake, field::PARENT_HASH, |parent| *parent = keccak256(&headers[40]).to_vec());
    headers.push(changed(&stake, field::NUMBER, |number| number[0] = 41));
    let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, range(0, 1_000)).expect("built in");
    let end = loop {
        match audit.step(1_000) {
            AuditStep::Continue => {}
            AuditStep::NeedHeaders(asked) => audit.provide(headers[asked.first() as usize..].to_vec()),
            end => break end,
        }
    };
    assert_eq!(end, AuditStep::Done { through: Some(40) });
}

#[test]
fn nothing_to_check_is_done_at_once() {
    for (engine, policy) in
        [(None, SealPolicy::Every), (Some(Consensus::Ethash), SealPolicy::Off), (Some(CLIQUE), SealPolicy::Off)]
    {
        let mut audit = SealAudit::new(engine, policy, range(0, 10)).expect("built in");
        assert_eq!(audit.step(1), AuditStep::Done { through: None });
    }
}

/// Genesis is given, not made: it has no seal, and costs no cache.
#[test]
fn genesis_has_no_work_to_check() {
    let Some(headers) = worked() else { return };
    let mut audit = SealAudit::new(Consensus::Ethash, SealPolicy::Every, range(0, 1)).expect("built in");
    audit.provide(headers[..1].to_vec());
    assert_eq!(audit.step(u32::MAX), AuditStep::NeedHeaders(range(1, 1)));
    assert_eq!((audit.checked(), audit.cache_bytes()), (0, 0));
}

/// The snapshot in an audit's bytes stands after the header that the audit looked at last, or it is none.
#[test]
fn a_snapshot_of_another_header_is_not_taken_up() {
    let headers = voted().headers;
    let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, range(0, 40)).expect("built in");
    audit.provide(headers[..25].to_vec());
    assert_eq!(audit.step(u32::MAX), AuditStep::NeedHeaders(range(25, 40)));
    let bytes = audit.encode();
    let hash = keccak256(&headers[24]);
    let places: Vec<usize> = (0..bytes.len() - 32).filter(|at| bytes[*at..*at + 32] == hash[..]).collect();
    assert_eq!(places.len(), 2, "of the audit, and of its snapshot");
    for at in places {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(SealAudit::resume(CLIQUE, SealPolicy::Every, range(0, 40), &other).is_none());
    }
}

#[test]
fn an_epoch_too_high_is_told_before_memory_is_asked_for() {
    let Some(headers) = worked() else { return };
    let first = 30_000 * 1_024;
    let header = changed(&headers[1], field::NUMBER, |number| *number = crate::support::number(first));
    let mut audit = SealAudit::new(Consensus::Ethash, SealPolicy::Every, range(first, first)).expect("built in");
    audit.provide([header]);
    let halt = AuditHalt::EpochTooHigh { number: first, epoch: 1_024, max: 1_023 };
    assert_eq!(audit.step(u32::MAX), AuditStep::Halted(halt));
    assert_eq!(audit.cache_bytes(), 0);
}

proptest! {
    /// Bytes that an audit did not write are no audit, or one that writes the same.
    #[test]
    fn any_bytes_resume_soundly(at in 0_usize..400, bit in 0_u8..8, cut in 0_usize..400) {
        let headers = voted().headers;
        let whole = range(0, 40);
        let mut audit = SealAudit::new(CLIQUE, SealPolicy::Every, whole).expect("built in");
        audit.provide(headers[..25].to_vec());
        prop_assert_eq!(audit.step(u32::MAX), AuditStep::NeedHeaders(range(25, 40)));
        let bytes = audit.encode();
        let resume = |bytes: &[u8]| SealAudit::resume(CLIQUE, SealPolicy::Every, whole, bytes);
        prop_assert!(resume(&bytes).is_some());
        prop_assert!(resume(&bytes[..cut.min(bytes.len() - 1)]).is_none());
        let mut other = bytes.clone();
        other[at % bytes.len()] ^= 1_u8 << bit;
        prop_assert!(resume(&other).is_none_or(|audit| audit.encode() == other));
    }
}
