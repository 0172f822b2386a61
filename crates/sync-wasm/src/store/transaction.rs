//! One transaction: bytes in, bytes out, failures as [`StoreFailure`].
//!
//! A [`Tx`] that is dropped before [`Tx::commit`] is aborted: a caller may return early with `?`, and a failed call
//! changes nothing. Writes of headers are `durability: 'strict'` (a commit means that the bytes are on the disk; it
//! costs about 3 ms, a twentieth of a batch). At most [`PUTS_IN_FLIGHT_MAX`] puts wait for the browser at a time.

use std::{cell::RefCell, collections::VecDeque};

use indexed_db_futures::{
    Build, BuildPrimitive, KeyRange,
    cursor::CursorDirection,
    future::VoidRequest,
    internals::SystemRepr,
    primitive::TryToJs,
    query_source::QuerySource,
    transaction::{Transaction, TransactionDurability, TransactionMode, TransactionOptions},
};
use sync_core::fault::StoreFailure;
use wasm_bindgen::JsValue;

use super::{
    connection::Connection,
    error::{dom_failure, dom_name, failure},
    rows::Table,
};

/// Puts handed to the browser whose results are outstanding. Each holds a copy of its value: 64 of the largest (600 KB
/// segments) are 38 MB in the browser, but a batch has eight of those; the rest are index rows of a few KB.
const PUTS_IN_FLIGHT_MAX: usize = 64;

/// A transaction over some of the tables.
pub(super) struct Tx<'db> {
    inner: Transaction<'db>,
    /// The same transaction. `commit` takes `inner` and reports every abort alike; only this has the reason (quota!).
    raw: web_sys::IdbTransaction,
    puts: RefCell<VecDeque<VoidRequest>>,
}

impl<'db> Tx<'db> {
    /// A transaction that reads.
    pub(super) fn read(db: &'db Connection, tables: &[Table]) -> Result<Self, StoreFailure> {
        Self::begin(db, tables, TransactionMode::Readonly, TransactionDurability::Default)
    }

    /// A transaction that writes, durable when it is committed.
    pub(super) fn write(db: &'db Connection, tables: &[Table]) -> Result<Self, StoreFailure> {
        Self::begin(db, tables, TransactionMode::Readwrite, TransactionDurability::Strict)
    }

    /// A transaction whose writes may be lost in a power cut: it does not wait for the disk.
    pub(super) fn write_relaxed(db: &'db Connection, tables: &[Table]) -> Result<Self, StoreFailure> {
        Self::begin(db, tables, TransactionMode::Readwrite, TransactionDurability::Relaxed)
    }

    fn begin(
        db: &'db Connection,
        tables: &[Table],
        mode: TransactionMode,
        durability: TransactionDurability,
    ) -> Result<Self, StoreFailure> {
        let names: Vec<&str> = tables.iter().map(|table| table.name()).collect();
        let inner = db
            .transaction(names)
            .with_mode(mode)
            .with_options(TransactionOptions::new().with_durability(durability))
            .build()
            .map_err(|error| {
                // When a transaction begins, this error can only mean a closed connection.
                if dom_name(&error).as_deref() == Some("InvalidStateError") {
                    db.lose();
                }
                failure(error)
            })?;
        let raw = web_sys::IdbTransaction::clone(inner.as_sys());
        // The wrapper's error handler may run once only, but a failing transaction reports each of its pending
        // requests. The abort handler is enough: an abort always follows, and `raw.error()` has the reason.
        raw.set_onerror(None);
        Ok(Self { inner, raw, puts: RefCell::default() })
    }

    /// The value at `key`.
    pub(super) async fn get<K: TryToJs>(&self, table: Table, key: K) -> Result<Option<JsValue>, StoreFailure> {
        let store = self.inner.object_store(table.name()).map_err(failure)?;
        let request = store.get::<JsValue, K, _>(KeyRange::Only(key)).primitive().map_err(failure)?;
        request.await.map_err(failure)
    }

    /// At most `limit` values of the range, keys rising.
    pub(super) async fn get_all(
        &self,
        table: Table,
        range: KeyRange<f64>,
        limit: u32,
    ) -> Result<Vec<JsValue>, StoreFailure> {
        let store = self.inner.object_store(table.name()).map_err(failure)?;
        let request =
            store.get_all::<JsValue>().with_query::<f64, _>(range).with_limit(limit).primitive().map_err(failure)?;
        request.await.map_err(failure)?.collect::<Result<_, _>>().map_err(failure)
    }

    /// At most `limit` keys of the range, rising.
    pub(super) async fn keys(&self, table: Table, range: KeyRange<f64>, limit: u32) -> Result<Vec<f64>, StoreFailure> {
        let store = self.inner.object_store(table.name()).map_err(failure)?;
        let request =
            store.get_all_keys::<f64>().with_query::<f64, _>(range).with_limit(limit).primitive().map_err(failure)?;
        request.await.map_err(failure)?.collect::<Result<_, _>>().map_err(failure)
    }

    /// The greatest key of the range.
    pub(super) async fn last_key(&self, table: Table, range: KeyRange<f64>) -> Result<Option<f64>, StoreFailure> {
        let store = self.inner.object_store(table.name()).map_err(failure)?;
        let cursor = store
            .open_key_cursor()
            .with_query::<f64, _>(range)
            .with_direction(CursorDirection::Prev)
            .primitive()
            .map_err(failure)?
            .await
            .map_err(failure)?;
        match cursor {
            Some(cursor) => cursor.primary_key::<f64>().map_err(failure),
            None => Ok(None),
        }
    }

    /// Writes `value` at `key`. A failure is reported here, at a later put, or at the commit.
    pub(super) async fn put<K: TryToJs>(&self, table: Table, key: K, value: JsValue) -> Result<(), StoreFailure> {
        let request = {
            let store = self.inner.object_store(table.name()).map_err(failure)?;
            store.put(value).with_key(key).without_key_type().primitive().map_err(failure)?
        };
        self.await_later(request).await
    }

    /// Removes all rows of the range.
    pub(super) async fn delete(&self, table: Table, range: KeyRange<f64>) -> Result<(), StoreFailure> {
        let request = {
            let store = self.inner.object_store(table.name()).map_err(failure)?;
            store.delete::<f64, _>(range).primitive().map_err(failure)?
        };
        self.await_later(request).await
    }

    /// Empties a table.
    pub(super) async fn clear(&self, table: Table) -> Result<(), StoreFailure> {
        let request = {
            let store = self.inner.object_store(table.name()).map_err(failure)?;
            store.clear().map_err(failure)?
        };
        self.await_later(request).await
    }

    /// Makes all writes durable, or returns why nothing was written.
    pub(super) async fn commit(self) -> Result<(), StoreFailure> {
        let Self { inner, raw, puts: _ } = self;
        // The puts need not be awaited: a failed put aborts the transaction, and `raw` has the reason.
        inner.commit().await.map_err(|error| match raw.error() {
            Some(reason) => dom_failure(&reason),
            None => failure(error),
        })
    }

    async fn await_later(&self, request: VoidRequest) -> Result<(), StoreFailure> {
        let oldest = {
            let mut puts = self.puts.borrow_mut();
            puts.push_back(request);
            if puts.len() > PUTS_IN_FLIGHT_MAX { puts.pop_front() } else { None }
        };
        match oldest {
            Some(oldest) => oldest.await.map_err(failure),
            None => Ok(()),
        }
    }
}
