//! Operations on the store and their outcomes, as values.

use bytes::Bytes;
use header_rules::range::BlockNumber;
use header_store::{AuditStep, StoreOpening};
use sync_core::{
    Checkpoint,
    etl::HeaderBatch,
    fault::StoreFailure,
    id::{BatchId, LookupId},
};

/// Why a lost store was not opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReopenFailure {
    /// May pass: worth another attempt.
    Passing(StoreFailure),
    /// Another attempt ends the same way (a newer version owns the database, storage is switched off).
    Final(String),
}

/// One operation on the store.
#[derive(Debug)]
pub enum StoreOp {
    /// Stores headers, index and checkpoint.
    Persist(HeaderBatch),
    /// Reads headers for the machine; in order with the writes.
    Lookup {
        /// Comes back with the result.
        id: LookupId,
        /// Block numbers.
        numbers: Vec<BlockNumber>,
    },
    /// Removes everything above `to` that the checkpoint does not cover.
    Unwind {
        /// Highest block kept below.
        to: BlockNumber,
        /// The checkpoint that holds afterwards.
        checkpoint: Checkpoint,
    },
    /// Verifies one segment and drops it when it is damaged.
    Audit {
        /// A number in the segment.
        from: BlockNumber,
        /// Which part of the audit asks.
        purpose: Purpose,
    },
    /// Reads the place of the audit.
    ReadPlace,
    /// Stores the place of the audit.
    KeepPlace(AuditPlace),
    /// Empties the store.
    Clear,
    /// Connects again.
    Reopen,
}

impl StoreOp {
    /// Its outcome concerns the machine that asked for it, and no other.
    pub(super) fn is_of_machine(&self) -> bool {
        matches!(self, Self::Persist(_) | Self::Lookup { .. } | Self::Unwind { .. })
    }
}

/// Outcome of a [`StoreOp`].
#[derive(Debug)]
pub enum StoreResult {
    /// Of `Persist`.
    Persisted {
        /// The batch.
        batch: BatchId,
        /// What holds once it is durable.
        checkpoint: Checkpoint,
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
    },
    /// Of `Lookup`.
    Found {
        /// The look-up.
        id: LookupId,
        /// Number and RLP; `None` for what is not stored.
        headers: Vec<(BlockNumber, Option<Bytes>)>,
    },
    /// Of `Unwind`.
    Unwound {
        /// Highest block kept below.
        to: BlockNumber,
        /// For another attempt.
        checkpoint: Checkpoint,
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
    },
    /// Of `Audit`.
    Audited {
        /// As in the operation.
        purpose: Purpose,
        /// What was found.
        outcome: Result<AuditStep, StoreFailure>,
    },
    /// Of `ReadPlace`.
    PlaceRead(Result<Option<AuditPlace>, StoreFailure>),
    /// Of `KeepPlace`.
    PlaceKept(Result<(), StoreFailure>),
    /// Of `Clear`.
    Cleared {
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
        /// What the store holds now; after a failure it was opened again.
        left: StoreOpening,
    },
    /// Of `Reopen`.
    Reopened(Result<StoreOpening, ReopenFailure>),
}

/// Form of the kept place.
const PLACE_VERSION: u8 = 1;
/// Version, `top`, `next` plus one (0: the walk is complete).
const PLACE_BYTES: usize = 1 + 8 + 8;

/// How far the walk has come: every segment from `top` down to above `next` was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// Highest audited number.
    pub top: BlockNumber,
    /// The next number to audit; `None`: everything up to `top` was audited.
    pub next: Option<BlockNumber>,
}

impl AuditPlace {
    /// Nothing is audited yet of what lies at or under `head`.
    pub const fn at_top(head: BlockNumber) -> Self {
        Self { top: head, next: Some(head) }
    }

    /// As bytes, little-endian.
    pub fn encode(self) -> [u8; PLACE_BYTES] {
        let mut bytes = [PLACE_VERSION; PLACE_BYTES];
        bytes[1..9].copy_from_slice(&self.top.to_le_bytes());
        bytes[9..].copy_from_slice(&self.next.map_or(0, |next| next.saturating_add(1)).to_le_bytes());
        bytes
    }

    /// `None` for anything that [`AuditPlace::encode`] does not write; the walk then begins at the top.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let ([PLACE_VERSION], rest) = bytes.split_first_chunk::<1>()? else { return None };
        let (top, next) = rest.split_first_chunk::<8>()?;
        let top = u64::from_le_bytes(*top);
        let next = u64::from_le_bytes(next.try_into().ok()?).checked_sub(1);
        next.is_none_or(|next| next <= top).then_some(Self { top, next })
    }
}

/// Which part of the audit asked for a step. It comes back with the outcome, so that no part moves by another's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A look-up of the page found damage here.
    Urgent,
    /// Stored since the place was kept.
    Fresh,
    /// Some of what was audited before.
    Sample,
    /// The walk.
    Walk,
}
