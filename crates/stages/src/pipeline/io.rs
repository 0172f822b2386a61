//! The interface of a pipeline: its inputs and outputs.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    control::{ControlFlow, PipelineError},
    event::PipelineEvent,
    stage::{Change, HeaderRows, News, StageCheckpoint, StageId},
};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{checkpoint::Checkpoint, fault::StoreFailure, time::Instant};

/// Id of a read or a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u64);

/// Input: an event of the host.
#[derive(Clone, Debug)]
pub enum PipelineInput {
    /// News for the stages. Starts a pass if none is in progress.
    News(News),
    /// Result of a [`PipelineOutput::Read`].
    Headers {
        /// Id of the read.
        id: StepId,
        /// Rising, from the first stored number of the range up to the first gap; the store may return fewer.
        rows: Result<HeaderRows, StoreFailure>,
    },
    /// A commit is durable.
    Committed {
        /// Id of the commit.
        id: StepId,
    },
    /// A commit failed; nothing of it was stored.
    CommitFailed {
        /// Id of the commit.
        id: StepId,
        /// The failure of the store.
        failure: StoreFailure,
    },
    /// Remove everything above `to`.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The sync machine's checkpoint afterwards, if the machine requests the unwind.
        checkpoint: Option<Checkpoint>,
    },
    /// End as soon as no write is in progress.
    Shutdown,
    /// Only time has passed.
    Timeout,
}

/// Output: a command to the host, or an event.
#[derive(Debug)]
pub enum PipelineOutput {
    /// Read these headers and respond with [`PipelineInput::Headers`].
    Read {
        /// Id for the response.
        id: StepId,
        /// Numbers to read.
        range: BlockRange,
    },
    /// Store this in one transaction, then respond with [`PipelineInput::Committed`] or
    /// [`PipelineInput::CommitFailed`].
    Commit(Commit),
    /// An event, for information only.
    Event(PipelineEvent),
    /// More work is ready: poll again, after a pause if the host needs one.
    Working,
    /// The pipeline has ended.
    Ended(Result<ControlFlow, PipelineError>),
    /// Drained. Poll again after the next input, or at this time.
    Timeout(Option<Instant>),
}

/// One transaction of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Id for the response.
    pub id: StepId,
    /// Stage of the changes.
    pub stage: StageId,
    /// Changes, to be applied in this order.
    pub changes: Arc<Vec<Change>>,
    /// Checkpoint of the stage afterwards.
    pub checkpoint: StageCheckpoint,
    /// Mark of an unwind in progress, replaces the stored mark: the highest block kept.
    pub unwinding: Option<BlockNumber>,
}

/// Stored state of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineState {
    /// Checkpoints by stage. Those of other stages are kept.
    pub checkpoints: BTreeMap<StageId, StageCheckpoint>,
    /// Mark of an interrupted unwind.
    pub unwinding: Option<BlockNumber>,
}

impl PipelineState {
    /// Applies a commit, as the store does.
    pub fn apply(&mut self, commit: &Commit) {
        self.checkpoints.insert(commit.stage, commit.checkpoint.clone());
        self.unwinding = commit.unwinding;
    }
}
