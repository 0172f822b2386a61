//! A deterministic post-merge chain that obeys every header rule (`header-maker`), made from `(seed, number)`.
//!
//! The whole chain is hashed once at the start (each header contains its parent's hash). The source keeps 32 bytes of
//! hash and 16 of index per header, and the figures (40 bytes) of every 256th; the RLP is generated again on request,
//! in segments of 256 headers, and the last few segments are cached.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_maker::{Figures, SplitMix64, append_header};

use super::{HeaderSource, index::HashIndex};

/// Headers of one segment.
const SEGMENT_HEADERS: u64 = 256;
/// Cached segments, 160 KB each; the slot of a segment is its number modulo this.
const SEGMENT_SLOTS: usize = 64;
/// Most headers of a generated chain: 4.8 GB of hashes and index.
pub const GENERATED_HEADERS_MAX: u64 = 100_000_000;

/// Least extra data, in bytes.
const EXTRA_DATA_MIN: usize = 4;

/// A generated chain.
#[derive(Debug)]
pub struct GeneratedSource {
    seed: u64,
    hashes: Vec<B256>,
    index: HashIndex,
    /// Figures of the last header before each segment; the first entry precedes the genesis.
    checkpoints: Vec<Figures>,
    slots: Vec<Mutex<Option<Arc<Segment>>>>,
}

/// The RLP of one segment.
#[derive(Debug)]
struct Segment {
    id: usize,
    rlp: Bytes,
    ends: Vec<u32>,
}

/// The random numbers restart with each header, so a header can be generated without those before it.
fn chance(seed: u64, number: u64) -> SplitMix64 {
    let mut mixed = SplitMix64(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    SplitMix64(mixed.draw() ^ seed.rotate_left(32))
}

/// Appends the RLP of header `number` to `out` and returns its figures.
fn append(seed: u64, number: u64, parent: B256, before: &Figures, out: &mut Vec<u8>) -> Figures {
    let mut chance = chance(seed, number);
    let figures = before.child(&mut chance);
    append_header(&mut chance, number, parent, &figures, EXTRA_DATA_MIN, out);
    figures
}

impl GeneratedSource {
    /// Generates the chain of `count` headers, numbers 0 to `count - 1`: about two seconds for a million.
    ///
    /// # Panics
    ///
    /// `count` is 0 or over [`GENERATED_HEADERS_MAX`]; the arguments are checked before.
    pub fn new(seed: u64, count: u64) -> Self {
        assert!((1..=GENERATED_HEADERS_MAX).contains(&count), "1 to {GENERATED_HEADERS_MAX} headers");
        let mut hashes = Vec::with_capacity(count as usize);
        let mut checkpoints = Vec::with_capacity(count.div_ceil(SEGMENT_HEADERS) as usize);
        let mut figures = Figures::START;
        let mut parent = B256::ZERO;
        let mut rlp = Vec::with_capacity(1024);
        for number in 0..count {
            if number % SEGMENT_HEADERS == 0 {
                checkpoints.push(figures);
            }
            rlp.clear();
            figures = append(seed, number, parent, &figures, &mut rlp);
            parent = keccak256(&rlp);
            hashes.push(parent);
        }
        let index = HashIndex::new(&hashes);
        let slots = (0..SEGMENT_SLOTS).map(|_| Mutex::new(None)).collect();
        Self { seed, hashes, index, checkpoints, slots }
    }

    fn slot(&self, id: usize) -> MutexGuard<'_, Option<Arc<Segment>>> {
        // A poisoned slot holds a whole segment or none: it is only replaced as a whole.
        self.slots[id % SEGMENT_SLOTS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn segment(&self, id: usize) -> Arc<Segment> {
        let mut slot = self.slot(id);
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
        let mut figures = self.checkpoints[id];
        for number in first..last {
            let parent = number.checked_sub(1).map_or(B256::ZERO, |before| self.hashes[before as usize]);
            figures = append(self.seed, number, parent, &figures, &mut rlp);
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

    fn work(&self, number: u64) -> u64 {
        if number > self.latest() {
            return 0;
        }
        let id = (number / SEGMENT_HEADERS) as usize;
        let is_made = self.slot(id).as_ref().is_some_and(|segment| segment.id == id);
        if is_made { 0 } else { SEGMENT_HEADERS }
    }

    fn genesis(&self) -> Option<B256> {
        self.hashes.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;
    use header_maker::{GENESIS_TIMESTAMP, SECONDS_PER_BLOCK};

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
            assert_eq!(facts.timestamp, GENESIS_TIMESTAMP + SECONDS_PER_BLOCK * number);
            assert_eq!(source.hash_of(number), Some(facts.hash));
            assert_eq!(source.number_of(&facts.hash), Some(number));
            parent = facts.hash;
        }
        assert_eq!(source.by_number(1000), None);
        assert_eq!(source.number_of(&B256::ZERO), None);
    }

    #[test]
    fn a_header_costs_its_segment_until_that_is_made() {
        let source = GeneratedSource::new(7, 1000);
        assert_eq!((source.work(256), source.work(511), source.work(1000)), (SEGMENT_HEADERS, SEGMENT_HEADERS, 0));
        source.by_number(300);
        assert_eq!((source.work(255), source.work(256), source.work(511)), (SEGMENT_HEADERS, 0, 0));
    }

    #[test]
    fn same_seed_same_chain_and_a_longer_chain_begins_with_the_shorter() {
        let (short, long, other) =
            (GeneratedSource::new(1, 300), GeneratedSource::new(1, 700), GeneratedSource::new(2, 300));
        assert_eq!(short.hashes, long.hashes[..300]);
        assert_ne!(short.genesis(), other.genesis());
    }

    /// A seed gives the same chain for ever: reports and measurements name a chain by its seed.
    #[test]
    fn a_seed_names_the_chain_that_it_always_named() {
        let source = GeneratedSource::new(11, 3_000);
        let tip = b256!("2fdf6d35ae04930618657d8c5667fa232b39ccff535f543e85e93850ada9cc64");
        assert_eq!(source.hash_of(2_999), Some(tip));
    }
}
