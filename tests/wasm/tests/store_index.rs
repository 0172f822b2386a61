//! The hash index over many batches: rows are merged and split, their number stays bounded, every hash is found.
#![cfg(target_arch = "wasm32")]

mod support;

use support::{INDEX, SEGMENTS, delete, keys, writer};
use sync_core::{
    Checkpoint,
    range::BlockRange,
    store::{HeaderStore, contract::TestChain},
};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("a range")
}

/// Enough for each of the four buckets of level 0 to hold 4,096 entries when its turn comes, and move down.
const HEADERS: u64 = 24_576;
const WINDOW: u64 = 256;

#[wasm_bindgen_test]
async fn every_hash_is_found_after_rows_were_merged_and_split() {
    let name = "index-many";
    delete(name).await;
    let chain = TestChain::new(HEADERS as usize, 51);
    let mut store = writer(name).await;
    store.open().await.expect("opens");
    for batch in chain.batches(range(0, HEADERS - 1), WINDOW, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("stores");
    }
    let rows = keys(name, INDEX).await;
    let batches = HEADERS / WINDOW;
    // Level and bucket, without the sequence (35 bits).
    let places: Vec<u64> = rows.iter().map(|key| *key as u64 >> 35).collect();
    let levels: Vec<u64> = places.iter().map(|place| place >> 15).collect();
    assert!(levels.contains(&0) && levels.contains(&1), "newer rows above, older ones below");
    let fullest = places.chunk_by(|a, b| a == b).map(<[u64]>::len).max().expect("rows");
    assert!(fullest <= 24, "{fullest} rows in a bucket");
    assert!((rows.len() as u64) < 4 * batches, "{} rows of {batches} batches", rows.len());
    for number in (0..HEADERS).step_by(61) {
        let found = store.header_by_hash(chain.hash(number)).await;
        assert_eq!(found, Ok(Some((number, chain.header(number).clone()))), "{number}");
    }
}

/// At the head of a chain headers come one by one: they join their segment, and index rows are merged.
#[wasm_bindgen_test]
async fn single_headers_do_not_pile_up() {
    let name = "index-single";
    delete(name).await;
    let chain = TestChain::new(1_300, 52);
    let mut store = writer(name).await;
    store.open().await.expect("opens");
    let mut checkpoint = Checkpoint::new(chain.spec().id(), 0);
    for part in [range(0, 999)].into_iter().chain((1_000..1_300).map(|number| range(number, number))) {
        for batch in chain.batches(part, 8_192, &checkpoint) {
            store.persist(&batch).await.expect("stores");
            checkpoint = batch.checkpoint().clone();
        }
    }
    assert_eq!(checkpoint.subchains.len(), 1);
    assert_eq!(keys(name, SEGMENTS).await, [0.0, 1_024.0], "one record a slot");
    let rows = keys(name, INDEX).await.len();
    assert!(rows <= 4 * 24, "{rows} rows of 301 batches");
    for number in 0..1_300 {
        let found = store.header_by_hash(chain.hash(number)).await;
        assert_eq!(found, Ok(Some((number, chain.header(number).clone()))), "{number}");
    }
}
