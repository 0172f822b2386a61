//! Hashimoto: the function of proof of work, with 64 reads of the dataset, which a light check computes from the cache
//! (Yellow Paper, appendix J.3.3 and J.4).

use alloy_primitives::{B256, keccak256};

use super::cache::{Cache, Row, keccak512, keccak512_bytes, words};

/// Cache rows per dataset item (`J_parents`).
const DATASET_PARENTS: u32 = 256;
/// Reads of the dataset, of two items each (`J_accesses`).
const ACCESSES: u32 = 64;
/// Prime of the FNV hash.
const FNV_PRIME: u32 = 0x0100_0193;

/// Result of hashimoto for a header and a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashimoto {
    /// The expected mix hash of the header.
    pub mix_hash: B256,
    /// The value to compare with the difficulty, as a big-endian number.
    pub result: B256,
}

/// Computes hashimoto of the seal hash of a header and its nonce. Some milliseconds: 128 items of 256 reads each, all
/// over the cache.
pub fn hashimoto_light(cache: &Cache, seal_hash: B256, nonce: u64) -> Hashimoto {
    let mut start = [0; 40];
    start[..32].copy_from_slice(seal_hash.as_slice());
    start[32..].copy_from_slice(&nonce.to_le_bytes());
    let start = keccak512_bytes(&start);
    let start_words = words(&start);

    let mut mix = [start_words, start_words];
    let pairs = cache.dataset_items() / 2;
    for access in 0..ACCESSES {
        let word = mix[(access as usize / 16) % 2][access as usize % 16];
        let pair = fnv(access ^ start_words[0], word) % pairs;
        let items = dataset_items(cache, [pair * 2, pair * 2 + 1]);
        mix.iter_mut().zip(&items).for_each(|(half, item)| blend(half, item));
    }

    let mut mix_hash = [0; 32];
    let (out, _) = mix_hash.as_chunks_mut::<4>();
    let (fours, _) = mix.as_flattened().as_chunks::<4>();
    for (chunk, [a, b, c, d]) in out.iter_mut().zip(fours) {
        *chunk = fnv(fnv(fnv(*a, *b), *c), *d).to_le_bytes();
    }
    let mut end = [0; 96];
    end[..64].copy_from_slice(&start);
    end[64..].copy_from_slice(&mix_hash);
    Hashimoto { mix_hash: mix_hash.into(), result: keccak256(end) }
}

/// Two items of the dataset. Each read of an item depends on the previous one and mostly waits for memory, so computing
/// two items side by side takes half the time.
fn dataset_items(cache: &Cache, indexes: [u32; 2]) -> [Row; 2] {
    let rows = cache.rows();
    // A cache has under 2^22 rows.
    let count = rows.len() as u32;
    let mut items = indexes.map(|index| {
        let mut item = rows[(index % count) as usize];
        item[0] ^= index;
        keccak512(&item)
    });
    for parent in 0..DATASET_PARENTS {
        for (item, index) in items.iter_mut().zip(indexes) {
            let row = fnv(index ^ parent, item[parent as usize % 16]) % count;
            blend(item, &rows[row as usize]);
        }
    }
    items.map(|item| keccak512(&item))
}

fn blend(row: &mut Row, other: &Row) {
    row.iter_mut().zip(other).for_each(|(word, other)| *word = fnv(*word, *other));
}

const fn fnv(x: u32, y: u32) -> u32 {
    x.wrapping_mul(FNV_PRIME) ^ y
}
