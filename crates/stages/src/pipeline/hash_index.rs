//! The second stage: the index from hash to number.
//!
//! Headers are read in rising order and their hashes sorted ([`SpillCollector`]), so that the rows of a whole gap enter
//! the table in the order of their keys: rows in the order of their numbers would each touch another page of the
//! database. A gap of more than [`HASH_INDEX_RANGE_MAX`] blocks is split into several loads.
//!
//! The number of rows per write is measured ([`StepSize`]), at most [`HASH_INDEX_ROWS_PER_COMMIT`]. A larger load takes
//! several writes. From the first one on, the stage's checkpoint names the highest block of the load, as *partial*,
//! because the table may contain rows of all its blocks, which an unwind must remove. The checkpoint's data names the
//! first block of the load and, if it was spilled, its runs and the last key that was stored. A session that finds the
//! runs missing or damaged loads the same blocks again; a row that exists already is replaced by itself.
//!
//! An unwind reads the headers to remove, to compute their rows. Rows of headers that were lost to damage stay: a
//! reader compares the hash with the header, as for any row.
//!
//! Bounds: the collector's buffer, one read of the store, the rows of one write.

use alloc::{string::ToString, vec, vec::Vec};
use alloy_primitives::keccak256;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use bytes::Bytes;

use super::stage::{
    Change, ExecInput, ExecOutput, HeaderRows, Row, Stage, StageCheckpoint, StageError, StageId, Step, Table,
    UnwindInput, UnwindOutput,
};
use super::step_size::StepSize;
use crate::{
    config::{
        HASH_INDEX_COMMIT_BYTES_MAX, HASH_INDEX_RANGE_MAX, HASH_INDEX_ROWS_PER_COMMIT, HASH_INDEX_ROWS_START,
        STAGE_READ_HEADERS_MAX,
    },
    etl::{EqualKeys, EtlError, Manifest, PausedMerge, Spill, SpillCollector},
};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::time::Instant;

/// Id of this stage.
pub const HASH_INDEX: StageId = StageId("hash-index");

/// Table of the index: 32 bytes of hash to 8 bytes of number, big-endian.
pub const HASH_INDEX_TABLE: Table = Table("hash_index");

/// Row of a header.
pub fn hash_index_row(number: BlockNumber, rlp: &[u8]) -> ([u8; 32], [u8; 8]) {
    (keccak256(rlp).0, number.to_be_bytes())
}

/// Data of a partial checkpoint.
#[derive(Debug, Default, RlpEncodable, RlpDecodable)]
struct LoadRecord {
    /// Lowest block of the load.
    first: BlockNumber,
    /// The runs; none if the load must be repeated.
    manifest: Manifest,
    /// Key of the last stored row.
    after: Bytes,
}

impl LoadRecord {
    fn encoded(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.length());
        self.encode(&mut out);
        out.into()
    }

    fn of(checkpoint: &StageCheckpoint) -> Option<Self> {
        if !checkpoint.is_partial {
            return None;
        }
        // Unreadable data means that rows of all blocks may exist.
        Some(Self::decode(&mut &checkpoint.data[..]).unwrap_or_default())
    }
}

/// A load in progress.
#[derive(Debug)]
enum Load {
    /// Reading the headers of `range` from `next` on.
    Gather { range: BlockRange, next: BlockNumber },
    /// Writing rows. `merge`: position after the last write.
    Store { range: BlockRange, manifest: Manifest, merge: Option<PausedMerge>, after: Vec<u8> },
}

/// The stage of the hash index. See the [module](self).
#[derive(Debug)]
pub struct HashIndexStage<S> {
    collector: SpillCollector<S>,
    load: Option<Load>,
    step: StepSize,
    /// Start, rows and bytes of the current write, if another one follows.
    written: Option<(Instant, usize, u64)>,
    range_max: u64,
    /// The last commit ended the load.
    is_ended: bool,
    /// Runs of an earlier session were reopened; from then on the record names runs of this session.
    is_opened: bool,
    /// Rows to delete in an unwind, and the next header to read for it.
    taken_back: Option<(BlockRange, Vec<Vec<u8>>, BlockNumber)>,
}

impl<S: Spill> HashIndexStage<S> {
    /// A stage with a sort buffer of `capacity` bytes.
    pub fn new(capacity: usize, spill: S) -> Self {
        Self {
            collector: SpillCollector::new(capacity, EqualKeys::Last, spill),
            load: None,
            step: StepSize::new(HASH_INDEX_ROWS_START, HASH_INDEX_ROWS_PER_COMMIT, HASH_INDEX_COMMIT_BYTES_MAX),
            written: None,
            range_max: HASH_INDEX_RANGE_MAX,
            is_ended: false,
            is_opened: false,
            taken_back: None,
        }
    }

    /// Fixed step sizes, within the limits: blocks of one load, rows of one write. At least one of each.
    pub fn with_steps(mut self, range_max: u64, rows_per_commit: usize) -> Self {
        self.range_max = range_max.clamp(1, HASH_INDEX_RANGE_MAX);
        let rows = rows_per_commit.clamp(1, HASH_INDEX_ROWS_PER_COMMIT);
        self.step = StepSize::new(rows, rows, HASH_INDEX_COMMIT_BYTES_MAX);
        self
    }

    /// Current number of rows per write.
    pub fn step(&self) -> &StepSize {
        &self.step
    }

    /// The spill, for tests and for hosts.
    pub fn spill(&self) -> &S {
        self.collector.spill()
    }

    /// Starts the next load, or continues the one in the record.
    fn begin(&mut self, input: &ExecInput<'_>) -> Result<Option<Load>, EtlError> {
        let record = LoadRecord::of(input.checkpoint);
        if !core::mem::replace(&mut self.is_opened, true) {
            let known = record.as_ref().map(|record| record.manifest.clone()).unwrap_or_default();
            // Removes runs of other loads of earlier sessions.
            self.collector.adopt(known.clone())?;
            if let (Some(record), Some(last)) = (&record, input.checkpoint.block)
                && let Some(range) = BlockRange::new(record.first, last)
                && !known.runs.is_empty()
            {
                let after = record.after.to_vec();
                return Ok(Some(Load::Store { range, manifest: known, merge: None, after }));
            }
        }
        self.collector.clear()?;
        let first = record.map_or(input.next_block(), |record| record.first.max(input.first));
        let Some(target) = input.target else { return Ok(None) };
        // A load that has started keeps its range: the table may contain rows of all its blocks.
        let least = if input.checkpoint.is_partial { input.checkpoint.block } else { None };
        let last = target.min(first.saturating_add(self.range_max - 1)).max(least.unwrap_or(0).min(target));
        Ok(BlockRange::new(first, last).map(|range| Load::Gather { range, next: first }))
    }

    /// Adds the headers of a read.
    fn gather(&mut self, next: BlockNumber, last: BlockNumber, rows: HeaderRows) -> Result<BlockNumber, StageError> {
        let mut expected = next;
        for (number, rlp) in rows {
            if number != expected || number > last {
                break;
            }
            let (key, value) = hash_index_row(number, &rlp);
            self.collector.insert(&key, &value).map_err(failed)?;
            expected += 1;
        }
        if expected == next { Err(StageError::MissingData { block: next }) } else { Ok(expected) }
    }

    /// The next rows of the load. Without a load afterwards, these are the last rows.
    fn store(
        &mut self,
        merge: Option<PausedMerge>,
        after: &mut Vec<u8>,
    ) -> Result<(Vec<Row>, Option<PausedMerge>), EtlError> {
        let resumed = match merge {
            // A paused merge continues at its position.
            Some(paused) => self.collector.resume(paused),
            None => None,
        };
        let mut merge = match resumed {
            Some(merge) => merge,
            None => {
                let mut merge = self.collector.merge()?;
                if !after.is_empty() {
                    merge.skip_through(after)?;
                }
                merge
            }
        };
        let mut rows = Vec::new();
        let most = self.step.rows();
        while rows.len() < most {
            let Some((key, value)) = merge.next()? else { return Ok((rows, None)) };
            rows.push((key.to_vec(), value.to_vec()));
        }
        if merge.peek()?.is_none() {
            return Ok((rows, None));
        }
        if let Some((key, _)) = rows.last() {
            after.clone_from(key);
        }
        Ok((rows, Some(merge.pause())))
    }

    /// The load cannot continue with these runs: the same blocks are read again.
    fn again(&mut self, range: BlockRange) -> Result<Step<ExecOutput>, StageError> {
        self.collector.clear().map_err(failed)?;
        self.load = Some(Load::Gather { range, next: range.first() });
        Ok(Step::Working)
    }
}

/// Memory of a row that waits for its write, in bytes.
fn row_bytes(row: &Row) -> u64 {
    (size_of::<Row>() + row.0.len() + row.1.len()) as u64
}

fn failed(error: EtlError) -> StageError {
    match error {
        EtlError::Spill(failure) => StageError::Store(failure),
        other => StageError::Recoverable(other.to_string()),
    }
}

impl<S: Spill + core::fmt::Debug> Stage for HashIndexStage<S> {
    fn id(&self) -> StageId {
        HASH_INDEX
    }

    fn execute(&mut self, input: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError> {
        if let Some((since, rows, bytes)) = self.written.take() {
            self.step.measured(rows, bytes, input.now.saturating_since(since));
        }
        if self.load.is_none() {
            self.load = self.begin(&input).map_err(failed)?;
        }
        match self.load.take() {
            None => {
                let output = ExecOutput { checkpoint: input.checkpoint.clone(), done: true };
                Ok(Step::Commit { changes: vec![], output })
            }
            Some(Load::Gather { range, next }) => {
                let next = match input.read {
                    None => next,
                    Some(rows) => self.gather(next, range.last(), rows)?,
                };
                if let Some(rest) = BlockRange::new(next, range.last()) {
                    self.load = Some(Load::Gather { range, next });
                    let last = rest.last().min(next.saturating_add(STAGE_READ_HEADERS_MAX - 1));
                    return Ok(Step::Read(BlockRange::new(next, last).unwrap_or(rest)));
                }
                // A spilled load can be continued; one in memory is quickly read again.
                let is_spilled = self.collector.runs() > 0;
                let manifest = if is_spilled { self.collector.seal().map_err(failed)? } else { Manifest::default() };
                self.load = Some(Load::Store { range, manifest, merge: None, after: Vec::new() });
                Ok(Step::Working)
            }
            Some(Load::Store { range, manifest, merge, mut after }) => {
                let is_adopted = merge.is_none() && !after.is_empty();
                let (rows, merge) = match self.store(merge, &mut after) {
                    Ok(stored) => stored,
                    // Runs of an earlier session are optional.
                    Err(EtlError::Spill(_) | EtlError::Damaged { .. }) if is_adopted => return self.again(range),
                    Err(error) => return Err(failed(error)),
                };
                let bytes = (rows.len(), rows.iter().map(row_bytes).sum());
                let changes = vec![Change::Put { table: HASH_INDEX_TABLE, rows }];
                let (block, target) = (Some(range.last()), input.target);
                self.is_ended = merge.is_none();
                if merge.is_none() {
                    let checkpoint = StageCheckpoint { block, ..StageCheckpoint::default() };
                    let done = target.is_none_or(|target| range.last() >= target);
                    return Ok(Step::Commit { changes, output: ExecOutput { checkpoint, done } });
                }
                self.written = Some((input.now, bytes.0, bytes.1));
                let record =
                    LoadRecord { first: range.first(), manifest: manifest.clone(), after: after.clone().into() };
                self.load = Some(Load::Store { range, manifest, merge, after });
                let checkpoint = StageCheckpoint { block, is_partial: true, data: record.encoded() };
                Ok(Step::Commit { changes, output: ExecOutput { checkpoint, done: false } })
            }
        }
    }

    fn unwind(&mut self, input: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError> {
        let Some(range) = input.unwind_block_range(STAGE_READ_HEADERS_MAX) else {
            // The load is entirely below the floor.
            return Ok(Step::Commit {
                changes: vec![],
                output: UnwindOutput { checkpoint: StageCheckpoint::default() },
            });
        };
        let taken = self.taken_back.take().filter(|(of, ..)| *of == range);
        let (_, mut keys, mut next) = taken.unwrap_or_else(|| (range, Vec::new(), range.first()));
        let mut is_end = false;
        if let Some(rows) = input.read {
            // A missing header has no row that leads to it; a reader compares the hash with the header.
            is_end = rows.is_empty();
            let inside = BlockRange::new(next, range.last()).unwrap_or(range);
            for (number, rlp) in rows.iter().filter(|(number, _)| inside.contains(*number)) {
                keys.push(hash_index_row(*number, rlp).0.to_vec());
                next = number.saturating_add(1);
            }
        }
        if let Some(rest) = BlockRange::new(next, range.last()).filter(|_| !is_end) {
            self.taken_back = Some((range, keys, next));
            return Ok(Step::Read(rest));
        }
        keys.sort_unstable();
        let block = range.first().checked_sub(1).filter(|block| *block >= input.first);
        let record = LoadRecord::of(input.checkpoint).filter(|record| block >= Some(record.first));
        let (is_partial, data) = match record {
            // Rows of lower blocks of the load are still stored, so the load is repeated.
            Some(record) => (true, LoadRecord { first: record.first, ..LoadRecord::default() }.encoded()),
            None => (false, Bytes::new()),
        };
        let checkpoint = StageCheckpoint { block, is_partial, data };
        let changes = vec![Change::Delete { table: HASH_INDEX_TABLE, keys }];
        Ok(Step::Commit { changes, output: UnwindOutput { checkpoint } })
    }

    fn committed(&mut self) -> Result<(), StageError> {
        if core::mem::take(&mut self.is_ended) {
            self.collector.clear().map_err(failed)?;
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), StageError> {
        self.load = None;
        self.written = None;
        self.taken_back = None;
        self.is_ended = false;
        self.collector.clear().map_err(failed)
    }
}
