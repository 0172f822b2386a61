//! Fork checks: which peers are on the target's chain, and what follows for a peer whose headers do not link.
//!
//! A peer responds by number from the chain that it holds *now*. When a header does not hash to the anchor, its sender
//! is malicious, or has moved to another chain since the target was chosen (or was never on ours). One request tells
//! them apart: which header does the peer have at the height of the target?
//!
//! | the response | consequence |
//! |---|---|
//! | the target | the peer contradicts itself: tolerated once for each announcement and [`EXCUSES_MAX`] times in all, because it may have moved in between; then a fault |
//! | another header, or none | the peer is on another chain: no fault; it is not asked for the numbers at which it differs |
//!
//! A peer that has claimed another chain is not checked again at further mismatches until it announces another tip.
//!
//! When most peers are off the target's chain, the target was reorganised away, and the tip that they agree on now
//! becomes the target. Each entry holds for one announcement of the peer and expires with the next; there is one entry
//! for each peer.

use alloy_primitives::{B256, keccak256};

use super::HeaderSync;
use crate::{
    fault::PeerFault,
    headers::{InFlight, Purpose, Response},
    id::PeerId,
    io::{StallReason, StartBlock},
    peers::{Evidence, Peer},
    time::Instant,
};
use header_rules::{block::ServedRange, header::HeaderLink, range::BlockNumber};

impl HeaderSync {
    /// Is the peer on the target's chain, by its own claim or by verified headers?
    pub(super) fn is_on_target(&self, peer: PeerId) -> bool {
        let (Some(known), Some(target)) = (self.peers.get(peer), self.target.resolved) else { return false };
        match self.target.fork_checks.said.get(&peer) {
            Some((served, hash)) if *served == known.served => *hash == Some(target.hash),
            _ => {
                known.served.latest_hash == target.hash
                    || self.target.fork_checks.linked.get(&peer) == Some(&known.served)
            }
        }
    }

    /// Was this request sent before the peer's last announcement?
    pub(super) fn is_earlier(&self, request: &InFlight) -> bool {
        self.peers.announcements.tip_at(request.peer).is_some_and(|at| request.sent <= at)
    }

    /// Does the peer's claim in the ancestor search still hold: is it on the chain of that claim, and is that the
    /// target's chain?
    pub(super) fn stands_by_its_claim(&self, peer: PeerId) -> bool {
        let now = self.peers.get(peer).map(|known| known.served.latest_hash);
        let then = self.target.fork_checks.claimed.get(&peer).map(|served| served.latest_hash);
        now == then && self.is_on_target(peer)
    }

    /// How many of the voters are off the target's chain, and how many voters there are.
    pub(super) fn count_off_target(&self, now: Instant) -> (usize, usize) {
        self.peers.voters(now).fold((0, 0), |(off_target, all), (id, peer)| {
            (off_target + usize::from(self.is_off_target(id, peer)), all + 1)
        })
    }

    fn is_off_target(&self, id: PeerId, peer: &Peer) -> bool {
        self.target.fork_checks.off_target.get(&id) == Some(&peer.served)
    }

    /// Are most peers on another chain than the target's, or has no peer served its next header for a while? Then the
    /// target may have been reorganised away, perhaps to a shorter chain; or no peer ever had it.
    ///
    /// When the front did not come for a while, peers without a response do not count for the target: an attacker can
    /// connect any number of them.
    pub(super) fn is_deserted(&self, now: Instant) -> bool {
        // Peers whose chain ends below that number do not count for the target either.
        let number = self.number_to_check(now);
        let is_lower = |served: ServedRange| number.is_some_and(|number| served.latest < number);
        let most_are_gone = |heard_only: bool| {
            let voters = self.peers.voters(now).filter(|(_, peer)| !heard_only || peer.evidence >= Evidence::Responded);
            let (gone, all) = voters.fold((0, 0), |(gone, all), (id, peer)| {
                (gone + usize::from(self.is_off_target(id, peer) || is_lower(peer.served)), all + 1)
            });
            gone * 2 > all
        };
        let unserved =
            matches!(self.reports.stall.announced, Some(StallReason::RangeUnavailable(_))) && !self.is_parked();
        most_are_gone(false) || self.has_waited_for_front(now) && most_are_gone(true) || unserved
    }

    /// Is the front missing for so long that the peers that claim it may never have had it?
    fn has_waited_for_front(&self, now: Instant) -> bool {
        let waits = self.phase.run().is_some_and(|run| !run.complete);
        waits && now >= self.reports.stall.moved_at + self.config.claim_patience && self.store.batches() == 0
    }

    /// A peer that cannot have this number is not on the target's chain. It is the target while an ancestor is sought;
    /// the header that cannot be judged; or the front, when it is missing for so long that the peers that claim it may
    /// never have had it.
    fn number_to_check(&self, now: Instant) -> Option<BlockNumber> {
        let target = self.target.resolved?;
        if self.is_seeking() {
            return Some(target.number);
        }
        if self.is_stopped_at(target.hash) {
            return self.target.rejected.unknown.as_ref()?.number;
        }
        self.phase.run().filter(|_| self.has_waited_for_front(now)).map(|run| run.anchor.number)
    }

    /// Headers of the peer do not link: is the response invalid, or of another chain?
    pub(super) fn start_fork_check(&mut self, now: Instant, peer: PeerId, fault: PeerFault) {
        if self.peers.get(peer).is_none_or(|known| !known.connected) {
            return;
        }
        self.drop_unverified_of(now, peer);
        if self.said_other(peer) {
            self.note_other_branch(now, peer, &fault);
        } else {
            self.target.fork_checks.suspected.get_or_insert_with(peer, || fault);
        }
    }

    /// Has the peer claimed another chain, and announced nothing since? Then it need not be asked again.
    fn said_other(&self, peer: PeerId) -> bool {
        let (Some(target), Some(known)) = (self.target.resolved, self.peers.get(peer)) else { return false };
        let said = self.target.fork_checks.said.get(&peer).filter(|(served, _)| *served == known.served);
        said.is_some_and(|(_, hash)| *hash != Some(target.hash))
    }

    /// Sends one fork check to a suspected peer.
    pub(super) fn poll_fork_checks(&mut self, now: Instant) -> bool {
        if self.host.is_paused {
            return false;
        }
        let open = self.target.fork_checks.suspected.keys().copied().find(|peer| self.may_check_fork(now, *peer));
        open.is_some_and(|peer| self.send_fork_check(now, peer))
    }

    /// Asks a peer of which nothing is known whether it is on the target's chain. All of them are asked at the same
    /// time: silent ones must not delay the responses of the others, which may have left the target. `true` when one
    /// was asked, or is being asked.
    pub(super) fn ask_fork_check(&mut self, now: Instant) -> bool {
        let Some(target) = self.target.resolved.filter(|_| !self.host.is_paused) else { return false };
        let unknown = self.peers.usable(now).find(|(id, peer)| {
            let serves = peer.range().is_some_and(|range| range.contains(target.number));
            let said = self.target.fork_checks.said.get(id).is_some_and(|(served, _)| *served == peer.served);
            serves && !said && !self.is_on_target(*id) && self.may_check_fork(now, *id)
        });
        let unknown = unknown.map(|(id, _)| id);
        let asked = unknown.is_some_and(|peer| self.send_fork_check(now, peer));
        asked || self.downloader.requests.count(|request| matches!(request.purpose, Purpose::ForkCheck(_))) > 0
    }

    /// A response to a fork check.
    pub(super) fn receive_fork_check(&mut self, now: Instant, response: Response, number: BlockNumber) {
        let peer = response.peer;
        if response.headers.len() > 1 {
            let fault = PeerFault::TooManyHeaders { got: response.headers.len(), limit: 1 };
            self.penalize_request(now, peer, response.request.sent, fault);
            return;
        }
        let (Some(target), Some(known)) = (self.target.resolved, self.peers.get(peer)) else { return };
        self.target.dirty = true;
        if target.number != number || self.is_earlier(&response.request) {
            return;
        }
        let served = known.served;
        let said = hash_at(&response, number);
        self.target.fork_checks.said.insert(peer, (served, said));
        let fault = self.target.fork_checks.suspected.remove(&peer);
        if said != Some(target.hash) {
            self.target.fork_checks.note_off_target(peer, served);
            if let Some(fault) = fault {
                self.note_other_branch(now, peer, &fault);
            }
            return;
        }
        let Some(fault) = fault else { return };
        if let (PeerFault::EmptyResponse { start }, Some(known)) = (&fault, self.peers.get_mut(peer)) {
            known.cooldowns.note_absent(now, *start, now + self.config.cool_down);
        }
        // The headers that did not link, or were missing, may be from before the peer came to this chain. Its earlier
        // responses are dropped; the next contradiction is a fault, until the peer announces another tip or headers of
        // it are verified.
        if self.target.fork_checks.may_excuse(peer, served) {
            self.cancel_from(now, peer, 0);
        } else {
            self.penalize(now, peer, fault);
        }
    }

    fn may_check_fork(&self, now: Instant, peer: PeerId) -> bool {
        let ready = self.peers.get(peer).is_some_and(|it| it.is_usable(now) && it.may_ask(now));
        let asks = |request: &InFlight| request.peer == peer && matches!(request.purpose, Purpose::ForkCheck(_));
        // A request that failed at once is not retried at once.
        let asked = self.target.fork_checks.asked.get(&peer);
        let rested = asked.is_none_or(|at| now >= *at + self.config.backoff_start);
        let is_here = || self.downloader.inbox.iter().any(|response| asks(&response.request));
        ready && rested && self.downloader.requests.find(asks).is_none() && !is_here()
    }

    /// When the next fork check may be sent.
    pub(super) fn fork_check_wakeup(&self, now: Instant) -> Option<Instant> {
        let open = !self.host.is_paused && (self.is_seeking() || !self.target.fork_checks.suspected.is_empty());
        let asked = self.target.fork_checks.asked.values().filter(|_| open);
        asked.map(|at| *at + self.config.backoff_start).filter(|at| *at > now).min()
    }

    fn send_fork_check(&mut self, now: Instant, peer: PeerId) -> bool {
        let Some(target) = self.target.resolved else { return false };
        self.target.fork_checks.asked.insert(peer, now);
        self.send(now, peer, Purpose::ForkCheck(target.number), StartBlock::Number(target.number), 1);
        true
    }
}

/// Hash of the one header of a response, unless it says that it has another number.
pub(super) fn hash_at(response: &Response, number: BlockNumber) -> Option<B256> {
    let raw = response.headers.first()?;
    // A header of an unknown fork has a hash too, and a peer that sends one has responded.
    let is_there = HeaderLink::decode(raw).map_or(true, |header| header.number == number);
    is_there.then(|| keccak256(raw))
}
