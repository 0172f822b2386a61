//! [`UnknownHeader`]: a header of the target's chain that this release cannot judge.

use alloy_primitives::B256;

use crate::io::StallReason;
use header_rules::{range::BlockNumber, rules::UnknownFork};

/// What stopped the sync.
#[derive(Clone, Debug)]
pub struct UnknownHeader {
    /// Its number; unknown when the target itself cannot be read.
    pub number: Option<BlockNumber>,
    pub hash: B256,
    pub why: UnknownFork,
    /// The target under which it was found last: that one is not tried again.
    pub target: B256,
}

impl UnknownHeader {
    /// The stall reason of this header.
    pub fn stall(&self) -> StallReason {
        StallReason::UnknownFork { number: self.number, hash: self.hash, why: alloc::boxed::Box::new(self.why.clone()) }
    }
}
