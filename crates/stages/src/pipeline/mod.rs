//! Stages in order, each with its checkpoint: what is built over the headers, block by block upwards, and how it is taken
//! back when the chain turns out to be another one.
//!
//! # Its place
//!
//! The download itself stays in `HeaderSync` of `sync-core`: it fills the store from the top down and writes its own
//! checkpoint with every batch. The pipeline speaks of what is *durable*: [`HeadersStage`] stands where the stored headers
//! hang together from the floor on, [`HashIndexStage`] follows it, and further stages follow those. In a page the hash
//! index is written with each batch and the pipeline may be left out; a host that loads whole gaps, audits seals, or keeps
//! anything else of the chain runs one.
//!
//! ```text
//!   HeaderSync --Persist--> store <--Read, Commit-- Pipeline: [ headers | hash index | seals | ... ]
//!        |                    |                        ^
//!        +--- News: Target ---+--- News: Durable ------+
//! ```
//!
//! # The contract
//!
//! The same as the machine's: one input, then drain. In a browser every write is asynchronous, so a stage does none: it
//! says what to read and what to write, the pipeline hands it out ([`PipelineOutput`]), and the host answers. One step is
//! under way at a time. A [`Commit`] holds changes and checkpoint and is one transaction; so a stop between any two
//! writes leaves a store from which the next session goes on, and an unwind that was begun is ended first
//! ([`PipelineState::unwinding`]).
//!
//! Headers are removed through the pipeline alone, while there is one: `Output::Unwind` of the machine becomes
//! [`PipelineInput::Unwind`], later stages are taken back first (they read the headers that are to go), and
//! [`ControlFlow::Unwind`] becomes `Input::Unwound`. After an unwind that the pipeline itself began, the host makes a new
//! machine from the checkpoint that was stored.
//!
//! ```
//! use stages::{
//!     config::PipelineConfig,
//!     etl::MemorySpill,
//!     pipeline::{HashIndexStage, HeadersStage, Pipeline, PipelineInput, PipelineOutput, PipelineState},
//! };
//! use sync_core::time::Instant;
//!
//! let index = HashIndexStage::new(1 << 20, MemorySpill::new());
//! let mut stored = PipelineState::default();
//! let stages = vec![Box::new(HeadersStage::new()) as _, Box::new(index) as _];
//! let mut pipeline = Pipeline::new(PipelineConfig::default(), &stored, stages);
//! let now = Instant::ZERO;
//! loop {
//!     match pipeline.poll_output(now) {
//!         PipelineOutput::Read { id, range } => {
//!             let rows = Ok(vec![]); // the store's headers of `range`
//!             pipeline.handle_input(now, PipelineInput::Headers { id, rows });
//!         }
//!         PipelineOutput::Commit(commit) => {
//!             stored.apply(&commit); // and its changes, in one transaction
//!             pipeline.handle_input(now, PipelineInput::Committed { id: commit.id });
//!         }
//!         PipelineOutput::Event(event) => println!("{event:?}"),
//!         PipelineOutput::Working => {}
//!         PipelineOutput::Ended(_) | PipelineOutput::Timeout(_) => break, // until the next news, or that moment
//!     }
//! }
//! ```
//!
//! # Bounds
//!
//! One step, one answer of at most a segment, and what the stage itself gathers. What a peer can do: nothing; everything
//! here is verified and stored. What a store can do: refuse, and is then tried again after a pause that doubles
//! ([`PipelineConfig`]).

mod backward;
mod control;
mod event;
mod forward;
pub mod hash_index;
pub mod headers;
mod io;
mod log;
mod pending;
mod progress;
mod report;
pub mod stage;
pub mod step_size;

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::fmt;

use self::{backward::Backward, forward::Forward, pending::Pending};
use crate::config::PipelineConfig;
use header_rules::range::BlockNumber;
use sync_core::{progress::Meter, time::Instant};

pub use control::{ControlFlow, DetachedHeads, PipelineError, Triage, triage};
pub use event::PipelineEvent;
pub use hash_index::{HASH_INDEX, HASH_INDEX_TABLE, HashIndexStage, hash_index_row};
pub use headers::{HEADERS, HeadersStage};
pub use io::{Commit, PipelineInput, PipelineOutput, PipelineState, StepId};
pub use log::EventLog;
pub use progress::{PipelineProgress, StageProgress};
pub use report::{Histogram, PipelineReport, StageReport};
pub use stage::{
    Change, ExecInput, ExecOutput, HeaderRows, News, Row, Stage, StageCheckpoint, StageError, StageId, Step, Table,
    UnwindInput, UnwindOutput,
};
pub use step_size::StepSize;

/// A stage in its place.
struct Slot {
    stage: Box<dyn Stage>,
    checkpoint: StageCheckpoint,
    meter: Meter,
    report: StageReport,
}

/// What is under way.
#[derive(Debug)]
enum Work {
    /// Nothing until the next news.
    Idle,
    Forward(Forward),
    Backward(Backward),
    Ended,
}

/// Runs stages. See the [module](self).
pub struct Pipeline {
    config: PipelineConfig,
    slots: Vec<Slot>,
    work: Work,
    /// The read or the commit that the host has.
    pending: Option<Pending>,
    /// The answer to the last read, until the stage has it.
    answer: Option<HeaderRows>,
    /// The stage waits for news.
    waiting: bool,
    /// When the stage is tried again.
    retry_at: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// An unwind that the host asked for.
    wanted: Option<(BlockNumber, bool)>,
    shutdown: bool,
    detached: DetachedHeads,
    bad_block: Option<header_rules::block::BlockNumHash>,
    next_id: u64,
    /// When the step under way began; waiting does not count.
    step_since: Instant,
    progress_at: Option<Instant>,
    started: Option<Instant>,
    out: VecDeque<PipelineOutput>,
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
    /// A pipeline that goes on from `state`. An unwind that was interrupted is ended before anything else.
    ///
    /// # Panics
    ///
    /// If two stages have one name, or if there is no stage.
    pub fn new(config: PipelineConfig, state: &PipelineState, stages: Vec<Box<dyn Stage>>) -> Self {
        let slots: Vec<Slot> = stages
            .into_iter()
            .map(|stage| {
                let checkpoint = state.checkpoints.get(&stage.id()).cloned().unwrap_or_default();
                Slot { report: StageReport::new(stage.id()), stage, checkpoint, meter: Meter::new() }
            })
            .collect();
        assert!(!slots.is_empty(), "a pipeline has stages");
        let mut names: Vec<StageId> = slots.iter().map(|slot| slot.stage.id()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "each stage has a name of its own");
        let work = match state.unwinding {
            Some(to) => Work::Backward(Backward::new(to, None, slots.len(), false)),
            None => Work::Forward(Forward::default()),
        };
        Self {
            config,
            slots,
            work,
            pending: None,
            answer: None,
            waiting: false,
            retry_at: None,
            failures: 0,
            wanted: None,
            shutdown: false,
            detached: DetachedHeads::default(),
            bad_block: None,
            next_id: 0,
            step_since: Instant::ZERO,
            progress_at: None,
            started: None,
            out: VecDeque::new(),
        }
    }

    /// Records what happened. Call [`poll_output`](Self::poll_output) afterwards until it is drained.
    pub fn handle_input(&mut self, now: Instant, input: PipelineInput) {
        if matches!(self.work, Work::Ended) {
            return;
        }
        match input {
            PipelineInput::News(news) => self.note_news(now, &news),
            PipelineInput::Headers { id, rows } => self.note_headers(now, id, rows),
            PipelineInput::Committed { id } => self.note_committed(now, id),
            PipelineInput::CommitFailed { id, failure } => self.note_commit_failed(now, id, failure),
            PipelineInput::Unwind { to, checkpoint } => {
                let is_forced = checkpoint.is_some();
                if let Some(checkpoint) = checkpoint {
                    self.note_news(now, &News::Abandoned(checkpoint));
                }
                let (lowest, forced) = self.wanted.unwrap_or((to, false));
                self.wanted = Some((lowest.min(to), forced || is_forced));
            }
            PipelineInput::Shutdown => self.shutdown = true,
            PipelineInput::Timeout => {}
        }
    }

    /// The next thing to do: one step of one stage at most. [`PipelineOutput::Timeout`] means drained.
    pub fn poll_output(&mut self, now: Instant) -> PipelineOutput {
        self.started.get_or_insert(now);
        loop {
            if let Some(output) = self.out.pop_front() {
                return output;
            }
            if let Some(wakeup) = self.poll_pending(now) {
                return PipelineOutput::Timeout(wakeup);
            }
            if !self.out.is_empty() {
                // A refused write, handed out again.
                continue;
            }
            if !matches!(self.work, Work::Ended) && self.shutdown {
                // What stages gathered goes with them; what they spilled is looked for by the next session.
                self.end(Ok(ControlFlow::Shutdown));
                continue;
            }
            if let Some(unwind) = self.wanted.take_if(|_| !matches!(self.work, Work::Ended)) {
                self.begin_unwind(unwind.0, None, unwind.1);
                continue;
            }
            if let Some(at) = self.retry_at {
                if now < at {
                    return PipelineOutput::Timeout(Some(at));
                }
                self.retry_at = None;
            }
            if self.waiting {
                return PipelineOutput::Timeout(None);
            }
            let is_working = match self.work {
                Work::Idle | Work::Ended => return PipelineOutput::Timeout(None),
                Work::Forward(_) => self.step_forward(now),
                Work::Backward(_) => self.step_backward(now),
            };
            if is_working {
                return PipelineOutput::Working;
            }
        }
    }

    /// The checkpoint of a stage; `None` for one that is not run.
    pub fn checkpoint(&self, stage: StageId) -> Option<&StageCheckpoint> {
        self.slots.iter().find(|slot| slot.stage.id() == stage).map(|slot| &slot.checkpoint)
    }

    /// Where the chain ends above, as far as it is known.
    pub fn target(&self) -> Option<BlockNumber> {
        self.config.max_block.or_else(|| self.slots[0].stage.target())
    }

    /// How far every stage is.
    pub fn progress(&self, now: Instant) -> Vec<StageProgress> {
        let (first, target) = (self.config.first, self.target());
        let of = |slot: &Slot| {
            let rate = slot.meter.per_second(now);
            StageProgress::new(slot.stage.id(), first, slot.checkpoint.block, target, rate)
        };
        self.slots.iter().map(of).collect()
    }

    /// What every stage did since the start, and how fast.
    pub fn report(&self, now: Instant) -> PipelineReport {
        let stages = self.slots.iter().map(|slot| slot.report.clone()).collect();
        PipelineReport { elapsed: now.saturating_since(self.started.unwrap_or(now)), stages }
    }

    fn note_news(&mut self, now: Instant, news: &News) {
        self.slots.iter_mut().for_each(|slot| slot.stage.notice(news));
        if self.waiting {
            self.waiting = false;
            self.step_since = now;
        }
        if matches!(self.work, Work::Idle) {
            self.work = Work::Forward(Forward::default());
        }
    }

    /// Every stage forgets what it gathered.
    fn reset_stages(&mut self) {
        self.answer = None;
        self.waiting = false;
        self.retry_at = None;
        for slot in &mut self.slots {
            if let Err(error) = slot.stage.reset() {
                let stage = slot.stage.id();
                self.out.push_back(PipelineOutput::Event(PipelineEvent::Error { stage, error, retry_in: None }));
            }
        }
    }

    fn end(&mut self, outcome: Result<ControlFlow, PipelineError>) {
        self.work = Work::Ended;
        self.wanted = None;
        self.out.push_back(PipelineOutput::Ended(outcome));
    }

    fn event(&mut self, event: PipelineEvent) {
        self.out.push_back(PipelineOutput::Event(event));
    }
}
