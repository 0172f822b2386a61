//! A chain in memory, valid by the rules of [`ChainSpec::generated`], and the work on it that is measured.

use alloy_primitives::{Address, B64, B256, U256, b256, keccak256};
use bytes::Bytes;
use header_rules::{chain::ChainSpec, header::Header, rules};
use header_store::contract::encode;
use sync_core::lineage::{Anchor, Lineage, SealedRun};

/// Headers of one response of 48 KiB.
const RUN_HEADERS: usize = 80;

const EMPTY_OMMERS_HASH: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
const GAS_LIMIT: u64 = 36_000_000;

/// Headers one behind the other, rising, and where each ends.
pub(super) struct Chain {
    rlp: Bytes,
    ends: Vec<usize>,
    genesis: B256,
    tip: B256,
}

impl Chain {
    /// `headers` of them, from genesis on. No two share more than a few bytes.
    pub(super) fn generate(headers: usize) -> Self {
        let mut rlp = Vec::with_capacity(headers * 640);
        let mut ends = Vec::with_capacity(headers);
        let (mut genesis, mut parent_hash, mut base_fee) = (B256::ZERO, B256::ZERO, 1_000_000_000);
        let mut chance = Chance(1);
        for number in 0..headers as u64 {
            let bloom = chance.bytes();
            let header = Header {
                parent_hash,
                ommers_hash: EMPTY_OMMERS_HASH,
                beneficiary: Address::new(chance.bytes()),
                state_root: chance.bytes().into(),
                transactions_root: chance.bytes().into(),
                receipts_root: chance.bytes().into(),
                logs_bloom: &bloom,
                difficulty: U256::ZERO,
                number,
                gas_limit: GAS_LIMIT,
                // Full and nearly empty blocks by turns, so that the base fee stays about where it is.
                gas_used: if number % 2 == 0 { GAS_LIMIT } else { 21_000 },
                timestamp: 1_746_612_311 + number * 12,
                extra_data: b"link",
                mix_hash: chance.bytes().into(),
                nonce: B64::ZERO,
                base_fee_per_gas: Some(base_fee),
                withdrawals_root: Some(chance.bytes().into()),
                blob_gas_used: Some(0),
                excess_blob_gas: Some(0),
                parent_beacon_block_root: Some(chance.bytes().into()),
                requests_hash: Some(chance.bytes().into()),
                block_access_list_hash: None,
                slot_number: None,
            };
            let encoded = encode(&header);
            base_fee = u64::try_from(rules::next_base_fee(&header)).expect("a fee that stays where it is");
            parent_hash = keccak256(&encoded);
            if number == 0 {
                genesis = parent_hash;
            }
            rlp.extend_from_slice(&encoded);
            ends.push(rlp.len());
        }
        Self { rlp: rlp.into(), ends, genesis, tip: parent_hash }
    }

    /// Bytes of all headers.
    pub(super) fn bytes(&self) -> usize {
        self.rlp.len()
    }

    /// Verifies the whole chain from its tip down.
    pub(super) fn link(&self) -> bool {
        let spec = ChainSpec::generated(self.genesis);
        let mut lineage = Lineage::new(spec.clone(), Anchor { number: self.ends.len() as u64 - 1, hash: self.tip });
        let mut rest = self.ends.len();
        while rest > 0 {
            let first = rest.saturating_sub(RUN_HEADERS);
            // As they come from the wire: slices of one buffer.
            let run = (first..rest).rev().map(|at| self.rlp.slice(self.place(at))).collect();
            let Ok(sealed) = SealedRun::seal(&spec, rest as u64 - 1, run) else { return false };
            if lineage.link(sealed).is_err() {
                return false;
            }
            rest = first;
        }
        lineage.anchor().is_none()
    }

    /// Hashes every header.
    pub(super) fn keccak(&self) -> bool {
        let all = self.falling().map(keccak256).fold(B256::ZERO, |all, hash| all ^ hash);
        all != B256::ZERO
    }

    /// Decodes every header.
    pub(super) fn decode(&self) -> bool {
        self.falling().map(Header::decode).all(|header| header.is_ok())
    }

    /// Decodes every header, and checks it by all rules.
    pub(super) fn check(&self) -> bool {
        let spec = ChainSpec::generated(self.genesis);
        let mut child: Option<Header<'_>> = None;
        self.falling().all(|rlp| {
            let Ok(header) = Header::decode(rlp) else { return false };
            let child = child.replace(header);
            child.is_none_or(|child| rules::validate(&child, &header, &spec).is_ok())
                && rules::validate_standalone(&header, &spec).is_ok()
        })
    }

    fn falling(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).rev().map(|at| &self.rlp[self.place(at)])
    }

    fn place(&self, at: usize) -> core::ops::Range<usize> {
        at.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[at]
    }
}

/// SplitMix64: bytes that differ, at no cost.
struct Chance(u64);

impl Chance {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
        out
    }
}
