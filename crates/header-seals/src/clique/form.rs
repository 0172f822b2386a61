//! Checks of a clique header by itself (EIP-225, "Specification").

use alloy_primitives::{Address, B64, B256};

use super::{Clique, CliqueViolation, seal::Extra};
use crate::sections::FIELDS_MAX;
use header_rules::header::{EMPTY_OMMERS_HASH, Header};

/// The nonce of a vote for an account (`NONCE_AUTH`).
pub(super) const NONCE_AUTH: B64 = B64::repeat_byte(0xff);
/// The nonce of a vote against an account, and of no vote (`NONCE_DROP`).
pub(super) const NONCE_DROP: B64 = B64::ZERO;

/// Checks the fields that clique redefines, and splits the extra data.
pub(super) fn check<'a>(clique: Clique, header: &Header<'a>) -> Result<Extra<'a>, CliqueViolation> {
    if header.field_count() > FIELDS_MAX {
        return Err(CliqueViolation::Fields { got: header.field_count(), max: FIELDS_MAX });
    }
    let extra = Extra::of(header.extra_data)?;
    if clique.is_checkpoint(header.number) {
        if header.beneficiary != Address::ZERO {
            return Err(CliqueViolation::CheckpointBeneficiary { got: header.beneficiary });
        }
        if header.nonce != B64::ZERO {
            return Err(CliqueViolation::CheckpointNonce { got: header.nonce });
        }
    } else if extra.signer_bytes() != 0 {
        return Err(CliqueViolation::ExtraSigners { got: extra.signer_bytes() });
    }
    if header.nonce != NONCE_AUTH && header.nonce != NONCE_DROP {
        return Err(CliqueViolation::Nonce { got: header.nonce });
    }
    if header.mix_hash != B256::ZERO {
        return Err(CliqueViolation::MixHash { got: header.mix_hash });
    }
    if header.ommers_hash != EMPTY_OMMERS_HASH {
        return Err(CliqueViolation::Ommers { got: header.ommers_hash });
    }
    Ok(extra)
}
