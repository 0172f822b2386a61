//! Extra data: 32 free bytes, or what a chain of authorities keeps there.

use super::RuleViolation;
use crate::{
    chain::{Consensus, ForkSchedule, Seal},
    header::Header,
};

/// Bytes of extra data (Yellow Paper 4.4.4).
const EXTRA_DATA_BYTES_MAX: usize = 32;

/// At most 32 bytes. Before its merge a clique chain (EIP-225) has signers and a seal there: their form is a matter of
/// the seal, and their length is bounded by the wire.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule, seal: Seal) -> Result<(), RuleViolation> {
    let got = header.extra_data.len();
    let is_authority = seal == Seal::Work && matches!(forks.consensus, Consensus::Clique { .. });
    if got <= EXTRA_DATA_BYTES_MAX || is_authority {
        Ok(())
    } else {
        Err(RuleViolation::ExtraData { got, max: EXTRA_DATA_BYTES_MAX })
    }
}
