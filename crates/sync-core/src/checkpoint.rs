//! How far a reverse sync got, in a form that survives a restart: runs of stored headers, newest first.
//!
//! A [`Checkpoint`] is written in the same transaction as the headers that it covers. Its runs are disjoint and
//! falling, and their number is bounded ([`SUBCHAINS_MAX`]): above that the shortest run is dropped. Undecodable bytes
//! mean a fresh sync, never a panic.
//!
//! ```text
//!   number   0 ............ 4,096 ==== 5,119 ......... 8,192 ======= 9,000
//!   runs                    tail       head            tail          head
//!                        next = hash of 4,095        next = hash of 8,191
//! ```
//!
//! Two runs become one where they meet: the upper one's `next` is the lower one's `head_hash`. Where the numbers touch
//! and the hashes differ they stay two: the target and the stored chain do not meet.

use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

pub use crate::config::SUBCHAINS_MAX;
use header_rules::{
    block::BlockNumHash,
    range::BLOCK_NUMBER_END,
    range::{BlockNumber, BlockRange},
};

/// A stored, verified, contiguous run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Subchain {
    /// Highest number of the run.
    pub head: BlockNumber,
    /// Hash of the header at `head`.
    pub head_hash: B256,
    /// Lowest number of the run.
    pub tail: BlockNumber,
    /// Hash that the header at `tail - 1` must have: the parent hash of the header at `tail`.
    pub next: B256,
}

impl Subchain {
    /// The numbers inside; `None` only for a run that breaks its own order.
    pub fn range(&self) -> Option<BlockRange> {
        BlockRange::new(self.tail, self.head)
    }

    /// Does `lower` go on where this run ends, in number and in hash?
    pub fn meets(&self, lower: &Self) -> bool {
        self.tail.checked_sub(1) == Some(lower.head) && self.next == lower.head_hash
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.tail <= other.head && other.tail <= self.head
    }
}

/// The state from which a reverse sync resumes.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Checkpoint {
    /// Version of this record ([`Checkpoint::VERSION`]).
    pub version: u64,
    /// Chain id of the store.
    pub chain_id: u64,
    /// Lowest number that a whole sync of this store holds.
    pub floor: BlockNumber,
    /// Stored runs, newest first, disjoint; runs that meet are merged.
    pub subchains: Vec<Subchain>,
}

impl Checkpoint {
    /// The version that this code writes.
    pub const VERSION: u64 = 1;

    /// Nothing stored yet.
    pub fn new(chain_id: u64, floor: BlockNumber) -> Self {
        Self { version: Self::VERSION, chain_id, floor, subchains: Vec::new() }
    }

    /// The record as bytes (RLP).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length());
        Encodable::encode(self, &mut out);
        out
    }

    /// Decodes a record. `None` for anything that this code would not write: another version, bytes after the record,
    /// too many runs, runs out of order. The caller then starts a fresh sync.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let checkpoint = <Self as Decodable>::decode(&mut bytes).ok()?;
        (bytes.is_empty() && checkpoint.is_sound()).then_some(checkpoint)
    }

    /// Do the runs keep their order: each with its head at or above its tail, newest first, disjoint, merged where they
    /// meet, not too many? And can a chain have their numbers ([`BLOCK_NUMBER_END`])?
    pub fn is_sound(&self) -> bool {
        let runs = &self.subchains;
        self.version == Self::VERSION
            && runs.len() <= SUBCHAINS_MAX
            && self.floor <= BLOCK_NUMBER_END
            && runs.first().is_none_or(|newest| newest.head < BLOCK_NUMBER_END)
            && runs.iter().all(|run| run.tail <= run.head)
            && runs.windows(2).all(|pair| pair[1].head < pair[0].tail && !pair[0].meets(&pair[1]))
    }

    /// The run with the highest numbers.
    pub fn newest(&self) -> Option<&Subchain> {
        self.subchains.first()
    }

    /// The run that holds `number`.
    pub fn run_at(&self, number: BlockNumber) -> Option<&Subchain> {
        self.subchains.iter().find(|run| run.tail <= number && number <= run.head)
    }

    /// The newest run that lies wholly under `number`.
    pub fn run_below(&self, number: BlockNumber) -> Option<&Subchain> {
        self.subchains.iter().find(|run| run.head < number)
    }

    /// Is `number` stored?
    pub fn covers(&self, number: BlockNumber) -> bool {
        self.run_at(number).is_some()
    }

    /// How many headers of `range` are stored.
    pub fn stored_in(&self, range: BlockRange) -> u64 {
        let parts = self.subchains.iter().filter_map(|run| run.range()?.intersection(range));
        let stored = parts.map(BlockRange::len).sum();
        debug_assert!(stored <= range.len(), "{stored} headers of {range} are stored: subchains overlap");
        stored
    }

    /// The numbers of `range` that are not stored, newest first.
    pub fn missing_in(&self, range: BlockRange) -> Vec<BlockRange> {
        let mut missing = Vec::new();
        let mut rest = Some(range);
        for run in self.subchains.iter().filter_map(Subchain::range) {
            let Some(open) = rest else { break };
            if open.intersection(run).is_none() {
                continue;
            }
            let (under, over) = open.without(run);
            missing.extend(over);
            rest = under;
        }
        missing.extend(rest);
        debug_assert!(missing.len() <= SUBCHAINS_MAX + 1, "{} gaps between {SUBCHAINS_MAX} subchains", missing.len());
        missing
    }

    /// Is everything from the floor up to `target` stored, in one run with this head?
    pub fn is_complete(&self, target: BlockNumHash) -> bool {
        let newest = self.newest();
        newest.is_some_and(|run| run.head == target.number && run.head_hash == target.hash && run.tail <= self.floor)
    }

    /// Adds a run that was just verified and is being stored.
    ///
    /// It extends the run above if that one's `next` is its head, opens a new one otherwise, and takes in the run below
    /// if its own `next` is that one's head. Where it overwrites numbers of older runs: a run with the same head is the
    /// same chain, and its lower part stays; any other run has no known hash where it is cut, so the whole run is
    /// dropped and will be fetched again.
    ///
    /// # Panics
    ///
    /// If the run's tail lies above its head.
    pub fn adopt(&mut self, mut run: Subchain) {
        assert!(run.tail <= run.head, "a run has its tail at or under its head");
        if let Some(same) = self.subchains.iter().find(|old| old.head == run.head && old.head_hash == run.head_hash)
            && same.tail < run.tail
        {
            (run.tail, run.next) = (same.tail, same.next);
        }
        self.subchains.retain(|old| !old.overlaps(&run));
        let at = self.subchains.partition_point(|old| old.head > run.head);
        self.subchains.insert(at, run);
        self.merge_below(at);
        if let Some(above) = at.checked_sub(1) {
            self.merge_below(above);
        }
        self.drop_shortest(run.head);
        debug_assert!(self.is_sound(), "adopting a run keeps the order");
    }

    /// Cuts off everything above `to`, for an unwind. `hash` is the hash of the header at `to`; without it a run that
    /// is cut in its middle has no known head, and the whole run is dropped.
    pub fn trim_above(&mut self, to: BlockNumber, hash: Option<B256>) {
        self.subchains.retain_mut(|run| {
            if run.head <= to {
                return true;
            }
            match hash {
                Some(hash) if run.tail <= to => {
                    (run.head, run.head_hash) = (to, hash);
                    true
                }
                _ => false,
            }
        });
        debug_assert!(self.newest().is_none_or(|newest| newest.head <= to), "headers above {to} stay after an unwind");
        debug_assert!(self.is_sound(), "an unwind keeps the subchains in order");
    }

    /// Cuts a hole, for stored headers that turned out to be damaged.
    ///
    /// The part above the hole stays only with `upper_next` (the hash of the header at `hole.last()`, which is the
    /// parent hash of the one above it), the part below only with `lower_head` (the hash of the header under
    /// `hole.first()`). A hole touches one run; a part without its hash is dropped too.
    pub fn carve(&mut self, hole: BlockRange, upper_next: Option<B256>, lower_head: Option<B256>) {
        let mut kept = Vec::with_capacity(self.subchains.len() + 1);
        for run in &self.subchains {
            let Some(range) = run.range() else { continue };
            if range.intersection(hole).is_none() {
                kept.push(*run);
                continue;
            }
            let (under, over) = range.without(hole);
            if let (Some(over), Some(next)) = (over, upper_next) {
                kept.push(Subchain { tail: over.first(), next, ..*run });
            }
            if let (Some(under), Some(head_hash)) = (under, lower_head) {
                kept.push(Subchain { head: under.last(), head_hash, ..*run });
            }
        }
        self.subchains = kept;
        self.drop_shortest(hole.first());
        debug_assert!(self.is_sound(), "carving keeps the order");
    }

    /// Over [`SUBCHAINS_MAX`] runs, drops the shortest one, the lowest of equals. Its headers are downloaded again when
    /// the sync comes down to them; no verified header is lost in any other way.
    ///
    /// These stay: the newest run, the longest one, the run that reaches the floor, the run that holds `changed`, and the
    /// one under it, which the open gap ends at.
    fn drop_shortest(&mut self, changed: BlockNumber) {
        if self.subchains.len() <= SUBCHAINS_MAX {
            return;
        }
        debug_assert!(self.subchains.len() == SUBCHAINS_MAX + 1, "{} subchains after one change", self.subchains.len());
        let length = |run: &Subchain| run.head - run.tail;
        let runs = || self.subchains.iter().enumerate();
        let longest = runs().max_by_key(|(_, run)| length(run)).map_or(0, |(at, _)| at);
        let below = self.subchains.partition_point(|run| run.tail > changed) + 1;
        let reaches_floor = |run: &Subchain| run.tail <= self.floor && self.floor <= run.head.saturating_add(1);
        let may_go = |at: usize, run: &Subchain| {
            at > 0 && at != longest && at != below && at + 1 != below && !reaches_floor(run)
        };
        let shortest = runs().rev().filter(|(at, run)| may_go(*at, run)).min_by_key(|(_, run)| length(run));
        if let Some((at, _)) = shortest {
            self.subchains.remove(at);
        }
    }

    /// Merges the run at `index` with the next lower one, if they meet.
    fn merge_below(&mut self, index: usize) {
        let (Some(upper), Some(lower)) = (self.subchains.get(index), self.subchains.get(index + 1)) else { return };
        if upper.meets(lower) {
            let (tail, next) = (lower.tail, lower.next);
            let upper = &mut self.subchains[index];
            (upper.tail, upper.next) = (tail, next);
            self.subchains.remove(index + 1);
        }
    }
}
