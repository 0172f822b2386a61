//! Keccak-f[1600] (FIPS 202, section 3) on two states at once.
//!
//! A state is 25 words; word `x + 5 * y` is the lane in column `x`, row `y`. A round computes the parities of theta,
//! then builds the next state row by row: each row from the five words that rho and pi move there, combined by chi. So
//! five words of theta and five of a row are live at a time, which fit the 16 registers of a processor. All positions
//! and rotations are constants, so there is no table to read.

use crate::lanes::Lanes;

/// Words of a state.
pub(crate) const WORDS: usize = 25;

/// Iota: constant that each round adds to the first word.
const ROUND_CONSTANTS: [u64; 24] = round_constants();

/// Rho: rotation of each word.
const ROTATIONS: [u32; WORDS] = rotations();

/// Bits of a linear feedback shift register, at positions 2^j - 1 (FIPS 202, algorithms 5 and 6).
const fn round_constants() -> [u64; 24] {
    let mut constants = [0; 24];
    let mut register = 1_u16;
    let mut round = 0;
    while round < constants.len() {
        let mut j = 0;
        while j <= 6 {
            constants[round] |= ((register & 1) as u64) << ((1 << j) - 1);
            // x^8 + x^6 + x^5 + x^4 + 1
            register <<= 1;
            if register & 0x100 != 0 {
                register ^= 0x171;
            }
            j += 1;
        }
        round += 1;
    }
    constants
}

/// Visits all words but the first, in steps of the triangular numbers (FIPS 202, algorithm 2).
const fn rotations() -> [u32; WORDS] {
    let mut rotations = [0; WORDS];
    let (mut x, mut y) = (1, 0);
    let mut step = 0;
    while step < 24 {
        rotations[x + 5 * y] = (((step + 1) * (step + 2) / 2) % 64) as u32;
        (x, y) = (y, (2 * x + 3 * y) % 5);
        step += 1;
    }
    rotations
}

/// All 24 rounds.
#[inline(always)]
pub(crate) fn permute<L: Lanes>(state: &mut [L; WORDS]) {
    for constant in ROUND_CONSTANTS {
        *state = round(state, L::new(constant, constant));
    }
}

#[inline(always)]
fn round<L: Lanes>(state: &[L; WORDS], constant: L) -> [L; WORDS] {
    let column = |x: usize| {
        let rows = [state[x], state[x + 5], state[x + 10], state[x + 15], state[x + 20]];
        rows[0].xor(rows[1]).xor(rows[2]).xor(rows[3]).xor(rows[4])
    };
    let parity = [column(0), column(1), column(2), column(3), column(4)];
    let theta = |x: usize| parity[(x + 4) % 5].xor(parity[(x + 1) % 5].rotate_left(1));
    let theta = [theta(0), theta(1), theta(2), theta(3), theta(4)];

    let mut next = *state;
    let mut row = |y: usize| {
        // The word that pi moves to column `x` of this row.
        let moved = |x: usize| {
            let column = (x + 3 * y) % 5;
            let from = column + 5 * x;
            state[from].xor(theta[column]).rotate_left(ROTATIONS[from])
        };
        let moved = [moved(0), moved(1), moved(2), moved(3), moved(4)];
        let chi = |x: usize| moved[x].xor(moved[(x + 1) % 5].not_and(moved[(x + 2) % 5]));
        next[5 * y] = chi(0);
        next[5 * y + 1] = chi(1);
        next[5 * y + 2] = chi(2);
        next[5 * y + 3] = chi(3);
        next[5 * y + 4] = chi(4);
    };
    row(0);
    row(1);
    row(2);
    row(3);
    row(4);
    next[0] = next[0].xor(constant);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_those_of_the_standard() {
        assert_eq!(ROUND_CONSTANTS[..3], [1, 0x8082, 0x8000_0000_0000_808a]);
        assert_eq!(ROUND_CONSTANTS[23], 0x8000_0000_8000_8008);
        assert_eq!(ROTATIONS[..5], [0, 1, 62, 28, 27]);
        assert_eq!(ROTATIONS[20..], [18, 2, 61, 56, 14]);
    }
}
