//! Stall reasons: why the sync makes no progress, each with the time after which it is reported, once.
//!
//! A reason is looked for whenever the machine has nothing else to do. A reason from the store or the chain is reported
//! at once; one that may pass by itself (a peer that reconnects, a tip that spreads) must hold for `stall_after` first;
//! a sync with peers and work that verifies no header is `NoProgress` after `no_progress_after`. Where the reason lies
//! with the peers, the state of each is reported with it ([`Event::PeerHealth`]).
//!
//! No reason needs a reload to end. A new target from the user also ends each reason that concerns the target; for a
//! pinned hash on an invalid chain it is the only end. Times count from the change; a response and the budget below add
//! up to a second.
//!
//! | stall | what ends it | within |
//! |---|---|---|
//! | `NoPeers` | a peer connects | at once |
//! | `NoUsablePeer` | another peer connects; or the ban of one ends | at once; [`ban`](crate::SyncConfig::ban) |
//! | `TipsDisagree` | a majority: peers come, leave, or announce | at once |
//! | `QuorumNotReached` | enough peers connect | at once |
//! | `TargetUnavailable` | a peer with the block connects or announces it; or a peer that was asked has it by now | at once; eight times [`target_retry`](crate::SyncConfig::target_retry) |
//! | `RangeUnavailable` | a peer serves it; or the majority's tip is on another chain, or under what is missing | at once |
//! | `FloorAboveTarget` | the majority's tip is above the floor | at once |
//! | `InvalidTarget` | a majority on another chain, even if the peers of this one stay | at once |
//! | `RollbackTooDeep` | no remaining peer is on that chain; or a majority is on another one | after [`backoff_start`](crate::SyncConfig::backoff_start); [`TOO_DEEP_RETRY`](crate::config::TOO_DEEP_RETRY), doubled each time up to [`cool_down`](crate::SyncConfig::cool_down) |
//! | `UnknownFork` | a majority on a chain without that header, or whose tip is under it; a newer release | at once |
//! | `Store` | the store works again | [`persist_retry_max`](crate::SyncConfig::persist_retry_max) |
//! | `NoProgress` | a peer that responds connects; or silent peers respond again; or most responding peers have their tip below the front | at once; twice [`deadline_max`](crate::SyncConfig::deadline_max) and [`backoff_max`](crate::SyncConfig::backoff_max); at once |
//! | `WrongGenesis` | the tip of any majority with our genesis: peers that named the other one are banned | at once |
//!
//! The states of a reorg end in the same way: each request has a deadline, after
//! [`TOO_DEEP_RETRY`](crate::config::TOO_DEEP_RETRY) the target of a rejected one is chosen anew, and a pause keeps the
//! results. The machine cannot end the wait for a store that never responds to an unwind or a lookup: the host repeats
//! those until they are done.
//!
//! A reason may change with each announcement of a peer. So stall events have a budget ([`STALL_EVENTS_BURST`] at once,
//! then one in [`STALL_EVENTS_EVERY`]): an earlier change waits, and the reason that then holds is reported.

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
    /// Looks for a reason; reports it when it is due, and its end.
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
        // The new chain has no stored run to meet and cannot go further down: the reorg is over.
        if self.is_parked() && !self.is_seeking() && self.phase.run().is_some_and(|run| run.meets.is_none()) {
            self.tell_reorg();
        }
        self.tell_stall(now);
        true
    }

    /// Reports the current reason, if the last event reported another one and the budget allows it.
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

    /// When the suspected reason, an event that the budget delays, or a lack of progress is due to be reported.
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
        // A target that was agreed on is synced even if the peers disagree on the next tip.
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
