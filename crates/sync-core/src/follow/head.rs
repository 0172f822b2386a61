//! The place of a tip relative to the stored runs.
//!
//! A tip under the stored head is either *lag* (the peers are behind on the same chain) or a *reorg* (another chain
//! won, and it may be shorter). Only the stored hash at the tip's height tells them apart; so [`place`] names the run
//! to look up.

use alloy_primitives::B256;

use crate::checkpoint::{Checkpoint, Subchain};
use header_rules::block::BlockNumHash;

/// The place of a tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TipPlace {
    /// Above everything that is stored, or nothing is.
    Above,
    /// It is a stored header.
    Stored,
    /// Another header is stored at its height: in this run, with this hash.
    Differs(Subchain, B256),
    /// Inside this run; the hash at its height must be looked up.
    Inside(Subchain),
    /// Between two runs, or under all of them: there is nothing to compare it with.
    Between,
}

/// Compares `tip` with the ends of the stored runs.
pub fn place(tip: BlockNumHash, stored: &Checkpoint) -> TipPlace {
    let Some(newest) = stored.newest() else { return TipPlace::Above };
    if tip.number > newest.head {
        return TipPlace::Above;
    }
    let above = stored.subchains.iter().find(|run| run.tail.checked_sub(1) == Some(tip.number));
    match stored.run_at(tip.number) {
        Some(run) if run.head == tip.number && run.head_hash == tip.hash => TipPlace::Stored,
        Some(run) if run.head == tip.number => TipPlace::Differs(*run, run.head_hash),
        Some(run) => TipPlace::Inside(*run),
        // Not stored, and yet known: the parent of a stored header.
        None if above.is_some_and(|above| above.next == tip.hash) => TipPlace::Stored,
        None => TipPlace::Between,
    }
}
