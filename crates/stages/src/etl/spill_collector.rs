//! A collector for loads that are larger than memory.
//!
//! Entries come in any order. A buffer of bounded size takes them; when the next one finds no room, the buffer is sorted
//! and goes to the [`Spill`] as a run. At the end all runs are merged: entries come out rising by key, each once by the
//! rule of [`EqualKeys`]. When everything fitted into the buffer, nothing is ever spilled.
//!
//! What bounds it: while collecting, the buffer and one block to write; while merging, one block of each run, and there
//! are at most [`ETL_RUNS_MAX`] runs (beyond it all are merged into one). A block is at most a 64th of the buffer, so both
//! are no more than the buffer and a little.
//!
//! Its life: `insert` ... `merge` (once to its end; an attempt that failed before its end may be repeated), `clear`.
//! Whoever gives up in between calls [`clear`](SpillCollector::clear): entries of an attempt that failed must not appear
//! in the next. Between two sessions: [`seal`](SpillCollector::seal) before the load begins, its manifest kept with the
//! checkpoint, [`reopen`](SpillCollector::reopen) after a restart.
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

/// Smallest block: below it the lengths and checksums weigh more than what they hold.
const BLOCK_BYTES_MIN: usize = 512;

/// Sorts entries with bounded memory. See the [module](self) for its life and its bounds.
#[derive(Debug)]
pub struct SpillCollector<S> {
    spill: S,
    rule: EqualKeys,
    buffer: Buffer,
    block_bytes: usize,
    runs: Vec<Run>,
    /// Runs that could not be removed; tried again by the next [`clear`](Self::clear).
    leftover: Vec<RunId>,
    entries: u64,
    /// Everything was handed out; the next insertion begins anew.
    consumed: bool,
    /// Rises with every change, so that a paused merge of something else is known.
    load: u64,
}

impl<S: Spill> SpillCollector<S> {
    /// A collector whose buffer holds at most `capacity` bytes. Nothing is created in the spill before it is needed.
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

    /// Takes an entry in. An empty key, an empty value, and both are entries like any other.
    ///
    /// A failed call took nothing in; what was here before still is.
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

    /// Entries that were inserted; those of equal keys all count.
    pub fn len(&self) -> u64 {
        self.entries
    }

    /// Was nothing inserted?
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

    /// The spill, to make room in it for example.
    pub fn spill_mut(&mut self) -> &mut S {
        &mut self.spill
    }

    /// Puts everything into runs, so that the load survives this session: see [`Manifest`].
    pub fn seal(&mut self) -> Result<Manifest, EtlError> {
        if !self.buffer.is_empty() {
            self.spill_buffer()?;
        }
        Ok(Manifest { entries: self.entries, runs: self.runs.clone() })
    }

    /// Everything, rising by key. Handed out to the end once; a second merge after that has nothing.
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

    /// Goes on with a merge that was paused; `None` when the collector was changed since then.
    pub fn resume(&mut self, paused: PausedMerge) -> Option<Merge<'_, S>> {
        (paused.load == self.load).then(|| Merge::new(paused, &self.buffer, &self.spill, &mut self.consumed))
    }

    /// Forgets what is here and takes over the runs of an earlier session, as [`reopen`](Self::reopen) does. Every other
    /// run in the spill is removed: nobody speaks of it any more.
    pub fn adopt(&mut self, manifest: Manifest) -> Result<(), EtlError> {
        self.clear()?;
        let keep: Vec<RunId> = manifest.runs.iter().map(|run| RunId(run.id)).collect();
        self.spill.remove_others(&keep)?;
        self.runs = manifest.runs;
        self.entries = manifest.entries;
        Ok(())
    }

    /// Forgets everything, here and in the spill, and gives the memory back. To be called after a load, and by every
    /// path that gives a load up.
    ///
    /// When a run cannot be removed, the others still are, and the next call tries again.
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

    /// Writes the buffer as a run. A failed call leaves the buffer as it is, but for the order inside.
    fn spill_buffer(&mut self) -> Result<(), EtlError> {
        if self.runs.len() >= ETL_RUNS_MAX {
            // An earlier attempt to make them one failed.
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

    /// Merges all runs into one. It is older than every later run, so the order of insertion stays.
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

    /// The run that was written, or nothing of it.
    fn end_run(&mut self, writer: RunWriter, written: Result<(), EtlError>) -> Result<Run, EtlError> {
        let id = writer.id();
        let run = written.and_then(|()| writer.finish(&mut self.spill));
        if run.is_err() && self.spill.remove(id).is_err() {
            self.leftover.push(id);
        }
        run
    }
}
