//! One world: the clock, the events to come, the process that runs the machine, and the end.
//!
//! Nothing here has threads, a clock of its own or any other source of chance than the seed, so a world runs in a browser
//! as it does natively, to the same [`trace`](crate::trace) hash.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sync_core::{
    BlockNumHash, Event, HeaderSync, Input, StallReason,
    fault::RequestFailure,
    id::{PeerId, RequestId},
    time::Instant,
};

use crate::{
    chain::Pool,
    chance::Chance,
    checker::{self, Check, Checker},
    network::{MILLI, Micros, SECOND},
    options::{CrashPoint, Options},
    saboteur::{Bug, Saboteur},
    script::Step,
    state::State,
    store::{StoreAnswer, StoreOp},
    trace::Trace,
};

/// How long a world goes on after its sync is whole: nothing may change any more.
const REST: Micros = 2 * SECOND;
/// Events of a world at most: a world that makes more has run wild.
const EVENTS_MAX: u64 = 400_000;

/// What is wrong, who says so, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Name of the checker.
    pub checker: &'static str,
    /// What it saw.
    pub what: String,
    /// When.
    pub at: Micros,
}

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first thing that was wrong.
    pub violation: Option<Violation>,
    /// Hash of everything that went in and came out.
    pub trace_hash: u64,
    /// Headers that the store held in the end.
    pub headers: u64,
    /// Headers that the machine proved, those proved again included.
    pub linked: u64,
    /// When it ended.
    pub ended_at: Micros,
    /// Time from the calm to the end of the sync; zero when it was over before.
    pub took: Micros,
    /// How long that might have taken.
    pub might_take: Micros,
    /// Processes that ran.
    pub sessions: u32,
    /// What happened in it, by name, and how often: that a sweep reaches what it is meant to.
    pub reached: BTreeMap<&'static str, u64>,
    /// The last lines of a recorded run.
    pub lines: Vec<String>,
}

/// What is going to happen. What belongs to a process or a connection that is gone does not.
#[derive(Debug)]
pub(crate) enum Happening {
    Start,
    Connect(u32),
    Disconnect {
        peer: u32,
        connection: u32,
    },
    /// The peer hears of the honest chain as it is then.
    Hear(u32),
    Answer {
        peer: u32,
        connection: u32,
        request: RequestId,
        headers: Vec<Bytes>,
    },
    Fail {
        peer: u32,
        connection: u32,
        request: RequestId,
        failure: RequestFailure,
    },
    Commit {
        session: u32,
        op: StoreOp,
    },
    Stored {
        session: u32,
        answer: StoreAnswer,
    },
    Step(usize),
    Calm,
}

/// A world that runs. See the [module](self).
pub struct World<'a> {
    pub(crate) state: State<'a>,
    pub(crate) machine: Option<HeaderSync>,
    pub(crate) session: u32,
    pub(crate) wakeup: Option<Micros>,
    queue: BTreeMap<(Micros, u64), Happening>,
    sequence: u64,
    frozen_until: Micros,
    pub(crate) backlog: VecDeque<Input>,
    checkers: Vec<Box<dyn Checker>>,
    pub(crate) saboteur: Saboteur,
    pub(crate) trace: Trace,
    pub(crate) violation: Option<Violation>,
    pub(crate) network_chance: Chance,
    pub(crate) peer_chance: Chance,
    pub(crate) store_chance: Chance,
    /// What the machine says it is synced to.
    pub(crate) synced: Option<BlockNumHash>,
    pub(crate) linked: u64,
    reached: BTreeMap<&'static str, u64>,
}

impl<'a> World<'a> {
    /// The world of these options; `bug` is played, and the last `keep` lines are kept.
    pub fn new(pool: &'a Pool, options: Options, bug: Option<Bug>, keep: usize) -> Self {
        let seed = options.seed;
        Self {
            state: State::new(pool, options),
            machine: None,
            session: 0,
            wakeup: None,
            queue: BTreeMap::new(),
            sequence: 0,
            frozen_until: 0,
            backlog: VecDeque::new(),
            checkers: checker::all(),
            saboteur: Saboteur::new(bug),
            trace: Trace::new(keep),
            violation: None,
            network_chance: Chance::new(seed, "network"),
            peer_chance: Chance::new(seed, "peer"),
            store_chance: Chance::new(seed, "store"),
            synced: None,
            linked: 0,
            reached: BTreeMap::new(),
        }
    }

    /// Runs to the end.
    pub fn run(mut self) -> Outcome {
        let script = self.state.options.script.clone();
        for (at, (when, _)) in script.steps.iter().enumerate() {
            self.at(*when, Happening::Step(at));
        }
        self.at(script.calm_at, Happening::Calm);
        self.at(0, Happening::Start);
        for peer in 0..self.state.peers.len() as u32 {
            let joins_at = self.state.peers[peer as usize].plan.joins_at;
            self.at(joins_at, Happening::Connect(peer));
        }
        let deadline = self.state.options.deadline();
        let mut whole_since = None;
        let mut events = 0;
        while self.violation.is_none() {
            if !self.is_whole() {
                whole_since = None;
            } else if self.state.now >= *whole_since.get_or_insert(self.state.now) + REST {
                self.check(|checker, state| checker.at_end(state));
                break;
            }
            let rest = whole_since.map(|since| since + REST);
            events += 1;
            if self.state.now > deadline || events > EVENTS_MAX {
                self.fail(
                    "liveness",
                    format!("not synced {} s after the calm: {}", self.since_calm() / SECOND, self.progress()),
                );
                break;
            }
            self.step(rest, deadline);
        }
        if script.floor == 0 {
            self.reach("a sync down to genesis");
        }
        Outcome {
            headers: self.state.store.stored(),
            linked: self.linked,
            ended_at: self.state.now,
            took: whole_since.map_or(0, |since| since.saturating_sub(script.calm_at)),
            might_take: deadline - script.calm_at,
            sessions: self.session,
            trace_hash: self.trace.hash(),
            violation: self.violation,
            reached: self.reached,
            lines: self.trace.into_lines(),
        }
    }

    /// The next thing happens; at `rest` nothing need happen.
    fn step(&mut self, rest: Option<Micros>, deadline: Micros) {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timer = self.wakeup.filter(|_| self.machine.is_some());
        let Some(next) = queued.into_iter().chain(timer).chain(rest).min() else {
            // Nothing will ever happen; time goes on.
            self.state.now = deadline + 1;
            return;
        };
        self.state.now = self.state.now.max(next.max(self.frozen_until));
        if queued == Some(next) {
            if let Some((_, happening)) = self.queue.pop_first() {
                self.happen(happening);
            }
        } else if timer == Some(next) {
            self.wakeup = None;
            self.input(Input::Timeout);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Start => self.start(),
            Happening::Connect(peer) => self.connect(peer),
            Happening::Disconnect { peer, connection } => {
                let known = &self.state.peers[peer as usize];
                let stays = self.state.calm && known.plan.manner.is_honest();
                if known.connection == connection && known.connected && !stays {
                    let gone = known.plan.flaps.map_or(20 * MILLI, |(_, gone)| gone);
                    self.disconnect(peer, gone);
                }
            }
            Happening::Hear(peer) => self.hear(peer),
            Happening::Answer { peer, connection, request, headers } => {
                if self.is_current(peer, connection) {
                    self.input(Input::HeadersReceived { request, headers });
                }
            }
            Happening::Fail { peer, connection, request, failure } => {
                if self.is_current(peer, connection) {
                    self.input(Input::RequestFailed { request, failure });
                }
            }
            Happening::Commit { session, op } if session == self.session => self.commit(op),
            Happening::Stored { session, answer } if session == self.session => self.stored(answer),
            Happening::Commit { .. } | Happening::Stored { .. } => {}
            Happening::Step(at) => {
                let step = self.state.options.script.steps[at].1.clone();
                self.trace.line(self.state.now, || format!("== {step:?}"));
                self.take(step);
            }
            Happening::Calm => self.calm(),
        }
    }

    /// A step of the script.
    fn take(&mut self, step: Step) {
        match step {
            Step::Truth(view) => {
                self.state.set_truth(view);
                for peer in 0..self.state.peers.len() as u32 {
                    let after = if self.state.calm { MILLI } else { self.state.peers[peer as usize].plan.hears_after };
                    self.at(self.state.now + after, Happening::Hear(peer));
                }
            }
            Step::Want(target) => {
                self.state.want(target);
                self.input(Input::TargetChanged(target));
            }
            Step::Pause(paused) => {
                self.state.paused = paused;
                self.input(Input::Paused(paused));
            }
            Step::Crash => self.crash(),
            Step::Cut(mask, span) => {
                let until = self.state.now + span;
                for (at, peer) in self.state.peers.iter_mut().enumerate().filter(|(at, _)| mask >> (at % 64) & 1 == 1) {
                    let _ = at;
                    peer.link.cut_until = until;
                }
            }
            Step::Freeze(span) => self.frozen_until = self.state.now + span,
            Step::Tick => self.input(Input::Timeout),
        }
    }

    /// All trouble is over.
    fn calm(&mut self) {
        self.state.calm = true;
        let script = self.state.options.script.clone();
        self.trace.line(self.state.now, || "== calm".into());
        for peer in &mut self.state.peers {
            peer.link.cut_until = 0;
            if peer.plan.manner.is_honest() {
                peer.link.plan = peer.link.plan.calm();
                peer.plan.flaps = None;
            }
        }
        self.take(Step::Truth(script.end));
        self.take(Step::Pause(false));
        self.take(Step::Want(script.target));
        for peer in 0..self.state.peers.len() as u32 {
            if !self.state.peers[peer as usize].connected {
                self.at(self.state.now + 10 * MILLI, Happening::Connect(peer));
            }
        }
    }

    /// The process dies: what it had in memory is gone, and nobody is connected any more.
    pub(crate) fn crash(&mut self) {
        if self.machine.take().is_none() {
            return;
        }
        self.reach(if self.state.store_is_busy { "a crash during a write" } else { "a crash between writes" });
        self.trace.line(self.state.now, || "== the process dies".into());
        self.session += 1;
        self.wakeup = None;
        self.backlog.clear();
        self.synced = None;
        for peer in &mut self.state.peers {
            peer.connected = false;
            peer.connection += 1;
        }
        let pause = self.store_chance.log_between(1, 300) * MILLI;
        self.at(self.state.now + pause, Happening::Start);
    }

    /// A process starts from what is durable.
    fn start(&mut self) {
        let checkpoint = self.state.store.checkpoint();
        if checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.subchains.len() > 1) {
            self.reach("a restart with several stored runs");
        }
        self.trace.session(self.state.now, checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.encode().len()));
        self.state.started_at = self.state.now;
        self.state.store_is_busy = false;
        self.saboteur.restart();
        self.check(|checker, state| checker.on_session(state));
        self.machine = Some(HeaderSync::new(self.state.options.config.clone(), self.state.pool.spec(), checkpoint));
        if self.state.paused {
            self.input(Input::Paused(true));
        }
        if let Some(target) = self.state.wanted {
            self.input(Input::TargetChanged(target));
        }
        for peer in 0..self.state.peers.len() as u32 {
            if self.state.peers[peer as usize].plan.joins_at <= self.state.now || self.state.calm {
                let after = self.network_chance.between(1, 200) * MILLI;
                self.at(self.state.now + after, Happening::Connect(peer));
            }
        }
    }

    fn connect(&mut self, peer: u32) {
        let (now, pool) = (self.state.now, self.state.pool);
        let known = &mut self.state.peers[peer as usize];
        if self.machine.is_none() || known.connected {
            return;
        }
        known.connected = true;
        known.connection += 1;
        known.link.reset();
        let (status, connection) = (known.status(pool), known.connection);
        if let Some((up, _)) = known.plan.flaps {
            self.at(now + up, Happening::Disconnect { peer, connection });
        }
        self.input(Input::PeerConnected { peer: PeerId(peer), status });
    }

    /// The connection is gone; the peer comes back after `gone`.
    pub(crate) fn disconnect(&mut self, peer: u32, gone: Micros) {
        let known = &mut self.state.peers[peer as usize];
        known.connected = false;
        known.connection += 1;
        self.at(self.state.now + gone, Happening::Connect(peer));
        self.input(Input::PeerDisconnected { peer: PeerId(peer) });
    }

    fn hear(&mut self, peer: u32) {
        let (truth, calm) = (self.state.truth, self.state.calm);
        let known = &mut self.state.peers[peer as usize];
        if known.see(truth, calm) && known.connected {
            let served = known.served(self.state.pool);
            self.input(Input::PeerUpdated { peer: PeerId(peer), served });
        }
    }

    fn is_current(&self, peer: u32, connection: u32) -> bool {
        let known = &self.state.peers[peer as usize];
        self.machine.is_some()
            && known.connection == connection
            && known.connected
            && !known.link.is_cut(self.state.now)
    }

    /// Is the store said and known to hold the goal, and nothing on its way?
    fn is_whole(&self) -> bool {
        let goal = self.state.pool.tip(self.state.options.script.goal);
        self.state.calm && self.synced == Some(goal) && !self.state.store_is_busy && self.machine.is_some()
    }

    /// Notes what a checker must know of an event.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Synced { head } => self.synced = Some(*head),
            Event::TargetResolved(_) => self.synced = None,
            Event::HeadersLinked { range, .. } => self.linked += range.len(),
            Event::DetachedHead { .. } => self.reach("the chain does not meet what is stored"),
            Event::Stalled(reason) => self.reach(match reason {
                StallReason::Store(_) => "stall: store",
                StallReason::NoPeers => "stall: no peers",
                StallReason::NoUsablePeer => "stall: no usable peer",
                StallReason::TipsDisagree => "stall: tips disagree",
                StallReason::QuorumNotReached { .. } => "stall: quorum not reached",
                StallReason::TargetUnavailable { .. } => "stall: target unavailable",
                StallReason::RangeUnavailable(_) => "stall: range unavailable",
                StallReason::NoProgress => "stall: no progress",
                StallReason::WrongGenesis { .. } => "stall: wrong genesis",
                #[allow(unreachable_patterns, reason = "a newer reason is reached under this name")]
                _ => "stall: another",
            }),
            _ => {}
        }
    }

    /// Does the process die at this point of this transaction?
    pub(crate) fn dies(&self, point: CrashPoint) -> bool {
        let crashes = &self.state.options.store.crashes;
        !self.state.calm && crashes.contains(&(self.state.store.commits, point))
    }

    /// Something that a sweep should reach happened.
    pub(crate) fn reach(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    pub(crate) fn at(&mut self, when: Micros, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((when, self.sequence), happening);
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.state.machine_now())
    }

    pub(crate) fn check(&mut self, mut check: impl FnMut(&mut dyn Checker, &State<'_>) -> Check) {
        for checker in &mut self.checkers {
            if self.violation.is_none()
                && let Err(what) = check(checker.as_mut(), &self.state)
            {
                self.violation = Some(Violation { checker: checker.name(), what, at: self.state.now });
            }
        }
    }

    pub(crate) fn fail(&mut self, checker: &'static str, what: String) {
        let at = self.state.now;
        self.violation.get_or_insert(Violation { checker, what, at });
    }

    fn since_calm(&self) -> Micros {
        self.state.now.saturating_sub(self.state.options.script.calm_at)
    }

    fn progress(&self) -> String {
        self.machine.as_ref().map_or("no process".into(), |machine| {
            let mut progress = machine.progress(self.now());
            progress.ranges.truncate(6);
            format!("{progress:#?}")
        })
    }
}
