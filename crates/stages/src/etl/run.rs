//! The format of a sorted run in a spill, with its writer and reader.
//!
//! ```text
//!   run    block, block, ...                                    rising by key
//!   block  length (u32)  entries (u32)  checksum (u64)  entry, entry, ...
//!   entry  key length (u32)  value length (u32)  key  value
//! ```
//!
//! Little-endian, the same on 32 and 64 bits. A block is read as a whole and checked by its checksum, which covers its
//! position too: a block of another run, or of another position, fails. The checksum detects damaged disks; only the
//! host writes there. One block of each run is in memory at a time.

use alloc::vec::Vec;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use super::spill::{EtlError, RunId, Spill};
use crate::config::{ETL_BLOCK_BYTES, ETL_ENTRY_BYTES_MAX, ETL_RUNS_MAX};

const BLOCK_PREFIX_BYTES: usize = 4 + 4 + 8;
const ENTRY_PREFIX_BYTES: usize = 4 + 4;
/// Longest valid block: a full one, or one entry of the longest length.
const BLOCK_BYTES_MAX: usize = ETL_BLOCK_BYTES + ENTRY_PREFIX_BYTES + ETL_ENTRY_BYTES_MAX;

/// Metadata of a run, needed to read it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Run {
    /// Id of the run in its spill.
    pub id: u64,
    /// Number of entries.
    pub entries: u64,
    /// Length in bytes, including lengths and checksums.
    pub bytes: u64,
    /// Checksum over the checksums of its blocks.
    pub checksum: u64,
}

/// Metadata to merge the runs of a collector in another session: [`SpillCollector::seal`] creates it,
/// [`SpillCollector::reopen`] reads it. It is stored with the checkpoint of the stage that loads.
///
/// [`SpillCollector::seal`]: super::SpillCollector::seal
/// [`SpillCollector::reopen`]: super::SpillCollector::reopen
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Manifest {
    /// Number of inserted entries.
    pub entries: u64,
    /// The runs, in the order of writing.
    pub runs: Vec<Run>,
}

impl Manifest {
    /// As bytes (RLP).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length());
        Encodable::encode(self, &mut out);
        out
    }

    /// Reads a manifest; `None` for anything that [`encode`](Self::encode) would not write.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let manifest = <Self as Decodable>::decode(&mut bytes).ok()?;
        (bytes.is_empty() && manifest.runs.len() <= ETL_RUNS_MAX).then_some(manifest)
    }
}

/// FNV-1a, 64 bits.
fn checksum(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn seed(id: u64, offset: u64) -> u64 {
    checksum(checksum(0xcbf2_9ce4_8422_2325, &id.to_le_bytes()), &offset.to_le_bytes())
}

fn chain(run: u64, block: u64) -> u64 {
    checksum(run, &block.to_le_bytes())
}

/// Writes a run block by block.
#[derive(Debug)]
pub(super) struct RunWriter {
    run: Run,
    block: Vec<u8>,
    entries: u32,
    block_bytes: usize,
}

impl RunWriter {
    pub(super) fn new(id: RunId, block_bytes: usize) -> Self {
        let run = Run { id: id.0, entries: 0, bytes: 0, checksum: seed(id.0, 0) };
        Self { run, block: Vec::with_capacity(block_bytes), entries: 0, block_bytes }
    }

    pub(super) fn id(&self) -> RunId {
        RunId(self.run.id)
    }

    /// Adds an entry, not below the previous one.
    pub(super) fn push(&mut self, spill: &mut impl Spill, key: &[u8], value: &[u8]) -> Result<(), EtlError> {
        let entry = ENTRY_PREFIX_BYTES + key.len() + value.len();
        if self.entries > 0 && self.block.len() + entry > self.block_bytes {
            self.flush(spill)?;
        }
        if self.block.is_empty() {
            self.block.extend_from_slice(&[0; BLOCK_PREFIX_BYTES]);
        }
        self.block.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.block.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.entries += 1;
        Ok(())
    }

    pub(super) fn finish(mut self, spill: &mut impl Spill) -> Result<Run, EtlError> {
        if self.entries > 0 {
            self.flush(spill)?;
        }
        Ok(self.run)
    }

    fn flush(&mut self, spill: &mut impl Spill) -> Result<(), EtlError> {
        let payload = (self.block.len() - BLOCK_PREFIX_BYTES) as u32;
        self.block[0..4].copy_from_slice(&payload.to_le_bytes());
        self.block[4..8].copy_from_slice(&self.entries.to_le_bytes());
        let sum = checksum(seed(self.run.id, self.run.bytes), &self.block[0..8]);
        let sum = checksum(sum, &self.block[BLOCK_PREFIX_BYTES..]);
        self.block[8..16].copy_from_slice(&sum.to_le_bytes());
        spill.append(RunId(self.run.id), &self.block)?;
        self.run.entries += u64::from(self.entries);
        self.run.bytes += self.block.len() as u64;
        self.run.checksum = chain(self.run.checksum, sum);
        self.block.clear();
        self.entries = 0;
        Ok(())
    }
}

/// Reads a run from start to end, one block in memory.
#[derive(Debug)]
pub(super) struct RunReader {
    run: Run,
    /// Offset of the next block.
    offset: u64,
    seen: u64,
    checksum: u64,
    block: Vec<u8>,
    /// Offset of the current entry in the block; at the end of the block if there is none.
    at: usize,
}

impl RunReader {
    pub(super) fn new(run: Run) -> Self {
        Self { run, offset: 0, seen: 0, checksum: seed(run.id, 0), block: Vec::new(), at: 0 }
    }

    /// Allocated bytes.
    pub(super) fn allocated(&self) -> usize {
        self.block.capacity()
    }

    /// The current entry; `None` before [`load`](Self::load), and at the end.
    pub(super) fn entry(&self) -> Option<(&[u8], &[u8])> {
        let (prefix, rest) = self.block.get(self.at..)?.split_first_chunk::<ENTRY_PREFIX_BYTES>()?;
        let [k0, k1, k2, k3, v0, v1, v2, v3] = *prefix;
        let key = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let value = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
        // Checked when the block was loaded.
        let (key, rest) = rest.split_at_checked(key)?;
        Some((key, rest.get(..value)?))
    }

    /// Advances past the current entry. [`load`](Self::load) makes the next one available.
    pub(super) fn advance(&mut self) {
        if let Some((key, value)) = self.entry() {
            self.at += ENTRY_PREFIX_BYTES + key.len() + value.len();
        }
    }

    /// Reads the next block if the current one is used up. A failed call changes nothing and can be repeated.
    pub(super) fn load(&mut self, spill: &impl Spill) -> Result<(), EtlError> {
        if self.at < self.block.len() || self.offset == self.run.bytes {
            return Ok(());
        }
        let damaged = |what| EtlError::Damaged { run: RunId(self.run.id), offset: self.offset, what };
        let mut prefix = [0; BLOCK_PREFIX_BYTES];
        spill.read(RunId(self.run.id), self.offset, &mut prefix)?;
        let [l0, l1, l2, l3, e0, e1, e2, e3, sum @ ..] = prefix;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let entries = u64::from(u32::from_le_bytes([e0, e1, e2, e3]));
        let end = self.offset + (BLOCK_PREFIX_BYTES + length) as u64;
        if length > BLOCK_BYTES_MAX || end > self.run.bytes {
            return Err(damaged("a block reaches over its end"));
        }
        let mut block = core::mem::take(&mut self.block);
        block.clear();
        block.resize(length, 0);
        let read = spill.read(RunId(self.run.id), self.offset + BLOCK_PREFIX_BYTES as u64, &mut block);
        let sum = u64::from_le_bytes(sum);
        let got = checksum(checksum(seed(self.run.id, self.offset), &prefix[0..8]), &block);
        let holds = got == sum && count(&block) == Some(entries);
        let (seen, chained) = (self.seen + entries, chain(self.checksum, sum));
        let is_last = end == self.run.bytes;
        let whole = !is_last || (seen == self.run.entries && chained == self.run.checksum);
        if read.is_err() || !holds || !whole {
            // The bytes are not an entry; the block that was used up is not needed again.
            block.clear();
            (self.block, self.at) = (block, 0);
            read?;
            return Err(damaged(if holds { "it is not the run that was written" } else { "a block's checksum" }));
        }
        (self.block, self.at) = (block, 0);
        (self.offset, self.seen, self.checksum) = (end, seen, chained);
        Ok(())
    }
}

/// Entries of a block; `None` if they do not fill it exactly.
fn count(mut block: &[u8]) -> Option<u64> {
    let mut entries = 0;
    while let Some((prefix, rest)) = block.split_first_chunk::<ENTRY_PREFIX_BYTES>() {
        let [k0, k1, k2, k3, v0, v1, v2, v3] = *prefix;
        let key = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let value = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
        block = rest.get(key.checked_add(value)?..)?;
        entries += 1;
    }
    block.is_empty().then_some(entries)
}
