//! The cache of an epoch, built in steps. A light check computes from it the few dataset items that it needs.
//!
//! Building costs four hashes per row (262,139 rows in epoch 0, 1.3 million at mainnet's merge): seconds in a browser.
//! So [`CacheBuilder::step`] does a given amount of work and can stop at any row. The result does not depend on the
//! steps.
//!
//! Memory is [`Epoch::cache_bytes`] and nothing else: 16.7 MB in epoch 0, 85 MB at the merge, 151 MB in the last
//! supported epoch ([`ETHASH_EPOCH_MAX`](crate::limits::ETHASH_EPOCH_MAX)). It is reserved at the start; a failure is
//! an error, not an abort.

use alloc::vec::Vec;
use alloy_primitives::{B256, Keccak256};
use tiny_keccak::{Hasher, Keccak};

use super::epoch::{Epoch, ITEM_BYTES};

/// One item of the cache or of the dataset: 64 bytes as little-endian words.
pub(super) type Row = [u32; 16];

/// Rounds of `RandMemoHash` (Yellow Paper, appendix J.3.2, `J_cacherounds`).
const ROUNDS: u32 = 3;

/// The memory for a cache cannot be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory for an ethash cache of {bytes} bytes")]
pub struct NoMemory {
    /// Size of the cache, in bytes.
    pub bytes: u64,
}

/// Progress of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheProgress {
    /// Hashes done.
    pub done: u64,
    /// Hashes in total.
    pub total: u64,
}

impl CacheProgress {
    /// Is the cache complete?
    pub fn is_done(self) -> bool {
        self.done == self.total
    }
}

/// An unfinished cache.
#[derive(Clone, Debug)]
pub struct CacheBuilder {
    epoch: Epoch,
    rows: Vec<Row>,
    rows_total: usize,
    /// Completed rounds over the filled cache.
    rounds: u32,
    /// Next row of this round.
    next: usize,
}

impl CacheBuilder {
    /// Reserves the memory.
    pub fn new(epoch: Epoch) -> Result<Self, NoMemory> {
        let bytes = epoch.cache_bytes();
        // Under 2^22 rows by the limit on epochs.
        let rows_total = (bytes / ITEM_BYTES) as usize;
        let mut rows = Vec::new();
        rows.try_reserve_exact(rows_total).map_err(|_| NoMemory { bytes })?;
        Ok(Self { epoch, rows, rows_total, rounds: 0, next: 0 })
    }

    /// Which epoch's.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Progress of the cache.
    pub fn progress(&self) -> CacheProgress {
        let total = self.rows_total as u64;
        let rounds = u64::from(self.rounds) * total + self.next as u64;
        CacheProgress { done: self.rows.len() as u64 + rounds, total: total * u64::from(ROUNDS + 1) }
    }

    /// Does at most `hashes` hashes (keccak-512 of 64 bytes each).
    pub fn step(&mut self, hashes: u32) -> CacheProgress {
        for _ in 0..hashes {
            if self.rows.len() < self.rows_total {
                self.fill();
            } else if self.rounds < ROUNDS {
                self.memo();
            } else {
                break;
            }
        }
        self.progress()
    }

    /// The cache, if it is complete; `self` otherwise.
    pub fn finish(self) -> Result<Cache, Self> {
        if !self.progress().is_done() {
            return Err(self);
        }
        let dataset_items = (self.epoch.dataset_bytes() / ITEM_BYTES) as u32;
        Ok(Cache { epoch: self.epoch, rows: self.rows, dataset_items })
    }

    /// Each row is the hash of the previous row; the first row is the hash of the seed.
    fn fill(&mut self) {
        let row = match self.rows.last() {
            Some(row) => keccak512(row),
            None => words(&keccak512_bytes(self.epoch.seed().as_slice())),
        };
        self.rows.push(row);
    }

    /// Row `i` becomes the hash of the previous row (the last one for the first) xor the row that row `i` selects.
    fn memo(&mut self) {
        let count = self.rows_total;
        let before = self.rows[(self.next + count - 1) % count];
        let named = self.rows[self.rows[self.next][0] as usize % count];
        self.rows[self.next] = keccak512(&core::array::from_fn(|word| before[word] ^ named[word]));
        self.next += 1;
        if self.next == count {
            (self.rounds, self.next) = (self.rounds + 1, 0);
        }
    }
}

/// A complete cache.
#[derive(Clone, Debug)]
pub struct Cache {
    epoch: Epoch,
    rows: Vec<Row>,
    dataset_items: u32,
}

impl Cache {
    /// Builds a whole cache: half a second natively, some seconds in a browser.
    pub fn build(epoch: Epoch) -> Result<Self, NoMemory> {
        let mut builder = CacheBuilder::new(epoch)?;
        loop {
            builder.step(u32::MAX);
            match builder.finish() {
                Ok(cache) => return Ok(cache),
                Err(unfinished) => builder = unfinished,
            }
        }
    }

    /// Which epoch's.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> u64 {
        self.rows.len() as u64 * ITEM_BYTES
    }

    /// Keccak-256 of the cache, for comparison with other implementations.
    pub fn hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        self.rows.iter().for_each(|row| hasher.update(bytes(row)));
        hasher.finalize()
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Items of the dataset that belongs to this cache.
    pub(super) fn dataset_items(&self) -> u32 {
        self.dataset_items
    }
}

/// Keccak-512 of a row.
pub(super) fn keccak512(row: &Row) -> Row {
    words(&keccak512_bytes(&bytes(row)))
}

/// Keccak-512 (the Keccak of Ethereum, not the later SHA-3).
pub(super) fn keccak512_bytes(input: &[u8]) -> [u8; 64] {
    let mut hash = [0; 64];
    let mut hasher = Keccak::v512();
    hasher.update(input);
    hasher.finalize(&mut hash);
    hash
}

pub(super) fn words(bytes: &[u8; 64]) -> Row {
    let (chunks, _) = bytes.as_chunks::<4>();
    core::array::from_fn(|word| u32::from_le_bytes(chunks[word]))
}

fn bytes(row: &Row) -> [u8; 64] {
    let mut bytes = [0; 64];
    let (chunks, _) = bytes.as_chunks_mut::<4>();
    chunks.iter_mut().zip(row).for_each(|(chunk, word)| *chunk = word.to_le_bytes());
    bytes
}
