//! [`HeaderSync`]: owns the parts; every decision across parts is made here.
//!
//! | file | subject |
//! |---|---|
//! | `parts` | the state: phase, target, reorgs, the queue to the store, reports, host |
//! | `target` | the target: what the user wants, and which block that is |
//! | `votes` | which block a majority of peers has: at a number, or as its tip |
//! | `announce` | announcements of peers: noted at once, evaluated a few times a second |
//! | `floor` | the lowest number of the sync, and ranges that no peer serves |
//! | `run` | which gap is filled next, the stored headers that it must meet, and what is removed for it |
//! | `reorg` | the target's chain does not meet the stored one: the search for their ancestor, and what is reverted |
//! | `witnesses` | the peers that are asked for a number in that search, and their claims |
//! | `compare` | the first headers below the fork, fetched by hash |
//! | `fork_check` | which peers are on the target's chain, and what follows for a peer whose headers do not link |
//! | `reject` | the target's chain breaks a rule |
//! | `unknown` | the target's chain has a header that this release cannot judge |
//! | `requests` | requests, and how one ends without a response; faults and bans |
//! | `front` | requests for the front, and trials of peers without verified headers |
//! | `silence` | deadlines, silent peers, late responses |
//! | `responses` | responses: checked once, staged, verified when the anchor reaches them |
//! | `strategy` | how the gap is requested: from all peers, from one, by hash |
//! | `branch` | peers on another branch, and requests by hash |
//! | `memory` | each peer's share of the memory, and the mean length of a header |
//! | `store` | when batches are cut, and what follows a response of the store |
//! | `invariants` | assertions that hold after every input |
//! | `timers` | the next wake-up, and its timer |
//! | `sleep` | time that the host slept, and the deadlines that it moves |
//! | `stall` | stall reasons |
//! | `progress` | progress |

mod announce;
mod branch;
mod compare;
mod floor;
mod fork_check;
mod front;
mod invariants;
mod memory;
mod parts;
mod progress;
mod reject;
mod reorg;
mod requests;
mod responses;
mod run;
mod silence;
mod sleep;
mod stall;
mod store;
mod strategy;
mod target;
mod timers;
mod unknown;
mod votes;
mod witnesses;

use alloc::{collections::VecDeque, format};

use self::parts::{GapStrategy, Host, Phase, Reorgs, Reports, StoreQueue, Target};
use crate::{
    checkpoint::Checkpoint,
    config::SyncConfig,
    fault::PeerFault,
    headers::Downloader,
    id::PeerId,
    io::{Event, Input, Output, PeerStatus, ServedRange},
    lineage::SealedRun,
    peers::{Peers, announcements::News},
    time::Instant,
};
use header_rules::{chain::ChainSpec, range::BlockRange};

/// The machine: reverse sync of headers. See the [crate] for its contract and a loop that drives it.
#[derive(Debug)]
pub struct HeaderSync {
    config: SyncConfig,
    chain: ChainSpec,

    peers: Peers,
    downloader: Downloader<SealedRun>,
    strategy: GapStrategy,

    target: Target,
    phase: Phase,
    reorgs: Reorgs,
    store: StoreQueue,

    reports: Reports,
    host: Host,
    out: VecDeque<Output>,
}

impl HeaderSync {
    /// A machine for `chain` that resumes from `checkpoint`. A checkpoint of another chain or version is ignored.
    pub fn new(config: SyncConfig, chain: ChainSpec, checkpoint: Option<Checkpoint>) -> Self {
        let config = config.bounded();
        let checkpoint = checkpoint.filter(|old| old.is_sound() && old.chain_id == chain.id());
        let pending = checkpoint.unwrap_or_else(|| Checkpoint::new(chain.id(), config.floor));
        // A chain that is whole down to a risen floor stays whole until a peer claims headers below.
        let whole = pending.newest().is_some_and(|newest| newest.tail <= pending.floor);
        let risen = config.floor_may_rise && whole && pending.floor > config.floor;
        Self {
            peers: Peers::new(&config),
            downloader: Downloader::new(),
            strategy: GapStrategy::default(),
            target: Target::new(risen.then_some(pending.floor)),
            phase: Phase::default(),
            reorgs: Reorgs::default(),
            store: StoreQueue::new(config.window, pending),
            reports: Reports::default(),
            host: Host::default(),
            out: VecDeque::new(),
            config,
            chain,
        }
    }

    /// Records what happened. Cheap; call [`poll_output`](Self::poll_output) afterwards until it is drained.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.leave_out_sleep(now);
        self.reports.progress.touch();
        // Responses to probes and votes, and announcements, set it when they are evaluated.
        let routine = matches!(
            input,
            Input::HeadersReceived { .. }
                | Input::PeerConnected { .. }
                | Input::PeerUpdated { .. }
                | Input::PeerDisconnected { .. }
                | Input::ResponseProgress { .. }
                | Input::BatchPersisted { .. }
                | Input::PersistFailed { .. }
        );
        self.target.dirty |= !routine;
        match input {
            Input::TargetChanged(target) => self.set_target(target),
            Input::TargetStored(raw) => self.note_target_stored(now, &raw),
            Input::PeerConnected { peer, status } => self.note_connected(now, peer, &status),
            Input::PeerUpdated { peer, served } => self.note_updated(now, peer, served),
            Input::PeerDisconnected { peer } => {
                self.return_requests_of(now, peer);
                self.peers.disconnect(now, peer);
                self.target.fork_checks.forget_suspicion(peer);
                self.peers.announcements.forget_tip(peer);
                self.announce(now, peer, News::Range);
            }
            Input::PeerMisbehaved { peer, what } => self.penalize(now, peer, PeerFault::Protocol(what)),
            Input::PeerAddress { peer, address } => self.peers.note_address(now, peer, address),
            Input::HeadersReceived { request, headers } => self.receive_headers(now, request, headers),
            Input::ResponseProgress { peer } => self.note_progress(now, peer),
            Input::RequestFailed { request, failure } => self.note_failure(now, request, failure),
            Input::BatchPersisted { batch } => self.note_persisted(batch),
            Input::PersistFailed { batch, failure } => self.note_persist_failed(now, batch, failure),
            Input::Unwound { to } => self.note_unwound(now, to),
            Input::Stored { id, headers } => self.store.looked_up(id, headers),
            Input::Paused(paused) => {
                self.host.is_paused = paused;
                self.moved(now);
            }
            Input::Timeout => {}
        }
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }

    /// The next output. Checks one response, verifies one, or cuts one batch at most; [`Output::Timeout`] means
    /// drained.
    pub fn poll_output(&mut self, now: Instant) -> Output {
        if self.host.poll(now) {
            self.peers.refresh(now);
        }
        loop {
            if let Some(output) = self.out.pop_front() {
                return output;
            }
            // Requests first: they travel while responses are checked and verified.
            let worked = self.poll_deadlines(now)
                || self.poll_announcements(now)
                || self.poll_target_if_dirty(now)
                || self.poll_fork_checks(now)
                || self.poll_reorg(now)
                || self.poll_hand_over(now)
                || self.poll_strategy(now)
                || self.poll_requests(now)
                || self.poll_persist(now)
                || self.poll_link(now)
                || self.poll_received(now)
                || self.poll_cut(now)
                || self.poll_reopen(now)
                || self.poll_synced()
                || self.poll_stall(now)
                || self.tell_stall(now)
                || self.poll_progress(now);
            if !worked && self.out.is_empty() {
                if cfg!(debug_assertions) {
                    self.check_invariants();
                }
                debug_assert_eq!(self.downloader.inbox.count(), 0, "drained, and responses were not looked at");
                let wakeup = self.next_wakeup(now);
                self.host.promise(wakeup.map(|wakeup| wakeup.at));
                return Output::Timeout(wakeup);
            }
        }
    }

    fn note_connected(&mut self, now: Instant, id: PeerId, status: &PeerStatus) {
        // The host replaced the connection without `PeerDisconnected`: its requests get no response.
        self.return_requests_of(now, id);
        self.peers.announcements.sample.note(now, id, self.config.peers_expected);
        let other_genesis =
            matches!((self.chain.genesis(), status.genesis), (Some(ours), Some(theirs)) if ours != theirs);
        let same_chain = status.chain_id == self.chain.id() && !other_genesis;
        if !self.peers.connect(now, id, status, same_chain) {
            return;
        }
        self.target.votes.forget(id);
        self.target.fork_checks.keep_only(|peer| self.peers.get(peer).is_some());
        self.peers.forget_unknown_announcements();
        self.announce(now, id, News::Range);
        if same_chain {
            self.reject_implausible(now, id, status.served);
        } else {
            let fault = PeerFault::WrongChain {
                got_chain: status.chain_id,
                got_genesis: status.genesis,
                expected_chain: self.chain.id(),
            };
            self.penalize(now, id, fault);
        }
    }

    fn note_updated(&mut self, now: Instant, id: PeerId, served: ServedRange) {
        let Some(known) = self.peers.get_mut(id) else { return };
        let news = if known.served.latest_hash == served.latest_hash { News::Range } else { News::Tip };
        known.announce(served);
        self.announce(now, id, news);
        self.target.note_named(id, served.latest_hash);
        self.reject_implausible(now, id, served);
    }

    /// A range with numbers that no chain has is a fault: the peer serves nothing until it announces another range.
    fn reject_implausible(&mut self, now: Instant, peer: PeerId, served: ServedRange) {
        if !served.is_plausible() {
            let what = format!("serves blocks {} to {}, over every plausible number", served.earliest, served.latest);
            self.penalize(now, peer, PeerFault::Protocol(what));
        }
    }

    fn poll_target_if_dirty(&mut self, now: Instant) -> bool {
        if !self.target.dirty {
            return false;
        }
        self.target.dirty = self.poll_target(now);
        self.target.dirty
    }

    /// Everything from floor to target is durable.
    fn poll_synced(&mut self) -> bool {
        let Some(head) = self.target.resolved else { return false };
        let idle = self.phase.run().is_none()
            && self.reorgs.current.is_none()
            && !self.phase.is_awaiting_store()
            && head.number >= self.floor();
        let done = idle && self.store.is_idle() && self.target.rejected.wrong_genesis.is_none();
        let done = done && !self.is_stopped_at(head.hash);
        if self.phase.is_synced() || !done {
            return false;
        }
        let whole = BlockRange::new(self.floor(), head.number);
        debug_assert!(
            whole.is_some_and(|whole| self.store.durable().stored_in(whole) == whole.len()),
            "synced to {} and {:?} is durable",
            head.number,
            self.store.durable()
        );
        self.phase.enter(Phase::Synced);
        self.target.rejected.unknown = None;
        self.out.push_back(Output::Event(Event::Synced { head }));
        true
    }

    /// Progress was made: a header was verified, or something else ended a wait.
    fn moved(&mut self, now: Instant) {
        self.reports.stall.moved_at = now;
    }
}
