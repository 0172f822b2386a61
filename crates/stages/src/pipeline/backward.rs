//! An unwind: every stage is taken back to one block, the last stage first, because it was built upon the others.
//!
//! The first write marks the store ([`PipelineState::unwinding`](super::PipelineState)), the last one removes the mark: a
//! session that finds it ends the unwind before it does anything else.

use alloc::sync::Arc;

use super::{
    Commit, ControlFlow, Pipeline, PipelineError, PipelineEvent, StageError, Work,
    forward::Forward,
    pending::CommitKind,
    stage::{Step, UnwindInput},
};
use header_rules::{block::BlockNumHash, range::BlockNumber};
use sync_core::{fault::StoreFailure, time::Instant};

/// An unwind under way.
#[derive(Debug)]
pub(super) struct Backward {
    to: BlockNumber,
    bad_block: Option<BlockNumHash>,
    /// Stages from here on are taken back; the one before is next.
    pub at: usize,
    is_begun: bool,
    /// The first stage takes part although it does not stand above `to`: the sync machine waits for it.
    is_forced: bool,
}

impl Backward {
    pub(super) fn new(to: BlockNumber, bad_block: Option<BlockNumHash>, stages: usize, is_forced: bool) -> Self {
        Self { to, bad_block, at: stages, is_begun: false, is_forced }
    }
}

impl Pipeline {
    /// Would an unwind remove anything?
    pub(super) fn is_anything_above(&self, to: BlockNumber) -> bool {
        self.slots.iter().any(|slot| slot.checkpoint.block > Some(to))
    }

    pub(super) fn begin_unwind(&mut self, to: BlockNumber, bad_block: Option<BlockNumHash>, is_forced: bool) {
        self.reset_stages();
        let deeper = match &self.work {
            Work::Backward(before) => before.to.min(to),
            _ => to,
        };
        let forced_before = matches!(&self.work, Work::Backward(before) if before.is_forced);
        if self.is_anything_above(deeper) && self.config.fail_on_unwind {
            self.end(Err(PipelineError::UnexpectedUnwind { to: deeper }));
            return;
        }
        if let Some(pruned_below) = self.config.pruned_below.filter(|pruned| deeper.saturating_add(1) < *pruned) {
            self.end(Err(PipelineError::UnwindTargetPruned { to: deeper, pruned_below }));
            return;
        }
        let stages = self.slots.len();
        self.work = Work::Backward(Backward::new(deeper, bad_block, stages, is_forced || forced_before));
    }

    /// One step; `true` when the stage has more to do at once.
    pub(super) fn step_backward(&mut self, now: Instant) -> bool {
        let Work::Backward(backward) = &mut self.work else { return false };
        let (to, bad_block) = (backward.to, backward.bad_block);
        let Some(at) = backward.at.checked_sub(1) else {
            self.event(PipelineEvent::Pass(ControlFlow::Unwind { to, bad_block }));
            self.work = Work::Forward(Forward::default());
            return false;
        };
        let is_forced = at == 0 && backward.is_forced;
        let slot = &mut self.slots[at];
        let (stage, checkpoint) = (slot.stage.id(), slot.checkpoint.block);
        if !backward.is_begun {
            if checkpoint <= Some(to) && !is_forced {
                backward.at = at;
                self.event(PipelineEvent::Skipped { stage, checkpoint });
                return false;
            }
            backward.is_begun = true;
            self.step_since = now;
            self.event(PipelineEvent::Unwind { stage, checkpoint, to, bad_block });
            return false;
        }
        let read = self.answer.take();
        let first = self.config.first;
        match slot.stage.unwind(UnwindInput { now, first, to, checkpoint: &slot.checkpoint, bad_block, read }) {
            // Half taken back is no state to go on from; only a store that waits for its user is waited for.
            Err(error @ StageError::Store(StoreFailure::Full | StoreFailure::Locked)) => self.note_error(now, error),
            Err(error) => {
                self.event(PipelineEvent::Error { stage, error: error.clone(), retry_in: None });
                self.reset_stages();
                self.end(Err(PipelineError::Stage { stage, error }));
            }
            Ok(Step::Working) => return true,
            Ok(Step::Waiting) => {
                self.waiting = true;
                self.event(PipelineEvent::Waiting { stage });
            }
            Ok(Step::Read(range)) => self.ask(range),
            Ok(Step::Commit { changes, output }) => {
                let after = output.checkpoint;
                if after.block >= checkpoint && !is_forced {
                    self.end(Err(PipelineError::BrokenStage { stage, what: "unwinding did not lower its checkpoint" }));
                    return false;
                }
                let waits_for_first = at > 0 && backward.is_forced;
                let is_below = |block: Option<BlockNumber>| block <= Some(to);
                let is_last = !waits_for_first
                    && is_below(after.block)
                    && self.slots[..at].iter().all(|slot| is_below(slot.checkpoint.block));
                let commit = Commit {
                    id: self.step_id(),
                    stage,
                    changes: Arc::new(changes),
                    checkpoint: after,
                    unwinding: (!is_last).then_some(to),
                };
                self.hand_out(now, commit, at, CommitKind::Unwind);
            }
        }
        false
    }

    /// A step downwards is durable.
    pub(super) fn after_unwind(&mut self, at: usize) {
        let (stage, checkpoint) = (self.slots[at].stage.id(), self.slots[at].checkpoint.block);
        self.event(PipelineEvent::Unwound { stage, checkpoint });
        let Work::Backward(backward) = &mut self.work else { return };
        backward.is_begun = false;
        if checkpoint <= Some(backward.to) {
            backward.at = at;
        }
    }
}
