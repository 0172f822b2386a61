//! The target's chain breaks a rule: the whole chain is invalidated, remembered, and reported with a diagnosis.
//!
//! The header that breaks the rule hashes to its anchor, so it belongs to the target's chain: every peer of that chain
//! would send the same bytes, and none is penalized. Everything above the bad header is removed from the store, headers
//! below stay (they are valid as far as is known). The same chain is not tried again, neither the same target nor a tip
//! above it ([`InvalidHashes`](crate::follow::InvalidHashes)), so that the same invalid block cannot cause a loop.
//!
//! A malicious peer can only offer such a chain by naming its tip; with
//! [`SyncTarget::PeersTip`](crate::SyncTarget::PeersTip) its vote then does not count, and the other peers decide.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{HeaderSync, parts::Phase};
use crate::{
    fault::PeerFault,
    follow::InvalidChain,
    id::PeerId,
    io::{BlockNumHash, SyncTarget},
    lineage::{Anchor, LinkError, LinkFault, VerifiedHeaders},
    time::Instant,
};
use header_rules::{block::ServedRange, range::BlockNumber, rules::RuleViolation};

impl HeaderSync {
    /// A verified header breaks a rule. `parent` is its parent hash.
    pub(super) fn reject_chain(&mut self, now: Instant, error: LinkError, parent: Option<B256>) {
        let LinkFault::Invalid { hash, violation } = error.fault else { return };
        let below = error.number.checked_sub(1);
        let last_valid = below.zip(parent).map(|(number, hash)| BlockNumHash { number, hash });
        self.invalidate(now, InvalidChain { number: error.number, hash, violation, last_valid }, error.number);
    }

    /// The header with the anchor's hash has the number `got`. The fault lies with the source of the expected number,
    /// not with the sender: the header above, or for the target the peers that announced it with that number.
    pub(super) fn leave_wrong_number(&mut self, now: Instant, hash: B256, got: BlockNumber) {
        let (Some(run), Some(target)) = (self.phase.run(), self.target.resolved) else { return };
        let number = run.anchor.number;
        if target.hash != hash {
            // Without a known child the target itself is reported. The header with the other number may be on valid
            // chains too.
            let child = run.lineage.child_hash().unwrap_or(target.hash);
            let (got, expected) = (number.saturating_add(1), got.saturating_add(1));
            let fault = LinkFault::Invalid { hash: child, violation: RuleViolation::Number { got, expected } };
            self.reject_chain(now, LinkError { number: got, fault }, None);
            return;
        }
        let names = |served: ServedRange| served.latest == number && served.latest_hash == hash;
        let named: Vec<PeerId> = self.peers.usable(now).filter(|(_, it)| names(it.served)).map(|(id, _)| id).collect();
        self.drop_run();
        self.target.resolved = None;
        self.target.dirty = true;
        for peer in named {
            let violation = RuleViolation::Number { got, expected: number };
            self.penalize(now, peer, PeerFault::InvalidHeader { number, hash, violation });
        }
        self.moved(now);
    }

    /// The tip that peers announced descends from another genesis, although their status named ours, or none: they are
    /// penalized.
    pub(super) fn reject_other_genesis(&mut self, now: Instant, got: B256) {
        let (Some(target), Some(expected)) = (self.target.resolved, self.chain.genesis()) else { return };
        let violation = RuleViolation::Genesis { got, expected };
        self.target
            .rejected
            .hashes
            .insert(target.hash, &InvalidChain { number: 0, hash: got, violation, last_valid: None });
        let names = |served: ServedRange| served.latest_hash == target.hash;
        let named: Vec<PeerId> = self.peers.usable(now).filter(|(_, it)| names(it.served)).map(|(id, _)| id).collect();
        let chain = self.chain.id();
        for peer in named {
            let fault = PeerFault::WrongChain { got_chain: chain, got_genesis: Some(got), expected_chain: chain };
            self.penalize(now, peer, fault);
        }
    }

    /// Does the target's chain come down to a known invalid header, or to a descendant of one? Then it is invalidated.
    pub(super) fn is_rejected(&mut self, now: Instant, anchor: Anchor) -> bool {
        let known = self.target.rejected.hashes.get(anchor.hash).cloned();
        let is_bad = known.is_some();
        if let Some(chain) = known {
            self.invalidate(now, chain, anchor.number);
        }
        is_bad
    }

    /// The same check for headers that were just verified.
    pub(super) fn descends_from_invalid(&mut self, now: Instant, verified: &VerifiedHeaders) -> bool {
        let known = verified
            .hashes()
            .iter()
            .filter(|_| !self.target.rejected.hashes.is_empty())
            .find_map(|hash| self.target.rejected.hashes.get(*hash));
        let Some(chain) = known.cloned() else { return false };
        self.invalidate(now, chain, verified.range().first());
        true
    }

    /// Invalidates the target, and drops its stored headers from the open gap up.
    fn invalidate(&mut self, now: Instant, chain: InvalidChain, at: BlockNumber) {
        let bottom = match &self.phase {
            Phase::FillingGap(run) => run.bottom,
            // Only its headers above the fork are stored.
            Phase::ComparingBranches(_) => match &self.reorgs.current {
                Some(reorg) if !reorg.above_is_old => reorg.differs.number.saturating_add(1),
                _ => BlockNumber::MAX,
            },
            Phase::Idle | Phase::AwaitingStore | Phase::Synced => at,
        };
        let target = self.target.resolved.map(|target| target.hash);
        // The anchor may be below the invalid header already, when the rule is broken between two responses, or between
        // a response and the store. Then the anchor names its parent, which valid chains share.
        let lowest = self.phase.run().map(|run| run.anchor).filter(|anchor| anchor.number >= chain.number);
        let lowest = lowest.map(|anchor| anchor.hash);
        for hash in [Some(chain.hash), lowest, target].into_iter().flatten() {
            self.target.rejected.hashes.insert(hash, &chain);
        }
        self.drop_run();
        self.phase.enter(Phase::Idle);
        self.cancel_search();
        // The batches of this gap are the last in the queue, and no later checkpoint depends on them.
        self.store.drop_above(bottom);
        self.target.resolved = None;
        self.target.next = None;
        // The user may want another target by now, which is not affected.
        let concerns = !matches!(self.target.wanted, Some(SyncTarget::Hash(wanted)) if Some(wanted) != target);
        self.target.invalid = concerns.then_some(chain);
        self.target.dirty = true;
        self.moved(now);
    }
}
