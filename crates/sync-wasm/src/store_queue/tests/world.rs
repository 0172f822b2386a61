//! A host without a browser: the real machine, the real control, a store that the test advances step by step, one
//! honest peer, and a clock that only the test moves. The store's news is handled as in the driver.

use std::{cell::RefCell, rc::Rc, task::Context, time::Duration};

use futures::{future::LocalBoxFuture, task::noop_waker};
use header_rules::range::BlockRange;
use header_store::{HeaderStore, contract::TestChain};
use sync_core::{
    BlockNumHash, HeaderSync, HeadersRequest, Input, Output, PeerStatus, ServedRange, StartBlock, SyncConfig,
    SyncTarget, id::PeerId, progress::SyncStage, time::Instant,
};

use super::store::{Disk, TestStore};
use crate::{
    feed::{Feed, Work},
    store_queue::{
        QueueHost, StoreOp,
        audit::Audit,
        control::StoreControl,
        news::{ClearCall, Opened, OpenedBy, StoreNews},
    },
};

/// The one peer.
const PEER: PeerId = PeerId(1);

/// Runs spawned tasks; a task is polled only when the test requests it.
#[derive(Clone, Default)]
struct Tasks(Rc<RefCell<Vec<LocalBoxFuture<'static, ()>>>>);

impl Tasks {
    fn run(&self) {
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        let tasks = self.0.take();
        let left =
            tasks.into_iter().filter_map(|mut task| task.as_mut().poll(&mut context).is_pending().then_some(task));
        let left: Vec<_> = left.collect();
        self.0.borrow_mut().extend(left);
    }
}

pub(super) struct World {
    pub chain: TestChain,
    pub disk: Rc<Disk>,
    pub control: StoreControl<TestStore>,
    feed: Feed,
    now: Instant,
    tasks: Tasks,
    /// Requests that wait for a response of the peer.
    requests: Vec<HeadersRequest>,
    /// Calls of `clear`, and those that got a reply.
    pub clear_calls: Vec<f64>,
    pub cleared: Vec<f64>,
    pub failed: Option<String>,
    pub dropped: Vec<BlockRange>,
    page_reads: bool,
}

impl World {
    /// A session over the data of `disk`.
    pub(super) fn new(chain: &TestChain, disk: Rc<Disk>, seed: u64) -> Self {
        let tasks = Tasks::default();
        let spawned = tasks.clone();
        let host = QueueHost { spawn: Rc::new(move |task| spawned.0.borrow_mut().push(task)), now: || Instant::ZERO };
        let checkpoint = now_or_panic(disk.data.borrow_mut().open()).expect("memory opens").checkpoint;
        disk.holds(checkpoint.clone());
        let audit = Audit::new(Instant::ZERO, checkpoint.as_ref(), true, seed);
        let control = StoreControl::new(Instant::ZERO, TestStore(disk.clone()), host, audit, checkpoint);
        let mut world = Self {
            chain: chain.clone(),
            disk,
            control,
            feed: Feed::new(recording::Recorder::new(0)),
            now: Instant::ZERO,
            tasks,
            requests: Vec::new(),
            clear_calls: Vec::new(),
            cleared: Vec::new(),
            failed: None,
            dropped: Vec::new(),
            page_reads: false,
        };
        world.start_machine();
        world.settle();
        world
    }

    fn head(&self) -> BlockNumHash {
        let number = self.chain_len() - 1;
        BlockNumHash { number, hash: self.chain.hash(number) }
    }

    fn chain_len(&self) -> u64 {
        super::CHAIN_LEN as u64
    }

    fn start_machine(&mut self) {
        // The peer is as slow as the test requires.
        let deadline = Duration::from_secs(86_400);
        let (deadline_start, deadline_min, deadline_max) = (deadline, deadline, deadline);
        let config =
            SyncConfig { seed: 7, window: 1_024, deadline_start, deadline_min, deadline_max, ..SyncConfig::default() };
        let head = self.head();
        let served = ServedRange { earliest: 0, latest: head.number, latest_hash: head.hash };
        let status = PeerStatus { chain_id: self.chain.spec().id(), genesis: Some(self.chain.hash(0)), served };
        self.requests.clear();
        self.control.machine_replaced();
        self.feed.replace(Some(HeaderSync::new(config, self.chain.spec().clone(), self.control.checkpoint().cloned())));
        self.feed.push(Input::TargetChanged(SyncTarget::Hash(head.hash)));
        self.feed.push(Input::PeerConnected { peer: PEER, status });
    }

    /// Runs until nothing changes: drains the machine, runs tasks, handles outcomes. Releases no operation.
    pub(super) fn settle(&mut self) {
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        loop {
            self.drain();
            self.control.tick(self.now, self.page_reads, self.feed.machine().is_some());
            self.tasks.run();
            let std::task::Poll::Ready(event) = self.control.poll(&mut context) else { break };
            let news = self.control.handle(self.now, event, self.is_synced());
            self.take_in(news);
            self.disk.check();
        }
    }

    fn take_in(&mut self, news: StoreNews) {
        match news {
            StoreNews::Nothing | StoreNews::SegmentSound | StoreNews::Failure(_) => {}
            StoreNews::Input(input) | StoreNews::Persisted { input, .. } => self.feed.push(input),
            StoreNews::Lost => self.feed.replace(None),
            StoreNews::Opened(Opened { dropped, cause }) => {
                self.dropped.extend(dropped);
                self.start_machine();
                if let OpenedBy::Clear { calls, .. } = cause {
                    self.cleared.extend(calls);
                }
            }
            StoreNews::Failed(why) => self.failed = Some(why),
        }
    }

    fn drain(&mut self) {
        while let Some(work) = self.feed.poll(self.now) {
            match work {
                Work::Output(Output::Request(request)) => self.requests.push(request),
                Work::Output(Output::Cancel(id)) => self.requests.retain(|request| request.id != id),
                Work::Output(Output::Persist(batch)) => self.control.push(StoreOp::Persist(batch)),
                Work::Output(Output::Lookup { id, numbers }) => self.control.push(StoreOp::Lookup { id, numbers }),
                Work::Output(Output::Unwind { to, checkpoint }) => {
                    self.control.push(StoreOp::Unwind { to, checkpoint });
                }
                Work::Output(Output::Penalize { fault, .. }) => panic!("the peer is honest: {fault}"),
                Work::Output(Output::Event(_) | Output::Timeout(_)) | Work::Admit(_) => {}
            }
        }
    }

    /// The peer responds to its oldest request.
    pub(super) fn answer(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let request = self.requests.remove(0);
        let first = match request.start {
            StartBlock::Number(number) => Some(number),
            StartBlock::Hash(hash) => (0..self.chain_len()).find(|number| self.chain.hash(*number) == hash),
        };
        let limit = u64::from(request.limit);
        let range = first.and_then(|last| BlockRange::new((last + 1).saturating_sub(limit), last));
        let headers = range.map(|range| self.chain.falling(range)).unwrap_or_default();
        self.feed.push(Input::HeadersReceived { request: request.id, headers });
        self.settle();
    }

    /// Time passes, up to the next deadline, at most `limit`.
    pub(super) fn wait(&mut self, limit: Duration) {
        let due = [self.feed.due(), self.control.due()].into_iter().flatten().min();
        self.now = due.map_or(self.now + limit, |due| due.min(self.now + limit)).max(self.now);
        if self.feed.due().is_some_and(|due| due <= self.now) {
            self.feed.push(Input::Timeout);
        }
        self.settle();
    }

    /// The host recreates the machine from the stored checkpoint, for a reason of its own.
    pub(super) fn replace_machine(&mut self) {
        if self.control.is_quiet() {
            self.start_machine();
            self.settle();
        }
    }

    pub(super) fn clear(&mut self, call: f64) {
        self.clear_calls.push(call);
        match self.control.clear(call) {
            ClearCall::Begun => self.feed.replace(None),
            ClearCall::Joined => {}
            ClearCall::Busy => panic!("so many calls are not made here"),
        }
        self.settle();
    }

    pub(super) fn lose(&mut self, everything: bool) {
        self.disk.lose(everything);
        self.settle();
    }

    pub(super) fn damage_found(&mut self, at: u64) {
        self.control.damage_found(self.now, at);
        self.settle();
    }

    pub(super) fn page_reads(&mut self, reads: bool) {
        self.page_reads = reads;
    }

    pub(super) fn let_on(&mut self) {
        self.disk.let_on();
        self.settle();
    }

    pub(super) fn is_synced(&self) -> bool {
        self.feed.machine().is_some_and(|machine| machine.progress(self.now).stage == SyncStage::Synced)
    }

    /// Continues until the sync is complete, the audit has nothing to do and no operation waits.
    pub(super) fn run_to_the_end(&mut self) {
        for _ in 0..20_000 {
            if self.is_synced() && !self.disk.waits() && self.control.due().is_none() {
                return;
            }
            self.let_on();
            self.answer();
            self.wait(Duration::from_secs(1));
            assert_eq!(self.failed, None);
        }
        panic!("no end: synced {}, operations {}, {:?}", self.is_synced(), self.disk.waits(), self.control.due());
    }

    /// The store holds the whole chain.
    pub(super) fn assert_whole(&self) {
        let data = self.disk.data.borrow();
        let mut next = 0;
        while let Some(open) = BlockRange::new(next, self.chain_len() - 1) {
            let found = now_or_panic(data.headers(open)).expect("sound");
            assert_eq!(found.first().map(|(number, _)| *number), Some(next), "stored without a gap");
            let other = found.iter().find(|(number, rlp)| rlp != self.chain.header(*number));
            assert_eq!(other.map(|(number, _)| number), None);
            next += found.len() as u64;
        }
    }
}

/// The futures of a store in memory are ready at once.
fn now_or_panic<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).expect("ready at once")
}
