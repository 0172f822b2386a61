//! Shares of the memory, by peer, and the mean length of a header.
//!
//! Expected, received, staged and collected headers count against one ceiling
//! ([`SyncConfig::staged_bytes_max`](crate::SyncConfig::staged_bytes_max)). Until headers of a peer are linked it gets
//! a small share:
//!
//! | figure | limit |
//! |---|---|
//! | the length of a header, by which every request is sized | a mean over linked headers |
//! | one response | what was reserved for it, twice ([`RESPONSE_OVER_RESERVE`]); the rest is asked for again |
//! | staged and in flight of one peer without linked headers | [`STRANGER_SHARE`] of the ceiling |
//! | the same of all of them together | [`STRANGERS_SHARE`] |
//! | of one peer with linked headers | [`PEER_SHARE`] |
//!
//! A peer at its limit is asked only for the piece at the front, because everything waits for it. When memory is full,
//! staged responses of peers without linked headers are dropped first, the lowest before the others.

use alloc::vec::Vec;

use bytes::Bytes;

use super::HeaderSync;
use crate::{
    config::{PEER_SHARE, RESPONSE_OVER_RESERVE, STAGED_RUNS_MAX, STRANGER_SHARE, STRANGERS_SHARE},
    headers::{InFlight, Response},
    id::PeerId,
    peers::Peer,
};
use header_rules::range::BlockNumber;

impl HeaderSync {
    /// Bytes of headers in memory: expected, received, staged, collected, in batches. Never over
    /// [`SyncConfig::staged_bytes_max`](crate::SyncConfig::staged_bytes_max) by more than one response, and one header
    /// for each request of one header.
    pub fn memory_bytes(&self) -> u64 {
        let compared = self.reorgs.current.as_ref().map_or(0, |reorg| reorg.compared.bytes);
        self.downloader.bytes() + self.downloader.inbox.bytes() + self.store.bytes() + compared
    }

    /// The size of a header, rounded up a little so that responses are not cut.
    pub(super) fn header_bytes(&self) -> u64 {
        self.strategy.header_size.mean + self.strategy.header_size.mean / 32
    }

    /// Has no header of the peer been linked?
    fn is_stranger(&self, id: PeerId) -> bool {
        self.peers.get(id).is_none_or(|peer| peer.headers == 0)
    }

    /// May the peer be asked for more than the piece at the front?
    pub(super) fn has_share(&self, id: PeerId, peer: &Peer) -> bool {
        let max = self.config.staged_bytes_max;
        let held = self.downloader.staging.bytes_of(id) + peer.window.used();
        if peer.headers > 0 {
            return held < max / PEER_SHARE;
        }
        let strangers = self.downloader.staging.holders().filter(|(id, _)| self.is_stranger(*id));
        held < max / STRANGER_SHARE && strangers.map(|(_, bytes)| bytes).sum::<u64>() < max / STRANGERS_SHARE
    }

    /// The lowest number that may be requested: 0, or with little memory left the front alone. When staged runs below
    /// leave no room for the front, they are dropped.
    pub(super) fn lowest_affordable(&mut self, front: BlockNumber, headers: u64) -> Option<BlockNumber> {
        debug_assert!(headers > 0, "a request for no header");
        let bytes = headers * self.header_bytes();
        // The front may use the last of the memory; other requests leave room for it.
        let reserve = 2 * self.config.request_bytes;
        if self.room() < bytes && self.downloader.plan.failures_at(front).is_some() {
            self.shed(front, bytes);
        }
        let has_runs = self.downloader.staging.runs() < STAGED_RUNS_MAX;
        match self.room() {
            room if room >= reserve + bytes && has_runs => Some(0),
            room if room >= bytes => Some(front),
            _ => None,
        }
    }

    fn room(&self) -> u64 {
        self.config.staged_bytes_max.saturating_sub(self.memory_bytes())
    }

    /// Drops staged runs until `bytes` fit; the run that begins at `keep` stays.
    pub(super) fn shed(&mut self, keep: BlockNumber, bytes: u64) {
        let others = self.memory_bytes() - self.downloader.staging.bytes() + bytes;
        let staged_max = self.config.staged_bytes_max.saturating_sub(others);
        let peers = &self.peers;
        let is_stranger = |id: PeerId| peers.get(id).is_none_or(|peer| peer.headers == 0);
        self.strategy.stats.shed += self.downloader.shed(staged_max, keep, is_stranger);
    }

    /// Input: a response to `request` that can be used. One that is longer than expected is cut, to one header at
    /// least. Too many headers are a fault, found when the response is checked.
    pub(super) fn keep_response(&mut self, request: InFlight, mut headers: Vec<Bytes>) {
        let most = (request.bytes * RESPONSE_OVER_RESERVE).max(self.config.request_bytes);
        if headers.len() <= usize::from(request.limit) {
            let mut sum = 0;
            let fits = headers.iter().take_while(|header| {
                sum += header.len() as u64;
                sum <= most
            });
            let fits = fits.count().max(1);
            headers.truncate(fits);
        }
        let bytes = bytes_of(&headers);
        self.downloader.inbox.push(Response { peer: request.peer, request, headers, bytes });
    }
}

/// Bytes of all these headers.
pub(super) fn bytes_of(headers: &[Bytes]) -> u64 {
    headers.iter().map(|header| header.len() as u64).sum()
}
