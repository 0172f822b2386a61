//! A collector for loads that are larger than memory.
//!
//! Entries come in any order, into a buffer of bounded size. When the next entry does not fit, the buffer is sorted and
//! written to the [`Spill`] as a run. At the end all runs are merged: entries are returned by rising key, each key
//! once, by the rule of [`EqualKeys`]. If all entries fit into the buffer, nothing is spilled.
//!
//! Bounds: while collecting, the buffer and one block to write; while merging, one block of each run, of which there
//! are at most [`ETL_RUNS_MAX`] (at the limit all are merged into one). A block is at most a 64th of the buffer, so
//! both need little more than the buffer.
//!
//! Order of calls: `insert` ... `merge` (once to its end; a merge that failed can be repeated), `clear`. An aborted
//! load must call [`clear`](SpillCollector::clear): its entries must not appear in the next load. Between two sessions:
//! [`seal`](SpillCollector::seal) before the load begins, its manifest stored with the checkpoint,
//! [`reopen`](SpillCollector::reopen) after a restart.
//!
//! ```
//! use stages::etl::{EqualKeys, MemorySpill, SpillCollector};
//!
//! let mut collector = SpillCollector::new(1 << 20, EqualKeys::Last, MemorySpill::new());
//! collector.insert(b"b", b"1")?;
//! collector.insert(b"a", b"2")?;
//! collector.insert(b"b", b"3")?;
//! let mut merge = collector.merge()?;
//! assert_eq!(merge.next()?, Some((&b"a"[..], &b"2"[..])));
//! assert_eq!(merge.next()?, Some((&b"b"[..], &b"3"[..])));
//! assert_eq!(merge.next()?, None);
//! collector.clear()?;
//! # Ok::<(), stages::etl::EtlError>(())
//! ```

use alloc::vec::Vec;

use super::{
    buffer::{Buffer, EqualKeys},
    merge::{Merge, PausedMerge, RunsMerge, Source},
    run::{Manifest, Run, RunWriter},
    spill::{EtlError, RunId, Spill},
};
use crate::config::{ETL_BLOCK_BYTES, ETL_ENTRY_BYTES_MAX, ETL_RUNS_MAX};

/// Smallest block: in smaller ones lengths and checksums would be longer than the entries.
const BLOCK_BYTES_MIN: usize = 512;

/// Sorts entries with bounded memory. See the [module](self) for the order of calls and the bounds.
#[derive(Debug)]
pub struct SpillCollector<S> {
    spill: S,
    rule: EqualKeys,
    buffer: Buffer,
    block_bytes: usize,
    runs: Vec<Run>,
    /// Runs that could not be removed; the next [`clear`](Self::clear) retries.
    leftover: Vec<RunId>,
    entries: u64,
    /// All entries were returned; the next insertion starts a new load.
    consumed: bool,
    /// Rises with every change, to detect a paused merge of an earlier load.
    load: u64,
}

impl<S: Spill> SpillCollector<S> {
    /// A collector whose buffer holds at most `capacity` bytes. The spill is used only when the buffer is full.
    pub fn new(capacity: usize, rule: EqualKeys, spill: S) -> Self {
        Self {
            spill,
            rule,
            buffer: Buffer::new(capacity),
            block_bytes: (capacity / ETL_RUNS_MAX).clamp(BLOCK_BYTES_MIN, ETL_BLOCK_BYTES),
            runs: Vec::new(),
            leftover: Vec::new(),
            entries: 0,
            consumed: false,
            load: 0,
        }
    }

    /// The collector of an earlier session, after its [`seal`](Self::seal). Runs are checked as they are read.
    pub fn reopen(capacity: usize, rule: EqualKeys, spill: S, manifest: Manifest) -> Self {
        Self { runs: manifest.runs, entries: manifest.entries, ..Self::new(capacity, rule, spill) }
    }

    /// Adds an entry. Key and value may be empty.
    ///
    /// A failed call adds nothing and keeps the earlier entries.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), EtlError> {
        if self.consumed {
            self.clear()?;
        }
        self.load += 1;
        let got = key.len().saturating_add(value.len());
        let max = self.buffer.entry_max().min(ETL_ENTRY_BYTES_MAX);
        if got > max {
            return Err(EtlError::EntryTooLong { got, max });
        }
        if !self.buffer.push(key, value) {
            self.spill_buffer()?;
            let fits = self.buffer.push(key, value);
            debug_assert!(fits, "an empty buffer takes an entry of this length");
        }
        self.entries += 1;
        Ok(())
    }

    /// Number of inserted entries; entries of equal keys all count.
    pub fn len(&self) -> u64 {
        self.entries
    }

    /// Are there no entries?
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Bytes allocated for the buffer; never more than its capacity.
    pub fn allocated(&self) -> usize {
        self.buffer.allocated()
    }

    /// Runs in the spill.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The spill.
    pub fn spill(&self) -> &S {
        &self.spill
    }

    /// The spill, mutable, for example to free space.
    pub fn spill_mut(&mut self) -> &mut S {
        &mut self.spill
    }

    /// Writes all entries to runs, so that the load survives this session: see [`Manifest`].
    pub fn seal(&mut self) -> Result<Manifest, EtlError> {
        if !self.buffer.is_empty() {
            self.spill_buffer()?;
        }
        Ok(Manifest { entries: self.entries, runs: self.runs.clone() })
    }

    /// All entries, by rising key. They are returned once: a merge after a complete one is empty.
    pub fn merge(&mut self) -> Result<Merge<'_, S>, EtlError> {
        if self.consumed {
            self.clear()?;
        }
        self.load += 1;
        let source = if self.runs.is_empty() {
            self.buffer.sort(self.rule);
            Source::Memory(0)
        } else {
            if !self.buffer.is_empty() {
                self.spill_buffer()?;
            }
            self.buffer.release();
            Source::Runs(RunsMerge::new(&self.runs, self.rule))
        };
        let paused = PausedMerge { source, load: self.load };
        Ok(Merge::new(paused, &self.buffer, &self.spill, &mut self.consumed))
    }

    /// Continues a paused merge; `None` if the collector was changed since then.
    pub fn resume(&mut self, paused: PausedMerge) -> Option<Merge<'_, S>> {
        (paused.load == self.load).then(|| Merge::new(paused, &self.buffer, &self.spill, &mut self.consumed))
    }

    /// Drops the current entries and continues with the runs of an earlier session, like [`reopen`](Self::reopen).
    /// Removes all other runs from the spill: they belong to no load.
    pub fn adopt(&mut self, manifest: Manifest) -> Result<(), EtlError> {
        self.clear()?;
        let keep: Vec<RunId> = manifest.runs.iter().map(|run| RunId(run.id)).collect();
        self.spill.remove_others(&keep)?;
        self.runs = manifest.runs;
        self.entries = manifest.entries;
        Ok(())
    }

    /// Removes all entries, here and in the spill, and frees the memory. Call this after a load, and when a load is
    /// aborted.
    ///
    /// If a run cannot be removed, the others still are, and the next call retries.
    pub fn clear(&mut self) -> Result<(), EtlError> {
        self.buffer.release();
        self.load += 1;
        self.entries = 0;
        self.consumed = false;
        self.leftover.extend(self.runs.drain(..).map(|run| RunId(run.id)));
        self.remove_leftover()
    }

    fn remove_leftover(&mut self) -> Result<(), EtlError> {
        let mut outcome = Ok(());
        let spill = &mut self.spill;
        self.leftover.retain(|run| match spill.remove(*run) {
            Ok(()) => false,
            Err(failure) => {
                outcome = Err(failure.into());
                true
            }
        });
        outcome
    }

    /// Writes the buffer as a run. A failed call changes at most the order of the entries.
    fn spill_buffer(&mut self) -> Result<(), EtlError> {
        if self.runs.len() >= ETL_RUNS_MAX {
            // An earlier attempt to merge the runs into one failed.
            self.compact()?;
        }
        self.buffer.sort(self.rule);
        let mut writer = self.begin_run()?;
        let (buffer, spill) = (&self.buffer, &mut self.spill);
        let mut entries = (0..buffer.len()).filter_map(|index| buffer.get(index));
        let written = entries.try_for_each(|(key, value)| writer.push(spill, key, value));
        let run = self.end_run(writer, written)?;
        self.runs.push(run);
        self.buffer.clear();
        if self.runs.len() == ETL_RUNS_MAX {
            self.buffer.release();
            self.compact()?;
        }
        Ok(())
    }

    /// Merges all runs into one. It is older than every later run, so the order of insertion is kept.
    fn compact(&mut self) -> Result<(), EtlError> {
        let mut writer = self.begin_run()?;
        let written = self.copy_runs(&mut writer);
        let run = self.end_run(writer, written)?;
        self.leftover.extend(self.runs.drain(..).map(|old| RunId(old.id)));
        self.runs.push(run);
        self.remove_leftover()
    }

    fn copy_runs(&mut self, writer: &mut RunWriter) -> Result<(), EtlError> {
        let mut merge = RunsMerge::new(&self.runs, self.rule);
        while let Some((key, value)) = merge.next(&self.spill)? {
            writer.push(&mut self.spill, key, value)?;
        }
        Ok(())
    }

    fn begin_run(&mut self) -> Result<RunWriter, EtlError> {
        Ok(RunWriter::new(self.spill.create()?, self.block_bytes))
    }

    /// The written run, or nothing if it failed.
    fn end_run(&mut self, writer: RunWriter, written: Result<(), EtlError>) -> Result<Run, EtlError> {
        let id = writer.id();
        let run = written.and_then(|()| writer.finish(&mut self.spill));
        if run.is_err() && self.spill.remove(id).is_err() {
            self.leftover.push(id);
        }
        run
    }
}
