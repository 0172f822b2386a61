//! The base fee, computed from the parent's gas used (EIP-1559).

use super::{RuleViolation, gas_limit::ELASTICITY_MULTIPLIER};
use crate::{chain::ForkSchedule, header::Header};

/// Base fee of the first block that has one, in wei.
pub const INITIAL_BASE_FEE: u64 = 1_000_000_000;
/// A full block raises the fee by one part in this many.
const BASE_FEE_MAX_CHANGE_DENOMINATOR: u128 = 8;

/// The base fee of a child of `parent`, in wei. Wider than the field: with extreme values in the parent it may exceed
/// 64 bits, and then no child is valid.
pub fn next_base_fee(parent: &Header<'_>) -> u128 {
    let Some(base_fee) = parent.base_fee_per_gas else { return u128::from(INITIAL_BASE_FEE) };
    let base_fee = u128::from(base_fee);
    let target = u128::from(parent.gas_limit / ELASTICITY_MULTIPLIER);
    let used = u128::from(parent.gas_used);
    // A limit under 2 has no target; only a genesis can have it, and then no gas was used.
    if used == target || target == 0 {
        return base_fee;
    }
    // Both products are of two 64-bit numbers.
    let change = base_fee * used.abs_diff(target) / target / BASE_FEE_MAX_CHANGE_DENOMINATOR;
    if used > target { base_fee + change.max(1) } else { base_fee - change }
}

/// Checks the base fee. Whether it must be present is checked in [`super::fields`].
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
) -> Result<(), RuleViolation> {
    let Some(got) = child.base_fee_per_gas.filter(|_| forks.is_london(child.number)) else { return Ok(()) };
    let expected = next_base_fee(parent);
    if u128::from(got) == expected {
        return Ok(());
    }
    Err(RuleViolation::BaseFee { got, expected: u64::try_from(expected).unwrap_or(u64::MAX) })
}
