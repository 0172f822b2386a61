//! Headers that this release cannot judge: their fork came, moved or was cancelled after the schedule was written.
//!
//! Such a header is nobody's fault when its hash is the one asked for: its target vouches for it, and every peer of that
//! chain sends the same bytes. It is not valid either, as far as anybody here can tell, so the sync stops above it.
//!
//! An attacker reaches this verdict only under a target of his own, with a time that he chooses, and gains what a header
//! that breaks a rule would gain him: a stall.

use super::{RuleViolation, fields};
use crate::{
    chain::ChainSpec,
    header::{Header, HeaderError},
};

/// Why a header cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFork {
    /// It has another form than the headers known here: more fields, or fields of another kind.
    #[error("it does not decode: {0}")]
    Undecodable(HeaderError),
    /// It does not fit a schedule that is not certain any more.
    #[error("{0}")]
    Unfitting(RuleViolation),
}

/// Is `violation` a matter of a fork that is not known, and not of a broken rule? Only where the schedule is not certain,
/// and only of what forks change: which fields there are, how many blobs, and what gas costs. A header with the fields of another fork
/// may have other rules altogether, so then every violation is.
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
