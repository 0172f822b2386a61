//! The rules that make a header a header of its chain, one small file each.
//!
//! [`validate_standalone`] asks what a header can be asked alone, [`validate`] what it owes to its parent. Which rules
//! hold is read from the [`ChainSpec`]: all of them at the forks of a known chain, and on any other chain only what
//! every Ethereum chain has in common. Genesis is given, not made, and is never validated.
//!
//! A hash-linked chain can break a rule only from its tip: whoever named the target vouched for it. So a
//! [`RuleViolation`] speaks against the target, not against the peer that delivered the header.
//!
//! Not checked yet: difficulty (EIP-2, EIP-100 and the bombs), ethash and clique seals, the DAO extra data. The shape
//! is the same: one file, one function, one variant.

mod base_fee;
mod blob_gas;
mod extra_data;
mod fields;
mod gas_limit;
mod merge;
mod timestamp;

use alloy_primitives::{B256, U256};

use crate::{chain::ChainSpec, header::Header, range::BlockNumber};

pub use base_fee::{INITIAL_BASE_FEE, next_base_fee};
pub use blob_gas::{GAS_PER_BLOB, next_excess_blob_gas};

/// A rule that a header breaks: what it has and what the rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// Its number does not follow its parent's, or is not the one that its child implies.
    #[error("number is {got}, expected {expected}")]
    Number {
        /// What it says.
        got: BlockNumber,
        /// What follows.
        expected: BlockNumber,
    },
    /// The header at height 0 is not the genesis of the chain.
    #[error("genesis is {got}, expected {expected}")]
    Genesis {
        /// Its hash.
        got: B256,
        /// The genesis of the chain.
        expected: B256,
    },
    /// Not later than its parent.
    #[error("timestamp {got} is not later than the parent's {parent}")]
    Timestamp {
        /// Its own, in seconds.
        got: u64,
        /// The parent's.
        parent: u64,
    },
    /// Longer than the 32 bytes of the Yellow Paper.
    #[error("{got} bytes of extra data, at most {max}")]
    ExtraData {
        /// Bytes.
        got: usize,
        /// Bytes allowed.
        max: usize,
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
    /// Fewer fields than its parent: forks add fields and never take one away.
    #[error("{got} fields, its parent has {parent}")]
    FieldsLost {
        /// Its own.
        got: usize,
        /// The parent's.
        parent: usize,
    },
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
    /// No difficulty by proof of work.
    #[error("difficulty is 0 by proof of work")]
    WorkDifficulty,
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
    #[error("blob gas used {got} is no multiple of {GAS_PER_BLOB}")]
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

/// What a header owes to no other: sizes, limits, the fields of its fork. Genesis always passes.
pub fn validate_standalone(header: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    if header.number == 0 {
        return Ok(());
    }
    extra_data::check(header, chain)?;
    merge::check(header, chain)?;
    gas_limit::check(header)?;
    fields::check(header, chain)?;
    blob_gas::check(header, chain)
}

/// What a header owes to its parent. That `child.parent_hash` is the parent's hash is for the caller to know
/// ([`crate::lineage`] does).
pub fn validate(child: &Header<'_>, parent: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    check_number(child, parent)?;
    timestamp::check_against_parent(child, parent, chain)?;
    merge::check_against_parent(child, parent)?;
    gas_limit::check_against_parent(child, parent)?;
    fields::check_against_parent(child, parent)?;
    base_fee::check_against_parent(child, parent)?;
    blob_gas::check_against_parent(child, parent, chain)
}

fn check_number(child: &Header<'_>, parent: &Header<'_>) -> Result<(), RuleViolation> {
    match parent.number.checked_add(1) {
        Some(expected) if child.number == expected => Ok(()),
        expected => Err(RuleViolation::Number { got: child.number, expected: expected.unwrap_or(u64::MAX) }),
    }
}
