//! Real headers of five networks, verified as in a sync: sealed, linked, and checked by the rules of their chain.
//!
//! The data is outside the project (`data/mod.rs`); without it each test prints so and passes.

use std::{fs, path::PathBuf};

use crate::data::{concatenated, era1, era1_total_difficulties};
use alloy_primitives::{B256, U256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::{BlobParams, ChainSpec, Consensus, ForkSchedule},
    header::Header,
    rules::{Parent, total_difficulty, validate_forward},
};
use sync_core::lineage::{Anchor, Lineage, SealedRun};

/// Headers in one response.
const ANSWER_HEADERS: usize = 90;

/// Verifies the headers (rising) from the hash of the highest, in responses. Returns the parent hash of the lowest.
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

/// Also as an unknown chain.
fn prove_both_ways(chain: &ChainSpec, headers: Vec<Bytes>) {
    prove(&ChainSpec::unknown(chain.id(), None), headers.clone());
    prove(chain, headers);
}

#[test]
fn mainnet_across_prague() {
    let Some(path) = crate::data::file("headers/mainnet-22431080-22431090.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 11);
    prove_both_ways(&ChainSpec::mainnet(), headers);
}

#[test]
fn mainnet_cancun() {
    let Some(path) = crate::data::file("headers/mainnet-22188069-22188088.headers.rlp") else { return };
    prove_both_ways(&ChainSpec::mainnet(), concatenated(&path));
}

#[test]
fn sepolia_shanghai_and_cancun() {
    for name in ["sepolia-4952200-4952229", "sepolia-5382810-5382839"] {
        let Some(path) = crate::data::file(&format!("headers/{name}.headers.rlp")) else { return };
        let headers = concatenated(&path);
        assert_eq!(headers.len(), 30);
        prove_both_ways(&ChainSpec::sepolia(), headers);
    }
}

/// Görli, a clique chain that merged by its total difficulty.
#[test]
fn goerli_after_its_merge() {
    let Some(path) = crate::data::file("headers/goerli-8661555-8663844.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 2_290);
    let forks = ForkSchedule {
        consensus: Consensus::Clique { period: 15, epoch: 30_000 },
        homestead: Some(0),
        byzantium: Some(0),
        constantinople: Some(0),
        london: Some(5_062_605),
        terminal_total_difficulty: Some(U256::from(10_790_000)),
        shanghai: Some(1_678_832_736),
        cancun: Some(1_705_473_120),
        blobs: vec![BlobParams::cancun(1_705_473_120)].into(),
        ..ForkSchedule::default()
    };
    prove_both_ways(&ChainSpec::custom(5, None, forks), headers);
}

/// Verifies the headers from the top down, and validates them from genesis up with the total difficulty of each.
fn prove_and_climb(chain: &ChainSpec, files: &[String]) -> Option<()> {
    let paths: Vec<PathBuf> = files.iter().map(|name| crate::data::file(name)).collect::<Option<_>>()?;
    let headers: Vec<Bytes> = paths.iter().flat_map(|path| era1(path)).collect();
    let totals: Vec<U256> = paths.iter().flat_map(|path| era1_total_difficulties(path)).collect();
    assert_eq!((headers.len(), totals.len()), (8_192 * files.len(), 8_192 * files.len()));
    assert_eq!(Some(keccak256(&headers[0])), chain.genesis());
    let mut total = U256::ZERO;
    let mut below: Option<(Header<'_>, B256)> = None;
    for (rlp, expected) in headers.iter().zip(totals) {
        let header = Header::decode(rlp).expect("decodes");
        if let Some((parent, hash)) = &below {
            let parent = Parent { header: parent, hash: *hash, total_difficulty: Some(total) };
            assert_eq!(validate_forward(&header, &parent, chain), Ok(()), "{}", header.number);
        }
        total = total_difficulty(total, &header);
        assert_eq!(total, expected, "{}", header.number);
        below = Some((header, keccak256(rlp)));
    }
    println!("{:?}: {} headers from genesis, total difficulty {total}", chain.name(), headers.len());
    prove_both_ways(chain, headers);
    Some(())
}

#[test]
fn mainnet_from_genesis() {
    let files = ["00000-5ec1ffb8", "00001-a5364e9a"].map(|name| format!("era1/mainnet-{name}.era1"));
    prove_and_climb(&ChainSpec::mainnet(), &files);
}

#[test]
fn sepolia_from_genesis() {
    let names = ["00000-643a00f7", "00001-f3ea493e", "00002-dcb01f4d", "00003-18b32584", "00004-e93b3f11"];
    prove_and_climb(&ChainSpec::sepolia(), &names.map(|name| format!("era1/sepolia-{name}.era1")));
}

/// Clique: seals and signers in the extra data, a block every ten seconds.
#[test]
fn a_clique_chain() {
    let Some(path) = crate::data::file("clique/clique.blocks") else { return };
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
    let forks = ForkSchedule {
        consensus: Consensus::Clique { period: 10, epoch: 30_000 },
        london: Some(0),
        ..ForkSchedule::default()
    };
    prove_both_ways(&ChainSpec::custom(15, None, forks), headers);
}
