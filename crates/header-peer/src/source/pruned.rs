//! The last headers of a source, like a peer that pruned the old ones.

use alloy_primitives::B256;
use bytes::Bytes;

use super::HeaderSource;

/// A source without its lower part.
#[derive(Debug)]
pub struct PrunedSource<S> {
    whole: S,
    earliest: u64,
}

impl<S: HeaderSource> PrunedSource<S> {
    /// The last `keep` headers of `whole`, or all if it has fewer.
    pub fn new(whole: S, keep: u64) -> Self {
        let earliest = whole.latest().saturating_sub(keep.saturating_sub(1)).max(whole.earliest());
        Self { whole, earliest }
    }
}

impl<S: HeaderSource> HeaderSource for PrunedSource<S> {
    fn earliest(&self) -> u64 {
        self.earliest
    }

    fn latest(&self) -> u64 {
        self.whole.latest()
    }

    fn by_number(&self, number: u64) -> Option<Bytes> {
        if number < self.earliest { None } else { self.whole.by_number(number) }
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        self.whole.number_of(hash).filter(|number| *number >= self.earliest)
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        if number < self.earliest { None } else { self.whole.hash_of(number) }
    }

    fn genesis(&self) -> Option<B256> {
        self.whole.genesis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::GeneratedSource;

    #[test]
    fn what_lies_below_is_not_there() {
        let whole = || GeneratedSource::new(1, 30);
        let pruned = PrunedSource::new(whole(), 10);
        assert_eq!((pruned.earliest(), pruned.latest(), pruned.count()), (20, 29, 10));
        assert_eq!(pruned.by_number(19), None);
        assert_eq!(pruned.by_number(20), whole().by_number(20));
        assert_eq!(pruned.number_of(&whole().hash_of(19).expect("inside")), None);
        assert_eq!(pruned.number_of(&whole().hash_of(20).expect("inside")), Some(20));
        assert_eq!(pruned.genesis(), whole().genesis());
        assert_eq!(PrunedSource::new(whole(), 99).earliest(), 0);
    }
}
