//! Records that are gone, that are no records, and rows of the index that are no rows: named, dropped, made whole
//! again.
#![cfg(target_arch = "wasm32")]

mod support;

use header_rules::range::BlockRange;
use header_store::{
    AuditStep, HeaderStore, Segment,
    contract::{StoreFactory, TestChain},
};
use support::{INDEX, IdbFactory, META, SEGMENTS, bytes, delete, keys, put, record_of, remove, writer};
use sync_core::{Checkpoint, fault::StoreFailure};
use sync_wasm::store::IdbStore;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A store that holds the whole chain.
async fn filled(name: &str, chain: &TestChain, len: u64) -> IdbStore {
    delete(name).await;
    let mut store = writer(name).await;
    store.open().await.expect("opens");
    let range = BlockRange::new(0, len - 1).expect("a range");
    for batch in chain.batches(range, 8_192, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("stores");
    }
    store
}

/// Audits everything; what was dropped.
async fn audit(store: &mut IdbStore, from: u64) -> Vec<BlockRange> {
    let (mut dropped, mut next) = (Vec::new(), Some(from));
    while let Some(from) = next {
        next = match store.audit(from).await.expect("audits") {
            AuditStep::Sound { next } => next,
            AuditStep::Dropped { range, next, .. } => {
                dropped.push(range);
                next
            }
        };
    }
    dropped
}

#[wasm_bindgen_test]
async fn whatever_lies_in_the_place_of_a_record_is_dropped() {
    let chain = TestChain::new(4_096, 41);
    let (_, other) = {
        let store = filled("damage-other", &chain, 4_096).await;
        record_of(store.name(), 2_100).await
    };
    let garbage: [(&str, Option<JsValue>); 6] = [
        ("a record that is gone", None),
        ("no bytes", Some("text".into())),
        ("nothing", Some(bytes(&[]))),
        ("noise", Some(bytes(&[7; 1_000]))),
        ("a cut record", Some(bytes(&other.record()[..other.record().len() / 2]))),
        ("another segment", Some(bytes(other.record()))),
    ];
    for (what, value) in garbage {
        let mut store = filled("damage-record", &chain, 4_096).await;
        match value {
            Some(value) => put(store.name(), SEGMENTS, 1_024.into(), value).await,
            None => remove(store.name(), SEGMENTS, 1_024.0).await,
        }
        assert_ne!(store.header_by_number(1_500).await, Ok(Some(chain.header(1_500).clone())), "{what}");
        let slot = Segment::slot(1_500);
        assert_eq!(audit(&mut store, 4_095).await, [slot], "{what}");
        let left = store.checkpoint().await.expect("reads").expect("most is left");
        assert_eq!(left.missing_in(BlockRange::new(0, 4_095).expect("a range")), [slot], "{what}");
        // Fetched again, it is whole.
        for batch in chain.batches(slot, 8_192, &left) {
            store.persist(&batch).await.expect("stores");
        }
        assert_eq!(audit(&mut store, 4_095).await, [], "{what}");
        assert_eq!(store.header_by_hash(chain.hash(1_500)).await, Ok(Some((1_500, chain.header(1_500).clone()))));
    }
}

/// Disks lose neighbours together. What lies apart from them stays, on both sides.
#[wasm_bindgen_test]
async fn neighbours_that_are_lost_together_take_nothing_else_with_them() {
    let chain = TestChain::new(6_144, 43);
    let whole = BlockRange::new(0, 6_143).expect("a range");
    let middle = BlockRange::new(2_048, 4_095).expect("a range");
    let mut store = filled("damage-neighbours", &chain, 6_144).await;
    remove(store.name(), SEGMENTS, 2_048.0).await;
    put(store.name(), SEGMENTS, 3_072.into(), bytes(b"noise")).await;
    assert_eq!(audit(&mut store, 6_143).await, [middle]);
    let left = store.checkpoint().await.expect("reads").expect("most is left");
    assert_eq!(left.missing_in(whole), [middle]);
    assert_eq!(left.subchains[1].head_hash, chain.hash(2_047));
    drop(store);

    // The newest ones, at opening.
    let newest = BlockRange::new(4_096, 6_143).expect("a range");
    let store = filled("damage-neighbours", &chain, 6_144).await;
    for first in [4_096.0, 5_120.0] {
        remove(store.name(), SEGMENTS, first).await;
    }
    drop(store);
    let mut store = writer("damage-neighbours").await;
    let opening = store.open().await.expect("opens");
    assert_eq!(opening.dropped, [newest]);
    let run = *opening.checkpoint.expect("most is left").newest().expect("a run");
    assert_eq!((run.head, run.head_hash, run.tail), (4_095, chain.hash(4_095), 0));
}

/// The highest header of a segment has no child in it. Where the child is lost as well, the child's record tells.
#[wasm_bindgen_test]
async fn a_changed_header_under_a_hole_is_not_taken_for_the_head_of_a_run() {
    let chain = TestChain::new(4_096, 44);
    let mut store = filled("damage-seam", &chain, 4_096).await;
    for number in [2_500, 2_047] {
        IdbFactory::new("").corrupt(&mut store, number).await;
    }
    let lost = BlockRange::new(1_024, 3_071).expect("a range");
    assert_eq!(audit(&mut store, 4_095).await, [lost]);
    let left = store.checkpoint().await.expect("reads").expect("most is left");
    assert_eq!(left.subchains[1].head_hash, chain.hash(1_023));
}

/// Only keys are read for it, so records that are gone anywhere are known before the first word to the page.
#[wasm_bindgen_test]
async fn records_that_are_gone_are_missing_at_opening() {
    let chain = TestChain::new(8_192, 45);
    let name = "damage-keys";
    let store = filled(name, &chain, 8_192).await;
    for first in [0.0, 2_048.0, 3_072.0, 6_144.0] {
        remove(name, SEGMENTS, first).await;
    }
    drop(store);
    let mut store = writer(name).await;
    let opening = store.open().await.expect("opens");
    let range = |first, last| BlockRange::new(first, last).expect("a range");
    assert_eq!(opening.dropped, [range(6_144, 7_167), range(2_048, 4_095), range(0, 1_023)]);
    let left = opening.checkpoint.expect("most is left");
    assert_eq!(left.missing_in(range(0, 8_191)), opening.dropped);
    assert_eq!(audit(&mut store, 8_191).await, [], "nothing else was wrong");
    assert_eq!(store.open().await.expect("opens").dropped, [], "the drop was durable");
}

/// A store of all records gone: one hole, found without a look at each place.
#[wasm_bindgen_test]
async fn a_store_without_any_record_opens_empty() {
    let chain = TestChain::new(4_096, 46);
    let name = "damage-all-gone";
    let store = filled(name, &chain, 4_096).await;
    for key in keys(name, SEGMENTS).await {
        remove(name, SEGMENTS, key).await;
    }
    drop(store);
    let opening = writer(name).await.open().await.expect("opens");
    assert_eq!(opening.dropped, [BlockRange::new(0, 4_095).expect("a range")]);
    assert_eq!(opening.checkpoint.map(|left| left.subchains.len()), Some(0));
}

/// Damage in the newest segment says that the disk is bad: opening looks on, for a while.
#[wasm_bindgen_test]
async fn once_damage_is_found_opening_looks_for_more() {
    let chain = TestChain::new(4_096, 47);
    let name = "damage-more";
    let mut store = filled(name, &chain, 4_096).await;
    for number in [4_000, 1_500] {
        IdbFactory::new("").corrupt(&mut store, number).await;
    }
    drop(store);
    let opening = writer(name).await.open().await.expect("opens");
    assert_eq!(opening.dropped, [Segment::slot(4_000), Segment::slot(1_500)]);
}

#[wasm_bindgen_test]
async fn damaged_index_rows_are_told_and_rebuilt_by_the_audit() {
    let chain = TestChain::new(2_048, 42);
    let name = "damage-index";
    let mut store = filled(name, &chain, 2_048).await;
    for key in keys(name, INDEX).await {
        let mut row = support::get(name, INDEX, key.into()).await.expect("a row");
        let last = row.len() - 1;
        row[last] ^= 1;
        put(name, INDEX, key.into(), bytes(&row)).await;
    }
    let found = store.header_by_hash(chain.hash(7)).await;
    assert!(matches!(found, Err(StoreFailure::Damaged(_))), "absence is not claimed: {found:?}");
    assert_eq!(store.header_by_number(7).await, Ok(Some(chain.header(7).clone())), "headers are not touched");

    // The state of the index is lost as well: it starts anew, and the audit fills it.
    put(name, META, "index".into(), bytes(b"no state")).await;
    assert_eq!(audit(&mut store, 2_047).await, []);
    for number in [0, 7, 1_023, 1_024, 2_047] {
        let found = store.header_by_hash(chain.hash(number)).await;
        assert_eq!(found, Ok(Some((number, chain.header(number).clone()))), "{number}");
    }
}
