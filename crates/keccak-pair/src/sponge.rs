//! Keccak-256 of two messages: absorbed block by block into two states, padded, and the first 32 bytes squeezed.

use crate::{
    lanes::Lanes,
    permutation::{WORDS, permute},
};

/// Rate: bytes that one permutation absorbs, 1600 bits less twice the 256 of the hash.
pub(crate) const RATE: usize = 136;

/// Blocks of a message of this length. Padding needs at least one byte, so the last block is never full of message
/// bytes.
pub(crate) const fn blocks(bytes: usize) -> usize {
    bytes / RATE + 1
}

/// Is it faster to hash two messages of these lengths together? A permutation of two states costs about 1.3 of one, so
/// it is not if one message has most of the blocks.
pub(crate) const fn is_pair(first: usize, second: usize) -> bool {
    let (first, second) = (blocks(first), blocks(second));
    first <= 2 * second && second <= 2 * first
}

/// Both hashes. When one message has no blocks left, the other continues beside a state that is not read any more.
#[inline(always)]
pub(crate) fn hash_pair<L: Lanes>(first: &[u8], second: &[u8]) -> [[u8; 32]; 2] {
    let last = [first, second].map(|message| blocks(message.len()) - 1);
    let mut state = [L::new(0, 0); WORDS];
    let mut hashes = [[0; 32]; 2];
    for at in 0..=last[0].max(last[1]) {
        let mut padding = [[0; RATE]; 2];
        let [pad_first, pad_second] = &mut padding;
        absorb(&mut state, block(first, at, pad_first), block(second, at, pad_second));
        permute(&mut state);
        for lane in 0..2 {
            if last[lane] == at {
                hashes[lane] = squeeze(&state, lane);
            }
        }
    }
    hashes
}

/// Block `at` of a message: a part of the message, or built in `padding`, which must be zero on entry.
#[inline(always)]
fn block<'a>(message: &'a [u8], at: usize, padding: &'a mut [u8; RATE]) -> &'a [u8; RATE] {
    let Some(rest) = message.get(at * RATE..) else { return padding };
    if let Some(whole) = rest.first_chunk() {
        return whole;
    }
    padding[..rest.len()].copy_from_slice(rest);
    // The padding of Keccak before the standard: SHA-3 has 0x06 here.
    padding[rest.len()] = 0x01;
    padding[RATE - 1] |= 0x80;
    padding
}

#[inline(always)]
fn absorb<L: Lanes>(state: &mut [L; WORDS], first: &[u8; RATE], second: &[u8; RATE]) {
    let (first, _) = first.as_chunks();
    let (second, _) = second.as_chunks();
    for ((lanes, first), second) in state.iter_mut().zip(first).zip(second) {
        *lanes = lanes.xor(L::new(u64::from_le_bytes(*first), u64::from_le_bytes(*second)));
    }
}

fn squeeze<L: Lanes>(state: &[L; WORDS], lane: usize) -> [u8; 32] {
    let mut hash = [0; 32];
    let (words, _) = hash.as_chunks_mut();
    for (word, lanes) in words.iter_mut().zip(state) {
        *word = lanes.words()[lane].to_le_bytes();
    }
    hash
}
