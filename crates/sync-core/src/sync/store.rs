//! When batches are cut, and what follows a response of the store. The queue itself is
//! [`StoreQueue`](super::store_queue).

use super::HeaderSync;
use crate::{fault::StoreFailure, id::BatchId, time::Instant};
use header_rules::range::BlockNumber;

impl HeaderSync {
    /// Cuts a batch when a window is complete, the gap is filled, or memory asks for it.
    pub(super) fn poll_cut(&mut self, now: Instant) -> bool {
        if self.store.is_unwinding() || self.store.batches() >= self.config.batches_in_flight_max {
            return false;
        }
        let Some(run) = self.phase.filling() else { return false };
        if run.complete && self.store.collected() == 0 {
            self.finish_run(now);
            return true;
        }
        let full = self.store.collected_bytes() > self.config.staged_bytes_max / 4;
        let idle = self.store.collected() > 0
            && (self.host.is_paused || now.saturating_since(self.reports.stall.moved_at) >= self.config.flush_after);
        let flush = run.complete || full || idle;
        self.store.cut(flush)
    }

    /// When verified headers are stored although their window is not full.
    pub(super) fn flush_wakeup(&self) -> Option<Instant> {
        let may_cut = self.store.batches() < self.config.batches_in_flight_max;
        let waits = self.phase.run().is_some() && self.store.collected() > 0 && may_cut;
        waits.then(|| self.reports.stall.moved_at + self.config.flush_after)
    }

    /// Hands out the next batch or unwind.
    pub(super) fn poll_persist(&mut self, now: Instant) -> bool {
        let output = self.store.poll(now);
        let is_some = output.is_some();
        self.out.extend(output);
        is_some
    }

    /// Input: the batch is durable.
    pub(super) fn note_persisted(&mut self, id: BatchId) {
        if let Some(headers) = self.store.persisted(id) {
            self.strategy.stats.flushed += headers;
            // A tip under the stored head is compared once everything is durable.
            self.target.dirty |= !self.is_busy();
        }
    }

    /// Input: the store refused the batch.
    pub(super) fn note_persist_failed(&mut self, now: Instant, id: BatchId, failure: StoreFailure) {
        let (first, longest) = (self.config.persist_retry_start, self.config.persist_retry_max);
        self.store.refused(now, id, failure, first, longest);
    }

    /// Looks up these stored headers, unless a batch or an unwind is under way; the caller retries.
    pub(super) fn ask_store(&mut self, numbers: &[BlockNumber]) -> bool {
        let lookup = self.store.look_up(numbers);
        let is_some = lookup.is_some();
        self.out.extend(lookup);
        is_some
    }

    /// Opens the gap that waited for the store.
    pub(super) fn poll_reopen(&mut self, now: Instant) -> bool {
        let ready = self.phase.is_awaiting_store() && self.store.is_idle() && !self.store.is_looking_up();
        if ready {
            self.open_run(now);
        }
        ready
    }

    /// Input: the unwind is durable.
    pub(super) fn note_unwound(&mut self, now: Instant, to: BlockNumber) {
        if !self.store.unwound(to) {
            return;
        }
        self.moved(now);
        if self.phase.run().is_none() {
            self.open_run(now);
        }
    }
}
