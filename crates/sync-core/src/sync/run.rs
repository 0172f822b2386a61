//! Gaps and runs: which part of the chain is being filled, and the stored headers that it must meet above and below.
//!
//! The store holds [`Subchain`]s, newest first. A *run* fills the gap between the target (or the tail of a stored run)
//! and the head of the next older one, or the floor:
//!
//! ```text
//!   target ─┐
//!           │ run: the anchor moves down from the target to the bottom
//!   bottom ─┘
//!   head ══ subchain 0 ══ tail   the hashes meet: merged, and the next run begins under its tail
//!           gap                  they do not: DetachedHead, see `reorg`
//!   head ══ subchain 1 ══ tail
//!   floor
//! ```
//!
//! Rules that compare a header with its parent are checked at both ends of a run too: the neighbours are read from the
//! store before the run is opened. Where the store has none, the hash link alone joins them.

use alloy_primitives::B256;

use super::{
    HeaderSync,
    parts::{Phase, Run},
};
use crate::{
    checkpoint::Subchain,
    follow::{Known, TipPlace, place},
    headers::{Purpose, Response},
    io::{BlockNumHash, SyncTarget},
    lineage::{Anchor, Lineage, LinkFault},
    time::Instant,
};
use header_rules::range::{BlockNumber, BlockRange};

/// Where the next run lies.
enum Gap {
    /// Nothing is missing between the floor and the target.
    None,
    /// The stored header at this number must be read first.
    Ask(BlockNumber),
    /// The store holds another block than the target's chain, at this number, in this run.
    Detached { local: Subchain, stored: BlockNumHash, expected: BlockNumHash },
    /// Runs above this number are stored, and whether they belong to the target's chain is unknown: the target is below
    /// them, or in an older run.
    Leftover { keep: BlockNumber },
    /// Fill this; `child` is the stored header right above it.
    Fill { top: BlockNumHash, bottom: BlockNumber, child: Option<BlockNumber>, meets: Option<Subchain> },
}

impl HeaderSync {
    fn next_gap(&self, target: BlockNumHash) -> Gap {
        match place(target, self.store.pending()) {
            TipPlace::Above => {
                let (bottom, meets) = self.down_to(target.number, self.store.pending().newest());
                Gap::Fill { top: target, bottom, child: None, meets }
            }
            TipPlace::Between => Gap::Leftover { keep: target.number },
            TipPlace::Stored => self.gap_under(target),
            TipPlace::Differs(local, hash) => {
                Gap::Detached { local, stored: BlockNumHash { number: target.number, hash }, expected: target }
            }
            TipPlace::Inside(local) => match self.store.stored(target.number) {
                Known::Unasked | Known::Asked => Gap::Ask(target.number),
                Known::Header { hash, .. } if hash == target.hash => self.gap_under(target),
                Known::Header { hash, .. } => {
                    Gap::Detached { local, stored: BlockNumHash { number: target.number, hash }, expected: target }
                }
                Known::Absent => {
                    let stored = BlockNumHash { number: local.head, hash: local.head_hash };
                    Gap::Detached { local, stored, expected: target }
                }
            },
        }
    }

    /// The gap under the stored run that holds the target, or whose lowest header is its child. A run that begins right
    /// above the target and names another parent is of another chain: it is removed, and the target's own run stays.
    fn gap_under(&self, target: BlockNumHash) -> Gap {
        let floor = self.floor().min(target.number);
        let is_parent = |run: &Subchain| run.tail.checked_sub(1) == Some(target.number) && run.next == target.hash;
        let holds = |run: &Subchain| (run.tail..=run.head).contains(&target.number) || is_parent(run);
        let Some(at) = self.store.pending().subchains.iter().position(holds) else { return Gap::None };
        let run = self.store.pending().subchains[at];
        if at > 0 {
            return Gap::Leftover { keep: run.head };
        }
        if run.tail <= floor {
            return Gap::None;
        }
        let top = BlockNumHash { number: run.tail - 1, hash: run.next };
        let (bottom, meets) = self.down_to(run.tail, self.store.pending().subchains.get(at + 1));
        if bottom > top.number {
            // The older run touches this one: its head is the very block that the tail names, or it is detached.
            return match meets {
                Some(local) if local.head_hash != run.next => {
                    let stored = BlockNumHash { number: local.head, hash: local.head_hash };
                    Gap::Detached { local, stored, expected: top }
                }
                _ => Gap::None,
            };
        }
        Gap::Fill { top, bottom, child: Some(run.tail), meets }
    }

    /// How far down a run from under `limit` goes, and the older run that it meets there.
    fn down_to(&self, limit: BlockNumber, older: Option<&Subchain>) -> (BlockNumber, Option<Subchain>) {
        let floor = self.target.resolved.map_or(self.floor(), |target| self.floor().min(target.number));
        let meets = older.filter(|older| older.head + 1 >= floor && older.head < limit).copied();
        (meets.map_or(floor, |older| older.head + 1), meets)
    }

    /// Opens the next gap under the target, if there is one.
    pub(super) fn open_run(&mut self, now: Instant) {
        debug_assert!(self.phase.run().is_none(), "a run is open");
        self.phase.stop_waiting();
        let Some(target) = self.target.resolved else { return };
        let above_floor = target.number >= self.floor();
        let is_over = self.target.rejected.wrong_genesis.is_some() || self.is_stopped_at(target.hash) || !above_floor;
        if self.store.is_unwinding() || self.is_seeking() || is_over {
            return;
        }
        self.store.set_floor(self.floor());
        match self.next_gap(target) {
            Gap::None => self.end_of_gaps(now),
            Gap::Ask(number) => self.open_after(&[number]),
            Gap::Detached { local, stored, expected } => self.detach(now, local, stored, expected),
            Gap::Leftover { keep } => {
                self.store.retain_runs(|run| run.head <= keep);
                self.store.unwind(keep);
            }
            Gap::Fill { top, bottom, child, meets } => {
                let anchor = Anchor { number: top.number, hash: top.hash };
                if self.is_wrong_genesis(anchor) {
                    self.leave_wrong_genesis(now, anchor.hash);
                    return;
                }
                if self.is_rejected(now, anchor) {
                    return;
                }
                let seam: alloc::vec::Vec<_> = child.into_iter().chain(meets.map(|older| older.head)).collect();
                if seam.iter().any(|number| matches!(self.store.stored(*number), Known::Unasked | Known::Asked)) {
                    self.open_after(&seam);
                    return;
                }
                let Some(gap) = BlockRange::new(bottom, top.number) else { return };
                let above = child.map(|number| self.store.stored(number));
                let above =
                    above.and_then(|known| if let Known::Header { hash, .. } = known { Some(hash) } else { None });
                if self.comes_down_to_unknown(anchor, above) {
                    return;
                }
                let header = |number: BlockNumber| match self.store.stored(number) {
                    Known::Header { hash, rlp } => Some((hash, rlp.clone())),
                    Known::Unasked | Known::Asked | Known::Absent => None,
                };
                let lineage = Lineage::resume(self.chain.clone(), anchor, child.and_then(header));
                let parent = meets.and_then(|older| header(older.head).filter(|(hash, _)| *hash == older.head_hash));
                let parent = parent.map(|(_, rlp)| rlp);
                let untried = !self.target.rejected.hashes.is_empty();
                self.downloader.open(gap);
                self.strategy.gap_opens();
                let run = Run { lineage, anchor, bottom, meets, parent, untried, complete: false };
                self.phase.enter(Phase::FillingGap(run));
                self.stage_compared(gap);
                self.moved(now);
            }
        }
    }

    /// Nothing is missing between floor and target: a newer tip that waited becomes the target, as when a run is
    /// filled.
    fn end_of_gaps(&mut self, now: Instant) {
        self.reorgs.too_deep = None;
        self.tell_reorg();
        if let Some(next) = self.target.next.take() {
            self.adopt(now, next);
        }
    }

    /// Asks the store for headers that the next gap needs; [`Self::poll_reopen`] goes on.
    fn open_after(&mut self, numbers: &[BlockNumber]) {
        self.phase.enter(Phase::AwaitingStore);
        self.ask_store(numbers);
    }

    /// Closes the open run: verified headers are stored, received ones are dropped.
    pub(super) fn close_run(&mut self) {
        if self.phase.filling().is_some() && !self.store.is_unwinding() {
            while self.store.cut(true) {}
        }
        self.drop_run();
    }

    pub(super) fn drop_run(&mut self) {
        self.phase.close_run();
        self.store.clear_collected();
        self.downloader.close();
        self.cancel_where(|request| matches!(request.purpose, Purpose::Piece { .. }));
        self.downloader.inbox.take(Response::is_piece);
        debug_assert!(self.downloader.requests.ranges().next().is_none(), "headers of a closed run are requested");
        debug_assert!(self.downloader.plan.is_empty(), "headers of a closed run are planned");
        debug_assert!(self.downloader.staging.is_empty(), "headers of a closed run are staged");
    }

    /// After each link: is the gap filled, and does it meet what lies under it?
    pub(super) fn after_link(&mut self, now: Instant, linked: BlockRange) {
        let is_compared = self.phase.is_comparing();
        let Some(run) = self.phase.run_mut() else { return };
        debug_assert!(
            run.anchor.number < linked.first() || linked.first() == 0,
            "{linked} was verified and the anchor stays at {}",
            run.anchor.number
        );
        let (anchor, is_down) = (run.anchor, linked.first() <= run.bottom);
        if !is_down || is_compared {
            if self.is_wrong_genesis(anchor) {
                self.leave_wrong_genesis(now, anchor.hash);
            } else if self.is_rejected(now, anchor) {
                self.drop_run();
            } else if self.comes_down_to_unknown(anchor, None) {
                self.close_run();
            } else if is_down {
                self.end_compare(now);
            }
            return;
        }
        let Some(older) = run.meets else {
            run.complete = true;
            self.reorgs.too_deep = None;
            self.tell_reorg();
            return;
        };
        self.check_claims(now, anchor.number, anchor.hash);
        if older.head_hash != anchor.hash {
            let stored = BlockNumHash { number: older.head, hash: older.head_hash };
            let expected = BlockNumHash { number: anchor.number, hash: anchor.hash };
            self.detach(now, older, stored, expected);
            return;
        }
        let Some(run) = self.phase.run_mut() else { return };
        let parent = run.parent.take();
        if let Some(Err(error)) = parent.map(|parent| run.lineage.check_parent(&parent)) {
            if matches!(error.fault, LinkFault::UnknownFork { .. }) {
                self.stop_at_unknown(now, error, false);
            } else {
                self.reject_chain(now, error, Some(anchor.hash));
            }
            return;
        }
        let Some(run) = self.phase.run_mut() else { return };
        run.complete = true;
        self.reorgs.too_deep = None;
        self.tell_reorg();
    }

    /// Is the header at height 0 another than the chain's genesis? Known as soon as its child is verified.
    fn is_wrong_genesis(&self, anchor: Anchor) -> bool {
        anchor.number == 0 && self.chain.genesis().is_some_and(|genesis| genesis != anchor.hash)
    }

    /// The target's chain has another genesis: none of its headers are kept. With a pinned hash the sync stalls until
    /// the user names another target; a tip that peers chose is replaced by the next one that they agree on.
    pub(super) fn leave_wrong_genesis(&mut self, now: Instant, got: B256) {
        self.drop_run();
        self.phase.enter(Phase::Idle);
        self.cancel_search();
        let head = self.target.resolved.map(|target| target.hash);
        if let Some(newest) = self.store.pending().newest().filter(|newest| Some(newest.head_hash) == head).copied() {
            self.revert_from(now, newest.tail);
        }
        let chosen_by_peers = self.target.wanted.is_some_and(|wanted| !matches!(wanted, SyncTarget::Hash(_)));
        if !self.target.unasked {
            self.target.rejected.wrong_genesis = Some(got);
            if !chosen_by_peers {
                return;
            }
            self.reject_other_genesis(now, got);
        }
        self.target.resolved = None;
        self.target.dirty = true;
        if let Some(next) = self.target.next.take() {
            self.adopt(now, next);
        }
    }

    /// Reverts the stored headers from `tail` up. They leave the store after the waiting batches, of which some may be
    /// below `tail`: each checkpoint covers all batches before it.
    fn revert_from(&mut self, now: Instant, tail: BlockNumber) {
        self.store.retain_runs(|kept| kept.head < tail);
        // An unwind cannot remove genesis; the checkpoint no longer covers it, and it is written again.
        let to = tail.saturating_sub(1);
        self.store.unwind(to);
        self.moved(now);
    }

    /// The run is filled, and its last batch is cut: opens the next gap.
    pub(super) fn finish_run(&mut self, now: Instant) {
        debug_assert!(self.phase.filling().is_some_and(|run| run.complete), "a run ends with headers missing");
        debug_assert_eq!(self.store.collected(), 0, "a run ends with headers that are in no batch");
        self.phase.close_run();
        self.target.dirty = true;
        if let Some(next) = self.target.next {
            self.adopt(now, next);
        } else {
            self.open_run(now);
        }
    }
}
