//! Broken rules of a header, one variant per rule: the value and the expected one.
//!
//! Each violation has an id ([`RuleViolation::id`]): the name of the rule in public test collections, for logs and
//! counters. Two variants may have the same id if a rule has two sides.

use alloy_primitives::{B256, U256};

use crate::{chain::GAS_PER_BLOB, header::HeaderError, range::BlockNumber};

/// A rule that a header breaks: the value and the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// The bytes are not a header of any known fork, at a time when the schedule is certain.
    #[error("it is not a header: {0}")]
    Undecodable(HeaderError),
    /// The number does not follow the parent's, or is not the one that the child implies.
    #[error("number is {got}, expected {expected}")]
    Number {
        /// What it says.
        got: BlockNumber,
        /// What follows.
        expected: BlockNumber,
    },
    /// Block 0 is not the genesis of the chain.
    #[error("genesis is {got}, expected {expected}")]
    Genesis {
        /// Its hash.
        got: B256,
        /// The genesis of the chain.
        expected: B256,
    },
    /// The parent hash is not the hash of the previous header.
    #[error("parent hash is {got}, the parent's hash is {expected}")]
    ParentHash {
        /// What it says.
        got: B256,
        /// Hash of the header before it.
        expected: B256,
    },
    /// Not later than the parent; on an unknown chain, earlier than the parent.
    #[error("timestamp {got} is not later than the parent's {parent}")]
    Timestamp {
        /// Its own, in seconds.
        got: u64,
        /// The parent's.
        parent: u64,
    },
    /// Less than a period after the parent, on a clique chain (EIP-225).
    #[error("timestamp {got} is before {earliest}, when the period ends")]
    CliquePeriod {
        /// Its own, in seconds.
        got: u64,
        /// The parent's and the period.
        earliest: u64,
    },
    /// In the future; only for new headers.
    #[error("timestamp {got} lies in the future, at most {latest}")]
    TimestampInFuture {
        /// Its own, in seconds.
        got: u64,
        /// By the clock, with what the consensus grants.
        latest: u64,
    },
    /// Longer than the 32 bytes of the Yellow Paper.
    #[error("{got} bytes of extra data, at most {max}")]
    ExtraData {
        /// Bytes.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// One of the first ten blocks of the DAO fork (EIP-779) without its mark, or, on the side that refused it, with
    /// it.
    #[error("extra data {} the mark of the DAO fork", if *.expected { "lacks" } else { "has" })]
    DaoExtraData {
        /// Does the side that this chain took bear the mark?
        expected: bool,
    },
    /// More gas used than allowed.
    #[error("gas used {got} is over the limit {limit}")]
    GasUsed {
        /// Used.
        got: u64,
        /// The header's own limit.
        limit: u64,
    },
    /// Over 2^63 - 1 (EIP-1985).
    #[error("gas limit {got} is over {max}")]
    GasLimitMax {
        /// Its limit.
        got: u64,
        /// The highest limit there is.
        max: u64,
    },
    /// Under 5,000.
    #[error("gas limit {got} is under {min}")]
    GasLimitMin {
        /// Its limit.
        got: u64,
        /// The lowest limit there is.
        min: u64,
    },
    /// Further from its parent's limit than 1/1024 of it.
    #[error("gas limit {got} is {bound} or more from the parent's {parent}")]
    GasLimitBound {
        /// Its limit.
        got: u64,
        /// The parent's, doubled on the first block with a base fee.
        parent: u64,
        /// The difference must be under this.
        bound: u64,
    },
    /// A field that the fork asks for is absent.
    #[error("{0} is absent")]
    FieldMissing(Field),
    /// A field is there that the fork does not know.
    #[error("{0} is present before its fork")]
    FieldUnexpected(Field),
    /// Not the base fee that follows from the parent (EIP-1559).
    #[error("base fee is {got}, expected {expected}")]
    BaseFee {
        /// Its own, in wei.
        got: u64,
        /// What follows; 2^64 - 1 when an absurd parent asks for more.
        expected: u64,
    },
    /// Difficulty by proof of stake.
    #[error("difficulty is {got} by proof of stake, expected 0")]
    StakeDifficulty {
        /// Its own.
        got: U256,
    },
    /// No difficulty before proof of stake.
    #[error("difficulty is 0 before proof of stake")]
    WorkDifficulty,
    /// Not the difficulty that follows from the parent (EIP-2, EIP-100).
    #[error("difficulty is {got}, expected {expected}")]
    Difficulty {
        /// Its own.
        got: U256,
        /// What follows; 2^256 - 1 when the bomb asks for more.
        expected: U256,
    },
    /// Neither 1 nor 2 on a chain of authorities (EIP-225).
    #[error("difficulty is {got}, an authority's is 1 or 2")]
    CliqueDifficulty {
        /// Its own.
        got: U256,
    },
    /// A nonce by proof of stake.
    #[error("nonce is {got:#x} by proof of stake, expected 0")]
    StakeNonce {
        /// Its own.
        got: u64,
    },
    /// Ommers by proof of stake.
    #[error("ommers hash is {got} by proof of stake, expected the empty list's")]
    StakeOmmers {
        /// Its own.
        got: B256,
    },
    /// Proof of work on top of proof of stake.
    #[error("proof of work (difficulty {difficulty}) on top of proof of stake")]
    WorkAfterStake {
        /// Its own.
        difficulty: U256,
    },
    /// Blob gas comes in whole blobs.
    #[error("blob gas used {got} is not a multiple of {GAS_PER_BLOB}")]
    BlobGasMultiple {
        /// Its own.
        got: u64,
    },
    /// More blobs than the fork allows.
    #[error("blob gas used {got} is over {max}")]
    BlobGasMax {
        /// Its own.
        got: u64,
        /// The fork's.
        max: u64,
    },
    /// Not the excess that follows from the parent (EIP-4844, EIP-7918).
    #[error("excess blob gas is {got}, expected {expected}")]
    ExcessBlobGas {
        /// Its own.
        got: u64,
        /// What follows; 2^64 - 1 when an absurd parent asks for more.
        expected: u64,
    },
}

impl RuleViolation {
    /// The rule's id. `genesis` and `future_timestamp` are our own; the others are those of the public test
    /// cases, which also know `unknown_parent` (no parent is looked up here) and `seal`.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Undecodable(_) => "rlp",
            Self::Number { .. } => "number",
            Self::Genesis { .. } => "genesis",
            Self::ParentHash { .. } => "parent_hash",
            Self::Timestamp { .. } | Self::CliquePeriod { .. } => "timestamp",
            Self::TimestampInFuture { .. } => "future_timestamp",
            Self::ExtraData { .. } => "extra_data",
            Self::DaoExtraData { .. } => "dao_extra",
            Self::GasUsed { .. } => "gas_used",
            Self::GasLimitMax { .. } => "gas_limit_max",
            Self::GasLimitMin { .. } => "gas_limit_min",
            Self::GasLimitBound { .. } => "gas_limit_bound",
            Self::FieldMissing(field) | Self::FieldUnexpected(field) => field.rule_id(),
            Self::BaseFee { .. } => "base_fee",
            Self::StakeDifficulty { .. } | Self::WorkAfterStake { .. } => "pos_difficulty",
            Self::WorkDifficulty | Self::Difficulty { .. } | Self::CliqueDifficulty { .. } => "difficulty",
            Self::StakeNonce { .. } => "pos_nonce",
            Self::StakeOmmers { .. } => "pos_ommers",
            Self::BlobGasMultiple { .. } => "blob_gas_multiple",
            Self::BlobGasMax { .. } => "blob_gas_used_max",
            Self::ExcessBlobGas { .. } => "excess_blob_gas",
        }
    }
}

/// A field that came with a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// EIP-1559.
    BaseFeePerGas,
    /// EIP-4895.
    WithdrawalsRoot,
    /// EIP-4844.
    BlobGasUsed,
    /// EIP-4844.
    ExcessBlobGas,
    /// EIP-4788.
    ParentBeaconBlockRoot,
    /// EIP-7685.
    RequestsHash,
    /// EIP-7928.
    BlockAccessListHash,
    /// EIP-7843.
    SlotNumber,
}

impl Field {
    /// Id of the rule that says when the field is there.
    const fn rule_id(self) -> &'static str {
        match self {
            Self::BaseFeePerGas => "base_fee_presence",
            Self::WithdrawalsRoot => "withdrawals_root_presence",
            Self::BlobGasUsed | Self::ExcessBlobGas => "blob_fields_presence",
            Self::ParentBeaconBlockRoot => "beacon_root_presence",
            Self::RequestsHash => "requests_hash_presence",
            Self::BlockAccessListHash | Self::SlotNumber => "bal_presence",
        }
    }
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BaseFeePerGas => "base fee",
            Self::WithdrawalsRoot => "withdrawals root",
            Self::BlobGasUsed => "blob gas used",
            Self::ExcessBlobGas => "excess blob gas",
            Self::ParentBeaconBlockRoot => "parent beacon block root",
            Self::RequestsHash => "requests hash",
            Self::BlockAccessListHash => "block access list hash",
            Self::SlotNumber => "slot number",
        })
    }
}
