//! Schedule of the background audit: which stored segment is read when. Pure: it reads no clock and no store.
//!
//! ```text
//!   top ......................... next ............................ 0
//!   |  audited in earlier sessions |  not yet: the walk goes down    |
//!   fresh above `top`: walked first      sample: some of what was audited before, in each session
//! ```
//!
//! One step reads and hashes one segment (some 4 ms, 600 KB). The walk over the whole store is made once, over as many
//! sessions as it needs: its position is stored ([`AuditPlace`]). After that a session reads what was stored since, and
//! a sample of [`SAMPLE_SEGMENTS`]. Damage in the sample restarts the walk at the top.
//!
//! A step runs only when no other operation waits and no look-up of the page runs, [`IDLE_PAUSE`] after the last one
//! when the sync is idle and [`BUSY_PAUSE`] while it works, so that it costs a tenth of one core at most. There is no
//! flag for a running step: the queue knows, so a dropped step cannot switch the audit off.

use std::time::Duration;

use header_rules::range::BlockNumber;
use header_store::{AuditStep, SEGMENT_HEADERS};
use sync_core::{Checkpoint, fault::StoreFailure, time::Instant};

use super::op::StoreOp;
pub use super::op::{AuditPlace, Purpose};

/// Between two steps while the sync is idle.
pub const IDLE_PAUSE: Duration = Duration::from_millis(50);

/// Between two steps while the sync works.
pub const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// After a failed step (not: one that found damage).
pub const FAILURE_PAUSE: Duration = Duration::from_secs(10);

/// Failed steps in a row after which the walk of this session ends. Damage is then found by reads.
const FAILURES_MAX: u32 = 5;

/// Longest time that look-ups of the page delay a step: a page that reads without a pause must not stop the audit.
pub const YIELD_MAX: Duration = Duration::from_secs(10);

/// Segments of the audited part that each session reads again: 20 MB, two seconds of idle time.
pub const SAMPLE_SEGMENTS: usize = 32;

/// Steps between two writes of the position. A closed tab repeats at most this many steps.
pub const PLACE_EVERY: u32 = 16;

/// Restarts of the walk in a session. A bad disk may fail at each sample; the walk is repeated once.
const RESTARTS_MAX: u32 = 1;

/// What is left to audit in this session.
#[derive(Debug)]
enum Plan {
    /// Nothing was stored at opening, or the audit is switched off.
    Nothing,
    /// The position is not read yet.
    Unread {
        head: BlockNumber,
    },
    Known(Walk),
}

#[derive(Debug)]
struct Walk {
    place: AuditPlace,
    /// Next number above [`AuditPlace::top`], down from the head.
    fresh: Option<BlockNumber>,
    /// Head at opening: the new `top` once `fresh` is done.
    head: BlockNumber,
    sample: Vec<BlockNumber>,
    /// Steps since the position was written.
    unkept: u32,
}

/// The schedule of the audit.
#[derive(Debug)]
pub struct Audit {
    enabled: bool,
    plan: Plan,
    urgent: Option<BlockNumber>,
    due: Option<Instant>,
    /// Since when look-ups delay the next step.
    held_since: Option<Instant>,
    failures: u32,
    restarts: u32,
    /// State of the random generator for the sample.
    chance: u64,
}

impl Audit {
    /// A schedule for the headers that `checkpoint` covers. `seed` selects the sample.
    pub fn new(now: Instant, checkpoint: Option<&Checkpoint>, enabled: bool, seed: u64) -> Self {
        let mut audit = Self {
            enabled,
            plan: Plan::Nothing,
            urgent: None,
            due: None,
            held_since: None,
            failures: 0,
            restarts: 0,
            chance: seed,
        };
        audit.restart(now, checkpoint);
        audit
    }

    /// The store was reopened or emptied: drops the plan for its earlier contents.
    pub fn restart(&mut self, now: Instant, checkpoint: Option<&Checkpoint>) {
        let head = checkpoint.filter(|_| self.enabled).and_then(Checkpoint::newest).map(|newest| newest.head);
        self.plan = head.map_or(Plan::Nothing, |head| Plan::Unread { head });
        self.urgent = None;
        self.due = head.map(|_| now + BUSY_PAUSE);
        self.held_since = None;
        self.failures = 0;
        self.restarts = 0;
    }

    /// When the next step may begin.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A look-up of the page found damage at `at`; [`BlockNumber::MAX`]: the number is unknown, the walk searches for
    /// it.
    pub fn damage_found(&mut self, now: Instant, at: BlockNumber) {
        if at == BlockNumber::MAX {
            self.send_back(None);
        } else {
            self.urgent = Some(at);
        }
        self.due = Some(now);
    }

    /// The due step, unless the store or the page is busy. `store_is_busy`: an operation runs or waits. `page_reads`: a
    /// look-up of the page runs, or one came since the last call.
    pub fn step(&mut self, now: Instant, store_is_busy: bool, page_reads: bool) -> Option<StoreOp> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        let held_since = *self.held_since.get_or_insert(now);
        let yields = page_reads && now.saturating_since(held_since) < YIELD_MAX;
        if store_is_busy || yields {
            self.due = Some(now + IDLE_PAUSE);
            return None;
        }
        self.held_since = None;
        let op = self.next_op();
        // The outcome sets the next due time. Without one (it was dropped) the step is repeated after the same pause.
        self.due = op.is_some().then_some(now + FAILURE_PAUSE);
        op
    }

    fn next_op(&mut self) -> Option<StoreOp> {
        if let Some(from) = self.urgent.take() {
            return Some(StoreOp::Audit { from, purpose: Purpose::Urgent });
        }
        let walk = match &mut self.plan {
            Plan::Nothing => return None,
            Plan::Unread { .. } => return Some(StoreOp::ReadPlace),
            Plan::Known(walk) => walk,
        };
        let left = walk.fresh.is_some() || !walk.sample.is_empty() || walk.place.next.is_some();
        if walk.unkept >= PLACE_EVERY || (walk.unkept > 0 && !left) {
            return Some(StoreOp::KeepPlace(walk.place));
        }
        let fresh = walk.fresh.map(|from| (from, Purpose::Fresh));
        let sample = walk.sample.last().map(|from| (*from, Purpose::Sample));
        let next = walk.place.next.map(|from| (from, Purpose::Walk));
        let (from, purpose) = fresh.or(sample).or(next)?;
        Some(StoreOp::Audit { from, purpose })
    }

    /// The stored position was read.
    pub fn place_read(&mut self, now: Instant, outcome: Result<Option<AuditPlace>, StoreFailure>) {
        let Plan::Unread { head } = self.plan else { return };
        // An unreadable position costs one walk.
        let place = outcome.ok().flatten().unwrap_or(AuditPlace::at_top(head));
        let place = AuditPlace { top: place.top.min(head), next: place.next.map(|next| next.min(head)) };
        let fresh = (head > place.top).then_some(head);
        let sample = self.draw_sample(place);
        self.plan = Plan::Known(Walk { place, fresh, head, sample, unkept: 0 });
        self.due = Some(now + IDLE_PAUSE);
    }

    /// The write of the position ended. If it failed, the position is written with the next steps.
    pub fn place_kept(&mut self, now: Instant) {
        if let Plan::Known(walk) = &mut self.plan {
            walk.unkept = 0;
        }
        self.due = Some(now + IDLE_PAUSE);
    }

    /// A step ended. `rests`: the sync is idle.
    pub fn stepped(&mut self, now: Instant, purpose: Purpose, step: &AuditStep, rests: bool) {
        self.failures = 0;
        self.due = Some(now + if rests { IDLE_PAUSE } else { BUSY_PAUSE });
        let (next, damaged) = match step {
            AuditStep::Sound { next } => (*next, None),
            AuditStep::Dropped { next, range, .. } => {
                self.due = Some(now + IDLE_PAUSE);
                (*next, Some(range.last()))
            }
        };
        if let Plan::Known(walk) = &mut self.plan {
            match purpose {
                Purpose::Urgent => {}
                Purpose::Sample => drop(walk.sample.pop()),
                Purpose::Walk => {
                    walk.place.next = next;
                    walk.unkept += 1;
                }
                Purpose::Fresh => {
                    walk.fresh = next.filter(|next| *next > walk.place.top);
                    if walk.fresh.is_none() {
                        walk.place.top = walk.head;
                        walk.unkept += 1;
                    }
                }
            }
        }
        if matches!(purpose, Purpose::Urgent | Purpose::Sample) && damaged.is_some() {
            self.send_back(damaged);
        }
    }

    /// A step failed.
    pub fn failed(&mut self, now: Instant) {
        self.failures += 1;
        self.due = (self.failures < FAILURES_MAX).then_some(now + FAILURE_PAUSE);
    }

    /// Audited headers are damaged (at `at`, or at an unknown number): restarts the walk.
    fn send_back(&mut self, at: Option<BlockNumber>) {
        let Plan::Known(walk) = &mut self.plan else { return };
        let was_audited = at.is_none_or(|at| at <= walk.place.top && walk.place.next.is_none_or(|next| at > next));
        if was_audited && self.restarts < RESTARTS_MAX {
            self.restarts += 1;
            walk.place = AuditPlace::at_top(walk.head);
            walk.fresh = None;
            walk.sample.clear();
            walk.unkept = PLACE_EVERY;
        }
    }

    fn draw_sample(&mut self, place: AuditPlace) -> Vec<BlockNumber> {
        let bottom = place.next.map_or(0, |next| next.saturating_add(1));
        let Some(span) = place.top.checked_sub(bottom).map(|span| span.saturating_add(1)) else { return Vec::new() };
        let count = (span / SEGMENT_HEADERS).min(SAMPLE_SEGMENTS as u64);
        (0..count).map(|_| bottom + self.draw() % span).collect()
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
