//! Events of a pipeline, in the order in which they happen.

use alloc::vec::Vec;
use core::time::Duration;

use super::{
    control::ControlFlow,
    progress::StageProgress,
    stage::{StageError, StageId},
};
use header_rules::{block::BlockNumHash, range::BlockNumber};

/// An event, for information only.
///
/// A step of a pass: `Prepare`, `Waiting` while it waits, `Run` when its changes are sent to the store, `Ran` when they
/// are durable. A step of an unwind: `Unwind`, `Unwound`.
#[derive(Clone, Debug, PartialEq)]
pub enum PipelineEvent {
    /// A stage begins a step.
    Prepare {
        /// The stage.
        stage: StageId,
        /// Index of the stage, from 1, and the number of stages.
        place: (usize, usize),
        /// Its checkpoint.
        checkpoint: Option<BlockNumber>,
        /// Highest block of the step.
        target: Option<BlockNumber>,
    },
    /// A stage waits for news.
    Waiting {
        /// The stage.
        stage: StageId,
    },
    /// The changes of a stage are sent to the store.
    Run {
        /// The stage.
        stage: StageId,
        /// Its checkpoint afterwards.
        checkpoint: Option<BlockNumber>,
    },
    /// The changes are durable.
    Ran {
        /// The stage.
        stage: StageId,
        /// Its checkpoint.
        checkpoint: Option<BlockNumber>,
        /// The stage has no work until its target moves.
        done: bool,
    },
    /// A stage has no work in this pass, or nothing to unwind.
    Skipped {
        /// The stage.
        stage: StageId,
        /// Its checkpoint.
        checkpoint: Option<BlockNumber>,
    },
    /// An unwind of a stage begins.
    Unwind {
        /// The stage.
        stage: StageId,
        /// Its checkpoint.
        checkpoint: Option<BlockNumber>,
        /// Highest block kept.
        to: BlockNumber,
        /// The block that caused the unwind.
        bad_block: Option<BlockNumHash>,
    },
    /// A part of the unwind, or all of it, is durable.
    Unwound {
        /// The stage.
        stage: StageId,
        /// Its checkpoint.
        checkpoint: Option<BlockNumber>,
    },
    /// A stage, or a write of its changes, failed.
    Error {
        /// The stage.
        stage: StageId,
        /// Its error.
        error: StageError,
        /// Pause before the retry; `None`: no retry.
        retry_in: Option<Duration>,
    },
    /// A pass, or an unwind, has ended.
    Pass(ControlFlow),
    /// Progress after a step, at most once per [`PipelineConfig::progress_every`](crate::config::PipelineConfig).
    Progress(Vec<StageProgress>),
}
