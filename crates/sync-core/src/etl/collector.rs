//! Gathers verified headers until a window is complete.
//!
//! Holds one falling run, contiguous, not yet stored, whose bytes are counted ([`Collector::bytes`]); the machine asks
//! for no more headers while they are too many. Its headers are verified already, so no invalid response can make it
//! grow.
//!
//! Headers stay slices of the buffers that they came in. A response is headers from end to end, so a slice pins little
//! more than itself, and nothing is copied until the store packs a segment.

use alloc::{collections::VecDeque, vec::Vec};
use alloy_primitives::B256;
use bytes::Bytes;

use super::batch::{HashEntry, HeaderBatch};
use crate::{
    checkpoint::{Checkpoint, Subchain},
    id::BatchId,
    lineage::{Anchor, VerifiedHeaders},
};
use header_rules::range::{BlockNumber, BlockRange};

/// The verified run that waits for its window. Headers enter falling and leave as batches in rising order.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Headers in a window, aligned at its multiples.
    window: u64,
    /// Falling: RLP and hash.
    headers: VecDeque<(Bytes, B256)>,
    /// Number of the highest header; meaningless while there is none.
    highest: BlockNumber,
    /// Parent hash of the lowest header; meaningless while there is none.
    parent_hash: B256,
    bytes: u64,
}

impl Collector {
    /// A collector that cuts at the multiples of `window` headers.
    ///
    /// # Panics
    ///
    /// If `window` is zero.
    pub fn new(window: u64) -> Self {
        assert!(window > 0, "a window holds at least one header");
        Self { window, headers: VecDeque::new(), highest: 0, parent_hash: B256::ZERO, bytes: 0 }
    }

    /// Takes in the next verified headers, falling.
    ///
    /// # Panics
    ///
    /// If they do not continue what is here: a new lineage begins with an empty collector ([`Collector::clear`]).
    pub fn push(&mut self, verified: VerifiedHeaders) {
        match self.anchor() {
            None if self.headers.is_empty() => self.highest = verified.range().last(),
            expected => {
                let got = Anchor { number: verified.range().last(), hash: verified.hash() };
                assert_eq!(expected, Some(got), "verified headers continue the collected run");
            }
        }
        self.parent_hash = verified.parent_hash();
        self.bytes += verified.headers().iter().map(|rlp| rlp.len() as u64).sum::<u64>();
        self.headers.extend(verified.into_parts());
    }

    /// Cuts the highest window off, if it is complete: down to a multiple of the window, to the floor of `base`, or to
    /// the older run of `base` that lies under it. At most one window of work.
    ///
    /// `base` is what the store will hold before this batch; the batch carries what it will hold after it.
    pub fn take_batch(&mut self, id: BatchId, base: &Checkpoint) -> Option<HeaderBatch> {
        let range = self.range()?;
        let bottom = self.bottom(range.last(), base);
        (range.first() <= bottom).then(|| self.cut(id, bottom, base))
    }

    /// Cuts off what there is of the highest window, complete or not: before a stop, or when nothing moves. `None` when
    /// nothing waits.
    pub fn take_partial(&mut self, id: BatchId, base: &Checkpoint) -> Option<HeaderBatch> {
        let range = self.range()?;
        let bottom = self.bottom(range.last(), base).max(range.first());
        Some(self.cut(id, bottom, base))
    }

    /// The numbers that wait here.
    pub fn range(&self) -> Option<BlockRange> {
        let below = (self.headers.len() as u64).checked_sub(1)?;
        BlockRange::new(self.highest - below, self.highest)
    }

    /// What the next header must be; `None` while there is nothing here, and under genesis.
    pub fn anchor(&self) -> Option<Anchor> {
        let number = self.range()?.first().checked_sub(1)?;
        Some(Anchor { number, hash: self.parent_hash })
    }

    /// Bytes of the headers that wait here.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Headers that wait here.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// Does nothing wait here?
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// Forgets everything. Every abort and every new target must (or its headers would be stored twice).
    pub fn clear(&mut self) {
        self.headers.clear();
        self.bytes = 0;
    }

    /// The lowest number of the batch that ends at `highest`.
    fn bottom(&self, highest: BlockNumber, base: &Checkpoint) -> BlockNumber {
        let window = highest - highest % self.window;
        let older = base.run_below(highest).map_or(0, |run| run.head + 1);
        let floor = if base.floor <= highest { base.floor } else { 0 };
        window.max(older).max(floor)
    }

    fn cut(&mut self, id: BatchId, bottom: BlockNumber, base: &Checkpoint) -> HeaderBatch {
        let range = BlockRange::new(bottom, self.highest).expect("the bottom is at most the highest number");
        debug_assert!(range.len() <= self.window, "a batch of {} headers in windows of {}", range.len(), self.window);
        let count = range.len() as usize;
        let head_hash = self.headers[0].1;
        let mut headers = Vec::with_capacity(count);
        let mut hash_index = Vec::with_capacity(count);
        let mut bytes = 0;
        // From the lowest up, so that the batch rises.
        for (number, (rlp, hash)) in (range.first()..=range.last()).zip(self.headers.drain(..count).rev()) {
            bytes += rlp.len() as u64;
            hash_index.push(HashEntry { hash, number });
            headers.push(rlp);
        }
        // A hash comes once, so an unstable sort has one result.
        hash_index.sort_unstable();
        debug_assert!(bytes <= self.bytes, "a batch of {bytes} bytes from {} collected", self.bytes);
        self.bytes -= bytes;
        self.highest = bottom.saturating_sub(1);
        let next = self.headers.front().map_or(self.parent_hash, |(_, hash)| *hash);
        let mut checkpoint = base.clone();
        checkpoint.adopt(Subchain { head: range.last(), head_hash, tail: bottom, next });
        debug_assert!(!self.headers.is_empty() || self.bytes == 0, "{} bytes collected in no header", self.bytes);
        debug_assert!(checkpoint.covers(bottom), "the checkpoint of batch {range} does not cover its tail");
        debug_assert!(checkpoint.covers(range.last()), "the checkpoint of batch {range} does not cover its head");
        HeaderBatch { id, range, headers, hash_index, checkpoint, bytes }
    }
}
