//! The hash index over many batches: rows are merged and split, their number stays bounded, every hash is found.
#![cfg(target_arch = "wasm32")]

mod support;

use header_rules::range::BlockRange;
use header_store::{HeaderStore, contract::TestChain};
use support::{INDEX, SEGMENTS, delete, keys, writer, writer_with};
use sync_core::Checkpoint;
use sync_wasm::store::IndexShape;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("a range")
}

/// Level and bucket of each row: its key without the sequence (35 bits).
async fn places(name: &str) -> Vec<u64> {
    keys(name, INDEX).await.into_iter().map(|key| key as u64 >> 35).collect()
}

/// Rows in each level, and in the fullest bucket.
fn spread(places: &[u64]) -> ([usize; 4], usize) {
    let level = |level| places.iter().filter(|place| *place >> 15 == level).count();
    let fullest = places.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    ([level(0), level(1), level(2), level(3)], fullest)
}

#[wasm_bindgen_test]
async fn every_hash_is_found_after_rows_went_down_all_levels() {
    const HEADERS: u64 = 12_288;
    let name = "index-levels";
    delete(name).await;
    let chain = TestChain::new(HEADERS as usize, 51);
    let mut store = writer_with(name, IndexShape { merge_rows: 4, split_entries: 16 }).await;
    store.open().await.expect("opens");
    for batch in chain.batches(range(0, HEADERS - 1), 64, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("stores");
    }
    let (levels, fullest) = spread(&places(name).await);
    assert!(levels.iter().all(|rows| *rows > 0), "rows in each level: {levels:?}");
    assert!(fullest <= 8, "{fullest} rows in a bucket: {levels:?}");
    for number in (0..HEADERS).step_by(29) {
        let found = store.header_by_hash(chain.hash(number)).await;
        assert_eq!(found, Ok(Some((number, chain.header(number).clone()))), "{number}");
    }
}

#[wasm_bindgen_test]
async fn the_shipped_shape_merges_and_splits() {
    const HEADERS: u64 = 20_480;
    let name = "index-shipped";
    delete(name).await;
    let chain = TestChain::new(HEADERS as usize, 53);
    let mut store = writer(name).await;
    store.open().await.expect("opens");
    for batch in chain.batches(range(0, HEADERS - 1), 512, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("stores");
    }
    let (levels, fullest) = spread(&places(name).await);
    assert!(levels[0] > 0 && levels[1] > 0, "newer rows above, older ones below: {levels:?}");
    assert!(fullest <= 24, "{fullest} rows in a bucket: {levels:?}");
    for number in (0..HEADERS).step_by(101) {
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
