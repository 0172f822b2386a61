//! Gas used, at most the limit; and the limit, which changes slowly.

use super::RuleViolation;
use crate::{chain::ForkSchedule, header::Header};

/// Lowest gas limit (Yellow Paper 4.4.4).
const GAS_LIMIT_MIN: u64 = 5_000;
/// Highest gas limit: 2^63 - 1 (EIP-1985).
const GAS_LIMIT_MAX: u64 = i64::MAX as u64;
/// The limit changes by less than this part of the parent's limit (Yellow Paper 4.4.4).
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;
/// The first block with a base fee doubles the parent's limit, because half of it is the gas target from then on
/// (EIP-1559).
pub(super) const ELASTICITY_MULTIPLIER: u64 = 2;

/// Checks the gas fields by themselves.
pub(super) fn check(header: &Header<'_>) -> Result<(), RuleViolation> {
    if header.gas_limit > GAS_LIMIT_MAX {
        return Err(RuleViolation::GasLimitMax { got: header.gas_limit, max: GAS_LIMIT_MAX });
    }
    if header.gas_used > header.gas_limit {
        return Err(RuleViolation::GasUsed { got: header.gas_used, limit: header.gas_limit });
    }
    if header.gas_limit < GAS_LIMIT_MIN {
        return Err(RuleViolation::GasLimitMin { got: header.gas_limit, min: GAS_LIMIT_MIN });
    }
    Ok(())
}

/// `|limit - parent| < parent / 1024`, in integers.
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
) -> Result<(), RuleViolation> {
    let first_with_base_fee = forks.is_london(child.number) && !forks.is_london(parent.number);
    let factor = if first_with_base_fee { ELASTICITY_MULTIPLIER } else { 1 };
    let limit = parent.gas_limit.saturating_mul(factor);
    let bound = limit / GAS_LIMIT_BOUND_DIVISOR;
    if child.gas_limit.abs_diff(limit) < bound {
        Ok(())
    } else {
        Err(RuleViolation::GasLimitBound { got: child.gas_limit, parent: limit, bound })
    }
}
