//! One world: the clock, the events to come, the process that runs the machine, and the end.
//!
//! Nothing here has threads, a clock of its own or any other source of randomness than the seed, so a world runs in a
//! browser as it does natively, to the same [`trace`](crate::trace) hash.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use header_rules::range::BlockRange;
use recording::Recorder;
use sync_core::{
    BlockNumHash, Event, HeaderSync, Input, StallReason, fault::RequestFailure, id::RequestId, time::Instant,
};

use crate::{
    chain::Pool,
    checker::{self, Check, Checker},
    mutation::{Bug, Mutation},
    network::{Micros, SECOND},
    options::{CrashPoint, Options},
    outcome::{Outcome, Violation},
    rng::Rng,
    state::State,
    store::{StoreOp, StoreResponse},
    trace::Trace,
};

/// How long a world goes on after its sync is whole: nothing may change any more.
const REST: Micros = 2 * SECOND;
/// Events of a world at most: a world that makes more has run wild.
const EVENTS_MAX: u64 = 400_000;

/// What is going to happen. What belongs to a process or a connection that is gone does not.
#[derive(Debug)]
pub(crate) enum SimEvent {
    Start,
    Connect(u32),
    Disconnect {
        peer: u32,
        connection: u32,
    },
    /// The peer hears of the honest chain as it is then.
    Hear(u32),
    /// A stranger comes in under an id that is new.
    Stranger {
        /// Is it one of those that come in at once?
        first: bool,
    },
    /// The peer announces what it serves.
    Announce(u32),
    /// The peer announces once more, and then so many times.
    Flood {
        peer: u32,
        connection: u32,
        left: u64,
    },
    Response {
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
        response: StoreResponse,
    },
    Step(usize),
    Quiescent,
}

/// A world that runs. See the [module](self).
pub struct World<'a> {
    pub(crate) state: State<'a>,
    pub(crate) machine: Option<HeaderSync>,
    pub(crate) session: u32,
    pub(crate) wakeup: Option<Micros>,
    queue: BTreeMap<(Micros, u64), SimEvent>,
    sequence: u64,
    pub(crate) frozen_until: Micros,
    pub(crate) backlog: VecDeque<Input>,
    checkers: Vec<Box<dyn Checker>>,
    pub(crate) mutation: Mutation,
    pub(crate) trace: Trace,
    pub(crate) recorder: Recorder,
    pub(crate) violation: Option<Violation>,
    pub(crate) network_rng: Rng,
    pub(crate) peer_rng: Rng,
    pub(crate) store_rng: Rng,
    /// Strangers that are here, the one that came first in front.
    pub(crate) strangers: VecDeque<u32>,
    /// What the machine says it is synced to.
    pub(crate) synced: Option<BlockNumHash>,
    /// Why the machine says that nothing moves.
    pub(crate) stall: Option<StallReason>,
    /// The target that it named last, and what it says cannot be had.
    target: Option<BlockNumHash>,
    pub(crate) unavailable: Option<BlockRange>,
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
            mutation: Mutation::new(bug),
            trace: Trace::new(keep),
            recorder: Recorder::new(0),
            violation: None,
            network_rng: Rng::new(seed, "network"),
            peer_rng: Rng::new(seed, "peer"),
            store_rng: Rng::new(seed, "store"),
            strangers: VecDeque::new(),
            synced: None,
            stall: None,
            target: None,
            unavailable: None,
            linked: 0,
            reached: BTreeMap::new(),
        }
    }

    /// The same world, whose machines are recorded in a file of `bytes_max` bytes at most.
    pub fn recorded(self, bytes_max: usize) -> Self {
        Self { recorder: Recorder::new(bytes_max), ..self }
    }

    /// Runs to the end.
    pub fn run(mut self) -> Outcome {
        let script = self.state.options.script.clone();
        for (at, (when, _)) in script.steps.iter().enumerate() {
            self.at(*when, SimEvent::Step(at));
        }
        self.at(script.quiescent_at, SimEvent::Quiescent);
        self.at(0, SimEvent::Start);
        for peer in 0..self.state.peers.len() as u32 {
            let joins_at = self.state.peers[peer as usize].plan.joins_at;
            self.at(joins_at, SimEvent::Connect(peer));
        }
        self.begin_churn();
        let deadline = self.state.options.deadline();
        let mut whole_since = None;
        let mut events = 0;
        while self.violation.is_none() {
            if !self.is_whole() {
                whole_since = None;
            } else if self.state.now >= *whole_since.get_or_insert(self.state.now) + REST {
                self.note_scores();
                self.check(|checker, state| checker.at_end(state));
                break;
            }
            let rest = whole_since.map(|since| since + REST);
            events += 1;
            // What was whole in time only rests.
            let is_late = self.state.now > deadline && whole_since.is_none();
            if is_late || events > EVENTS_MAX {
                let is_tight = self.state.options.attack.as_ref().is_some_and(|attack| attack.due.is_some());
                self.fail(
                    if is_tight { "progress" } else { "liveness" },
                    format!(
                        "not synced {} s after the trouble: {}",
                        self.since_quiescent() / SECOND,
                        self.progress(events)
                    ),
                );
                break;
            }
            self.step(rest, if rest.is_some() { Micros::MAX } else { deadline });
        }
        if self.state.options.unknown_from.is_some() {
            self.reach("an unknown fork");
        }
        if self.state.options.pruned_below.is_some() {
            self.reach("a pruned network");
        }
        if self.state.options.slow_ways {
            self.reach("slow ways");
        }
        if let Some(attack) = &self.state.options.attack {
            self.reach(attack.kind.word());
        }
        if self.state.options.features.contains(&"intruders") {
            self.reach("intruders");
        }
        if script.floor == 0 {
            self.reach("a sync down to genesis");
        }
        Outcome {
            headers: self.state.store.stored(),
            linked: self.linked,
            ended_at: self.state.now,
            whole_at: whole_since,
            took: whole_since.map_or(0, |since| since.saturating_sub(script.quiescent_at)),
            might_take: deadline - script.quiescent_at,
            sessions: self.session,
            trace_hash: self.trace.hash(),
            violation: self.violation,
            reached: self.reached,
            lines: self.trace.into_lines(),
            recording: self.recorder.file().map(<[u8]>::to_vec),
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
        if next > deadline {
            self.state.now = deadline + 1;
            return;
        }
        self.state.now = self.state.now.max(next.max(self.frozen_until));
        if queued == Some(next) {
            if let Some((_, event)) = self.queue.pop_first() {
                self.handle_event(event);
            }
        } else if timer == Some(next) {
            self.wakeup = None;
            self.input(Input::Timeout);
        }
    }

    /// Is the goal reported and known to be stored, with nothing in flight? Where the goal cannot be judged: is that
    /// reported?
    fn is_whole(&self) -> bool {
        if self.state.options.unknown_from.is_some() {
            let is_said = matches!(self.stall, Some(StallReason::UnknownFork { .. }));
            return self.state.quiescent && is_said && !self.state.store_is_busy && self.machine.is_some();
        }
        let script = &self.state.options.script;
        let goal = self.state.pool.tip(script.goal);
        let done = match self.state.options.pruned_below {
            // Where honest peers differ by a block, the first of them may have agreed on the higher one.
            None if self.state.options.attack.is_some() => {
                [goal, self.state.pool.tip(script.end)].map(Some).contains(&self.synced)
            }
            None => self.synced == Some(goal),
            // The most that can be had: it is stored, and what is missing is named, from the floor up to there.
            Some(lowest) => {
                let missing = BlockRange::new(script.floor, lowest - 1);
                let said = self.target == Some(goal) && self.unavailable.is_some() && self.unavailable == missing;
                let had = BlockRange::new(lowest, goal.number);
                // The last blocks may still be on their way: new tips are followed while the range is missing.
                said && had.is_some_and(|had| self.state.store.holds(self.state.pool, script.goal, had))
            }
        };
        self.state.quiescent && done && !self.state.store_is_busy && self.machine.is_some()
    }

    /// Notes what a checker must know of an event.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Stalled(reason) => self.stall = Some(reason.clone()),
            Event::Resumed => self.stall = None,
            _ => {}
        }
        match event {
            Event::Synced { head } => self.synced = Some(*head),
            Event::TargetResolved(target) => (self.target, self.synced) = (Some(*target), None),
            Event::Resumed => self.unavailable = None,
            Event::HeadersLinked { range, .. } => self.linked += range.len(),
            Event::DetachedHead { .. } => self.reach("the chain does not meet what is stored"),
            Event::Stalled(reason) => {
                self.unavailable = match reason {
                    StallReason::RangeUnavailable(missing) => Some(*missing),
                    _ => None,
                };
                self.reach(match reason {
                    StallReason::Store(_) => "stall: store",
                    StallReason::NoPeers => "stall: no peers",
                    StallReason::NoUsablePeer => "stall: no usable peer",
                    StallReason::TipsDisagree { .. } => "stall: tips disagree",
                    StallReason::QuorumNotReached { .. } => "stall: quorum not reached",
                    StallReason::TargetUnavailable { .. } => "stall: target unavailable",
                    StallReason::RangeUnavailable(_) => "stall: range unavailable",
                    StallReason::NoProgress => "stall: no progress",
                    StallReason::WrongGenesis { .. } => "stall: wrong genesis",
                    StallReason::FloorAboveTarget { .. } => "stall: floor above target",
                    StallReason::InvalidTarget { .. } => "stall: invalid target",
                    StallReason::UnknownFork { .. } => "stall: unknown fork",
                    StallReason::RollbackTooDeep { .. } => "stall: rollback too deep",
                    #[allow(unreachable_patterns, reason = "a newer reason is reached under this name")]
                    _ => "stall: another",
                });
            }
            _ => {}
        }
    }

    /// Does the process die at this point of this transaction? A planned crash happens once: it is taken off the plan.
    pub(crate) fn dies(&mut self, transaction: u64, point: CrashPoint) -> bool {
        let crashes = &mut self.state.crashes;
        let planned = crashes.iter().position(|crash| *crash == (transaction, point));
        match planned.filter(|_| !self.state.quiescent) {
            Some(at) => {
                crashes.swap_remove(at);
                true
            }
            None => false,
        }
    }

    /// Something that a sweep should reach happened.
    pub(crate) fn reach(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    pub(crate) fn at(&mut self, when: Micros, event: SimEvent) {
        self.sequence += 1;
        self.queue.insert((when, self.sequence), event);
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

    /// What the machine says of its peers, for checkers that look at the end.
    fn note_scores(&mut self) {
        let Some(machine) = &self.machine else { return };
        let peers = machine.progress(self.now()).peers;
        let connected = peers.into_iter().filter(|peer| peer.connected).map(|peer| (peer.peer.0, peer.score));
        self.state.scores = connected.map(|(peer, score)| (peer, self.mutation.score(score))).collect();
    }

    fn since_quiescent(&self) -> Micros {
        self.state.now.saturating_sub(self.state.options.script.quiescent_at)
    }

    /// One line, and everything that the machine says of itself.
    fn progress(&self, events: u64) -> String {
        let Some(machine) = &self.machine else { return "no process".into() };
        let mut progress = machine.progress(self.now());
        progress.ranges.truncate(6);
        let stall = self.stall.as_ref().map_or("no stall".into(), |stall| format!("{stall:?}"));
        let (stored, total) = (progress.stored, progress.total);
        format!("{stored} of {total} stored, {:?}, {stall}, {events} events\n{progress:#?}", progress.stage)
    }
}
