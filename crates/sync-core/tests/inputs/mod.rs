//! Inputs in any order, sensible or not, and what must hold whatever they are. `any_input.rs` draws them by property, the
//! fuzzer of `fuzz/` reads them from bytes; both play them here.
//!
//! An [`Op`] takes any figures: what they mean is cut to what there is (a number of the chain, a request that was
//! made), so that most of them mean something. After each op the [bounds](Play::check) must hold; [at the
//! end](Play::end) one honest peer and a store that works must be enough, unless the store misreported.

use std::time::Duration;

use alloy_primitives::keccak256;
use bytes::Bytes;
use sync_core::{
    Checkpoint, Input, PeerAddress, ServedRange, StartBlock, Subchain, SyncConfig, SyncTarget,
    config::{PEERS_MAX, PROGRESS_RANGES_MAX, REQUESTS_IN_FLIGHT_MAX, SUBCHAINS_MAX},
    fault::{RequestFailure, StoreFailure},
    id::{BatchId, LookupId, PeerId, RequestId},
};

use crate::support::{
    self, Behavior, CHAIN_ID, Chain, TestPeer, TestStore, World, ancestor::broken_at, chain::MINED, meddle::StoreReport,
};

/// Peers that come and go; the one that ends the sync has an id of its own.
const PEERS: u32 = 5;
const HONEST: u32 = 9;

/// What goes out to one peer whether it has room or not: a question about the target, a vote, a stored header, where it
/// stands, and the piece that everything waits for.
const BESIDE_MAX: usize = 5;

/// One operation of the user, the host, a peer or the store.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// A peer connects: what it has (`latest`, of one of the chains), and how it responds.
    Connect { peer: u8, behavior: u8, latest: u16 },
    /// A peer connects that serves another chain.
    Stranger { peer: u8 },
    /// Where a peer is reached.
    Address { peer: u8, address: u8 },
    /// A peer goes, known or not.
    Disconnect { peer: u8 },
    /// A peer says what it serves, known or not.
    Update { peer: u8, earliest: u64, latest: u64 },
    /// The user names a target.
    Target { which: u8 },
    /// The user pauses, or goes on.
    Pause { paused: bool },
    /// Headers for a request that may never have been made.
    Headers { request: u8, from: u16, count: u8 },
    /// Headers for a request that was made, counted back from the newest.
    Response { back: u8, shift: u8, count: u16, spoil: Spoil },
    /// The end of a request that may never have been made.
    Fail { request: u8, protocol: bool },
    /// The end of a request that was made.
    FailAsked { back: u8, protocol: bool },
    /// A batch that was never handed out is durable, or is not.
    Persisted { batch: u8, failed: bool },
    /// A removal that was never asked for.
    Unwound { to: u16 },
    /// What was never looked up.
    Stored { id: u8, number: u16, absent: bool },
    /// From now on the store refuses, or works again.
    StoreFails { failing: bool },
    /// The store says about what it was told to do what is not so.
    StoreMisreports { nth: u8, report: u8 },
    /// What is on its way arrives before its turn.
    Hasten { nth: u8 },
    /// A response in flight is lost.
    Lose { nth: u8 },
    /// The process ends and begins anew with what is stored.
    Restart,
    /// Bytes of a response come from a peer, known or not.
    Progress { peer: u8 },
    /// A timer that may not be due.
    Timeout,
    /// Things take their course.
    Steps { count: u8 },
    /// Time passes without an input.
    Sleep { millis: u16 },
    /// A session of its own, with figures that no sync can have, beside the one that is played.
    Session(Session),
}

/// What a host, a store and a peer say in a session of its own. Any number.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub floor: u64,
    /// Of the checkpoint, with one run.
    pub head: u64,
    pub tail: u64,
    /// What one peer serves, beside an honest one.
    pub earliest: u64,
    pub latest: u64,
    /// The target, for an odd `tuned`; else the peers' tip.
    pub target: u64,
    /// What figures of the host are.
    pub tuned: u64,
}

/// What is wrong with a response.
#[derive(Clone, Copy, Debug)]
pub enum Spoil {
    /// Nothing.
    Right,
    /// It comes from another chain.
    Other,
    /// A bit of the header at this place is turned.
    Bit { place: u16, bit: u16 },
    /// The header at this place ends early.
    Short { place: u16, bytes: u16 },
    /// The header at this place is there twice.
    Twice { place: u16 },
    /// It rises.
    Rising,
}

/// Where all of it takes place: a chain and others that part from it, and how the machine is tuned.
pub struct Ground {
    chain: Chain,
    /// A little shorter; with work where there should be none; with a header older than its parent.
    others: [Chain; 3],
    config: SyncConfig,
}

impl Ground {
    /// Chains of so many headers, windows of so many, so many bytes at most.
    pub fn new(headers: u64, window: u64, staged_bytes_max: u64) -> Self {
        let chain = Chain::new(headers);
        let shorter = headers - headers / 15;
        let others = [
            chain.fork(headers * 3 / 5, shorter),
            chain.branch(headers * 7 / 10, shorter, MINED),
            broken_at(&chain, headers * 4 / 5),
        ];
        Self { chain, others, config: SyncConfig { window, staged_bytes_max, ..SyncConfig::default() } }
    }

    /// One of the chains: for most figures the one that honest peers have.
    fn source(&self, which: u8) -> &Chain {
        let other = usize::from(which.checked_sub(196).unwrap_or(u8::MAX)) / 20;
        self.others.get(other).unwrap_or(&self.chain)
    }

    fn target(&self, which: u8) -> SyncTarget {
        let number = u64::from(which) * self.chain.tip().number / u64::from(u8::MAX);
        match which % 8 {
            0 => SyncTarget::PeersTip,
            1 => SyncTarget::Hash(support::no_hash()),
            2 => SyncTarget::Hash(self.chain.at(number).hash),
            3 if which > 200 => SyncTarget::Number(u64::MAX - number),
            3 => SyncTarget::Number(number),
            4 => SyncTarget::Hash(self.chain.tip().hash),
            other => SyncTarget::Hash(self.others[usize::from(other) - 5].tip().hash),
        }
    }

    /// Plays all of it; panics when anything does not hold.
    pub fn play(&self, ops: &[Op]) {
        let mut world = World::with(self.chain.spec(), self.config.clone(), Default::default());
        world.lenient = true;
        let mut play = Play { ground: self, world };
        for op in ops {
            play.take(*op);
            play.check();
        }
        play.end();
    }
}

impl Ground {
    /// Some steps of a session with any figures: no panic, and it drains.
    pub fn session(&self, session: Session) {
        let Session { floor, head, tail, earliest, latest, target, tuned } = session;
        let figure = |bit: u32, usual: u64| if tuned >> bit & 1 == 1 { tuned } else { usual };
        let usual = self.config.clone();
        let config = SyncConfig {
            floor,
            floor_may_rise: tuned & 2 == 2,
            window: figure(2, usual.window),
            near_tip: figure(3, usual.near_tip),
            rollback_window: figure(4, usual.rollback_window),
            request_bytes: figure(5, usual.request_bytes),
            window_bytes_max: figure(6, usual.window_bytes_max),
            window_bytes_min: figure(7, usual.window_bytes_min),
            target_retry: if tuned & 256 == 256 { Duration::MAX } else { usual.target_retry },
            deadline_min: if tuned & 512 == 512 { Duration::MAX } else { usual.deadline_min },
            ..usual
        };
        let run = Subchain { head, head_hash: self.chain.tip().hash, tail, next: support::no_hash() };
        let store = TestStore {
            checkpoint: Some(Checkpoint { floor, subchains: vec![run], ..Checkpoint::new(CHAIN_ID, floor) }),
            ..TestStore::default()
        };
        let mut world = World::with(self.chain.spec(), config, store);
        world.lenient = true;
        world.store.misreported = true;
        world.target(if tuned & 1 == 1 { SyncTarget::Number(target) } else { SyncTarget::PeersTip });
        world.connect(1, TestPeer::new(&self.chain));
        let served = ServedRange { earliest, latest, latest_hash: support::no_hash() };
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
        world.connect(HONEST, TestPeer::new(&self.chain));
        for _ in 0..64 {
            world.step();
        }
        let progress = world.progress();
        assert!(progress.ranges.len() <= PROGRESS_RANGES_MAX, "{} ranges", progress.ranges.len());
    }
}

struct Play<'a> {
    ground: &'a Ground,
    world: World,
}

impl Play<'_> {
    fn take(&mut self, op: Op) {
        let chain = &self.ground.chain;
        let world = &mut self.world;
        match op {
            Op::Connect { peer, behavior: which, latest } => {
                let source = self.ground.source(which);
                let latest = u64::from(latest).min(source.tip().number);
                world.connect(id(peer), TestPeer::new(source).range(0, latest).behavior(behavior(which)));
            }
            Op::Stranger { peer } => {
                let stranger = TestPeer { chain_id: 1, ..TestPeer::new(chain) };
                world.connect(id(peer), stranger);
            }
            Op::Address { peer, address } => {
                let address = PeerAddress::new(vec![address % 3]).expect("one byte");
                world.input(Input::PeerAddress { peer: PeerId(id(peer)), address });
            }
            Op::Disconnect { peer } => world.disconnect(id(peer)),
            Op::Update { peer, earliest, latest } => {
                let served = ServedRange { earliest, latest, latest_hash: support::no_hash() };
                world.input(Input::PeerUpdated { peer: PeerId(id(peer)), served });
            }
            Op::Target { which } => {
                let target = self.ground.target(which);
                world.target(target);
                // Some are in the store, or are reported to be.
                if which >= 128 {
                    let number = cut(u16::from(which) * 8, chain);
                    let stored = chain.headers.iter().find(|raw| SyncTarget::Hash(keccak256(raw)) == target);
                    let raw = stored.unwrap_or(&chain.headers[number as usize]).clone();
                    world.input(Input::TargetStored(raw));
                }
            }
            Op::Pause { paused } => world.input(Input::Paused(paused)),
            Op::Headers { request, from, count } => {
                let headers = response(chain, cut(from, chain), count.into(), Spoil::Right);
                world.input(Input::HeadersReceived { request: RequestId(request.into()), headers });
            }
            Op::Response { back, shift, count, spoil } => self.respond(back, shift, count, spoil),
            Op::Fail { request, protocol } => self.fail(RequestId(request.into()), protocol),
            Op::FailAsked { back, protocol } => {
                if let Some(request) = world.requests.iter().rev().nth(back.into()) {
                    let request = request.id;
                    self.fail(request, protocol);
                }
            }
            // No batch, removal or question has such a number.
            Op::Persisted { batch, failed } => {
                let batch = BatchId(u64::from(batch) + 1_000_000);
                world.input(match failed {
                    true => Input::PersistFailed { batch, failure: StoreFailure::Full },
                    false => Input::BatchPersisted { batch },
                });
            }
            Op::Unwound { to } => world.input(Input::Unwound { to: u64::from(to) + 1_000_000 }),
            Op::Stored { id, number, absent } => {
                let number = cut(number, chain);
                let header = (!absent).then(|| chain.headers[number as usize].clone());
                let id = LookupId(u64::from(id) + 1_000_000);
                world.input(Input::Stored { id, headers: vec![(number, header)] });
            }
            Op::StoreFails { failing } => world.store.failing = failing.then_some(StoreFailure::Full),
            Op::StoreMisreports { nth, report } => world.report(
                nth.into(),
                match report % 3 {
                    0 => StoreReport::Done,
                    1 => StoreReport::Failed,
                    _ => StoreReport::Other(u64::from(report / 3)),
                },
            ),
            Op::Hasten { nth } => world.hasten(nth.into()),
            Op::Lose { nth } => world.lose(nth.into()),
            // A store that misreported cannot be resumed from.
            Op::Restart if world.store.misreported => {}
            Op::Restart => world.restart(),
            Op::Progress { peer } => world.input(Input::ResponseProgress { peer: PeerId(id(peer)) }),
            Op::Timeout => world.input(Input::Timeout),
            Op::Steps { count } => {
                for _ in 0..count {
                    world.step();
                }
            }
            Op::Sleep { millis } => world.now_ms += u64::from(millis),
            Op::Session(session) => self.ground.session(session),
        }
    }

    /// A response to an open request: its place, its count, and what is wrong with it.
    fn respond(&mut self, back: u8, shift: u8, count: u16, spoil: Spoil) {
        let Ground { chain, others, .. } = self.ground;
        let Some(request) = self.world.requests.iter().rev().nth(back.into()).copied() else { return };
        let all = || std::iter::once(chain).chain(others);
        let (source, start) = match request.start {
            StartBlock::Number(number) => (chain, number),
            StartBlock::Hash(hash) => {
                all().find_map(|chain| Some((chain, chain.number_of(hash)?))).unwrap_or((chain, chain.tip().number))
            }
        };
        let source = if matches!(spoil, Spoil::Other) { &others[usize::from(shift) % others.len()] } else { source };
        let count = usize::from(count) % (usize::from(request.limit) + 2);
        let headers = response(source, start.saturating_sub(u64::from(shift) / 64), count, spoil);
        self.world.input(Input::HeadersReceived { request: request.id, headers });
    }

    fn fail(&mut self, request: RequestId, protocol: bool) {
        let failure = match protocol {
            true => RequestFailure::Protocol("junk".into()),
            false => RequestFailure::Disconnected,
        };
        self.world.input(Input::RequestFailed { request, failure });
    }

    /// Every list has its limit, and memory its ceiling.
    fn check(&self) {
        let world = &self.world;
        let ceiling = world.config.staged_bytes_max;
        assert!(world.memory_peak <= ceiling, "{} bytes in memory, at most {ceiling}", world.memory_peak);
        let progress = world.progress();
        assert!(progress.peers.len() <= PEERS_MAX, "{} peers", progress.peers.len());
        assert!(progress.ranges.len() <= PROGRESS_RANGES_MAX, "{} ranges", progress.ranges.len());
        let requests: usize = progress.peers.iter().map(|peer| peer.requests_in_flight).sum();
        assert!(requests <= REQUESTS_IN_FLIGHT_MAX, "{requests} requests in flight");
        for peer in &progress.peers {
            assert!(peer.requests_in_flight <= world.config.requests_per_peer_max + BESIDE_MAX, "{peer:?}");
            assert!(peer.window_bytes <= world.config.window_bytes_max, "{peer:?}");
        }
        let subchains = world.store.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.subchains.len());
        assert!(subchains <= SUBCHAINS_MAX, "{subchains} stored runs");
    }

    /// One honest peer and a store that works end the sync, and nothing is held against that peer.
    fn end(mut self) {
        if self.world.store.misreported {
            return;
        }
        let chain = &self.ground.chain;
        let world = &mut self.world;
        (0..PEERS).for_each(|id| world.disconnect(id));
        world.store.failing = None;
        world.input(Input::Paused(false));
        world.target(SyncTarget::Hash(chain.tip().hash));
        world.connect(HONEST, TestPeer::new(chain));
        let complete = world.store_complete_within(900, chain);
        assert!(complete, "not synced: {:#?}", world.progress());
        assert!(world.penalties.iter().all(|(peer, ..)| *peer != HONEST), "{:?}", world.penalties);
        self.check();
    }
}

fn id(peer: u8) -> u32 {
    u32::from(peer) % PEERS
}

fn cut(number: u16, chain: &Chain) -> u64 {
    u64::from(number) % chain.headers.len() as u64
}

fn behavior(which: u8) -> Behavior {
    let all = [
        Behavior::Honest,
        Behavior::Honest,
        Behavior::FlipByte,
        Behavior::WrongStart,
        Behavior::Short(3),
        Behavior::TooMany,
        Behavior::Silent,
        Behavior::Slow(3_000),
        Behavior::Empty,
        Behavior::Garbage,
        Behavior::FlipFirst,
        Behavior::Withholds(7),
    ];
    all[usize::from(which) % all.len()]
}

/// Falling headers from this number on, and what is wrong with them.
fn response(source: &Chain, from: u64, count: usize, spoil: Spoil) -> Vec<Bytes> {
    let from = from.min(source.tip().number);
    let header = |number| source.headers[number as usize].clone();
    let mut headers: Vec<Bytes> = (0..=from).rev().take(count).map(header).collect();
    if headers.is_empty() {
        return headers;
    }
    let at = |place: u16| usize::from(place) % headers.len();
    match spoil {
        Spoil::Right | Spoil::Other => {}
        Spoil::Bit { place, bit } => {
            let at = at(place);
            let mut bytes = headers[at].to_vec();
            let bit = usize::from(bit) % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            headers[at] = bytes.into();
        }
        Spoil::Short { place, bytes } => {
            let at = at(place);
            let end = usize::from(bytes) % headers[at].len();
            headers[at] = headers[at].slice(..end);
        }
        Spoil::Twice { place } => headers.insert(at(place), headers[at(place)].clone()),
        Spoil::Rising => headers.reverse(),
    }
    headers
}
