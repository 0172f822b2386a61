//! Chains that broke a rule: the header that did, and what was seen to descend from it.
//!
//! A header that hashes to its anchor and breaks a rule invalidates all headers above it, up to the target. So the bad
//! hash and the hashes between it and the target are remembered; a later target that is one of them, or that comes down
//! to one, is rejected at once with the same diagnosis, without another download. Peers that served such a chain
//! delivered what was requested; they are not penalized, but their vote for a tip on it does not count.
//!
//! Bounded by [`INVALID_HASHES_MAX`]; the oldest is forgotten, and would be found again by the rules.

use alloc::collections::VecDeque;
use alloy_primitives::B256;

use crate::config::INVALID_HASHES_MAX;
use header_rules::{block::BlockNumHash, range::BlockNumber, rules::RuleViolation};
use sorted::SortedMap;

/// Why a chain is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidChain {
    /// Number of the header that breaks a rule.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: B256,
    /// The rule.
    pub violation: RuleViolation,
    /// Its parent: up to here the chain is valid as far as is known.
    pub last_valid: Option<BlockNumHash>,
}

/// Hashes that are known to be on such chains. See the [module](self).
#[derive(Debug, Default)]
pub struct InvalidHashes {
    known: SortedMap<B256, InvalidChain>,
    /// In the order in which they were learnt.
    order: VecDeque<B256>,
}

impl InvalidHashes {
    /// Remembers that `hash` is, or descends from, the bad header of `chain`.
    pub fn insert(&mut self, hash: B256, chain: &InvalidChain) {
        if self.known.insert(hash, chain.clone()).is_none() {
            self.order.push_back(hash);
        }
        while self.order.len() > INVALID_HASHES_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        debug_assert_eq!(self.known.len(), self.order.len(), "each invalid hash has one place in the order");
        debug_assert!(self.known.len() <= INVALID_HASHES_MAX, "{} invalid hashes", self.known.len());
    }

    /// Why the chain under `hash` is invalid, if that is known.
    pub fn get(&self, hash: B256) -> Option<&InvalidChain> {
        self.known.get(&hash)
    }

    /// Is nothing remembered?
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i07_remembers_a_bounded_number_of_hashes() {
        let chain = InvalidChain {
            number: 7,
            hash: B256::repeat_byte(7),
            violation: RuleViolation::WorkDifficulty,
            last_valid: None,
        };
        let mut invalid = InvalidHashes::default();
        for number in 0..INVALID_HASHES_MAX as u64 + 10 {
            invalid.insert(B256::left_padding_from(&number.to_be_bytes()), &chain);
        }
        assert_eq!(invalid.known.len(), INVALID_HASHES_MAX);
        assert!(invalid.get(B256::ZERO).is_none(), "the oldest is forgotten");
        let newest = INVALID_HASHES_MAX as u64 + 9;
        assert_eq!(invalid.get(B256::left_padding_from(&newest.to_be_bytes())), Some(&chain));
    }
}
