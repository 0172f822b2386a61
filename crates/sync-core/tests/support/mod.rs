//! A tiny deterministic world: one machine, peers that serve chains well or badly, a store that checks every promise,
//! and a clock that only the world moves.

#![allow(dead_code, reason = "each scenario uses a part of it")]

pub mod ancestor;
pub mod chain;
pub mod meddle;
pub mod runs;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use alloy_primitives::B256;
use bytes::Bytes;
use sync_core::{
    BlockNumHash, Checkpoint, Event, HeaderSync, HeadersRequest, Input, Output, PeerStatus, ServedRange, StallReason,
    StartBlock, SyncConfig, SyncTarget,
    chain::ChainSpec,
    etl::HeaderBatch,
    fault::{PeerFault, StoreFailure, Verdict},
    header::Header,
    id::{LookupId, PeerId, RequestId},
    progress::Progress,
    time::Instant,
};

pub use chain::{CHAIN_ID, Chain};

/// How a peer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Honest,
    /// Flips a byte in the middle of every answer.
    FlipByte,
    /// Flips a byte in the first header of every answer, so that the rest still hangs together.
    FlipFirst,
    /// Starts one lower than it was asked to.
    WrongStart,
    /// At most so many headers.
    Short(usize),
    /// One header more than it was asked for.
    TooMany,
    Silent,
    /// Takes so many milliseconds longer.
    Slow(u64),
    /// Nothing in its answers.
    Empty,
    /// Bytes that are no header.
    Garbage,
    /// Nothing from this number on down, when its answer comes to it.
    Withholds(u64),
}

#[derive(Clone)]
pub struct TestPeer {
    pub chain: Chain,
    /// Blocks that it still knows by hash, beside its chain.
    pub side: Option<Chain>,
    pub earliest: u64,
    pub latest: u64,
    pub manner: Manner,
    pub delay_ms: u64,
    pub chain_id: u64,
    pub connected: bool,
    pub served: u64,
    pub bytes: u64,
}

impl TestPeer {
    pub fn new(chain: &Chain) -> Self {
        Self {
            latest: chain.tip().number,
            chain: chain.clone(),
            side: None,
            earliest: 0,
            manner: Manner::Honest,
            delay_ms: 5,
            chain_id: CHAIN_ID,
            connected: false,
            served: 0,
            bytes: 0,
        }
    }

    pub fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    pub fn range(mut self, earliest: u64, latest: u64) -> Self {
        (self.earliest, self.latest) = (earliest, latest);
        self
    }

    pub fn served_range(&self) -> ServedRange {
        let latest_hash = self.chain.hashes[self.latest as usize];
        ServedRange { earliest: self.earliest, latest: self.latest, latest_hash }
    }

    pub fn status(&self) -> PeerStatus {
        PeerStatus { chain_id: self.chain_id, genesis: self.chain.genesis(), served: self.served_range() }
    }

    /// `None`: no answer at all. Otherwise falling headers and how much longer they take.
    fn answer(&mut self, request: &HeadersRequest) -> Option<(u64, Vec<Bytes>)> {
        let mut chain = &self.chain;
        let start = match request.start {
            StartBlock::Hash(hash) => self.chain.number_of(hash).or_else(|| {
                chain = self.side.as_ref()?;
                chain.number_of(hash)
            }),
            StartBlock::Number(number) => Some(number),
        };
        let start = start.filter(|start| (self.earliest..=self.latest).contains(start));
        let mut limit = usize::from(request.limit);
        let mut top = start;
        let mut delay = self.delay_ms;
        match self.manner {
            Manner::Silent => return None,
            Manner::Empty => top = None,
            Manner::Slow(more) => delay += more,
            Manner::Short(most) => limit = limit.min(most),
            Manner::TooMany => limit += 1,
            Manner::WrongStart => top = top.map(|top| top.saturating_sub(1)),
            Manner::Honest | Manner::FlipByte | Manner::FlipFirst | Manner::Garbage | Manner::Withholds(_) => {}
        }
        let mut headers: Vec<Bytes> = top
            .into_iter()
            .flat_map(|top| (self.earliest..=top).rev().take(limit))
            .take_while(|number| self.manner != Manner::Withholds(*number))
            .map(|number| chain.headers[number as usize].clone())
            .collect();
        let middle = headers.len() / 2;
        match self.manner {
            Manner::FlipByte | Manner::FlipFirst if !headers.is_empty() => {
                let at = if self.manner == Manner::FlipFirst { 0 } else { middle };
                let mut bytes = headers[at].to_vec();
                bytes[100] ^= 1;
                headers[at] = bytes.into();
            }
            Manner::Garbage if !headers.is_empty() => headers[middle] = Bytes::from_static(b"no header"),
            _ => {}
        }
        self.served += headers.len() as u64;
        self.bytes += headers.iter().map(|header| header.len() as u64).sum::<u64>();
        Some((delay, headers))
    }
}

/// A store that holds every batch to its promises.
#[derive(Clone, Default)]
pub struct TestStore {
    pub rows: BTreeMap<u64, Bytes>,
    pub checkpoint: Option<Checkpoint>,
    pub batches: usize,
    pub failing: Option<StoreFailure>,
    pub delay_ms: u64,
    /// It said what is not so: what it holds need no longer hold together.
    pub lied: bool,
}

impl TestStore {
    fn persist(&mut self, batch: &HeaderBatch) {
        let numbers = batch.range().first()..=batch.range().last();
        assert_eq!(batch.headers().len() as u64, batch.range().len());
        for (number, header) in numbers.zip(batch.headers()) {
            self.rows.insert(number, header.clone());
        }
        assert!(batch.hash_index().is_sorted());
        for entry in batch.hash_index() {
            assert_eq!(alloy_primitives::keccak256(&self.rows[&entry.number]), entry.hash);
        }
        self.batches += 1;
        self.checkpoint = Some(batch.checkpoint().clone());
        self.check();
    }

    fn unwind(&mut self, to: u64, checkpoint: Checkpoint) {
        self.rows.retain(|number, _| *number <= to || checkpoint.covers(*number));
        self.checkpoint = Some(checkpoint);
        self.check();
    }

    /// Everything that the checkpoint speaks of is here, and its ends are what it says.
    fn check(&self) {
        let checkpoint = self.checkpoint.as_ref().expect("just written");
        if self.lied {
            return;
        }
        assert!(checkpoint.is_sound(), "{checkpoint:?}");
        for run in &checkpoint.subchains {
            assert_eq!(self.rows.range(run.tail..=run.head).count() as u64, run.head - run.tail + 1, "{run:?}");
            assert_eq!(alloy_primitives::keccak256(&self.rows[&run.head]), run.head_hash);
            let lowest = Header::decode(&self.rows[&run.tail]).expect("a stored header decodes");
            assert_eq!(lowest.parent_hash, run.next);
        }
    }
}

enum Happening {
    Answer(RequestId, PeerId, Vec<Bytes>),
    Stored(HeaderBatch),
    Unwound(u64, Checkpoint),
    Looked(LookupId, Vec<u64>),
}

pub struct World {
    pub now_ms: u64,
    pub machine: HeaderSync,
    pub config: SyncConfig,
    pub spec: ChainSpec,
    pub peers: BTreeMap<u32, TestPeer>,
    pub store: TestStore,
    pub events: Vec<Event>,
    pub penalties: Vec<(u32, PeerFault, Verdict)>,
    pub requests: Vec<HeadersRequest>,
    /// Does a banned peer's connection close?
    pub close_banned: bool,
    pub memory_peak: u64,
    /// The inputs make no sense, so neither need the requests.
    pub lenient: bool,
    /// All answers share one way that carries so many bytes a millisecond.
    pub way_bytes_per_ms: Option<u64>,
    way_free_at_ms: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    wakeup: Option<Instant>,
    cancelled: BTreeSet<RequestId>,
    backlog: VecDeque<Input>,
}

impl World {
    pub fn new(spec: ChainSpec) -> Self {
        Self::with(spec, SyncConfig { seed: 7, ..SyncConfig::default() }, TestStore::default())
    }

    pub fn with(spec: ChainSpec, config: SyncConfig, store: TestStore) -> Self {
        let machine = HeaderSync::new(config.clone(), spec.clone(), store.checkpoint.clone());
        Self {
            now_ms: 1,
            machine,
            config,
            spec,
            peers: BTreeMap::new(),
            store,
            events: Vec::new(),
            penalties: Vec::new(),
            requests: Vec::new(),
            close_banned: true,
            memory_peak: 0,
            lenient: false,
            way_bytes_per_ms: None,
            way_free_at_ms: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            wakeup: None,
            cancelled: BTreeSet::new(),
            backlog: VecDeque::new(),
        }
    }

    /// The same store opened by a new session.
    pub fn reopened(self) -> Self {
        Self::with(self.spec, self.config, self.store)
    }

    pub fn now(&self) -> Instant {
        Instant::from_millis(self.now_ms)
    }

    pub fn input(&mut self, input: Input) {
        self.backlog.push_back(input);
        while let Some(input) = self.backlog.pop_front() {
            let now = self.now();
            self.machine.handle_input(now, input);
            self.drain();
        }
    }

    pub fn target(&mut self, target: SyncTarget) {
        self.input(Input::TargetChanged(target));
    }

    pub fn connect(&mut self, id: u32, peer: TestPeer) {
        let status = peer.status();
        self.peers.insert(id, TestPeer { connected: true, ..peer });
        self.input(Input::PeerConnected { peer: PeerId(id), status });
    }

    pub fn reconnect(&mut self, id: u32) {
        let peer = self.peers[&id].clone();
        self.connect(id, peer);
    }

    pub fn disconnect(&mut self, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.connected = false;
        }
        self.queue.retain(|_, happening| !matches!(happening, Happening::Answer(_, peer, _) if peer.0 == id));
        self.input(Input::PeerDisconnected { peer: PeerId(id) });
    }

    /// One thing happens: the next answer, the next write, or the machine's own timer.
    pub fn step(&mut self) -> bool {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timer = self.wakeup.map(|at| (at.since_start().as_micros().div_ceil(1_000)) as u64);
        match (queued, timer) {
            (None, None) => false,
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                self.now_ms = self.now_ms.max(at);
                let (_, happening) = self.queue.pop_first().expect("just seen");
                self.happen(happening);
                true
            }
            (_, timer) => {
                self.now_ms = self.now_ms.max(timer.expect("one of the two"));
                self.input(Input::Timeout);
                true
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Answer(request, _, headers) => self.input(Input::HeadersReceived { request, headers }),
            Happening::Stored(batch) => self.finish_write(batch),
            Happening::Unwound(to, checkpoint) => {
                self.store.unwind(to, checkpoint);
                self.input(Input::Unwound { to });
            }
            Happening::Looked(id, numbers) => {
                let header = |number: &u64| (*number, self.store.rows.get(number).cloned());
                let headers = numbers.iter().map(header).collect();
                self.input(Input::Stored { id, headers });
            }
        }
    }

    /// Steps until `done` holds, for at most so many virtual seconds. `false` when it never did.
    pub fn run_until(&mut self, seconds: u64, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now_ms + seconds * 1_000;
        loop {
            if done(self) {
                return true;
            }
            if self.now_ms > end || !self.step() {
                return done(self);
            }
        }
    }

    /// Runs for so many virtual seconds.
    pub fn run_for(&mut self, seconds: u64) {
        let end = self.now_ms + seconds * 1_000;
        self.run_until(seconds, |world| world.now_ms >= end);
        self.now_ms = self.now_ms.max(end);
    }

    pub fn run_to_synced(&mut self, seconds: u64) {
        let synced = self.run_until(seconds, |world| world.is_synced());
        assert!(synced, "not synced after {} ms: {:#?}", self.now_ms, self.progress());
    }

    pub fn is_synced(&self) -> bool {
        self.events.iter().rev().find_map(|event| match event {
            Event::Synced { .. } => Some(true),
            Event::TargetResolved(_) => Some(false),
            _ => None,
        }) == Some(true)
    }

    /// Does the store come to hold the whole chain within so many virtual seconds?
    pub fn store_complete_within(&mut self, seconds: u64, chain: &Chain) -> bool {
        let tip = chain.tip();
        self.run_until(seconds, |world| {
            world.store.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.is_complete(tip))
                && world.store.rows.len() as u64 > tip.number
        })
    }

    pub fn stalls(&self) -> Vec<StallReason> {
        let reasons = self.events.iter().filter_map(|event| match event {
            Event::Stalled(reason) => Some(reason.clone()),
            _ => None,
        });
        reasons.collect()
    }

    pub fn progress(&self) -> Progress {
        self.machine.progress(self.now())
    }

    pub fn penalized(&self, id: u32) -> Vec<&PeerFault> {
        self.penalties.iter().filter(|(peer, ..)| *peer == id).map(|(_, fault, _)| fault).collect()
    }

    pub fn is_banned(&self, id: u32) -> bool {
        self.penalties.iter().any(|(peer, _, verdict)| *peer == id && *verdict == Verdict::Banned)
    }

    /// The store holds exactly this chain, from `floor` up, and its checkpoint says so.
    pub fn assert_stored(&self, chain: &Chain, floor: u64) {
        let tip = chain.tip();
        let checkpoint = self.store.checkpoint.as_ref().expect("something was stored");
        assert!(checkpoint.is_complete(tip), "{checkpoint:?}");
        assert_eq!(self.store.rows.len() as u64, tip.number - floor + 1);
        for (number, row) in &self.store.rows {
            assert_eq!(row, &chain.headers[*number as usize], "header {number}");
        }
    }

    pub fn resolved(&self) -> Vec<BlockNumHash> {
        let resolved = self.events.iter().filter_map(|event| match event {
            Event::TargetResolved(target) => Some(*target),
            _ => None,
        });
        resolved.collect()
    }

    fn schedule(&mut self, delay_ms: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + delay_ms, self.sequence), happening);
    }

    fn is_writing(&self) -> bool {
        self.queue.values().any(|it| matches!(it, Happening::Stored(_) | Happening::Unwound(..)))
    }

    fn finish_write(&mut self, batch: HeaderBatch) {
        let id = batch.id();
        match self.store.failing.clone() {
            Some(failure) => self.input(Input::PersistFailed { batch: id, failure }),
            None => {
                self.store.persist(&batch);
                self.input(Input::BatchPersisted { batch: id });
            }
        }
    }

    fn drain(&mut self) {
        // More polls than any input can cause: a machine that never drains is a bug.
        for _ in 0..20_000 {
            let now = self.now();
            let output = self.machine.poll_output(now);
            self.memory_peak = self.memory_peak.max(self.machine.memory_bytes());
            match output {
                Output::Request(request) => self.request(request),
                Output::Cancel(id) => {
                    self.cancelled.insert(id);
                }
                Output::Penalize { peer, fault, verdict } => {
                    self.penalties.push((peer.0, fault, verdict));
                    if verdict == Verdict::Banned && self.close_banned {
                        if let Some(known) = self.peers.get_mut(&peer.0) {
                            known.connected = false;
                        }
                        self.backlog.push_back(Input::PeerDisconnected { peer });
                    }
                }
                Output::Persist(batch) => {
                    let delay = self.store.delay_ms;
                    self.schedule(delay, Happening::Stored(batch));
                }
                Output::Lookup { id, numbers } => {
                    assert!(numbers.len() <= sync_core::config::LOOKUP_NUMBERS_MAX && numbers.is_sorted());
                    assert!(!self.is_writing() || self.store.lied, "asked while a write is under way");
                    let delay = self.store.delay_ms;
                    self.schedule(delay, Happening::Looked(id, numbers));
                }
                Output::Unwind { to, checkpoint } => {
                    assert!(!self.is_writing() || self.store.lied, "removes while a write is under way");
                    let delay = self.store.delay_ms;
                    self.schedule(delay, Happening::Unwound(to, checkpoint));
                }
                Output::Event(event) => self.events.push(event),
                Output::Timeout(at) => {
                    assert!(at.is_none_or(|at| at > now), "a timer in the past would spin: {at:?} at {now:?}");
                    self.wakeup = at;
                    return;
                }
            }
        }
        panic!("the machine does not drain: {:#?}", self.progress());
    }

    fn request(&mut self, request: HeadersRequest) {
        assert!((1..=1_024).contains(&request.limit));
        self.requests.push(request);
        let Some(peer) = self.peers.get_mut(&request.peer.0) else { panic!("asked {}, who is unknown", request.peer) };
        assert!(peer.connected || self.lenient, "asked {}, who is gone", request.peer);
        if let Some((mut delay, headers)) = peer.answer(&request) {
            if let Some(rate) = self.way_bytes_per_ms {
                let bytes: u64 = headers.iter().map(|header| header.len() as u64).sum();
                self.way_free_at_ms = self.way_free_at_ms.max(self.now_ms + delay) + bytes / rate;
                delay = self.way_free_at_ms - self.now_ms;
            }
            self.schedule(delay, Happening::Answer(request.id, request.peer, headers));
        }
    }
}

pub const SECOND: Duration = Duration::from_secs(1);

pub fn no_hash() -> B256 {
    B256::repeat_byte(0xee)
}
