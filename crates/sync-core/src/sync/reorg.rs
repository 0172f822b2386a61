//! The target's chain does not meet the stored one: their common ancestor is sought, the stored headers above it are
//! reverted, and the download goes down to it.
//!
//! ```text
//!   DetachedHead -> Comparing <-> Seeking --found--> Unwind -> run down to the ancestor --meets--> Event::Reorg
//!                        ^  |                              |
//!                        |  v                              | does not meet: the claim was invalid
//!                        |  TooDeep: a stall; retried      |
//!                        +---------------------------------+
//! ```
//!
//! *Comparing* fetches the next headers of the target's chain by hash, so that a short reorg is decided by hashes
//! alone; *Seeking* compares them, and further down the claims of peers, with the store ([`AncestorSearch`]). The
//! headers of the new chain that were verified so far are stored above and stay there. Nothing is removed before there
//! is an ancestor; a claim of a peer counts only once the hash link meets it. Only peers that are on the target's chain
//! are asked (`fork_check`): the others would name an ancestor of another chain.
//!
//! A reorg deeper than the window is not followed: the target is chosen anew after [`TOO_DEEP_RETRY`], or when no
//! remaining peer is on its chain. The window is for a chain that was whole, down to the floor: otherwise the first
//! peer to connect could stop the sync with any long chain that it serves in part.

use core::time::Duration;

use super::{
    HeaderSync,
    parts::{Compared, Reorg, ReorgPhase, TooDeep},
};
use crate::{
    checkpoint::Subchain,
    config::TOO_DEEP_RETRY,
    follow::{AncestorSearch, Known, Outcome},
    headers::Purpose,
    id::PeerId,
    io::{BlockNumHash, Event, Output},
    peers::Peer,
    time::{Instant, doubled},
};
use header_rules::range::{BlockNumber, BlockRange};

impl HeaderSync {
    /// Is an ancestor being sought?
    pub(super) fn is_seeking(&self) -> bool {
        self.reorgs.current.as_ref().is_some_and(Reorg::is_open)
    }

    /// The target's chain has `expected` where `local` holds `stored`.
    pub(super) fn detach(&mut self, now: Instant, local: Subchain, stored: BlockNumHash, expected: BlockNumHash) {
        debug_assert!(
            (local.tail..=local.head).contains(&expected.number),
            "the chains differ at {}, outside of the stored {}..={}",
            expected.number,
            local.tail,
            local.head
        );
        self.close_run();
        // Another chain may not have that header.
        self.target.rejected.unknown = None;
        let above_is_old = self.target.resolved.is_some_and(|target| target.number <= local.head);
        let heads = self.store.pending().newest().map_or(local.head, |newest| newest.head);
        let again = self.reorgs.current.take();
        let top = again.as_ref().map_or(if above_is_old { heads } else { local.head }, |before| before.top);
        let window = if self.is_whole(&local) { top.saturating_sub(self.config.rollback_window) } else { local.tail };
        // A reorg back to a chain that was reverted is never too deep.
        let lowest = local.tail.max(self.reorgs.last_ancestor.map_or(window, |ancestor| ancestor.min(window)));
        // Every peer of this chain has its genesis, and so has the store.
        let rooted = lowest == 0 && self.chain.genesis().is_some();
        let same_run = again.as_ref().is_some_and(|before| before.local.tail == local.tail);
        if !same_run {
            self.out.push_back(Output::Event(Event::DetachedHead { local: stored, expected: expected.hash }));
        }
        let (search, reverted_from) = match again {
            Some(mut before) => {
                before.search.go_on(expected.number, lowest, rooted);
                (before.search, before.reverted_from)
            }
            None => (AncestorSearch::new(expected.number, lowest, rooted), None),
        };
        let above_is_old = above_is_old && reverted_from.is_none();
        self.reorgs.current = Some(Reorg {
            local,
            top,
            differs: expected,
            above_is_old,
            reverted_from,
            search,
            phase: ReorgPhase::Seeking,
            next: expected,
            compared: Compared::default(),
            alone: None,
            retry_at: None,
        });
        self.moved(now);
    }

    /// One step of the search: asks the store or peers, compares, or ends.
    pub(super) fn poll_reorg(&mut self, now: Instant) -> bool {
        let Some(reorg) = &mut self.reorgs.current else { return false };
        match reorg.phase {
            ReorgPhase::TooDeep { since, retry_at } => return self.poll_too_deep(now, since, retry_at),
            ReorgPhase::Replacing => return false,
            ReorgPhase::Comparing | ReorgPhase::Seeking => {}
        }
        if !self.store.is_idle() {
            return false;
        }
        if reorg.retry_at.is_some_and(|at| at <= now) {
            reorg.retry_at = None;
            reorg.search.ask_again();
        }
        let is_comparing = reorg.phase == ReorgPhase::Comparing;
        let needs_verified = reorg.search.needs_verified();
        let Some(number) = reorg.search.number() else {
            if is_comparing {
                self.end_compare(now);
            }
            return self.end_search(now);
        };
        if let Some(down_to) = needs_verified.filter(|_| !is_comparing) {
            self.compare_down_to(now, down_to);
            return true;
        }
        if is_comparing && needs_verified.is_some() {
            return false;
        }
        let stored = match self.store.stored(number) {
            Known::Unasked => return self.ask_store(&[number]),
            Known::Asked => return false,
            Known::Absent => None,
            Known::Header { hash, .. } => Some(hash),
        };
        let Some(reorg) = &mut self.reorgs.current else { return false };
        let moved = match reorg.search.verified_at(number) {
            Some(hash) => {
                reorg.search.decide(stored == Some(hash));
                true
            }
            None => reorg.search.judge(now, stored),
        };
        if moved {
            self.moved(now);
            return true;
        }
        !reorg.search.is_open() && !self.host.is_paused && self.open_number(now, number)
    }

    /// When the search stops waiting for a peer.
    pub(super) fn search_wakeup(&self, now: Instant) -> Option<Instant> {
        let reorg = self.reorgs.current.as_ref()?;
        let too_deep = match reorg.phase {
            ReorgPhase::TooDeep { since, retry_at } => [Some(since + self.config.backoff_start), Some(retry_at)],
            _ => [None; 2],
        };
        let seeking = [reorg.search.deadline(), reorg.retry_at].into_iter().flatten();
        let seeking = seeking.filter(|_| reorg.phase == ReorgPhase::Seeking);
        seeking.chain(too_deep.into_iter().flatten()).filter(|at| *at > now).min()
    }

    /// Is the stored run whole, down to the floor? The rollback window applies to such a run alone: no caller relies on
    /// a chain that was never whole.
    fn is_whole(&self, local: &Subchain) -> bool {
        local.tail <= self.floor()
    }

    /// The search has ended: reverts the headers above the ancestor, or reports that the reorg is too deep.
    fn end_search(&mut self, now: Instant) -> bool {
        let Some((local, top)) = self.reorgs.current.as_ref().map(|reorg| (reorg.local, reorg.top)) else {
            return false;
        };
        let is_whole = self.is_whole(&local);
        let Some(reorg) = &mut self.reorgs.current else { return false };
        let ancestor = match reorg.search.outcome() {
            Some(Outcome::Ancestor(number)) => number,
            Some(Outcome::Nothing) if reorg.search.ask_all_peers() => return true,
            Some(Outcome::Nothing) if is_whole && top.saturating_sub(local.tail) >= self.config.rollback_window => {
                return self.reject_too_deep(now, BlockNumHash { number: local.head, hash: local.head_hash });
            }
            Some(Outcome::Nothing) => return self.revert_run(now),
            None => return false,
        };
        let hash = match self.store.stored(ancestor) {
            Known::Unasked => return self.ask_store(&[ancestor]),
            Known::Asked => return false,
            Known::Header { hash, .. } => hash,
            // The new chain cannot meet a header that the store lost.
            Known::Absent => return self.revert_run(now),
        };
        let ancestor = BlockNumHash { number: ancestor, hash };
        self.revert_above(now, ancestor)
    }

    /// The reorg is deeper than the window: nothing is removed, and the target is chosen anew after a pause.
    fn reject_too_deep(&mut self, now: Instant, local: BlockNumHash) -> bool {
        let times = self.reorgs.too_deep.map_or(0, |before| before.times);
        self.reorgs.too_deep = Some(TooDeep { local, times: times.saturating_add(1) });
        let pause: Duration = doubled(TOO_DEEP_RETRY, times, self.config.cool_down);
        if let Some(reorg) = &mut self.reorgs.current {
            reorg.phase = ReorgPhase::TooDeep { since: now, retry_at: now + pause };
        }
        // Another tip may have its majority by now.
        self.target.dirty = true;
        true
    }

    /// Chooses the target anew when the retry is due or, after a short pause, when no remaining peer is on its chain.
    fn poll_too_deep(&mut self, now: Instant, since: Instant, retry_at: Instant) -> bool {
        let is_left = now >= since + self.config.backoff_start && {
            let named = |id: PeerId, peer: &Peer| {
                self.target.resolved.is_some_and(|target| self.target.votes.names(id, peer.served.latest_hash, target))
            };
            !self.peers.usable(now).any(|(id, peer)| self.is_on_target(id) || named(id, peer))
        };
        if !(is_left || now >= retry_at) || self.host.is_paused || self.peers.usable(now).next().is_none() {
            return false;
        }
        self.cancel_search();
        self.target.choose_anew();
        true
    }

    /// Reverts the stored headers of the old chain above the ancestor.
    fn revert_above(&mut self, now: Instant, ancestor: BlockNumHash) -> bool {
        let Some(reorg) = &self.reorgs.current else { return false };
        let (differs, keep_above) = (reorg.differs.number, !reorg.above_is_old);
        self.store.retain_runs(|run| {
            if run.tail > differs || run.head <= ancestor.number {
                return run.tail <= differs || keep_above;
            }
            if run.tail <= ancestor.number {
                (run.head, run.head_hash) = (ancestor.number, ancestor.hash);
            }
            run.tail <= ancestor.number
        });
        self.unwind_above(now, ancestor.number, ancestor.number + 1)
    }

    /// Reverts the whole stored run: no header of it is on the target's chain.
    fn revert_run(&mut self, now: Instant) -> bool {
        let Some(reorg) = &self.reorgs.current else { return false };
        let (local, differs, keep_above) = (reorg.local, reorg.differs.number, !reorg.above_is_old);
        self.store.retain_runs(|run| run.head < local.tail || (keep_above && run.tail > differs));
        // Genesis cannot be removed by number; the checkpoint no longer speaks of it, and it is written again.
        self.unwind_above(now, local.tail.saturating_sub(1), local.tail)
    }

    fn unwind_above(&mut self, now: Instant, to: BlockNumber, reverted_from: BlockNumber) -> bool {
        debug_assert!(reverted_from - to <= 1, "an unwind to {to} that removes nothing under {reverted_from}");
        if let Some(reorg) = &mut self.reorgs.current {
            reorg.phase = ReorgPhase::Replacing;
            reorg.reverted_from = Some(reverted_from);
            reorg.retry_at = None;
        }
        self.reorgs.too_deep = None;
        self.store.unwind(to);
        self.moved(now);
        true
    }

    /// Reports the reorg once: the new chain meets the headers that stayed, or the target changed.
    pub(super) fn tell_reorg(&mut self) {
        let Some(reorg) = self.reorgs.current.take() else { return };
        let (Some(first), Some(target)) = (reorg.reverted_from, self.target.resolved) else { return };
        self.reorgs.last_ancestor = first.checked_sub(1);
        if let (Some(reverted), Some(adopted)) =
            (BlockRange::new(first, reorg.top), BlockRange::new(first, target.number.max(first)))
        {
            self.out.push_back(Output::Event(Event::Reorg { reverted, adopted }));
        }
    }

    /// Another target: the search ends without a result.
    pub(super) fn cancel_search(&mut self) {
        self.cancel_where(|request| matches!(request.purpose, Purpose::Ancestor(_)));
        self.tell_reorg();
    }
}
