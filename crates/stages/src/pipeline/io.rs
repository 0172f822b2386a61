//! What goes into a pipeline and what comes out of it, on one page.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    control::{ControlFlow, PipelineError},
    event::PipelineEvent,
    stage::{Change, HeaderRows, News, StageCheckpoint, StageId},
};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{checkpoint::Checkpoint, fault::StoreFailure, time::Instant};

/// A read or a commit; comes back with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u64);

/// What happened in the world.
#[derive(Clone, Debug)]
pub enum PipelineInput {
    /// Something that stages want to know. Begins a pass if none is under way.
    News(News),
    /// The answer to [`PipelineOutput::Read`].
    Headers {
        /// Of the read.
        id: StepId,
        /// Rising, from the first stored number of the range up to the first gap, as many as the store likes.
        rows: Result<HeaderRows, StoreFailure>,
    },
    /// A commit is durable.
    Committed {
        /// Of the commit.
        id: StepId,
    },
    /// A commit was not stored; nothing of it was.
    CommitFailed {
        /// Of the commit.
        id: StepId,
        /// Why.
        failure: StoreFailure,
    },
    /// Take everything above `to` back.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// The sync machine's checkpoint afterwards, when it is the machine that asks.
        checkpoint: Option<Checkpoint>,
    },
    /// End at the next moment at which nothing is half stored.
    Shutdown,
    /// Nothing but time.
    Timeout,
}

/// What the host must do, or may show.
#[derive(Debug)]
pub enum PipelineOutput {
    /// Read these headers and answer with [`PipelineInput::Headers`].
    Read {
        /// Comes back with the answer.
        id: StepId,
        /// Which.
        range: BlockRange,
    },
    /// Store this in one transaction, then answer [`PipelineInput::Committed`] or [`PipelineInput::CommitFailed`].
    Commit(Commit),
    /// Something to show.
    Event(PipelineEvent),
    /// There is more to do at once: ask again, after a breath if the host needs one.
    Working,
    /// The end. Nothing follows.
    Ended(Result<ControlFlow, PipelineError>),
    /// Drained. Call again with the next input, or at this moment.
    Timeout(Option<Instant>),
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Comes back with the answer.
    pub id: StepId,
    /// Whose.
    pub stage: StageId,
    /// In this order.
    pub changes: Arc<Vec<Change>>,
    /// The stage's checkpoint afterwards.
    pub checkpoint: StageCheckpoint,
    /// The mark of an unwind under way, to be stored in place of the one that is there: the highest block kept.
    pub unwinding: Option<BlockNumber>,
}

/// What the store holds of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineState {
    /// Checkpoints by stage. Those of stages that are not run stay as they are.
    pub checkpoints: BTreeMap<StageId, StageCheckpoint>,
    /// The mark of an unwind that was interrupted.
    pub unwinding: Option<BlockNumber>,
}

impl PipelineState {
    /// What the store holds after a commit.
    pub fn apply(&mut self, commit: &Commit) {
        self.checkpoints.insert(commit.stage, commit.checkpoint.clone());
        self.unwinding = commit.unwinding;
    }
}
