//! What goes to the store: batches, one at a time; the removal of what a reorg made wrong; and questions.
//!
//! A batch carries the checkpoint that holds once it is stored, which speaks of every batch before it. So batches are
//! handed out one after another; the next waits until the one before is durable, and a batch that the store refused is
//! handed out again, the same, after a pause that doubles. Meanwhile the download goes on until memory is full. A
//! removal waits for the batches before it, and a question is asked only when nothing is on its way: so each answer
//! speaks of what the checkpoint speaks of.

use super::{HeaderSync, run::RunPurpose};
use crate::{
    etl::HeaderBatch,
    fault::StoreFailure,
    id::BatchId,
    io::Output,
    time::{Instant, doubled},
};
use header_rules::range::BlockNumber;

/// The batch that the store has.
#[derive(Debug)]
pub(super) struct Persisting {
    /// The batch, kept until it is durable.
    pub batch: HeaderBatch,
    /// When it is handed out again, after a refusal.
    pub retry_at: Option<Instant>,
    /// How often the store refused it.
    pub refusals: u32,
    /// Why, the last time.
    pub failure: Option<StoreFailure>,
}

/// What the store is asked to remove.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwinding {
    /// Highest block kept below what is removed.
    pub to: BlockNumber,
    /// Was the store told?
    pub asked: bool,
}

impl HeaderSync {
    /// A window is complete and there is no place for another batch: proofs wait.
    pub(super) fn window_is_waiting(&self) -> bool {
        self.collector.len() as u64 >= self.config.window && self.batches() >= self.config.batches_in_flight_max
    }

    /// Batches cut and not yet durable.
    pub(super) fn batches(&self) -> usize {
        self.waiting.len() + usize::from(self.persisting.is_some())
    }

    /// Cuts a batch when a window is complete, the gap is filled, or memory asks for it.
    pub(super) fn poll_cut(&mut self, now: Instant) -> bool {
        if self.unwinding.is_some() || self.batches() >= self.config.batches_in_flight_max {
            return false;
        }
        let Some(run) = self.run.as_ref().filter(|run| run.purpose == RunPurpose::Fill) else { return false };
        if run.complete && self.collector.is_empty() {
            self.finish_run(now);
            return true;
        }
        let full = self.collector.bytes() > self.config.staged_bytes_max / 4;
        let idle = !self.collector.is_empty()
            && (self.paused || now.saturating_since(self.moved_at) >= self.config.flush_after);
        let flush = run.complete || full || idle;
        self.cut_batch(flush)
    }

    /// When what is proven is stored although its window is not full.
    pub(super) fn flush_wakeup(&self) -> Option<Instant> {
        let waits =
            self.run.is_some() && !self.collector.is_empty() && self.batches() < self.config.batches_in_flight_max;
        waits.then(|| self.moved_at + self.config.flush_after)
    }

    /// Cuts a batch of what is proven: a whole window, or with `flush` whatever there is.
    pub(super) fn cut_batch(&mut self, flush: bool) -> bool {
        if self.run.as_ref().is_none_or(|run| run.purpose != RunPurpose::Fill) {
            return false;
        }
        let id = BatchId(self.next_batch);
        let batch = if flush {
            self.collector.take_partial(id, &self.ledger)
        } else {
            self.collector.take_batch(id, &self.ledger)
        };
        let Some(batch) = batch else { return false };
        self.next_batch += 1;
        self.ledger = batch.checkpoint().clone();
        self.batch_bytes += batch.bytes();
        self.waiting.push_back(batch);
        true
    }

    /// Hands out the next batch, or the refused one again.
    pub(super) fn poll_persist(&mut self, now: Instant) -> bool {
        if let Some(persisting) = &mut self.persisting {
            if persisting.retry_at.is_some_and(|at| at <= now) {
                persisting.retry_at = None;
                self.out.push_back(Output::Persist(persisting.batch.clone()));
                return true;
            }
            return false;
        }
        if self.unwinding.as_ref().is_some_and(|unwinding| unwinding.asked) {
            return false;
        }
        // Before the unwind: some of them may lie under it, and each checkpoint speaks of all batches before it.
        if let Some(batch) = self.waiting.pop_front() {
            self.out.push_back(Output::Persist(batch.clone()));
            self.persisting = Some(Persisting { batch, retry_at: None, refusals: 0, failure: None });
            return true;
        }
        let Some(unwinding) = &mut self.unwinding else { return false };
        unwinding.asked = true;
        let to = unwinding.to;
        let checkpoint = self.ledger.clone();
        self.out.push_back(Output::Unwind { to, checkpoint });
        true
    }

    /// Input: the batch is durable.
    pub(super) fn note_persisted(&mut self, id: BatchId) {
        if self.persisting.as_ref().is_none_or(|persisting| persisting.batch.id() != id) {
            return;
        }
        if let Some(persisting) = self.persisting.take() {
            self.batch_bytes -= persisting.batch.bytes();
            self.tactics.stats.flushed += persisting.batch.range().len();
            self.durable = persisting.batch.checkpoint().clone();
            self.stored.forget();
            // A tip under the stored head is compared once everything is durable.
            self.target.dirty |= !self.is_busy();
        }
    }

    /// Input: the store refused the batch.
    pub(super) fn note_persist_failed(&mut self, now: Instant, id: BatchId, failure: StoreFailure) {
        let Some(persisting) = self.persisting.as_mut().filter(|persisting| persisting.batch.id() == id) else {
            return;
        };
        let pause = doubled(self.config.persist_retry_start, persisting.refusals, self.config.persist_retry_max);
        persisting.refusals = persisting.refusals.saturating_add(1);
        persisting.retry_at = Some(now + pause);
        persisting.failure = Some(failure);
    }

    /// Asks the store for these headers, unless something is on its way to it; whoever needs them looks again.
    pub(super) fn ask_store(&mut self, numbers: &[BlockNumber]) -> bool {
        if self.batches() > 0 || self.unwinding.is_some() {
            return false;
        }
        let Some((id, numbers)) = self.stored.ask(numbers) else { return false };
        self.out.push_back(Output::Lookup { id, numbers });
        true
    }

    /// Opens the gap that waited for the store.
    pub(super) fn poll_reopen(&mut self, now: Instant) -> bool {
        let ready = self.reopen && self.batches() == 0 && self.unwinding.is_none() && !self.stored.is_waiting();
        if ready {
            self.open_run(now);
        }
        ready
    }

    /// Input: the removal is durable.
    pub(super) fn note_unwound(&mut self, now: Instant, to: BlockNumber) {
        if self.unwinding.is_none_or(|unwinding| !unwinding.asked || unwinding.to != to) {
            return;
        }
        self.unwinding = None;
        self.stored.forget();
        self.durable = self.ledger.clone();
        self.moved(now);
        if self.run.is_none() {
            self.open_run(now);
        }
    }
}
