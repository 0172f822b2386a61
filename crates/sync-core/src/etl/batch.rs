//! The unit of storage: a run of verified headers with its hash index and the checkpoint that holds once it is stored.

use alloc::vec::Vec;
use alloy_primitives::B256;
use bytes::Bytes;

use crate::{checkpoint::Checkpoint, id::BatchId};
use header_rules::range::{BlockNumber, BlockRange};

/// One row of the hash index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashEntry {
    /// Hash of the header.
    pub hash: B256,
    /// Its number.
    pub number: BlockNumber,
}

/// Verified headers on their way to the store. Only [`Collector`](super::Collector) builds one.
#[derive(Clone, Debug)]
pub struct HeaderBatch {
    pub(super) id: BatchId,
    pub(super) range: BlockRange,
    pub(super) headers: Vec<Bytes>,
    pub(super) hash_index: Vec<HashEntry>,
    pub(super) checkpoint: Checkpoint,
    pub(super) bytes: u64,
}

impl HeaderBatch {
    /// Comes back in [`Input::BatchPersisted`](crate::Input::BatchPersisted).
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// The numbers inside.
    pub fn range(&self) -> BlockRange {
        self.range
    }

    /// RLP of each header, rising.
    pub fn headers(&self) -> &[Bytes] {
        &self.headers
    }

    /// Hash and number of each header, sorted by hash.
    pub fn hash_index(&self) -> &[HashEntry] {
        &self.hash_index
    }

    /// Bytes of all headers.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What holds once the batch is stored.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
