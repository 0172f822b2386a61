//! The stored record: at most 1,024 consecutive headers, and the end of each.
//!
//! ```text
//!   offset  0        1            9        13                    13 + 4 * count
//!           version  first (u64)  count    end of each (u32) ... RLP of each, rising, without gaps
//! ```
//!
//! Little-endian. Headers are packed because a put into IndexedDB costs the same for one header as for a thousand (17
//! times the rate of one row per header). 1,024, because reading one header means reading its segment, 3 ms; more
//! headers would make this slow.
//!
//! Stored data may be damaged. [`Segment::decode`] checks every length before use, and [`Segment::verify`] verifies the
//! links between the headers.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use keccak_pair::keccak256_each;

use header_rules::{
    chain::{CLIQUE_EXTRA_BYTES, CLIQUE_SIGNERS_MAX, HEADER_BYTES_MAX as RULES_HEADER_BYTES_MAX},
    header::{HeaderError, HeaderLink},
    range::{BlockNumber, BlockRange},
};
use header_wire::limits::HEADER_BYTES_MAX;
use sync_core::{checkpoint::Subchain, etl::HeaderBatch};

/// Most headers in a segment; a segment never crosses a multiple of this number.
pub const SEGMENT_HEADERS: u64 = 1_024;

/// Version of the record's format.
const VERSION: u8 = 1;
/// Version, first number, count.
const PREFIX_BYTES: usize = 1 + 8 + 4;
/// Length of one end offset.
const OFFSET_BYTES: usize = 4;
/// Longest record, in bytes: a whole segment of the longest headers that a peer can send. A longer record is damage.
pub const SEGMENT_BYTES_MAX: usize = PREFIX_BYTES + SEGMENT_HEADERS as usize * (OFFSET_BYTES + HEADER_BYTES_MAX);

// Offsets are `u32`.
const _: () = assert!(SEGMENT_BYTES_MAX <= u32::MAX as usize);
// The wire carries every header that the rules of a known chain allow.
const _: () = assert!(RULES_HEADER_BYTES_MAX + CLIQUE_EXTRA_BYTES + 20 * CLIQUE_SIGNERS_MAX <= HEADER_BYTES_MAX);

/// Damage of a stored record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentDamage {
    /// Not a valid record: version, length, count, an offset, or a crossed boundary.
    #[error("no segment: {0}")]
    Form(&'static str),
    /// A header does not decode.
    #[error("header {number} does not decode: {error}")]
    Undecodable {
        /// Number under which it is stored.
        number: BlockNumber,
        /// Error of the decoder.
        error: HeaderError,
    },
    /// A header has another number than the one under which it is stored.
    #[error("header {got} is stored as {expected}")]
    Number {
        /// Number in the header.
        got: BlockNumber,
        /// Number under which it is stored.
        expected: BlockNumber,
    },
    /// The hash of a header is not the parent hash of its child.
    #[error("header {number} has hash {got}, its child expects {expected}")]
    BrokenLink {
        /// Number of the header.
        number: BlockNumber,
        /// Hash of the header.
        got: B256,
        /// Parent hash of its child.
        expected: B256,
    },
}

/// Both ends of a verified segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEnds {
    /// Lowest number.
    pub first: BlockNumber,
    /// Highest number.
    pub last: BlockNumber,
    /// Parent hash of the lowest header: the hash of the header below the segment.
    pub parent_hash: B256,
    /// Hash of the highest header: the parent hash of the header above the segment.
    pub last_hash: B256,
}

/// Packed consecutive headers, rising. Cheap to clone.
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
    /// If there are no headers, or if they cross a multiple of [`SEGMENT_HEADERS`]; [`Segment::pack_batch`] cuts
    /// batches.
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

    /// Reads a record. Checks only its format; see [`Segment::verify`].
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

    /// The record as stored.
    pub fn record(&self) -> &Bytes {
        &self.record
    }

    /// Numbers of the headers.
    pub fn range(&self) -> BlockRange {
        self.range
    }

    /// RLP of the header with this number: a slice of the record, not verified.
    pub fn header(&self, number: BlockNumber) -> Option<Bytes> {
        if !self.range.contains(number) {
            return None;
        }
        let index = (number - self.range.first()) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.end(before));
        let payload = PREFIX_BYTES + self.range.len() as usize * OFFSET_BYTES;
        Some(self.record.slice(payload + start..payload + self.end(index)))
    }

    /// Number and RLP of every header, rising, not verified.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = (BlockNumber, Bytes)> + '_ {
        (self.range.first()..=self.range.last()).filter_map(|number| Some((number, self.header(number)?)))
    }

    /// Verifies the links inside the segment: every header decodes, has the number under which it is stored, and is the
    /// parent of the next one. One hash and one decoding per header. The caller compares the ends with the neighbours.
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

    /// Verifies the segment by itself and against its range in the checkpoint: at the head or tail of `run` the hashes
    /// must match; elsewhere the highest header must be the parent of `above`, the RLP of the next header (no check
    /// without it). Returns the numbers of `run` in this segment.
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

    /// The part inside `range`, packed again; `None` if it is empty.
    pub fn part(&self, range: BlockRange) -> Option<Self> {
        let kept = self.range.intersection(range)?;
        let headers: Vec<Bytes> = (kept.first()..=kept.last()).filter_map(|number| self.header(number)).collect();
        Some(Self::pack(kept.first(), &headers))
    }

    /// End of the header at `index` in the payload; `index` must be valid.
    fn end(&self, index: usize) -> usize {
        let at = PREFIX_BYTES + index * OFFSET_BYTES;
        read_offset(&self.record[at..at + OFFSET_BYTES])
    }
}

fn read_offset(bytes: &[u8]) -> usize {
    bytes.try_into().map_or(0, u32::from_le_bytes) as usize
}

/// `count` numbers from `first` on, if there is at least one and they share a slot.
fn range_from(first: BlockNumber, count: usize) -> Option<BlockRange> {
    let last = first.checked_add((count as u64).checked_sub(1)?)?;
    let range = BlockRange::new(first, last)?;
    Segment::slot(first).contains(last).then_some(range)
}
