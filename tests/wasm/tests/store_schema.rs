//! The schema and its versions: an older database is brought up to date with its headers, a newer one is left alone, a
//! tab that stands in the way is named.
#![cfg(target_arch = "wasm32")]

mod support;

use std::future::poll_fn;

use futures::future::{join, poll_immediate};
use header_rules::range::BlockRange;
use header_store::{AuditStep, HeaderStore, Segment, contract::TestChain};
use indexed_db_futures::{Build, BuildPrimitive, database::Database};
use support::{INDEX, META, SEGMENTS, bytes, delete, keys, writer};
use sync_core::Checkpoint;
use sync_wasm::{
    store::{IdbStore, OPEN_WAIT_MAX, OpenError, Version},
    store_queue::{SyncStore, audit::AuditPlace},
};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn every_version_knows_its_next() {
    let mut version = Version::Empty;
    while let Some(next) = version.next() {
        assert!(next > version);
        assert_eq!(Version::of(next.number().into()), Some(next));
        version = next;
    }
    assert_eq!(version, Version::CURRENT);
    assert_eq!(Version::of(f64::from(Version::CURRENT.number()) + 1.0), None);
}

/// A database of the first schema, with or without headers in it.
async fn first_schema(name: &str, chain: Option<&TestChain>, range: BlockRange) -> Option<Checkpoint> {
    delete(name).await;
    let db = Database::open(name)
        .with_version(Version::Segments.number())
        .with_on_upgrade_needed(|_, db| {
            db.create_object_store(SEGMENTS).build()?;
            db.create_object_store(META).build()?;
            Ok(())
        })
        .await
        .expect("opens");
    db.close();
    let chain = chain?;
    let batch = chain.batches(range, 8_192, &Checkpoint::new(chain.spec().id(), 0)).remove(0);
    for segment in Segment::pack_batch(&batch) {
        let first = segment.range().first() as f64;
        support::put(name, SEGMENTS, first.into(), bytes(segment.record())).await;
    }
    support::put(name, META, "checkpoint".into(), bytes(&batch.checkpoint().encode())).await;
    Some(batch.checkpoint().clone())
}

#[wasm_bindgen_test]
async fn an_empty_older_schema_is_upgraded() {
    let name = "schema-older-empty";
    first_schema(name, None, BlockRange::new(0, 0).expect("a range")).await;
    let mut store = writer(name).await;
    assert_eq!(store.open().await.expect("opens").checkpoint, None);
    drop(store);
    assert_eq!(support::raw(name).await.version(), f64::from(Version::CURRENT.number()));
    assert!(keys(name, INDEX).await.is_empty(), "the table of the newer schema is there");
}

#[wasm_bindgen_test]
async fn headers_of_an_older_schema_stay_and_the_audit_indexes_them() {
    let name = "schema-older-full";
    let chain = TestChain::new(2_500, 31);
    let checkpoint = first_schema(name, Some(&chain), BlockRange::new(0, 2_499).expect("a range")).await;
    let mut store = writer(name).await;
    assert_eq!(store.open().await.expect("opens").checkpoint, checkpoint);
    assert_eq!(store.header_by_number(1_234).await, Ok(Some(chain.header(1_234).clone())));
    assert_eq!(store.header_by_hash(chain.hash(1_234)).await, Ok(None), "not indexed yet");

    let mut next = Some(2_499);
    while let Some(from) = next {
        let step = store.audit(from).await.expect("audits");
        let AuditStep::Sound { next: below } = step else { panic!("sound: {step:?}") };
        next = below;
    }
    for number in [0, 1_023, 1_024, 1_234, 2_499] {
        let found = store.header_by_hash(chain.hash(number)).await;
        assert_eq!(found, Ok(Some((number, chain.header(number).clone()))), "{number}");
    }
    let rows = keys(name, INDEX).await.len();
    store.audit(2_499).await.expect("audits");
    assert_eq!(keys(name, INDEX).await.len(), rows, "it is indexed once");
}

#[wasm_bindgen_test]
async fn the_schema_without_peers_gets_their_table_and_keeps_its_headers() {
    let name = "schema-without-peers";
    delete(name).await;
    let chain = TestChain::new(1_500, 32);
    let mut store = writer(name).await;
    let batch =
        chain.batches(BlockRange::new(0, 1_499).expect("a range"), 8_192, &Checkpoint::new(chain.spec().id(), 0));
    store.persist(&batch[0]).await.expect("persists");
    drop(store);
    // What the version before had of it, in a database of that version.
    let tables = [SEGMENTS, INDEX, META];
    let mut rows = Vec::new();
    for table in tables {
        rows.push(support::dump(name, table).await);
    }
    delete(name).await;
    let db = Database::open(name)
        .with_version(Version::HashIndex.number())
        .with_on_upgrade_needed(move |_, db| {
            for table in tables {
                db.create_object_store(table).build()?;
            }
            Ok(())
        })
        .await
        .expect("opens");
    db.close();
    for (table, rows) in tables.into_iter().zip(rows) {
        for (key, value) in rows {
            support::put(name, table, key, value).await;
        }
    }

    let mut store = writer(name).await;
    assert_eq!(store.open().await.expect("opens").checkpoint.as_ref(), Some(batch[0].checkpoint()));
    assert_eq!(store.header_by_hash(chain.hash(1_234)).await, Ok(Some((1_234, chain.header(1_234).clone()))));
    assert_eq!(store.read_peers().await, Ok(None));
    store.write_peers(&[7]).await.expect("the table is there");
    assert_eq!(store.read_peers().await, Ok(Some(vec![7])));
}

#[wasm_bindgen_test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let name = "schema-newer";
    delete(name).await;
    let newer = Version::CURRENT.number() + 1;
    let db = Database::open(name)
        .with_version(newer)
        .with_on_upgrade_needed(|_, db| {
            let table = db.create_object_store("of-the-future").build()?;
            table.put(1.0).with_key(1.0).without_key_type().primitive()?;
            Ok(())
        })
        .await
        .expect("opens");
    db.close();
    let error = IdbStore::connect(name).await.expect_err("we do not know it");
    assert_eq!(error, OpenError::Newer { name: name.into(), known: Version::CURRENT.number() });
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(keys(name, "of-the-future").await, [1.0]);
}

#[wasm_bindgen_test]
async fn a_tab_that_holds_an_older_version_is_named_and_a_later_attempt_succeeds() {
    let name = "schema-blocked";
    first_schema(name, None, BlockRange::new(0, 0).expect("a range")).await;
    // A connection without our `versionchange` handler: it never lets go by itself.
    let stubborn = support::raw(name).await;
    let error = IdbStore::connect(name).await.expect_err("blocked");
    assert_eq!(error, OpenError::Blocked { name: name.into() });
    stubborn.close();
    let mut store = writer(name).await;
    assert_eq!(store.open().await.expect("opens").checkpoint, None);
}

#[wasm_bindgen_test]
async fn we_let_go_when_another_tab_needs_the_database() {
    let name = "schema-lets-go";
    delete(name).await;
    let chain = TestChain::new(1_500, 33);
    let mut store = writer(name).await;
    let range = BlockRange::new(0, 1_499).expect("a range");
    let batches = chain.batches(range, 8_192, &Checkpoint::new(chain.spec().id(), 0));
    store.persist(&batches[0]).await.expect("persists");
    assert!(poll_immediate(poll_fn(|context| store.poll_lost(context))).await.is_none(), "it is open");
    let lost = async {
        poll_fn(|context| store.poll_lost(context)).await;
    };
    // Whoever waits for the loss is woken by it.
    join(lost, delete(name)).await;
    assert!(store.is_lost());
    assert!(store.checkpoint().await.is_err(), "a writer does not go on as if nothing had happened");
    assert!(store.persist(&batches[0]).await.is_err());

    let opening = store.reopen().await.expect("nobody holds the database");
    assert_eq!(opening.checkpoint, None, "what is there now is read anew");
    store.persist(&batches[0]).await.expect("persists");
    assert_eq!(store.header_by_number(7).await, Ok(Some(chain.header(7).clone())));
}

#[wasm_bindgen_test]
async fn a_store_that_only_reads_connects_anew_by_itself() {
    let name = "schema-reader";
    delete(name).await;
    let reader = IdbStore::connect(name).await.expect("opens");
    delete(name).await;
    assert!(reader.is_lost());
    assert_eq!(reader.checkpoint().await, Ok(None));
    assert!(!reader.is_lost());
}

/// A deletion that another tab holds back tells nobody who waits behind it.
#[wasm_bindgen_test]
async fn an_open_behind_a_blocked_deletion_ends() {
    let name = "schema-held";
    delete(name).await;
    let stubborn = support::raw(name).await;
    let deletion = Database::delete_by_name(name).expect("IndexedDB is there");
    let error = IdbStore::connect(name).await.expect_err("held");
    assert_eq!(error, OpenError::Held { name: name.into(), seconds: OPEN_WAIT_MAX.as_secs() });
    assert!(error.to_string().contains("another tab holds the database"), "{error}");
    stubborn.close();
    deletion.await.expect("nobody holds it any more");
    assert_eq!(writer(name).await.open().await.expect("opens").checkpoint, None);
}

#[wasm_bindgen_test]
async fn the_place_of_the_audit_is_kept_and_goes_with_the_headers() {
    let name = "schema-place";
    delete(name).await;
    let place = AuditPlace { top: 1_499, next: Some(511) };
    let mut store = writer(name).await;
    assert_eq!(store.audit_place().await, Ok(None));
    store.keep_audit_place(place).await.expect("writes");
    drop(store);
    let mut store = writer(name).await;
    assert_eq!(store.audit_place().await, Ok(Some(place)));
    // An index that asks for a rebuild needs a walk from the top.
    support::put(name, META, "index".into(), bytes(b"no state")).await;
    assert_eq!(store.audit_place().await, Ok(None));
    store.clear().await.expect("clears");
    assert_eq!(store.audit_place().await, Ok(None));
}
