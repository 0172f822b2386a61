//! A pass: every stage in order until it is done, each up to the checkpoint of the one before it.

use alloc::sync::Arc;

use super::{
    Commit, ControlFlow, PipelineError, PipelineEvent,
    stage::{ExecInput, ExecOutput, Step},
    state::{CommitKind, Forward, Pipeline, Work},
};
use crate::config::STAGE_DATA_BYTES_MAX;
use header_rules::range::BlockNumber;
use sync_core::time::Instant;

impl Pipeline {
    /// One step; `true` if the stage has more to do at once.
    pub(super) fn step_forward(&mut self, now: Instant) -> bool {
        let Work::Forward(forward) = &mut self.work else { return false };
        let at = forward.at;
        if at == self.slots.len() {
            self.end_pass();
            return false;
        }
        let max_block = self.config.max_block;
        let below = at.checked_sub(1).map(|below| self.slots[below].checkpoint.block);
        let target = match below {
            None => max_block,
            Some(below) => below.map(|below| max_block.map_or(below, |max| max.min(below))),
        };
        let places = self.slots.len();
        let slot = &mut self.slots[at];
        let (stage, checkpoint) = (slot.stage.id(), slot.checkpoint.block);
        if !forward.is_begun {
            let is_far_enough = !slot.checkpoint.is_partial && max_block.is_some_and(|max| checkpoint >= Some(max));
            // A stage has no work while the stage before it has no data.
            if is_far_enough || below == Some(None) {
                forward.progress.note(checkpoint);
                forward.at += 1;
                self.event(PipelineEvent::Skipped { stage, checkpoint });
                return false;
            }
            forward.is_begun = true;
            self.step_since = now;
            self.event(PipelineEvent::Prepare { stage, place: (at + 1, places), checkpoint, target });
            return false;
        }
        let read = self.rows.take();
        let input = ExecInput { now, first: self.config.first, target, checkpoint: &slot.checkpoint, read };
        match slot.stage.execute(input) {
            Err(error) => self.note_error(now, error),
            Ok(Step::Working) => return true,
            Ok(Step::Waiting) => self.wait(at),
            Ok(Step::Read(range)) => self.ask(range),
            Ok(Step::Commit { changes, output }) => {
                if let Some(what) = breach(checkpoint, &output) {
                    self.end(Err(PipelineError::BrokenStage { stage, what }));
                    return false;
                }
                let ExecOutput { checkpoint: after, done } = output;
                let is_same = after == slot.checkpoint;
                if let Work::Forward(forward) = &mut self.work {
                    forward.is_changed |= !is_same;
                }
                self.event(PipelineEvent::Run { stage, checkpoint: after.block });
                let kind = CommitKind::Execute { done };
                if is_same && changes.is_empty() {
                    self.note_stored(now, at, after, kind);
                    if !done && self.is_at(at) {
                        // Another call would return the same.
                        self.wait(at);
                    }
                    return false;
                }
                let changes = Arc::new(changes);
                let commit = Commit { id: self.step_id(), stage, changes, checkpoint: after, unwinding: None };
                self.hand_out(now, commit, at, kind);
            }
        }
        false
    }

    /// A step is durable.
    pub(super) fn after_execute(&mut self, _now: Instant, at: usize, done: bool) {
        let (stage, checkpoint) = (self.slots[at].stage.id(), self.slots[at].checkpoint.block);
        self.event(PipelineEvent::Ran { stage, checkpoint, done });
        let Work::Forward(forward) = &mut self.work else { return };
        forward.is_begun = false;
        if done {
            forward.progress.note(checkpoint);
            forward.at += 1;
        }
    }

    fn is_at(&self, at: usize) -> bool {
        matches!(&self.work, Work::Forward(forward) if forward.at == at)
    }

    fn wait(&mut self, at: usize) {
        self.waiting = true;
        let stage = self.slots[at].stage.id();
        self.event(PipelineEvent::Waiting { stage });
    }

    fn end_pass(&mut self) {
        let Work::Forward(forward) = &self.work else { return };
        let (is_changed, progress) = (forward.is_changed, forward.progress);
        let block = progress.last;
        let flow = if is_changed { ControlFlow::Continue { block } } else { ControlFlow::NoProgress { block } };
        self.event(PipelineEvent::Pass(flow));
        match (self.config.max_block, progress.min) {
            (Some(max), Some(block)) if block >= max => self.end(Ok(ControlFlow::Finished { block })),
            _ if is_changed => self.work = Work::Forward(Forward::default()),
            _ => self.work = Work::Idle,
        }
    }
}

/// Breaches of the stage contract.
fn breach(before: Option<BlockNumber>, output: &ExecOutput) -> Option<&'static str> {
    if output.checkpoint.block < before {
        return Some("executing lowered its checkpoint");
    }
    if output.checkpoint.data.len() > STAGE_DATA_BYTES_MAX {
        return Some("its data is longer than what a checkpoint holds");
    }
    (output.done && output.checkpoint.is_partial).then_some("it is done and not whole")
}
