//! What a world did: one number for all of it, and the last lines for a person.
//!
//! The number is mixed from every input and every output, in order, with their moments: two runs of a seed are the same
//! run if, and only if, the numbers are the same. Lines are written only when a run is replayed, because writing them
//! costs more than the run.

use std::collections::VecDeque;

use alloy_primitives::B256;
use bytes::Bytes;
use sync_core::{BlockNumHash, Event, Input, Output, PeerStatus, ServedRange, StartBlock, SyncTarget};

use crate::network::Micros;

/// Lines that are kept for a report.
pub const LINES_KEPT: usize = 60;

/// The trace of one world. See the [module](self).
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    /// How many lines are kept; none unless the run is recorded.
    keep: usize,
    lines: VecDeque<String>,
}

impl Trace {
    /// A trace that keeps the last `keep` lines.
    pub fn new(keep: usize) -> Self {
        Self { hash: 0x9e37_79b9_7f4a_7c15, keep, lines: VecDeque::new() }
    }

    /// The number so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines that are kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }

    /// Keeps a line, if lines are kept.
    pub fn line(&mut self, now: Micros, text: impl FnOnce() -> String) {
        if self.keep == 0 {
            return;
        }
        if self.lines.len() == self.keep {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{:>12.3} ms  {}", now as f64 / 1_000.0, text()));
    }

    /// A machine was started: from a checkpoint of so many bytes.
    pub fn session(&mut self, now: Micros, checkpoint_bytes: usize) {
        self.mix(now);
        self.mix(checkpoint_bytes as u64);
        self.line(now, || "== the process starts".into());
    }

    /// An input.
    pub fn input(&mut self, now: Micros, input: &Input) {
        self.mix(now);
        match input {
            Input::TargetChanged(SyncTarget::PeersTip) => self.mix(1),
            Input::TargetChanged(SyncTarget::Hash(hash)) => self.mix_hash(2, hash),
            Input::PeerConnected { peer, status } => {
                self.mix_pair(3, u64::from(peer.0));
                self.mix_status(status);
            }
            Input::PeerUpdated { peer, served } => {
                self.mix_pair(4, u64::from(peer.0));
                self.mix_served(served);
            }
            Input::PeerDisconnected { peer } => self.mix_pair(5, u64::from(peer.0)),
            Input::HeadersReceived { request, headers } => {
                self.mix_pair(6, request.0);
                self.mix_headers(headers);
            }
            Input::RequestFailed { request, .. } => self.mix_pair(7, request.0),
            Input::BatchPersisted { batch } => self.mix_pair(8, batch.0),
            Input::PersistFailed { batch, .. } => self.mix_pair(9, batch.0),
            Input::Unwound { to } => self.mix_pair(10, *to),
            Input::Paused(paused) => self.mix_pair(11, u64::from(*paused)),
            Input::Timeout => self.mix(12),
            // One that is newer than this table is told apart by the outputs that follow.
            #[allow(unreachable_patterns, reason = "see above")]
            _ => self.mix(13),
        }
        self.line(now, || format!("-> {}", describe_input(input)));
    }

    /// An output.
    pub fn output(&mut self, now: Micros, output: &Output) {
        self.mix(now);
        match output {
            Output::Request(request) => {
                self.mix_pair(21, request.id.0);
                self.mix_pair(u64::from(request.peer.0), u64::from(request.limit));
                match &request.start {
                    StartBlock::Hash(hash) => self.mix_hash(1, hash),
                    StartBlock::Number(number) => self.mix(*number),
                }
            }
            Output::Cancel(id) => self.mix_pair(22, id.0),
            Output::Penalize { peer, verdict, .. } => self.mix_pair(23, u64::from(peer.0) * 2 + *verdict as u64),
            Output::Persist(batch) => {
                self.mix_pair(24, batch.id().0);
                self.mix_pair(batch.range().first(), batch.range().last());
                self.mix(batch.bytes());
                self.mix(batch.checkpoint().subchains.len() as u64);
            }
            Output::Unwind { to, checkpoint } => {
                self.mix_pair(25, *to);
                self.mix(checkpoint.subchains.len() as u64);
            }
            Output::Event(event) => self.mix_event(event),
            Output::Timeout(at) => self.mix_pair(27, at.map_or(0, |at| at.since_start().as_micros() as u64)),
            #[allow(unreachable_patterns, reason = "one that is newer than this table is told apart by what follows")]
            _ => self.mix(28),
        }
        if !matches!(output, Output::Timeout(_)) {
            self.line(now, || format!("   <- {}", describe_output(output)));
        }
    }

    fn mix_event(&mut self, event: &Event) {
        match event {
            Event::TargetResolved(block) => self.mix_block(31, block),
            Event::HeadersLinked { range, peer } => {
                self.mix_pair(32, u64::from(peer.0));
                self.mix_pair(range.first(), range.last());
            }
            Event::Progress(progress) => {
                self.mix_pair(33, progress.stored);
                self.mix_pair(progress.staged, progress.memory_bytes);
                self.mix(progress.headers_per_second.to_bits());
            }
            Event::DetachedHead { local, .. } => self.mix_block(34, local),
            Event::Synced { head } => self.mix_block(35, head),
            _ => self.mix(36),
        }
    }

    fn mix_block(&mut self, kind: u64, block: &BlockNumHash) {
        self.mix_hash(kind, &block.hash);
        self.mix(block.number);
    }

    fn mix_status(&mut self, status: &PeerStatus) {
        self.mix_hash(status.chain_id, &status.genesis.unwrap_or_default());
        self.mix_served(&status.served);
    }

    fn mix_served(&mut self, served: &ServedRange) {
        self.mix_pair(served.earliest, served.latest);
        self.mix_hash(0, &served.latest_hash);
    }

    /// How many, how long, and a few bytes of the first and the last: what a lie changes shows in what follows from it.
    fn mix_headers(&mut self, headers: &[Bytes]) {
        self.mix(headers.len() as u64);
        for header in headers.first().into_iter().chain(headers.last()) {
            self.mix(header.len() as u64);
            self.mix(header.get(8..16).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes));
        }
    }

    fn mix_hash(&mut self, kind: u64, hash: &B256) {
        let mut word = [0; 8];
        word.copy_from_slice(&hash[..8]);
        self.mix_pair(kind, u64::from_le_bytes(word));
    }

    fn mix_pair(&mut self, one: u64, other: u64) {
        self.mix(one);
        self.mix(other);
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.hash ^= self.hash >> 32;
    }
}

fn describe_input(input: &Input) -> String {
    match input {
        Input::HeadersReceived { request, headers } => format!("{} headers for {request}", headers.len()),
        other => format!("{other:?}"),
    }
}

fn describe_output(output: &Output) -> String {
    match output {
        Output::Persist(batch) => {
            format!("Persist({} {} {:?})", batch.id(), batch.range(), batch.checkpoint().subchains)
        }
        Output::Event(Event::Progress(progress)) => format!(
            "Progress({:?}, {} of {} stored, {} staged, {} bytes, {:?})",
            progress.stage, progress.stored, progress.total, progress.staged, progress.memory_bytes, progress.stall
        ),
        other => format!("{other:?}"),
    }
}
