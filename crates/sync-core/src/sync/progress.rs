//! [`Progress`] for the page, from all parts.

use alloc::vec::Vec;

use super::HeaderSync;
use crate::{
    config::PROGRESS_RANGES_MAX,
    io::{Event, Output},
    peers::{PeerBook, Peers},
    progress::{DownloadStats, PeerProgress, Progress, RangeProgress, RangeState, SyncStage, bounded_ranges, eta},
    time::Instant,
};
use header_rules::range::BlockRange;
use sorted::sort_long_by;

impl HeaderSync {
    /// How far the sync is.
    pub fn progress(&self, now: Instant) -> Progress {
        let target = self.target.resolved;
        let floor = self.floor();
        let whole = target.and_then(|target| BlockRange::new(floor, target.number));
        let total = whole.map_or(0, BlockRange::len);
        let stored = whole.map_or(0, |whole| self.store.durable().stored_in(whole));
        let staged = self.downloader.staging.headers() + self.store.collected() + self.store.batched_headers();
        let headers_per_second = self.reports.progress.linked_per_second(now);
        let moving = self.phase.run().is_some() && self.reports.stall.announced.is_none() && !self.host.is_paused;
        debug_assert!(stored <= total, "{stored} headers of {total} are stored");
        let ranges = whole.map(|whole| self.strip(whole)).unwrap_or_default();
        debug_assert_eq!(ranges.iter().map(|run| run.range.len()).sum::<u64>(), total, "the ranges cover all headers");
        debug_assert!(ranges.len() <= PROGRESS_RANGES_MAX, "{} ranges for the page", ranges.len());
        Progress {
            stage: self.stage(now),
            target,
            floor,
            total,
            stored,
            staged: staged.min(total.saturating_sub(stored)),
            percent: if total == 0 { 0.0 } else { stored as f64 * 100.0 / total as f64 },
            headers_per_second,
            bytes_received: self.reports.progress.bytes.total(),
            bytes_per_second: self.reports.progress.bytes.per_second(now),
            eta: if moving { eta(total.saturating_sub(stored), headers_per_second) } else { None },
            memory_bytes: self.memory_bytes(),
            ranges,
            peers: peers(&self.peers, now),
            stall: self.reports.stall.announced.clone(),
            paused: self.host.is_paused,
        }
    }

    /// How the download went so far, in figures.
    pub fn download_stats(&self) -> DownloadStats {
        DownloadStats {
            in_flight: self.downloader.requests.total(),
            buffered: self.downloader.staging.runs() + self.downloader.inbox.count(),
            escalated: self.downloader.plan.escalated(),
            ..self.strategy.stats
        }
    }

    /// Scores, bans and addresses of all peers, for the next session.
    pub fn export_peers(&self, now: Instant) -> PeerBook {
        self.peers.export(now)
    }

    /// Restores what an earlier session exported; before the first peer connects.
    pub fn restore_peers(&mut self, now: Instant, book: &PeerBook) {
        self.peers.restore(now, book);
    }

    /// What the machine is doing.
    pub(super) fn stage(&self, now: Instant) -> SyncStage {
        if self.phase.is_synced() {
            SyncStage::Synced
        } else if self.target.resolved.is_some() {
            SyncStage::Headers
        } else if self.target.wanted.is_none() || self.peers.usable(now).next().is_none() {
            SyncStage::FindingPeers
        } else {
            SyncStage::ResolvingTarget
        }
    }

    /// A progress event, when something happened and the last one is long enough ago. What changes before that time is
    /// over is in the next one.
    pub(super) fn poll_progress(&mut self, now: Instant) -> bool {
        if self.reports.progress.due_at(now, self.config.progress_every).is_none_or(|at| at > now) {
            return false;
        }
        self.reports.progress.reported_at = Some(now);
        self.reports.progress.is_stale = false;
        let progress = self.progress(now);
        self.out.push_back(Output::Event(Event::Progress(progress)));
        true
    }

    /// The whole range from the tip down. Where a number is in no list it is verified and not yet stored.
    fn strip(&self, whole: BlockRange) -> Vec<RangeProgress> {
        let (floor, top) = (whole.first(), whole.last());
        let mut known: Vec<RangeProgress> = Vec::new();
        let mut add = |range: Option<BlockRange>, state| {
            let inside = range.and_then(|range| range.intersection(whole));
            known.extend(inside.map(|range| RangeProgress { range, state }));
        };
        for run in &self.store.durable().subchains {
            add(BlockRange::new(run.tail, run.head), RangeState::Stored);
        }
        for range in self.downloader.plan.ranges() {
            add(Some(range), RangeState::Unprocessed);
        }
        for range in self.downloader.requests.ranges() {
            add(Some(range), RangeState::Borrowed);
        }
        for range in self.downloader.staging.ranges() {
            add(Some(range), RangeState::Staged);
        }
        if let Some(run) = self.phase.run() {
            // Under the gap that is open: older runs are in the list already, what lies between them is not.
            let mut next = run.bottom.checked_sub(1);
            for older in self.store.pending().subchains.iter().filter(|older| older.head < run.bottom) {
                add(next.and_then(|last| BlockRange::new(older.head + 1, last)), RangeState::Unprocessed);
                next = older.tail.checked_sub(1);
            }
            add(next.and_then(|last| BlockRange::new(floor, last)), RangeState::Unprocessed);
        } else if self.store.durable().subchains.is_empty() && self.store.batches() == 0 {
            add(Some(whole), RangeState::Unprocessed);
        }
        sort_long_by(&mut known, |a, b| b.range.last().cmp(&a.range.last()));
        let mut strip: Vec<RangeProgress> = Vec::with_capacity(known.len() * 2 + 1);
        let mut next = Some(top);
        for run in known {
            let Some(upper) = next else { break };
            let Some(range) = BlockRange::new(run.range.first(), run.range.last().min(upper)) else { continue };
            if let Some(between) = BlockRange::new(range.last().saturating_add(1), upper) {
                strip.push(RangeProgress { range: between, state: RangeState::Staged });
            }
            strip.push(RangeProgress { range, state: run.state });
            next = range.first().checked_sub(1).filter(|next| *next >= floor);
        }
        if let Some(rest) = next.and_then(|upper| BlockRange::new(floor, upper)) {
            strip.push(RangeProgress { range: rest, state: RangeState::Staged });
        }
        bounded_ranges(strip, PROGRESS_RANGES_MAX)
    }
}

/// The progress of each peer.
fn peers(peers: &Peers, now: Instant) -> Vec<PeerProgress> {
    peers
        .iter()
        .map(|(id, peer)| PeerProgress {
            peer: id,
            connected: peer.connected,
            served: peer.served,
            requests_in_flight: peer.window.requests(),
            bytes_in_flight: peer.window.used(),
            window_bytes: peer.window.window(),
            round_trip: peer.window.round_trip(),
            headers: peer.headers,
            bytes: peer.bytes,
            faults: peer.reputation.faults(),
            score: peer.reputation.score(),
            banned_for: peer.banned_for(now),
            other_branch_from: peer.cooldowns.branch_from(now),
        })
        .collect()
}
