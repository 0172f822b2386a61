//! Gaps and runs: which part of the chain is being filled, what it must meet below, and what happens when it does not.
//!
//! The store holds [`Subchain`]s, newest first. A *run* fills the gap between the target (or the tail of the newest
//! subchain) and the head of the next older one, or the floor:
//!
//! ```text
//!   target ─┐
//!           │ run: anchor moves down            number of the target, newest first
//!   bottom ─┘
//!   head ══ subchain 0 ══ tail   hash meets -> merged, the next run begins under its tail
//!           gap                  hash does not meet -> DetachedHead: the subchain is given up
//!   head ══ subchain 1 ══ tail
//!   floor
//! ```
//!
//! Rules that compare a header with its parent are checked inside a run. At its two ends the neighbour is in the store and
//! not in memory; there the hash link alone joins them, which proves the same header that was checked when it was stored
//! but leaves one pair of neighbours a run without the comparison.

use alloy_primitives::B256;

use super::{HeaderSync, store::Unwinding};
use crate::{
    checkpoint::Subchain,
    io::{BlockNumHash, Event, Output},
    lineage::{Anchor, Lineage},
    range::{BlockNumber, BlockRange},
    time::Instant,
};

/// A gap that is being filled.
#[derive(Debug)]
pub(super) struct Run {
    /// Proves headers one after another.
    pub lineage: Lineage,
    /// What the next older header must be.
    pub anchor: Anchor,
    /// Lowest number of the gap.
    pub bottom: BlockNumber,
    /// The older subchain that begins right under it.
    pub meets: Option<Subchain>,
    /// Was anything of it cut into a batch?
    pub cut: bool,
    /// The anchor has passed the bottom.
    pub complete: bool,
    /// Somebody who was asked for the anchor did not have it, and nobody has sent it since.
    pub denied: bool,
}

/// Where the next run lies.
enum Gap {
    /// Nothing is missing between the floor and the target.
    None,
    /// The store holds another block at or above the target's height.
    Detached(Subchain, B256),
    /// Fill this.
    Fill { top: BlockNumHash, bottom: BlockNumber, meets: Option<Subchain> },
}

impl HeaderSync {
    /// The lowest number that is wanted: what the host says, or what peers offer if that is higher.
    pub(super) fn floor(&self) -> BlockNumber {
        let offered = self.offered_floor.unwrap_or(0);
        self.config.floor.max(offered)
    }

    fn next_gap(&self, target: BlockNumHash) -> Gap {
        let floor = self.floor().min(target.number);
        let under = |limit: BlockNumber, older: Option<&Subchain>| {
            let meets = older.filter(|older| older.head + 1 >= floor && older.head < limit).copied();
            (meets.map_or(floor, |older| older.head + 1), meets)
        };
        let Some(newest) = self.ledger.newest() else {
            return Gap::Fill { top: target, bottom: floor, meets: None };
        };
        if target.number > newest.head {
            let (bottom, meets) = under(target.number, Some(newest));
            return Gap::Fill { top: target, bottom, meets };
        }
        if target.number < newest.head || target.hash != newest.head_hash {
            return Gap::Detached(*newest, target.hash);
        }
        if newest.tail <= floor {
            return Gap::None;
        }
        let top = BlockNumHash { number: newest.tail - 1, hash: newest.next };
        let (bottom, meets) = under(newest.tail, self.ledger.subchains.get(1));
        if bottom > top.number {
            // The older run touches this one: its head is the very block that the tail names, or it is detached.
            return match meets {
                Some(older) if older.head_hash != newest.next => Gap::Detached(older, newest.next),
                _ => Gap::None,
            };
        }
        Gap::Fill { top, bottom, meets }
    }

    /// Opens the next gap under the target, if there is one.
    pub(super) fn open_run(&mut self, now: Instant) {
        debug_assert!(self.run.is_none(), "a run is open");
        let Some(target) = self.target.resolved else { return };
        if self.unwinding.is_some() || self.wrong_genesis.is_some() {
            return;
        }
        self.ledger.floor = self.floor();
        match self.next_gap(target) {
            Gap::None => {}
            Gap::Detached(local, expected) => self.detach(now, local, expected),
            Gap::Fill { top, bottom, meets } => {
                let anchor = Anchor { number: top.number, hash: top.hash };
                if self.is_wrong_genesis(anchor) {
                    self.leave_wrong_genesis(now, anchor.hash);
                    return;
                }
                let Some(gap) = BlockRange::new(bottom, top.number) else { return };
                self.downloader.open(gap);
                let lineage = Lineage::new(self.chain.clone(), anchor);
                self.run = Some(Run { lineage, anchor, bottom, meets, cut: false, complete: false, denied: false });
                self.moved(now);
            }
        }
    }

    /// Gives up the run that is open: what was proven is stored, what was only received is forgotten.
    pub(super) fn close_run(&mut self) {
        if self.run.is_some() && self.unwinding.is_none() {
            while self.cut_batch(true) {}
        }
        self.drop_run();
    }

    pub(super) fn drop_run(&mut self) {
        self.run = None;
        self.collector.clear();
        for (id, request) in self.downloader.close() {
            self.release(&request);
            self.out.push_back(Output::Cancel(id));
        }
        self.received.retain(|answer| !answer.is_piece());
        self.received_bytes = self.received.iter().map(|answer| answer.bytes).sum();
    }

    /// After each link: is the gap filled, and does it meet what lies under it?
    pub(super) fn after_link(&mut self, now: Instant, linked: BlockRange) {
        let Some(run) = &mut self.run else { return };
        let anchor = run.anchor;
        if linked.first() > run.bottom {
            if self.is_wrong_genesis(anchor) {
                self.leave_wrong_genesis(now, anchor.hash);
            }
            return;
        }
        match run.meets {
            Some(older) if older.head_hash != anchor.hash => self.detach(now, older, anchor.hash),
            _ => run.complete = true,
        }
    }

    /// Is the header at height 0 another than the chain's genesis? Known as soon as its child is proven.
    fn is_wrong_genesis(&self, anchor: Anchor) -> bool {
        anchor.number == 0 && self.chain.genesis().is_some_and(|genesis| genesis != anchor.hash)
    }

    /// The target lies on a chain with another genesis: nothing of it is kept. If it is what is wanted, that is said and the
    /// user must name another; if not, what is wanted takes its place.
    pub(super) fn leave_wrong_genesis(&mut self, now: Instant, got: B256) {
        self.drop_run();
        let head = self.target.resolved.map(|target| target.hash);
        if let Some(newest) = self.ledger.newest().filter(|newest| Some(newest.head_hash) == head).copied() {
            self.give_up(now, newest.tail);
        }
        if !self.target.unasked {
            self.wrong_genesis = Some(got);
            return;
        }
        self.target.resolved = None;
        self.target.dirty = true;
        if let Some(next) = self.target.next.take() {
            self.adopt(now, next);
        }
    }

    /// Nothing from `tail` on up is wanted: it is forgotten here and will be removed from the store, once the batches that
    /// wait are stored. Some of them may lie lower, and each checkpoint speaks of all batches before it.
    fn give_up(&mut self, now: Instant, tail: BlockNumber) {
        self.ledger.subchains.retain(|kept| kept.head < tail);
        // Genesis cannot be removed by number; the checkpoint no longer speaks of it, and it is written again.
        let to = tail.saturating_sub(1);
        self.unwinding = Some(Unwinding { to, asked: false });
        self.moved(now);
    }

    /// The run is filled and stored as far as this machine is concerned: on to the next gap.
    pub(super) fn finish_run(&mut self, now: Instant) {
        self.run = None;
        if let Some(next) = self.target.next {
            self.adopt(now, next);
        } else {
            self.open_run(now);
        }
    }

    /// The chain under the target does not meet what is stored: the stored run is given up.
    ///
    /// The machine does not hold the hashes inside a stored run, so it cannot tell where the two part, and removes the whole
    /// run. What the new chain brought so far stays in memory when none of it was stored yet (it would be removed with the
    /// old, being above it); else the new chain is fetched again from the target.
    fn detach(&mut self, now: Instant, local: Subchain, expected: B256) {
        let head = BlockNumHash { number: local.head, hash: local.head_hash };
        self.out.push_back(Output::Event(Event::DetachedHead { local: head, expected }));
        let target = self.target.resolved.map_or(local.head, |target| target.number);
        if let (Some(reverted), Some(adopted)) =
            (BlockRange::new(local.tail, local.head), BlockRange::new(local.tail.min(target), target))
        {
            self.out.push_back(Output::Event(Event::Reorg { reverted, adopted }));
        }
        self.give_up(now, local.tail);
        let floor = self.floor();
        match &mut self.run {
            Some(run) if !run.cut => {
                let older = self.ledger.newest().filter(|older| older.head + 1 >= floor).copied();
                let bottom = older.map_or(floor.min(run.bottom), |older| older.head + 1);
                if let Some(below) = run.bottom.checked_sub(1).and_then(|last| BlockRange::new(bottom, last)) {
                    self.downloader.extend(below);
                }
                run.bottom = bottom;
                run.meets = older;
            }
            _ => self.drop_run(),
        }
    }
}
