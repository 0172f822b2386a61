//! The first headers below the height at which the target's chain and the stored one differ. They are fetched by hash,
//! so that a short reorg is decided without a claim of any peer.
//!
//! They are downloaded like any other run, but none of them is stored. Their hashes go to the search
//! ([`AncestorSearch::add_verified`](crate::follow::AncestorSearch::add_verified)); the headers wait, and are staged
//! when the gap under the new chain is opened, so that they are not fetched twice.

use super::{
    HeaderSync,
    memory::bytes_of,
    parts::{Phase, ReorgPhase, Run},
};
use crate::{
    config::COMPARED_BYTES_MAX,
    id::PeerId,
    io::BlockNumHash,
    lineage::{Anchor, Lineage, SealedRun, VerifiedHeaders},
    time::Instant,
};
use header_rules::range::{BlockNumber, BlockRange};

impl HeaderSync {
    /// Fetches headers of the target's chain by hash, until the one right above `down_to` names its parent.
    pub(super) fn compare_down_to(&mut self, now: Instant, down_to: BlockNumber) {
        let Some(reorg) = &mut self.reorgs.current else { return };
        let anchor = Anchor { number: reorg.next.number, hash: reorg.next.hash };
        let Some(gap) = BlockRange::new(down_to + 1, anchor.number) else { return };
        reorg.phase = ReorgPhase::Comparing;
        reorg.alone = None;
        self.downloader.open(gap);
        self.strategy.gap_opens();
        self.phase.enter(Phase::ComparingBranches(Run {
            lineage: Lineage::new(self.chain.clone(), anchor),
            anchor,
            bottom: gap.first(),
            meets: None,
            parent: None,
            untried: false,
            complete: false,
        }));
        self.moved(now);
    }

    /// Headers of such a run were verified.
    pub(super) fn note_compared(&mut self, peer: PeerId, verified: &VerifiedHeaders) {
        debug_assert!(self.phase.is_comparing(), "headers of no comparison");
        let Some(reorg) = &mut self.reorgs.current else { return };
        // The hash of the first was known before, and that of the next one is known now.
        let next = self.phase.run().map(|run| run.anchor);
        reorg.search.add_verified(verified.hashes().get(1..).unwrap_or_default());
        if let Some(next) = next.filter(|next| next.number < verified.range().first()) {
            reorg.search.add_verified(&[next.hash]);
            reorg.next = BlockNumHash { number: next.number, hash: next.hash };
        }
        let bytes = reorg.compared.bytes + bytes_of(verified.headers());
        if bytes <= COMPARED_BYTES_MAX.min(self.config.staged_bytes_max / 4) {
            reorg.compared.responses.push((peer, verified.range(), verified.headers().to_vec()));
            reorg.compared.bytes = bytes;
        }
    }

    /// The gap below the fork was opened: the headers that were compared are staged and not requested again.
    pub(super) fn stage_compared(&mut self, gap: BlockRange) {
        let Some(reorg) = &mut self.reorgs.current else { return };
        for (peer, range, mut headers) in core::mem::take(&mut reorg.compared).responses {
            let Some(range) = range.intersection(gap).filter(|inside| inside.last() == range.last()) else { continue };
            let Some((range, failures)) = self.downloader.plan.take(range) else { continue };
            headers.truncate(range.len() as usize);
            let bytes = bytes_of(&headers);
            match SealedRun::seal(&self.chain, range.last(), headers) {
                Ok(sealed) => self.downloader.stage(peer, range, failures, range, bytes, sealed),
                Err(_) => self.downloader.plan.release(range, failures),
            }
        }
    }

    /// Enough headers were compared: the search goes on.
    pub(super) fn end_compare(&mut self, now: Instant) {
        debug_assert!(self.phase.is_comparing(), "no branch is compared");
        self.drop_run();
        if let Some(reorg) = &mut self.reorgs.current {
            reorg.phase = ReorgPhase::Seeking;
        }
        self.moved(now);
    }
}
