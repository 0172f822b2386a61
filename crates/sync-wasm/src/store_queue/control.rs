//! Controls the store: operations, handling of their outcomes, the audit, `clear`, and a connection that is lost and
//! recreated.
//!
//! ```text
//!   Open --clear--> Clearing --> Open
//!     \------lost------/
//!            v
//!        Reopening --opened--> Open (or Clearing, where calls wait for it)
//!            \--attempts used up--> Failed
//! ```
//!
//! A machine exists only in `Open`: in every other phase its view of the store is void. The host drops it with
//! [`StoreNews::Lost`] and when [`StoreControl::clear`] begins, and creates a new one with [`StoreNews::Opened`].
//!
//! State of one phase is dropped at its end: waiting operations, the retry of an unwind, the plan of the audit.

use std::{
    mem,
    task::{Context, Poll},
    time::Duration,
};

use header_store::{AuditStep, StoreOpening};
use sync_core::{
    Checkpoint, Input,
    time::{Instant, doubled},
};

use super::{
    Ended, QueueHost, ReopenFailure, StoreOp, StoreQueue, StoreResult, SyncStore,
    audit::{Audit, FAILURE_PAUSE},
    news::{ClearCall, Opened, OpenedBy, StoreEvent, StoreNews},
};

/// Most calls of `clear` that wait for one emptying of the store.
pub const CLEAR_CALLS_MAX: usize = 256;

/// Attempts to open a lost store until the sync fails and releases the lock. With the pauses between them: 16 seconds,
/// and the store's own limit for each attempt that another tab blocks.
pub const REOPEN_ATTEMPTS_MAX: u32 = 8;

/// Pause before the second attempt; it doubles with each.
const REOPEN_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause between two attempts.
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(8);

/// A store that stays open for this long has recovered: the next loss has all attempts again.
const REOPEN_STABLE_AFTER: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A machine may work on the store.
    Open,
    /// Everything is being removed.
    Clearing,
    /// The connection is lost. `retry_at`: an attempt failed, the next begins then.
    Reopening { retry_at: Option<Instant> },
    /// The store stays closed.
    Failed,
}

impl Phase {
    fn can_become(self, next: Self) -> bool {
        match self {
            Self::Open => matches!(next, Self::Clearing | Self::Reopening { .. }),
            Self::Clearing => matches!(next, Self::Open | Self::Reopening { .. }),
            Self::Reopening { .. } => true,
            Self::Failed => false,
        }
    }
}

/// The store of a running sync; see the module.
pub struct StoreControl<S> {
    queue: StoreQueue<S>,
    audit: Audit,
    phase: Phase,
    /// The stored checkpoint, after every operation that ended.
    checkpoint: Option<Checkpoint>,
    /// A failed unwind, and when it is retried.
    unwind_retry: Option<(Instant, StoreOp)>,
    clear_calls: Vec<f64>,
    /// Attempts to open the store since it was last stable.
    attempts: u32,
    opened_at: Instant,
}

impl<S: SyncStore> StoreControl<S> {
    /// The control of an open store.
    pub fn new(now: Instant, store: S, host: QueueHost, audit: Audit, checkpoint: Option<Checkpoint>) -> Self {
        Self {
            queue: StoreQueue::new(store, host),
            audit,
            phase: Phase::Open,
            checkpoint,
            unwind_retry: None,
            clear_calls: Vec::new(),
            attempts: 0,
            opened_at: now,
        }
    }

    /// The store.
    pub fn store(&self) -> &S {
        self.queue.store()
    }

    /// The stored checkpoint, from which a new machine resumes.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// No operation runs or waits: the machine may be recreated from [`StoreControl::checkpoint`].
    pub fn is_quiet(&self) -> bool {
        self.is_open() && self.queue.is_idle() && self.unwind_retry.is_none()
    }

    /// May a machine work on the store?
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Operations that wait behind the running one.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// The connection is lost and not recreated yet.
    pub fn is_reopening(&self) -> bool {
        matches!(self.phase, Phase::Reopening { .. })
    }

    /// Queues an operation of the machine.
    pub fn push(&mut self, op: StoreOp) {
        debug_assert!(self.is_open(), "a machine exists only while the store is open");
        self.queue.push(op);
    }

    /// The machine was recreated: drops outcomes for the machine before it.
    pub fn machine_replaced(&mut self) {
        self.queue.forget_machine();
        self.unwind_retry = None;
    }

    /// When [`StoreControl::tick`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        let retry = match self.phase {
            Phase::Open => self.unwind_retry.as_ref().map(|(when, _)| *when),
            Phase::Reopening { retry_at } => retry_at,
            Phase::Clearing | Phase::Failed => None,
        };
        let audit = self.audit.due().filter(|_| self.is_open());
        [retry, audit].into_iter().flatten().min()
    }

    /// Begins what is due. `page_reads`: see [`Audit::step`]. `has_machine`: a machine can fetch what the audit drops.
    pub fn tick(&mut self, now: Instant, page_reads: bool, has_machine: bool) {
        match self.phase {
            Phase::Open => {
                if let Some((_, unwind)) = self.unwind_retry.take_if(|(when, _)| *when <= now) {
                    self.queue.push(unwind);
                }
                let busy = !self.queue.is_idle() || self.unwind_retry.is_some() || !has_machine;
                if let Some(op) = self.audit.step(now, busy, page_reads) {
                    self.queue.push(op);
                }
            }
            Phase::Reopening { retry_at: Some(at) } if at <= now => {
                self.become_phase(Phase::Reopening { retry_at: None });
                self.queue.push(StoreOp::Reopen);
            }
            Phase::Reopening { .. } | Phase::Clearing | Phase::Failed => {}
        }
    }

    /// A look-up found damage.
    pub fn damage_found(&mut self, now: Instant, at: u64) {
        self.audit.damage_found(now, at);
    }

    /// The page requests an empty store. The call gets its reply with [`OpenedBy::Clear`].
    pub fn clear(&mut self, call: f64) -> ClearCall {
        if self.clear_calls.len() >= CLEAR_CALLS_MAX {
            return ClearCall::Busy;
        }
        self.clear_calls.push(call);
        if !self.is_open() {
            return ClearCall::Joined;
        }
        self.begin_clearing();
        ClearCall::Begun
    }

    /// Calls of `clear` without a reply; for the end of the sync.
    pub fn take_clear_calls(&mut self) -> Vec<f64> {
        mem::take(&mut self.clear_calls)
    }

    fn begin_clearing(&mut self) {
        self.checkpoint = None;
        self.become_phase(Phase::Clearing);
        self.unwind_retry = None;
        self.queue.forget();
        self.queue.push(StoreOp::Clear);
    }

    /// The next store event. Pass it to [`StoreControl::handle`] before the next poll.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<StoreEvent> {
        let watched = matches!(self.phase, Phase::Open | Phase::Clearing);
        if watched && self.queue.store().poll_lost(context).is_ready() {
            return Poll::Ready(StoreEvent::Lost);
        }
        self.queue.poll_ended(context).map(StoreEvent::Ended)
    }

    /// Handles an event. `rests`: the sync is idle.
    pub fn handle(&mut self, now: Instant, event: StoreEvent, rests: bool) -> StoreNews {
        let news = match event {
            StoreEvent::Lost => self.lost(now),
            StoreEvent::Ended(ended) => self.ended(now, ended, rests),
        };
        // Only after the outcome was handled, which may drop waiting operations.
        self.queue.settle();
        news
    }

    fn ended(&mut self, now: Instant, Ended { result, took }: Ended, rests: bool) -> StoreNews {
        match result {
            StoreResult::Persisted { batch, checkpoint, outcome: Ok(()) } => {
                self.checkpoint = Some(checkpoint);
                StoreNews::Persisted { input: Input::BatchPersisted { batch }, took }
            }
            StoreResult::Persisted { batch, outcome: Err(failure), .. } => {
                StoreNews::Input(Input::PersistFailed { batch, failure })
            }
            StoreResult::Found { id, headers } => StoreNews::Input(Input::Stored { id, headers }),
            StoreResult::Unwound { to, checkpoint, outcome: Ok(()) } => {
                self.checkpoint = Some(checkpoint);
                StoreNews::Input(Input::Unwound { to })
            }
            StoreResult::Unwound { to, checkpoint, outcome: Err(failure) } => {
                self.unwind_retry = Some((now + FAILURE_PAUSE, StoreOp::Unwind { to, checkpoint }));
                StoreNews::Failure(failure)
            }
            StoreResult::Audited { purpose, outcome: Ok(step) } => {
                self.audit.stepped(now, purpose, &step, rests);
                match step {
                    AuditStep::Sound { .. } => StoreNews::SegmentSound,
                    AuditStep::Dropped { range, checkpoint, .. } => {
                        // Waiting operations carry checkpoints that still cover the dropped range.
                        self.queue.forget();
                        self.unwind_retry = None;
                        self.checkpoint = Some(checkpoint);
                        StoreNews::Opened(Opened { dropped: vec![range], cause: OpenedBy::Audit })
                    }
                }
            }
            StoreResult::Audited { outcome: Err(failure), .. } => {
                self.audit.failed(now);
                StoreNews::Failure(failure)
            }
            StoreResult::PlaceRead(outcome) => {
                let failure = outcome.as_ref().err().cloned();
                self.audit.place_read(now, outcome);
                failure.map_or(StoreNews::Nothing, StoreNews::Failure)
            }
            StoreResult::PlaceKept(outcome) => {
                self.audit.place_kept(now);
                outcome.err().map_or(StoreNews::Nothing, StoreNews::Failure)
            }
            StoreResult::Cleared { outcome, left } => {
                self.become_phase(Phase::Open);
                let calls = mem::take(&mut self.clear_calls);
                self.opened(now, left, OpenedBy::Clear { calls, outcome })
            }
            StoreResult::Reopened(Ok(opening)) => {
                self.opened_at = now;
                self.become_phase(Phase::Open);
                if self.clear_calls.is_empty() {
                    return self.opened(now, opening, OpenedBy::Reopening);
                }
                self.begin_clearing();
                StoreNews::Nothing
            }
            StoreResult::Reopened(Err(ReopenFailure::Final(why))) => self.fail(why),
            StoreResult::Reopened(Err(ReopenFailure::Passing(failure))) => {
                self.attempts += 1;
                if self.attempts >= REOPEN_ATTEMPTS_MAX {
                    return self.fail(format!("the database was closed and cannot be opened again: {failure}"));
                }
                let pause = doubled(REOPEN_PAUSE, self.attempts.saturating_sub(2), REOPEN_PAUSE_MAX);
                self.become_phase(Phase::Reopening { retry_at: Some(now + pause) });
                StoreNews::Failure(failure)
            }
        }
    }

    fn opened(&mut self, now: Instant, opening: StoreOpening, cause: OpenedBy) -> StoreNews {
        let StoreOpening { checkpoint, dropped } = opening;
        self.unwind_retry = None;
        self.audit.restart(now, checkpoint.as_ref());
        self.checkpoint = checkpoint;
        StoreNews::Opened(Opened { dropped, cause })
    }

    fn lost(&mut self, now: Instant) -> StoreNews {
        if now.saturating_since(self.opened_at) >= REOPEN_STABLE_AFTER {
            self.attempts = 0;
        }
        self.unwind_retry = None;
        self.checkpoint = None;
        // Its connection is closed: the running operation changes nothing any more, and may never end.
        self.queue.abandon();
        // A store that is lost right after it was opened counts as an attempt.
        self.attempts += 1;
        if self.attempts > REOPEN_ATTEMPTS_MAX {
            self.become_phase(Phase::Reopening { retry_at: None });
            return self.fail("the browser closes the database again and again".into());
        }
        if self.attempts == 1 {
            self.become_phase(Phase::Reopening { retry_at: None });
            self.queue.push(StoreOp::Reopen);
        } else {
            let pause = doubled(REOPEN_PAUSE, self.attempts.saturating_sub(2), REOPEN_PAUSE_MAX);
            self.become_phase(Phase::Reopening { retry_at: Some(now + pause) });
        }
        StoreNews::Lost
    }

    fn fail(&mut self, why: String) -> StoreNews {
        self.become_phase(Phase::Failed);
        StoreNews::Failed(why)
    }

    /// For the end of the sync: drops waiting operations, waits for the running one.
    pub fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.queue.poll_idle(context)
    }

    fn become_phase(&mut self, next: Phase) {
        assert!(self.phase.can_become(next), "{:?} becomes {next:?}", self.phase);
        self.phase = next;
    }
}
