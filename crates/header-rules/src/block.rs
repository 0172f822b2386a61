//! How a block is named, and what a peer says of the blocks that it has. Plain values: nothing here is a proof.

use alloy_primitives::B256;

use crate::range::{BLOCK_NUMBER_END, BlockNumber};

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNumHash {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: B256,
}

/// What a peer says it serves (eth/69 `Status` and `BlockRangeUpdate`, EIP-7642). Its word, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServedRange {
    /// Lowest block it serves.
    pub earliest: BlockNumber,
    /// Highest block it serves.
    pub latest: BlockNumber,
    /// Hash of the highest block.
    pub latest_hash: B256,
}

impl ServedRange {
    /// The range of a peer that serves nothing.
    pub const NOTHING: Self = Self { earliest: 1, latest: 0, latest_hash: B256::ZERO };

    /// Can a chain have these numbers ([`BLOCK_NUMBER_END`])?
    pub fn is_plausible(&self) -> bool {
        self.earliest.max(self.latest) < BLOCK_NUMBER_END
    }

    /// The range, or nothing when no chain can have its numbers.
    pub fn plausible(self) -> Self {
        if self.is_plausible() { self } else { Self::NOTHING }
    }
}

/// What a peer says in its `Status` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerStatus {
    /// Network id; equals the chain id on every public network.
    pub chain_id: u64,
    /// Hash of its genesis block; `None` when it does not know it, and then nothing is compared with it.
    pub genesis: Option<B256>,
    /// What it serves.
    pub served: ServedRange,
}
