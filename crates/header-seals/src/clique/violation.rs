//! What can be wrong with a header of a clique chain.

use alloc::vec::Vec;
use alloy_primitives::{Address, B64, B256, U256};

use header_rules::{header::HeaderError, range::BlockNumber};

/// A rule of EIP-225 that a header breaks: what it has and what the rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CliqueViolation {
    /// No canonical header.
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
    /// The header does not follow the one before it in number.
    #[error("number is {got}, expected {expected}")]
    Number {
        /// Its own.
        got: BlockNumber,
        /// What follows.
        expected: BlockNumber,
    },
    /// The header does not descend from the one before it.
    #[error("parent is {got}, expected {expected}")]
    Parent {
        /// Its parent hash.
        got: B256,
        /// Hash of the header before.
        expected: B256,
    },
    /// A snapshot can only be begun at a checkpoint.
    #[error("{number} is no checkpoint, these come every {epoch} headers")]
    NotACheckpoint {
        /// The header's.
        number: BlockNumber,
        /// Headers from one checkpoint to the next.
        epoch: u64,
    },
    /// No room for the free bytes and the seal.
    #[error("{got} bytes of extra data, at least {min}")]
    ExtraTooShort {
        /// Bytes.
        got: usize,
        /// 32 free bytes and 65 of seal.
        min: usize,
    },
    /// A list of signers (or anything else) in a header that is no checkpoint.
    #[error("{got} bytes between the free bytes and the seal of a header that is no checkpoint")]
    ExtraSigners {
        /// Bytes.
        got: usize,
    },
    /// The list of signers of a checkpoint is no list of addresses.
    #[error("a signer list of {got} bytes is not one of addresses")]
    SignerListBytes {
        /// Bytes, not a multiple of 20.
        got: usize,
    },
    /// The list of a checkpoint is not that of the signers, rising.
    #[error("checkpoint lists {got:?}, expected {expected:?}")]
    SignerList {
        /// As listed.
        got: Vec<Address>,
        /// The signers, rising.
        expected: Vec<Address>,
    },
    /// The checkpoint that a snapshot begins with lists nobody.
    #[error("no signers")]
    NoSigners,
    /// The checkpoint that a snapshot begins with lists a signer twice.
    #[error("{signer} is listed twice")]
    SignerTwice {
        /// Who.
        signer: Address,
    },
    /// More signers than are kept here. A limit of ours, not of the EIP.
    #[error("more than {max} signers")]
    TooManySigners {
        /// [`CLIQUE_SIGNERS_MAX`](header_rules::chain::CLIQUE_SIGNERS_MAX).
        max: usize,
    },
    /// More open votes than are kept here. A limit of ours, not of the EIP.
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
    /// A nonce that is no vote.
    #[error("nonce {got} is neither all zeros nor all ones")]
    Nonce {
        /// Its own.
        got: B64,
    },
    /// The mix hash has no meaning yet.
    #[error("mix hash is {got}, expected zero")]
    MixHash {
        /// Its own.
        got: B256,
    },
    /// Ommers mean nothing without work.
    #[error("ommers hash is {got}, expected the empty list's")]
    Ommers {
        /// Its own.
        got: B256,
    },
    /// Sooner after its parent than the period.
    #[error("timestamp {got} is before {earliest}")]
    Timestamp {
        /// Its own, in seconds.
        got: u64,
        /// The parent's and the period.
        earliest: u64,
    },
    /// Neither 1 nor 2, or not that of the signer's turn.
    #[error("difficulty is {got}, expected {expected}")]
    Difficulty {
        /// Its own.
        got: U256,
        /// 2 when it is the signer's turn, 1 otherwise.
        expected: u64,
    },
    /// The seal is no signature.
    #[error("the seal is no signature")]
    Seal,
    /// Signed by someone who may not.
    #[error("signed by {signer}, who is no signer")]
    Unauthorized {
        /// Who.
        signer: Address,
    },
    /// Signed by someone who must wait.
    #[error("signed by {signer}, who signed {at} and may sign one in {limit} headers")]
    SignedRecently {
        /// Who.
        signer: Address,
        /// The last header that it signed.
        at: BlockNumber,
        /// Half the signers and one (`SIGNER_LIMIT`).
        limit: u64,
    },
}
