//! [`GapStrategy`]: how the gap is asked for, and what came of it.

use alloc::collections::VecDeque;

use alloy_primitives::B256;

use super::HeaderSize;
use crate::{headers::strategy::Selector, id::PeerId, progress::DownloadStats, time::Instant};
use sorted::SortedSet;

/// What the machine remembers between two looks.
#[derive(Debug, Default)]
pub struct GapStrategy {
    /// How long a header is.
    pub header_size: HeaderSize,
    pub selector: Selector,
    pub stats: DownloadStats,
    /// How many headers the gap that is open had; `None` until it was looked at.
    pub gap: Option<u64>,
    pub looked_at: Option<Instant>,
    /// Something happened that the selector should see now.
    pub dirty: bool,
    pub refused: Refused,
    /// Until when the places of trials that failed are taken; at most [`TRIALS_MAX`](crate::config::TRIALS_MAX).
    pub failed_trials: VecDeque<Instant>,
}

impl GapStrategy {
    /// A gap opens; nothing that holds for the one before says how long it is.
    pub fn gap_opens(&mut self) {
        self.gap = None;
    }
}

/// Who does not have the block at the front, asked by its hash. At most one entry a peer.
#[derive(Debug, Default)]
pub struct Refused {
    hash: B256,
    peers: SortedSet<PeerId>,
    pub until: Instant,
}

impl Refused {
    /// The peer has no such block; believed until then.
    pub fn note(&mut self, now: Instant, hash: B256, peer: PeerId, until: Instant) {
        if self.hash != hash || self.until <= now {
            (self.hash, self.until) = (hash, until);
            self.peers.clear();
        }
        self.peers.insert(peer);
    }

    /// The peer announces something new.
    pub fn forget(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    /// Has the peer said that it has no such block?
    pub fn contains(&self, now: Instant, hash: B256, peer: PeerId) -> bool {
        self.hash == hash && self.until > now && self.peers.contains(&peer)
    }
}
