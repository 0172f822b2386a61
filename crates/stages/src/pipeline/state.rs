//! The state of a pipeline, apart from its decisions: the stages, the pass or the unwind under way, and what the host
//! has.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::fmt;

use super::{
    control::{ControlFlow, PipelineError},
    event::PipelineEvent,
    io::{Commit, PipelineOutput, StepId},
    progress::PipelineProgress,
    report::StageReport,
    stage::{HeaderRows, Stage, StageCheckpoint},
};
use crate::config::PipelineConfig;
use header_rules::{block::BlockNumHash, range::BlockNumber};
use sync_core::{progress::Meter, time::Instant};

/// A stage with its checkpoint and its figures.
pub(super) struct Slot {
    pub(super) stage: Box<dyn Stage>,
    pub(super) checkpoint: StageCheckpoint,
    pub(super) meter: Meter,
    pub(super) report: StageReport,
}

/// What the pipeline is doing.
#[derive(Debug)]
pub(super) enum Work {
    /// Nothing until the next news.
    Idle,
    Forward(Forward),
    Backward(Backward),
    Ended,
}

/// Runs stages. See the [module](super).
pub struct Pipeline {
    pub(super) config: PipelineConfig,
    pub(super) slots: Vec<Slot>,
    pub(super) work: Work,
    /// The read or the commit in progress at the host.
    pub(super) pending: Option<Pending>,
    /// Rows of the last read, until the stage takes them.
    pub(super) rows: Option<HeaderRows>,
    /// The stage waits for news.
    pub(super) waiting: bool,
    /// When the stage is retried.
    pub(super) retry_at: Option<Instant>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// An unwind that the host requested: the highest block kept, and whether the first stage takes part in any case.
    pub(super) wanted: Option<(BlockNumber, bool)>,
    pub(super) shutdown: bool,
    pub(super) bad_block: Option<BlockNumHash>,
    pub(super) next_id: u64,
    /// Start of the current step, without the time that it waited for news.
    pub(super) step_since: Instant,
    pub(super) progress_at: Option<Instant>,
    pub(super) started: Option<Instant>,
    pub(super) out: VecDeque<PipelineOutput>,
}

/// A pass: every stage in order.
#[derive(Debug, Default)]
pub(super) struct Forward {
    /// Index of the current stage.
    pub(super) at: usize,
    /// The step of this stage has begun.
    pub(super) is_begun: bool,
    /// A checkpoint has moved in this pass.
    pub(super) is_changed: bool,
    pub(super) progress: PipelineProgress,
}

/// An unwind: every stage in reverse order.
#[derive(Debug)]
pub(super) struct Backward {
    pub(super) to: BlockNumber,
    pub(super) bad_block: Option<BlockNumHash>,
    /// Stages from this index on are unwound.
    pub(super) at: usize,
    pub(super) is_begun: bool,
    /// The first stage takes part even if its checkpoint is not above `to`, because the sync machine waits for it.
    pub(super) is_forced: bool,
}

impl Backward {
    pub(super) fn new(to: BlockNumber, bad_block: Option<BlockNumHash>, stages: usize, is_forced: bool) -> Self {
        Self { to, bad_block, at: stages, is_begun: false, is_forced }
    }
}

/// The read or the commit that the host has.
#[derive(Debug)]
pub(super) enum Pending {
    Read {
        id: StepId,
    },
    Commit {
        commit: Commit,
        /// Index of its stage.
        at: usize,
        kind: CommitKind,
        since: Instant,
        /// When the commit is retried after a failure.
        retry_at: Option<Instant>,
        /// Failures in a row.
        failures: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitKind {
    Execute { done: bool },
    Unwind,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = self.slots.iter().map(|slot| (slot.stage.id(), slot.checkpoint.block));
        f.debug_struct("Pipeline")
            .field("work", &self.work)
            .field("pending", &self.pending)
            .field("waiting", &self.waiting)
            .field("stages", &stages.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Makes every stage drop what it has gathered and not stored.
    pub(super) fn reset_stages(&mut self) {
        self.rows = None;
        self.waiting = false;
        self.retry_at = None;
        for slot in &mut self.slots {
            if let Err(error) = slot.stage.reset() {
                let stage = slot.stage.id();
                self.out.push_back(PipelineOutput::Event(PipelineEvent::Error { stage, error, retry_in: None }));
            }
        }
    }

    pub(super) fn end(&mut self, outcome: Result<ControlFlow, PipelineError>) {
        self.work = Work::Ended;
        self.wanted = None;
        self.out.push_back(PipelineOutput::Ended(outcome));
    }

    pub(super) fn event(&mut self, event: PipelineEvent) {
        self.out.push_back(PipelineOutput::Event(event));
    }
}
