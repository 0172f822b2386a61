//! The lines that have `currentDifficulty`: a parent, a child, and the difficulty that follows.

use alloy_primitives::{B256, U256};
use header_rules::{
    header::{EMPTY_OMMERS_HASH, Header},
    rules::next_difficulty,
};
use header_store::contract::TestChain;
use serde_json::Value;

use super::{
    format::{number, text, wide},
    network,
};

/// The difficulty that follows here, and the pinned one.
pub(crate) fn compute(case: &Value) -> (U256, U256) {
    let forks = network::fork(text(&case["fork"])).unwrap_or_else(|error| panic!("{error}"));
    let child = number(&case["currentBlockNumber"]);
    let has_ommers = case["parentHasUncles"].as_bool().expect("with ommers or without");
    let template = TestChain::new(1, 1);
    let parent = Header {
        number: child.wrapping_sub(1),
        difficulty: wide(&case["parentDifficulty"]),
        timestamp: number(&case["parentTimestamp"]),
        ommers_hash: if has_ommers { B256::ZERO } else { EMPTY_OMMERS_HASH },
        ..Header::decode(template.header(0)).expect("it was encoded by a test chain")
    };
    let got = next_difficulty(child, number(&case["currentTimestamp"]), &parent, &forks);
    (got, wide(&case["currentDifficulty"]))
}
