//! The background audit: what an earlier run stored is read again, segment by segment, from the top down.
//!
//! One step reads and hashes one segment (some 4 ms). It runs only when no write waits, [`IDLE_PAUSE`] after the one before
//! when the sync rests and [`BUSY_PAUSE`] while it works, so that it costs a tenth of one core at most. Damage is dropped by
//! the store, with a new checkpoint in the same transaction; the machine is then made anew from it, and fetches what is
//! missing. The audit runs once for each opening; a look-up that meets damage has the place audited at once.

use std::time::Duration;

use sync_core::{
    Checkpoint, Input, fault::StoreFailure, progress::SyncStage, range::BlockNumber, store::AuditStep, time::Instant,
};

use super::{
    Driver,
    writes::{Write, Written},
};
use crate::error::HostError;

/// Between two steps while the sync rests.
const IDLE_PAUSE: Duration = Duration::from_millis(50);

/// Between two steps while the sync works.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// After a step that failed (not: that found damage).
const FAILURE_PAUSE: Duration = Duration::from_secs(10);

/// Failed steps in a row after which the audit of this opening is given up. Damage is then found when it is read.
const FAILURES_MAX: u32 = 5;

/// Where the audit stands.
#[derive(Debug)]
pub struct Audit {
    /// The next segment, if any is left.
    next: Option<BlockNumber>,
    /// Where a look-up met damage.
    urgent: Option<BlockNumber>,
    due: Option<Instant>,
    running: bool,
    failures: u32,
}

impl Audit {
    /// An audit of everything that `checkpoint` speaks of.
    pub fn new(now: Instant, checkpoint: Option<&Checkpoint>, enabled: bool) -> Self {
        let next =
            checkpoint.filter(|_| enabled).and_then(|checkpoint| checkpoint.subchains.first()).map(|run| run.head);
        let due = next.map(|_| now + BUSY_PAUSE);
        Self { next, urgent: None, due, running: false, failures: 0 }
    }

    /// When the next step is.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.running)
    }
}

impl Driver {
    /// Begins a step if it is time and nothing else is to be written.
    pub(super) fn audit_due(&mut self, now: Instant) {
        if self.audit.due().is_none_or(|due| due > now) {
            return;
        }
        if !self.writes.is_idle() || self.machine.is_none() {
            self.audit.due = Some(now + IDLE_PAUSE);
            return;
        }
        match self.audit.urgent.take().or(self.audit.next) {
            Some(from) => {
                self.audit.running = true;
                self.writes.push(Write::Audit { from });
            }
            None => self.audit.due = None,
        }
    }

    /// A look-up met damage.
    pub(super) fn damage_found(&mut self, now: Instant, at: BlockNumber) {
        self.audit.urgent = Some(at);
        self.audit.due = Some(now);
    }

    fn audited(&mut self, now: Instant, step: Result<AuditStep, StoreFailure>) {
        self.audit.running = false;
        match step {
            Ok(AuditStep::Sound { next }) => {
                self.audit.failures = 0;
                self.audit.next = next;
                self.report.stats.segments_audited += 1.0;
                let rests = self.progress(now).is_some_and(|progress| progress.stage == SyncStage::Synced);
                self.audit.due = Some(now + if rests { IDLE_PAUSE } else { BUSY_PAUSE });
            }
            Ok(AuditStep::Dropped { range, checkpoint, next }) => {
                self.audit.next = next;
                self.audit.due = Some(now + IDLE_PAUSE);
                self.report.segment_dropped(range);
                // What waits to be written carries checkpoints that still count what was dropped.
                self.checkpoint = Some(checkpoint);
                self.start_machine(now);
            }
            Err(failure) => {
                self.audit.failures += 1;
                self.audit.due = (self.audit.failures < FAILURES_MAX).then_some(now + FAILURE_PAUSE);
                self.report.error(&HostError::Store(failure));
            }
        }
    }

    /// What became of a write.
    pub(super) fn handle_written(&mut self, now: Instant, written: Written) {
        match written {
            Written::Persisted { batch, outcome, millis } => match outcome {
                Ok(()) => {
                    self.report.stats.batches_persisted += 1.0;
                    self.report.stats.persist_ms += millis;
                    self.input(now, Input::BatchPersisted { batch });
                }
                Err(failure) => self.input(now, Input::PersistFailed { batch, failure }),
            },
            Written::Found { id, headers } => self.input(now, Input::Stored { id, headers }),
            Written::Unwound { to, outcome: Ok(()), .. } => self.input(now, Input::Unwound { to }),
            Written::Unwound { to, checkpoint, outcome: Err(failure) } => {
                self.report.error(&HostError::Store(failure));
                self.unwind_again = Some((now + FAILURE_PAUSE, Write::Unwind { to, checkpoint }));
            }
            Written::Audited(step) => self.audited(now, step),
            Written::Cleared { outcome, checkpoint } => self.cleared(now, outcome, checkpoint),
        }
    }
}
