//! [`Rejected`]: why the chains of earlier targets were rejected; the stall reasons name it.

use alloy_primitives::B256;

use super::UnknownHeader;
use crate::follow::InvalidHashes;

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Rejected {
    /// Hashes on chains that break a rule.
    pub hashes: InvalidHashes,
    /// The target's chain ends in this block 0, which is another network's.
    pub wrong_genesis: Option<B256>,
    /// The target's chain has a header that this release cannot judge.
    pub unknown: Option<UnknownHeader>,
}
