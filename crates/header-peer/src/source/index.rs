//! Index from hash to number: the first eight bytes of each hash, sorted, with the position of the header.
//!
//! 16 bytes per header. Two hashes may have the same first eight bytes (the author of the file can provoke this); all
//! positions with the same fingerprint are returned, and the caller compares whole hashes.

use alloy_primitives::B256;

/// Sorted fingerprints.
#[derive(Debug, Default)]
pub(super) struct HashIndex {
    /// `(fingerprint, position)`, sorted.
    entries: Vec<(u64, u32)>,
}

impl HashIndex {
    /// An index of these hashes, with positions 0, 1, 2 and so on; at most `u32::MAX` of them.
    pub(super) fn new(hashes: &[B256]) -> Self {
        let mut entries: Vec<_> = hashes.iter().zip(0..).map(|(hash, place)| (fingerprint(hash), place)).collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// Positions whose hash may be `hash`; usually one or none.
    pub(super) fn candidates(&self, hash: &B256) -> impl Iterator<Item = u32> {
        let wanted = fingerprint(hash);
        let start = self.entries.partition_point(|(found, _)| *found < wanted);
        self.entries[start..].iter().take_while(move |(found, _)| *found == wanted).map(|(_, place)| *place)
    }
}

fn fingerprint(hash: &B256) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fingerprints_are_all_candidates() {
        let mut twin = B256::repeat_byte(7);
        twin.0[31] = 0;
        let index = HashIndex::new(&[B256::repeat_byte(9), B256::repeat_byte(7), twin, B256::ZERO]);
        assert_eq!(index.candidates(&twin).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(index.candidates(&B256::ZERO).collect::<Vec<_>>(), [3]);
        assert_eq!(index.candidates(&B256::repeat_byte(8)).count(), 0);
    }
}
