//! Headers in IndexedDB: packed segments, a hash index, the checkpoint.
//!
//! ```text
//! IdbStore            implements `HeaderStore`; write permission
//!   change  audit     whole writes; checks of stored headers
//!   snapshot          reads of the page: each call sees one moment
//!   segments  index   reads, verified when read
//!   peers  place      peer data and audit position, beside the headers
//!   transaction       bytes in and out, atomic, durable
//!   live  connection  open, lost, recreated
//!   rows  migrations  tables and keys; the schema and its versions
//! lock  fence         one writer over all tabs
//! follow  quota       broadcasts to other tabs, storage limits of the browser
//! ```
//!
//! A batch is one transaction: segments of 1,024 headers, index rows, checkpoint, `durability: 'strict'`. So the three
//! always agree, even if the tab crashes. A failed call changes nothing.
//!
//! Measured (Chromium 156, two busy cores, batches of 8,192 headers of 530 bytes, eight runs; `npm run bench` prints
//! `store_vs_limit`): 163 to 208 MB/s, 0.71 to 0.81 of a bare durable write of the same segments, prepared in
//! JavaScript. Of some 25 ms a batch, the browser's copy and compression of the segments take 17 (the bare write has
//! them too), packing and copying out of wasm memory 4, the durable commit 6, the index 1. In a store of a million
//! headers: open in 10 ms, a header by number in 4 ms, by hash in 8 ms, most of it the verification of its segment.
//!
//! Only a store that was [granted](IdbStore::grant) its [`WriteLock`] writes; every tab may read. Data is verified
//! before use (see the modules). Memory: one packed segment at a time in writes, four verified segments for reads, one
//! bucket of the index (under 1 MB) during a merge.

mod audit;
#[cfg(feature = "bench")]
pub mod bench;
mod browser;
mod change;
mod connection;
mod error;
mod fence;
mod follow;
mod index;
mod live;
mod lock;
mod migrations;
mod peers;
mod place;
mod quota;
mod rows;
mod segments;
mod snapshot;
mod transaction;

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use futures::future::{Either, select};
use header_rules::range::{BlockNumber, BlockRange};
use header_store::{AuditStep, HeaderStore, Segment, StoreOpening};
use sync_core::{
    checkpoint::{Checkpoint, Subchain},
    etl::HeaderBatch,
    fault::StoreFailure,
};

use self::{
    audit::Finding,
    connection::Connection,
    fence::Fence,
    index::{IndexState, NUMBER_MAX},
    rows::{HEADER_TABLES, META_CHECKPOINT, TABLES, Table, bytes_of},
    segments::SegmentCache,
    transaction::Tx,
};

pub use self::{
    error::OpenError,
    follow::ProgressChannel,
    index::IndexShape,
    lock::{Acquired, LockError, LockLost, LockWait, WriteLock},
    migrations::{OPEN_WAIT_MAX, Version},
    quota::{StorageQuota, storage_quota},
};

use crate::clock;

/// Longest wait for the first, small read of an opened database: it may queue behind a transaction of a frozen tab.
pub const FIRST_READ_MAX: Duration = Duration::from_secs(20);

/// Longest time that [`HeaderStore::open`] searches for more damage once it has found any: then the disk is bad. Damage
/// found in this time is excluded before the sync reports how much is stored. The audit finds the rest.
pub const OPEN_AUDIT_MAX: Duration = Duration::from_secs(2);

/// A store of headers in the IndexedDB database of this name. A handle: clones share the store, so that look-ups run
/// beside the writes. The connection is closed with the last clone.
#[derive(Clone, Debug)]
pub struct IdbStore(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    connection: RefCell<Rc<Connection>>,
    lock: RefCell<Option<WriteLock>>,
    fence: Fence,
    cache: SegmentCache,
    shape: IndexShape,
    /// The index state after our own last write; no other tab writes.
    index: Cell<Option<IndexState>>,
    /// While the audit rebuilds the index: the number at which its next step must begin.
    rebuild_next: Cell<Option<BlockNumber>>,
}

/// The stored checkpoint.
enum Stored {
    Nothing,
    Garbage,
    Sound(Checkpoint),
}

impl IdbStore {
    /// Connects to the database `name`; creates or upgrades it where needed. The store is read-only until it is
    /// [granted](Self::grant) the lock.
    pub async fn connect(name: &str) -> Result<Self, OpenError> {
        Self::connect_with(name, IndexShape::SHIPPED).await
    }

    /// The same with another index shape. It reads rows of any shape.
    pub async fn connect_with(name: &str, shape: IndexShape) -> Result<Self, OpenError> {
        let connection = RefCell::new(Rc::new(migrations::connect(name).await?));
        Ok(Self(Rc::new(Shared {
            name: name.into(),
            connection,
            lock: RefCell::default(),
            fence: Fence::default(),
            cache: SegmentCache::default(),
            shape,
            index: Cell::default(),
            rebuild_next: Cell::default(),
        })))
    }

    /// Name of the database, of its lock and of its progress channel.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Makes this store the writer. The lock must be that of [`IdbStore::name`]. Earlier reads belong to another
    /// writer: call [`HeaderStore::open`] next.
    pub fn grant(&mut self, lock: WriteLock) {
        self.0.forget();
        self.0.fence.grant();
        self.0.lock.replace(Some(lock));
    }

    /// Releases the lock to the next tab in line; this store is then read-only.
    pub fn release(&mut self) {
        self.0.forget();
        self.0.lock.take();
    }

    /// Does this store hold its lock?
    pub fn is_writer(&self) -> bool {
        self.0.lock.borrow().as_ref().is_some_and(WriteLock::is_held)
    }

    /// The stored checkpoint: the writer's progress, seen from any tab. `None` for an empty store or an undecodable
    /// checkpoint. Costs one small read.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreFailure> {
        Ok(match self.stored().await? {
            Stored::Sound(checkpoint) => Some(checkpoint),
            Stored::Nothing | Stored::Garbage => None,
        })
    }

    async fn stored(&self) -> Result<Stored, StoreFailure> {
        let connection = self.live().await?;
        let tx = Tx::read(&connection, &[Table::Meta])?;
        let read = within(FIRST_READ_MAX, tx.get(Table::Meta, META_CHECKPOINT)).await?;
        let Some(value) = read? else { return Ok(Stored::Nothing) };
        let checkpoint = bytes_of(value).as_deref().and_then(Checkpoint::decode);
        Ok(checkpoint.map_or(Stored::Garbage, Stored::Sound))
    }

    /// Verified segments that may be served again without a read: only if no other tab writes.
    fn cache(&self) -> Option<&SegmentCache> {
        self.is_writer().then_some(&self.0.cache)
    }

    /// Removes the lost part of `run`, and stores the checkpoint without it, if this store may write. Returns the
    /// removed range and that checkpoint.
    async fn drop_damaged(
        &self,
        checkpoint: &Checkpoint,
        run: &Subchain,
        hole: BlockRange,
        records: BlockRange,
    ) -> Result<(BlockRange, Checkpoint), StoreFailure> {
        let connection = self.live().await?;
        let hole = audit::widen(&connection, run, hole).await?;
        let carved = hole.carve(checkpoint);
        if self.is_writer() {
            change::shrink(&connection, &self.0.fence, &self.0.cache, Some(checkpoint), &carved, &[records]).await?;
        }
        Ok((hole.range, carved))
    }

    /// Writes the index rows of an audited segment again, if the index needs a rebuild. The rebuild is complete once
    /// one audit has walked from the newest head to the lowest tail without a gap.
    async fn rebuild_index(
        &self,
        checkpoint: &Checkpoint,
        from: BlockNumber,
        part: BlockRange,
        segment: &Segment,
    ) -> Result<(), StoreFailure> {
        let connection = self.live().await?;
        let tx = Tx::read(&connection, &[Table::Meta])?;
        if IndexState::load(&tx).await?.is_some_and(|state| !state.rebuild) {
            return Ok(());
        }
        drop(tx);
        let begins = checkpoint.newest().is_some_and(|newest| newest.head <= from);
        if !begins && self.0.rebuild_next.get() != Some(from) {
            return Ok(());
        }
        let next = part.first().checked_sub(1);
        let is_last = next.is_none_or(|next| !checkpoint.subchains.iter().any(|run| run.tail <= next));
        self.0.index.set(None);
        change::reindex(&connection, &self.0.fence, self.0.shape, checkpoint, part, segment, is_last).await?;
        self.0.rebuild_next.set(next);
        Ok(())
    }
}

impl Shared {
    /// Drops cached data: another tab may have written since.
    fn forget(&self) {
        self.cache.forget();
        self.index.set(None);
    }

    async fn clear(&self, connection: &Connection, tables: &[Table]) -> Result<(), StoreFailure> {
        self.index.set(None);
        change::clear(connection, &self.fence, &self.cache, tables).await
    }
}

/// The subchain that holds `number`, or the next one below it.
fn run_at_or_below(checkpoint: &Checkpoint, number: BlockNumber) -> Option<&Subchain> {
    checkpoint.subchains.iter().find(|run| run.tail <= number)
}

/// Waits for a read, at most `limit`.
async fn within<T>(limit: Duration, read: impl Future<Output = T>) -> Result<T, StoreFailure> {
    match select(pin!(read), clock::sleep(limit)).await {
        Either::Left((read, _)) => Ok(read),
        Either::Right(_) => {
            let seconds = limit.as_secs();
            Err(StoreFailure::Other(format!("no answer within {seconds} seconds; another tab may hold the database")))
        }
    }
}

impl HeaderStore for IdbStore {
    /// As the trait says. A read-only store removes nothing; it reports what the writer would remove.
    async fn open(&mut self) -> Result<StoreOpening, StoreFailure> {
        if self.is_lost() {
            // Lost while the store was read-only, or before the loss was noticed.
            self.reconnect().await?;
        }
        self.0.forget();
        self.0.rebuild_next.set(None);
        if self.is_writer() {
            self.0.fence.claim(&*self.live().await?).await?;
        }
        let mut checkpoint = match self.stored().await? {
            Stored::Sound(checkpoint) => checkpoint,
            Stored::Nothing => return Ok(StoreOpening::default()),
            Stored::Garbage => {
                // Without a checkpoint the headers belong to no known chain. The peer data stays.
                if self.is_writer() {
                    self.0.clear(&*self.live().await?, &HEADER_TABLES).await?;
                }
                return Ok(StoreOpening::default());
            }
        };
        let mut dropped = Vec::new();
        let connection = self.live().await?;
        for hole in audit::without_record(&connection, &checkpoint).await? {
            // An earlier hole may have been widened over this one, or have used up the subchains of a checkpoint.
            let Some(run) = checkpoint.run_at(hole.first()).copied() else { continue };
            let (hole, carved) = self.drop_damaged(&checkpoint, &run, hole, hole).await?;
            checkpoint = carved;
            dropped.push(hole);
        }
        let begun = clock::now();
        let mut next = checkpoint.newest().map(|newest| newest.head);
        while let Some((from, run)) = next.and_then(|from| Some((from, *run_at_or_below(&checkpoint, from)?))) {
            next = match audit::judge(&connection, &run, run.head.min(from)).await? {
                Finding::Sound { part, .. } => part.first().checked_sub(1),
                Finding::Damaged { hole, records } => {
                    let (hole, carved) = self.drop_damaged(&checkpoint, &run, hole, records).await?;
                    checkpoint = carved;
                    dropped.push(hole);
                    hole.first().checked_sub(1)
                }
            };
            if dropped.is_empty() || clock::now().saturating_since(begun) >= OPEN_AUDIT_MAX {
                break;
            }
        }
        Ok(StoreOpening { checkpoint: Some(checkpoint), dropped })
    }

    async fn persist(&mut self, batch: &HeaderBatch) -> Result<(), StoreFailure> {
        self.writable()?;
        change::persist(&*self.live().await?, &self.0.fence, &self.0.cache, self.0.shape, &self.0.index, batch).await
    }

    async fn unwind(&mut self, to: BlockNumber, checkpoint: &Checkpoint) -> Result<(), StoreFailure> {
        self.writable()?;
        let before = self.checkpoint().await?;
        // The new chain of a reorg may be stored above: headers that the checkpoint covers stay.
        let above = BlockRange::new(to.saturating_add(1), NUMBER_MAX);
        let gone = above.map(|above| checkpoint.missing_in(above)).unwrap_or_default();
        change::shrink(&*self.live().await?, &self.0.fence, &self.0.cache, before.as_ref(), checkpoint, &gone).await
    }

    async fn header_by_number(&self, number: BlockNumber) -> Result<Option<Bytes>, StoreFailure> {
        if number > NUMBER_MAX {
            return Ok(None);
        }
        let segment = segments::proven(&*self.live().await?, self.cache(), number).await?;
        Ok(segment.and_then(|segment| segment.header(number)))
    }

    async fn header_by_hash(&self, hash: B256) -> Result<Option<(BlockNumber, Bytes)>, StoreFailure> {
        let connection = self.live().await?;
        let tx = Tx::read(&connection, &[Table::Index])?;
        let candidates = index::candidates(&tx, hash).await?;
        drop(tx);
        for number in candidates.numbers {
            match self.header_by_number(number).await? {
                Some(rlp) if keccak256(&rlp) == hash => return Ok(Some((number, rlp))),
                // Stale, or another hash with the same first bytes.
                Some(_) | None => {}
            }
        }
        if candidates.damaged {
            return Err(StoreFailure::Damaged("a row of the hash index".into()));
        }
        Ok(None)
    }

    async fn headers(&self, range: BlockRange) -> Result<Vec<(BlockNumber, Bytes)>, StoreFailure> {
        let Some(range) = BlockRange::new(range.first(), range.last().min(NUMBER_MAX)) else { return Ok(Vec::new()) };
        let connection = self.live().await?;
        let mut segment = segments::proven(&connection, self.cache(), range.first()).await?;
        if segment.is_none()
            && let Some(first) = segments::first_key(&connection, range).await?
        {
            segment = segments::proven(&connection, self.cache(), first).await?;
        }
        let Some(segment) = segment else { return Ok(Vec::new()) };
        Ok(segment.headers().filter(|(number, _)| range.contains(*number)).collect())
    }

    async fn audit(&mut self, from: BlockNumber) -> Result<AuditStep, StoreFailure> {
        self.writable()?;
        let Stored::Sound(checkpoint) = self.stored().await? else { return Ok(AuditStep::Sound { next: None }) };
        let Some(run) = run_at_or_below(&checkpoint, from).copied() else {
            return Ok(AuditStep::Sound { next: None });
        };
        match audit::judge(&*self.live().await?, &run, run.head.min(from)).await? {
            Finding::Sound { part, segment } => {
                self.rebuild_index(&checkpoint, from, part, &segment).await?;
                Ok(AuditStep::Sound { next: part.first().checked_sub(1) })
            }
            Finding::Damaged { hole, records } => {
                let (hole, checkpoint) = self.drop_damaged(&checkpoint, &run, hole, records).await?;
                let next = hole.first().checked_sub(1);
                if self.0.rebuild_next.get() == Some(from) {
                    self.0.rebuild_next.set(next);
                }
                Ok(AuditStep::Dropped { range: hole, checkpoint, next })
            }
        }
    }

    async fn clear(&mut self) -> Result<(), StoreFailure> {
        self.writable()?;
        self.0.clear(&*self.live().await?, &TABLES).await
    }
}
