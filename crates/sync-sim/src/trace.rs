//! What a world did: one number for all of it, and the last lines for a person.
//!
//! The number is mixed from every input and every output, in order, with their moments: two runs of a seed are the same
//! run if, and only if, the numbers are the same. Lines are written only when a run is replayed, because writing them
//! costs more than the run.

use std::collections::VecDeque;

use bytes::Bytes;
use recording::Digest;
use sync_core::{Event, Input, Output, PeerStatus, ServedRange, SyncTarget};

use crate::network::Micros;

/// Lines that are kept for a report.
pub const LINES_KEPT: usize = 60;

/// The trace of one world. See the [module](self).
#[derive(Debug)]
pub struct Trace {
    digest: Digest,
    /// How many lines are kept; none unless the run is recorded.
    keep: usize,
    lines: VecDeque<String>,
}

impl Trace {
    /// A trace that keeps the last `keep` lines.
    pub fn new(keep: usize) -> Self {
        Self { digest: Digest::default(), keep, lines: VecDeque::new() }
    }

    /// The number so far.
    pub fn hash(&self) -> u64 {
        self.digest.value()
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
        self.digest.mix(now);
        self.digest.mix(checkpoint_bytes as u64);
        self.line(now, || "== the process starts".into());
    }

    /// An input.
    pub fn input(&mut self, now: Micros, input: &Input) {
        self.digest.mix(now);
        match input {
            Input::TargetChanged(SyncTarget::PeersTip) => self.digest.mix(1),
            Input::TargetChanged(SyncTarget::Hash(hash)) => self.digest.mix_hash(2, hash),
            Input::PeerConnected { peer, status } => {
                self.digest.mix_pair(3, u64::from(peer.0));
                self.mix_status(status);
            }
            Input::PeerUpdated { peer, served } => {
                self.digest.mix_pair(4, u64::from(peer.0));
                self.mix_served(served);
            }
            Input::PeerDisconnected { peer } => self.digest.mix_pair(5, u64::from(peer.0)),
            Input::HeadersReceived { request, headers } => {
                self.digest.mix_pair(6, request.0);
                self.mix_headers(headers);
            }
            Input::RequestFailed { request, .. } => self.digest.mix_pair(7, request.0),
            Input::BatchPersisted { batch } => self.digest.mix_pair(8, batch.0),
            Input::PersistFailed { batch, .. } => self.digest.mix_pair(9, batch.0),
            Input::Unwound { to } => self.digest.mix_pair(10, *to),
            Input::Paused(paused) => self.digest.mix_pair(11, u64::from(*paused)),
            Input::Timeout => self.digest.mix(12),
            // One that is newer than this table is told apart by the outputs that follow.
            #[allow(unreachable_patterns, reason = "see above")]
            _ => self.digest.mix(13),
        }
        self.line(now, || format!("-> {}", describe_input(input)));
    }

    /// An output.
    pub fn output(&mut self, now: Micros, output: &Output) {
        self.digest.mix(now);
        self.digest.output(output);
        if !matches!(output, Output::Timeout(_)) {
            self.line(now, || format!("   <- {}", describe_output(output)));
        }
    }

    fn mix_status(&mut self, status: &PeerStatus) {
        self.digest.mix_hash(status.chain_id, &status.genesis.unwrap_or_default());
        self.mix_served(&status.served);
    }

    fn mix_served(&mut self, served: &ServedRange) {
        self.digest.mix_pair(served.earliest, served.latest);
        self.digest.mix_hash(0, &served.latest_hash);
    }

    /// How many, how long, and a few bytes of the first and the last: an altered byte shows in what follows from it.
    fn mix_headers(&mut self, headers: &[Bytes]) {
        self.digest.mix(headers.len() as u64);
        for header in headers.first().into_iter().chain(headers.last()) {
            self.digest.mix(header.len() as u64);
            self.digest.mix(header.get(8..16).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes));
        }
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
