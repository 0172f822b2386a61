//! Names of blocks, and the blocks that a peer announces. Plain values; nothing here is verified.

use alloy_primitives::B256;

use crate::range::{BLOCK_NUMBER_END, BlockNumber};

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNumHash {
    /// Block number.
    pub number: BlockNumber,
    /// Block hash.
    pub hash: B256,
}

/// Range that a peer announces (eth/69 `Status` and `BlockRangeUpdate`, EIP-7642). Not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServedRange {
    /// Lowest block that the peer serves.
    pub earliest: BlockNumber,
    /// Highest block that the peer serves.
    pub latest: BlockNumber,
    /// Hash of the highest block.
    pub latest_hash: B256,
}

impl ServedRange {
    /// The range of a peer that serves nothing.
    pub const NOTHING: Self = Self { earliest: 1, latest: 0, latest_hash: B256::ZERO };

    /// Are the numbers plausible ([`BLOCK_NUMBER_END`])?
    pub fn is_plausible(&self) -> bool {
        self.earliest.max(self.latest) < BLOCK_NUMBER_END
    }

    /// The range, or `NOTHING` if its numbers are not plausible.
    pub fn plausible(self) -> Self {
        if self.is_plausible() { self } else { Self::NOTHING }
    }
}

/// Content of a peer's `Status` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerStatus {
    /// Network id; equals the chain id on every public network.
    pub chain_id: u64,
    /// Hash of its genesis block; `None` if the peer does not know it, and then it is not compared.
    pub genesis: Option<B256>,
    /// The announced range.
    pub served: ServedRange,
}
