//! The pipeline: stages in order, each with its checkpoint. Stages build on the stored headers in rising order, and a
//! reorg unwinds them.
//!
//! # Relation to the sync machine
//!
//! [`HeaderSync`](sync_core::HeaderSync) downloads: it fills the store from the top down and writes its own checkpoint
//! with every batch. The pipeline works on *durable* headers: [`HeadersStage`] follows the contiguous range from the
//! floor up, [`HashIndexStage`] follows that stage, and further stages follow those. The browser host writes the hash
//! index with each batch and needs no pipeline; a host that loads whole gaps, audits seals, or derives other data from
//! the chain runs one.
//!
//! ```text
//!   HeaderSync --Persist--> store <--Read, Commit-- Pipeline: [ headers | hash index | seals | ... ]
//!        |                    |                        ^
//!        +--- News: Target ---+--- News: Durable ------+
//! ```
//!
//! # The contract
//!
//! As for the machine: one input, then drain. In a browser every write is asynchronous, so a stage does no I/O: it
//! returns reads and writes, the pipeline passes them on ([`PipelineOutput`]), and the host responds. One step is in
//! progress at a time. A [`Commit`] is one transaction with changes and checkpoint, so a stop between any two writes
//! leaves a consistent store, and an interrupted unwind is finished first ([`PipelineState::unwinding`]).
//!
//! While there is a pipeline, only it removes headers: `Output::Unwind` of the machine becomes
//! [`PipelineInput::Unwind`], later stages are unwound first (they read the headers to remove), and
//! [`ControlFlow::Unwind`] becomes `Input::Unwound`. Where the target and the stored chain do not meet, only the
//! machine searches the common ancestor: [`HeadersStage`] reports [`StageError::DetachedHead`], and the pipeline waits
//! for the unwind. An invalid block and missing data need no search, so the pipeline unwinds by itself; the host then
//! makes a new machine from the stored checkpoint.
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
//! One step, one read of at most a segment, and the data that the stage holds. A peer has no influence: all headers
//! here are verified and stored. A failing store is retried after a pause that doubles ([`PipelineConfig`]).

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
mod state;
pub mod step_size;

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use self::state::{Backward, Forward, Slot, Work};
use crate::config::PipelineConfig;
use header_rules::range::BlockNumber;
use sync_core::{progress::Meter, time::Instant};

pub use control::{ControlFlow, PipelineError, Triage, triage};
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
pub use state::Pipeline;
pub use step_size::StepSize;

impl Pipeline {
    /// A pipeline that continues from `state`. It finishes an interrupted unwind first.
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
            rows: None,
            waiting: false,
            retry_at: None,
            failures: 0,
            wanted: None,
            shutdown: false,
            bad_block: None,
            next_id: 0,
            step_since: Instant::ZERO,
            progress_at: None,
            started: None,
            out: VecDeque::new(),
        }
    }

    /// Handles an input. Call [`poll_output`](Self::poll_output) afterwards until it is drained.
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

    /// The next output: at most one step of one stage. [`PipelineOutput::Timeout`] means drained.
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
                // A retry of a failed write.
                continue;
            }
            if !matches!(self.work, Work::Ended) && self.shutdown {
                // Stages drop what they have gathered; the next session finds their spilled runs.
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

    /// Highest block of the pipeline, as far as it is known.
    pub fn target(&self) -> Option<BlockNumber> {
        self.config.max_block.or_else(|| self.slots[0].stage.target())
    }

    /// Progress of every stage.
    pub fn progress(&self, now: Instant) -> Vec<StageProgress> {
        let (first, target) = (self.config.first, self.target());
        let of = |slot: &Slot| {
            let rate = slot.meter.per_second(now);
            StageProgress::new(slot.stage.id(), first, slot.checkpoint.block, target, rate)
        };
        self.slots.iter().map(of).collect()
    }

    /// Counters of every stage since the start.
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
}
