//! Headers that are verified to descend from the anchor.

use alloy_primitives::B256;
use bytes::Bytes;

use super::{Anchor, SealedRun};
use header_rules::range::{BlockNumber, BlockRange};

/// Verified headers, falling. Only [`Lineage::link`](super::Lineage::link) builds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHeaders {
    run: SealedRun,
}

impl VerifiedHeaders {
    pub(super) fn new(run: SealedRun) -> Self {
        debug_assert!(!run.headers.is_empty(), "no header was verified");
        debug_assert_eq!(run.headers.len(), run.hashes.len(), "one hash for each verified header");
        debug_assert!(run.broken.is_none(), "a header that breaks a rule counts as verified");
        Self { run }
    }

    /// The numbers inside.
    pub fn range(&self) -> BlockRange {
        self.run.range
    }

    /// How many headers; at least 1.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.run.headers.len()
    }

    /// RLP of each header, falling.
    pub fn headers(&self) -> &[Bytes] {
        &self.run.headers
    }

    /// Hash of each header, falling.
    pub fn hashes(&self) -> &[B256] {
        &self.run.hashes
    }

    /// Hash of the highest header.
    pub fn hash(&self) -> B256 {
        self.run.hash()
    }

    /// Parent hash of the lowest header.
    pub fn parent_hash(&self) -> B256 {
        self.run.parent_hash
    }

    /// What the next older header must be; `None` under genesis.
    pub fn anchor_below(&self) -> Option<Anchor> {
        let number: BlockNumber = self.run.range.first().checked_sub(1)?;
        Some(Anchor { number, hash: self.run.parent_hash })
    }

    pub(super) fn lowest(&self) -> &Bytes {
        &self.run.headers[self.run.headers.len() - 1]
    }

    pub(super) fn lowest_hash(&self) -> B256 {
        self.run.hashes[self.run.hashes.len() - 1]
    }

    /// Takes the headers apart: RLP and hash of each, falling.
    pub fn into_parts(self) -> impl Iterator<Item = (Bytes, B256)> {
        self.run.headers.into_iter().zip(self.run.hashes)
    }
}
