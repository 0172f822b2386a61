//! [`Recorder`]: writes what a host gives to its machine.

use alloc::vec::Vec;
use header_rules::chain::ChainSpec;
use sync_core::{Checkpoint, Input, Output, PeerBook, SyncConfig, time::Instant};

use crate::{
    Digest,
    file::{MAGIC, Start, Written},
};

/// Bytes of the last record, `Full`.
const FULL_BYTES: usize = 1;

/// Whether records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Recording,
    /// The limit was reached.
    Full,
}

/// Writes one session. The host calls it at each call of the machine.
#[derive(Clone, Debug)]
pub struct Recorder {
    file: Vec<u8>,
    bytes_max: usize,
    state: State,
    /// Moment and number of the polls that no record has yet.
    polls: Option<(u64, u64)>,
    digest: Digest,
}

impl Recorder {
    /// A recorder whose file has `bytes_max` bytes at most, and no record when there is no room for any.
    pub fn new(bytes_max: usize) -> Self {
        let file = if bytes_max < MAGIC.len() + FULL_BYTES { Vec::new() } else { MAGIC.to_vec() };
        let state = if file.is_empty() { State::Full } else { State::Recording };
        Self { file, bytes_max, state, polls: None, digest: Digest::default() }
    }

    /// The file so far; `None` when its limit leaves no room for any record.
    pub fn file(&self) -> Option<&[u8]> {
        (!self.file.is_empty()).then_some(&self.file)
    }

    /// A machine is made.
    pub fn start(
        &mut self,
        now: Instant,
        config: &SyncConfig,
        chain: &ChainSpec,
        checkpoint: Option<&Checkpoint>,
        peers: Option<&PeerBook>,
    ) {
        if self.state == State::Full {
            return;
        }
        let start = Start {
            at: micros(now),
            config: config.clone(),
            chain: chain.into(),
            checkpoint: checkpoint.map(Checkpoint::encode),
            peers: peers.map(PeerBook::encode),
        };
        self.write_polls();
        self.write(Written::Start(&start));
    }

    /// The machine is given an input.
    pub fn input(&mut self, now: Instant, input: &Input) {
        self.write_polls();
        self.write(Written::Input(micros(now), input));
    }

    /// The machine was polled, and returned this.
    pub fn output(&mut self, now: Instant, output: &Output) {
        if self.state == State::Full {
            return;
        }
        let now = micros(now);
        match &mut self.polls {
            Some((at, count)) if *at == now => *count += 1,
            _ => {
                self.write_polls();
                self.polls = Some((now, 1));
            }
        }
        self.digest.output(output);
        if matches!(output, Output::Timeout(_)) {
            self.write_polls();
            self.write(Written::Drained(self.digest.value()));
        }
    }

    fn write_polls(&mut self) {
        if let Some((at, count)) = self.polls.take() {
            self.write(Written::Polls(at, count));
        }
    }

    /// Writes a record, or ends the file where it does not fit.
    fn write(&mut self, record: Written<'_>) {
        if self.state == State::Full {
            return;
        }
        let before = self.file.len();
        let is_written = self.append(record);
        if !is_written || self.file.len() + FULL_BYTES > self.bytes_max {
            self.file.truncate(before);
            self.polls = None;
            self.state = State::Full;
            let is_ended = self.append(Written::Full);
            debug_assert!(is_ended && self.file.len() <= self.bytes_max, "the last record always fits");
        }
    }

    fn append(&mut self, record: Written<'_>) -> bool {
        postcard::to_extend(&record, Appended(&mut self.file)).is_ok()
    }
}

/// postcard takes what it extends; the file stays with the recorder.
struct Appended<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Appended<'_> {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        self.0.extend(bytes);
    }
}

fn micros(at: Instant) -> u64 {
    u64::try_from(at.since_start().as_micros()).unwrap_or(u64::MAX)
}
