//! [`Target`]: what is wanted, and what is known of it.

use alloy_primitives::B256;

use super::{ForkChecks, Rejected, Votes};
use crate::{
    follow::{BranchWeight, InvalidChain},
    id::PeerId,
    io::{BlockNumHash, StallReason, SyncTarget},
    time::Instant,
};
use header_rules::range::BlockNumber;
use sorted::SortedSet;

/// What is wanted and what is known of it.
#[derive(Debug, Default)]
pub struct Target {
    /// What the user wants.
    pub wanted: Option<SyncTarget>,
    /// What is being synced.
    pub resolved: Option<BlockNumHash>,
    /// What is synced after that: a newer tip.
    pub next: Option<BlockNumHash>,
    /// Peers that were asked for the pinned hash in this round.
    pub asked: SortedSet<PeerId>,
    /// When the first of them was.
    pub round_since: Option<Instant>,
    /// Rounds in which nobody had it.
    pub rounds: u32,
    /// When the next round begins.
    pub retry_at: Option<Instant>,
    /// What peers say that they have at the numbers in question.
    pub votes: Votes,
    /// What its verified headers weigh, from the target down.
    pub weight: Option<BranchWeight>,
    /// A tip whose chain is no heavier than the stored one.
    pub lighter: Option<B256>,
    /// Which peers are on the target's chain.
    pub fork_checks: ForkChecks,
    /// The chain that was given up because it broke a rule, until another target is synced.
    pub invalid: Option<InvalidChain>,
    /// Something happened that may bring it nearer.
    pub dirty: bool,
    /// What is being synced is not what is wanted: an earlier target until the new one is known, or what was stored
    /// already, because the peers are behind it.
    pub unasked: bool,
    /// What stands in the way.
    pub trouble: Option<StallReason>,
    /// Where the floor has risen to, because no peer serves anything lower.
    pub risen_floor: Option<BlockNumber>,
    /// What was found wrong with earlier targets.
    pub rejected: Rejected,
}

impl Target {
    /// Nothing is wanted yet; an earlier session let the floor rise so far.
    pub fn new(risen_floor: Option<BlockNumber>) -> Self {
        Self { risen_floor, ..Self::default() }
    }

    /// The peer announces the pinned hash: it may have come to it since it was asked.
    pub fn note_named(&mut self, peer: PeerId, hash: B256) {
        if self.wanted == Some(SyncTarget::Hash(hash)) {
            self.asked.remove(&peer);
        }
    }

    /// What was found is given up, and what is wanted is sought from the beginning.
    pub fn choose_anew(&mut self) {
        self.resolved = None;
        self.next = None;
        self.asked.clear();
        self.round_since = None;
        self.retry_at = None;
        self.dirty = true;
    }
}
