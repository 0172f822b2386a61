//! Peers on another branch: requests by hash, and what follows when a number names another block at each peer.
//!
//! A response to a request *by number* whose headers link to each other but not to the anchor is not a fault yet: the
//! peer may have followed a reorg (`fork_check` asks it). Then the peer is not asked for these numbers for a while
//! ([`Peers::other_branch`](crate::peers::Peers::other_branch)). A request *by hash* has one valid response: another
//! block is a fault; an empty response means that the peer does not have this branch.

use alloc::vec::Vec;
use core::cmp::Reverse;

use alloy_primitives::B256;

use super::HeaderSync;
use crate::{
    fault::PeerFault,
    headers::{InFlight, Purpose, Response},
    id::PeerId,
    io::StartBlock,
    time::Instant,
};
use header_rules::range::BlockRange;
use sorted::sort_short_by;

impl HeaderSync {
    /// Requests the anchor by its hash, and the headers under it, from one peer.
    pub(super) fn request_by_hash(&mut self, now: Instant) -> bool {
        let Some(anchor) = self.phase.run().filter(|run| !run.complete).map(|run| run.anchor) else { return false };
        let front = anchor.number;
        // One at a time; and the front may be on its way, or here, from before the strategy changed.
        let asked = |request: &InFlight| matches!(request.purpose, Purpose::Piece { by_hash: Some(_), .. });
        if self.downloader.requests.find(asked).is_some() || self.downloader.requests.piece_at(front).is_some() {
            return false;
        }
        for (_, peer) in self.by_hash_candidates(now, front, anchor.hash) {
            let Some(known) = self.peers.get(peer) else { continue };
            let limit = self.request_headers(known, self.header_bytes());
            let (lowest, is_probe) = (known.served.earliest.min(front), known.served.latest < front);
            if self.lowest_affordable(front, limit).is_none() {
                return false;
            }
            let Some(served) = BlockRange::new(lowest, front) else { continue };
            let Some((range, failures)) = self.downloader.plan.borrow(peer, served, front, limit, now) else {
                continue;
            };
            if is_probe && let Some(known) = self.peers.get_mut(peer) {
                known.cooldowns.probed(now + self.config.cool_down);
            }
            debug_assert_eq!(range.last(), front, "a request by hash starts at the anchor");
            let purpose = Purpose::Piece { range, failures, by_hash: Some(anchor.hash) };
            self.send(now, peer, purpose, StartBlock::Hash(anchor.hash), range.len() as u16);
            return true;
        }
        false
    }

    /// The peers that may be asked by hash, the best first: peers that serve the front by number, peers on another
    /// branch, and peers whose tip is below the front.
    fn by_hash_candidates(&mut self, now: Instant, front: u64, hash: B256) -> Vec<(u8, PeerId)> {
        let askable = self.peers.askable(now);
        let class = |id: PeerId| {
            let peer = self.peers.get(id)?;
            let refused = self.strategy.refused.contains(now, hash, id);
            if refused || self.target.fork_checks.is_suspected(id) || peer.serves(now).is_none() {
                return None;
            }
            let announced = peer.serves(now).is_some_and(|range| range.contains(front));
            if !announced {
                // Its announced range does not reach the front; it may have the block by now.
                let above = peer.served.latest < front;
                return (above && peer.cooldowns.may_ask_by_hash(now, peer.served.latest, front)).then_some((2, id));
            }
            let agrees = peer.numbers(now).is_some_and(|numbers| numbers.contains(front));
            Some((u8::from(!agrees), id))
        };
        let mut candidates: Vec<_> = askable.into_iter().filter_map(class).collect();
        let order = |class: u8, id: PeerId| {
            let peer = self.peers.get(id);
            (class, peer.map(|peer| peer.rank()), Reverse(peer.and_then(|peer| self.speed(peer))))
        };
        // Stable: what is equal keeps the order of the scheduler.
        sort_short_by(&mut candidates, |a, b| order(a.0, a.1).cmp(&order(b.0, b.1)));
        candidates
    }

    /// An empty response to a request by hash: the peer has no such block. Near its tip it may have lost the block to a
    /// reorg. Elsewhere a fork check is started; a peer that then claims the target contradicts itself.
    pub(super) fn note_refused(&mut self, now: Instant, response: Response, hash: B256) {
        let Response { peer, request, .. } = response;
        let Purpose::Piece { range, .. } = &request.purpose else { return };
        let number = range.last();
        self.strategy.dirty = true;
        let Some(known) = self.peers.get(peer) else {
            self.return_piece(now, request, false);
            return;
        };
        let served = known.served;
        let is_probe = served.latest < number;
        let near_tip = number.saturating_add(self.config.near_tip) > served.latest;
        if !near_tip {
            self.return_piece(now, request, true);
            self.start_fork_check(now, peer, PeerFault::EmptyResponse { start: number });
            return;
        }
        // No failure of the range: the next peer is asked for all of it, and this one not again for this block.
        self.return_piece(now, request, false);
        self.strategy.refused.note(now, hash, peer, now + self.config.cool_down);
        if !is_probe {
            // When most peers have left this branch, the tip that they agree on becomes the target.
            self.target.fork_checks.note_off_target(peer, served);
            self.target.dirty = true;
            // It announced the number: what it has there, and probably somewhat below, is another block.
            self.peers.other_branch(now, peer, number);
        }
    }

    /// The peer is on another branch: its headers did not link, and by its own response it does not have the target.
    pub(super) fn note_other_branch(&mut self, now: Instant, peer: PeerId, fault: &PeerFault) {
        let number = match fault {
            PeerFault::BrokenLink { number, .. }
            | PeerFault::Undecodable { number, .. }
            | PeerFault::EmptyResponse { start: number } => number,
            _ => return,
        };
        if let (Some(run), PeerFault::EmptyResponse { .. }) = (self.phase.run(), fault) {
            self.strategy.refused.note(now, run.anchor.hash, peer, now + self.config.cool_down);
        }
        self.leave_branch(now, peer, *number);
    }

    /// From somewhat below `number` up the peer is not asked by number, and its requests there are released to other
    /// peers.
    pub(super) fn leave_branch(&mut self, now: Instant, peer: PeerId, number: u64) {
        self.peers.other_branch(now, peer, number);
        let from = self.peers.get(peer).and_then(|known| known.cooldowns.branch_from(now)).unwrap_or(number);
        self.cancel_from(now, peer, from);
        self.strategy.dirty = true;
    }

    /// Drops the peer's responses, and cancels its requests, by number from `from` up.
    pub(super) fn cancel_from(&mut self, now: Instant, peer: PeerId, from: u64) {
        self.downloader.unstage_of(peer, from);
        self.downloader.requests.stop_using(|request| request.peer == peer);
        let theirs = |request: &InFlight| {
            request.peer == peer
                && matches!(&request.purpose, Purpose::Piece { range, by_hash: None, .. } if range.last() >= from)
        };
        for request in self.cancel_where(theirs) {
            self.return_piece(now, request, false);
        }
        for response in self.downloader.inbox.take(|response| theirs(&response.request)) {
            self.return_piece(now, response.request, false);
        }
    }
}
