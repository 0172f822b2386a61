//! What is known of peers in the database: kept beside the headers, bounded, damaged alone, cleared with them.
#![cfg(target_arch = "wasm32")]

mod support;

use header_rules::range::BlockRange;
use header_store::{HeaderStore, contract::TestChain};
use support::{META, SEGMENTS, bytes, delete, keys, put, writer};
use sync_core::{Checkpoint, fault::StoreFailure};
use sync_wasm::{network::kept::KEPT_BYTES_MAX, store::IdbStore};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const PEERS: &str = "peers";

/// A writing store of this name with 2,000 headers in it.
async fn filled(name: &str) -> IdbStore {
    delete(name).await;
    let mut store = writer(name).await;
    let chain = TestChain::new(2_000, 7);
    let range = BlockRange::new(0, 1_999).expect("a range");
    for batch in chain.batches(range, 8_192, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("persists");
    }
    store
}

#[wasm_bindgen_test]
async fn what_is_written_is_read_by_the_next_session() {
    let name = "peers-kept";
    let store = filled(name).await;
    assert_eq!(store.read_peers().await, Ok(None));
    store.write_peers(&[1, 2, 3]).await.expect("writes");
    store.write_peers(&[4, 5]).await.expect("writes");
    assert_eq!(store.read_peers().await, Ok(Some(vec![4, 5])));
    drop(store);
    let mut store = writer(name).await;
    assert!(store.open().await.expect("opens").checkpoint.is_some());
    assert_eq!(store.read_peers().await, Ok(Some(vec![4, 5])));
}

#[wasm_bindgen_test]
async fn who_does_not_hold_the_lock_reads_and_does_not_write() {
    let name = "peers-reader";
    let store = filled(name).await;
    store.write_peers(&[1]).await.expect("writes");
    let reader = IdbStore::connect(name).await.expect("opens");
    assert_eq!(reader.write_peers(&[9]).await, Err(StoreFailure::Locked));
    assert_eq!(reader.read_peers().await, Ok(Some(vec![1])));
}

#[wasm_bindgen_test]
async fn what_this_code_never_writes_is_damage_and_costs_nothing_else() {
    let name = "peers-damaged";
    let mut store = filled(name).await;
    let checkpoint = store.open().await.expect("opens").checkpoint;
    for value in [JsValue::from(7.0), bytes(&vec![0; KEPT_BYTES_MAX + 1])] {
        put(name, PEERS, "book".into(), value).await;
        assert!(matches!(store.read_peers().await, Err(StoreFailure::Damaged(_))));
        assert_eq!(store.open().await.expect("opens").checkpoint, checkpoint);
    }
    store.write_peers(&[1]).await.expect("it is replaced");
    assert_eq!(store.read_peers().await, Ok(Some(vec![1])));
}

#[wasm_bindgen_test]
async fn clearing_the_store_clears_it_and_a_damaged_checkpoint_does_not() {
    let name = "peers-cleared";
    let mut store = filled(name).await;
    store.write_peers(&[1]).await.expect("writes");
    put(name, META, "checkpoint".into(), bytes(b"garbage")).await;
    assert_eq!(store.open().await.expect("opens").checkpoint, None);
    assert!(keys(name, SEGMENTS).await.is_empty());
    assert_eq!(store.read_peers().await, Ok(Some(vec![1])), "it is no header");
    store.clear().await.expect("clears");
    assert_eq!(store.read_peers().await, Ok(None));
}
