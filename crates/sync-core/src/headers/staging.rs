//! Responses that wait for the anchor: *staged*, by the number of their highest header.
//!
//! Responses come in any order; only the one that begins at the anchor can be verified. The others wait here. Their
//! ranges are disjoint, because the plan hands out each number once, and their bytes are counted, by sender too: the
//! machine asks for no more than its memory holds, and bytes beyond the expected ones evict the runs furthest from the
//! anchor ([`Staging::evict_lowest`]), which are then fetched again.
//!
//! `R` is the checked form of a response (headers that link, not yet verified).

use alloc::vec::Vec;

use super::Failures;
use crate::id::PeerId;
use header_rules::range::{BlockNumber, BlockRange};
use sorted::SortedMap;

/// One response that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged<R> {
    /// The peer that sent it.
    pub peer: PeerId,
    /// The numbers inside.
    pub range: BlockRange,
    /// Bytes that it holds in memory.
    pub bytes: u64,
    /// Failures of these numbers so far; forgotten once they are verified.
    pub failures: Failures,
    /// The headers, falling.
    pub run: R,
}

/// All responses that wait. See the [module](self).
#[derive(Clone, Debug)]
pub struct Staging<R> {
    runs: SortedMap<BlockNumber, Staged<R>>,
    /// Bytes by sender.
    holders: SortedMap<PeerId, u64>,
    bytes: u64,
    headers: u64,
}

impl<R> Default for Staging<R> {
    fn default() -> Self {
        Self { runs: SortedMap::new(), holders: SortedMap::new(), bytes: 0, headers: 0 }
    }
}

impl<R> Staging<R> {
    /// Takes a response in. Its numbers must not be staged.
    pub fn insert(&mut self, staged: Staged<R>) {
        let range = staged.range;
        let above = self.runs.range(range.first()..).next().map(|(_, above)| above.range);
        debug_assert!(above.is_none_or(|above| above.first() > range.last()), "{range} overlaps what is staged");
        self.bytes += staged.bytes;
        *self.holders.get_or_insert_with(staged.peer, || 0) += staged.bytes;
        self.headers += staged.range.len();
        let twice = self.runs.insert(staged.range.last(), staged);
        debug_assert!(twice.is_none(), "a number is staged twice");
    }

    /// Takes the response out whose highest header has this number.
    pub fn take(&mut self, last: BlockNumber) -> Option<Staged<R>> {
        let staged = self.runs.remove(&last)?;
        self.forget(&staged);
        Some(staged)
    }

    /// Takes the response out that is furthest from the anchor, of those that may go.
    pub fn evict_lowest(&mut self, goes: impl Fn(&Staged<R>) -> bool) -> Option<Staged<R>> {
        let last = self.runs.iter().find(|(_, staged)| goes(staged)).map(|(last, _)| *last)?;
        self.take(last)
    }

    /// Bytes in memory that this peer sent.
    pub fn bytes_of(&self, peer: PeerId) -> u64 {
        self.holders.get(&peer).copied().unwrap_or_default()
    }

    /// Each peer of which something waits here, and its bytes.
    pub fn holders(&self) -> impl Iterator<Item = (PeerId, u64)> + '_ {
        self.holders.iter().map(|(peer, bytes)| (*peer, *bytes))
    }

    /// Takes out what this peer sent: the runs whose highest number is `from` or higher.
    pub fn remove_of(&mut self, peer: PeerId, from: BlockNumber) -> Vec<Staged<R>> {
        let theirs: Vec<BlockNumber> =
            self.runs.range(from..).filter(|(_, staged)| staged.peer == peer).map(|(last, _)| *last).collect();
        theirs.into_iter().filter_map(|last| self.take(last)).collect()
    }

    /// Does the response that begins at this number wait here?
    pub fn contains(&self, last: BlockNumber) -> bool {
        self.runs.contains_key(&last)
    }

    /// The senders of the responses, one entry each.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.runs.values().map(|staged| staged.peer)
    }

    /// The ranges, from the top down.
    pub fn ranges(&self) -> impl Iterator<Item = BlockRange> + '_ {
        self.runs.values().rev().map(|staged| staged.range)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Responses in memory.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Headers in memory.
    pub fn headers(&self) -> u64 {
        self.headers
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, staged: &Staged<R>) {
        let held = self.bytes_of(staged.peer);
        debug_assert!(staged.bytes <= held, "{} bytes leave of {held} from {}", staged.bytes, staged.peer);
        debug_assert!(held <= self.bytes, "{held} bytes from {} of {} staged", staged.peer, self.bytes);
        self.bytes -= staged.bytes;
        let left = held - staged.bytes;
        if left == 0 {
            self.holders.remove(&staged.peer);
        } else {
            self.holders.insert(staged.peer, left);
        }
        debug_assert!(staged.range.len() <= self.headers, "{} leaves of {} headers", staged.range, self.headers);
        self.headers -= staged.range.len();
        debug_assert!(!self.runs.is_empty() || self.bytes == 0 && self.headers == 0, "bytes are staged in no response");
    }
}
