//! A deterministic post-merge chain that obeys every header rule, made from `(seed, number)`.
//!
//! All forks up to Prague are active from block 0: 21 fields, about 640 bytes, nothing in it that compresses well
//! (blooms and roots are random). The base fee follows EIP-1559, blob gas EIP-4844 with Prague's 6 and 9 blobs a block
//! (EIP-7691). The gas used leans against the base fee, and the blobs against the excess, so that both keep wandering
//! in a lifelike band however long the chain is.
//!
//! The whole chain is hashed once at the start (each header names its parent's hash). What is kept is 32 bytes of hash
//! and 16 of index a header, and a state of 40 bytes for every 256; the RLP is made again, a segment of 256 headers at
//! a time, when somebody asks, and the last few segments are kept.

use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{B256, b256, keccak256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use bytes::Bytes;

use super::{HeaderSource, index::HashIndex};

/// Headers made at once.
const SEGMENT_HEADERS: u64 = 256;
/// Segments kept, 160 KB each; the slot of a segment is its number modulo this.
const SEGMENT_SLOTS: usize = 64;
/// Most headers of a generated chain: 4.8 GB of hashes and index.
pub const GENERATED_HEADERS_MAX: u64 = 100_000_000;

/// Time of block 0: after Prague on mainnet, before Osaka.
const GENESIS_TIMESTAMP: u64 = 1_750_000_000;
const SECONDS_PER_BLOCK: u64 = 12;
/// Lowest gas limit; each header's own is up to [`GAS_LIMIT_SPREAD`] more, which is under the step that a child may
/// take (a 1,024th of its parent's: 35,156).
const GAS_LIMIT_BASE: u64 = 36_000_000;
const GAS_LIMIT_SPREAD: u64 = 35_000;
/// EIP-1559: gas target is half the limit, and the base fee moves by an eighth at most.
const ELASTICITY: u64 = 2;
const BASE_FEE_CHANGE_DENOMINATOR: u64 = 8;
/// Wei for each gas at block 0, and the value around which the base fee wanders.
const BASE_FEE_START: u64 = 1_000_000_000;
/// EIP-4844 and EIP-7691 (Prague).
const GAS_PER_BLOB: u64 = 131_072;
const BLOBS_TARGET: u64 = 6;
const BLOBS_MAX: u64 = 9;
/// Excess above which blocks carry fewer blobs than the target.
const EXCESS_HIGH: u64 = 100 * GAS_PER_BLOB;

/// Keccak-256 of the RLP of an empty list.
const EMPTY_OMMERS: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// A generated chain.
#[derive(Debug)]
pub struct GeneratedSource {
    seed: u64,
    hashes: Vec<B256>,
    index: HashIndex,
    /// State after the last header before each segment; the first is the state before the genesis.
    checkpoints: Vec<State>,
    slots: Vec<Mutex<Option<Arc<Segment>>>>,
}

/// The RLP of one segment.
#[derive(Debug)]
struct Segment {
    id: usize,
    rlp: Bytes,
    ends: Vec<u32>,
}

/// What a header's consensus fields follow from: those of its parent.
#[derive(Clone, Copy, Debug)]
struct State {
    gas_limit: u64,
    gas_used: u64,
    base_fee: u64,
    blob_gas_used: u64,
    excess_blob_gas: u64,
}

impl State {
    /// A block exactly at both targets: its child has the same base fee and no excess.
    const START: Self = Self {
        gas_limit: GAS_LIMIT_BASE,
        gas_used: GAS_LIMIT_BASE / ELASTICITY,
        base_fee: BASE_FEE_START,
        blob_gas_used: BLOBS_TARGET * GAS_PER_BLOB,
        excess_blob_gas: 0,
    };

    fn child(&self, chance: &mut Chance) -> Self {
        let base_fee = self.next_base_fee();
        let excess_blob_gas = (self.excess_blob_gas + self.blob_gas_used).saturating_sub(BLOBS_TARGET * GAS_PER_BLOB);
        let gas_limit = GAS_LIMIT_BASE + chance.below(GAS_LIMIT_SPREAD);
        // Blocks are fuller while gas is cheap: mean 0.6 of the limit against 0.4.
        let (least, spread) = if base_fee < BASE_FEE_START { (gas_limit / 5, 4) } else { (0, 4) };
        let gas_used = least + chance.below(gas_limit / 5 * spread);
        let blobs = if excess_blob_gas < EXCESS_HIGH { 4 + chance.below(6) } else { chance.below(9) };
        Self { gas_limit, gas_used, base_fee, blob_gas_used: blobs.min(BLOBS_MAX) * GAS_PER_BLOB, excess_blob_gas }
    }

    /// Base fee of the child (EIP-1559).
    fn next_base_fee(&self) -> u64 {
        let target = self.gas_limit / ELASTICITY;
        let delta = |gas: u64| {
            let delta = u128::from(self.base_fee) * u128::from(gas)
                / u128::from(target)
                / u128::from(BASE_FEE_CHANGE_DENOMINATOR);
            // At most an eighth of the base fee, which is 64 bits.
            delta as u64
        };
        match self.gas_used {
            used if used > target => self.base_fee + delta(used - target).max(1),
            used => self.base_fee - delta(target - used),
        }
    }
}

/// SplitMix64, begun anew for each header: any header's chance is at hand without those before it.
struct Chance(u64);

impl Chance {
    fn new(seed: u64, number: u64) -> Self {
        let mut mixed = Self(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(mixed.next() ^ seed.rotate_left(32))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be 0. The bias of the remainder does not matter here.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        out
    }
}

/// Appends the RLP of header `number` to `out` and returns the state after it.
fn append_header(seed: u64, number: u64, parent: B256, before: &State, out: &mut Vec<u8>) -> State {
    let mut chance = Chance::new(seed, number);
    let state = before.child(&mut chance);

    // Written behind a gap for the list prefix, whose length is always that of 256 to 65,535 bytes.
    let start = out.len();
    out.extend_from_slice(&[0; 3]);
    parent.encode(out);
    EMPTY_OMMERS.encode(out);
    chance.bytes::<20>().encode(out); // beneficiary
    for _root in ["state", "transactions", "receipts"] {
        chance.bytes::<32>().encode(out);
    }
    chance.bytes::<256>().encode(out); // logs bloom
    0_u64.encode(out); // difficulty
    number.encode(out);
    state.gas_limit.encode(out);
    state.gas_used.encode(out);
    (GENESIS_TIMESTAMP + number * SECONDS_PER_BLOCK).encode(out);
    let extra_data = chance.bytes::<32>();
    extra_data[..4 + chance.below(29) as usize].encode(out);
    chance.bytes::<32>().encode(out); // mix hash: the beacon chain's randomness
    [0_u8; 8].encode(out); // nonce
    state.base_fee.encode(out);
    chance.bytes::<32>().encode(out); // withdrawals root
    state.blob_gas_used.encode(out);
    state.excess_blob_gas.encode(out);
    chance.bytes::<32>().encode(out); // parent beacon block root
    chance.bytes::<32>().encode(out); // requests hash

    let list = RlpHeader { list: true, payload_length: out.len() - start - 3 };
    debug_assert_eq!(list.length(), 3);
    let mut prefix = &mut out[start..start + 3];
    list.encode(&mut prefix);
    state
}

impl GeneratedSource {
    /// Makes the chain of `count` headers, numbers 0 to `count - 1`: about two seconds for a million.
    ///
    /// # Panics
    ///
    /// `count` is 0 or over [`GENERATED_HEADERS_MAX`]; the arguments are checked before.
    pub fn new(seed: u64, count: u64) -> Self {
        assert!((1..=GENERATED_HEADERS_MAX).contains(&count), "1 to {GENERATED_HEADERS_MAX} headers");
        let mut hashes = Vec::with_capacity(count as usize);
        let mut checkpoints = Vec::with_capacity(count.div_ceil(SEGMENT_HEADERS) as usize);
        let mut state = State::START;
        let mut parent = B256::ZERO;
        let mut rlp = Vec::with_capacity(1024);
        for number in 0..count {
            if number % SEGMENT_HEADERS == 0 {
                checkpoints.push(state);
            }
            rlp.clear();
            state = append_header(seed, number, parent, &state, &mut rlp);
            parent = keccak256(&rlp);
            hashes.push(parent);
        }
        let index = HashIndex::new(&hashes);
        let slots = (0..SEGMENT_SLOTS).map(|_| Mutex::new(None)).collect();
        Self { seed, hashes, index, checkpoints, slots }
    }

    fn segment(&self, id: usize) -> Arc<Segment> {
        // A poisoned slot holds a whole segment or none: it is only ever replaced.
        let mut slot = self.slots[id % SEGMENT_SLOTS].lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(segment) if segment.id == id => Arc::clone(segment),
            _ => Arc::clone(slot.insert(Arc::new(self.make_segment(id)))),
        }
    }

    fn make_segment(&self, id: usize) -> Segment {
        let first = id as u64 * SEGMENT_HEADERS;
        let last = (first + SEGMENT_HEADERS).min(self.hashes.len() as u64);
        let mut rlp = Vec::with_capacity(SEGMENT_HEADERS as usize * 700);
        let mut ends = Vec::with_capacity(SEGMENT_HEADERS as usize);
        let mut state = self.checkpoints[id];
        for number in first..last {
            let parent = number.checked_sub(1).map_or(B256::ZERO, |before| self.hashes[before as usize]);
            state = append_header(self.seed, number, parent, &state, &mut rlp);
            ends.push(rlp.len() as u32);
        }
        Segment { id, rlp: rlp.into(), ends }
    }
}

impl HeaderSource for GeneratedSource {
    fn earliest(&self) -> u64 {
        0
    }

    fn latest(&self) -> u64 {
        self.hashes.len() as u64 - 1
    }

    fn by_number(&self, number: u64) -> Option<Bytes> {
        if number > self.latest() {
            return None;
        }
        let segment = self.segment((number / SEGMENT_HEADERS) as usize);
        let place = (number % SEGMENT_HEADERS) as usize;
        let start = place.checked_sub(1).map_or(0, |before| segment.ends[before]);
        Some(segment.rlp.slice(start as usize..segment.ends[place] as usize))
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        self.index.candidates(hash).find(|place| self.hashes[*place as usize] == *hash).map(u64::from)
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        usize::try_from(number).ok().and_then(|place| self.hashes.get(place)).copied()
    }

    fn genesis(&self) -> Option<B256> {
        self.hashes.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::HeaderFacts;

    #[test]
    fn segments_made_again_are_the_chain_that_was_hashed() {
        let source = GeneratedSource::new(7, 1000);
        let mut parent = B256::ZERO;
        for number in 0..1000 {
            let rlp = source.by_number(number).expect("inside the chain");
            let facts = HeaderFacts::read(&rlp).expect("a header");
            assert_eq!((facts.number, facts.parent_hash), (number, parent));
            assert_eq!(facts.timestamp, GENESIS_TIMESTAMP + 12 * number);
            assert_eq!(source.hash_of(number), Some(facts.hash));
            assert_eq!(source.number_of(&facts.hash), Some(number));
            parent = facts.hash;
        }
        assert_eq!(source.by_number(1000), None);
        assert_eq!(source.number_of(&B256::ZERO), None);
    }

    #[test]
    fn same_seed_same_chain_and_a_longer_chain_begins_with_the_shorter() {
        let (short, long, other) =
            (GeneratedSource::new(1, 300), GeneratedSource::new(1, 700), GeneratedSource::new(2, 300));
        assert_eq!(short.hashes, long.hashes[..300]);
        assert_ne!(short.genesis(), other.genesis());
    }

    #[test]
    fn fees_and_blobs_stay_in_their_band_and_never_break_a_rule() {
        let mut state = State::START;
        let mut fees = (u64::MAX, 0);
        let mut excess_max = 0;
        for number in 0..300_000 {
            let child = state.child(&mut Chance::new(3, number));
            assert!(child.gas_used <= child.gas_limit);
            assert!(child.gas_limit.abs_diff(state.gas_limit) < state.gas_limit / 1024);
            assert_eq!(child.blob_gas_used % GAS_PER_BLOB, 0);
            assert!(child.blob_gas_used <= BLOBS_MAX * GAS_PER_BLOB);
            assert!(child.base_fee.abs_diff(state.base_fee) <= (state.base_fee / 8).max(1));
            fees = (fees.0.min(child.base_fee), fees.1.max(child.base_fee));
            excess_max = excess_max.max(child.excess_blob_gas);
            state = child;
        }
        assert!(fees.0 > BASE_FEE_START / 20 && fees.1 < BASE_FEE_START * 20, "{fees:?}");
        assert!((EXCESS_HIGH / 2..EXCESS_HIGH * 4).contains(&excess_max), "{excess_max}");
    }

    #[test]
    fn headers_are_real_looking() {
        let source = GeneratedSource::new(0, 600);
        for number in [0, 1, 255, 256, 599] {
            let rlp = source.by_number(number).expect("inside the chain");
            assert!((600..700).contains(&rlp.len()), "{} bytes", rlp.len());
            let mut outer = &rlp[..];
            let mut fields = RlpHeader::decode_bytes(&mut outer, true).expect("a list");
            let mut count = 0;
            while !fields.is_empty() {
                RlpHeader::decode_bytes(&mut fields, false).expect("a string");
                count += 1;
            }
            assert_eq!(count, 21);
        }
    }
}
