//! Events for the page, paced by [`ProgressPace`]. Reader tabs receive the same, over a broadcast channel.

use std::time::Duration;

use header_rules::range::BlockRange;
use sync_core::{BlockNumHash, StallReason, time::Instant};

use super::{Driver, view};
use crate::{
    browser_store::BrowserStore,
    clock,
    error::HostError,
    message::{BlockRef, ErrorInfo, Progress, RangeRef, Stats, SyncState, WorkerEvent, hex, number},
    network::{Counters, peers::Peer},
    pace::ProgressPace,
    port::Port,
    store::ProgressChannel,
};

/// Time without a machine (no peer has responded, so the genesis is unknown) that counts as a stall.
const NO_PEERS_AFTER: Duration = Duration::from_secs(5);

/// Figures that the driver counts.
#[derive(Debug, Default)]
pub(super) struct WireStats {
    /// See [`Stats`].
    pub requests_sent: f64,
    /// See [`Stats`].
    pub batches_persisted: f64,
    /// See [`Stats`].
    pub persist_ms: f64,
    /// See [`Stats`].
    pub core_ms: f64,
    /// See [`Stats`].
    pub yields: f64,
    /// See [`Stats`].
    pub segments_audited: f64,
}

/// Sends events to the page and to reader tabs.
pub(super) struct Reporter {
    /// Figures for `stats`.
    pub stats: WireStats,
    port: Port,
    channel: ProgressChannel,
    open_ms: f64,
    begun: Instant,
    pace: ProgressPace,
    last: (SyncState, Option<ErrorInfo>),
}

impl Reporter {
    /// A reporter that has not reported yet.
    pub(super) fn new(port: Port, channel: ProgressChannel, open_ms: f64, now: Instant) -> Self {
        let last = (SyncState::Opening, None);
        Self { stats: WireStats::default(), port, channel, open_ms, begun: now, pace: ProgressPace::new(now), last }
    }

    /// When the next report is due.
    pub(super) fn due(&self) -> Instant {
        self.pace.due()
    }

    /// Something changed; the next report may wait for its pace.
    pub(super) fn changed(&mut self) {
        self.pace.changed();
    }

    /// Something changed that must be reported without delay.
    pub(super) fn changed_now(&mut self) {
        self.pace.changed_now();
    }

    fn progress(&mut self, now: Instant, progress: Progress) {
        self.pace.sent(now, matches!(progress.state, SyncState::Synced | SyncState::Paused));
        let (state, stall) = (progress.state, progress.stall.clone());
        self.tell(&WorkerEvent::Progress { progress });
        if self.last.0 != state
            || self.last.1.as_ref().map(|stall| stall.code) != stall.as_ref().map(|stall| stall.code)
        {
            self.last = (state, stall.clone());
            self.port.event(&WorkerEvent::State { state, stall });
        }
    }

    /// Sends an event to the page and to reader tabs.
    fn tell(&self, event: &WorkerEvent) {
        let event = self.port.event(event);
        // A plain object that was posted to the page can be posted to others; only a closed channel fails.
        let _ = self.channel.post(&event);
    }

    /// A peer committed a fault.
    pub(super) fn fault(&mut self, peer: &Peer, fault: ErrorInfo, banned: bool) {
        self.changed();
        self.tell(&WorkerEvent::Fault {
            peer: peer.identity.to_string(),
            multiaddr: peer.multiaddr(),
            code: fault.code,
            message: fault.message,
            banned,
        });
    }

    /// All headers are stored.
    pub(super) fn synced(&mut self, head: BlockNumHash) {
        self.tell(&WorkerEvent::Synced { number: number(head.number), hash: hex(head.hash) });
    }

    /// A reorg replaced stored headers.
    pub(super) fn reorg(&mut self, reverted: BlockRange, adopted: BlockRange) {
        self.tell(&WorkerEvent::Reorg { reverted: range(reverted), adopted: range(adopted) });
    }

    /// The new chain does not link to the stored one.
    pub(super) fn detached_head(&mut self, local: BlockNumHash, expected: alloy_primitives::B256) {
        let local = BlockRef { number: number(local.number), hash: hex(local.hash) };
        self.tell(&WorkerEvent::DetachedHead { local, expected: hex(expected) });
    }

    /// Damaged stored headers were dropped.
    pub(super) fn segment_dropped(&mut self, dropped: BlockRange) {
        self.changed_now();
        let RangeRef { from, to } = range(dropped);
        self.tell(&WorkerEvent::SegmentDropped { from, to });
    }

    /// A failure that belongs to no call.
    pub(super) fn error(&mut self, error: &HostError) {
        let ErrorInfo { code, message, details } = error.info();
        self.tell(&WorkerEvent::Error { code, message, details });
    }

    /// All figures.
    pub(super) fn stats(&self, counters: &Counters, memory_bytes: u64, connections: usize) -> Stats {
        Stats {
            wasm_memory_bytes: view::wasm_memory_bytes(),
            memory_bytes: number(memory_bytes),
            wire_bytes_received: number(counters.bytes_received.get()),
            wire_bytes_sent: number(counters.bytes_sent.get()),
            messages_received: number(counters.messages_received.get()),
            requests_sent: self.stats.requests_sent,
            batches_persisted: self.stats.batches_persisted,
            persist_ms: self.stats.persist_ms,
            core_ms: self.stats.core_ms,
            yields: self.stats.yields,
            segments_audited: self.stats.segments_audited,
            dials: number(counters.dials.get()),
            connections: connections as f64,
            open_ms: self.open_ms,
        }
    }
}

impl<S: BrowserStore> Driver<S> {
    /// Reports if a report is due.
    pub(super) fn report_due(&mut self, now: Instant) {
        if self.report.due() <= now {
            self.report_now(now);
        }
    }

    /// Sends a progress report.
    pub(super) fn report_now(&mut self, now: Instant) {
        let progress = self.page_progress(now);
        self.report.progress(now, progress);
    }

    /// The final progress: the current figures, with the state `Stopped`.
    pub fn last_progress(&self) -> Progress {
        Progress {
            state: SyncState::Stopped,
            stall: None,
            headers_per_second: 0.0,
            bytes_per_second: 0.0,
            eta_seconds: None,
            ..self.page_progress(clock::now())
        }
    }

    fn page_progress(&self, now: Instant) -> Progress {
        match self.progress(now) {
            Some(progress) => view::running(&progress, &self.book, view::headers_in(self.store.checkpoint())),
            None => self.waiting(now),
        }
    }

    /// Progress without a machine: the store is not open, or no peer has reported the genesis yet.
    fn waiting(&self, now: Instant) -> Progress {
        let alone = self.store.is_open() && now.saturating_since(self.report.begun) >= NO_PEERS_AFTER;
        let stall = alone.then_some(StallReason::NoPeers);
        let state = match stall {
            _ if self.paused => SyncState::Paused,
            _ if self.store.is_reopening() => SyncState::Opening,
            Some(_) => SyncState::Stalled,
            None => SyncState::FindingPeers,
        };
        let stall = stall.as_ref().filter(|_| state == SyncState::Stalled);
        view::waiting(state, stall, &self.book, view::headers_in(self.store.checkpoint()))
    }
}

fn range(range: BlockRange) -> RangeRef {
    RangeRef { from: number(range.first()), to: number(range.last()) }
}
