//! Handles the events of a world: of its process, its connections and its chain; and the moment from which on it is
//! quiescent.

use sync_core::{HeaderSync, Input, SyncConfig, id::PeerId};

use crate::{
    network::{MILLI, Micros},
    peer::Behavior,
    script::Step,
    world::{SimEvent, World},
};

/// Announcements of a peer that floods: a hundred a second, for five seconds of a connection.
const FLOOD_EVERY: Micros = 10 * MILLI;
const FLOOD_MAX: u64 = 500;

impl World<'_> {
    pub(crate) fn handle_event(&mut self, event: SimEvent) {
        match event {
            SimEvent::Start => self.start(),
            SimEvent::Connect(peer) => self.connect(peer),
            SimEvent::Disconnect { peer, connection } => {
                let known = &self.state.peers[peer as usize];
                let stays = self.state.quiescent && known.plan.behavior.is_honest();
                if known.connection == connection && known.connected && !stays {
                    let gone = known.plan.flaps.map_or(20 * MILLI, |(_, gone)| gone);
                    self.disconnect(peer, gone);
                }
            }
            SimEvent::Hear(peer) => self.hear(peer),
            SimEvent::Stranger { first } => self.stranger(first),
            SimEvent::Announce(peer) => self.announce(peer),
            SimEvent::Flood { peer, connection, left } => self.flood(peer, connection, left),
            SimEvent::Response { peer, connection, request, headers } => {
                if self.is_current(peer, connection) {
                    self.input(Input::HeadersReceived { request, headers });
                }
            }
            SimEvent::Fail { peer, connection, request, failure } => {
                if self.is_current(peer, connection) {
                    self.input(Input::RequestFailed { request, failure });
                }
            }
            SimEvent::Commit { session, op } if session == self.session => self.commit(op),
            SimEvent::Stored { session, response } if session == self.session => self.stored(response),
            SimEvent::Commit { .. } | SimEvent::Stored { .. } => {}
            SimEvent::Step(at) => {
                let step = self.state.options.script.steps[at].1.clone();
                self.trace.line(self.state.now, || format!("== {step:?}"));
                self.take(step);
            }
            SimEvent::Quiescent => self.quiesce(),
        }
    }

    /// A step of the script.
    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::CanonicalChain(view) => {
                self.state.set_canonical(view);
                for peer in self.staying() {
                    let after =
                        if self.state.quiescent { MILLI } else { self.state.peers[peer as usize].plan.hears_after };
                    self.at(self.state.now + after, SimEvent::Hear(peer));
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
                let cut = self.state.peers.iter_mut().enumerate().filter(|(at, _)| mask >> (at % 64) & 1 == 1);
                cut.for_each(|(_, peer)| peer.link.cut_until = until);
            }
            Step::Freeze(span) => {
                self.frozen_until = self.state.now + span;
                self.state.wakes_at = self.frozen_until;
            }
            Step::Prune(mask, earliest, late) => self.prune(mask, earliest, late),
            Step::Tick => self.input(Input::Timeout),
        }
    }

    /// All trouble is over.
    fn quiesce(&mut self) {
        self.state.quiescent = true;
        let script = self.state.options.script.clone();
        self.trace.line(self.state.now, || "== quiescent".into());
        for peer in &mut self.state.peers {
            peer.link.cut_until = 0;
            if peer.plan.behavior.is_honest() {
                peer.link.plan = peer.link.plan.quiescent();
                peer.plan.flaps = None;
            }
        }
        self.take(Step::CanonicalChain(script.end));
        self.take(Step::Pause(false));
        self.take(Step::Want(script.target));
        for peer in self.staying() {
            if !self.state.peers[peer as usize].connected {
                self.at(self.state.now + 10 * MILLI, SimEvent::Connect(peer));
            }
        }
    }

    /// The process dies: its memory is lost, and no peer is connected any more.
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
        self.unavailable = None;
        for peer in &mut self.state.peers {
            peer.connected = false;
            peer.connection += 1;
        }
        let pause = self.store_rng.log_between(1, 300) * MILLI;
        self.at(self.state.now + pause, SimEvent::Start);
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
        self.mutation.restart();
        self.check(|checker, state| checker.on_session(state));
        let floor = self.mutation.floor(&self.state);
        let config = SyncConfig { floor, ..self.state.options.config.clone() };
        let spec = self.state.options.spec(self.state.pool);
        self.recorder.start(self.now(), &config, &spec, checkpoint.as_ref(), None);
        self.machine = Some(HeaderSync::new(config, spec, checkpoint));
        self.stall = None;
        if self.state.paused {
            self.input(Input::Paused(true));
        }
        if let Some(target) = self.state.wanted {
            self.input(Input::TargetChanged(target));
        }
        for peer in self.staying() {
            if self.state.peers[peer as usize].plan.joins_at <= self.state.now || self.state.quiescent {
                let after = self.network_rng.between(1, 200) * MILLI;
                self.at(self.state.now + after, SimEvent::Connect(peer));
            }
        }
    }

    fn connect(&mut self, peer: u32) {
        let (now, pool) = (self.state.now, self.state.pool);
        let known = &mut self.state.peers[peer as usize];
        if self.machine.is_none() || known.connected || known.gone {
            return;
        }
        known.connected = true;
        known.connection += 1;
        known.link.reset();
        known.said_earliest = None;
        let (status, connection) = (known.status(pool), known.connection);
        if known.plan.behavior.floods() {
            let left = if known.plan.behavior == Behavior::Flood { FLOOD_MAX } else { u64::MAX };
            self.at(now + FLOOD_EVERY, SimEvent::Flood { peer, connection, left });
        }
        let known = &self.state.peers[peer as usize];
        if let Some((up, _)) = known.plan.flaps {
            self.at(now + up, SimEvent::Disconnect { peer, connection });
        }
        self.tell_address(peer);
        self.input(Input::PeerConnected { peer: PeerId(peer), status });
    }

    /// The connection is gone; the peer comes back after `gone`.
    pub(crate) fn disconnect(&mut self, peer: u32, gone: Micros) {
        let known = &mut self.state.peers[peer as usize];
        known.connected = false;
        known.connection += 1;
        self.at(self.state.now + gone, SimEvent::Connect(peer));
        self.input(Input::PeerDisconnected { peer: PeerId(peer) });
    }

    /// Peers that are here, or come back.
    fn staying(&self) -> Vec<u32> {
        let peers = self.state.peers.iter().enumerate();
        peers.filter(|(_, peer)| !peer.gone).map(|(id, _)| id as u32).collect()
    }

    /// Honest peers drop what is old, and say so too late.
    fn prune(&mut self, mask: u64, earliest: u64, late: Micros) {
        for peer in self.staying().into_iter().skip(1).filter(|peer| mask >> (peer % 64) & 1 == 1) {
            let known = &mut self.state.peers[peer as usize];
            if known.plan.behavior.is_honest() && known.connected {
                known.prune(self.state.pool, earliest);
                self.at(self.state.now + late, SimEvent::Announce(peer));
            }
        }
    }

    fn announce(&mut self, peer: u32) {
        let known = &mut self.state.peers[peer as usize];
        if known.said_earliest.take().is_some() && known.connected {
            let served = known.served(self.state.pool);
            self.reach("a range that was announced late");
            self.input(Input::PeerUpdated { peer: PeerId(peer), served });
        }
    }

    fn hear(&mut self, peer: u32) {
        let (canonical, quiescent) = (self.state.canonical, self.state.quiescent);
        let known = &mut self.state.peers[peer as usize];
        if known.see(canonical, quiescent) && known.connected {
            known.said_earliest = None;
            let served = known.served(self.state.pool);
            self.input(Input::PeerUpdated { peer: PeerId(peer), served });
        }
    }

    /// The peer announces the block under its tip, and its tip, in turn.
    fn flood(&mut self, peer: u32, connection: u32, left: u64) {
        let known = &self.state.peers[peer as usize];
        if left == 0 || self.machine.is_none() || !known.connected || known.connection != connection {
            return;
        }
        let served = known.flood(self.state.pool, left);
        self.at(self.state.now + FLOOD_EVERY, SimEvent::Flood { peer, connection, left: left - 1 });
        self.input(Input::PeerUpdated { peer: PeerId(peer), served });
    }

    fn is_current(&self, peer: u32, connection: u32) -> bool {
        let known = &self.state.peers[peer as usize];
        self.machine.is_some()
            && known.connection == connection
            && known.connected
            && !known.link.is_cut(self.state.now)
    }
}
