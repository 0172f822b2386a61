//! Public fixtures of header rules: everything they accept is accepted, everything they reject for a rule that is
//! checked here is rejected.
//!
//! The data lies outside the project (`data/mod.rs`); where it is absent each test says so and passes. Left out: cases
//! whose merge depends on the total difficulty, and headers rejected for difficulty, seal or DAO extra data alone.

mod data;

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use data::{lines, rlp};
use serde_json::Value;
use sync_core::{
    chain::{BlobParams, ChainSpec, ForkSchedule},
    header::Header,
    rules::{validate, validate_standalone},
};

/// The forks that change a header, in order; the others between them change nothing here.
const FORKS: [&str; 22] = [
    "Frontier",
    "Homestead",
    "EIP150",
    "EIP158",
    "Byzantium",
    "Constantinople",
    "ConstantinopleFix",
    "Istanbul",
    "MuirGlacier",
    "Berlin",
    "London",
    "ArrowGlacier",
    "GrayGlacier",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Osaka",
    "BPO1",
    "BPO2",
    "BPO3",
    "Amsterdam",
];

/// Reasons that are rules of this crate.
const CHECKED: [&str; 16] = [
    "number",
    "timestamp",
    "extra_data",
    "pos_difficulty",
    "pos_nonce",
    "pos_ommers",
    "gas_limit_max",
    "gas_used",
    "gas_limit_bound",
    "gas_limit_min",
    "base_fee_presence",
    "base_fee",
    "withdrawals_root_presence",
    "blob_fields_presence",
    "blob_gas_used_max",
    "excess_blob_gas",
];

fn index(fork: &str) -> Option<usize> {
    // The DAO fork is Homestead with ten marked blocks.
    let fork = if fork == "Dao" { "Homestead" } else { fork };
    FORKS.iter().position(|known| *known == fork)
}

/// The schedule of a network's name: `London`, or `XToYAtN`, or `XToYAtTime15k`. `None`: not by block or time.
fn schedule(network: &str, config: &Value) -> Option<ForkSchedule> {
    let (before, after, number, time) = match network.split_once("To") {
        None => (index(network)?, index(network)?, 0, 0),
        Some((before, rest)) => {
            let (after, at) = rest.split_once("At")?;
            let (number, time) = match at {
                "Time15k" => (u64::MAX, 15_000),
                at => (at.parse().ok()?, u64::MAX),
            };
            (index(before)?, index(after)?, number, time)
        }
    };
    let begins = |fork: &str, later: u64| {
        let fork = index(fork)?;
        if fork <= before { Some(0) } else { (fork <= after).then_some(later) }
    };
    let params = |fork: &str, default: [u64; 3]| {
        let own = &config["blobSchedule"][fork];
        let [target, max, update_fraction] = match own.is_null() {
            true => default,
            false => ["target", "max", "baseFeeUpdateFraction"].map(|key| own[key].as_u64().expect("a number")),
        };
        Some(BlobParams { from: begins(fork, time)?, target, max, update_fraction })
    };
    let blobs = [params("Cancun", [3, 6, 3_338_477]), params("Prague", [6, 9, 5_007_716])];
    Some(ForkSchedule {
        london: begins("London", number),
        merge: begins("Paris", number),
        shanghai: begins("Shanghai", time),
        cancun: begins("Cancun", time),
        prague: begins("Prague", time),
        osaka: begins("Osaka", time),
        amsterdam: begins("Amsterdam", time),
        blobs: blobs.into_iter().flatten().collect::<Vec<_>>().into(),
    })
}

/// What a run over a file did.
#[derive(Debug, Default, PartialEq)]
struct Count {
    accepted: usize,
    rejected: usize,
    left_out: usize,
}

fn replay(name: &str, spec: impl Fn(&Value) -> Option<ChainSpec>) -> Option<Count> {
    let path = data::file(&format!("conformance/{name}.jsonl.gz"))?;
    let mut count = Count::default();
    for case in lines(&path) {
        let blocks = case["blocks"].as_array().expect("blocks");
        let Some(chain) = spec(&case) else {
            count.left_out += blocks.len();
            continue;
        };
        let genesis = rlp(&case["genesis"]);
        let mut known: BTreeMap<B256, Bytes> = [(keccak256(&genesis), genesis)].into();
        for block in blocks {
            replay_block(&case, block, &chain, &mut known, &mut count);
        }
    }
    Some(count)
}

fn replay_block(case: &Value, block: &Value, chain: &ChainSpec, known: &mut BTreeMap<B256, Bytes>, count: &mut Count) {
    let bytes = rlp(&block["rlp"]);
    let name = format!("{} {}", case["case"], block["hash"]);
    let reasons: Vec<&str> = [&block["reason"]]
        .into_iter()
        .chain(block["also"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let header = Header::decode(&bytes);
    if reasons.contains(&"rlp") {
        assert!(header.is_err(), "{name}: no canonical header");
        count.rejected += 1;
        return;
    }
    let header = header.unwrap_or_else(|error| panic!("{name}: {error}"));
    let Some(parent) = known.get(&header.parent_hash) else {
        count.left_out += 1;
        return;
    };
    let parent = Header::decode(parent).expect("it was decoded before");
    let result = validate(&header, &parent, chain).and_then(|()| validate_standalone(&header, chain));
    if block["valid"] == true {
        assert_eq!(result, Ok(()), "{name} is valid");
        known.insert(keccak256(&bytes), bytes);
        count.accepted += 1;
    } else if reasons.iter().any(|reason| CHECKED.contains(reason)) {
        assert!(result.is_err(), "{name} is invalid: {reasons:?}");
        count.rejected += 1;
    } else {
        count.left_out += 1;
    }
}

fn by_network(case: &Value) -> Option<ChainSpec> {
    let network = case["network"].as_str().expect("a name");
    schedule(network, &case["config"]).map(|forks| ChainSpec::custom(1, None, forks))
}

fn unknown(_: &Value) -> Option<ChainSpec> {
    Some(ChainSpec::unknown(7, None))
}

#[test]
fn valid_blocks() {
    let Some(count) = replay("ethereum-tests-valid", by_network) else { return };
    assert_eq!(count, Count { accepted: 902, rejected: 0, left_out: 0 });
}

#[test]
fn invalid_blocks() {
    let Some(count) = replay("ethereum-tests-invalid", by_network) else { return };
    eprintln!("{count:?}");
    assert!(count.rejected >= 90, "{count:?}");
}

#[test]
fn transitions() {
    let Some(count) = replay("ethereum-tests-transition", by_network) else { return };
    eprintln!("{count:?}");
    assert!(count.accepted >= 100, "{count:?}");
}

/// Paris from block 1, Shanghai from genesis, Cancun at 60 s, Prague at 120 s.
#[test]
fn a_chain_through_the_forks_by_time() {
    let forks = ForkSchedule {
        london: Some(0),
        merge: Some(0),
        shanghai: Some(0),
        cancun: Some(60),
        prague: Some(120),
        osaka: None,
        amsterdam: None,
        blobs: vec![
            BlobParams { from: 60, target: 3, max: 6, update_fraction: 3_338_477 },
            BlobParams { from: 120, target: 6, max: 9, update_fraction: 5_007_716 },
        ]
        .into(),
    };
    let Some(count) = replay("chain-geth-ethtest", |_| Some(ChainSpec::custom(1, None, forks.clone()))) else { return };
    assert_eq!(count, Count { accepted: 600, rejected: 0, left_out: 0 });
}

/// Nothing that a fixture accepts is refused when the chain is unknown.
#[test]
fn no_valid_header_is_refused_on_an_unknown_chain() {
    let mut accepted = 0;
    for name in ["ethereum-tests-valid", "ethereum-tests-transition", "chain-geth-ethtest", "chain-hive-full"] {
        let path = data::file(&format!("conformance/{name}.jsonl.gz"));
        let Some(path) = path else { return };
        for case in lines(&path) {
            let genesis = rlp(&case["genesis"]);
            let mut known: BTreeMap<B256, Bytes> = [(keccak256(&genesis), genesis)].into();
            let chain = unknown(&case).expect("always");
            for block in case["blocks"].as_array().expect("blocks").iter().filter(|block| block["valid"] == true) {
                let mut count = Count::default();
                replay_block(&case, block, &chain, &mut known, &mut count);
                accepted += count.accepted;
            }
        }
    }
    // Of the transitions 174 headers of valid blocks and 21 of blocks whose fault lies in the body.
    assert_eq!(accepted, 902 + 174 + 21 + 600 + 3_000);
}
