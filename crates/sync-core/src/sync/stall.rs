//! Nothing moves, and why: each reason with the deadline after which it is said, once.
//!
//! A reason is looked for whenever the machine has nothing else to do. What the store or the chain itself says is said
//! at once; what may pass by itself (a peer that reconnects, a tip that spreads) must hold for `stall_after` first; a
//! sync that has peers and work and still proves nothing is called `NoProgress` after `no_progress_after`. Where the
//! reason lies with the peers, how each of them stands is said with it ([`Event::PeerHealth`]).
//!
//! No reason needs a reload to end. Beside what the table names, another target that the user names ends each of them that
//! has to do with the target; for a pinned hash whose chain is wrong that is the only end. Times count from the change;
//! a response and the budget below (a second together) come on top.
//!
//! | stall | what ends it | within |
//! |---|---|---|
//! | `NoPeers` | a peer connects | at once |
//! | `NoUsablePeer` | another peer connects; or the ban of one ends | at once; [`ban`](crate::SyncConfig::ban) |
//! | `TipsDisagree` | a majority: peers come, leave, or announce | at once |
//! | `QuorumNotReached` | enough peers connect | at once |
//! | `TargetUnavailable` | a peer with the block connects or announces it; or one that was asked has it by now | at once; eight times [`target_retry`](crate::SyncConfig::target_retry) |
//! | `RangeUnavailable` | a peer serves it; or the majority's tip is on another chain, or under what is missing | at once |
//! | `FloorAboveTarget` | the majority's tip is above the floor | at once |
//! | `InvalidTarget` | a majority on another chain, whoever stays | at once |
//! | `RollbackTooDeep` | nobody who is left is on that chain; or a majority on another one | after [`backoff_start`](crate::SyncConfig::backoff_start); [`TOO_DEEP_RETRY`](crate::config::TOO_DEEP_RETRY), doubled each time up to [`cool_down`](crate::SyncConfig::cool_down) |
//! | `UnknownFork` | a majority on a chain without that header, or whose tip is under it; a newer release | at once |
//! | `Store` | the store works again | [`persist_retry_max`](crate::SyncConfig::persist_retry_max) |
//! | `NoProgress` | a peer that answers connects; or those that were silent answer again; or most of those that answer have their tip under the front | at once; twice [`deadline_max`](crate::SyncConfig::deadline_max) and [`backoff_max`](crate::SyncConfig::backoff_max); at once |
//! | `WrongGenesis` | the tip of any majority with our genesis: who named the other one is banned | at once |
//!
//! The states of a reorg end in the same way: each question has a deadline, after [`TOO_DEEP_RETRY`](crate::config::TOO_DEEP_RETRY) a refused one is
//! chosen anew, and a pause keeps what was found. What the machine cannot end by itself is a store that never answers a
//! removal or a lookup: the host repeats those until they are done.
//!
//! What holds may follow what peers announce. So it is said with a budget ([`STALL_EVENTS_BURST`] at once, then one in
//! [`STALL_EVENTS_EVERY`]): a change that comes sooner waits, and what holds when its time has come is said.

use alloc::boxed::Box;
use core::mem::discriminant;

use super::{HeaderSync, parts::TooDeep};
use crate::{
    follow::InvalidChain,
    io::{Event, Output, StallReason, SyncTarget},
    peers::health,
    time::Instant,
};
use header_rules::range::BlockRange;

impl HeaderSync {
    /// Looks for a reason; says it when its time has come, and takes it back when it is over.
    pub(super) fn poll_stall(&mut self, now: Instant) -> bool {
        let found = self.find_stall(now);
        let Some(reason) = found else {
            self.reports.stall.suspected = None;
            let over = self.reports.stall.announced.take().is_some();
            self.tell_stall(now);
            return over;
        };
        let since = match &self.reports.stall.suspected {
            Some((same, since)) if discriminant(same) == discriminant(&reason) => *since,
            _ => now,
        };
        self.reports.stall.suspected = Some((reason.clone(), since));
        let due = self.stall_due(&reason, since) <= now;
        if (due || self.may_raise_at_once(now, &reason)) && self.raise_floor(now, &reason) {
            self.reports.stall.suspected = None;
            return true;
        }
        let is_new =
            self.reports.stall.announced.as_ref() != Some(&reason) && self.reports.stall.may_repeat_at(&reason) <= now;
        if !due || !is_new {
            return false;
        }
        self.reports.stall.announced = Some(reason.clone());
        self.reports.stall.announced_at = now;
        self.target.dirty = true;
        // Nothing of the old chain stayed that the new one could meet, and it goes down no further: the reorg is over.
        if self.is_parked() && !self.is_seeking() && self.phase.run().is_some_and(|run| run.meets.is_none()) {
            self.tell_reorg();
        }
        self.tell_stall(now);
        true
    }

    /// Says what holds, if the last event said something else and the budget allows it.
    pub(super) fn tell_stall(&mut self, now: Instant) -> bool {
        if self.reports.stall.told == self.reports.stall.announced || !self.reports.stall.budget.take(now) {
            return false;
        }
        self.reports.stall.told = self.reports.stall.announced.clone();
        let Some(reason) = self.reports.stall.told.clone() else {
            self.out.push_back(Output::Event(Event::Resumed));
            return true;
        };
        let is_of_peers = !matches!(
            reason,
            StallReason::NoPeers
                | StallReason::Store(_)
                | StallReason::WrongGenesis { .. }
                | StallReason::UnknownFork { .. }
        );
        self.out.push_back(Output::Event(Event::Stalled(reason)));
        if is_of_peers {
            self.out.push_back(Output::Event(Event::PeerHealth(health::of_all(&self.peers, now))));
        }
        true
    }

    /// When the suspected reason will be said, if it was not yet, or what the budget holds back; when lack of progress would
    /// be.
    pub(super) fn stall_wakeup(&self, now: Instant) -> Option<Instant> {
        let suspected = self
            .reports
            .stall
            .suspected
            .as_ref()
            .filter(|(reason, _)| self.reports.stall.announced.as_ref() != Some(reason));
        let suspected = suspected
            .map(|(reason, since)| self.stall_due(reason, *since).max(self.reports.stall.may_repeat_at(reason)));
        let watched = self.reports.stall.announced.is_none()
            && (self.phase.run().is_some() || self.is_seeking())
            && !self.host.is_paused;
        let quiet = [self.config.no_progress_after, self.config.claim_patience];
        let quiet = quiet.into_iter().filter(|_| watched).map(|after| self.reports.stall.moved_at + after);
        let held_back = (self.reports.stall.told != self.reports.stall.announced)
            .then(|| now + self.reports.stall.budget.wait(now));
        suspected.into_iter().chain(quiet).chain(held_back).filter(|at| *at > self.host.polled_at()).min()
    }

    fn stall_due(&self, reason: &StallReason, since: Instant) -> Instant {
        match reason {
            StallReason::Store(_)
            | StallReason::WrongGenesis { .. }
            | StallReason::TargetUnavailable { .. }
            | StallReason::InvalidTarget { .. }
            | StallReason::UnknownFork { .. }
            | StallReason::RollbackTooDeep { .. }
            | StallReason::FloorAboveTarget { .. }
            | StallReason::NoProgress => since,
            // Peers follow a reorg one after another: a target that was agreed on stays good for a while.
            StallReason::TipsDisagree { .. } if self.target.resolved.is_some() => since + self.config.no_progress_after,
            StallReason::NoPeers
            | StallReason::NoUsablePeer
            | StallReason::TipsDisagree { .. }
            | StallReason::QuorumNotReached { .. }
            | StallReason::RangeUnavailable(_) => since + self.config.stall_after,
        }
    }

    fn find_stall(&self, now: Instant) -> Option<StallReason> {
        if let Some(failure) = self.store.failure().cloned() {
            return Some(StallReason::Store(failure));
        }
        if let (Some(got), Some(expected)) = (self.target.rejected.wrong_genesis, self.chain.genesis()) {
            return Some(StallReason::WrongGenesis { got, expected });
        }
        if let Some(unknown) = &self.target.rejected.unknown {
            return Some(unknown.stall());
        }
        if let Some(chain) = self.target.invalid.clone() {
            let InvalidChain { number, hash, violation, last_valid } = chain;
            return Some(StallReason::InvalidTarget { number, hash, violation: Box::new(violation), last_valid });
        }
        if let Some(TooDeep { local, .. }) = self.reorgs.too_deep {
            return Some(StallReason::RollbackTooDeep { local, window: self.config.rollback_window });
        }
        if let Some(target) = self.target.resolved.filter(|target| target.number < self.floor()) {
            return Some(StallReason::FloorAboveTarget { floor: self.floor(), target });
        }
        let working = self.phase.run().is_some() || self.is_seeking();
        let idle = !working
            && self.target.trouble.is_none()
            && self.target.resolved.is_some()
            && !self.phase.is_awaiting_store();
        if self.host.is_paused || idle || self.target.wanted.is_none() {
            return None;
        }
        if !self.peers.iter().any(|(_, peer)| peer.connected) {
            return Some(StallReason::NoPeers);
        }
        if self.peers.usable(now).next().is_none() {
            return Some(StallReason::NoUsablePeer);
        }
        // What is agreed on is synced, whatever the peers say of the next tip.
        if let Some(trouble) = self.target.trouble.clone().filter(|_| !working || self.target.resolved.is_none()) {
            return Some(trouble);
        }
        let (off_target, usable) = self.count_off_target(now);
        if let (Some(SyncTarget::Hash(hash)), true) = (self.target.wanted, off_target == usable && usable > 0) {
            return Some(StallReason::TargetUnavailable { hash, asked: off_target });
        }
        if let Some(missing) = self.still_unavailable(now) {
            return Some(StallReason::RangeUnavailable(missing));
        }
        let waited = now.saturating_since(self.reports.stall.moved_at);
        let stuck = (waited >= self.config.no_progress_after).then_some(StallReason::NoProgress);
        if self.phase.run().is_none() {
            let alone = self.reorgs.current.as_ref().and_then(|reorg| reorg.alone);
            let missing = alone.and_then(|number| BlockRange::new(number, number)).map(StallReason::RangeUnavailable);
            return missing.or(stuck.filter(|_| working));
        }
        self.unavailable(now).map(StallReason::RangeUnavailable).or(stuck)
    }
}
