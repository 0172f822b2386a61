//! All randomness of a world: one small generator, started from the seed. Each part of the world has a stream of its
//! own, so that switching one part off does not change what another draws.

use header_maker::SplitMix64;

/// Eight bytes of state, the same on every platform.
#[derive(Clone, Debug)]
pub struct Rng(SplitMix64);

impl Rng {
    /// A stream of its own for `part` of the world with this seed.
    pub fn new(seed: u64, part: &str) -> Self {
        let mixed = part.bytes().fold(seed ^ 0x5bd1_e995_9d1d_e4b7, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        });
        Self(SplitMix64(SplitMix64(mixed).draw() ^ seed))
    }

    /// The stream itself, for makers of headers.
    pub fn split_mix(&mut self) -> &mut SplitMix64 {
        &mut self.0
    }

    /// 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number under `limit`; 0 when there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    /// A number from `low` to `high`, both inside.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number from `low` to `high` whose logarithm is even: small ones are as likely as large ones.
    pub fn log_between(&mut self, low: u64, high: u64) -> u64 {
        let (low_bits, high_bits) = (low.max(1).ilog2(), high.max(1).ilog2());
        let bits = self.between(u64::from(low_bits), u64::from(high_bits));
        self.between(1 << bits, (2 << bits) - 1).clamp(low, high)
    }

    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True in `ppm` of 1,000,000 cases.
    pub fn ppm(&mut self, ppm: u64) -> bool {
        ppm > 0 && self.below(1_000_000) < ppm
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// When there is none: the lists that are drawn from are written down in this crate.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.0.bytes()
    }
}
