//! Extra data: 32 free bytes, or what a chain of authorities keeps there.

use alloy_primitives::U256;

use super::RuleViolation;
use crate::{
    chain::{ChainSpec, RuleSet},
    header::Header,
};

/// Bytes of extra data (Yellow Paper 4.4.4).
const EXTRA_DATA_BYTES_MAX: usize = 32;

/// No chain by ethash goes under this difficulty (`D_0`, Yellow Paper 4.4.4).
const WORK_DIFFICULTY_MIN: U256 = U256::from_limbs([131_072, 0, 0, 0]);

/// At most 32 bytes. A chain of authorities (clique, EIP-225: 32 bytes, signers, a seal of 65; others keep RLP there)
/// has more. Of a chain that we do not know, a header with a difficulty that ethash cannot have may be one of these;
/// its length is bounded by the wire.
pub(super) fn check(header: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    let got = header.extra_data.len();
    let free = matches!(chain.rules(), RuleSet::Structural) && may_be_authority(header);
    if got <= EXTRA_DATA_BYTES_MAX || free {
        Ok(())
    } else {
        Err(RuleViolation::ExtraData { got, max: EXTRA_DATA_BYTES_MAX })
    }
}

/// May a header be sealed by an authority: neither by stake (difficulty 0) nor by ethash?
pub(super) fn may_be_authority(header: &Header<'_>) -> bool {
    !header.is_proof_of_stake() && header.difficulty < WORK_DIFFICULTY_MIN
}
