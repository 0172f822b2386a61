//! The consensus fields of a child, derived from those of its parent.
//!
//! The base fee follows EIP-1559, blob gas EIP-4844 with Prague's 6 and 9 blobs a block (EIP-7691). Gas used falls as
//! the base fee rises, and blobs fall as the excess rises, so that both stay in a realistic range however long the
//! chain is.

use crate::SplitMix64;

/// Lowest gas limit; a header has up to [`GAS_LIMIT_SPREAD`] more.
const GAS_LIMIT_BASE: u64 = 36_000_000;
/// Smaller than the step that the rules allow (1/1,024 of the parent's limit: 35,156).
const GAS_LIMIT_SPREAD: u64 = 35_000;
/// EIP-1559: the gas target is half the limit, and the base fee changes by at most an eighth.
const ELASTICITY: u64 = 2;
const BASE_FEE_CHANGE_DENOMINATOR: u64 = 8;
/// Wei per gas at block 0; the base fee stays near this value.
const BASE_FEE_START: u64 = 1_000_000_000;
/// EIP-4844.
pub const GAS_PER_BLOB: u64 = 131_072;
/// EIP-7691 (Prague). A block may hold nine; [`Figures::child`] never uses more.
const BLOBS_TARGET: u64 = 6;
/// Excess above which blocks carry fewer blobs than the target.
const EXCESS_HIGH: u64 = 100 * GAS_PER_BLOB;

/// The fields of a header that the rules derive from its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Wei per gas.
    pub base_fee: u64,
    /// Gas of the blobs.
    pub blob_gas_used: u64,
    /// Blob gas above the target, accumulated up to the parent.
    pub excess_blob_gas: u64,
}

impl Figures {
    /// The parent of block 0: exactly at both targets, so that the child has the same base fee and no excess.
    pub const START: Self = Self {
        gas_limit: GAS_LIMIT_BASE,
        gas_used: GAS_LIMIT_BASE / ELASTICITY,
        base_fee: BASE_FEE_START,
        blob_gas_used: BLOBS_TARGET * GAS_PER_BLOB,
        excess_blob_gas: 0,
    };

    /// A child that obeys the rules.
    pub fn child(&self, chance: &mut SplitMix64) -> Self {
        let base_fee = self.next_base_fee();
        let excess_blob_gas = (self.excess_blob_gas + self.blob_gas_used).saturating_sub(BLOBS_TARGET * GAS_PER_BLOB);
        let gas_limit = GAS_LIMIT_BASE + chance.below(GAS_LIMIT_SPREAD);
        // Blocks are fuller while gas is cheap: on average 0.6 of the limit, else 0.4.
        let least = if base_fee < BASE_FEE_START { gas_limit / 5 } else { 0 };
        let gas_used = least + chance.below(gas_limit / 5 * 4);
        let blobs = if excess_blob_gas < EXCESS_HIGH { 4 + chance.below(6) } else { chance.below(9) };
        Self { gas_limit, gas_used, base_fee, blob_gas_used: blobs * GAS_PER_BLOB, excess_blob_gas }
    }

    /// Base fee of the child (EIP-1559).
    fn next_base_fee(&self) -> u64 {
        let target = self.gas_limit / ELASTICITY;
        let delta = |gas: u64| {
            let delta = u128::from(self.base_fee) * u128::from(gas)
                / u128::from(target)
                / u128::from(BASE_FEE_CHANGE_DENOMINATOR);
            // At most an eighth of the base fee, which is 64 bits.
            delta as u64
        };
        match self.gas_used {
            used if used > target => self.base_fee + delta(used - target).max(1),
            used => self.base_fee - delta(target - used),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOBS_MAX: u64 = 9;

    #[test]
    fn fees_and_blobs_stay_in_their_band_and_never_break_a_rule() {
        let mut figures = Figures::START;
        let mut fees = (u64::MAX, 0);
        let mut excess_max = 0;
        let mut chance = SplitMix64(3);
        for _ in 0..300_000 {
            let child = figures.child(&mut chance);
            assert!(child.gas_used <= child.gas_limit);
            assert!(child.gas_limit.abs_diff(figures.gas_limit) < figures.gas_limit / 1024);
            assert_eq!(child.blob_gas_used % GAS_PER_BLOB, 0);
            assert!(child.blob_gas_used <= BLOBS_MAX * GAS_PER_BLOB);
            assert!(child.base_fee.abs_diff(figures.base_fee) <= (figures.base_fee / 8).max(1));
            fees = (fees.0.min(child.base_fee), fees.1.max(child.base_fee));
            excess_max = excess_max.max(child.excess_blob_gas);
            figures = child;
        }
        assert!(fees.0 > BASE_FEE_START / 20 && fees.1 < BASE_FEE_START * 20, "{fees:?}");
        assert!((EXCESS_HIGH / 2..EXCESS_HIGH * 4).contains(&excess_max), "{excess_max}");
    }
}
