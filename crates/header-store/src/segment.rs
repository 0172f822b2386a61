//! The record that headers are stored in: at most 1,024 consecutive headers and where each one ends.
//!
//! ```text
//!   offset  0        1            9        13                    13 + 4 * count
//!           version  first (u64)  count    end of each (u32) ... RLP of each, rising, without gaps
//! ```
//!
//! Little-endian. Why packed: a put into IndexedDB costs the same for one header as for a thousand (17 times the rate of
//! one row a header). Why 1,024: one header is read by reading its segment, 3 ms; more would make that slow.
//!
//! A store may hand back anything. [`Segment::decode`] checks every length before it is used, and [`Segment::verify`]
//! proves the headers inside against each other.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use keccak_pair::keccak256_each;

use header_rules::{
    header::{HeaderError, HeaderLink},
    range::{BlockNumber, BlockRange},
};
use sync_core::{checkpoint::Subchain, etl::HeaderBatch};

/// Headers in a segment at most; a segment never crosses a multiple of it.
pub const SEGMENT_HEADERS: u64 = 1_024;

/// Form of the record.
const VERSION: u8 = 1;
/// Version, first number, count.
const PREFIX_BYTES: usize = 1 + 8 + 4;
/// One end offset.
const OFFSET_BYTES: usize = 4;
/// Longest record that is believed. A header is at most 16 KiB on the wire (a clique checkpoint with its signers).
pub const SEGMENT_BYTES_MAX: usize = PREFIX_BYTES + SEGMENT_HEADERS as usize * (OFFSET_BYTES + 16 * 1024);

/// What is wrong with a stored record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentDamage {
    /// Not a record of this form: version, length, count, an offset, or a crossed boundary.
    #[error("no segment: {0}")]
    Form(&'static str),
    /// A header does not decode.
    #[error("header {number} does not decode: {error}")]
    Undecodable {
        /// The number it is stored under.
        number: BlockNumber,
        /// What the decoder says.
        error: HeaderError,
    },
    /// A header has another number than the one it is stored under.
    #[error("header {got} is stored as {expected}")]
    Number {
        /// What it says.
        got: BlockNumber,
        /// Where it is stored.
        expected: BlockNumber,
    },
    /// A header does not hash to what its child says.
    #[error("header {number} has hash {got}, its child expects {expected}")]
    BrokenLink {
        /// Number of the header.
        number: BlockNumber,
        /// Its hash.
        got: B256,
        /// The child's parent hash.
        expected: B256,
    },
}

/// Both ends of a segment that holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEnds {
    /// Lowest number.
    pub first: BlockNumber,
    /// Highest number.
    pub last: BlockNumber,
    /// Parent hash of the lowest header: what the segment below must end with.
    pub parent_hash: B256,
    /// Hash of the highest header: what the segment above must build on.
    pub last_hash: B256,
}

/// A packed run of headers, rising. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    record: Bytes,
    range: BlockRange,
}

impl Segment {
    /// Packs the headers `first`, `first + 1`, and so on.
    ///
    /// # Panics
    ///
    /// If there are none, or if they cross a multiple of [`SEGMENT_HEADERS`]: batches are cut by [`Segment::pack_batch`].
    pub fn pack(first: BlockNumber, headers: &[Bytes]) -> Self {
        let range = range_from(first, headers.len()).expect("a segment stays within its multiple");
        let payload: usize = headers.iter().map(Bytes::len).sum();
        let mut record = Vec::with_capacity(PREFIX_BYTES + headers.len() * OFFSET_BYTES + payload);
        record.push(VERSION);
        record.extend_from_slice(&first.to_le_bytes());
        record.extend_from_slice(&(headers.len() as u32).to_le_bytes());
        let mut end = 0u32;
        for header in headers {
            end += u32::try_from(header.len()).expect("a header is shorter than a message, and that than 4 GiB");
            record.extend_from_slice(&end.to_le_bytes());
        }
        // Copy 2 of 3 of a header's bytes, of those in this code: out of the response that it came in, of which it is a slice.
        for header in headers {
            record.extend_from_slice(header);
        }
        Self { record: record.into(), range }
    }

    /// Cuts a batch into segments, rising.
    pub fn pack_batch(batch: &HeaderBatch) -> impl Iterator<Item = Self> + '_ {
        let base = batch.range().first();
        Self::cuts(batch.range()).map(move |cut| {
            let at = |number: BlockNumber| (number - base) as usize;
            Self::pack(cut.first(), &batch.headers()[at(cut.first())..=at(cut.last())])
        })
    }

    /// Cuts a range at the multiples of [`SEGMENT_HEADERS`], rising.
    pub fn cuts(range: BlockRange) -> impl Iterator<Item = BlockRange> {
        let mut rest = Some(range);
        core::iter::from_fn(move || {
            let open = rest?;
            let slot = Self::slot(open.first());
            rest = open.without(slot).1;
            open.intersection(slot)
        })
    }

    /// The numbers that may share a segment with `number`.
    pub fn slot(number: BlockNumber) -> BlockRange {
        let first = number - number % SEGMENT_HEADERS;
        BlockRange::new(first, first.saturating_add(SEGMENT_HEADERS - 1)).expect("a slot is not empty")
    }

    /// Reads a record. Checks its form only; see [`Segment::verify`].
    pub fn decode(record: Bytes) -> Result<Self, SegmentDamage> {
        if record.len() > SEGMENT_BYTES_MAX {
            return Err(SegmentDamage::Form("too long"));
        }
        let Some((prefix, rest)) = record.split_first_chunk::<PREFIX_BYTES>() else {
            return Err(SegmentDamage::Form("shorter than its prefix"));
        };
        let [version, first @ .., c0, c1, c2, c3] = *prefix;
        if version != VERSION {
            return Err(SegmentDamage::Form("unknown version"));
        }
        let count = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let Some(range) = range_from(u64::from_le_bytes(first), count) else {
            return Err(SegmentDamage::Form("its numbers fit no slot"));
        };
        // `count` is at most 1,024 here.
        let Some((offsets, payload)) = rest.split_at_checked(count * OFFSET_BYTES) else {
            return Err(SegmentDamage::Form("shorter than its offsets"));
        };
        let mut before = 0;
        for offset in offsets.chunks_exact(OFFSET_BYTES) {
            let end = read_offset(offset);
            if end < before {
                return Err(SegmentDamage::Form("offsets fall"));
            }
            before = end;
        }
        if before != payload.len() {
            return Err(SegmentDamage::Form("its length is not that of its headers"));
        }
        Ok(Self { record, range })
    }

    /// The record, as it is stored.
    pub fn record(&self) -> &Bytes {
        &self.record
    }

    /// The numbers inside.
    pub fn range(&self) -> BlockRange {
        self.range
    }

    /// RLP of the header with this number: a slice of the record, not checked.
    pub fn header(&self, number: BlockNumber) -> Option<Bytes> {
        if !self.range.contains(number) {
            return None;
        }
        let index = (number - self.range.first()) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.end(before));
        let payload = PREFIX_BYTES + self.range.len() as usize * OFFSET_BYTES;
        Some(self.record.slice(payload + start..payload + self.end(index)))
    }

    /// Number and RLP of every header, rising, not checked.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = (BlockNumber, Bytes)> + '_ {
        (self.range.first()..=self.range.last()).filter_map(|number| Some((number, self.header(number)?)))
    }

    /// Proves the segment against itself: every header decodes, has the number that it is stored under, and is the
    /// parent of the next. One hash and one decoding for each header. The ends are for the neighbours to check.
    pub fn verify(&self) -> Result<SegmentEnds, SegmentDamage> {
        let mut above: Option<B256> = None;
        let mut last_hash = None;
        let hashes = keccak256_each(self.headers().rev().map(|(_, rlp)| rlp));
        for ((number, rlp), got) in self.headers().rev().zip(hashes) {
            if let Some(expected) = above
                && expected != got
            {
                return Err(SegmentDamage::BrokenLink { number, got, expected });
            }
            let header = HeaderLink::decode(&rlp).map_err(|error| SegmentDamage::Undecodable { number, error })?;
            if header.number != number {
                return Err(SegmentDamage::Number { got: header.number, expected: number });
            }
            last_hash.get_or_insert(got);
            above = Some(header.parent_hash);
        }
        match (above, last_hash) {
            (Some(parent_hash), Some(last_hash)) => {
                let (first, last) = (self.range.first(), self.range.last());
                Ok(SegmentEnds { first, last, parent_hash, last_hash })
            }
            _ => Err(SegmentDamage::Form("no header")),
        }
    }

    /// Proves the segment against itself and against the run of the checkpoint that it belongs to: where it holds the
    /// run's head or tail, the hashes are the run's; elsewhere its highest header is the parent of `above`, the RLP of
    /// the header with the next number (no check without it). Returns the numbers that it has of the run.
    pub fn audit(&self, run: &Subchain, above: Option<&[u8]>) -> Result<BlockRange, SegmentDamage> {
        self.verify()?;
        let part = run.range().and_then(|run| run.intersection(self.range));
        let part = part.ok_or(SegmentDamage::Form("lies outside its run"))?;
        let at = |number| self.header(number).ok_or(SegmentDamage::Form("no header"));
        let got = keccak256(at(part.last())?);
        let expected = match above {
            _ if part.last() == run.head => run.head_hash,
            Some(above) => HeaderLink::decode(above).map_or(got, |above| above.parent_hash),
            None => got,
        };
        if got != expected {
            return Err(SegmentDamage::BrokenLink { number: part.last(), got, expected });
        }
        let lowest = at(part.first())?;
        let next = HeaderLink::decode(&lowest).map(|header| header.parent_hash);
        match next {
            Ok(got) if part.first() == run.tail && got != run.next => {
                Err(SegmentDamage::BrokenLink { number: part.first().saturating_sub(1), got: run.next, expected: got })
            }
            _ => Ok(part),
        }
    }

    /// The part inside `range`, packed anew; `None` when nothing of it is here.
    pub fn part(&self, range: BlockRange) -> Option<Self> {
        let kept = self.range.intersection(range)?;
        let headers: Vec<Bytes> = (kept.first()..=kept.last()).filter_map(|number| self.header(number)).collect();
        Some(Self::pack(kept.first(), &headers))
    }

    /// Where the header at `index` ends in the payload; `index` is inside.
    fn end(&self, index: usize) -> usize {
        let at = PREFIX_BYTES + index * OFFSET_BYTES;
        read_offset(&self.record[at..at + OFFSET_BYTES])
    }
}

fn read_offset(bytes: &[u8]) -> usize {
    bytes.try_into().map_or(0, u32::from_le_bytes) as usize
}

/// `count` numbers from `first` on, if there are any and they share a slot.
fn range_from(first: BlockNumber, count: usize) -> Option<BlockRange> {
    let last = first.checked_add((count as u64).checked_sub(1)?)?;
    let range = BlockRange::new(first, last)?;
    Segment::slot(first).contains(last).then_some(range)
}
