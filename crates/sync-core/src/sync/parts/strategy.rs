//! [`GapStrategy`]: how the gap is requested, and statistics of the download.

use alloc::collections::VecDeque;

use alloy_primitives::B256;

use super::HeaderSize;
use crate::{headers::strategy::Selector, id::PeerId, progress::DownloadStats, time::Instant};
use sorted::SortedSet;

/// State of the strategy between two evaluations.
#[derive(Debug, Default)]
pub struct GapStrategy {
    /// How long a header is.
    pub header_size: HeaderSize,
    pub selector: Selector,
    pub stats: DownloadStats,
    /// How many headers the gap that is open had; `None` until it was looked at.
    pub gap: Option<u64>,
    pub looked_at: Option<Instant>,
    /// The selector should evaluate now.
    pub dirty: bool,
    pub refused: Refused,
    /// Until when the places of trials that failed are taken; at most [`TRIALS_MAX`](crate::config::TRIALS_MAX).
    pub failed_trials: VecDeque<Instant>,
}

impl GapStrategy {
    /// A gap opens: its length is read at the next evaluation.
    pub fn gap_opens(&mut self) {
        self.gap = None;
    }
}

/// Peers that responded that they do not have the front's hash. At most one entry a peer.
#[derive(Debug, Default)]
pub struct Refused {
    hash: B256,
    peers: SortedSet<PeerId>,
    pub until: Instant,
}

impl Refused {
    /// The peer has no such block; it is not asked for it until then.
    pub fn note(&mut self, now: Instant, hash: B256, peer: PeerId, until: Instant) {
        if self.hash != hash || self.until <= now {
            (self.hash, self.until) = (hash, until);
            self.peers.clear();
        }
        self.peers.insert(peer);
    }

    /// The peer announced another range or tip: it may have the block now.
    pub fn forget(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    /// Did the peer respond that it has no such block?
    pub fn contains(&self, now: Instant, hash: B256, peer: PeerId) -> bool {
        self.hash == hash && self.until > now && self.peers.contains(&peer)
    }
}
