//! The result of a pass, and what an error leads to.

use alloc::string::String;
use alloy_primitives::B256;

use super::stage::{StageError, StageId};
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
