//! Proof of stake: what the merge fixed to constants (EIP-3675), and that nobody goes back.

use alloy_primitives::{B64, B256, b256};

use super::RuleViolation;
use crate::{
    chain::{ChainSpec, RuleSet},
    header::Header,
};

/// Keccak-256 of the RLP of the empty list.
const EMPTY_OMMERS_HASH: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// By stake: no difficulty, no nonce, no ommers. On a known chain the number says which it is; on any other the
/// difficulty does.
pub(super) fn check(header: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    if let RuleSet::Forks(forks) = chain.rules() {
        match (forks.is_merged(header.number), header.is_proof_of_stake()) {
            (true, false) => return Err(RuleViolation::StakeDifficulty { got: header.difficulty }),
            (false, true) => return Err(RuleViolation::WorkDifficulty),
            _ => {}
        }
    }
    if !header.is_proof_of_stake() {
        return Ok(());
    }
    if header.nonce != B64::ZERO {
        return Err(RuleViolation::StakeNonce { got: u64::from_be_bytes(header.nonce.0) });
    }
    if header.ommers_hash != EMPTY_OMMERS_HASH {
        return Err(RuleViolation::StakeOmmers { got: header.ommers_hash });
    }
    Ok(())
}

/// Work never follows stake. Genesis is given, so its difficulty says nothing.
pub(super) fn check_against_parent(child: &Header<'_>, parent: &Header<'_>) -> Result<(), RuleViolation> {
    if parent.number != 0 && parent.is_proof_of_stake() && !child.is_proof_of_stake() {
        return Err(RuleViolation::WorkAfterStake { difficulty: child.difficulty });
    }
    Ok(())
}
