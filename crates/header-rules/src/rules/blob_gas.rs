//! Blob gas (EIP-4844), its schedule (EIP-7840, EIP-7892) and the floor under its price (EIP-7918).
//!
//! The excess of a block is computed from its parent's, by the parameters of the *child's* time. On a chain that has
//! Cancun and no schedule only whole blobs are checked.

use alloy_primitives::U256;

use super::RuleViolation;
use crate::{
    chain::{BlobParams, ForkSchedule, GAS_PER_BLOB, begun},
    header::Header,
};

/// Execution gas per blob in the lower bound of its price (EIP-7918).
const BLOB_BASE_COST: u64 = 8_192;

/// Checks for whole blobs, at most the fork's maximum.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule) -> Result<(), RuleViolation> {
    let Some(got) = header.blob_gas_used.filter(|_| begun(forks.cancun, header.timestamp)) else { return Ok(()) };
    if !got.is_multiple_of(GAS_PER_BLOB) {
        return Err(RuleViolation::BlobGasMultiple { got });
    }
    let Some(params) = forks.blob_params(header.timestamp) else { return Ok(()) };
    let max = params.max.saturating_mul(GAS_PER_BLOB);
    if got <= max { Ok(()) } else { Err(RuleViolation::BlobGasMax { got, max }) }
}

/// Checks the excess.
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
) -> Result<(), RuleViolation> {
    let Some(got) = child.excess_blob_gas.filter(|_| begun(forks.cancun, child.timestamp)) else { return Ok(()) };
    let Some(params) = forks.blob_params(child.timestamp) else { return Ok(()) };
    let expected = next_excess_blob_gas(parent, params, begun(forks.osaka, child.timestamp));
    if u128::from(got) == expected {
        return Ok(());
    }
    Err(RuleViolation::ExcessBlobGas { got, expected: u64::try_from(expected).unwrap_or(u64::MAX) })
}

/// The excess blob gas of a child of `parent`, by the child's parameters. `osaka`: does EIP-7918 apply to the child?
/// Wider than the field, because with extreme values in the parent it may exceed 64 bits.
pub fn next_excess_blob_gas(parent: &Header<'_>, params: &BlobParams, osaka: bool) -> u128 {
    // Before Cancun there is neither; both count as zero (EIP-4844).
    let excess = parent.excess_blob_gas.unwrap_or(0);
    let used = parent.blob_gas_used.unwrap_or(0);
    let sum = u128::from(excess) + u128::from(used);
    let target = u128::from(params.target) * u128::from(GAS_PER_BLOB);
    if sum < target {
        return 0;
    }
    if osaka && blobs_are_under_cost(excess, parent.base_fee_per_gas.unwrap_or(0), params) {
        // An inconsistent schedule (no blobs at all, a target over the maximum) must not panic.
        let above_target = u128::from(params.max.saturating_sub(params.target));
        return u128::from(excess) + u128::from(used) * above_target / u128::from(params.max.max(1));
    }
    sum - target
}

/// `BLOB_BASE_COST * base_fee > GAS_PER_BLOB * blob_base_fee(excess)` (EIP-7918).
fn blobs_are_under_cost(excess: u64, base_fee: u64, params: &BlobParams) -> bool {
    // Both constants are powers of two: the blob fee must be under ceil(base_fee / 16).
    let limit = base_fee.div_ceil(GAS_PER_BLOB / BLOB_BASE_COST);
    exponential_is_under(limit, excess, params.update_fraction)
}

/// Is `fake_exponential(1, numerator, denominator)` of EIP-4844 under `limit`?
///
/// The series is not summed up completely. It only rises, so the loop ends when the sum reaches the limit: an extreme
/// excess (up to 2^64) costs no more steps than a usual one. And once each term is at most half of the previous one,
/// the remaining sum is less than twice the next term.
fn exponential_is_under(limit: u64, numerator: u64, denominator: u64) -> bool {
    let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
    // Both are under 2^64. `sum / denominator < limit` in whole numbers is `sum < limit * denominator`.
    let goal = u128::from(limit) * denominator;
    let mut term = denominator;
    let mut sum = 0;
    let mut divisor = denominator;
    while term > 0 {
        let room = goal - sum;
        if term >= room {
            return false;
        }
        if divisor >= 2 * numerator && term < room - term {
            return true;
        }
        sum += term;
        term = mul_div(term, numerator, divisor);
        divisor += denominator;
    }
    sum < goal
}

/// `a * b / divisor`, for `b` under 2^64; a product over 128 bits gives 2^128 - 1. Real fees stay far under 128 bits on
/// the way, where a division costs a tenth.
fn mul_div(a: u128, b: u128, divisor: u128) -> u128 {
    match a.checked_mul(b) {
        Some(product) => product / divisor,
        None => (U256::from(a) * U256::from(b) / U256::from(divisor)).saturating_to(),
    }
}
