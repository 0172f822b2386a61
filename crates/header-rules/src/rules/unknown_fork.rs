//! Headers of an unknown fork: a fork that was added, moved or cancelled after the schedule was written.
//!
//! If such a header has the requested hash, no peer is at fault: the target's chain contains it, and every peer of that
//! chain sends the same bytes. This release cannot tell whether it is valid, so the sync stops above it.
//!
//! An attacker can cause this only under a target of their own, with a timestamp of their choice, and gains no more
//! than with a header that breaks a rule: a stall.

use super::{RuleViolation, fields};
use crate::{
    chain::ChainSpec,
    header::{Header, HeaderError},
};

/// Why a header cannot be validated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFork {
    /// It has another form than the known headers: more fields, or fields of another kind.
    #[error("it does not decode: {0}")]
    Undecodable(HeaderError),
    /// It breaks a rule of a schedule that is not certain any more.
    #[error("{0}")]
    Unfitting(RuleViolation),
}

/// Is `violation` a matter of a fork that is not known, and not of a broken rule? Only where the schedule is not
/// certain, and only of what forks change: which fields there are, how many blobs, and what gas costs. A header with
/// the fields of another fork may have other rules altogether, so then every violation is.
pub fn is_of_unknown_fork(violation: &RuleViolation, header: &Header<'_>, chain: &ChainSpec) -> bool {
    let Some(forks) = chain.forks().filter(|forks| !forks.is_certain_at(header.timestamp)) else { return false };
    let is_of_forks = matches!(
        violation,
        RuleViolation::FieldMissing(_)
            | RuleViolation::FieldUnexpected(_)
            | RuleViolation::BlobGasMax { .. }
            | RuleViolation::ExcessBlobGas { .. }
            | RuleViolation::BaseFee { .. }
    );
    is_of_forks || (header.number > 0 && fields::check(header, forks).is_err())
}
