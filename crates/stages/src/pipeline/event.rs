//! What a pipeline tells while it runs, in the order in which it happens.

use alloc::vec::Vec;
use core::time::Duration;

use super::{
    control::ControlFlow,
    progress::StageProgress,
    stage::{StageError, StageId},
};
use header_rules::{block::BlockNumHash, range::BlockNumber};

/// Something to show. Events never ask for anything.
///
/// Of one step upwards: `Prepare`, while it waits `Waiting`, `Run` when its changes are on their way to the store, `Ran`
/// when they are durable. Downwards: `Unwind`, `Unwound`.
#[derive(Clone, Debug, PartialEq)]
pub enum PipelineEvent {
    /// A stage begins a step.
    Prepare {
        /// Which.
        stage: StageId,
        /// Its place, from 1, and how many stages there are.
        place: (usize, usize),
        /// Where it stands.
        checkpoint: Option<BlockNumber>,
        /// How far it may go.
        target: Option<BlockNumber>,
    },
    /// It can do nothing before the next news.
    Waiting {
        /// Which.
        stage: StageId,
    },
    /// Its changes are on their way to the store.
    Run {
        /// Which.
        stage: StageId,
        /// Where it will stand.
        checkpoint: Option<BlockNumber>,
    },
    /// They are durable.
    Ran {
        /// Which.
        stage: StageId,
        /// Where it stands.
        checkpoint: Option<BlockNumber>,
        /// It has nothing to do until its target moves.
        done: bool,
    },
    /// A stage has nothing to do in this pass, or nothing to take back.
    Skipped {
        /// Which.
        stage: StageId,
        /// Where it stands.
        checkpoint: Option<BlockNumber>,
    },
    /// A stage is taken back.
    Unwind {
        /// Which.
        stage: StageId,
        /// Where it stands.
        checkpoint: Option<BlockNumber>,
        /// Highest block kept.
        to: BlockNumber,
        /// The block that made it necessary.
        bad_block: Option<BlockNumHash>,
    },
    /// A part of it, or all, is durable.
    Unwound {
        /// Which.
        stage: StageId,
        /// Where it stands.
        checkpoint: Option<BlockNumber>,
    },
    /// A stage, or the store on its behalf, failed.
    Error {
        /// Which.
        stage: StageId,
        /// How.
        error: StageError,
        /// It is tried again after this time.
        retry_in: Option<Duration>,
    },
    /// A pass, or an unwind, is over.
    Pass(ControlFlow),
    /// After a step, not more often than [`PipelineConfig::progress_every`](crate::config::PipelineConfig).
    Progress(Vec<StageProgress>),
}
