//! [`Reorgs`]: the current reorg, and the results of earlier ones.

use super::Compared;
use crate::{checkpoint::Subchain, follow::AncestorSearch, io::BlockNumHash, time::Instant};
use header_rules::range::BlockNumber;

/// The step of a reorg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReorgPhase {
    /// Headers of the target's chain are fetched by hash, to be compared.
    Comparing,
    /// The ancestor is sought with lookups and witnesses.
    Seeking,
    /// It is deeper than the window.
    TooDeep {
        /// Since when.
        since: Instant,
        /// When the target is chosen anew at the latest.
        retry_at: Instant,
    },
    /// The stored headers above the ancestor are reverted; the new chain is downloaded.
    Replacing,
}

/// A reorg, from its verification until the new chain meets the stored headers that stay.
#[derive(Debug)]
pub struct Reorg {
    /// The stored run that is compared with.
    pub local: Subchain,
    /// The highest stored number that belongs to the old chain.
    pub top: BlockNumber,
    /// The block of the new chain where the two are verified to differ; stored runs above belong to the new chain,
    /// unless `above_is_old`.
    pub differs: BlockNumHash,
    pub above_is_old: bool,
    /// The lowest number that was reverted.
    pub reverted_from: Option<BlockNumber>,
    pub search: AncestorSearch,
    pub phase: ReorgPhase,
    /// The next block of the new chain to compare.
    pub next: BlockNumHash,
    /// Headers that were compared, to be stored when the ancestor is known.
    pub compared: Compared,
    /// No peer can be asked for this number.
    pub alone: Option<BlockNumber>,
    /// When the silent witnesses are asked again.
    pub retry_at: Option<Instant>,
}

/// The reorg that is under way, and what is remembered of earlier ones.
#[derive(Debug, Default)]
pub struct Reorgs {
    /// The target's chain does not meet the stored one.
    pub current: Option<Reorg>,
    /// The ancestor of the last reorg that was followed.
    pub last_ancestor: Option<BlockNumber>,
    /// The last reorg was deeper than the window.
    pub too_deep: Option<TooDeep>,
}

/// A reorg was found to be too deep, and no target was synced since.
#[derive(Clone, Copy, Debug)]
pub struct TooDeep {
    /// The stored head that would have been reverted.
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
