//! What a pass of the pipeline came to, what an error leads to, and how deep an unwind goes.

use alloc::string::String;
use alloy_primitives::B256;

use super::stage::{StageError, StageId};
use crate::config::PipelineConfig;
use header_rules::{block::BlockNumHash, range::BlockNumber};
use sync_core::fault::StoreFailure;

/// What a pass over all stages came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlFlow {
    /// A stage moved its checkpoint: the next pass follows at once.
    Continue {
        /// Checkpoint of the last stage.
        block: Option<BlockNumber>,
    },
    /// No stage had anything to do: the next pass follows the next news.
    NoProgress {
        /// Checkpoint of the last stage.
        block: Option<BlockNumber>,
    },
    /// Stages were taken back; the next pass follows at once.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The block that made it necessary, when one did.
        bad_block: Option<BlockNumHash>,
    },
    /// Every stage came to [`PipelineConfig::max_block`]: the end.
    Finished {
        /// Checkpoint of the stage that is behind all others.
        block: BlockNumber,
    },
    /// The host asked for the end.
    Shutdown,
}

/// Why the pipeline ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// A stage cannot go on.
    #[error("stage {stage}: {error}")]
    Stage {
        /// Which.
        stage: StageId,
        /// Why.
        error: StageError,
    },
    /// A step failed as often as it may.
    #[error("stage {stage} failed {tries} times in a row, at last: {error}")]
    RetriesExhausted {
        /// Whose.
        stage: StageId,
        /// How often.
        tries: u32,
        /// The last time.
        error: StageError,
    },
    /// The store failed in a way that no repetition mends.
    #[error("store: {0}")]
    Store(StoreFailure),
    /// An unwind became necessary and the host will not have one.
    #[error("an unwind to block {to} became necessary")]
    UnexpectedUnwind {
        /// Highest block that would have been kept.
        to: BlockNumber,
    },
    /// What an unwind so deep needs was given up.
    #[error("cannot unwind to block {to}: data below block {pruned_below} was given up")]
    UnwindTargetPruned {
        /// Highest block that would have been kept.
        to: BlockNumber,
        /// What is left begins here.
        pruned_below: BlockNumber,
    },
    /// The chain under the target differs down to genesis: the target lies on another network.
    #[error("wrong network: genesis is {expected}, the target descends from {got}")]
    WrongNetwork {
        /// What the target descends from.
        got: B256,
        /// What is stored at height 0.
        expected: B256,
    },
    /// The same block was found invalid again after it had been removed and fetched anew.
    #[error("block {} ({}) is invalid again: {reason}", block.number, block.hash)]
    SameBadBlock {
        /// Which.
        block: BlockNumHash,
        /// What is wrong with it.
        reason: String,
    },
    /// A stage broke its contract.
    #[error("stage {stage} broke its contract: {what}")]
    BrokenStage {
        /// Which.
        stage: StageId,
        /// How.
        what: &'static str,
    },
}

/// What an error of a stage leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triage {
    /// Take every stage back to this block.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The block that made it necessary.
        bad_block: Option<BlockNumHash>,
    },
    /// Try the stage again after a pause; with a limit or without.
    Retry {
        /// Waits for the user (a full disk), so it is tried for ever.
        for_ever: bool,
    },
    /// The pipeline ends.
    Stop,
}

/// The unwinds that a detached head led to, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetachedHeads {
    /// Where the last one led to.
    to: Option<BlockNumber>,
    attempts: u32,
}

impl DetachedHeads {
    /// The block to keep when `local` does not meet the chain above: [`PipelineConfig::unwind_depth_start`] below it, and
    /// twice as deep each time that the head which the last unwind left does not meet it either. A fork of depth `d` is
    /// resolved in about `log2(d)` attempts. `None`: nothing is left to remove, genesis itself differs.
    pub fn unwind_to(&mut self, config: &PipelineConfig, local: BlockNumber) -> Option<BlockNumber> {
        self.attempts = if self.to.is_some_and(|to| local <= to) { self.attempts.saturating_add(1) } else { 1 };
        let depth = config.unwind_depth_start.max(1).saturating_mul(1 << (self.attempts - 1).min(62));
        let lowest = match config.first.checked_sub(1) {
            Some(below) => below,
            None if local == 0 => return None,
            None => 0,
        };
        let to = local.saturating_sub(depth).max(lowest);
        self.to = Some(to);
        Some(to)
    }
}

/// Sorts an error of a stage that stands at `checkpoint`. A detached head is the pipeline's own matter: it needs to know
/// the unwinds before.
pub fn triage(first: BlockNumber, checkpoint: Option<BlockNumber>, error: &StageError) -> Triage {
    match error {
        StageError::InvalidBlock { block, .. } => {
            let below = block.number.saturating_sub(1);
            let to = checkpoint.map_or(first.saturating_sub(1), |checkpoint| checkpoint.min(below));
            Triage::Unwind { to, bad_block: Some(*block) }
        }
        StageError::MissingData { block } => Triage::Unwind { to: block.saturating_sub(1), bad_block: None },
        StageError::Store(StoreFailure::Full | StoreFailure::Locked) => Triage::Retry { for_ever: true },
        StageError::Store(StoreFailure::Other(_)) | StageError::Recoverable(_) => Triage::Retry { for_ever: false },
        StageError::DetachedHead { .. }
        | StageError::Store(StoreFailure::Damaged(_))
        | StageError::ChannelClosed
        | StageError::Fatal(_) => Triage::Stop,
    }
}
