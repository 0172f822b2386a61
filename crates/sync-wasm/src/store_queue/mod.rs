//! The queue in front of the store. Store operations run one after the other, each in its own task, while the download
//! continues.
//!
//! ```text
//!   Free --push--> Running --ends--> Ended --settle--> Free, or the next operation
//! ```
//!
//! The next operation begins only after the outcome of the last one was handled ([`StoreQueue::settle`]): a batch
//! carries the store's checkpoint as of its creation, and the outcome of an audit or an unwind may have invalidated
//! that checkpoint. When the machine is recreated, waiting operations are dropped ([`StoreQueue::forget`]).
//!
//! This module does not depend on a browser: the store, the spawner and the clock are injected, so that a test can end
//! an operation at any moment ([`control`] handles the outcomes).

pub mod audit;
pub mod control;
pub mod news;
mod op;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};
use header_store::{HeaderStore, StoreOpening, stored_headers};
use sync_core::{fault::StoreFailure, time::Instant};

pub use self::op::{AuditPlace, ReopenFailure, StoreOp, StoreResult};

/// Most waiting operations: the machine has one batch, one unwind and one look-up outstanding at a time, the control
/// one operation of its own. The rest is room for a host that polls slowly.
pub const OPS_WAITING_MAX: usize = 16;

/// Store functions that the sync needs beside [`HeaderStore`]. Clones are handles of the same store.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait SyncStore: HeaderStore + Clone + 'static {
    /// Ready when the connection is lost: every operation fails until [`SyncStore::reopen`] succeeded.
    fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Connects again and opens the store as [`HeaderStore::open`] does.
    async fn reopen(&mut self) -> Result<StoreOpening, ReopenFailure>;

    /// Position of the background audit in an earlier session. `None`: begin at the top.
    async fn audit_place(&self) -> Result<Option<AuditPlace>, StoreFailure>;

    /// Stores the position of the background audit.
    async fn keep_audit_place(&mut self, place: AuditPlace) -> Result<(), StoreFailure>;
}

/// An operation that ended.
#[derive(Debug)]
pub struct Ended {
    /// Outcome, with the data of the operation.
    pub result: StoreResult,
    /// Time that the operation ran.
    pub took: Duration,
}

/// Services of the host.
#[derive(Clone)]
pub struct QueueHost {
    /// Runs a task to its end, concurrently with the caller.
    pub spawn: Rc<dyn Fn(LocalBoxFuture<'static, ()>)>,
    /// The host's clock.
    pub now: fn() -> Instant,
}

/// The waiting operations and the running one.
pub struct StoreQueue<S> {
    store: S,
    host: QueueHost,
    waiting: VecDeque<StoreOp>,
    slot: Slot,
}

enum Slot {
    Free,
    Running {
        done: oneshot::Receiver<StoreResult>,
        begun: Instant,
        of_machine: bool,
        /// `false`: the outcome is no longer needed.
        wanted: bool,
    },
    /// The outcome was returned and is not handled yet.
    Ended,
}

impl<S: SyncStore> StoreQueue<S> {
    /// An empty queue.
    pub fn new(store: S, host: QueueHost) -> Self {
        Self { store, host, waiting: VecDeque::new(), slot: Slot::Free }
    }

    /// The store behind it.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Appends an operation, and begins it if no other one runs or is still to be handled.
    pub fn push(&mut self, op: StoreOp) {
        debug_assert!(self.waiting.len() < OPS_WAITING_MAX, "one operation of each kind at a time");
        self.waiting.push_back(op);
        self.begin();
    }

    /// Operations that wait behind the running one.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// No operation waits, runs or is still to be handled.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.slot, Slot::Free)
    }

    /// Drops waiting operations. The running one ends before the next begins, and its outcome is dropped.
    pub fn forget(&mut self) {
        self.waiting.clear();
        if let Slot::Running { wanted, .. } = &mut self.slot {
            *wanted = false;
        }
    }

    /// The machine was recreated: drops the operations of the machine before it. An audit step stays: headers that it
    /// drops concern the next machine as well.
    pub fn forget_machine(&mut self) {
        self.waiting.retain(|op| !op.is_of_machine());
        if let Slot::Running { wanted, of_machine, .. } = &mut self.slot {
            *wanted &= !*of_machine;
        }
    }

    /// Drops waiting operations and does not wait for the running one: its connection is closed, it can change nothing
    /// any more.
    pub fn abandon(&mut self) {
        self.waiting.clear();
        self.slot = Slot::Free;
    }

    /// The next outcome, in order. The caller handles it, then calls [`StoreQueue::settle`].
    ///
    /// # Panics
    ///
    /// If the last outcome was not settled.
    pub fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        loop {
            let (result, took, wanted) = match &mut self.slot {
                Slot::Free => return Poll::Pending,
                Slot::Ended => panic!("an outcome is handled before the next is asked for"),
                Slot::Running { done, begun, wanted, .. } => {
                    let Poll::Ready(result) = Pin::new(done).poll_unpin(context) else { return Poll::Pending };
                    (result, (self.host.now)().saturating_since(*begun), *wanted)
                }
            };
            // The task of an operation always ends with a result.
            if let (Ok(result), true) = (result, wanted) {
                self.slot = Slot::Ended;
                return Poll::Ready(Ended { result, took });
            }
            self.slot = Slot::Free;
            self.begin();
        }
    }

    /// The outcome was handled: the next operation may begin.
    pub fn settle(&mut self) {
        if matches!(self.slot, Slot::Ended) {
            self.slot = Slot::Free;
        }
        self.begin();
    }

    /// Ready when no operation runs; begins no new one.
    pub fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.forget();
        if matches!(self.slot, Slot::Ended) {
            self.slot = Slot::Free;
        }
        // A result that is no longer needed frees the slot.
        let _ = self.poll_ended(context).is_pending();
        if self.is_idle() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn begin(&mut self) {
        if !matches!(self.slot, Slot::Free) {
            return;
        }
        let Some(op) = self.waiting.pop_front() else { return };
        let (end, done) = oneshot::channel();
        let store = self.store.clone();
        let of_machine = op.is_of_machine();
        self.slot = Slot::Running { done, begun: (self.host.now)(), of_machine, wanted: true };
        (self.host.spawn)(Box::pin(async move {
            let result = run(store, op).await;
            // The queue may have been dropped.
            let _ = end.send(result);
        }));
    }
}

async fn run<S: SyncStore>(mut store: S, op: StoreOp) -> StoreResult {
    match op {
        StoreOp::Persist(batch) => {
            let outcome = store.persist(&batch).await;
            StoreResult::Persisted { batch: batch.id(), checkpoint: batch.checkpoint().clone(), outcome }
        }
        StoreOp::Lookup { id, numbers } => StoreResult::Found { id, headers: stored_headers(&store, &numbers).await },
        StoreOp::Unwind { to, checkpoint } => {
            let outcome = store.unwind(to, &checkpoint).await;
            StoreResult::Unwound { to, checkpoint, outcome }
        }
        StoreOp::Audit { from, purpose } => StoreResult::Audited { purpose, outcome: store.audit(from).await },
        StoreOp::ReadPlace => StoreResult::PlaceRead(store.audit_place().await),
        StoreOp::KeepPlace(place) => StoreResult::PlaceKept(store.keep_audit_place(place).await),
        StoreOp::Clear => match store.clear().await {
            Ok(()) => StoreResult::Cleared { outcome: Ok(()), left: StoreOpening::default() },
            Err(failure) => {
                let left = store.open().await.unwrap_or_default();
                StoreResult::Cleared { outcome: Err(failure), left }
            }
        },
        StoreOp::Reopen => StoreResult::Reopened(store.reopen().await),
    }
}
