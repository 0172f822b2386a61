//! A small chain of real headers: they encode, hash and link; nothing else is true about them.

use alloy_primitives::{Address, B64, B256, Bloom, U256, b256, keccak256};
use alloy_rlp::Encodable;
use bytes::Bytes;
use std::collections::BTreeMap;
use sync_core::{BlockNumHash, chain::ChainSpec};

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
            let rlp = encode(number, parent, salt);
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

/// The 15 fields of a header of no particular chain.
fn encode(number: u64, parent: B256, salt: u8) -> Bytes {
    let empty_ommers = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    let mined = salt >= MINED;
    let difficulty = U256::from(if mined { 131_072 * (u64::from(salt - MINED) + 1) } else { 0 });
    let nonce = B64::repeat_byte(if mined { 6 } else { 0 });
    let fields: [&dyn Encodable; 15] = [
        &parent,
        &empty_ommers,
        &Address::repeat_byte(salt),
        &keccak256(number.to_be_bytes()),
        &B256::repeat_byte(2),
        &B256::repeat_byte(3),
        &Bloom::repeat_byte(4),
        &difficulty,
        &number,
        &30_000_000u64,
        &0u64,
        &(1_600_000_000 + number * 12),
        &[0u8; 0].as_slice(),
        &B256::repeat_byte(5),
        &nonce,
    ];
    let mut out = Vec::with_capacity(520);
    alloy_rlp::Header { list: true, payload_length: fields.iter().map(|field| field.length()).sum() }.encode(&mut out);
    for field in fields {
        field.encode(&mut out);
    }
    out.into()
}
