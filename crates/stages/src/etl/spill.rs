//! Storage of sorted runs until they are merged: files of the host, or memory.
//!
//! The trait is synchronous: a native host has files, and a browser's worker has sync access handles of its private
//! file system (OPFS), which read and write without waiting once they are open. A run is written from start to end and
//! never changed afterwards.
//!
//! A host may lose or damage data: each block of a run has a checksum, which is checked before the block is used.

use alloc::{collections::BTreeMap, format, vec::Vec};
use core::fmt;

use sync_core::fault::StoreFailure;

/// Id of a run in a [`Spill`]. The host never uses an id twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.0)
    }
}

/// Why a collector cannot continue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtlError {
    /// The spill failed. The collected entries are kept; the call can be repeated.
    #[error("spill: {0}")]
    Spill(#[from] StoreFailure),
    /// An entry is longer than the buffer, or than the longest entry.
    #[error("entry of {got} bytes, at most {max} fit")]
    EntryTooLong {
        /// Bytes of key and value.
        got: usize,
        /// Longest entry here, in bytes.
        max: usize,
    },
    /// The content of a run is not what was written.
    #[error("{run} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The damaged run.
        run: RunId,
        /// Offset of the damaged block.
        offset: u64,
        /// Reason.
        what: &'static str,
    },
}

/// Storage for sorted runs.
pub trait Spill {
    /// Creates an empty run. An id is never used twice, not even after a restart.
    fn create(&mut self) -> Result<RunId, StoreFailure>;

    /// Appends bytes to a run. A failed call may have appended a part; such a run is removed, not used.
    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure>;

    /// Fills `into` from `offset` on; an error if the run is shorter or unknown.
    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure>;

    /// Removes a run. Removing an unknown run is not an error.
    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure>;

    /// Removes all other runs: those of sessions that ended during a load.
    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure>;
}

/// A shared spill: one collector uses it, and the owner keeps it afterwards.
impl<S: Spill + ?Sized> Spill for &mut S {
    fn create(&mut self) -> Result<RunId, StoreFailure> {
        (**self).create()
    }

    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure> {
        (**self).append(run, bytes)
    }

    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure> {
        (**self).read(run, offset, into)
    }

    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure> {
        (**self).remove(run)
    }

    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure> {
        (**self).remove_others(keep)
    }
}

/// A spill in memory: for tests, and for a host without files, which is then bounded by its memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySpill {
    runs: BTreeMap<RunId, Vec<u8>>,
    next: u64,
}

impl MemorySpill {
    /// An empty spill.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Is there no run?
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Bytes of all runs.
    pub fn bytes(&self) -> usize {
        self.runs.values().map(Vec::len).sum()
    }

    /// The bytes of each run, so that a test can damage them.
    pub fn runs_mut(&mut self) -> impl Iterator<Item = (RunId, &mut Vec<u8>)> {
        self.runs.iter_mut().map(|(id, bytes)| (*id, bytes))
    }
}

impl Spill for MemorySpill {
    fn create(&mut self) -> Result<RunId, StoreFailure> {
        let id = RunId(self.next);
        self.next += 1;
        self.runs.insert(id, Vec::new());
        Ok(id)
    }

    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure> {
        let held = self.runs.get_mut(&run).ok_or_else(|| StoreFailure::Damaged(format!("{run} is not here")))?;
        held.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure> {
        let held = self.runs.get(&run).ok_or_else(|| StoreFailure::Damaged(format!("{run} is not here")))?;
        let part = usize::try_from(offset).ok().and_then(|at| held.get(at..)?.get(..into.len()));
        let part = part.ok_or_else(|| StoreFailure::Damaged(format!("{run} is shorter than what was written")))?;
        into.copy_from_slice(part);
        Ok(())
    }

    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure> {
        self.runs.remove(&run);
        Ok(())
    }

    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure> {
        self.runs.retain(|run, _| keep.contains(run));
        Ok(())
    }
}
