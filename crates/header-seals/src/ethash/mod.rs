//! Ethash: the seal of proof of work (Yellow Paper 4.4.4 and appendix J), with light verification.
//!
//! A miner searches a nonce for which hashimoto is small. Mining reads a dataset of gigabytes; verification needs 128
//! items of it, each computed from the *cache* of its epoch (30,000 blocks).
//!
//! | | epoch 0 | mainnet's merge |
//! |---|---|---|
//! | cache | 16.7 MB | 85 MB |
//! | dataset (never held) | 1 GB | 5.4 GB |
//!
//! [`CacheBuilder`] builds a cache in steps, [`CacheStore`] keeps at most
//! [`ETHASH_CACHES_MAX`](crate::limits::ETHASH_CACHES_MAX) of them, [`verify`] checks one header.
//!
//! A header with a random nonce costs us one hashimoto, some milliseconds, and then ends the audit. To make us build
//! caches, an attacker must provide valid chains of 30,000 headers each.

mod cache;
mod epoch;
mod hashimoto;
mod store;

use alloy_primitives::{B256, U256};

use super::sections::{FIELDS_MAX, Sections};
use header_rules::header::{Header, HeaderError};

pub use cache::{Cache, CacheBuilder, CacheProgress, NoMemory};
pub use epoch::{EPOCH_BLOCKS, Epoch, ITEM_BYTES};
pub use hashimoto::{Hashimoto, hashimoto_light};
pub use store::CacheStore;

/// A broken rule of a proof-of-work header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EthashViolation {
    /// Not a canonical header.
    #[error("does not decode: {0}")]
    Undecodable(HeaderError),
    /// A header of a fork after proof of work.
    #[error("{got} fields, a header by proof of work has at most {max}")]
    Fields {
        /// Its own.
        got: usize,
        /// Those of London.
        max: usize,
    },
    /// The difficulty is 0.
    #[error("difficulty is 0")]
    NoDifficulty,
    /// The mix hash does not match the nonce.
    #[error("mix hash is {got}, its nonce gives {expected}")]
    MixHash {
        /// The header's.
        got: B256,
        /// Hashimoto's.
        expected: B256,
    },
    /// The result of the nonce does not reach the difficulty.
    #[error("the result {got} of its nonce is over 2^256 / {difficulty}")]
    Work {
        /// Hashimoto's result, a number.
        got: B256,
        /// The header's.
        difficulty: U256,
    },
}

/// The hash that the seal is made over: all fields but mix hash and nonce.
pub fn seal_hash(rlp: &[u8]) -> Result<B256, HeaderError> {
    Header::decode(rlp)?;
    Sections::cut(rlp).map(|sections| sections.ethash_seal_hash())
}

/// Verifies the seal of a header: its mix hash matches its nonce, and the result reaches its difficulty. Genesis has no
/// seal.
/// no seal; it is not for here.
///
/// # Panics
///
/// If the cache is of another epoch than the header.
pub fn verify(rlp: &[u8], cache: &Cache) -> Result<(), EthashViolation> {
    let header = Header::decode(rlp).map_err(EthashViolation::Undecodable)?;
    if header.field_count() > FIELDS_MAX {
        return Err(EthashViolation::Fields { got: header.field_count(), max: FIELDS_MAX });
    }
    if header.difficulty.is_zero() {
        return Err(EthashViolation::NoDifficulty);
    }
    assert_eq!(Some(cache.epoch()), Epoch::of(header.number), "the cache is that of the header's epoch");
    let sections = Sections::cut(rlp).map_err(EthashViolation::Undecodable)?;
    let seal_hash = sections.ethash_seal_hash();
    let Hashimoto { mix_hash, result } = hashimoto_light(cache, seal_hash, u64::from_be_bytes(header.nonce.0));
    if mix_hash != header.mix_hash {
        return Err(EthashViolation::MixHash { got: header.mix_hash, expected: mix_hash });
    }
    if is_worth(result, header.difficulty) {
        Ok(())
    } else {
        Err(EthashViolation::Work { got: result, difficulty: header.difficulty })
    }
}

/// Is `result <= 2^256 / difficulty`? 2^256 does not fit: the quotient is that of 2^256 - 1, or one more if the
/// difficulty divides 2^256. Every result reaches difficulty 1.
fn is_worth(result: B256, difficulty: U256) -> bool {
    let (quotient, rest) = U256::MAX.div_rem(difficulty);
    let divides = rest + U256::ONE == difficulty;
    let target = if divides { quotient.checked_add(U256::ONE) } else { Some(quotient) };
    target.is_none_or(|target| U256::from_be_bytes(result.0) <= target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_two_to_the_256_over_the_difficulty() {
        let number = |value: U256| B256::from(value.to_be_bytes());
        let worth = |result: U256, difficulty: u64| is_worth(number(result), U256::from(difficulty));
        assert!(worth(U256::MAX, 1));
        // 2^256 / 2 is 2^255, a number that has an exact quotient.
        let half = U256::ONE << 255;
        assert!(worth(half, 2));
        assert!(!worth(half + U256::ONE, 2));
        // 2^256 / 3 is not whole: the floor counts.
        let third = U256::MAX / U256::from(3);
        assert!(worth(third, 3));
        assert!(!worth(third + U256::ONE, 3));
        assert!(is_worth(number(U256::ONE), U256::MAX));
        assert!(!is_worth(number(U256::from(2)), U256::MAX));
    }
}
