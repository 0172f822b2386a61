//! The queue in front of the store: writes, and the machine's look-ups between them, happen one after the other, each in its
//! own task, while the download goes on.
//!
//! One at a time, because each batch carries the checkpoint that holds after all before it. What waits is bounded by the
//! machine ([`SyncConfig::batches_in_flight_max`](sync_core::SyncConfig)); an audit is only begun when nothing waits.
//! When the machine is made anew, what waits is thrown away ([`WriteQueue::forget`]): its checkpoints speak of a store
//! that is no more.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, channel::oneshot};
use sync_core::{
    Checkpoint,
    etl::HeaderBatch,
    fault::StoreFailure,
    id::{BatchId, LookupId},
    range::BlockNumber,
    store::{AuditStep, HeaderStore, stored_headers},
};
use wasm_bindgen_futures::spawn_local;

use crate::{clock, store::IdbStore};

/// One write.
#[derive(Debug)]
pub enum Write {
    /// Headers, index and checkpoint.
    Persist(HeaderBatch),
    /// Headers that the machine compares with; no write, but in order with them.
    Lookup {
        /// Comes back with the answer.
        id: LookupId,
        /// Which.
        numbers: Vec<BlockNumber>,
    },
    /// Everything above `to` goes that the checkpoint does not speak of.
    Unwind {
        /// Highest block kept below.
        to: BlockNumber,
        /// What holds afterwards.
        checkpoint: Checkpoint,
    },
    /// One segment is checked, and dropped when it is damaged.
    Audit {
        /// Where.
        from: BlockNumber,
    },
    /// Everything goes.
    Clear,
}

/// What became of it.
#[derive(Debug)]
pub enum Written {
    /// Of `Persist`.
    Persisted {
        /// Which.
        batch: BatchId,
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
        /// Milliseconds from the beginning to durable.
        millis: f64,
    },
    /// Of `Lookup`.
    Found {
        /// Which.
        id: LookupId,
        /// Number and RLP; `None` for what is not stored.
        headers: Vec<(BlockNumber, Option<Bytes>)>,
    },
    /// Of `Unwind`.
    Unwound {
        /// Highest block kept.
        to: BlockNumber,
        /// For another try.
        checkpoint: Checkpoint,
        /// Done, or why not.
        outcome: Result<(), StoreFailure>,
    },
    /// Of `Audit`.
    Audited(Result<AuditStep, StoreFailure>),
    /// Of `Clear`; the checkpoint is what holds when it failed.
    Cleared {
        /// Done, or why not.
        outcome: Result<(), StoreFailure>,
        /// What is stored now.
        checkpoint: Option<Checkpoint>,
    },
}

/// Writes that wait, and the one that is under way.
pub struct WriteQueue {
    store: IdbStore,
    waiting: VecDeque<Write>,
    running: Option<Running>,
}

struct Running {
    done: oneshot::Receiver<Written>,
    /// Its outcome still concerns somebody.
    wanted: bool,
}

impl WriteQueue {
    /// An empty queue.
    pub fn new(store: IdbStore) -> Self {
        Self { store, waiting: VecDeque::new(), running: None }
    }

    /// Appends a write, and begins it if nothing else is under way.
    pub fn push(&mut self, write: Write) {
        self.waiting.push_back(write);
        self.begin();
    }

    /// Is nothing waiting or under way?
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_none()
    }

    /// Another tab upgraded or deleted the database: nothing can be written or read any more.
    pub fn store_is_gone(&self) -> bool {
        self.store.has_let_go()
    }

    /// Throws away what waits.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Throws away what waits; what is under way ends unheard.
    pub fn forget(&mut self) {
        self.waiting.clear();
        if let Some(running) = &mut self.running {
            running.wanted = false;
        }
    }

    /// The next outcome, in order.
    pub fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Written> {
        loop {
            let Some(running) = &mut self.running else { return Poll::Pending };
            let Poll::Ready(written) = Pin::new(&mut running.done).poll_unpin(context) else { return Poll::Pending };
            let wanted = running.wanted;
            self.running = None;
            self.begin();
            // A write's task always ends with an outcome.
            if let (Ok(written), true) = (written, wanted) {
                return Poll::Ready(written);
            }
        }
    }

    fn begin(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(write) = self.waiting.pop_front() else { return };
        let (end, done) = oneshot::channel();
        let store = self.store.clone();
        spawn_local(async move {
            let written = run(store, write).await;
            // The driver may have ended.
            let _ = end.send(written);
        });
        self.running = Some(Running { done, wanted: true });
    }
}

async fn run(mut store: IdbStore, write: Write) -> Written {
    match write {
        Write::Persist(batch) => {
            let begun = clock::now_ms();
            let outcome = store.persist(&batch).await;
            Written::Persisted { batch: batch.id(), outcome, millis: clock::now_ms() - begun }
        }
        Write::Lookup { id, numbers } => Written::Found { id, headers: stored_headers(&store, &numbers).await },
        Write::Unwind { to, checkpoint } => {
            let outcome = store.unwind(to, &checkpoint).await;
            Written::Unwound { to, checkpoint, outcome }
        }
        Write::Audit { from } => Written::Audited(store.audit(from).await),
        Write::Clear => match store.clear().await {
            Ok(()) => Written::Cleared { outcome: Ok(()), checkpoint: None },
            Err(failure) => {
                let checkpoint = store.open().await.ok().and_then(|opening| opening.checkpoint);
                Written::Cleared { outcome: Err(failure), checkpoint }
            }
        },
    }
}
