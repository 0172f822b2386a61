//! The hashes of this crate, compared with `keccak256` of alloy. In wasm this tests the code with vectors.

use alloy_primitives::{B256, b256, keccak256};
use keccak_pair::{keccak256_each, keccak256_pair};

const LEN_MAX: usize = 700;

/// Bytes that differ by position and by `seed`.
fn noise(seed: u8, len: usize) -> Vec<u8> {
    (0..len.div_ceil(32)).flat_map(|block| keccak256([seed, block as u8, (block >> 8) as u8])).take(len).collect()
}

#[test]
fn the_empty_message() {
    let empty = b256!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assert_eq!(keccak256_pair(&[], &[]), (empty, empty));
}

#[test]
fn every_length_beside_every_other() {
    let messages = [noise(1, LEN_MAX), noise(2, LEN_MAX)];
    let hashes = messages
        .each_ref()
        .map(|message| -> Vec<B256> { (0..=LEN_MAX).map(|len| keccak256(&message[..len])).collect() });
    for first in 0..=LEN_MAX {
        for second in 0..=LEN_MAX {
            let got = keccak256_pair(&messages[0][..first], &messages[1][..second]);
            assert_eq!(got, (hashes[0][first], hashes[1][second]), "{first} and {second} bytes");
        }
    }
}

#[test]
fn very_different_lengths() {
    let long = noise(3, 16 * 1024);
    for len in [0, 135, 136, 137, 8_000, 8_200, 16_383] {
        let short = noise(4, len);
        assert_eq!(keccak256_pair(&long, &short), (keccak256(&long), keccak256(&short)), "{len} bytes");
        assert_eq!(keccak256_pair(&short, &long), (keccak256(&short), keccak256(&long)), "{len} bytes");
    }
}

#[test]
fn each_of_none_of_one_of_many() {
    for count in 0..20 {
        let messages: Vec<Vec<u8>> = (0..count).map(|at| noise(at, 500 + 13 * usize::from(at))).collect();
        let expected: Vec<B256> = messages.iter().map(keccak256).collect();
        assert_eq!(keccak256_each(&messages).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn each_hashes_one_ahead_at_most() {
    let mut taken = 0;
    let hashes = keccak256_each((0..10_u8).inspect(|_| taken += 1).map(|byte| [byte])).take(3).count();
    assert_eq!((hashes, taken), (3, 4));
}
