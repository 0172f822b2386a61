//! Extra data: at most 32 bytes, more on a proof-of-authority chain.

use super::RuleViolation;
use crate::{
    chain::{Consensus, ForkSchedule, Seal},
    header::Header,
};

/// Bytes of extra data (Yellow Paper 4.4.4).
const EXTRA_DATA_BYTES_MAX: usize = 32;

/// Checks for at most 32 bytes. Before its merge a clique chain (EIP-225) has signers and a seal there: the audit of
/// seals checks their form, and the wire limits their length.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule, seal: Seal) -> Result<(), RuleViolation> {
    let got = header.extra_data.len();
    let is_authority = seal == Seal::Work && matches!(forks.consensus, Consensus::Clique { .. });
    if got <= EXTRA_DATA_BYTES_MAX || is_authority {
        Ok(())
    } else {
        Err(RuleViolation::ExtraData { got, max: EXTRA_DATA_BYTES_MAX })
    }
}
