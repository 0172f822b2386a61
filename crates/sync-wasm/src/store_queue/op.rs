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
    /// Temporary: retry.
    Passing(StoreFailure),
    /// Permanent: a retry fails the same way (a newer version owns the database, storage is switched off).
    Final(String),
}

/// One operation on the store.
#[derive(Debug)]
pub enum StoreOp {
    /// Stores headers, index and checkpoint.
    Persist(HeaderBatch),
    /// Reads headers for the machine, in order with the writes.
    Lookup {
        /// Returned with the result.
        id: LookupId,
        /// Block numbers.
        numbers: Vec<BlockNumber>,
    },
    /// Removes everything above `to` that the checkpoint does not cover.
    Unwind {
        /// Headers up to this number stay.
        to: BlockNumber,
        /// The checkpoint after the unwind.
        checkpoint: Checkpoint,
    },
    /// Verifies one segment and drops it when it is damaged.
    Audit {
        /// A block number in the segment.
        from: BlockNumber,
        /// Part of the audit that requests the step.
        purpose: Purpose,
    },
    /// Reads the position of the audit.
    ReadPlace,
    /// Stores the position of the audit.
    KeepPlace(AuditPlace),
    /// Empties the store.
    Clear,
    /// Connects again.
    Reopen,
}

impl StoreOp {
    /// Its outcome concerns only the machine that requested it.
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
        /// The checkpoint once the batch is durable.
        checkpoint: Checkpoint,
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
    },
    /// Of `Lookup`.
    Found {
        /// Id of the look-up.
        id: LookupId,
        /// Number and RLP; `None` for a header that is not stored.
        headers: Vec<(BlockNumber, Option<Bytes>)>,
    },
    /// Of `Unwind`.
    Unwound {
        /// Headers up to this number stay.
        to: BlockNumber,
        /// For a retry.
        checkpoint: Checkpoint,
        /// Durable, or why not.
        outcome: Result<(), StoreFailure>,
    },
    /// Of `Audit`.
    Audited {
        /// As in the operation.
        purpose: Purpose,
        /// Result of the step.
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
        /// Stored state; after a failure the store was opened again.
        left: StoreOpening,
    },
    /// Of `Reopen`.
    Reopened(Result<StoreOpening, ReopenFailure>),
}

/// Format version of the stored position.
const PLACE_VERSION: u8 = 1;
/// Version, `top`, `next` plus one (0: the walk is complete).
const PLACE_BYTES: usize = 1 + 8 + 8;

/// Progress of the walk: every segment from `top` down to above `next` was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// Highest audited number.
    pub top: BlockNumber,
    /// The next number to audit; `None`: everything up to `top` was audited.
    pub next: Option<BlockNumber>,
}

impl AuditPlace {
    /// Nothing at or below `head` is audited yet.
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

/// Part of the audit that requested a step. Returned with the outcome, so that no part advances by another's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A look-up of the page found damage here.
    Urgent,
    /// Headers stored since the position was written.
    Fresh,
    /// A sample of audited headers.
    Sample,
    /// The walk over the whole store.
    Walk,
}
