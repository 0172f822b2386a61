//! Headers of the store that the machine needs to see: neighbours of a gap, and hashes to compare with.
//!
//! The machine holds only the ends of stored runs. Headers inside are looked up
//! ([`Output::Lookup`](crate::Output::Lookup)), a few numbers at a time, and forgotten as soon as the store may hold
//! something else. At most [`LOOKUP_NUMBERS_MAX`] numbers are in one lookup and [`STORED_HEADERS_MAX`] are kept: the
//! oldest is forgotten, never the one that was just asked for, or it would be asked for again and again.
//!
//! The host is believed that it stored what it was given, not more: a header is hashed again when it comes, and one with
//! another number than was asked for counts as absent.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;

use crate::{
    config::{LOOKUP_NUMBERS_MAX, STORED_HEADERS_MAX},
    id::LookupId,
};
use header_rules::{header::HeaderLink, range::BlockNumber};
use sorted::{SortedMap, sort_short_by};

/// What is known of one stored header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// Not looked up yet.
    Unasked,
    /// The lookup is open.
    Asked,
    /// The store has no such header.
    Absent,
    /// The stored header.
    Header {
        /// Keccak-256 of the bytes.
        hash: B256,
        /// The bytes.
        rlp: &'a Bytes,
    },
}

/// Responses of the store, and open lookups. See the [module](self).
#[derive(Debug, Default)]
pub struct StoredHeaders {
    next_id: u64,
    open: SortedMap<LookupId, Vec<BlockNumber>>,
    /// The oldest first.
    known: Vec<(BlockNumber, Option<(B256, Bytes)>)>,
}

impl StoredHeaders {
    /// What is known of this number.
    pub fn get(&self, number: BlockNumber) -> Known<'_> {
        match self.known.iter().find(|(known, _)| *known == number).map(|(_, header)| header) {
            Some(Some((hash, rlp))) => Known::Header { hash: *hash, rlp },
            Some(None) => Known::Absent,
            None if self.open.values().any(|numbers| numbers.contains(&number)) => Known::Asked,
            None => Known::Unasked,
        }
    }

    /// Opens a lookup for the numbers that are not known yet; the caller hands it to the host.
    pub fn ask(&mut self, numbers: &[BlockNumber]) -> Option<(LookupId, Vec<BlockNumber>)> {
        let mut fresh: Vec<_> = numbers.iter().copied().filter(|number| self.get(*number) == Known::Unasked).collect();
        sort_short_by(&mut fresh, Ord::cmp);
        fresh.dedup();
        fresh.truncate(LOOKUP_NUMBERS_MAX);
        if fresh.is_empty() {
            return None;
        }
        let id = LookupId(self.next_id);
        self.next_id += 1;
        self.open.insert(id, fresh.clone());
        Some((id, fresh))
    }

    /// The host's response. Numbers that were not asked for are ignored; missing ones are absent.
    pub fn note_response(&mut self, id: LookupId, headers: Vec<(BlockNumber, Option<Bytes>)>) {
        let Some(asked) = self.open.remove(&id) else { return };
        let mut responses: SortedMap<BlockNumber, Option<Bytes>> = headers.into_iter().collect();
        for number in asked {
            let rlp = responses.remove(&number).flatten();
            let right = rlp.filter(|rlp| HeaderLink::decode(rlp).is_ok_and(|header| header.number == number));
            self.known.retain(|(known, _)| *known != number);
            if self.known.len() >= STORED_HEADERS_MAX {
                self.known.remove(0);
            }
            self.known.push((number, right.map(|rlp| (keccak256(&rlp), rlp))));
        }
        debug_assert!(self.known.len() <= STORED_HEADERS_MAX, "{} stored headers in memory", self.known.len());
    }

    /// The stored headers may have changed: forgets all lookups and responses.
    pub fn forget(&mut self) {
        self.open.clear();
        self.known.clear();
    }

    /// Is a lookup open?
    pub fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u08_what_was_just_looked_up_is_kept_and_the_oldest_is_forgotten() {
        let rising: Vec<BlockNumber> = (0..200).collect();
        let falling: Vec<BlockNumber> = (0..200).rev().collect();
        for numbers in [rising, falling] {
            let mut stored = StoredHeaders::default();
            for number in &numbers {
                let (id, asked) = stored.ask(&[*number]).expect("the lookup is new");
                stored.note_response(id, Vec::new());
                assert_eq!(asked, [*number]);
                assert_eq!(stored.get(*number), Known::Absent);
            }
            assert_eq!(stored.known.len(), STORED_HEADERS_MAX);
            assert_eq!(stored.get(numbers[0]), Known::Unasked);
        }
    }
}
