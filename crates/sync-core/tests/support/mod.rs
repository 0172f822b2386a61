//! A tiny deterministic world: one machine, peers that serve chains well or badly, a store that checks every promise,
//! and a clock that only the world moves.

#![allow(dead_code, unused_imports, reason = "each scenario uses a part of it")]
#![allow(unreachable_pub, reason = "several test programs hold it, each in a private module")]

pub mod ancestor;
pub mod bare;
pub mod chain;
pub mod future;
pub mod meddle;
mod peer;
pub mod runs;
mod store;
pub mod strangers;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use alloy_primitives::B256;
use bytes::Bytes;
use header_rules::chain::ChainSpec;
use sync_core::{
    BlockNumHash, Checkpoint, Event, HeaderSync, HeadersRequest, Input, Output, StallReason, Strategy, StrategyReason,
    SyncConfig, SyncTarget,
    etl::HeaderBatch,
    fault::{PeerFault, Verdict},
    id::{LookupId, PeerId, RequestId},
    progress::Progress,
    time::Instant,
};

pub use self::{
    chain::{CHAIN_ID, Chain},
    peer::{Behavior, TestPeer},
    store::TestStore,
};

enum WorldEvent {
    Response(RequestId, PeerId, Vec<Bytes>),
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
    /// All responses share one link that carries so many bytes a millisecond.
    pub way_bytes_per_ms: Option<u64>,
    way_free_at_ms: u64,
    queue: BTreeMap<(u64, u64), WorldEvent>,
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

    /// A new session that wants the tip of `chain`.
    pub fn towards(chain: &Chain) -> Self {
        let mut world = Self::new(chain.spec());
        world.target(SyncTarget::Hash(chain.tip().hash));
        world
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

    /// A peer that was connected once: a change of it holds for its next response.
    pub fn peer_mut(&mut self, id: u32) -> &mut TestPeer {
        self.peers.get_mut(&id).expect("connected once")
    }

    pub fn disconnect(&mut self, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.connected = false;
        }
        self.queue.retain(|_, event| !matches!(event, WorldEvent::Response(_, peer, _) if peer.0 == id));
        self.input(Input::PeerDisconnected { peer: PeerId(id) });
    }

    /// When the next event is due: a response, a write, or the machine's own timer; and whether it is the timer.
    fn next(&self) -> Option<(u64, bool)> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| (*at, false));
        let timer = self.wakeup.map(|at| (at.since_start().as_micros().div_ceil(1_000) as u64, true));
        queued.into_iter().chain(timer).min()
    }

    /// The next thing happens.
    pub fn step(&mut self) -> bool {
        let Some((at, is_timer)) = self.next() else { return false };
        self.now_ms = self.now_ms.max(at);
        if is_timer {
            self.input(Input::Timeout);
        } else {
            let (_, event) = self.queue.pop_first().expect("just seen");
            self.handle_event(event);
        }
        true
    }

    fn handle_event(&mut self, event: WorldEvent) {
        match event {
            WorldEvent::Response(request, _, headers) => self.input(Input::HeadersReceived { request, headers }),
            WorldEvent::Stored(batch) => self.finish_write(batch),
            WorldEvent::Unwound(to, checkpoint) => {
                self.store.unwind(to, checkpoint);
                self.input(Input::Unwound { to });
            }
            WorldEvent::Looked(id, numbers) => {
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

    /// Steps until `done` holds or that moment has come; the clock then stands there.
    pub fn run_until_ms(&mut self, end: u64, done: impl Fn(&Self) -> bool) {
        while !done(self) && self.next().is_some_and(|(at, _)| at <= end) {
            self.step();
        }
        if !done(self) {
            self.now_ms = self.now_ms.max(end);
        }
    }

    /// What happens until this moment; then it is that moment.
    pub fn run_to_ms(&mut self, end: u64) {
        while self.next().is_some_and(|(at, _)| at <= end) && self.step() {}
        self.now_ms = self.now_ms.max(end);
    }

    /// Everything that is on its way from peers arrives so much later.
    pub fn stall_ways(&mut self, millis: u64) {
        let is_response = |event: &WorldEvent| matches!(event, WorldEvent::Response(..));
        self.way_free_at_ms = self.way_free_at_ms.max(self.now_ms) + millis;
        let queue = std::mem::take(&mut self.queue).into_iter();
        self.queue = queue.map(|((at, n), it)| ((at + if is_response(&it) { millis } else { 0 }, n), it)).collect();
    }

    /// Nothing that is on its way from peers arrives.
    pub fn cut_ways(&mut self) {
        self.queue.retain(|_, event| !matches!(event, WorldEvent::Response(..)));
    }

    /// Runs for so many virtual seconds, and not over them.
    pub fn run_for(&mut self, seconds: u64) {
        let end = self.now_ms + seconds * 1_000;
        while self.next().is_some_and(|(at, _)| at <= end) {
            self.step();
        }
        self.now_ms = self.now_ms.max(end);
    }

    pub fn run_to_synced(&mut self, seconds: u64) {
        let synced = self.run_until(seconds, |world| world.is_synced());
        assert!(synced, "not synced after {} ms: {:#?}", self.now_ms, self.progress());
    }

    /// Until the target is known: what is asked for from now on are pieces.
    pub fn run_to_resolved(&mut self, seconds: u64) {
        let resolved = self.run_until(seconds, |world| !world.resolved().is_empty());
        assert!(resolved, "no target after {} ms: {:#?}", self.now_ms, self.progress());
    }

    /// Was any header verified?
    pub fn has_linked(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::HeadersLinked { .. }))
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

    /// The strategies that the machine changed to, and why.
    pub fn strategies(&self) -> Vec<(Strategy, StrategyReason)> {
        let changes = self.events.iter().filter_map(|event| match event {
            Event::StrategyChanged { to, why } => Some((*to, *why)),
            _ => None,
        });
        changes.collect()
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

    fn schedule(&mut self, delay_ms: u64, event: WorldEvent) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + delay_ms, self.sequence), event);
    }

    fn is_writing(&self) -> bool {
        self.queue.values().any(|it| matches!(it, WorldEvent::Stored(_) | WorldEvent::Unwound(..)))
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
                    self.schedule(delay, WorldEvent::Stored(batch));
                }
                Output::Lookup { id, numbers } => {
                    assert!(numbers.len() <= sync_core::config::LOOKUP_NUMBERS_MAX && numbers.is_sorted());
                    assert!(!self.is_writing() || self.store.misreported, "asked while a write is under way");
                    let delay = self.store.delay_ms;
                    self.schedule(delay, WorldEvent::Looked(id, numbers));
                }
                Output::Unwind { to, checkpoint } => {
                    assert!(!self.is_writing() || self.store.misreported, "removes while a write is under way");
                    let delay = self.store.delay_ms;
                    self.schedule(delay, WorldEvent::Unwound(to, checkpoint));
                }
                Output::Event(event) => self.events.push(event),
                Output::Timeout(wakeup) => {
                    assert!(wakeup.is_none_or(|wakeup| wakeup.at > now), "a timer in the past: {wakeup:?} at {now:?}");
                    self.wakeup = wakeup.map(|wakeup| wakeup.at);
                    return;
                }
            }
        }
        panic!("the machine does not drain: {:#?}", self.progress());
    }

    fn request(&mut self, request: HeadersRequest) {
        assert!((1..=1_024).contains(&request.limit));
        self.requests.push(request);
        let Some(peer) = self.peers.get_mut(&request.peer.0) else {
            panic!("asked {}, which is unknown", request.peer)
        };
        assert!(peer.connected || self.lenient, "asked {}, which is disconnected", request.peer);
        if let Some((mut delay, headers)) = peer.response(&request) {
            if let Some(rate) = self.way_bytes_per_ms {
                let bytes: u64 = headers.iter().map(|header| header.len() as u64).sum();
                self.way_free_at_ms = self.way_free_at_ms.max(self.now_ms + delay) + bytes / rate;
                delay = self.way_free_at_ms - self.now_ms;
            }
            self.schedule(delay, WorldEvent::Response(request.id, request.peer, headers));
        }
    }
}

pub const SECOND: Duration = Duration::from_secs(1);

pub fn no_hash() -> B256 {
    B256::repeat_byte(0xee)
}
