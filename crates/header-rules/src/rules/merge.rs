//! Proof of stake: the fields that the merge made constant (EIP-3675), and no way back to proof of work.

use alloy_primitives::{B64, U256};

use super::RuleViolation;
use crate::{
    chain::{ForkSchedule, Seal},
    header::{EMPTY_OMMERS_HASH, Header},
};

/// Kind of the header's seal: by its number, else by the total difficulty of its parent, else (a sync from the top down
/// does not know it yet) by its own difficulty. With the last, a target can choose its own merge, within
/// [`check_against_parent`]; a pass from genesis up does not allow it.
pub(super) fn seal_of(header: &Header<'_>, forks: &ForkSchedule, parent_total_difficulty: Option<U256>) -> Seal {
    let own = if header.is_proof_of_stake() { Seal::Stake } else { Seal::Work };
    forks.seal_at(header.number, parent_total_difficulty).unwrap_or(own)
}

/// Proof of stake: no difficulty, no nonce, no ommers. Otherwise a difficulty above 0.
pub(super) fn check(header: &Header<'_>, seal: Seal) -> Result<(), RuleViolation> {
    match (seal, header.is_proof_of_stake()) {
        (Seal::Work, false) => return Ok(()),
        (Seal::Work, true) => return Err(RuleViolation::WorkDifficulty),
        (Seal::Stake, false) => return Err(RuleViolation::StakeDifficulty { got: header.difficulty }),
        (Seal::Stake, true) => {}
    }
    if header.nonce != B64::ZERO {
        return Err(RuleViolation::StakeNonce { got: u64::from_be_bytes(header.nonce.0) });
    }
    if header.ommers_hash != EMPTY_OMMERS_HASH {
        return Err(RuleViolation::StakeOmmers { got: header.ommers_hash });
    }
    Ok(())
}

/// Proof of work never follows proof of stake. Genesis is exempt: its difficulty has no meaning.
pub(super) fn check_against_parent(child: &Header<'_>, parent: &Header<'_>) -> Result<(), RuleViolation> {
    if parent.number != 0 && parent.is_proof_of_stake() && !child.is_proof_of_stake() {
        return Err(RuleViolation::WorkAfterStake { difficulty: child.difficulty });
    }
    Ok(())
}
