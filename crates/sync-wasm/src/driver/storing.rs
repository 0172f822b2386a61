//! Store events, and their effects on machine and page.

use sync_core::time::Instant;

use super::Driver;
use crate::{
    browser_store::BrowserStore,
    error::HostError,
    store_queue::{
        control::CLEAR_CALLS_MAX,
        news::{ClearCall, Opened, OpenedBy, StoreEvent, StoreNews},
    },
};

impl<S: BrowserStore> Driver<S> {
    /// Begins due store operations: a step of the audit, a retry.
    pub(super) fn store_due(&mut self, now: Instant) {
        let reads = self.reader.reads_begun();
        let page_reads = self.reader.is_busy() || std::mem::replace(&mut self.reads_seen, reads) != reads;
        self.store.tick(now, page_reads, self.feed.machine().is_some());
    }

    /// Handles a store event. An error ends the sync.
    pub(super) fn handle_store(&mut self, now: Instant, event: StoreEvent) -> Result<(), HostError> {
        let rests = self.progress(now).is_some_and(|progress| progress.stage == sync_core::progress::SyncStage::Synced);
        match self.store.handle(now, event, rests) {
            StoreNews::Nothing => {}
            StoreNews::Input(input) => self.feed.push(input),
            StoreNews::Persisted { input, took } => {
                self.report.stats.batches_persisted += 1.0;
                self.report.stats.persist_ms += took.as_secs_f64() * 1_000.0;
                self.feed.push(input);
            }
            StoreNews::SegmentSound => self.report.stats.segments_audited += 1.0,
            StoreNews::Failure(failure) => self.report.error(&HostError::Store(failure)),
            StoreNews::Lost => {
                let book = self.feed.machine().map(|machine| machine.export_peers(now));
                self.keeper.store_lost(now, book);
                self.drop_machine();
            }
            StoreNews::Opened(opened) => self.store_opened(now, opened),
            StoreNews::Failed(reason) => return Err(HostError::StorageUnavailable(reason)),
        }
        Ok(())
    }

    /// Drops the machine: its view of the store is void. Nothing is fetched before the next machine.
    fn drop_machine(&mut self) {
        self.feed.replace(None);
        self.requests.cancel_all();
        self.report.changed_now();
    }

    /// The page calls `clear`.
    pub(super) fn clear(&mut self, call: f64) {
        match self.store.clear(call) {
            ClearCall::Busy => self.port.reply_error(call, &HostError::Busy { limit: CLEAR_CALLS_MAX }),
            ClearCall::Joined => self.keeper.forget(),
            ClearCall::Begun => {
                self.keeper.forget();
                self.drop_machine();
            }
        }
    }

    fn store_opened(&mut self, now: Instant, opened: Opened) {
        for range in opened.dropped {
            self.report.segment_dropped(range);
        }
        if matches!(&opened.cause, OpenedBy::Clear { outcome: Ok(()), .. }) {
            self.book.forget(now);
        }
        self.start_machine(now);
        match opened.cause {
            OpenedBy::Audit => {}
            // The peer table may be gone.
            OpenedBy::Reopening => self.keeper.changed_now(),
            OpenedBy::Clear { calls, outcome } => {
                for call in calls {
                    match &outcome {
                        Ok(()) => self.port.reply_done(call),
                        Err(failure) => self.port.reply_error(call, &HostError::Store(failure.clone())),
                    }
                }
            }
        }
    }
}
