//! Test chains: small, deterministic, valid by the rules of [`ChainSpec::generated`].
//!
//! They are only for tests, but part of the crate, because the tests of every store need them.

use alloc::vec::Vec;
use alloy_primitives::{Address, B64, B256, U256, keccak256};
use bytes::Bytes;

use header_rules::{
    chain::{ChainSpec, RuleSet},
    header::{EMPTY_OMMERS_HASH, Header, encode},
    range::{BlockNumber, BlockRange},
    rules::{GAS_PER_BLOB, next_base_fee, next_excess_blob_gas},
};
use sync_core::{
    checkpoint::Checkpoint,
    etl::{Collector, HeaderBatch},
    id::BatchId,
    lineage::{Anchor, Lineage, SealedRun, VerifiedHeaders},
};

const NO_BLOOM: &[u8; 256] = &[0; 256];
/// Gas limit of every block.
const GAS_LIMIT: u64 = 30_000_000;
/// Headers in one response.
const ANSWER_HEADERS: usize = 100;

/// A chain of valid headers from genesis on.
#[derive(Clone, Debug)]
pub struct TestChain {
    headers: Vec<Bytes>,
    hashes: Vec<B256>,
    spec: ChainSpec,
}

impl TestChain {
    /// `len` headers from genesis on, at least one. Chains of different seeds share no header.
    pub fn new(len: usize, seed: u64) -> Self {
        Self { headers: Vec::new(), hashes: Vec::new(), spec: ChainSpec::generated(B256::ZERO) }.grow(len.max(1), seed)
    }

    /// The same chain up to `number`, and another branch above it, up to `len` headers.
    pub fn fork_above(&self, number: BlockNumber, len: usize, seed: u64) -> Self {
        let keep = number as usize + 1;
        let (headers, hashes) = (self.headers[..keep].to_vec(), self.hashes[..keep].to_vec());
        Self { headers, hashes, spec: self.spec.clone() }.grow(len, seed)
    }

    fn grow(mut self, len: usize, seed: u64) -> Self {
        while self.headers.len() < len {
            let rlp = encode(&self.next_header(seed));
            self.hashes.push(keccak256(&rlp));
            self.headers.push(rlp);
        }
        self.spec = ChainSpec::generated(self.hashes[0]);
        self
    }

    fn next_header(&self, seed: u64) -> Header<'static> {
        let number = self.headers.len() as u64;
        let noise = keccak256([seed.to_le_bytes(), number.to_le_bytes()].concat());
        let parent = self.headers.last().map(|rlp| Header::decode(rlp).expect("it was encoded here"));
        let RuleSet::Forks(forks) = self.spec.rules() else { unreachable!("a generated chain has a schedule") };
        let params = forks.blob_params(0).expect("a generated chain has blobs from genesis on");
        let fee = parent.as_ref().map_or(1_000_000_000, next_base_fee);
        let excess = parent.as_ref().map_or(0, |parent| next_excess_blob_gas(parent, params, false));
        Header {
            parent_hash: self.hashes.last().copied().unwrap_or_default(),
            ommers_hash: EMPTY_OMMERS_HASH,
            beneficiary: Address::from_slice(&noise[..20]),
            state_root: noise,
            transactions_root: keccak256(noise),
            receipts_root: B256::ZERO,
            logs_bloom: NO_BLOOM,
            difficulty: U256::ZERO,
            number,
            gas_limit: GAS_LIMIT,
            // Full and empty blocks alternate, so that the base fee stays the same.
            gas_used: (number % 2) * GAS_LIMIT,
            timestamp: 1_750_000_000 + number * 12,
            extra_data: b"headlight",
            mix_hash: noise,
            nonce: B64::ZERO,
            base_fee_per_gas: Some(u64::try_from(fee).expect("a fee that stays where it is")),
            withdrawals_root: Some(B256::ZERO),
            blob_gas_used: Some((number % 10) * GAS_PER_BLOB),
            excess_blob_gas: Some(u64::try_from(excess).expect("blobs stay under their target")),
            parent_beacon_block_root: Some(noise),
            requests_hash: Some(B256::ZERO),
            block_access_list_hash: None,
            slot_number: None,
        }
    }

    /// Rules and genesis of the chain.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// RLP of a header.
    pub fn header(&self, number: BlockNumber) -> &Bytes {
        &self.headers[number as usize]
    }

    /// Hash of a header.
    pub fn hash(&self, number: BlockNumber) -> B256 {
        self.hashes[number as usize]
    }

    /// RLP of the headers of a range, falling: the response of a peer.
    pub fn falling(&self, range: BlockRange) -> Vec<Bytes> {
        (range.first()..=range.last()).rev().map(|number| self.header(number).clone()).collect()
    }

    /// The verified headers of a range.
    pub fn verified(&self, range: BlockRange) -> Vec<VerifiedHeaders> {
        let anchor = Anchor { number: range.last(), hash: self.hash(range.last()) };
        let mut lineage = Lineage::new(self.spec.clone(), anchor);
        let falling = self.falling(range);
        let prove = |answer: &[Bytes]| {
            let highest = lineage.anchor().expect("the range has not ended").number;
            let run = SealedRun::seal(&self.spec, highest, answer.to_vec()).expect("a test chain hangs together");
            lineage.link(run).expect("a test chain is valid")
        };
        falling.chunks(ANSWER_HEADERS).map(prove).collect()
    }

    /// The batches of a range, falling, cut at the multiples of `window`; the first one extends the checkpoint `base`.
    pub fn batches(&self, range: BlockRange, window: u64, base: &Checkpoint) -> Vec<HeaderBatch> {
        let mut collector = Collector::new(window);
        let mut batches: Vec<HeaderBatch> = Vec::new();
        for verified in self.verified(range) {
            collector.push(verified);
        }
        while !collector.is_empty() {
            let base = batches.last().map_or(base, HeaderBatch::checkpoint).clone();
            batches.extend(collector.take_partial(BatchId(batches.len() as u64), &base));
        }
        batches
    }
}
