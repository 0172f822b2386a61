//! Public test cases of header rules: every valid header is accepted, every invalid one is rejected for a listed
//! reason.
//!
//! The data is outside the project (`conformance_data/mod.rs` gives its location); without it each test prints so and
//! passes. `--nocapture` prints the counts.

use std::collections::BTreeMap;

use crate::conformance_data::{
    Kind, difficulty, files,
    format::{Case, bytes, text},
    lines, name,
    replay::{SealCheck, Tally, replay},
};
use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::{
    chain::ChainSpec,
    header::Header,
    rules::{validate, validate_standalone},
};

/// Counts of the known folder: cases, accepted, accepted with invalid bodies, rejected.
const COUNTS: [(&str, [usize; 4]); 6] = [
    ("ethereum-tests-valid.jsonl.gz", [442, 902, 0, 0]),
    ("ethereum-tests-invalid.jsonl.gz", [131, 216, 132, 95]),
    ("ethereum-tests-transition.jsonl.gz", [21, 174, 21, 28]),
    ("chain-geth-ethtest.jsonl.gz", [1, 600, 0, 0]),
    ("chain-hive-full.jsonl.gz", [1, 3_000, 0, 0]),
    ("chain-hive-half.jsonl.gz", [1, 999, 0, 0]),
];

/// Difficulty cases of the known folder.
const DIFFICULTY_CASES: usize = 18_598;

/// How the proof of work of cases with real seals is checked; `None`: not here.
fn seal_check() -> Option<Box<SealCheck<'static>>> {
    None
}

#[test]
fn every_header_is_judged_as_the_fixtures_say() {
    let Some((folder, is_known)) = crate::conformance_data::folder() else { return };
    let files = files(&folder, Kind::Cases);
    assert!(!files.is_empty(), "{} holds no file of cases", folder.display());
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for path in &files {
        let tally = tallies.entry(name(path)).or_default();
        let mut seal = seal_check();
        lines(path).for_each(|line| replay(&Case::read(&line), seal.as_deref_mut(), tally));
        println!("{}: {tally}", name(path));
    }
    let complaints = tallies.iter().map(|(name, tally)| (name, tally.complaint()));
    let complaints: String =
        complaints.filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}:\n{text}")).collect();
    assert!(complaints.is_empty(), "the cases are judged otherwise:\n{complaints}");
    for (name, expected) in COUNTS.iter().filter(|_| is_known) {
        let tally = tallies.get(*name).unwrap_or_else(|| panic!("{name} is absent from the known folder"));
        assert_eq!([tally.cases, tally.accepted, tally.body_invalid, tally.rejected()], *expected, "{name}");
    }
}

#[test]
fn every_difficulty_follows() {
    let Some((folder, is_known)) = crate::conformance_data::folder() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&folder, Kind::Difficulty) {
        for case in lines(&path) {
            let (got, expected) = difficulty::compute(&case);
            assert_eq!(got, expected, "{case}");
            *counts.entry(text(&case["fork"]).to_owned()).or_default() += 1;
        }
    }
    println!("difficulty: {counts:?}");
    assert!(!is_known || counts.values().sum::<usize>() == DIFFICULTY_CASES, "{counts:?}");
}

/// Real mainnet headers on both sides of the Merge, Shanghai, Cancun and Prague, and some from between.
#[test]
fn mainnet_keeps_its_rules_across_its_forks() {
    let Some((folder, is_known)) = crate::conformance_data::folder() else { return };
    let (chain, stranger) = (ChainSpec::mainnet(), ChainSpec::unknown(7, None));
    let mut pairs = Vec::new();
    for path in files(&folder, Kind::Headers) {
        let headers: Vec<Bytes> = lines(&path).map(|line| bytes(&line["rlp"])).collect();
        for pair in headers.windows(2) {
            let [parent, child] = [&pair[0], &pair[1]].map(|rlp| Header::decode(rlp).expect("decodes"));
            assert_eq!(validate_standalone(&child, &chain), Ok(()), "{}", child.number);
            if child.parent_hash == keccak256(&pair[0]) {
                assert_eq!(validate(&child, &parent, &chain), Ok(()), "{}", child.number);
                assert_eq!(validate(&child, &parent, &stranger), Ok(()), "{}", child.number);
                pairs.push(child.number);
            }
        }
    }
    println!("pairs of mainnet headers: {pairs:?}");
    let at_forks = [15_537_394, 17_034_870, 19_426_587, 22_431_084];
    assert!(!is_known || (pairs.len() == 14 && at_forks.iter().all(|number| pairs.contains(number))), "{pairs:?}");
}
