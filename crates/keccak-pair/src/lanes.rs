//! Two 64-bit lanes that are processed together, with the four operations of keccak.

/// The same word of two states.
pub(crate) trait Lanes: Copy {
    /// One word of each state.
    fn new(first: u64, second: u64) -> Self;
    /// The two words.
    fn words(self) -> [u64; 2];
    /// Exclusive or.
    fn xor(self, other: Self) -> Self;
    /// Bits that are in `other` and not in `self`.
    fn not_and(self, other: Self) -> Self;
    /// Both words rotated left by 0 to 63 bits.
    fn rotate_left(self, bits: u32) -> Self;
}

/// Lanes of plain words, for every target: slower than two separate hashes; tests use them on targets without vectors.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(crate) struct Words([u64; 2]);

#[cfg(test)]
impl Lanes for Words {
    #[inline(always)]
    fn new(first: u64, second: u64) -> Self {
        Self([first, second])
    }

    #[inline(always)]
    fn words(self) -> [u64; 2] {
        self.0
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self([self.0[0] ^ other.0[0], self.0[1] ^ other.0[1]])
    }

    #[inline(always)]
    fn not_and(self, other: Self) -> Self {
        Self([!self.0[0] & other.0[0], !self.0[1] & other.0[1]])
    }

    #[inline(always)]
    fn rotate_left(self, bits: u32) -> Self {
        Self(self.0.map(|word| word.rotate_left(bits)))
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Vector;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use core::arch::wasm32::{i64x2_shl, u64x2, u64x2_extract_lane, u64x2_shr, v128, v128_andnot, v128_or, v128_xor};

    use super::Lanes;

    /// Lanes of one 128-bit vector.
    #[derive(Clone, Copy)]
    pub(crate) struct Vector(v128);

    impl Lanes for Vector {
        #[inline(always)]
        fn new(first: u64, second: u64) -> Self {
            Self(u64x2(first, second))
        }

        #[inline(always)]
        fn words(self) -> [u64; 2] {
            [u64x2_extract_lane::<0>(self.0), u64x2_extract_lane::<1>(self.0)]
        }

        #[inline(always)]
        fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }

        #[inline(always)]
        fn not_and(self, other: Self) -> Self {
            Self(v128_andnot(other.0, self.0))
        }

        #[inline(always)]
        fn rotate_left(self, bits: u32) -> Self {
            // A shift by 64 is a shift by 0.
            if bits == 0 { self } else { Self(v128_or(i64x2_shl(self.0, bits), u64x2_shr(self.0, 64 - bits))) }
        }
    }
}
