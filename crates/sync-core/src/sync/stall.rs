//! Nothing moves, and why: each reason with the deadline after which it is said, once.
//!
//! A reason is looked for whenever the machine has nothing else to do. What the store or the chain itself says is said
//! at once; what may pass by itself (a peer that reconnects, a tip that spreads) must hold for `stall_after` first; a
//! sync that has peers and work and still proves nothing is called `NoProgress` after `no_progress_after`. Where the
//! reason lies with the peers, how each of them stands is said with it ([`Event::PeerHealth`]).

use alloc::boxed::Box;
use core::mem::discriminant;

use super::HeaderSync;
use crate::{
    follow::InvalidChain,
    io::{Event, Output, StallReason, SyncTarget},
    peers::health,
    range::BlockRange,
    time::Instant,
};

/// What was found and what was said.
#[derive(Debug, Default)]
pub(super) struct StallWatch {
    suspected: Option<(StallReason, Instant)>,
    pub announced: Option<StallReason>,
}

impl HeaderSync {
    /// Looks for a reason; says it when its time has come, and takes it back when it is over.
    pub(super) fn poll_stall(&mut self, now: Instant) -> bool {
        let found = self.find_stall(now);
        let Some(reason) = found else {
            self.watch.suspected = None;
            let over = self.watch.announced.take().is_some();
            if over {
                self.out.push_back(Output::Event(Event::Resumed));
                self.progress_due = true;
            }
            return over;
        };
        let since = match &self.watch.suspected {
            Some((same, since)) if discriminant(same) == discriminant(&reason) => *since,
            _ => now,
        };
        self.watch.suspected = Some((reason.clone(), since));
        let due = self.stall_due(&reason, since) <= now;
        if !due || self.watch.announced.as_ref() == Some(&reason) {
            return false;
        }
        self.watch.announced = Some(reason.clone());
        self.target.dirty = true;
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
        self.progress_due = true;
        true
    }

    /// When the suspected reason will be said, if it was not yet; when lack of progress would be.
    pub(super) fn stall_wakeup(&self) -> Option<Instant> {
        let suspected =
            self.watch.suspected.as_ref().filter(|(reason, _)| self.watch.announced.as_ref() != Some(reason));
        let suspected = suspected.map(|(reason, since)| self.stall_due(reason, *since));
        let watched = self.watch.announced.is_none() && (self.run.is_some() || self.is_seeking()) && !self.paused;
        let no_progress = watched.then(|| self.moved_at + self.config.no_progress_after);
        [suspected, no_progress].into_iter().flatten().min()
    }

    fn stall_due(&self, reason: &StallReason, since: Instant) -> Instant {
        match reason {
            StallReason::Store(_)
            | StallReason::WrongGenesis { .. }
            | StallReason::TargetUnavailable { .. }
            | StallReason::InvalidTarget { .. }
            | StallReason::UnknownFork { .. }
            | StallReason::RollbackTooDeep { .. }
            | StallReason::NoProgress => since,
            StallReason::NoPeers
            | StallReason::NoUsablePeer
            | StallReason::TipsDisagree
            | StallReason::QuorumNotReached { .. }
            | StallReason::RangeUnavailable(_) => since + self.config.stall_after,
        }
    }

    fn find_stall(&self, now: Instant) -> Option<StallReason> {
        if let Some(failure) = self.persisting.as_ref().and_then(|persisting| persisting.failure.clone()) {
            return Some(StallReason::Store(failure));
        }
        if let (Some(got), Some(expected)) = (self.wrong_genesis, self.chain.genesis()) {
            return Some(StallReason::WrongGenesis { got, expected });
        }
        if let Some(unknown) = &self.unknown {
            return Some(unknown.stall());
        }
        if let Some(chain) = self.target.invalid.clone() {
            let InvalidChain { number, hash, violation, last_valid } = chain;
            return Some(StallReason::InvalidTarget { number, hash, violation: Box::new(violation), last_valid });
        }
        if let Some(local) = self.reorg.as_ref().and_then(|reorg| reorg.too_deep) {
            return Some(StallReason::RollbackTooDeep { local, window: self.config.rollback_window });
        }
        let working = self.run.is_some() || self.is_seeking();
        let idle = !working && self.target.trouble.is_none() && self.target.resolved.is_some();
        if self.paused || idle || self.target.wanted.is_none() {
            return None;
        }
        if !self.peers.iter().any(|(_, peer)| peer.connected) {
            return Some(StallReason::NoPeers);
        }
        if self.peers.usable(now).next().is_none() {
            return Some(StallReason::NoUsablePeer);
        }
        if let Some(trouble) = self.target.trouble.clone() {
            return Some(trouble);
        }
        let (aside, usable) = self.count_aside(now);
        if let (Some(SyncTarget::Hash(hash)), true) = (self.target.wanted, aside == usable) {
            return Some(StallReason::TargetUnavailable { hash, asked: aside });
        }
        let waited = now.saturating_since(self.moved_at);
        let stuck = (waited >= self.config.no_progress_after).then_some(StallReason::NoProgress);
        let Some(run) = &self.run else {
            let alone = self.reorg.as_ref().filter(|reorg| reorg.seeking).and_then(|reorg| reorg.alone);
            let missing = alone.and_then(|number| BlockRange::new(number, number)).map(StallReason::RangeUnavailable);
            return missing.or(stuck.filter(|_| working));
        };
        if let Some(top) = self.downloader.plan.ranges().next()
            && top.last() == run.anchor.number
            && !run.complete
            && let Some(missing) = self.unserved(now, top)
        {
            return Some(StallReason::RangeUnavailable(missing));
        }
        stuck
    }

    /// The upper part of `range` that no usable peer serves by number, if its highest number is in it.
    fn unserved(&self, now: Instant, range: BlockRange) -> Option<BlockRange> {
        let mut first = range.first();
        for (_, peer) in self.peers.usable(now) {
            let Some(served) = peer.numbers(now).and_then(|served| served.intersection(range)) else { continue };
            if served.last() == range.last() {
                return None;
            }
            first = first.max(served.last() + 1);
        }
        BlockRange::new(first, range.last())
    }
}
