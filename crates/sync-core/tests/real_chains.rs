//! Real headers of five networks, proven as a sync proves them: sealed, linked, held to the rules of their chain.
//!
//! The data lies outside the project ([`data`]); where it is absent each test says so and passes.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex, keccak256};
use bytes::Bytes;
use sync_core::{
    chain::ChainSpec,
    header::Header,
    lineage::{Anchor, Lineage, SealedRun},
    rules::{validate, validate_standalone},
};

/// Headers in one answer.
const ANSWER_HEADERS: usize = 90;

/// A file of the test data, if it is there.
fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HEADLIGHT_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is absent; set HEADLIGHT_DATA to where the test data lies", file.display());
        return None;
    }
    Some(file)
}

/// Headers of a file of concatenated RLP, rising.
fn concatenated(path: &Path) -> Vec<Bytes> {
    let file = Bytes::from(fs::read(path).expect("the file is readable"));
    let mut headers = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let mut rest = &file[at..];
        let before = rest.len();
        alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a list");
        let len = before - rest.len();
        headers.push(file.slice(at..at + len));
        at += len;
    }
    headers
}

/// Headers of an era1 file (e2store: type u16, length u32, reserved u16, then framed snappy), rising.
fn era1(path: &Path) -> Vec<Bytes> {
    const COMPRESSED_HEADER: u16 = 0x03;
    let file = fs::read(path).expect("the file is readable");
    let mut rest = file.as_slice();
    let mut headers = Vec::new();
    while let Some((entry, body)) = rest.split_first_chunk::<8>() {
        let [t0, t1, l0, l1, l2, l3, ..] = *entry;
        let (body, next) = body.split_at(u32::from_le_bytes([l0, l1, l2, l3]) as usize);
        if u16::from_le_bytes([t0, t1]) == COMPRESSED_HEADER {
            let mut rlp = Vec::new();
            snap::read::FrameDecoder::new(body).read_to_end(&mut rlp).expect("framed snappy");
            headers.push(rlp.into());
        }
        rest = next;
    }
    headers
}

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
    let Some(path) = data("headers/mainnet-22431080-22431090.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 11);
    prove_both_ways(&ChainSpec::mainnet(), headers);
}

#[test]
fn mainnet_cancun() {
    let Some(path) = data("headers/mainnet-22188069-22188088.headers.rlp") else { return };
    prove_both_ways(&ChainSpec::mainnet(), concatenated(&path));
}

#[test]
fn sepolia_shanghai_and_cancun() {
    for name in ["sepolia-4952200-4952229", "sepolia-5382810-5382839"] {
        let Some(path) = data(&format!("headers/{name}.headers.rlp")) else { return };
        let headers = concatenated(&path);
        assert_eq!(headers.len(), 30);
        prove_both_ways(&ChainSpec::sepolia(), headers);
    }
}

#[test]
fn goerli_is_unknown_and_passes() {
    let Some(path) = data("headers/goerli-8661555-8663844.headers.rlp") else { return };
    let headers = concatenated(&path);
    assert_eq!(headers.len(), 2_290);
    prove(&ChainSpec::unknown(5, None), headers);
}

#[test]
fn mainnet_from_genesis() {
    let mut headers = Vec::new();
    for name in ["mainnet-00000-5ec1ffb8", "mainnet-00001-a5364e9a"] {
        let Some(path) = data(&format!("era1/{name}.era1")) else { return };
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
        let Some(path) = data(&format!("era1/sepolia-{name}.era1")) else { return };
        headers.extend(era1(&path));
    }
    assert_eq!(headers.len(), 40_960);
    assert_eq!(Some(keccak256(&headers[0])), ChainSpec::sepolia().genesis());
    prove_both_ways(&ChainSpec::sepolia(), headers);
}

/// The lines of a gzipped file of JSON lines.
fn lines(path: &Path) -> Vec<serde_json::Value> {
    let file = flate2::read::GzDecoder::new(fs::File::open(path).expect("the file is readable"));
    let lines = BufReader::new(file).lines().map(|line| line.expect("text"));
    lines.map(|line| serde_json::from_str(&line).expect("a JSON object a line")).collect()
}

fn rlp(value: &serde_json::Value) -> Bytes {
    hex::decode(value.as_str().expect("a hex string")).expect("hex").into()
}

/// The last and first blocks on both sides of the merge, Shanghai, Cancun and Prague.
#[test]
fn mainnet_at_its_forks() {
    let Some(path) = data("conformance/mainnet-boundaries.jsonl.gz") else { return };
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

/// Every header that a public fixture accepts passes the rules that hold on any chain.
#[test]
fn no_valid_fixture_is_refused_on_an_unknown_chain() {
    let chain = ChainSpec::unknown(7, None);
    let mut checked = 0;
    for name in ["ethereum-tests-valid", "ethereum-tests-transition", "ethereum-tests-invalid", "chain-geth-ethtest", "chain-hive-full"] {
        let Some(path) = data(&format!("conformance/{name}.jsonl.gz")) else { return };
        for case in lines(&path) {
            let mut known = vec![rlp(&case["genesis"])];
            for block in case["blocks"].as_array().expect("blocks").iter().filter(|block| block["valid"] == true) {
                let bytes = rlp(&block["rlp"]);
                let child = Header::decode(&bytes).expect("a valid header decodes");
                let parent = known.iter().find(|rlp| keccak256(rlp) == child.parent_hash).expect("its parent is valid");
                let parent = Header::decode(parent).expect("decodes");
                let result = validate(&child, &parent, &chain).and_then(|()| validate_standalone(&child, &chain));
                assert_eq!(result, Ok(()), "{name} {}", case["case"]);
                known.push(bytes);
                checked += 1;
                if known.len() > 64 {
                    known.remove(0);
                }
            }
        }
    }
    assert!(checked > 5_000, "{checked} headers");
}

/// Clique: seals and signers in the extra data.
#[test]
fn a_clique_chain_is_unknown_and_passes() {
    let Some(path) = data("clique/clique.blocks") else { return };
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
