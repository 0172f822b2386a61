//! A random number generator with eight bytes of state, the same on every platform.

/// SplitMix64, by its current state. A stream can be restarted for each header.
#[derive(Clone, Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next 64 bits.
    #[inline]
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if `limit` is 0. The bias of the remainder does not matter here.
    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// Random bytes.
    #[inline]
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    /// The first numbers of the reference implementation for this seed.
    #[test]
    fn draws_what_everybody_draws() {
        let mut chance = SplitMix64(1_234_567);
        let drawn = [(); 3].map(|()| chance.draw());
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn below_and_bytes_take_what_is_drawn() {
        let (mut one, mut other) = (SplitMix64(5), SplitMix64(5));
        assert_eq!(one.below(1_000), other.draw() % 1_000);
        assert_eq!(one.below(0), 0);
        other.draw();
        let (first, second) = (other.draw().to_le_bytes(), other.draw().to_le_bytes());
        let bytes = one.bytes::<11>();
        assert_eq!((&bytes[..8], &bytes[8..]), (&first[..], &second[..3]));
    }
}
