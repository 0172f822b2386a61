//! Sizes by block number: every 30,000 blocks ethash has a new seed and larger tables.

use alloy_primitives::{B256, keccak256};

use crate::limits::ETHASH_EPOCH_MAX;
use header_rules::range::BlockNumber;

/// Blocks in an epoch (Yellow Paper, appendix J.1, `J_epoch`).
pub const EPOCH_BLOCKS: u64 = 30_000;

/// Bytes of one item of the cache and of the dataset.
pub const ITEM_BYTES: u64 = 64;
/// Bytes that one access to the dataset reads: two items.
pub(super) const MIX_BYTES: u64 = 128;

const CACHE_BYTES_START: u64 = 1 << 24;
const CACHE_BYTES_GROWTH: u64 = 1 << 17;
const DATASET_BYTES_START: u64 = 1 << 30;
const DATASET_BYTES_GROWTH: u64 = 1 << 23;

/// The 30,000 blocks that share a seed, a cache and a dataset. At most [`ETHASH_EPOCH_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch `index`; `None` over [`ETHASH_EPOCH_MAX`].
    pub const fn new(index: u32) -> Option<Self> {
        if index <= ETHASH_EPOCH_MAX { Some(Self(index)) } else { None }
    }

    /// The epoch of a block; `None` over [`ETHASH_EPOCH_MAX`].
    pub fn of(number: BlockNumber) -> Option<Self> {
        u32::try_from(number / EPOCH_BLOCKS).ok().and_then(Self::new)
    }

    /// Counted from 0.
    pub const fn index(self) -> u32 {
        self.0
    }

    /// Bytes of the cache: the largest number of items under the limit of the epoch that is prime (appendix J.2).
    pub fn cache_bytes(self) -> u64 {
        prime_items(CACHE_BYTES_START + CACHE_BYTES_GROWTH * u64::from(self.0), ITEM_BYTES)
    }

    /// Bytes of the dataset, of which a light check computes 128 items (appendix J.2).
    pub fn dataset_bytes(self) -> u64 {
        prime_items(DATASET_BYTES_START + DATASET_BYTES_GROWTH * u64::from(self.0), MIX_BYTES)
    }

    /// The seed: keccak-256 applied once an epoch to 32 zero bytes (appendix J.3.1).
    pub fn seed(self) -> B256 {
        (0..self.0).fold(B256::ZERO, |seed, _| keccak256(seed))
    }
}

/// The largest multiple of `item` below `limit` whose number of items is prime. Skips even numbers, as `limit / item`
/// is even.
fn prime_items(limit: u64, item: u64) -> u64 {
    let mut count = limit / item - 1;
    while !is_prime(count) {
        count -= 2;
    }
    count * item
}

/// Trial division: there are fewer than 2^27 items, so at most 5,800 odd divisors.
fn is_prime(odd: u64) -> bool {
    (3..).step_by(2).take_while(|divisor| divisor * divisor <= odd).all(|divisor| !odd.is_multiple_of(divisor))
}
