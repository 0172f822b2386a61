//! The result of a pass, and what an error leads to.

use alloc::string::String;
use alloy_primitives::B256;

use super::stage::{StageError, StageId};
use header_rules::{block::BlockNumHash, range::BlockNumber};
use sync_core::fault::StoreFailure;

/// Result of a pass over all stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlFlow {
    /// The checkpoint of a stage has moved: the next pass follows at once.
    Continue {
        /// Checkpoint of the last stage.
        block: Option<BlockNumber>,
    },
    /// No stage had work: the next pass follows the next news.
    NoProgress {
        /// Checkpoint of the last stage.
        block: Option<BlockNumber>,
    },
    /// Stages were unwound; the next pass follows at once.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The block that caused the unwind, if a block did.
        bad_block: Option<BlockNumHash>,
    },
    /// Every stage has reached [`PipelineConfig::max_block`](crate::config::PipelineConfig::max_block): the end.
    Finished {
        /// Lowest checkpoint of all stages.
        block: BlockNumber,
    },
    /// The host requested the end.
    Shutdown,
}

/// Why the pipeline ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// A stage cannot continue.
    #[error("stage {stage}: {error}")]
    Stage {
        /// The stage.
        stage: StageId,
        /// Its error.
        error: StageError,
    },
    /// All retries of a step failed.
    #[error("stage {stage} failed {tries} times in a row, last error: {error}")]
    RetriesExhausted {
        /// The stage.
        stage: StageId,
        /// Number of attempts.
        tries: u32,
        /// The last error.
        error: StageError,
    },
    /// The store failed, and a retry would not help.
    #[error("store: {0}")]
    Store(StoreFailure),
    /// An unwind is necessary, and [`PipelineConfig::fail_on_unwind`](crate::config::PipelineConfig::fail_on_unwind) is
    /// set.
    #[error("an unwind to block {to} is necessary, and not allowed")]
    UnexpectedUnwind {
        /// Highest block that would have been kept.
        to: BlockNumber,
    },
    /// The unwind needs data that was pruned.
    #[error("cannot unwind to block {to}: data below block {pruned_below} was pruned")]
    UnwindTargetPruned {
        /// Highest block that would have been kept.
        to: BlockNumber,
        /// Lowest block with data.
        pruned_below: BlockNumber,
    },
    /// The target descends from another genesis.
    #[error("wrong network: genesis is {expected}, the target descends from {got}")]
    WrongNetwork {
        /// Genesis of the target's chain.
        got: B256,
        /// Stored hash of block 0.
        expected: B256,
    },
    /// The same block was found invalid again, after it was removed and fetched again.
    #[error("block {} ({}) is invalid again: {reason}", block.number, block.hash)]
    SameBadBlock {
        /// The block.
        block: BlockNumHash,
        /// The broken rule.
        reason: String,
    },
    /// A stage broke its contract.
    #[error("stage {stage} broke its contract: {what}")]
    BrokenStage {
        /// The stage.
        stage: StageId,
        /// The broken rule of the contract.
        what: &'static str,
    },
}

/// Consequence of a stage's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triage {
    /// Unwind every stage to this block.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The block that caused the unwind.
        bad_block: Option<BlockNumHash>,
    },
    /// Wait until the host requests an unwind: the sync machine searches the block that both chains share
    /// (`sync_core::follow::AncestorSearch`), and the pipeline removes nothing before the machine has found it.
    AwaitUnwind,
    /// Retry the stage after a pause.
    Retry {
        /// Without a limit, because the user must act first (a full disk).
        for_ever: bool,
    },
    /// The pipeline ends.
    Stop,
}

/// What an error of a stage with this checkpoint leads to. `first` is the lowest block of the store.
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
        StageError::DetachedHead { local, .. } if local.number > 0 => Triage::AwaitUnwind,
        StageError::DetachedHead { .. }
        | StageError::Store(StoreFailure::Damaged(_))
        | StageError::ChannelClosed
        | StageError::Fatal(_) => Triage::Stop,
    }
}
