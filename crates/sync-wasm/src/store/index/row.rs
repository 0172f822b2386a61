//! One row of the hash index: sorted entries of 14 bytes behind a checksum.
//!
//! ```text
//! checksum (8) | entry (14) | entry (14) | ...        entry = first 8 bytes of the hash | number, 6 bytes
//! ```
//!
//! All numbers are big-endian, so that the order of bytes is the order of hashes. The checksum (FNV-1a, 64 bits)
//! detects damage, not malice: a forged row can only name headers that the look-up then hashes, and hide others.

use alloy_primitives::B256;
use header_rules::range::BlockNumber;
use sync_core::etl::HashEntry;

/// Bytes of an entry.
const ENTRY_BYTES: usize = FINGERPRINT_BYTES + NUMBER_BYTES;
const FINGERPRINT_BYTES: usize = 8;
const NUMBER_BYTES: usize = 6;
const CHECKSUM_BYTES: usize = 8;

/// Highest number that an entry can hold.
pub(crate) const NUMBER_MAX: BlockNumber = (1 << (8 * NUMBER_BYTES)) - 1;

/// A hint: a header whose hash begins with `fingerprint` may have this number. Ordered by fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) fingerprint: u64,
    pub(super) number: BlockNumber,
}

impl Entry {
    pub(super) fn of(entry: &HashEntry) -> Self {
        Self { fingerprint: fingerprint(entry.hash), number: entry.number }
    }
}

/// The first eight bytes of a hash.
pub(super) fn fingerprint(hash: B256) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The row that holds these entries, which must be sorted and hold no number over [`NUMBER_MAX`].
pub(super) fn encode(entries: impl ExactSizeIterator<Item = Entry>) -> Vec<u8> {
    let mut row = Vec::with_capacity(CHECKSUM_BYTES + entries.len() * ENTRY_BYTES);
    row.extend_from_slice(&[0; CHECKSUM_BYTES]);
    for Entry { fingerprint, number } in entries {
        debug_assert!(number <= NUMBER_MAX, "checked when the batch comes in");
        row.extend_from_slice(&fingerprint.to_be_bytes());
        row.extend_from_slice(&number.to_be_bytes()[8 - NUMBER_BYTES..]);
    }
    let sum = checksum(&row[CHECKSUM_BYTES..]);
    row[..CHECKSUM_BYTES].copy_from_slice(&sum.to_be_bytes());
    row
}

/// The entries of a row; `None` for a damaged one.
pub(super) fn entries(row: &[u8]) -> Option<impl Iterator<Item = Entry>> {
    Some(body(row)?.iter().map(decode))
}

/// Adds to `found` the numbers whose entries have this fingerprint; `None` for a damaged row.
pub(super) fn find(row: &[u8], wanted: u64, mut found: impl FnMut(BlockNumber)) -> Option<()> {
    let body = body(row)?;
    let start = body.partition_point(|entry| decode(entry).fingerprint < wanted);
    body[start..]
        .iter()
        .map(decode)
        .take_while(|entry| entry.fingerprint == wanted)
        .for_each(|entry| found(entry.number));
    Some(())
}

fn body(row: &[u8]) -> Option<&[[u8; ENTRY_BYTES]]> {
    let (sum, body) = row.split_first_chunk::<CHECKSUM_BYTES>()?;
    let (entries, rest) = body.as_chunks::<ENTRY_BYTES>();
    (rest.is_empty() && u64::from_be_bytes(*sum) == checksum(body)).then_some(entries)
}

fn decode(&[a, b, c, d, e, f, g, h, number @ ..]: &[u8; ENTRY_BYTES]) -> Entry {
    let [i, j, k, l, m, n] = number;
    Entry {
        fingerprint: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        number: u64::from_be_bytes([0, 0, i, j, k, l, m, n]),
    }
}

/// FNV-1a with its published constants.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Vec<u8> {
        encode(
            [(1, 7), (5, 9), (5, NUMBER_MAX), (8, 0)]
                .map(|(fingerprint, number)| Entry { fingerprint, number })
                .into_iter(),
        )
    }

    fn numbers(row: &[u8], wanted: u64) -> Option<Vec<BlockNumber>> {
        let mut numbers = Vec::new();
        find(row, wanted, |number| numbers.push(number))?;
        Some(numbers)
    }

    #[test]
    fn finds_every_entry_with_the_fingerprint() {
        assert_eq!(numbers(&row(), 5), Some(vec![9, NUMBER_MAX]));
        assert_eq!(numbers(&row(), 8), Some(vec![0]));
        assert_eq!(numbers(&row(), 0), Some(vec![]));
        assert_eq!(numbers(&row(), 6), Some(vec![]));
        assert_eq!(numbers(&row(), u64::MAX), Some(vec![]));
    }

    #[test]
    fn any_flipped_bit_and_any_cut_shows() {
        for bit in 0..row().len() * 8 {
            let mut damaged = row();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(numbers(&damaged, 5), None, "bit {bit}");
        }
        for length in 0..row().len() {
            assert_eq!(numbers(&row()[..length], 5), None, "cut at {length}");
        }
    }
}
