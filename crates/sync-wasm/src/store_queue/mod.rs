//! The queue in front of the store. Store operations run one after the other, each in its own task, while the download
//! goes on.
//!
//! ```text
//!   Free --push--> Running --ends--> Ended --settle--> Free, or the next operation
//! ```
//!
//! The next operation begins only after the outcome of the one before was handled ([`StoreQueue::settle`]): a batch carries
//! the checkpoint of the store as it was when the batch was made, and the outcome of an audit or an unwind may have made
//! that checkpoint wrong. When the machine is made anew, what waits is dropped ([`StoreQueue::forget`]).
//!
//! Nothing here knows a browser: the store, the spawner and the clock are given, so that a test can end an operation at
//! any moment ([`control`] holds what follows from the outcomes).

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

/// Operations that wait at most: the machine has one batch, one unwind and one look-up out at a time, the control one
/// operation of its own. The rest is room for a host that is slow to poll.
pub const OPS_WAITING_MAX: usize = 16;

/// What the sync needs of a store beside [`HeaderStore`]. Clones are handles of the same store.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait SyncStore: HeaderStore + Clone + 'static {
    /// Ready when the connection is lost: every operation fails until [`SyncStore::reopen`] succeeded.
    fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Connects again and opens the store as [`HeaderStore::open`] does.
    async fn reopen(&mut self) -> Result<StoreOpening, ReopenFailure>;

    /// Where the background audit of an earlier session stood. `None`: begin at the top.
    async fn audit_place(&self) -> Result<Option<AuditPlace>, StoreFailure>;

    /// Stores where the background audit stands.
    async fn keep_audit_place(&mut self, place: AuditPlace) -> Result<(), StoreFailure>;
}

/// An operation that ended.
#[derive(Debug)]
pub struct Ended {
    /// Its outcome.
    pub result: StoreResult,
    /// Time from its beginning to its end.
    pub took: Duration,
}

/// What the queue needs of its host.
#[derive(Clone)]
pub struct QueueHost {
    /// Runs a task to its end, beside the caller.
    pub spawn: Rc<dyn Fn(LocalBoxFuture<'static, ()>)>,
    /// The host's clock.
    pub now: fn() -> Instant,
}

/// Operations that wait, and the one that runs.
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
        /// `false`: the outcome concerns nobody any more.
        wanted: bool,
    },
    /// The outcome was handed out and is not handled yet.
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

    /// Appends an operation, and begins it if no other one runs or waits to be handled.
    pub fn push(&mut self, op: StoreOp) {
        debug_assert!(self.waiting.len() < OPS_WAITING_MAX, "one operation of each kind at a time");
        self.waiting.push_back(op);
        self.begin();
    }

    /// Operations that wait behind the one that runs.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Nothing waits, runs or is to be handled.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.slot, Slot::Free)
    }

    /// Drops what waits; what runs ends before the next begins, and its outcome is dropped.
    pub fn forget(&mut self) {
        self.waiting.clear();
        if let Slot::Running { wanted, .. } = &mut self.slot {
            *wanted = false;
        }
    }

    /// The machine was made anew: what the one before asked for is dropped. A step of the audit stays: what it drops
    /// concerns the next machine as well.
    pub fn forget_machine(&mut self) {
        self.waiting.retain(|op| !op.is_of_machine());
        if let Slot::Running { wanted, of_machine, .. } = &mut self.slot {
            *wanted &= !*of_machine;
        }
    }

    /// Drops what waits and does not wait for what runs: its connection is closed, it can change nothing any more.
    pub fn abandon(&mut self) {
        self.waiting.clear();
        self.slot = Slot::Free;
    }

    /// The next outcome, in order. The caller handles it, then calls [`StoreQueue::settle`].
    ///
    /// # Panics
    ///
    /// If the outcome before was not settled.
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

    /// Runs until nothing is under way; nothing new is begun.
    pub fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.forget();
        if matches!(self.slot, Slot::Ended) {
            self.slot = Slot::Free;
        }
        // A result that nobody wants frees the slot.
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
