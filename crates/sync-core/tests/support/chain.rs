//! A small chain of real headers: they encode, hash and link; nothing else is true about them.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B64, B256, U256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::ChainSpec,
    header::{EMPTY_OMMERS_HASH, Header, encode},
};
use sync_core::BlockNumHash;

pub const CHAIN_ID: u64 = 4_242;

/// Headers from genesis up.
#[derive(Clone)]
pub struct Chain {
    pub headers: Vec<Bytes>,
    pub hashes: Vec<B256>,
    by_hash: BTreeMap<B256, u64>,
}

impl Chain {
    /// `len` headers, numbers 0 to `len - 1`.
    pub fn new(len: u64) -> Self {
        Self::forked(None, len, 0)
    }

    /// The same by proof of work.
    pub fn mined(len: u64) -> Self {
        Self::forked(None, len, MINED)
    }

    /// Shares the headers under `at` with `self`, and differs from there on.
    pub fn fork(&self, at: u64, len: u64) -> Self {
        Self::forked(Some((self, at)), len, 1)
    }

    /// The same, and unlike every fork with another salt (0 and 1 are taken).
    pub fn branch(&self, at: u64, len: u64, salt: u8) -> Self {
        Self::forked(Some((self, at)), len, salt)
    }

    /// The same chain with `more` headers on top.
    pub fn grown(&self, more: u64) -> Self {
        let len = self.headers.len() as u64;
        Self::forked(Some((self, len)), len + more, 0)
    }

    fn forked(base: Option<(&Self, u64)>, len: u64, salt: u8) -> Self {
        let mut chain = Self { headers: Vec::new(), hashes: Vec::new(), by_hash: BTreeMap::new() };
        if let Some((base, at)) = base {
            for number in 0..at as usize {
                chain.push(base.headers[number].clone(), base.hashes[number]);
            }
        }
        for number in chain.headers.len() as u64..len {
            let parent = chain.hashes.last().copied().unwrap_or_default();
            let rlp = made(number, parent, salt);
            let hash = keccak256(&rlp);
            chain.push(rlp, hash);
        }
        chain
    }

    /// These headers, whatever they are.
    pub fn of(headers: impl IntoIterator<Item = Bytes>) -> Self {
        let mut chain = Self { headers: Vec::new(), hashes: Vec::new(), by_hash: BTreeMap::new() };
        for rlp in headers {
            let hash = keccak256(&rlp);
            chain.push(rlp, hash);
        }
        chain
    }

    fn push(&mut self, rlp: Bytes, hash: B256) {
        self.by_hash.insert(hash, self.headers.len() as u64);
        self.headers.push(rlp);
        self.hashes.push(hash);
    }

    pub fn tip(&self) -> BlockNumHash {
        self.at(self.headers.len() as u64 - 1)
    }

    pub fn at(&self, number: u64) -> BlockNumHash {
        BlockNumHash { number, hash: self.hashes[number as usize] }
    }

    pub fn number_of(&self, hash: B256) -> Option<u64> {
        self.by_hash.get(&hash).copied()
    }

    pub fn genesis(&self) -> B256 {
        self.hashes[0]
    }

    pub fn spec(&self) -> ChainSpec {
        ChainSpec::unknown(CHAIN_ID, self.genesis())
    }
}

/// From this salt on a header is made by proof of work, of a difficulty that grows with the salt.
pub const MINED: u8 = 128;

/// A header of 15 fields, of no particular chain.
fn made(number: u64, parent_hash: B256, salt: u8) -> Bytes {
    let mined = salt >= MINED;
    encode(&Header {
        parent_hash,
        ommers_hash: EMPTY_OMMERS_HASH,
        beneficiary: Address::repeat_byte(salt),
        state_root: keccak256(number.to_be_bytes()),
        transactions_root: B256::repeat_byte(2),
        receipts_root: B256::repeat_byte(3),
        logs_bloom: &[4; 256],
        difficulty: U256::from(if mined { 131_072 * (u64::from(salt - MINED) + 1) } else { 0 }),
        number,
        gas_limit: 30_000_000,
        gas_used: 0,
        timestamp: 1_600_000_000 + number.wrapping_mul(12),
        extra_data: &[],
        mix_hash: B256::repeat_byte(5),
        nonce: B64::repeat_byte(if mined { 6 } else { 0 }),
        base_fee_per_gas: None,
        withdrawals_root: None,
        blob_gas_used: None,
        excess_blob_gas: None,
        parent_beacon_block_root: None,
        requests_hash: None,
        block_access_list_hash: None,
        slot_number: None,
    })
}

/// A header with this number, under no parent.
pub fn numbered(number: u64) -> Bytes {
    made(number, B256::ZERO, 0)
}
