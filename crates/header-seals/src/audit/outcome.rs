//! Results of an audit.

use alloy_primitives::B256;

use crate::SealViolation;
use header_rules::{
    chain::Consensus,
    header::HeaderError,
    range::{BlockNumber, BlockRange},
};

/// Why an audit cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The build leaves out the feature that checks these seals.
    #[error("this build has no {0:?}")]
    EngineAbsent(Consensus),
    /// A clique audit begins at a checkpoint.
    #[error("a clique audit begins at a checkpoint: {first} is none, {checkpoint} is")]
    NotACheckpoint {
        /// First header of the range.
        first: BlockNumber,
        /// The next lower checkpoint.
        checkpoint: BlockNumber,
    },
}

/// Why an audit cannot continue. None of these reasons means that the chain is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditHalt {
    /// The provided bytes are not a header. All provided headers are dropped; the next step requests them again.
    #[error("stored header {number} does not decode: {error}")]
    Undecodable {
        /// Number of the expected header.
        number: BlockNumber,
        /// Error of the decoder.
        error: HeaderError,
    },
    /// The provided header has another number. All provided headers are dropped; the next step requests them again.
    #[error("header {got} was provided, {expected} is due")]
    Number {
        /// Number of the provided header.
        got: BlockNumber,
        /// Expected number.
        expected: BlockNumber,
    },
    /// The provided header is not the child of the previous one. All provided headers are dropped; the next step
    /// requests them again.
    #[error("parent of stored header {number} is {got}, the header before it is {expected}")]
    Parent {
        /// Number of the header.
        number: BlockNumber,
        /// Parent hash of the header.
        got: B256,
        /// Hash of the previous header.
        expected: B256,
    },
    /// There is no memory for the cache of the next headers. A later step retries.
    #[error("no memory for an ethash cache of {bytes} bytes")]
    NoMemory {
        /// Size of the cache, in bytes.
        bytes: u64,
    },
    /// The next header is in an epoch whose cache is too large.
    #[error("header {number} lies in ethash epoch {epoch}, caches are built up to {max}")]
    EpochTooHigh {
        /// Number of the header.
        number: BlockNumber,
        /// Epoch of the header.
        epoch: u64,
        /// [`ETHASH_EPOCH_MAX`](crate::limits::ETHASH_EPOCH_MAX).
        max: u32,
    },
}

/// Result of one step of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditStep {
    /// There is more to do.
    Continue,
    /// The next headers, rising. A host may provide fewer, starting with the first.
    NeedHeaders(BlockRange),
    /// Every seal that the policy selects is valid.
    Done {
        /// The highest audited header: the last of the range, or the last before proof of stake (whether proof of stake
        /// may begin there is a rule, see [`header_rules::rules`]). `None` if there was nothing to audit.
        through: Option<BlockNumber>,
    },
    /// A seal is invalid.
    Violation {
        /// Number of the header.
        number: BlockNumber,
        /// Its hash.
        hash: B256,
        /// The broken rule.
        why: SealViolation,
    },
    /// The audit cannot continue.
    Halted(AuditHalt),
}
