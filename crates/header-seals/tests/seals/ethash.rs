//! Proof-of-work seals: the public vectors, real chains, and headers with one field changed.
//!
//! Tests without optimisation look at a sample of each chain, others at every header; the sample is named.

#![cfg(feature = "ethash")]

use std::sync::OnceLock;

use crate::data::{era1, lines, rlp};
use crate::support::{changed, field, fields};
use alloy_primitives::{B256, U256, b256, keccak256};
use bytes::Bytes;
use header_rules::header::Header;
use header_seals::{
    ethash::{Cache, CacheBuilder, CacheStore, Epoch, EthashViolation, hashimoto_light, seal_hash, verify},
    limits::ETHASH_EPOCH_MAX,
};

/// One in this many headers of a chain is checked.
const EVERY: usize = if cfg!(debug_assertions) { 50 } else { 1 };

fn epoch(index: u32) -> Epoch {
    Epoch::new(index).expect("under the limit")
}

/// The cache of the first epoch, built once for all tests.
fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| Cache::build(epoch(0)).expect("memory"))
}

/// The genesis and the blocks of a case that holds one chain.
fn chain(path: &str) -> Option<Vec<Bytes>> {
    let case = lines(&crate::data::file(path)?).remove(0);
    let blocks = case["blocks"].as_array().expect("a list").iter().map(|block| rlp(&block["rlp"]));
    Some(core::iter::once(rlp(&case["genesis"])).chain(blocks).collect())
}

/// Checks one in `EVERY` of the headers, all of the cache's epoch, and returns how many it checked.
fn check(headers: &[Bytes], cache: &Cache) -> usize {
    let sample = headers.iter().step_by(EVERY);
    sample
        .map(|header| {
            verify(header, cache).unwrap_or_else(|violation| panic!("{:?}: {violation}", Header::decode(header)))
        })
        .count()
}

#[test]
fn sizes_and_seeds_of_the_epochs() {
    // The first ten of the Yellow Paper's tables (appendix J).
    let caches = [
        16_776_896, 16_907_456, 17_039_296, 17_170_112, 17_301_056, 17_432_512, 17_563_072, 17_693_888, 17_824_192,
        17_955_904,
    ];
    let datasets = [
        1_073_739_904,
        1_082_130_304,
        1_090_514_816,
        1_098_906_752,
        1_107_293_056,
        1_115_684_224,
        1_124_070_016,
        1_132_461_952,
        1_140_849_536,
        1_149_232_768,
    ];
    for (index, (cache, dataset)) in (0..).zip(caches.into_iter().zip(datasets)) {
        assert_eq!((epoch(index).cache_bytes(), epoch(index).dataset_bytes()), (cache, dataset));
    }
    assert_eq!(epoch(0).seed(), B256::ZERO);
    assert_eq!(epoch(1).seed(), keccak256(B256::ZERO));
    assert_eq!(epoch(2).seed(), b256!("510e4e770828ddbf7f7b00ab00a9f6adaf81c0dc9cc85f1f8249c256942d61d9"));
}

#[test]
fn memory_is_bounded_by_the_highest_epoch() {
    let merge = Epoch::of(15_537_393).expect("under the limit");
    assert_eq!(merge.index(), 517);
    assert!((84_000_000..85_000_000).contains(&merge.cache_bytes()), "{}", merge.cache_bytes());
    assert!(epoch(ETHASH_EPOCH_MAX).cache_bytes() < 151_000_000);
    assert_eq!(Epoch::new(ETHASH_EPOCH_MAX + 1), None);
    assert_eq!(Epoch::of(u64::MAX), None);
    assert_eq!(Epoch::of(u64::from(u32::MAX) * 30_000 + 30_000), None);
}

#[test]
fn the_public_vectors() {
    let Some(path) = crate::data::file("conformance/ethash-pow.json") else { return };
    let text = std::fs::read_to_string(path).expect("the file is readable");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
    let hash = |value: &serde_json::Value| B256::from_slice(&rlp(value));
    let cache = cache();
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let bytes = rlp(&vector["header"]);
        let header = Header::decode(&bytes).expect("decodes");
        assert_eq!(Epoch::of(header.number), Some(epoch(0)));
        assert_eq!(vector["cacheSize"].as_u64(), Some(cache.bytes()));
        assert_eq!(vector["fullSize"].as_u64(), Some(epoch(0).dataset_bytes()));
        assert_eq!(hash(&vector["seed"]), epoch(0).seed());
        assert_eq!(hash(&vector["cacheHash"]), cache.hash());
        assert_eq!(hash(&vector["sealHash"]), seal_hash(&bytes).expect("a header"));
        let nonce = u64::from_be_bytes(rlp(&vector["nonce"])[..].try_into().expect("8 bytes"));
        let found = hashimoto_light(cache, hash(&vector["sealHash"]), nonce);
        assert_eq!((found.mix_hash, found.result), (hash(&vector["mixHash"]), hash(&vector["result"])));
        // Their mix is right, and not worth their difficulty.
        let work = EthashViolation::Work { got: found.result, difficulty: header.difficulty };
        assert_eq!(verify(&bytes, cache), Err(work));
    }
}

#[test]
fn a_cache_is_the_same_however_it_is_cut_into_steps() {
    let mut builder = CacheBuilder::new(epoch(0)).expect("memory");
    let mut steps = 0;
    // Steps of changing size, none of which ends with a row of rounds.
    for size in (1..).map(|step| step * 997 % 40_009 + 1) {
        let before = builder.progress();
        let after = builder.step(size);
        assert!(after.done - before.done <= u64::from(size));
        steps += 1;
        builder = match builder.finish() {
            Err(unfinished) => unfinished,
            Ok(built) => {
                assert!(after.is_done());
                assert_eq!(built.hash(), cache().hash());
                break;
            }
        };
        assert!(!after.is_done());
    }
    assert!(steps > 40, "{steps}");
}

#[test]
fn a_store_holds_one_cache() {
    let mut store = CacheStore::new();
    assert_eq!(store.bytes(), 0);
    assert_eq!(store.build(epoch(0), 1_000), Ok(1_000));
    assert!(store.get(epoch(0)).is_none());
    assert_eq!(store.bytes(), epoch(0).cache_bytes());
    while store.get(epoch(0)).is_none() {
        store.build(epoch(0), 1_000_000).expect("memory");
    }
    assert_eq!(store.bytes(), epoch(0).cache_bytes());
    assert_eq!(store.build(epoch(0), 1_000), Ok(0));
    // Another epoch: the first one goes.
    assert_eq!(store.build(epoch(3), 10), Ok(10));
    assert_eq!(store.bytes(), epoch(3).cache_bytes());
    assert!(store.get(epoch(0)).is_none() && store.get(epoch(3)).is_none());
    store.clear();
    assert_eq!(store.bytes(), 0);
}

#[test]
fn a_made_chain_of_3_000() {
    let Some(headers) = chain("conformance/chain-hive-full.jsonl.gz") else { return };
    assert_eq!(headers.len(), 3_001);
    assert_eq!(check(&headers[1..], cache()), 3_000_usize.div_ceil(EVERY));
}

#[test]
fn a_made_chain_of_999() {
    let Some(headers) = chain("conformance/chain-hive-half.jsonl.gz") else { return };
    assert_eq!(headers.len(), 1_000);
    assert_eq!(check(&headers[1..], cache()), 999_usize.div_ceil(EVERY));
}

/// Mainnet's first 16,383 headers: one in 25 without optimisation (656), else one in 5 (3,277).
#[test]
fn mainnet_from_its_first_header() {
    let every = if cfg!(debug_assertions) { 25 } else { 5 };
    let mut headers = Vec::new();
    for name in ["mainnet-00000-5ec1ffb8", "mainnet-00001-a5364e9a"] {
        let Some(path) = crate::data::file(&format!("era1/{name}.era1")) else { return };
        headers.extend(era1(&path));
    }
    let cache = cache();
    let sample: Vec<&Bytes> = headers[1..].iter().step_by(every).collect();
    assert!(sample.len() >= 500);
    assert!(sample.iter().all(|header| verify(header, cache).is_ok()));
}

/// Sepolia's headers carry a base fee, and its numbers 30,000 to 40,959 lie in the second epoch.
#[test]
fn sepolia_across_an_epoch() {
    let Some(path) = crate::data::file("era1/sepolia-00003-18b32584.era1") else { return };
    let headers = era1(&path);
    let number = |header: &Bytes| Header::decode(header).expect("decodes").number;
    assert_eq!((number(&headers[0]), number(&headers[8_191])), (24_576, 32_767));
    let sample: Vec<&Bytes> = headers.iter().step_by(40).collect();
    let (first, second): (Vec<&Bytes>, Vec<&Bytes>) = sample.into_iter().partition(|header| number(header) < 30_000);
    assert!(first.len() > 100 && second.len() > 60);
    let next = Cache::build(epoch(1)).expect("memory");
    for (cache, headers) in [(cache(), first), (&next, second)] {
        for header in headers {
            assert!(Header::decode(header).expect("decodes").base_fee_per_gas.is_some());
            assert_eq!(verify(header, cache), Ok(()), "{}", number(header));
        }
    }
}

/// The seal hash is cut out of the bytes that came; here it is made from the fields, for headers of 15 and of 16.
#[test]
fn the_seal_hash_is_that_of_the_fields_without_the_seal() {
    let (work, london) = ("conformance/chain-hive-half.jsonl.gz", "era1/sepolia-00000-643a00f7.era1");
    let (Some(mut headers), Some(path)) = (chain(work), crate::data::file(london)) else { return };
    headers.truncate(20);
    headers.extend(era1(&path).into_iter().take(20));
    for header in headers {
        let mut fields = fields(&header);
        fields.drain(field::MIX_HASH..=field::NONCE);
        assert_eq!(seal_hash(&header), Ok(keccak256(crate::support::header(&fields))));
    }
}

#[test]
fn a_changed_header_has_a_broken_seal() {
    let Some(headers) = chain("conformance/chain-hive-half.jsonl.gz") else { return };
    let (cache, good) = (cache(), &headers[500]);
    let header = Header::decode(good).expect("decodes");
    assert_eq!(verify(good, cache), Ok(()));
    let found = |header: Bytes| verify(&header, cache);

    // The mix is that of another nonce, or of other fields.
    let is_mix = |result| matches!(result, Err(EthashViolation::MixHash { got, expected }) if got == header.mix_hash && got != expected);
    assert!(is_mix(found(changed(good, field::NONCE, |nonce| nonce[7] ^= 1))));
    assert!(is_mix(found(changed(good, field::TIMESTAMP, |time| *time.last_mut().unwrap() ^= 1))));
    assert!(is_mix(found(changed(good, field::EXTRA_DATA, |extra| extra.push(1)))));
    assert!(is_mix(found(changed(good, field::BENEFICIARY, |who| who[0] ^= 1))));
    // More difficulty is another header too: it needs another nonce.
    assert!(is_mix(found(changed(good, field::DIFFICULTY, |difficulty| difficulty[0] += 1))));

    // The mix itself: both are told.
    let mixed = changed(good, field::MIX_HASH, |mix| mix[31] ^= 0x80);
    let mut got = header.mix_hash;
    got[31] ^= 0x80;
    assert_eq!(found(mixed), Err(EthashViolation::MixHash { got, expected: header.mix_hash }));

    // The right mix of a nonce that is not worth the difficulty: what a forger has who does no work.
    let lazy = changed(good, field::NONCE, |nonce| nonce.copy_from_slice(&[0x42; 8]));
    let hashimoto = hashimoto_light(cache, seal_hash(&lazy).unwrap(), 0x4242_4242_4242_4242);
    let lazy = changed(&lazy, field::MIX_HASH, |mix| mix.copy_from_slice(hashimoto.mix_hash.as_slice()));
    let difficulty = header.difficulty;
    assert_eq!(found(lazy), Err(EthashViolation::Work { got: hashimoto.result, difficulty }));

    // No difficulty at all, which nothing could be divided by.
    assert_eq!(found(changed(good, field::DIFFICULTY, Vec::clear)), Err(EthashViolation::NoDifficulty));
    // The highest: only one result in 2^256 is worth it.
    let most = changed(good, field::DIFFICULTY, |difficulty| *difficulty = vec![0xff; 32]);
    let hashimoto = hashimoto_light(cache, seal_hash(&most).unwrap(), u64::from_be_bytes(header.nonce.0));
    let most = changed(&most, field::MIX_HASH, |mix| mix.copy_from_slice(hashimoto.mix_hash.as_slice()));
    assert_eq!(found(most), Err(EthashViolation::Work { got: hashimoto.result, difficulty: U256::MAX }));
}

#[test]
fn what_is_no_proof_of_work_header_has_no_seal() {
    let Some(headers) = chain("conformance/chain-hive-half.jsonl.gz") else { return };
    let cache = cache();
    let mut shanghai = fields(&headers[1]);
    shanghai.extend([vec![7], vec![1; 32]]);
    let shanghai = crate::support::header(&shanghai);
    assert_eq!(verify(&shanghai, cache), Err(EthashViolation::Fields { got: 17, max: 16 }));
    for cut in 0..headers[1].len() {
        assert!(matches!(verify(&headers[1][..cut], cache), Err(EthashViolation::Undecodable(_))));
        assert!(seal_hash(&headers[1][..cut]).is_err());
    }
}
