//! The read or commit in progress, its result, and retries.

use core::time::Duration;

use super::{
    Commit, PipelineError, PipelineEvent, PipelineOutput, StageError, StepId,
    control::{Triage, triage},
    stage::HeaderRows,
    state::{Backward, CommitKind, Pending, Pipeline, Work},
};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{
    fault::StoreFailure,
    progress::Meter,
    time::{Instant, doubled},
};

impl Pipeline {
    pub(super) fn ask(&mut self, range: BlockRange) {
        let id = self.step_id();
        self.pending = Some(Pending::Read { id });
        self.out.push_back(PipelineOutput::Read { id, range });
    }

    pub(super) fn hand_out(&mut self, now: Instant, commit: Commit, at: usize, kind: CommitKind) {
        self.out.push_back(PipelineOutput::Commit(commit.clone()));
        self.pending = Some(Pending::Commit { commit, at, kind, since: now, retry_at: None, failures: 0 });
    }

    pub(super) fn step_id(&mut self) -> StepId {
        self.next_id += 1;
        StepId(self.next_id)
    }

    /// Is a response of the host pending, and until when? An unwanted read is dropped; a commit never is.
    pub(super) fn poll_pending(&mut self, now: Instant) -> Option<Option<Instant>> {
        let is_unwanted = self.shutdown || self.wanted.is_some();
        match &mut self.pending {
            None => None,
            Some(Pending::Read { .. }) if is_unwanted => {
                self.pending = None;
                None
            }
            Some(Pending::Read { .. }) => Some(None),
            // The commit failed, so nothing of it is stored.
            Some(Pending::Commit { retry_at: Some(_), .. }) if is_unwanted => {
                self.pending = None;
                None
            }
            Some(Pending::Commit { commit, retry_at, .. }) => {
                if retry_at.is_some_and(|at| at <= now) {
                    *retry_at = None;
                    let again = commit.clone();
                    self.out.push_back(PipelineOutput::Commit(again));
                    return None;
                }
                Some(*retry_at)
            }
        }
    }

    pub(super) fn note_headers(&mut self, now: Instant, id: StepId, rows: Result<HeaderRows, StoreFailure>) {
        if !matches!(self.pending, Some(Pending::Read { id: asked }) if asked == id) {
            return;
        }
        self.pending = None;
        match rows {
            Ok(rows) => self.rows = Some(rows),
            Err(failure) => self.note_error(now, StageError::Store(failure)),
        }
    }

    pub(super) fn note_committed(&mut self, now: Instant, id: StepId) {
        match self.pending.take() {
            Some(Pending::Commit { commit, at, kind, since, .. }) if commit.id == id => {
                self.slots[at].report.note_commit(now.saturating_since(since));
                self.note_stored(now, at, commit.checkpoint, kind);
            }
            other => self.pending = other,
        }
    }

    /// A stage has a new checkpoint.
    pub(super) fn note_stored(
        &mut self,
        now: Instant,
        at: usize,
        checkpoint: super::StageCheckpoint,
        kind: CommitKind,
    ) {
        let slot = &mut self.slots[at];
        let next = |block: Option<BlockNumber>| block.map_or(0, |block| block.saturating_add(1)).max(self.config.first);
        let (before, after) = (next(slot.checkpoint.block), next(checkpoint.block));
        slot.checkpoint = checkpoint;
        let elapsed = now.saturating_since(self.step_since);
        self.step_since = now;
        self.failures = 0;
        match kind {
            CommitKind::Execute { .. } => {
                slot.meter.add(now, after.saturating_sub(before));
                slot.report.note_run(after.saturating_sub(before), elapsed);
            }
            CommitKind::Unwind => {
                // After an unwind the old rate has no meaning.
                slot.meter = Meter::new();
                slot.report.note_unwind(before.saturating_sub(after));
            }
        }
        let committed = slot.stage.committed();
        match kind {
            CommitKind::Execute { done } => self.after_execute(now, at, done),
            CommitKind::Unwind => self.after_unwind(at),
        }
        if self.progress_at.is_none_or(|at| now.saturating_since(at) >= self.config.progress_every) {
            self.progress_at = Some(now);
            let progress = self.progress(now);
            self.event(PipelineEvent::Progress(progress));
        }
        if let Err(error) = committed {
            self.note_error(now, error);
        }
    }

    pub(super) fn note_commit_failed(&mut self, now: Instant, id: StepId, failure: StoreFailure) {
        let limits = (self.config.retry_start, self.config.retry_max);
        let Some(Pending::Commit { commit, retry_at, failures, .. }) = &mut self.pending else { return };
        if commit.id != id || retry_at.is_some() {
            return;
        }
        let stage = commit.stage;
        let is_final = match &failure {
            StoreFailure::Full | StoreFailure::Locked => false,
            StoreFailure::Damaged(_) => true,
            StoreFailure::Other(_) => *failures >= self.config.retries_max,
        };
        if is_final {
            self.pending = None;
            self.reset_stages();
            self.end(Err(PipelineError::Store(failure)));
            return;
        }
        let pause = doubled(limits.0, *failures, limits.1);
        *failures = failures.saturating_add(1);
        *retry_at = Some(now + pause);
        self.event(PipelineEvent::Error { stage, error: StageError::Store(failure), retry_in: Some(pause) });
    }

    /// A stage failed. All stages drop what they have gathered.
    pub(super) fn note_error(&mut self, now: Instant, error: StageError) {
        let at = match &self.work {
            Work::Forward(forward) => forward.at.min(self.slots.len() - 1),
            Work::Backward(Backward { at, .. }) => at.saturating_sub(1),
            Work::Idle | Work::Ended => return,
        };
        let slot = &mut self.slots[at];
        slot.report.errors += 1;
        let (stage, checkpoint) = (slot.stage.id(), slot.checkpoint.block);
        self.reset_stages();
        let first = self.config.first;
        let wanted = triage(first, checkpoint, &error);
        if let StageError::DetachedHead { local, expected } = error
            && local.number == 0
        {
            self.event(PipelineEvent::Error { stage, error, retry_in: None });
            self.end(Err(PipelineError::WrongNetwork { got: expected, expected: local.hash }));
            return;
        }
        if let StageError::InvalidBlock { block, reason } = &error {
            if self.bad_block == Some(*block) {
                self.event(PipelineEvent::Error { stage, error: error.clone(), retry_in: None });
                let reason = reason.clone();
                self.end(Err(PipelineError::SameBadBlock { block: *block, reason }));
                return;
            }
            self.bad_block = Some(*block);
        }
        let is_backward = matches!(self.work, Work::Backward(_));
        match wanted {
            // An unwind that removes nothing would cause the same error again at once.
            Triage::Unwind { to, bad_block } if !is_backward && self.is_anything_above(to) => {
                self.event(PipelineEvent::Error { stage, error, retry_in: None });
                self.begin_unwind(to, bad_block, false);
            }
            Triage::AwaitUnwind if !is_backward => {
                self.event(PipelineEvent::Error { stage, error, retry_in: None });
                self.waiting = true;
            }
            Triage::Unwind { .. } | Triage::AwaitUnwind => self.retry(now, stage, error, false),
            Triage::Retry { for_ever } => self.retry(now, stage, error, for_ever),
            Triage::Stop => {
                self.event(PipelineEvent::Error { stage, error: error.clone(), retry_in: None });
                self.end(Err(PipelineError::Stage { stage, error }));
            }
        }
    }

    fn retry(&mut self, now: Instant, stage: super::StageId, error: StageError, for_ever: bool) {
        let tries = self.failures.saturating_add(1);
        if !for_ever && tries > self.config.retries_max {
            self.event(PipelineEvent::Error { stage, error: error.clone(), retry_in: None });
            self.end(Err(PipelineError::RetriesExhausted { stage, tries, error }));
            return;
        }
        let pause: Duration = doubled(self.config.retry_start, self.failures, self.config.retry_max);
        self.failures = tries;
        self.retry_at = Some(now + pause);
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.stage.id() == stage) {
            slot.report.retries += 1;
        }
        self.event(PipelineEvent::Error { stage, error, retry_in: Some(pause) });
    }
}
