//! The DAO fork marked its first ten blocks, so that nodes of either side could tell the chains apart (EIP-779).

use super::RuleViolation;
use crate::{chain::ForkSchedule, header::Header, range::BlockNumber};

/// What the blocks are marked with.
const MARK: &[u8] = b"dao-hard-fork";
/// Blocks that are marked.
const MARKED_BLOCKS: BlockNumber = 10;

/// The side with the fork bears the mark, the other does not. A chain that never voted has no such rule.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule) -> Result<(), RuleViolation> {
    let Some(dao) = forks.dao else { return Ok(()) };
    let is_marked_block = header.number.checked_sub(dao.block).is_some_and(|past| past < MARKED_BLOCKS);
    if !is_marked_block || (header.extra_data == MARK) == dao.support {
        return Ok(());
    }
    Err(RuleViolation::DaoExtraData { expected: dao.support })
}
