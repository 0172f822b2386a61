//! A host for pipelines, on a store in memory that can be stopped between any two writes, and a scripted stage.

#![allow(dead_code, reason = "each scenario uses a part of it")]

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use bytes::Bytes;
use header_rules::{
    header::Header,
    range::{BlockNumber, BlockRange},
};
use header_store::contract::TestChain;
use stages::pipeline::{
    Change, Commit, ControlFlow, ExecInput, ExecOutput, HASH_INDEX_TABLE, HashIndexStage, HeadersStage, News, Pipeline,
    PipelineError, PipelineEvent, PipelineInput, PipelineOutput, PipelineState, Stage, StageCheckpoint, StageError,
    StageId, Step, UnwindInput, UnwindOutput, hash_index_row,
};
use stages::{
    config::PipelineConfig,
    etl::{MemorySpill, Spill},
};
use sync_core::{BlockNumHash, Checkpoint, etl::HeaderBatch, fault::StoreFailure, time::Instant};

pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Durable data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub headers: BTreeMap<u64, Bytes>,
    pub machine: Option<Checkpoint>,
    pub tables: BTreeMap<&'static str, Rows>,
    pub state: PipelineState,
}

impl Disk {
    /// The chain from `first` on, as the machine stores it.
    pub(crate) fn with_chain(chain: &TestChain, range: BlockRange) -> Self {
        let mut disk = Self::default();
        disk.download(chain, range);
        disk
    }

    /// Stores a range as a download does, from the top down.
    pub(crate) fn download(&mut self, chain: &TestChain, range: BlockRange) {
        let base = self.machine.clone().unwrap_or_else(|| Checkpoint::new(chain.spec().id(), 0));
        for batch in chain.batches(range, 1_024, &base) {
            self.persist(&batch);
        }
    }

    pub(crate) fn persist(&mut self, batch: &HeaderBatch) {
        self.headers.extend((batch.range().first()..).zip(batch.headers().iter().cloned()));
        self.machine = Some(batch.checkpoint().clone());
    }

    /// From the first stored number up to a gap, or to the end of a segment.
    pub(crate) fn read(&self, range: BlockRange) -> Vec<(BlockNumber, Bytes)> {
        let mut rows: Vec<(BlockNumber, Bytes)> = Vec::new();
        for (number, rlp) in self.headers.range(range.first()..=range.last()) {
            let follows = rows.last().is_none_or(|(last, _)| last + 1 == *number && number % 1_024 != 0);
            if !follows {
                break;
            }
            rows.push((*number, rlp.clone()));
        }
        rows
    }

    pub(crate) fn apply(&mut self, commit: &Commit) {
        for change in commit.changes.iter() {
            match change {
                Change::Put { table, rows } => {
                    assert!(rows.is_sorted(), "rows rise");
                    self.tables.entry(table.0).or_default().extend(rows.iter().cloned());
                }
                Change::Delete { table, keys } => {
                    assert!(keys.is_sorted(), "keys rise");
                    keys.iter().for_each(|key| drop(self.tables.entry(table.0).or_default().remove(key)));
                }
                Change::TruncateHeaders { to, checkpoint } => {
                    self.headers.retain(|number, _| number <= to);
                    self.machine = Some(checkpoint.clone());
                    assert!(checkpoint.is_sound());
                }
            }
        }
        self.state.apply(commit);
    }

    pub(crate) fn index(&self) -> Rows {
        self.tables.get(HASH_INDEX_TABLE.0).cloned().unwrap_or_default()
    }

    /// Headers and index are exactly those of the chain's range.
    pub(crate) fn assert_whole(&self, chain: &TestChain, range: BlockRange) {
        assert_eq!(self.headers.len() as u64, range.len());
        let mut index = Rows::new();
        for number in range.first()..=range.last() {
            assert_eq!(self.headers.get(&number), Some(chain.header(number)), "header {number}");
            let (key, value) = hash_index_row(number, chain.header(number));
            index.insert(key.to_vec(), value.to_vec());
        }
        assert!(self.index() == index, "the index has {} rows, of {} blocks", self.index().len(), index.len());
        for checkpoint in self.state.checkpoints.values() {
            assert_eq!((checkpoint.block, checkpoint.is_partial), (Some(range.last()), false));
        }
        assert_eq!(self.state.unwinding, None);
    }
}

/// Where a session is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// The write with this index is not stored.
    Before(usize),
    /// The write with this index is stored, but not confirmed.
    After(usize),
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Waits for news.
    Drained,
    Ended(Result<ControlFlow, PipelineError>),
    Killed,
}

/// Runs a pipeline on a disk; the clock advances a millisecond with each poll.
#[derive(Default)]
pub(crate) struct Host {
    pub disk: Disk,
    pub now_ms: u64,
    pub writes: usize,
    pub kill: Option<Kill>,
    pub events: Vec<PipelineEvent>,
    pub commits: Vec<Commit>,
    pub polls: usize,
    /// Failures of the next writes.
    pub refusals: VecDeque<StoreFailure>,
    /// Failures of the next reads.
    pub unreadable: VecDeque<StoreFailure>,
    /// Waits for a timer, in virtual time.
    pub pauses_ms: Vec<u64>,
}

impl Host {
    pub(crate) fn new(disk: Disk) -> Self {
        Self { disk, ..Self::default() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.now_ms)
    }

    pub(crate) fn input(&mut self, pipeline: &mut Pipeline, input: PipelineInput) {
        pipeline.handle_input(self.now(), input);
    }

    pub(crate) fn news(&mut self, pipeline: &mut Pipeline, news: News) {
        self.input(pipeline, PipelineInput::News(news));
    }

    /// Tells the pipeline the target and the stored headers, as a host does at its start.
    pub(crate) fn greet(&mut self, pipeline: &mut Pipeline, target: BlockNumHash) {
        self.news(pipeline, News::Target(target));
        self.tell_durable(pipeline);
    }

    pub(crate) fn tell_durable(&mut self, pipeline: &mut Pipeline) {
        if let Some(machine) = self.disk.machine.clone() {
            self.news(pipeline, News::Durable(machine));
        }
    }

    pub(crate) fn run(&mut self, pipeline: &mut Pipeline) -> Rest {
        for _ in 0..2_000_000 {
            self.now_ms += 1;
            self.polls += 1;
            let now = self.now();
            match pipeline.poll_output(now) {
                PipelineOutput::Working => {}
                PipelineOutput::Event(event) => self.events.push(event),
                PipelineOutput::Read { id, range } => {
                    let rows = self.unreadable.pop_front().map_or_else(|| Ok(self.disk.read(range)), Err);
                    pipeline.handle_input(now, PipelineInput::Headers { id, rows });
                }
                PipelineOutput::Commit(commit) => {
                    if let Some(failure) = self.refusals.pop_front() {
                        pipeline.handle_input(now, PipelineInput::CommitFailed { id: commit.id, failure });
                        continue;
                    }
                    let write = self.writes;
                    self.writes += 1;
                    if self.kill == Some(Kill::Before(write)) {
                        return Rest::Killed;
                    }
                    self.disk.apply(&commit);
                    self.commits.push(commit.clone());
                    if self.kill == Some(Kill::After(write)) {
                        return Rest::Killed;
                    }
                    pipeline.handle_input(now, PipelineInput::Committed { id: commit.id });
                }
                PipelineOutput::Ended(outcome) => return Rest::Ended(outcome),
                PipelineOutput::Timeout(None) => return Rest::Drained,
                PipelineOutput::Timeout(Some(at)) => {
                    let at_ms = at.since_start().as_millis() as u64;
                    assert!(at_ms > self.now_ms, "a timer in the past would spin");
                    self.pauses_ms.push(at_ms - self.now_ms);
                    self.now_ms = at_ms;
                    pipeline.handle_input(at, PipelineInput::Timeout);
                }
            }
        }
        panic!("it does not come to rest: {pipeline:?}");
    }

    /// The events as short strings, to compare with a scenario.
    pub(crate) fn story(&self) -> Vec<String> {
        self.events.iter().filter_map(word).collect()
    }

    pub(crate) fn passes(&self) -> Vec<ControlFlow> {
        let passes = self.events.iter().filter_map(|event| match event {
            PipelineEvent::Pass(flow) => Some(*flow),
            _ => None,
        });
        passes.collect()
    }
}

fn word(event: &PipelineEvent) -> Option<String> {
    let at = |block: &Option<u64>| block.map_or("-".to_owned(), |block| block.to_string());
    Some(match event {
        PipelineEvent::Prepare { stage, checkpoint, .. } => format!("prepare {stage} {}", at(checkpoint)),
        PipelineEvent::Waiting { stage } => format!("waiting {stage}"),
        PipelineEvent::Run { stage, checkpoint } => format!("run {stage} {}", at(checkpoint)),
        PipelineEvent::Ran { stage, checkpoint, done } => {
            format!("ran {stage} {}{}", at(checkpoint), if *done { " done" } else { "" })
        }
        PipelineEvent::Skipped { stage, checkpoint } => format!("skipped {stage} {}", at(checkpoint)),
        PipelineEvent::Unwind { stage, checkpoint, to, .. } => format!("unwind {stage} {} to {to}", at(checkpoint)),
        PipelineEvent::Unwound { stage, checkpoint } => format!("unwound {stage} {}", at(checkpoint)),
        PipelineEvent::Error { stage, retry_in, .. } => {
            format!("error {stage}{}", if retry_in.is_some() { " retry" } else { "" })
        }
        PipelineEvent::Pass(flow) => match flow {
            ControlFlow::Continue { block } => format!("pass continue {}", at(block)),
            ControlFlow::NoProgress { block } => format!("pass no-progress {}", at(block)),
            ControlFlow::Unwind { to, .. } => format!("pass unwind {to}"),
            other => format!("pass {other:?}"),
        },
        PipelineEvent::Progress(_) => return None,
    })
}

/// Both stages that the crate has.
pub(crate) fn real_stages<S: Spill + core::fmt::Debug + 'static>(hash_index: HashIndexStage<S>) -> Vec<Box<dyn Stage>> {
    vec![Box::new(HeadersStage::new()), Box::new(hash_index)]
}

/// A pipeline of them over what is on the disk, with small steps.
pub(crate) fn real_pipeline(disk: &Disk) -> Pipeline {
    let index = HashIndexStage::new(4_096, MemorySpill::new()).with_steps(700, 100);
    Pipeline::new(PipelineConfig::default(), &disk.state, real_stages(index))
}

pub(crate) fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("rising")
}

pub(crate) fn block(chain: &TestChain, number: u64) -> BlockNumHash {
    BlockNumHash { number, hash: chain.hash(number) }
}

pub(crate) fn number_of(rlp: &[u8]) -> u64 {
    Header::decode(rlp).expect("stored headers decode").number
}

/// One step of a scripted stage.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// Moves the checkpoint to this block, and is done.
    Done(u64),
    /// Moves the checkpoint to this block, and continues.
    More(u64),
    Fails(StageError),
    /// Moves the checkpoint to this block, with this many bytes of data.
    Data(u64, usize),
    Waits,
}

/// Follows its script, then goes to its target at once. Unwinds `depth` blocks per step.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub id: StageId,
    pub script: VecDeque<Line>,
    pub unwinds: VecDeque<StageError>,
    pub depth: u64,
    /// All calls, shared with the test.
    pub asked: Rc<RefCell<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn new(id: &'static str, script: impl IntoIterator<Item = Line>) -> Self {
        Self {
            id: StageId(id),
            script: script.into_iter().collect(),
            unwinds: VecDeque::new(),
            depth: u64::MAX,
            asked: Rc::default(),
        }
    }

    pub(crate) fn boxed(self) -> Box<dyn Stage> {
        Box::new(self)
    }
}

impl Stage for Scripted {
    fn id(&self) -> StageId {
        self.id
    }

    fn execute(&mut self, input: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError> {
        self.asked.borrow_mut().push(format!("execute {:?} to {:?}", input.checkpoint.block, input.target));
        let (block, done) = match self.script.pop_front() {
            Some(Line::Fails(error)) => return Err(error),
            Some(Line::Waits) => return Ok(Step::Waiting),
            Some(Line::Data(block, bytes)) => {
                let checkpoint = StageCheckpoint { data: vec![7; bytes].into(), ..StageCheckpoint::at(block) };
                return Ok(Step::Commit { changes: vec![], output: ExecOutput { checkpoint, done: true } });
            }
            Some(Line::Done(block)) => (Some(block), true),
            Some(Line::More(block)) => (Some(block), false),
            None => (input.target.max(input.checkpoint.block), true),
        };
        let checkpoint = StageCheckpoint { block, ..StageCheckpoint::default() };
        Ok(Step::Commit { changes: vec![], output: ExecOutput { checkpoint, done } })
    }

    fn unwind(&mut self, input: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError> {
        self.asked.borrow_mut().push(format!("unwind {:?} to {}", input.checkpoint.block, input.to));
        if let Some(error) = self.unwinds.pop_front() {
            return Err(error);
        }
        let Some(range) = input.unwind_block_range(self.depth) else {
            // There is no block to remove.
            return Ok(Step::Commit { changes: vec![], output: UnwindOutput { checkpoint: input.checkpoint.clone() } });
        };
        let lowest = range.first();
        let block = lowest.checked_sub(1).filter(|block| *block >= input.first);
        let checkpoint = StageCheckpoint { block, ..StageCheckpoint::default() };
        Ok(Step::Commit { changes: vec![], output: UnwindOutput { checkpoint } })
    }

    fn reset(&mut self) -> Result<(), StageError> {
        self.asked.borrow_mut().push("reset".to_owned());
        Ok(())
    }
}
