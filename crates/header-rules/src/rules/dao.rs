//! The mark of the DAO fork in its first ten blocks, by which nodes distinguish the two chains (EIP-779).

use super::RuleViolation;
use crate::{chain::ForkSchedule, header::Header, range::BlockNumber};

/// The mark.
const MARK: &[u8] = b"dao-hard-fork";
/// Number of marked blocks.
const MARKED_BLOCKS: BlockNumber = 10;

/// The side with the fork has the mark, the other has not. A chain without this fork has no such rule.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule) -> Result<(), RuleViolation> {
    let Some(dao) = forks.dao else { return Ok(()) };
    let is_marked_block = header.number.checked_sub(dao.block).is_some_and(|past| past < MARKED_BLOCKS);
    if !is_marked_block || (header.extra_data == MARK) == dao.support {
        return Ok(());
    }
    Err(RuleViolation::DaoExtraData { expected: dao.support })
}
