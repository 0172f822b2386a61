//! [`Reorgs`]: the reorg that is under way, and what is remembered of earlier ones.

use super::Compared;
use crate::{
    checkpoint::Subchain,
    follow::{AncestorSearch, BranchWeight},
    io::BlockNumHash,
    time::Instant,
};
use header_rules::range::BlockNumber;

/// Where a reorg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReorgPhase {
    /// Headers of the target's chain are fetched by hash, to be compared.
    Comparing,
    /// The store, and peers, are asked.
    Seeking,
    /// It is deeper than the window.
    TooDeep {
        /// Since when.
        since: Instant,
        /// When the target is chosen anew at the latest.
        retry_at: Instant,
    },
    /// The ancestor is known; the branches above it are weighed.
    Weighing(BlockNumHash),
    /// What lay above the ancestor is given up; the new chain is downloaded.
    Replacing,
}

/// A reorg, from the moment that it is verified until the new chain meets what stays.
#[derive(Debug)]
pub struct Reorg {
    /// The stored run that is compared with.
    pub local: Subchain,
    /// The highest stored number that belongs to the old chain.
    pub top: BlockNumber,
    /// Where the two are verified to differ, and what the new chain has there; stored runs above are the new chain's,
    /// unless `above_is_old`.
    pub differs: BlockNumHash,
    pub above_is_old: bool,
    /// The lowest number that was given up.
    pub reverted_from: Option<BlockNumber>,
    /// What the stored branch weighs.
    pub old_weight: BranchWeight,
    pub search: AncestorSearch,
    pub phase: ReorgPhase,
    /// What the new chain has under what was compared so far.
    pub next: BlockNumHash,
    /// What was compared, to be stored when the ancestor is known.
    pub compared: Compared,
    /// Nobody can be asked for this number.
    pub alone: Option<BlockNumber>,
    /// When those who did not answer are asked again.
    pub retry_at: Option<Instant>,
}

/// The reorg that is under way, and what is remembered of earlier ones.
#[derive(Debug, Default)]
pub struct Reorgs {
    /// The target's chain does not meet the stored one.
    pub current: Option<Reorg>,
    /// The ancestor of the last one that was followed.
    pub last_ancestor: Option<BlockNumber>,
    /// The last one was deeper than the window.
    pub too_deep: Option<TooDeep>,
}

/// A reorg was found to be too deep, and no target was synced since.
#[derive(Clone, Copy, Debug)]
pub struct TooDeep {
    /// The stored head that would have been given up.
    pub local: BlockNumHash,
    /// How often in a row.
    pub times: u32,
}

impl Reorg {
    /// Is the ancestor still sought?
    pub fn is_open(&self) -> bool {
        matches!(self.phase, ReorgPhase::Comparing | ReorgPhase::Seeking | ReorgPhase::TooDeep { .. })
    }
}
