//! Broken rules of a clique chain.

use alloc::vec::Vec;
use alloy_primitives::{Address, B64, B256, U256};

use header_rules::{header::HeaderError, range::BlockNumber};

/// A rule of EIP-225 that a header breaks: the value and the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CliqueViolation {
    /// Not a canonical header.
    #[error("does not decode: {0}")]
    Undecodable(HeaderError),
    /// A header of a fork after clique.
    #[error("{got} fields, a header with a seal has at most {max}")]
    Fields {
        /// Its own.
        got: usize,
        /// Those of London.
        max: usize,
    },
    /// The number does not follow the previous header.
    #[error("number is {got}, expected {expected}")]
    Number {
        /// Its own.
        got: BlockNumber,
        /// What follows.
        expected: BlockNumber,
    },
    /// The header is not the child of the previous one.
    #[error("parent is {got}, expected {expected}")]
    Parent {
        /// Its parent hash.
        got: B256,
        /// Hash of the header before.
        expected: B256,
    },
    /// A snapshot can only start at a checkpoint.
    #[error("{number} is not a checkpoint; every {epoch}th header is")]
    NotACheckpoint {
        /// The header's.
        number: BlockNumber,
        /// Headers from one checkpoint to the next.
        epoch: u64,
    },
    /// The extra data is too short for the free bytes and the seal.
    #[error("{got} bytes of extra data, at least {min}")]
    ExtraTooShort {
        /// Bytes.
        got: usize,
        /// 32 free bytes and 65 of seal.
        min: usize,
    },
    /// A list of signers (or other bytes) in a header that is not a checkpoint.
    #[error("{got} bytes between the free bytes and the seal of a header that is not a checkpoint")]
    ExtraSigners {
        /// Bytes.
        got: usize,
    },
    /// The length of a checkpoint's list is not a multiple of 20.
    #[error("a signer list of {got} bytes is not a list of addresses")]
    SignerListBytes {
        /// Bytes, not a multiple of 20.
        got: usize,
    },
    /// The list of a checkpoint is not the list of signers, rising.
    #[error("checkpoint lists {got:?}, expected {expected:?}")]
    SignerList {
        /// As listed.
        got: Vec<Address>,
        /// The signers, rising.
        expected: Vec<Address>,
    },
    /// The first checkpoint of a snapshot lists no signer.
    #[error("no signers")]
    NoSigners,
    /// The first checkpoint of a snapshot lists a signer twice.
    #[error("{signer} is listed twice")]
    SignerTwice {
        /// Who.
        signer: Address,
    },
    /// More signers than the limit of this crate (not of the EIP).
    #[error("more than {max} signers")]
    TooManySigners {
        /// [`CLIQUE_SIGNERS_MAX`](header_rules::chain::CLIQUE_SIGNERS_MAX).
        max: usize,
    },
    /// More open votes than the limit of this crate (not of the EIP).
    #[error("more than {max} open votes")]
    TooManyVotes {
        /// [`CLIQUE_VOTES_MAX`](crate::limits::CLIQUE_VOTES_MAX).
        max: usize,
    },
    /// A vote in a checkpoint.
    #[error("beneficiary of a checkpoint is {got}, expected zero")]
    CheckpointBeneficiary {
        /// Its own.
        got: Address,
    },
    /// A vote in a checkpoint.
    #[error("nonce of a checkpoint is {got}, expected 0")]
    CheckpointNonce {
        /// Its own.
        got: B64,
    },
    /// The nonce is not a vote.
    #[error("nonce {got} is neither all zeros nor all ones")]
    Nonce {
        /// Its own.
        got: B64,
    },
    /// The mix hash must be zero.
    #[error("mix hash is {got}, expected zero")]
    MixHash {
        /// Its own.
        got: B256,
    },
    /// There are no ommers without proof of work.
    #[error("ommers hash is {got}, expected the empty list's")]
    Ommers {
        /// Its own.
        got: B256,
    },
    /// The timestamp is less than a period after the parent's.
    #[error("timestamp {got} is before {earliest}")]
    Timestamp {
        /// Its own, in seconds.
        got: u64,
        /// The parent's and the period.
        earliest: u64,
    },
    /// The difficulty is not that of the signer's turn.
    #[error("difficulty is {got}, expected {expected}")]
    Difficulty {
        /// Its own.
        got: U256,
        /// 2 when it is the signer's turn, 1 otherwise.
        expected: u64,
    },
    /// The seal is not a valid signature.
    #[error("the seal is not a valid signature")]
    Seal,
    /// The signer is not in the list of signers.
    #[error("signed by {signer}, which is not a signer")]
    Unauthorized {
        /// Who.
        signer: Address,
    },
    /// The signer has to wait.
    #[error("signed by {signer}, which signed {at} and may sign one in {limit} headers")]
    SignedRecently {
        /// Who.
        signer: Address,
        /// The last header that it signed.
        at: BlockNumber,
        /// Half the signers and one (`SIGNER_LIMIT`).
        limit: u64,
    },
}
