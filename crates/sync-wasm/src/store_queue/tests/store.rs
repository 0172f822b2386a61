//! A store in memory whose operations end when the test allows it, and whose connection can be lost at any moment.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    task::{Context, Poll},
};

use alloy_primitives::B256;
use bytes::Bytes;
use futures::channel::oneshot;
use header_rules::range::{BlockNumber, BlockRange};
use header_store::{AuditStep, HeaderStore, MemoryStore, StoreOpening};
use sync_core::{Checkpoint, etl::HeaderBatch, fault::StoreFailure};

use crate::store_queue::{ReopenFailure, SyncStore, audit::AuditPlace};

/// State of all handles: the data, as on a disk, and the gates.
#[derive(Default)]
pub(super) struct Disk {
    pub data: RefCell<MemoryStore>,
    pub place: Cell<Option<AuditPlace>>,
    /// Waiting operations, in order of arrival.
    gates: RefCell<Vec<oneshot::Sender<()>>>,
    /// Rises with each connection; an operation of an older one can change nothing any more.
    connection: Cell<u32>,
    lost: Cell<bool>,
    /// Number of next operations that fail.
    pub failures: Cell<u32>,
    /// Numbers written and not removed, and the checkpoint: a separate record, to check the data.
    written: RefCell<BTreeSet<BlockNumber>>,
    checkpoint: RefCell<Option<Checkpoint>>,
}

impl Disk {
    pub(super) fn waits(&self) -> bool {
        !self.gates.borrow().is_empty()
    }

    /// Releases the operation that waits longest: to its change of the data, or to its end.
    pub(super) fn let_on(&self) {
        let mut gates = self.gates.borrow_mut();
        if !gates.is_empty() {
            // The waiting operation may have been dropped.
            let _ = gates.remove(0).send(());
        }
    }

    /// The data existed before the session.
    pub(super) fn holds(&self, checkpoint: Option<Checkpoint>) {
        let mut written = self.written.borrow_mut();
        written.clear();
        let runs = checkpoint.iter().flat_map(|checkpoint| &checkpoint.subchains);
        runs.for_each(|run| written.extend(run.tail..=run.head));
        *self.checkpoint.borrow_mut() = checkpoint;
    }

    /// Checks that each number that the checkpoint covers was written and not removed since.
    pub(super) fn check(&self) {
        let (written, checkpoint) = (self.written.borrow(), self.checkpoint.borrow());
        for run in checkpoint.iter().flat_map(|checkpoint| &checkpoint.subchains) {
            let hole = (run.tail..=run.head).find(|number| !written.contains(number));
            assert_eq!(hole, None, "called stored: {checkpoint:?}");
        }
    }

    /// The browser closes the connection; with `everything`, it has removed the data.
    pub(super) fn lose(&self, everything: bool) {
        if everything {
            *self.data.borrow_mut() = MemoryStore::new();
            self.holds(None);
            self.place.set(None);
        }
        self.connection.set(self.connection.get() + 1);
        self.lost.set(true);
        // As in the browser: running operations end, with an error.
        for gate in self.gates.borrow_mut().drain(..) {
            let _ = gate.send(());
        }
    }
}

/// A handle of the store.
#[derive(Clone)]
pub(super) struct TestStore(pub Rc<Disk>);

impl TestStore {
    /// Waits at a gate before the change of the data, and at one before the outcome is returned.
    async fn gated<T>(&self, change: impl AsyncFnOnce(&Disk) -> Result<T, StoreFailure>) -> Result<T, StoreFailure> {
        let closed = || StoreFailure::Other("closed".into());
        if self.0.lost.get() {
            return Err(closed());
        }
        let connection = self.0.connection.get();
        self.gate().await;
        if self.0.connection.get() != connection {
            return Err(closed());
        }
        if let Some(left) = self.0.failures.get().checked_sub(1) {
            self.0.failures.set(left);
            return Err(StoreFailure::Other("this one fails".into()));
        }
        let outcome = change(&self.0).await;
        // At once: a later operation may hide an error of this one.
        self.0.check();
        self.gate().await;
        outcome
    }

    async fn gate(&self) {
        let (open, gate) = oneshot::channel();
        self.0.gates.borrow_mut().push(open);
        // Dropped with the disk.
        let _ = gate.await;
    }
}

#[allow(clippy::await_holding_refcell_ref, reason = "the futures of a store in memory are ready at once")]
impl HeaderStore for TestStore {
    async fn open(&mut self) -> Result<StoreOpening, StoreFailure> {
        self.gated(async |disk| {
            let opening = disk.data.borrow_mut().open().await?;
            disk.holds(opening.checkpoint.clone());
            Ok(opening)
        })
        .await
    }

    async fn persist(&mut self, batch: &HeaderBatch) -> Result<(), StoreFailure> {
        self.gated(async |disk| {
            disk.written.borrow_mut().extend(batch.range().first()..=batch.range().last());
            *disk.checkpoint.borrow_mut() = Some(batch.checkpoint().clone());
            disk.data.borrow_mut().persist(batch).await
        })
        .await
    }

    async fn unwind(&mut self, to: BlockNumber, checkpoint: &Checkpoint) -> Result<(), StoreFailure> {
        self.gated(async |disk| {
            disk.written.borrow_mut().retain(|number| *number <= to || checkpoint.covers(*number));
            *disk.checkpoint.borrow_mut() = Some(checkpoint.clone());
            disk.data.borrow_mut().unwind(to, checkpoint).await
        })
        .await
    }

    async fn header_by_number(&self, number: BlockNumber) -> Result<Option<Bytes>, StoreFailure> {
        self.gated(async |disk| disk.data.borrow().header_by_number(number).await).await
    }

    async fn header_by_hash(&self, hash: B256) -> Result<Option<(BlockNumber, Bytes)>, StoreFailure> {
        self.gated(async |disk| disk.data.borrow().header_by_hash(hash).await).await
    }

    async fn headers(&self, range: BlockRange) -> Result<Vec<(BlockNumber, Bytes)>, StoreFailure> {
        self.gated(async |disk| disk.data.borrow().headers(range).await).await
    }

    async fn audit(&mut self, from: BlockNumber) -> Result<AuditStep, StoreFailure> {
        self.gated(async |disk| {
            let step = disk.data.borrow_mut().audit(from).await?;
            if let AuditStep::Dropped { range, checkpoint, .. } = &step {
                disk.written.borrow_mut().retain(|number| !range.contains(*number));
                *disk.checkpoint.borrow_mut() = Some(checkpoint.clone());
            }
            Ok(step)
        })
        .await
    }

    async fn clear(&mut self) -> Result<(), StoreFailure> {
        self.gated(async |disk| {
            disk.place.set(None);
            disk.holds(None);
            disk.data.borrow_mut().clear().await
        })
        .await
    }
}

impl SyncStore for TestStore {
    fn poll_lost(&self, _: &mut Context<'_>) -> Poll<()> {
        // The test polls again after each of its steps.
        if self.0.lost.get() { Poll::Ready(()) } else { Poll::Pending }
    }

    async fn reopen(&mut self) -> Result<StoreOpening, ReopenFailure> {
        self.0.lost.set(false);
        let opening = self.open().await;
        if opening.is_err() {
            self.0.lost.set(true);
        }
        opening.map_err(ReopenFailure::Passing)
    }

    async fn audit_place(&self) -> Result<Option<AuditPlace>, StoreFailure> {
        self.gated(async |disk| Ok(disk.place.get())).await
    }

    async fn keep_audit_place(&mut self, place: AuditPlace) -> Result<(), StoreFailure> {
        self.gated(async |disk| {
            disk.place.set(Some(place));
            Ok(())
        })
        .await
    }
}
