//! What an audit may come to.

use alloy_primitives::B256;

use crate::SealViolation;
use header_rules::{
    chain::Consensus,
    header::HeaderError,
    range::{BlockNumber, BlockRange},
};

/// Why an audit cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The build leaves out the feature that checks these seals.
    #[error("this build has no {0:?}")]
    EngineAbsent(Consensus),
    /// A clique audit begins at a checkpoint.
    #[error("a clique audit begins at a checkpoint: {first} is none, {checkpoint} is")]
    NotACheckpoint {
        /// Asked for.
        first: BlockNumber,
        /// The next lower one.
        checkpoint: BlockNumber,
    },
}

/// Why an audit cannot go on. Nothing of it speaks against the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditHalt {
    /// What was provided is no header. All of it was thrown away; the next step asks again.
    #[error("stored header {number} does not decode: {error}")]
    Undecodable {
        /// The number that is due.
        number: BlockNumber,
        /// What the decoder says.
        error: HeaderError,
    },
    /// What was provided is another header. All of it was thrown away; the next step asks again.
    #[error("header {got} was provided, {expected} is due")]
    Number {
        /// Its number.
        got: BlockNumber,
        /// The number that is due.
        expected: BlockNumber,
    },
    /// What was provided does not descend from the header before it. All of it was thrown away; the next step asks again.
    #[error("parent of stored header {number} is {got}, the header before it is {expected}")]
    Parent {
        /// Its number.
        number: BlockNumber,
        /// Its parent hash.
        got: B256,
        /// Hash of the header before it.
        expected: B256,
    },
    /// No memory for the cache of the next headers. A later step tries again.
    #[error("no memory for an ethash cache of {bytes} bytes")]
    NoMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// The next header lies in an epoch whose cache is too large to be built.
    #[error("header {number} lies in ethash epoch {epoch}, caches are built up to {max}")]
    EpochTooHigh {
        /// Its number.
        number: BlockNumber,
        /// Its epoch.
        epoch: u64,
        /// [`ETHASH_EPOCH_MAX`](crate::limits::ETHASH_EPOCH_MAX).
        max: u32,
    },
}

/// What one step of an audit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditStep {
    /// There is more to do.
    Continue,
    /// These headers are next, rising. A host may provide fewer of them, beginning with the first.
    NeedHeaders(BlockRange),
    /// Every seal that the policy asks for is right.
    Done {
        /// The highest header looked at: the last of the range, or the last before proof of stake (whether stake may
        /// begin there is a rule, see [`header_rules::rules`]). `None` when nothing was to be looked at.
        through: Option<BlockNumber>,
    },
    /// A seal is broken.
    Violation {
        /// Number of the header.
        number: BlockNumber,
        /// Its hash.
        hash: B256,
        /// What is wrong.
        why: SealViolation,
    },
    /// It cannot go on.
    Halted(AuditHalt),
}
