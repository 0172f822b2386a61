//! Time goes forward: strictly, but on a chain of authorities whose period may be zero.

use super::{RuleViolation, extra_data::may_be_authority};
use crate::{
    chain::{ChainSpec, RuleSet},
    header::Header,
};

/// `timestamp > parent.timestamp` (Yellow Paper 4.4.4). EIP-225 asks for `>= parent + period`, and a development chain
/// has period 0: what may be such a chain may stand still.
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    chain: &ChainSpec,
) -> Result<(), RuleViolation> {
    let may_stand = matches!(chain.rules(), RuleSet::Structural) && may_be_authority(child);
    if child.timestamp > parent.timestamp || (may_stand && child.timestamp == parent.timestamp) {
        Ok(())
    } else {
        Err(RuleViolation::Timestamp { got: child.timestamp, parent: parent.timestamp })
    }
}
