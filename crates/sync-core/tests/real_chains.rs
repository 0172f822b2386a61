//! Real headers of five networks, proven as a sync proves them: sealed, linked, held to the rules of their chain.
//!
//! The data lies outside the project (`data/mod.rs`); where it is absent each test says so and passes.

mod data;

use std::fs;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use data::{concatenated, era1, lines, rlp};
use sync_core::{
    chain::ChainSpec,
    header::Header,
    lineage::{Anchor, Lineage, SealedRun},
    rules::{validate, validate_standalone},
};

/// Headers in one answer.
const ANSWER_HEADERS: usize = 90;

/// Proves the headers (rising) from the hash of the highest, in answers. Returns the parent hash of the lowest.
fn prove(chain: &ChainSpec, mut headers: Vec<Bytes>) -> B256 {
    headers.reverse();
    let number = Header::decode(&headers[0]).expect("decodes").number;
    let mut lineage = Lineage::new(chain.clone(), Anchor { number, hash: keccak256(&headers[0]) });
    let mut next = B256::ZERO;
    for answer in headers.chunks(ANSWER_HEADERS) {
        let highest = lineage.anchor().expect("headers are left").number;
        let run = SealedRun::seal(chain, highest, answer.to_vec()).expect("hangs together");
        next = lineage.link(run).unwrap_or_else(|error| panic!("{error}")).parent_hash();
    }
    next
}

/// Also as a chain that nobody told us about.
fn prove_both_ways(chain: &ChainSpec, headers: Vec<Bytes>) {
    prove(&ChainSpec::unknown(chain.id(), None), headers.clone());
    prove(chain, headers);
}

#[test]
fn mainnet_across_prague() {
    let Some(path) = data::file("headers/mainnet-22431080-22431090.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 11);
    prove_both_ways(&ChainSpec::mainnet(), headers);
}

#[test]
fn mainnet_cancun() {
    let Some(path) = data::file("headers/mainnet-22188069-22188088.headers.rlp") else { return };
    prove_both_ways(&ChainSpec::mainnet(), concatenated(&path));
}

#[test]
fn sepolia_shanghai_and_cancun() {
    for name in ["sepolia-4952200-4952229", "sepolia-5382810-5382839"] {
        let Some(path) = data::file(&format!("headers/{name}.headers.rlp")) else { return };
        let headers = concatenated(&path);
        assert_eq!(headers.len(), 30);
        prove_both_ways(&ChainSpec::sepolia(), headers);
    }
}

#[test]
fn goerli_is_unknown_and_passes() {
    let Some(path) = data::file("headers/goerli-8661555-8663844.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 2_290);
    prove(&ChainSpec::unknown(5, None), headers);
}

#[test]
fn mainnet_from_genesis() {
    let mut headers = Vec::new();
    for name in ["mainnet-00000-5ec1ffb8", "mainnet-00001-a5364e9a"] {
        let Some(path) = data::file(&format!("era1/{name}.era1")) else { return };
        headers.extend(era1(&path));
    }
    assert_eq!(headers.len(), 16_384);
    assert_eq!(Some(keccak256(&headers[0])), ChainSpec::mainnet().genesis());
    prove_both_ways(&ChainSpec::mainnet(), headers);
}

#[test]
fn sepolia_from_genesis() {
    let mut headers = Vec::new();
    for name in ["00000-643a00f7", "00001-f3ea493e", "00002-dcb01f4d", "00003-18b32584", "00004-e93b3f11"] {
        let Some(path) = data::file(&format!("era1/sepolia-{name}.era1")) else { return };
        headers.extend(era1(&path));
    }
    assert_eq!(headers.len(), 40_960);
    assert_eq!(Some(keccak256(&headers[0])), ChainSpec::sepolia().genesis());
    prove_both_ways(&ChainSpec::sepolia(), headers);
}

/// The last and first blocks on both sides of the merge, Shanghai, Cancun and Prague.
#[test]
fn mainnet_at_its_forks() {
    let Some(path) = data::file("conformance/mainnet-boundaries.jsonl.gz") else { return };
    let headers: Vec<Bytes> = lines(&path).iter().map(|line| rlp(&line["rlp"])).collect();
    let chain = ChainSpec::mainnet();
    let mut pairs = 0;
    for pair in headers.windows(2) {
        let [parent, child] = [&pair[0], &pair[1]].map(|rlp| Header::decode(rlp).expect("decodes"));
        assert_eq!(validate_standalone(&child, &chain), Ok(()), "{}", child.number);
        if child.parent_hash == keccak256(&pair[0]) {
            assert_eq!(validate(&child, &parent, &chain), Ok(()), "{}", child.number);
            assert_eq!(validate(&child, &parent, &ChainSpec::unknown(7, None)), Ok(()), "{}", child.number);
            pairs += 1;
        }
    }
    assert_eq!(pairs, 14);
}

/// Clique: seals and signers in the extra data.
#[test]
fn a_clique_chain_is_unknown_and_passes() {
    let Some(path) = data::file("clique/clique.blocks") else { return };
    let file = fs::read(path).expect("the file is readable");
    let mut rest = file.as_slice();
    let mut headers: Vec<Bytes> = Vec::new();
    while !rest.is_empty() {
        let mut block = alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a block");
        let before = block;
        alloy_rlp::Header::decode_bytes(&mut block, true).expect("its header");
        headers.push(Bytes::copy_from_slice(&before[..before.len() - block.len()]));
    }
    assert!(headers.len() >= 4);
    prove(&ChainSpec::unknown(15, None), headers);
}
