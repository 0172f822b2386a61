//! Stores of headers: the trait, an in-memory implementation, and the contract tests that every implementation passes.
//!
//! Headers are stored as [`Segment`]s: at most [`SEGMENT_HEADERS`] consecutive headers in one record, cut at the
//! multiples of this number. Stored data is not trusted: a segment verifies its own links ([`Segment::verify`]), and
//! [`HeaderStore::open`] verifies the checkpoint against the newest segment.

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
pub use segment::{SEGMENT_BYTES_MAX, SEGMENT_HEADERS, Segment, SegmentDamage, SegmentEnds};

/// Result of opening a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOpening {
    /// Checkpoint of the last session; `None` for an empty store and for a checkpoint that does not decode.
    pub checkpoint: Option<Checkpoint>,
    /// Numbers that were removed because their segment was damaged; the checkpoint does not contain them any more.
    pub dropped: Vec<BlockRange>,
}

/// Result of one step of the background audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditStep {
    /// The segment is intact and links to its neighbour; continue with the next one at or below this number.
    Sound {
        /// Highest number of the next step.
        next: Option<BlockNumber>,
    },
    /// Damaged numbers were removed, and carved out of the checkpoint in the same transaction.
    Dropped {
        /// The removed numbers.
        range: BlockRange,
        /// The new checkpoint.
        checkpoint: Checkpoint,
        /// Highest number of the next step.
        next: Option<BlockNumber>,
    },
}

/// The headers at these numbers: the response to an [`Output::Lookup`](sync_core::Output::Lookup). A header that cannot
/// be read counts as absent; the audit finds damaged ones.
pub async fn stored_headers<S: HeaderStore>(store: &S, numbers: &[BlockNumber]) -> Vec<(BlockNumber, Option<Bytes>)> {
    let mut headers = Vec::with_capacity(numbers.len());
    for number in numbers {
        headers.push((*number, store.header_by_number(*number).await.ok().flatten()));
    }
    headers
}

/// A store of headers. All methods are atomic: a failed call changes nothing.
/// The futures need not be `Send`: a browser's database is used by one thread.
/// The futures need not be `Send`: a browser's database lives on one thread.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait HeaderStore {
    /// Reads the checkpoint and verifies it with the newest segment. The cost does not depend on the length of the
    /// chain.
    async fn open(&mut self) -> Result<StoreOpening, StoreFailure>;

    /// Stores headers, hash index and checkpoint of the batch in one durable transaction.
    async fn persist(&mut self, batch: &HeaderBatch) -> Result<(), StoreFailure>;

    /// Removes everything above `to` that is not in the checkpoint, and stores the checkpoint, in one durable
    /// transaction. (After a reorg the new branch may already be stored above the removed one.)
    async fn unwind(&mut self, to: BlockNumber, checkpoint: &Checkpoint) -> Result<(), StoreFailure>;

    /// RLP of the header with this number, from a verified segment; `Ok(None)` if it is not stored.
    async fn header_by_number(&self, number: BlockNumber) -> Result<Option<Bytes>, StoreFailure>;

    /// Number and RLP of the header with this hash; the hash of the stored bytes is checked.
    async fn header_by_hash(&self, hash: B256) -> Result<Option<(BlockNumber, Bytes)>, StoreFailure>;

    /// RLP of stored headers of the range, rising, from the first stored number up to the first gap, at most one
    /// segment. Empty if no header of the range is stored.
    async fn headers(&self, range: BlockRange) -> Result<Vec<(BlockNumber, Bytes)>, StoreFailure>;

    /// Audits one segment: the one that holds `from`, or the next one below it.
    async fn audit(&mut self, from: BlockNumber) -> Result<AuditStep, StoreFailure>;

    /// Removes everything.
    async fn clear(&mut self) -> Result<(), StoreFailure>;
}
