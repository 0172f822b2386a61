//! The process around the machine: gives it what happens, carries out what it asks for. To know a new output is one more
//! arm in [`World::carry_out`].

use sync_core::{
    HeadersRequest, Input, Output,
    fault::{PeerFault, RequestFailure, StoreFailure, Verdict},
    id::RequestId,
};

use crate::{
    chain::View,
    checker::Checker,
    network::{MILLI, SECOND},
    options::{CrashPoint, VISIT_GROWTH},
    peer::{Behavior, Reply},
    script::Step,
    store::{StoreOp, StoreResponse},
    world::{SimEvent, World},
};

/// How long a banned peer stays away.
const AWAY: u64 = 5 * SECOND;

impl World<'_> {
    /// Gives the machine an input, and drains it; then the inputs that this process gives in response.
    pub(crate) fn input(&mut self, input: Input) {
        self.backlog.push_back(input);
        while let Some(input) = self.backlog.pop_front() {
            if self.machine.is_none() || self.violation.is_some() {
                self.backlog.clear();
                return;
            }
            self.trace.input(self.state.now, &input);
            self.check(|checker, state| checker.on_input(state, &input));
            let now = self.now();
            if let Some(machine) = &mut self.machine {
                self.recorder.input(now, &input);
                machine.handle_input(now, input);
            }
            self.drain();
        }
    }

    fn drain(&mut self) {
        let now = self.now();
        let mut polls = 0;
        while let Some(machine) = self.machine.as_mut().filter(|_| self.violation.is_none()) {
            let output = machine.poll_output(now);
            self.recorder.output(now, &output);
            self.state.memory_bytes = machine.memory_bytes();
            self.state.recovered = machine.download_stats().recovered;
            polls += 1;
            let output = self.mutation.alter(&self.state, output);
            self.trace.output(self.state.now, &output);
            self.check(|checker, state| checker.on_output(state, &output));
            let drained = matches!(output, Output::Timeout(_));
            if drained || polls > crate::checker::POLLS_MAX {
                self.check(|checker: &mut dyn Checker, state| checker.on_drained(state, polls));
            }
            self.carry_out(output);
            if drained {
                return;
            }
        }
    }

    /// Does what the machine asks for.
    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Request(request) => self.request(request),
            // A response may be on its way; the machine must bear it.
            Output::Cancel(_) => self.reach("a cancel"),
            Output::Penalize { peer, fault, verdict: Verdict::Banned } => {
                self.reach(name_of(&fault));
                if let Some(known) = self.state.peers.get_mut(peer.0 as usize).filter(|known| known.connected) {
                    known.connected = false;
                    known.connection += 1;
                    if self.strangers.contains(&peer.0) {
                        // It has another id to come back under.
                        known.gone = true;
                    } else {
                        self.at(self.state.now + AWAY, SimEvent::Connect(peer.0));
                    }
                    self.backlog.push_back(Input::PeerDisconnected { peer });
                }
            }
            Output::Penalize { fault, .. } => self.reach(name_of(&fault)),
            Output::Persist(batch) => self.write(StoreOp::Persist(batch)),
            Output::Unwind { to, checkpoint } => {
                self.reach("an unwind");
                self.write(StoreOp::Unwind { to, checkpoint });
            }
            Output::Lookup { id, numbers } => {
                let (store, pool) = (&self.state.store, self.state.pool);
                let header = |number: u64| store.owner(number).and_then(|owner| pool.header(owner, number)).cloned();
                let headers = numbers.into_iter().map(|number| (number, header(number))).collect();
                self.backlog.push_back(Input::Stored { id, headers });
            }
            Output::Event(event) => self.note(&event),
            Output::Timeout(wakeup) => {
                let started_at = self.state.started_at;
                // A timer of this host does not fire early.
                self.wakeup =
                    wakeup.map(|wakeup| started_at + wakeup.at.since_start().as_nanos().div_ceil(1_000) as u64);
            }
        }
    }

    fn request(&mut self, request: HeadersRequest) {
        let (now, pool) = (self.state.now, self.state.pool);
        let lost = self.mutation.swallows(&self.state, &request);
        let Some(known) = self.state.peers.get_mut(request.peer.0 as usize) else { return };
        if lost || known.link.loses_request(now, &mut self.network_rng) {
            return;
        }
        let (peer, connection, plan) = (request.peer.0, known.connection, known.link.plan);
        let fail = |failure| SimEvent::Fail { peer, connection, request: request.id, failure };
        if self.network_rng.ppm(plan.broken_stream_ppm) {
            self.at(now + 2 * plan.latency, fail(RequestFailure::Disconnected));
            return;
        }
        match known.respond(pool, &request, &mut self.peer_rng) {
            Reply::Nothing => {}
            Reply::Breach => self.at(now + 2 * plan.latency, fail(RequestFailure::Protocol("junk".into()))),
            Reply::Headers(headers) => {
                let bytes = headers.iter().map(|header| header.len() as u64).sum();
                let echoes = known.plan.behavior == Behavior::Echo;
                let Some(arrives) = known.link.response_at(now, bytes, &mut self.network_rng) else { return };
                if self.network_rng.ppm(plan.reset_ppm) {
                    self.at(arrives, SimEvent::Disconnect { peer, connection });
                    return;
                }
                let response = |request, headers| SimEvent::Response { peer, connection, request, headers };
                if echoes {
                    self.at(arrives + MILLI, response(request.id, headers.clone()));
                    self.at(arrives, response(RequestId(request.id.0 + 1_000_000), headers.clone()));
                }
                self.at(arrives, response(request.id, headers));
            }
        }
    }

    /// The store is asked for something: it will be done, and a response given, some time from now.
    fn write(&mut self, op: StoreOp) {
        self.state.store_is_busy = true;
        let session = self.session;
        let after = self.store_delay();
        self.at(self.state.now + after, SimEvent::Commit { session, op });
    }

    /// The moment of the commit.
    pub(crate) fn commit(&mut self, op: StoreOp) {
        if self.dies(self.state.store.commits, CrashPoint::Before) {
            self.reach("a crash before a commit");
            // The attempt counts, or the next process would die in the same place for ever.
            self.state.store.commits += 1;
            return self.crash();
        }
        if let Some(failure) = self.store_fails() {
            self.reach(match (&op, &failure) {
                (StoreOp::Unwind { .. }, _) => "an unwind that failed",
                (_, StoreFailure::Full) => "a full store",
                _ => "a write that failed",
            });
            return match op {
                StoreOp::Persist(batch) => self.respond_store(StoreResponse::Failed(batch.id(), failure)),
                // An unwind has no failure in the contract: the host tries until it is done.
                StoreOp::Unwind { .. } => {
                    let session = self.session;
                    self.at(self.state.now + SECOND, SimEvent::Commit { session, op });
                }
            };
        }
        let split = if let StoreOp::Persist(batch) = &op {
            Some(batch).filter(|_| self.mutation.splits_batches())
        } else {
            None
        };
        if let Some(batch) = split {
            // The deliberate bug: the checkpoint first, then the batch; the power may fail in between.
            self.state.store.write_checkpoint(batch.checkpoint());
            if self.dies(self.state.store.commits, CrashPoint::Committed) {
                self.state.store.commits += 1;
                return self.crash();
            }
        }
        let died = self.dies(self.state.store.commits, CrashPoint::Committed);
        match self.state.store.commit(self.state.pool, &op) {
            Err(what) => self.fail("safety", what),
            Ok(response) => {
                if let Some(altered) = self.state.store.checkpoint().and_then(|it| self.mutation.checkpoint(it)) {
                    self.state.store.write_checkpoint(&altered);
                }
                self.check(|checker, state| checker.on_stored(state));
                if died {
                    self.reach("a crash after a commit");
                    self.crash();
                } else {
                    self.respond_store(response);
                }
            }
        }
    }

    /// The machine is told.
    pub(crate) fn stored(&mut self, response: StoreResponse) {
        self.state.store_is_busy = false;
        // The transaction that was just told of has been counted.
        let dies = self.dies(self.state.store.commits.saturating_sub(1), CrashPoint::Responded);
        let input = match response {
            StoreResponse::Persisted(batch) => Input::BatchPersisted { batch },
            StoreResponse::Failed(batch, failure) => Input::PersistFailed { batch, failure },
            StoreResponse::Unwound(to) => Input::Unwound { to },
        };
        let stored = matches!(input, Input::BatchPersisted { .. });
        self.input(input);
        if dies {
            self.reach("a crash after a response");
            self.crash();
        } else if stored && self.state.visits > 0 && !self.state.quiescent {
            self.end_visit();
        }
    }

    /// A short visit is over, and the chain grows until the next.
    fn end_visit(&mut self) {
        self.state.visits -= 1;
        if self.state.visits == 0 {
            self.reach("many short visits");
        }
        self.crash();
        let canonical = self.state.canonical;
        self.take(Step::CanonicalChain(View { tip: canonical.tip + VISIT_GROWTH, ..canonical }));
    }

    fn respond_store(&mut self, response: StoreResponse) {
        let session = self.session;
        let after = self.store_delay() / 4;
        self.at(self.state.now + after, SimEvent::Stored { session, response });
    }

    fn store_delay(&mut self) -> u64 {
        let delay = self.state.options.store.delay;
        delay / 2 + self.store_rng.below(delay)
    }

    fn store_fails(&mut self) -> Option<StoreFailure> {
        if self.state.quiescent {
            return None;
        }
        let plan = &self.state.options.store;
        if plan.full_at.is_some_and(|full_at| self.state.store.stored() >= full_at) {
            return Some(StoreFailure::Full);
        }
        let others = [StoreFailure::Locked, StoreFailure::Other("the disk is busy".into())];
        let failed = self.store_rng.ppm(plan.fail_ppm);
        failed.then(|| others[self.store_rng.below(2) as usize].clone())
    }
}

fn name_of(fault: &PeerFault) -> &'static str {
    match fault {
        PeerFault::WrongChain { .. } => "fault: wrong chain",
        PeerFault::WrongStart { .. } => "fault: wrong start",
        PeerFault::TooManyHeaders { .. } => "fault: too many headers",
        PeerFault::EmptyResponse { .. } => "fault: empty response",
        PeerFault::Undecodable { .. } => "fault: undecodable",
        PeerFault::BrokenLink { .. } => "fault: broken link",
        PeerFault::InvalidHeader { .. } => "fault: invalid header",
        PeerFault::Timeout => "fault: timeout",
        PeerFault::Protocol(_) => "fault: protocol",
        #[allow(unreachable_patterns, reason = "a newer fault is reached under this name")]
        _ => "fault: another",
    }
}
