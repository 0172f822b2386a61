//! Where sorted runs wait until they are merged: a host's files, or memory.
//!
//! The trait is synchronous on purpose. A native host has files; a browser's worker has sync access handles of its
//! private file system (OPFS), which read and write without waiting once they are open. A run is written from its start
//! to its end and never changed afterwards.
//!
//! A host may lose or damage what it was given: each block of a run carries a checksum, and nothing of a block is
//! believed before its checksum holds.

use alloc::{collections::BTreeMap, format, vec::Vec};
use core::fmt;

use sync_core::fault::StoreFailure;

/// One run in a [`Spill`]. A host gives each a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.0)
    }
}

/// Why a collector cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtlError {
    /// The spill did not do what it was asked to. What was collected is still there; the call may be made again.
    #[error("spill: {0}")]
    Spill(#[from] StoreFailure),
    /// An entry is longer than what fits into the buffer, or than any entry may be.
    #[error("entry of {got} bytes, at most {max} fit")]
    EntryTooLong {
        /// Bytes of key and value.
        got: usize,
        /// Bytes that an entry may have here.
        max: usize,
    },
    /// A run is not what was written.
    #[error("{run} is damaged at byte {offset}: {what}")]
    Damaged {
        /// Which.
        run: RunId,
        /// Where the damaged block begins.
        offset: u64,
        /// What does not hold.
        what: &'static str,
    },
}

/// A host's place for sorted runs.
pub trait Spill {
    /// Begins a run that holds nothing yet. An id is never given twice, not even after a restart.
    fn create(&mut self) -> Result<RunId, StoreFailure>;

    /// Adds bytes at the end of a run. A failed call may have added a part of them; such a run is removed, not used.
    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure>;

    /// Fills `into` from `offset` on; an error when the run is shorter or unknown.
    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure>;

    /// Removes a run. Removing one that is not there is no error.
    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure>;

    /// Removes every run but these: what sessions left that ended in the middle of a load.
    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure>;
}

/// A spill that is handed over for one collector and used again afterwards.
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

/// The in-memory twin: for tests, and for a host without files, whose memory then is the bound.
#[derive(Clone, Debug, Default)]
pub struct MemorySpill {
    runs: BTreeMap<RunId, Vec<u8>>,
    next: u64,
}

impl MemorySpill {
    /// A spill that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs that are here.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Is no run here?
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Bytes of all runs.
    pub fn bytes(&self) -> usize {
        self.runs.values().map(Vec::len).sum()
    }

    /// The bytes of each run, to be damaged as a bad disk would.
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
