//! [`StoreQueue`]: batches, unwinds and lookups on their way to the store, one at a time.
//!
//! ```text
//!   push --> collected --cut--> waiting --poll--> persisting --persisted--> durable
//!                                                     |  ^
//!                                               refused  retried after a pause that doubles
//!   unwind ------------------------> sent once no batch waits --unwound--> durable
//!   look_up -----------------------> only while nothing of the above is under way
//! ```
//!
//! A batch carries the checkpoint that holds once it is stored, which covers every batch before it. So batches are
//! handed out one after another, and a batch that the store refused is retried unchanged. An unwind waits for the
//! batches before it, and a lookup is sent only when neither is under way: its response agrees with the checkpoint.

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use bytes::Bytes;

use crate::{
    checkpoint::{Checkpoint, Subchain},
    etl::{Collector, HeaderBatch},
    fault::StoreFailure,
    follow::{Known, StoredHeaders},
    id::{BatchId, LookupId},
    io::Output,
    lineage::VerifiedHeaders,
    time::{Instant, doubled},
};
use header_rules::range::{BLOCK_NUMBER_END, BlockNumber};

/// The batch that was handed to the store.
#[derive(Debug)]
struct Persisting {
    /// Kept until it is durable.
    batch: HeaderBatch,
    /// When it is handed out again, after a refusal.
    retry_at: Option<Instant>,
    refusals: u32,
    /// Why it was refused, the last time.
    failure: Option<StoreFailure>,
}

/// An unwind that waits or is under way.
#[derive(Clone, Copy, Debug)]
struct Unwinding {
    /// Highest block kept below what is removed.
    to: BlockNumber,
    /// Was the store told?
    asked: bool,
}

/// Verified headers on their way to the store, and the checkpoint of the store. See the [module](self).
#[derive(Debug)]
pub struct StoreQueue {
    /// Headers in a window.
    window: u64,
    collector: Collector,
    waiting: VecDeque<HeaderBatch>,
    /// Bytes of the batches that are not durable.
    batch_bytes: u64,
    persisting: Option<Persisting>,
    unwinding: Option<Unwinding>,
    next_batch: u64,
    /// What holds once every batch that was cut is durable.
    pending: Checkpoint,
    /// What holds in the store.
    durable: Checkpoint,
    lookups: StoredHeaders,
}

impl StoreQueue {
    /// A queue for a store that holds what `checkpoint` says; it cuts batches at multiples of `window` headers.
    pub fn new(window: u64, checkpoint: Checkpoint) -> Self {
        debug_assert!(checkpoint.is_sound(), "a sync starts from an unsound checkpoint: {checkpoint:?}");
        Self {
            window,
            collector: Collector::new(window),
            waiting: VecDeque::new(),
            batch_bytes: 0,
            persisting: None,
            unwinding: None,
            next_batch: 0,
            durable: checkpoint.clone(),
            pending: checkpoint,
            lookups: StoredHeaders::default(),
        }
    }

    /// What holds once every batch that was cut is durable.
    pub fn pending(&self) -> &Checkpoint {
        &self.pending
    }

    /// What holds in the store.
    pub fn durable(&self) -> &Checkpoint {
        &self.durable
    }

    /// Batches cut and not yet durable.
    pub fn batches(&self) -> usize {
        self.waiting.len() + usize::from(self.persisting.is_some())
    }

    /// Headers in such batches.
    pub fn batched_headers(&self) -> u64 {
        let persisting = self.persisting.as_ref().map(|persisting| &persisting.batch);
        self.waiting.iter().chain(persisting).map(|batch| batch.range().len()).sum()
    }

    /// Verified headers in no batch yet.
    pub fn collected(&self) -> u64 {
        self.collector.len() as u64
    }

    /// Bytes of the headers in no batch yet.
    pub fn collected_bytes(&self) -> u64 {
        self.collector.bytes()
    }

    /// Bytes of all headers here.
    pub fn bytes(&self) -> u64 {
        self.collector.bytes() + self.batch_bytes
    }

    /// Is a window complete that no batch may be cut for, while `batches_max` are under way? Then verification waits.
    pub fn is_full(&self, batches_max: usize) -> bool {
        self.collected() >= self.window && self.batches() >= batches_max
    }

    /// Is a removal waiting or under way?
    pub fn is_unwinding(&self) -> bool {
        self.unwinding.is_some()
    }

    /// Is everything that was cut or removed durable?
    pub fn is_idle(&self) -> bool {
        self.batches() == 0 && !self.is_unwinding()
    }

    /// Is a lookup under way?
    pub fn is_looking_up(&self) -> bool {
        self.lookups.is_waiting()
    }

    /// The stored header with this number, as far as it was looked up.
    pub fn stored(&self, number: BlockNumber) -> Known<'_> {
        self.lookups.get(number)
    }

    /// Why the store refuses the batch that it has.
    pub fn failure(&self) -> Option<&StoreFailure> {
        self.persisting.as_ref().and_then(|persisting| persisting.failure.as_ref())
    }

    /// When the refused batch is handed out again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.persisting.as_ref().and_then(|persisting| persisting.retry_at)
    }

    /// Adds the next verified headers, falling.
    pub fn push(&mut self, verified: VerifiedHeaders) {
        self.collector.push(verified);
    }

    /// Drops the headers that are in no batch yet.
    pub fn clear_collected(&mut self) {
        self.collector.clear();
    }

    /// Cuts a batch: a complete window, or with `flush` whatever there is. `false` when there was none.
    pub fn cut(&mut self, flush: bool) -> bool {
        let id = BatchId(self.next_batch);
        let batch = if flush {
            self.collector.take_partial(id, &self.pending)
        } else {
            self.collector.take_batch(id, &self.pending)
        };
        let Some(batch) = batch else { return false };
        self.next_batch += 1;
        self.pending = batch.checkpoint().clone();
        debug_assert!(self.pending.is_sound(), "batch {} carries an unsound checkpoint", batch.range());
        self.batch_bytes += batch.bytes();
        self.waiting.push_back(batch);
        true
    }

    /// Sets the floor that the next checkpoints carry.
    pub fn set_floor(&mut self, floor: BlockNumber) {
        debug_assert!(floor <= BLOCK_NUMBER_END, "a floor of {floor}");
        self.pending.floor = floor;
    }

    /// Drops stored runs, or their upper parts, from the pending checkpoint: `keep` may shorten a run, and returns
    /// whether it stays. The store learns it with the next batch or unwind.
    pub fn retain_runs(&mut self, keep: impl FnMut(&mut Subchain) -> bool) {
        self.pending.subchains.retain_mut(keep);
        debug_assert!(self.pending.is_sound(), "the subchains that stay are out of order: {:?}", self.pending);
    }

    /// Drops the newest batches that the store does not have yet, while they hold numbers at or above `bottom`. Runs
    /// that reach that high are dropped, and unwound if the store has part of them.
    pub fn drop_above(&mut self, bottom: BlockNumber) {
        while self.waiting.back().is_some_and(|batch| batch.range().last() >= bottom) {
            self.batch_bytes -= self.waiting.pop_back().map_or(0, |batch| batch.bytes());
        }
        debug_assert!(self.batches() > 0 || self.batch_bytes == 0, "{} bytes in no batch", self.batch_bytes);
        self.retain_runs(|run| run.head < bottom);
        let stored = self.persisting.as_ref().map_or(&self.durable, |persisting| persisting.batch.checkpoint());
        if stored.newest().is_some_and(|newest| newest.head >= bottom) && !self.is_unwinding() {
            self.unwind(bottom.saturating_sub(1));
        }
    }

    /// Queues an unwind to `to`, after the waiting batches: the store removes headers above it that are in no run.
    pub fn unwind(&mut self, to: BlockNumber) {
        self.unwinding = Some(Unwinding { to, asked: false });
    }

    /// The next output for the store: a batch, a retry of the refused one, or an unwind.
    pub fn poll(&mut self, now: Instant) -> Option<Output> {
        if let Some(persisting) = &mut self.persisting {
            persisting.retry_at.filter(|at| *at <= now)?;
            persisting.retry_at = None;
            return Some(Output::Persist(persisting.batch.clone()));
        }
        if self.unwinding.is_some_and(|unwinding| unwinding.asked) {
            return None;
        }
        // Before the unwind: a batch may be below it, and each checkpoint covers all batches before it.
        if let Some(batch) = self.waiting.pop_front() {
            let output = Output::Persist(batch.clone());
            self.persisting = Some(Persisting { batch, retry_at: None, refusals: 0, failure: None });
            return Some(output);
        }
        let unwinding = self.unwinding.as_mut()?;
        unwinding.asked = true;
        Some(Output::Unwind { to: unwinding.to, checkpoint: self.pending.clone() })
    }

    /// The batch is durable. Returns its number of headers; `None` for any other batch than the one under way.
    pub fn persisted(&mut self, id: BatchId) -> Option<u64> {
        let Persisting { batch, .. } = self.persisting.take_if(|persisting| persisting.batch.id() == id)?;
        debug_assert!(batch.bytes() <= self.batch_bytes, "{} bytes leave of {}", batch.bytes(), self.batch_bytes);
        self.batch_bytes -= batch.bytes();
        debug_assert!(self.batches() > 0 || self.batch_bytes == 0, "{} bytes in no batch", self.batch_bytes);
        self.durable = batch.checkpoint().clone();
        self.lookups.forget();
        Some(batch.range().len())
    }

    /// The store refused the batch: it is handed out again after a pause of `first`, doubled each time up to `longest`.
    pub fn refused(&mut self, now: Instant, id: BatchId, failure: StoreFailure, first: Duration, longest: Duration) {
        let Some(persisting) = self.persisting.as_mut().filter(|persisting| persisting.batch.id() == id) else {
            return;
        };
        persisting.retry_at = Some(now + doubled(first, persisting.refusals, longest));
        persisting.refusals = persisting.refusals.saturating_add(1);
        persisting.failure = Some(failure);
    }

    /// The unwind to `to` is durable. `false` when no such unwind is under way.
    pub fn unwound(&mut self, to: BlockNumber) -> bool {
        let unwound = self.unwinding.take_if(|unwinding| unwinding.asked && unwinding.to == to).is_some();
        if unwound {
            debug_assert!(self.persisting.is_none(), "a batch was handed out during an unwind");
            self.lookups.forget();
            self.durable = self.pending.clone();
        }
        unwound
    }

    /// Opens a lookup of the stored headers that are not known yet. `None` when there are none, or when a batch or an
    /// unwind is under way.
    pub fn look_up(&mut self, numbers: &[BlockNumber]) -> Option<Output> {
        debug_assert!(!numbers.is_empty(), "a lookup of no header");
        if !self.is_idle() {
            return None;
        }
        let (id, numbers) = self.lookups.ask(numbers)?;
        Some(Output::Lookup { id, numbers })
    }

    /// The store's response to a lookup.
    pub fn looked_up(&mut self, id: LookupId, headers: Vec<(BlockNumber, Option<Bytes>)>) {
        self.lookups.note_response(id, headers);
    }

    /// Forgets the responses to earlier lookups.
    pub fn forget_lookups(&mut self) {
        self.lookups.forget();
    }
}
