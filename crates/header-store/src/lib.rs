//! What every store of headers does: a trait, its in-memory twin, and the suite that each implementation passes.
//!
//! Headers are kept as [`Segment`]s: at most [`SEGMENT_HEADERS`] consecutive headers in one record, cut where the
//! number is a multiple of it. What a store holds is never trusted blindly: a segment verifies its own links
//! ([`Segment::verify`]), and [`HeaderStore::open`] verifies the checkpoint against the newest segment.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod memory;
mod segment;

pub mod contract;

use alloc::vec::Vec;
use alloy_primitives::B256;
use bytes::Bytes;

use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{checkpoint::Checkpoint, etl::HeaderBatch, fault::StoreFailure};

pub use memory::MemoryStore;
pub use segment::{SEGMENT_HEADERS, Segment, SegmentDamage, SegmentEnds};

/// A store that was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOpening {
    /// How far the last run got; `None` for an empty store and for a checkpoint that does not decode.
    pub checkpoint: Option<Checkpoint>,
    /// Numbers that were dropped because their segment was damaged; already carved out of the checkpoint.
    pub dropped: Vec<BlockRange>,
}

/// Where a background audit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditStep {
    /// The segment holds together and meets its neighbour; go on with the next at or under this number.
    Sound {
        /// Where the next step starts.
        next: Option<BlockNumber>,
    },
    /// Damaged numbers were dropped, and carved out of the checkpoint in the same transaction.
    Dropped {
        /// Which.
        range: BlockRange,
        /// What the store holds now.
        checkpoint: Checkpoint,
        /// Where the next step starts.
        next: Option<BlockNumber>,
    },
}

/// What the store holds at these numbers: the response to an [`Output::Lookup`](sync_core::Output::Lookup). A header that cannot
/// be read counts as absent; a damaged one is found by the audit, not here.
pub async fn stored_headers<S: HeaderStore>(store: &S, numbers: &[BlockNumber]) -> Vec<(BlockNumber, Option<Bytes>)> {
    let mut headers = Vec::with_capacity(numbers.len());
    for number in numbers {
        headers.push((*number, store.header_by_number(*number).await.ok().flatten()));
    }
    headers
}

/// A store of headers. All methods are atomic: a failed call changes nothing.
///
/// The futures need not be `Send`: a browser's database lives on one thread.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait HeaderStore {
    /// Reads the checkpoint and audits it with the newest segment. Costs the same at any chain length.
    async fn open(&mut self) -> Result<StoreOpening, StoreFailure>;

    /// Stores headers, hash index and checkpoint of the batch in one durable transaction.
    async fn persist(&mut self, batch: &HeaderBatch) -> Result<(), StoreFailure>;

    /// Removes everything above `to` that the checkpoint does not speak of, and stores the checkpoint, in one durable
    /// transaction. (After a reorg the new chain may be stored above what is removed.)
    async fn unwind(&mut self, to: BlockNumber, checkpoint: &Checkpoint) -> Result<(), StoreFailure>;

    /// RLP of the header with this number, its segment verified; `Ok(None)` when it is not stored.
    async fn header_by_number(&self, number: BlockNumber) -> Result<Option<Bytes>, StoreFailure>;

    /// Number and RLP of the header with this hash; the hash is computed again from what was read.
    async fn header_by_hash(&self, hash: B256) -> Result<Option<(BlockNumber, Bytes)>, StoreFailure>;

    /// RLP of stored headers of the range, rising, from its first stored number up to the first gap, at most one
    /// segment's worth. Empty when nothing at or above `range.first()` inside the range is stored.
    async fn headers(&self, range: BlockRange) -> Result<Vec<(BlockNumber, Bytes)>, StoreFailure>;

    /// Audits one segment: the one that holds `from`, or the next below it.
    async fn audit(&mut self, from: BlockNumber) -> Result<AuditStep, StoreFailure>;

    /// Removes everything.
    async fn clear(&mut self) -> Result<(), StoreFailure>;
}
