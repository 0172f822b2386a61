//! By proof of work the heavier branch wins: before stored headers are reverted for a tip that peers name, the total
//! difficulty of both branches above the ancestor is compared.
//!
//! ```text
//!   ancestor claimed -> stored branch summed -> new branch fetched into memory -> heavier: revert the stored one
//!                                                                              -> not:     the stored head stays
//! ```
//!
//! Difficulty is compared only where it is known: a stored chain that is whole, at most [`WEIGHED_HEADERS_MAX`] headers
//! of it (and a quarter of the memory), a new branch that was verified from its tip down in this session, no proof of
//! stake on either side. In every other case the target decides, as it does when the user pinned it. A tip that lost is
//! not compared again; the next tip of its chain is.

use alloc::vec::Vec;

use super::{
    HeaderSync,
    parts::{Phase, ReorgPhase, Run},
};
use crate::{
    checkpoint::Subchain,
    config::{HEADER_BYTES_ESTIMATE, LOOKUP_NUMBERS_MAX, WEIGHED_HEADERS_MAX},
    follow::Known,
    io::{BlockNumHash, SyncTarget},
    lineage::{Anchor, Lineage, VerifiedHeaders},
    time::Instant,
};
use header_rules::{
    header::Header,
    range::{BlockNumber, BlockRange},
};

impl HeaderSync {
    /// Counts headers that were just verified, where they may come down to a stored run.
    pub(super) fn add_difficulty(&mut self, verified: &VerifiedHeaders) {
        let follows = self.target.wanted == Some(SyncTarget::PeersTip);
        // What is only compared is fetched again, and counted then.
        let may_meet = self.phase.run().is_some_and(|run| run.meets.is_some());
        if let Some(weight) = self.target.weight.as_mut().filter(|_| follows && may_meet) {
            weight.add(verified);
        }
    }

    /// An ancestor was claimed: weighs the branches above it. `None`: they are not weighed; else whether anything was
    /// done.
    pub(super) fn compare_difficulty_down_to(&mut self, now: Instant, ancestor: BlockNumHash) -> Option<bool> {
        let reorg = self.reorgs.current.as_ref()?;
        debug_assert!(
            ancestor.number < reorg.differs.number,
            "an ancestor at {}, where the chains differ",
            ancestor.number
        );
        debug_assert!(reorg.differs.number <= reorg.top, "the chains differ above the stored one");
        let bytes = (reorg.top - ancestor.number).saturating_mul(HEADER_BYTES_ESTIMATE);
        let whole = reorg.local.tail <= self.floor() && reorg.local.head == reorg.top;
        let small = reorg.top - ancestor.number <= WEIGHED_HEADERS_MAX && bytes <= self.config.staged_bytes_max / 4;
        let follows = self.target.wanted == Some(SyncTarget::PeersTip) && reorg.reverted_from.is_none();
        // What was verified so far of the new branch must be counted down to where the stored one begins.
        let counted = self.target.weight?.next() == Some(reorg.differs.number);
        if !(whole && small && follows && counted) {
            return None;
        }
        while let Some(number) = reorg_next(&self.reorgs.current, ancestor.number)? {
            let header = match self.store.stored(number) {
                Known::Unasked => return Some(self.ask_for_weights(number, ancestor.number)),
                Known::Asked => return Some(false),
                Known::Absent => return None,
                Known::Header { rlp, .. } => Header::decode(rlp).ok()?,
            };
            if !self.reorgs.current.as_mut()?.old_weight.add_one(&header) {
                return None;
            }
        }
        self.fetch_branch(now, ancestor);
        Some(true)
    }

    fn ask_for_weights(&mut self, number: BlockNumber, ancestor: BlockNumber) -> bool {
        let lowest = number.saturating_sub(LOOKUP_NUMBERS_MAX as u64 - 1).max(ancestor + 1);
        self.store.forget_lookups();
        let numbers: Vec<_> = (lowest..=number).collect();
        self.ask_store(&numbers)
    }

    /// Fetches the rest of the new branch into memory; the stored one stays meanwhile.
    fn fetch_branch(&mut self, now: Instant, ancestor: BlockNumHash) {
        let Some(reorg) = &mut self.reorgs.current else { return };
        let anchor = Anchor { number: reorg.differs.number, hash: reorg.differs.hash };
        let Some(gap) = BlockRange::new(ancestor.number + 1, anchor.number) else { return };
        let meets = Some(Subchain { head: ancestor.number, head_hash: ancestor.hash, ..reorg.local });
        reorg.phase = ReorgPhase::Weighing(ancestor);
        self.reorgs.too_deep = None;
        let lineage = Lineage::new(self.chain.clone(), anchor);
        self.downloader.open(gap);
        self.strategy.gap_opens();
        self.phase.enter(Phase::WeighingBranches(Run {
            lineage,
            anchor,
            bottom: gap.first(),
            meets,
            parent: None,
            untried: false,
            complete: false,
        }));
        self.stage_compared(gap);
        self.moved(now);
    }

    /// The new branch meets the ancestor. If it has more total difficulty the stored branch is reverted, else the
    /// stored head stays the target.
    pub(super) fn is_heavier(&mut self, now: Instant) -> bool {
        let Some(reorg) = &self.reorgs.current else { return true };
        let ReorgPhase::Weighing(ancestor) = reorg.phase else { return true };
        let old = reorg.old_weight.down_to(ancestor.number + 1);
        let new = self.target.weight.and_then(|weight| weight.down_to(ancestor.number + 1));
        // What cannot be compared after all (a header by proof of stake in the new branch) is decided by the target.
        let lighter = old.zip(new).is_some_and(|(old, new)| new <= old);
        if !lighter {
            self.phase.fill_what_was_weighed();
            self.revert_above(now, ancestor);
            return true;
        }
        let (head, differs) = (BlockNumHash { number: reorg.local.head, hash: reorg.local.head_hash }, reorg.differs);
        self.drop_run();
        self.target.lighter = self.target.resolved.map(|target| target.hash);
        let stored = self.store.pending().subchains.len();
        self.store.retain_runs(|run| run.tail <= differs.number);
        if self.store.pending().subchains.len() < stored {
            self.store.unwind(head.number);
        }
        self.adopt(now, head);
        false
    }
}

/// The next stored number to count above `ancestor`; `None` when the branch cannot be weighed, `Some(None)` when it is.
fn reorg_next(reorg: &Option<super::parts::Reorg>, ancestor: BlockNumber) -> Option<Option<BlockNumber>> {
    let next = reorg.as_ref()?.old_weight.next()?;
    Some((next > ancestor).then_some(next))
}
