//! Makes stores for tests, and looks into their databases behind their backs.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "several test programs hold it, each in a private module")]

use bytes::Bytes;
use header_rules::range::BlockNumber;
use header_store::{Segment, contract::StoreFactory};
use indexed_db_futures::{
    Build, BuildPrimitive, KeyRange, database::Database, query_source::QuerySource, transaction::TransactionMode,
};
use js_sys::Uint8Array;
use sync_wasm::store::{IdbStore, IndexShape, WriteLock};
use wasm_bindgen::{JsCast, JsValue};

/// Names of the tables, as the schema has them.
pub const SEGMENTS: &str = "segments";
pub const INDEX: &str = "index";
pub const META: &str = "meta";

/// A connection to the database `name` as it is, without our schema.
pub async fn raw(name: &str) -> Database {
    Database::open(name).await.expect("the database is there")
}

/// Deletes what an earlier run has left.
pub async fn delete(name: &str) {
    Database::delete_by_name(name).expect("IndexedDB is there").await.expect("nobody holds the database");
}

/// Keys of a table.
pub async fn keys(name: &str, table: &str) -> Vec<f64> {
    let db = raw(name).await;
    let tx = db.transaction(table).build().expect("the table is there");
    let store = tx.object_store(table).expect("the table is there");
    let keys = store.get_all_keys::<f64>().await.expect("keys are numbers");
    let keys = keys.collect::<Result<_, _>>().expect("keys are numbers");
    drop(tx);
    db.close();
    keys
}

/// Every key and value of a table, as they lie there.
pub async fn dump(name: &str, table: &str) -> Vec<(JsValue, JsValue)> {
    let db = raw(name).await;
    let tx = db.transaction(table).build().expect("the table is there");
    let store = tx.object_store(table).expect("the table is there");
    let keys = store.get_all_keys::<JsValue>().primitive().expect("reads").await.expect("reads");
    let keys: Vec<_> = keys.collect::<Result<_, _>>().expect("any key");
    let values = store.get_all::<JsValue>().primitive().expect("reads").await.expect("reads");
    let values: Vec<_> = values.collect::<Result<_, _>>().expect("any value");
    drop(tx);
    db.close();
    keys.into_iter().zip(values).collect()
}

/// Reads a value.
pub async fn get(name: &str, table: &str, key: JsValue) -> Option<Vec<u8>> {
    let db = raw(name).await;
    let tx = db.transaction(table).build().expect("the table is there");
    let store = tx.object_store(table).expect("the table is there");
    let value = store.get::<JsValue, JsValue, _>(KeyRange::Only(key)).await.expect("reads");
    drop(tx);
    db.close();
    Some(value?.dyn_into::<Uint8Array>().expect("every value is bytes").to_vec())
}

/// Writes a value.
pub async fn put(name: &str, table: &str, key: JsValue, value: JsValue) {
    let db = raw(name).await;
    let tx = db.transaction(table).with_mode(TransactionMode::Readwrite).build().expect("the table is there");
    let store = tx.object_store(table).expect("the table is there");
    store.put(value).with_key(key).without_key_type().primitive().expect("puts").await.expect("puts");
    drop(store);
    tx.commit().await.expect("commits");
    db.close();
}

/// Removes a value.
pub async fn remove(name: &str, table: &str, key: f64) {
    let db = raw(name).await;
    let tx = db.transaction(table).with_mode(TransactionMode::Readwrite).build().expect("the table is there");
    let store = tx.object_store(table).expect("the table is there");
    store.delete::<f64, _>(KeyRange::Only(key)).primitive().expect("deletes").await.expect("deletes");
    drop(store);
    tx.commit().await.expect("commits");
    db.close();
}

pub fn bytes(value: &[u8]) -> JsValue {
    Uint8Array::from(value).into()
}

/// A writing store; waits until whoever wrote it before has let go.
pub async fn writer(name: &str) -> IdbStore {
    writer_with(name, IndexShape::SHIPPED).await
}

/// A writing store whose index is merged sooner.
pub async fn writer_with(name: &str, shape: IndexShape) -> IdbStore {
    let mut store = IdbStore::connect_with(name, shape).await.expect("opens");
    store.grant(WriteLock::wait(name).expect("locks exist here").await.expect("the lock comes"));
    store
}

/// Key of the record that holds `number`, and the record.
pub async fn record_of(name: &str, number: BlockNumber) -> (f64, Segment) {
    let key = keys(name, SEGMENTS).await.into_iter().rfind(|key| *key as u64 <= number).expect("there is a record");
    let record = get(name, SEGMENTS, key.into()).await.expect("it was there");
    (key, Segment::decode(Bytes::from(record)).expect("it is a segment"))
}

/// Stores with names of their own.
pub struct IdbFactory {
    case: &'static str,
    made: u32,
}

impl IdbFactory {
    pub fn new(case: &'static str) -> Self {
        Self { case, made: 0 }
    }
}

impl StoreFactory for IdbFactory {
    type Store = IdbStore;

    async fn create(&mut self) -> IdbStore {
        self.made += 1;
        let name = format!("contract-{}-{}", self.case, self.made);
        delete(&name).await;
        writer(&name).await
    }

    async fn reopen(&mut self, store: IdbStore) -> IdbStore {
        let name = store.name().to_owned();
        drop(store);
        writer(&name).await
    }

    /// Flips one bit of the header in its record.
    async fn corrupt(&mut self, store: &mut IdbStore, number: BlockNumber) {
        let (key, segment) = record_of(store.name(), number).await;
        let header = segment.header(number).expect("it is stored");
        let mut record = segment.record().to_vec();
        let at = record.windows(header.len()).position(|part| part == header).expect("a record holds its headers");
        record[at + header.len() / 2] ^= 1;
        put(store.name(), SEGMENTS, key.into(), bytes(&record)).await;
    }

    async fn garble_checkpoint(&mut self, store: &mut IdbStore, garbage: &[u8]) {
        put(store.name(), META, "checkpoint".into(), bytes(garbage)).await;
    }
}
