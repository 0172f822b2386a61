//! Witnesses: the peers that are asked for a number in the ancestor search, their claims, and the check of the claims
//! against verified headers.
//!
//! Only peers on the target's chain are asked, in an order drawn from the seed. A claim counts only once a hash link
//! has met it, and a peer that stands by a contradicted claim gets a fork check.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{HeaderSync, fork_check::hash_at, front::HAND_OVER_ROUND_TRIPS};
use crate::{
    fault::PeerFault,
    follow::Claim,
    headers::{InFlight, Purpose, Response},
    id::PeerId,
    io::StartBlock,
    lineage::VerifiedHeaders,
    peers::Rank,
    time::Instant,
};
use header_rules::range::BlockNumber;

impl HeaderSync {
    /// Chooses the witnesses of this number, and asks them.
    pub(super) fn open_number(&mut self, now: Instant, number: BlockNumber) -> bool {
        let Some(most) = self.reorgs.current.as_ref().map(|reorg| reorg.search.witnesses_max()) else { return false };
        let mut witnesses = self.witnesses(now, number, Some(Rank::Verified));
        if witnesses.is_empty() || most > crate::config::ANCESTOR_PEERS_MAX {
            witnesses = self.witnesses(now, number, None);
        }
        witnesses.truncate(most);
        let trips = witnesses.iter().filter_map(|id| self.peers.get(*id)?.window.round_trip());
        let patience = trips.min().map_or(self.config.deadline_start, |trip| trip * HAND_OVER_ROUND_TRIPS);
        let retry = now + self.config.target_retry;
        if witnesses.is_empty() {
            let alone = !self.ask_fork_check(now);
            if let Some(reorg) = &mut self.reorgs.current {
                reorg.alone = alone.then_some(number);
                // The silent witnesses are asked again, even while fork checks of other peers are open: those may never
                // get a response.
                if reorg.search.has_silent() && reorg.retry_at.is_none() {
                    reorg.retry_at = Some(retry);
                }
            }
            return false;
        }
        for peer in &witnesses {
            self.send(now, *peer, Purpose::Ancestor(number), StartBlock::Number(number), 1);
        }
        let deadline = now + patience + self.config.steal_after;
        if let Some(reorg) = &mut self.reorgs.current {
            reorg.alone = None;
            reorg.search.open(witnesses, deadline);
        }
        true
    }

    /// Peers of the target's chain that serve this number, of this rank if one is named, in an order drawn from the
    /// seed: quick peers are not asked more often than others.
    fn witnesses(&mut self, now: Instant, number: BlockNumber, rank: Option<Rank>) -> Vec<PeerId> {
        let mut witnesses = self.peers.shuffled(now);
        let Some(reorg) = &self.reorgs.current else { return Vec::new() };
        witnesses.retain(|id| {
            let Some(peer) = self.peers.get(*id) else { return false };
            let serves = peer.range().is_some_and(|range| range.contains(number));
            serves
                && rank.is_none_or(|rank| peer.rank() == rank)
                && !reorg.search.is_silent(*id)
                && self.is_on_target(*id)
        });
        witnesses
    }

    /// A request of the search ended without a usable response.
    pub(super) fn note_no_response(&mut self, request: &InFlight) {
        if let (Some(reorg), Purpose::Ancestor(_)) = (&mut self.reorgs.current, &request.purpose) {
            reorg.search.note_silent(request.peer);
        }
    }

    /// A response to a request of the search.
    pub(super) fn receive_ancestor(&mut self, now: Instant, response: Response, number: BlockNumber) {
        let peer = response.peer;
        let hash = hash_at(&response, number).filter(|_| !self.is_earlier(&response.request));
        if response.headers.len() > 1 {
            let fault = PeerFault::TooManyHeaders { got: response.headers.len(), limit: 1 };
            self.penalize_request(now, peer, response.request.sent, fault);
        } else if let (Some(reorg), Some(hash)) = (&mut self.reorgs.current, hash) {
            reorg.search.claim(Claim { number, peer, hash });
            if let Some(known) = self.peers.get(peer) {
                self.target.fork_checks.note_claim(peer, known.served);
            }
        } else {
            // An empty response, or one from before the peer's last announcement: others are asked, or this peer again.
            self.note_no_response(&response.request);
        }
    }

    /// Checks the claims of peers against headers that were just verified.
    pub(super) fn check_claims_in(&mut self, now: Instant, verified: &VerifiedHeaders) {
        let Some(reorg) = &self.reorgs.current else { return };
        let range = verified.range();
        for number in reorg.search.claimed_numbers(range.first(), range.last()) {
            if let Some(hash) = verified.hashes().get((range.last() - number) as usize) {
                self.check_claims(now, number, *hash);
            }
        }
    }

    /// The target's chain has `verified` at `number`: a peer on that chain that claimed another hash gets a fork check.
    pub(super) fn check_claims(&mut self, now: Instant, number: BlockNumber, verified: B256) {
        let Some(reorg) = &mut self.reorgs.current else { return };
        for claim in reorg.search.contradicted(number, verified) {
            // A peer that has announced something else since then may have moved to another chain in between.
            if self.stands_by_its_claim(claim.peer) {
                // It may have moved to the target's chain after the claim: the same check as for a broken link.
                let fault = PeerFault::BrokenLink { number, got: claim.hash, expected: verified };
                self.start_fork_check(now, claim.peer, fault);
            }
        }
    }
}
