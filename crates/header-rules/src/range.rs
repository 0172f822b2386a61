//! Ranges of block numbers. Both ends are included; there is no empty range.

use core::fmt;

/// Number of a block; genesis is 0.
pub type BlockNumber = u64;

/// End of the plausible block numbers: higher numbers from peers are ignored. A chain with a block each millisecond
/// needs 8,900 years to reach 2^48, and all lower numbers fit a JavaScript number.
pub const BLOCK_NUMBER_END: BlockNumber = 1 << 48;

/// The numbers `first..=last`, `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRange {
    first: BlockNumber,
    last: BlockNumber,
}

impl BlockRange {
    /// The numbers `first..=last`; `None` if there are none.
    pub const fn new(first: BlockNumber, last: BlockNumber) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// The lowest number.
    pub const fn first(self) -> BlockNumber {
        self.first
    }

    /// The highest number.
    pub const fn last(self) -> BlockNumber {
        self.last
    }

    /// Number of elements, at least 1 (saturates for the whole of `u64`).
    #[allow(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Does the range contain `number`?
    pub const fn contains(self, number: BlockNumber) -> bool {
        self.first <= number && number <= self.last
    }

    /// The intersection of both ranges.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// The parts of `self` below and above `hole`, in this order.
    pub fn without(self, hole: Self) -> (Option<Self>, Option<Self>) {
        let under = hole.first.checked_sub(1).and_then(|end| Self::new(self.first, end.min(self.last)));
        let over = hole.last.checked_add(1).and_then(|start| Self::new(start.max(self.first), self.last));
        (under, over)
    }
}

impl fmt::Display for BlockRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.first, self.last)
    }
}
