//! Which of two branches wins by proof of work: the one with more total difficulty above the common ancestor (Yellow Paper,
//! 10). Equal weight changes nothing.
//!
//! Under proof of stake no header field decides; there the target decides, as it does for a pinned hash. A branch with
//! a proof-of-stake header is therefore not compared.

use alloy_primitives::U256;

use crate::lineage::VerifiedHeaders;
use header_rules::{header::Header, range::BlockNumber};

/// The weight of a branch, summed from its top down, header by header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchWeight {
    total: U256,
    /// The lowest number that is counted; the next to count is right under it.
    lowest: BlockNumber,
    staked: bool,
}

impl BranchWeight {
    /// A branch that ends, above, at `top`; nothing is counted yet.
    pub fn new(top: BlockNumber) -> Self {
        Self { total: U256::ZERO, lowest: top.saturating_add(1), staked: false }
    }

    /// Counts verified headers, if they continue the sum. Costs one decoding for each, on a chain by proof of work.
    pub fn add(&mut self, verified: &VerifiedHeaders) {
        if self.staked || self.lowest.checked_sub(1) != Some(verified.range().last()) {
            return;
        }
        for rlp in verified.headers() {
            // On a chain whose forks are not known, nothing but the link has been read so far.
            let counted = Header::decode(rlp).is_ok_and(|header| self.add_one(&header));
            if !counted {
                self.staked = true;
                return;
            }
        }
    }

    /// Counts the next header under the sum. `false` when the branch cannot be weighed.
    pub fn add_one(&mut self, header: &Header<'_>) -> bool {
        self.staked |= header.is_proof_of_stake() || self.lowest.checked_sub(1) != Some(header.number);
        if !self.staked {
            self.lowest = header.number;
            // Ten thousand headers of the highest difficulty there is would not fit; no such header can have been
            // mined.
            self.total = self.total.saturating_add(header.difficulty);
        }
        !self.staked
    }

    /// The total difficulty down to `number`; `None` when not all of it is counted, or when it cannot be weighed.
    pub fn down_to(&self, number: BlockNumber) -> Option<U256> {
        (!self.staked && self.lowest == number).then_some(self.total)
    }

    /// The next number to count; `None` under genesis, and when the branch cannot be weighed.
    pub fn next(&self) -> Option<BlockNumber> {
        self.lowest.checked_sub(1).filter(|_| !self.staked)
    }
}
