//! [`Target`]: what the user wants, and the block that was found for it.

use alloy_primitives::B256;

use super::{ForkChecks, Rejected, Votes};
use crate::{
    follow::InvalidChain,
    id::PeerId,
    io::{BlockNumHash, StallReason, SyncTarget},
    time::Instant,
};
use header_rules::range::BlockNumber;
use sorted::SortedSet;

/// The wanted target, and the state of its resolution.
#[derive(Debug, Default)]
pub struct Target {
    /// What the user wants.
    pub wanted: Option<SyncTarget>,
    /// What is being synced.
    pub resolved: Option<BlockNumHash>,
    /// A newer tip, synced after `resolved`.
    pub next: Option<BlockNumHash>,
    /// Peers that were asked for the pinned hash in this round.
    pub asked: SortedSet<PeerId>,
    /// When the first of them was.
    pub round_since: Option<Instant>,
    /// Rounds in which no peer had it.
    pub rounds: u32,
    /// When the next round begins.
    pub retry_at: Option<Instant>,
    /// Votes of peers for blocks at the numbers in question.
    pub votes: Votes,
    /// Which peers are on the target's chain.
    pub fork_checks: ForkChecks,
    /// The chain that was invalidated because it broke a rule, until another target is synced.
    pub invalid: Option<InvalidChain>,
    /// The resolution should be polled: an input may have changed it.
    pub dirty: bool,
    /// `resolved` is not what is wanted: an earlier target until the new one is known, or the stored head while the
    /// peers are behind it.
    pub unasked: bool,
    /// Why the target is not resolved.
    pub trouble: Option<StallReason>,
    /// The risen floor: no peer serves anything lower.
    pub risen_floor: Option<BlockNumber>,
    /// Why earlier targets were rejected.
    pub rejected: Rejected,
}

impl Target {
    /// No target yet; `risen_floor` is from an earlier session.
    pub fn new(risen_floor: Option<BlockNumber>) -> Self {
        Self { risen_floor, ..Self::default() }
    }

    /// The peer announces the pinned hash: it may have got the block after it was asked.
    pub fn note_named(&mut self, peer: PeerId, hash: B256) {
        if self.wanted == Some(SyncTarget::Hash(hash)) {
            self.asked.remove(&peer);
        }
    }

    /// Drops the resolved target and resolves the wanted one again.
    pub fn choose_anew(&mut self) {
        self.resolved = None;
        self.next = None;
        self.asked.clear();
        self.round_since = None;
        self.retry_at = None;
        self.dirty = true;
    }
}
