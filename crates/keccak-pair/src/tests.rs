//! The lanes of plain words exist on every target, so these tests cover permutation and sponge natively too.

extern crate std;

use alloy_primitives::keccak256;
use proptest::prelude::*;
use std::vec::Vec;

use crate::{lanes::Words, sponge};

fn both(first: &[u8], second: &[u8]) {
    let hashes = sponge::hash_pair::<Words>(first, second);
    assert_eq!(hashes, [first, second].map(|message| keccak256(message).0), "{} {}", first.len(), second.len());
}

#[test]
fn every_length_beside_every_other() {
    let messages: [Vec<u8>; 2] = [3, 5].map(|step: u8| (0..700).map(|at| (at as u8).wrapping_mul(step)).collect());
    let hashes = messages
        .each_ref()
        .map(|message| -> Vec<[u8; 32]> { (0..=message.len()).map(|len| keccak256(&message[..len]).0).collect() });
    for first in 0..=700 {
        for second in 0..=700 {
            let got = sponge::hash_pair::<Words>(&messages[0][..first], &messages[1][..second]);
            assert_eq!(got, [hashes[0][first], hashes[1][second]], "{first} {second}");
        }
    }
}

#[test]
fn a_lane_never_idles_for_most_of_the_work() {
    assert!(sponge::is_pair(0, 0) && sponge::is_pair(609, 508) && sponge::is_pair(508, 1_087));
    assert!(!sponge::is_pair(508, 1_088) && !sponge::is_pair(272, 0) && !sponge::is_pair(16 * 1024, 609));
}

#[test]
fn the_longest_header_beside_the_shortest() {
    let long: Vec<u8> = (0..16 * 1024).map(|at| (at % 251) as u8).collect();
    both(&long, &[]);
    both(&[1], &long);
}

proptest! {
    #[test]
    fn any_two_messages(first: Vec<u8>, second: Vec<u8>, more in 0..3_000_usize) {
        both(&first, &second);
        both(&second.repeat(more / second.len().max(1)), &first);
    }
}
