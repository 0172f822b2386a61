//! The floor: the lowest number of the sync, and what happens when no peer serves it.
//!
//! The floor is what the host asked for ([`SyncConfig::floor`](crate::SyncConfig::floor)). What a peer says of its lowest
//! block is a claim: it decides what the peer is asked for, and never where the sync ends.
//!
//! | the missing range | and so |
//! |---|---|
//! | is claimed by a peer that responds | it is downloaded |
//! | is claimed by no peer | it is unavailable |
//! | is claimed only by peers without verified headers, or by silent peers; other peers announce that they do not have it | it is unavailable once nothing was verified for [`claim_patience`](crate::SyncConfig::claim_patience) |
//!
//! An unavailable range is a stall that names it. The headers above are stored and new tips are followed meanwhile;
//! peers that claim the range are still asked for it, and the first header verified there ends the stall. With
//! [`floor_may_rise`](crate::SyncConfig::floor_may_rise) the floor rises to the lowest verified number instead, and the
//! sync is done; a peer that claims more below lowers it again, once, until that peer was silent.
//!
//! A malicious peer that claims everything and serves nothing delays that stall by `claim_patience` and changes nothing
//! else.

use super::{HeaderSync, parts::Phase};
use crate::{
    io::StallReason,
    peers::{Liveness, Peer},
    time::Instant,
};
use header_rules::range::{BlockNumber, BlockRange};

impl HeaderSync {
    /// The lowest number that is wanted.
    pub(super) fn floor(&self) -> BlockNumber {
        self.target.risen_floor.unwrap_or(self.config.floor)
    }

    /// Lowers a risen floor again when a peer that responds claims headers below it.
    pub(super) fn update_floor(&mut self, now: Instant) {
        let Some(risen) = self.target.risen_floor else { return };
        let claims = |peer: &Peer| peer.serves(now).is_some_and(|range| range.first() < risen);
        if !self.peers.usable(now).any(|(_, peer)| claims(peer) && responds(peer)) {
            return;
        }
        self.target.risen_floor = None;
        if self.phase.run().is_none() && self.target.resolved.is_some() {
            self.open_run(now);
            if self.phase.is_synced() && self.is_busy() {
                self.phase.enter(Phase::Idle);
            }
        }
    }

    /// The part of the open gap, from its front down, that cannot be had now.
    pub(super) fn unavailable(&self, now: Instant) -> Option<BlockRange> {
        let run = self.phase.run().filter(|run| !run.complete)?;
        let missing = BlockRange::new(run.bottom, run.anchor.number)?;
        let front = missing.last();
        if self.downloader.staging.contains(front) {
            return None;
        }
        let unclaimed = self.unserved(now, missing, |_| true);
        if unclaimed.is_some() && self.downloader.requests.piece_at(front).is_none() {
            return unclaimed;
        }
        let waited = now >= self.reports.stall.moved_at + self.config.claim_patience;
        if waited && self.is_denied(now, front) { self.unserved(now, missing, has_verified) } else { None }
    }

    /// Is the reported range still unavailable? The download of newer blocks above it changes nothing.
    pub(super) fn still_unavailable(&self, now: Instant) -> Option<BlockRange> {
        let Some(StallReason::RangeUnavailable(missing)) = self.reports.stall.announced else { return None };
        let front = match self.phase.run() {
            Some(run) if run.complete => return None,
            Some(run) => run.meets.map_or(Some(run.anchor.number), |older| older.tail.checked_sub(1)),
            // The next gap is about to be opened.
            None => Some(missing.last()).filter(|_| self.is_busy()),
        };
        let stuck_above = self.phase.run().is_some_and(|run| run.meets.is_some())
            && now >= self.reports.stall.moved_at + self.config.no_progress_after;
        if front != Some(missing.last()) || stuck_above || !self.is_denied(now, missing.last()) {
            return None;
        }
        self.unserved(now, missing, has_verified)
    }

    /// Is the open gap one that cannot be filled now, so that nothing is lost by following newer tips meanwhile?
    pub(super) fn is_parked(&self) -> bool {
        let Some(StallReason::RangeUnavailable(missing)) = self.reports.stall.announced else { return false };
        let at_front = self.phase.filling().is_some_and(|run| run.anchor.number == missing.last());
        // A peer whose range begins above the missing range denies it. A peer whose range ends below has left the
        // target's chain.
        at_front && self.is_denied(self.host.polled_at(), missing.last())
    }

    /// The floor rises to the lowest verified number, when it may: `true` when it did.
    pub(super) fn raise_floor(&mut self, now: Instant, reason: &StallReason) -> bool {
        let StallReason::RangeUnavailable(missing) = *reason else { return false };
        let (Some(run), Some(target)) = (self.phase.filling(), self.target.resolved) else { return false };
        let at_bottom = run.meets.is_none() && run.anchor.number == missing.last();
        // Nothing under the target was verified: then the target itself cannot be had.
        if !self.config.floor_may_rise || !at_bottom || missing.last() >= target.number || self.store.is_unwinding() {
            return false;
        }
        self.close_run();
        self.target.risen_floor = Some(missing.last() + 1);
        debug_assert!(self.floor() <= target.number, "the floor rises to {}, over the target", self.floor());
        self.store.set_floor(self.floor());
        // Nothing is removed; the floor is stored with the checkpoint.
        if let Some(head) = self.store.pending().newest().map(|newest| newest.head) {
            self.store.unwind(head);
        }
        self.target.dirty = true;
        self.tell_reorg();
        self.moved(now);
        true
    }

    /// Is the rise of the floor due at once? When every peer that one may wait for has spoken and claims nothing lower.
    pub(super) fn may_raise_at_once(&self, now: Instant, reason: &StallReason) -> bool {
        let StallReason::RangeUnavailable(missing) = reason else { return false };
        self.config.floor_may_rise && self.has_fair_sample(now) && self.unserved(now, *missing, |_| true).is_some()
    }

    /// Does a usable peer say that it does not have this number, because what it serves begins above?
    fn is_denied(&self, now: Instant, number: BlockNumber) -> bool {
        self.peers.usable(now).any(|(_, peer)| peer.serves(now).is_some_and(|range| range.first() > number))
    }

    /// The upper part of `range` that no usable peer serves by number, of those that `count`, if its highest number is in
    /// it.
    fn unserved(&self, now: Instant, range: BlockRange, count: impl Fn(&Peer) -> bool) -> Option<BlockRange> {
        let mut first = range.first();
        for (_, peer) in self.peers.usable(now).filter(|(_, peer)| count(peer)) {
            let Some(served) = peer.numbers(now).and_then(|served| served.intersection(range)) else { continue };
            if served.last() == range.last() {
                return None;
            }
            first = first.max(served.last().saturating_add(1));
        }
        BlockRange::new(first, range.last())
    }
}

/// Were headers of the peer verified, and does it respond?
fn has_verified(peer: &Peer) -> bool {
    peer.headers > 0 && responds(peer)
}

/// Was the peer never silent, as far as is known?
fn responds(peer: &Peer) -> bool {
    !peer.reputation.is_silent() && peer.liveness == Liveness::Responsive
}
