//! Headers read from files: one buffer with all RLP, and the end of each header.
//!
//! The builder takes headers in rising order and rejects a header that is not the child of the previous one, so a
//! [`PackedSource`] is a chain by construction.

use alloy_primitives::B256;
use bytes::Bytes;
use header_wire::limits::HEADER_BYTES_MAX;

use super::{HeaderSource, index::HashIndex};
use crate::header::HeaderFacts;

/// Most headers in one source: positions have 32 bits.
const HEADERS_MAX: usize = u32::MAX as usize;

/// A chain of headers in one buffer.
#[derive(Debug)]
pub struct PackedSource {
    earliest: u64,
    rlp: Bytes,
    /// End of each header in `rlp`.
    ends: Vec<u64>,
    hashes: Vec<B256>,
    index: HashIndex,
    /// Parent hash of the first header.
    root: B256,
}

impl HeaderSource for PackedSource {
    fn earliest(&self) -> u64 {
        self.earliest
    }

    fn latest(&self) -> u64 {
        // A source holds at least one header: see `PackedBuilder::finish`.
        self.earliest + (self.ends.len() as u64 - 1)
    }

    fn by_number(&self, number: u64) -> Option<Bytes> {
        let place = self.place(number)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(self.rlp.slice(start as usize..self.ends[place] as usize))
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        let place = self.index.candidates(hash).find(|place| self.hashes[*place as usize] == *hash)?;
        Some(self.earliest + u64::from(place))
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        self.place(number).map(|place| self.hashes[place])
    }

    fn genesis(&self) -> Option<B256> {
        match self.earliest {
            0 => self.hashes.first().copied(),
            1 => Some(self.root),
            _ => None,
        }
    }
}

impl PackedSource {
    fn place(&self, number: u64) -> Option<usize> {
        let place = usize::try_from(number.checked_sub(self.earliest)?).ok()?;
        (place < self.ends.len()).then_some(place)
    }
}

/// Builds a source from headers in rising order.
#[derive(Debug, Default)]
pub struct PackedBuilder {
    rlp: Vec<u8>,
    ends: Vec<u64>,
    hashes: Vec<B256>,
    first: Option<HeaderFacts>,
    last: Option<HeaderFacts>,
}

impl PackedBuilder {
    /// Appends one header.
    ///
    /// # Errors
    ///
    /// The reason: it is not a header, or not the child of the previous header. The caller adds the file's name.
    pub fn push(&mut self, rlp: &[u8]) -> Result<HeaderFacts, String> {
        if rlp.len() > HEADER_BYTES_MAX {
            return Err(format!("a header of {} bytes, at most {HEADER_BYTES_MAX} can be served", rlp.len()));
        }
        let facts = HeaderFacts::read(rlp).map_err(|error| match &self.last {
            Some(last) => format!("no header after header {}: {error}", last.number),
            None => format!("does not begin with a header: {error}"),
        })?;
        if let Some(last) = &self.last {
            check_link(last, &facts)?;
        }
        if self.ends.len() == HEADERS_MAX {
            return Err(format!("more than {HEADERS_MAX} headers"));
        }
        self.rlp.extend_from_slice(rlp);
        self.ends.push(self.rlp.len() as u64);
        self.hashes.push(facts.hash);
        self.first.get_or_insert(facts);
        self.last = Some(facts);
        Ok(facts)
    }

    /// The newest header so far.
    pub fn last(&self) -> Option<&HeaderFacts> {
        self.last.as_ref()
    }

    /// The source; `None` when no header was pushed.
    pub fn finish(mut self) -> Option<PackedSource> {
        let first = self.first?;
        self.rlp.shrink_to_fit();
        let index = HashIndex::new(&self.hashes);
        Some(PackedSource {
            earliest: first.number,
            rlp: self.rlp.into(),
            ends: self.ends,
            hashes: self.hashes,
            index,
            root: first.parent_hash,
        })
    }
}

fn check_link(parent: &HeaderFacts, child: &HeaderFacts) -> Result<(), String> {
    if parent.number.checked_add(1) != Some(child.number) {
        return Err(format!(
            "header {} follows header {}: the file must hold every header in rising order",
            child.number, parent.number
        ));
    }
    if child.parent_hash != parent.hash {
        return Err(format!(
            "broken hash link: header {} names parent {}, but header {} has hash {}",
            child.number, child.parent_hash, parent.number, parent.hash
        ));
    }
    Ok(())
}
