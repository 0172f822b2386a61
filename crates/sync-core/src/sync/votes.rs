//! Votes: which block a majority of peers has at a number, or as its tip.
//!
//! **Number.** The header at that number which `max(tip_quorum, more than half)` of the peers that serve it hold; each
//! is asked once.
//!
//! **Peers' tip.** The highest block that `max(tip_quorum, more than half)` of the usable peers hold. Peers that name
//! it exactly count at once; peers that are further are asked for their header at its number. So a peer that is some
//! blocks ahead agrees, and a minority, however high its tip, decides nothing. Peers on a chain that broke a rule do
//! not count.
//!
//! A tip under the stored head is compared with the stored header at its height: the same hash is lag, and nothing
//! changes; another one is a reorg to a shorter chain.
//!
//! A late or silent peer has no vote until it responds to something, for which it is asked now and then: it neither
//! decides nor delays a vote.
//!
//! A new session counts all configured peers as voters, connected or not, until the wait for missing ones is over
//! ([`SyncConfig::tip_settle`](crate::SyncConfig::tip_settle)). When no block has a majority the stall `TipsDisagree`
//! lists the tips by peer; it ends with the peer, or the announcement, that makes a majority.
//!
//! A vote holds until the peer announces another tip; then it is asked again. At most [`VOTES_PER_PEER_MAX`] votes a
//! peer are kept. A malicious peer has one vote for each number, like any peer; how many identities one attacker
//! connects is limited by the host, which chooses its peers.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{HeaderSync, fork_check::hash_at};
use crate::{
    config::{TIP_CLAIMS_MAX, VOTES_PER_PEER_MAX},
    fault::PeerFault,
    follow::{Known, TipPlace, place},
    headers::{Purpose, Response},
    id::PeerId,
    io::{BlockNumHash, StallReason, StartBlock, SyncTarget, TipClaim},
    time::Instant,
};
use header_rules::range::BlockNumber;
use sorted::{SortedMap, sort_short_by};

impl HeaderSync {
    pub(super) fn poll_tip(&mut self, now: Instant) -> bool {
        if self.host.is_paused {
            return false;
        }
        let tips: SortedMap<PeerId, BlockNumHash> = self
            .peers
            .voters(now)
            .filter(|(_, peer)| peer.range().is_some())
            .filter(|(_, peer)| self.target.rejected.hashes.get(peer.served.latest_hash).is_none())
            .map(|(id, peer)| (id, BlockNumHash { number: peer.served.latest, hash: peer.served.latest_hash }))
            .collect();
        if tips.is_empty() {
            self.target.trouble = None;
            return false;
        }
        self.target.votes.keep_only(|peer| tips.get(&peer).map(|own| own.hash));
        let need = self.votes_needed(now, tips.len());
        // A tip does not wait for a gap that cannot be filled now.
        let waiting = self.target.next.filter(|_| self.is_busy() || !self.is_parked());
        let known = waiting.or(self.target.resolved);
        let mut named: Vec<BlockNumHash> = tips.values().copied().collect();
        sort_short_by(&mut named, |a, b| b.number.cmp(&a.number).then(a.hash.cmp(&b.hash)));
        let mut most = 0;
        let mut undecided: Vec<(BlockNumHash, Vec<PeerId>)> = Vec::new();
        // Tips that could win if every peer above them agreed.
        let mut possible = 0;
        // How many are as high or higher: those may hold the tip.
        let mut not_lower = 0;
        while let Some(tip) = named.get(not_lower).copied() {
            let same = named[not_lower..].iter().take_while(|other| **other == tip).count();
            not_lower += same;
            most = most.max(same);
            if not_lower < need {
                continue;
            }
            possible += 1;
            let mut open = Vec::new();
            let mut have = same;
            for (id, _) in tips.iter().filter(|(_, own)| own.number > tip.number) {
                match self.target.votes.of(*id, tip.number) {
                    Some(vote) => have += usize::from(vote == Some(tip.hash)),
                    None => open.push(*id),
                }
            }
            most = most.max(have);
            debug_assert!(have <= tips.len(), "{have} votes of {} peers", tips.len());
            if have >= need {
                self.target.trouble = None;
                return self.adopt_agreed_tip(now, tip, known);
            }
            // The highest ones, no more than votes are kept: an older vote would be forgotten and requested again.
            if have + open.len() >= need && possible <= VOTES_PER_PEER_MAX {
                undecided.push((tip, open));
            }
        }
        let few = tips.len() < self.config.tip_quorum;
        self.target.trouble = if few {
            known.is_none().then_some(StallReason::QuorumNotReached { have: most, need })
        } else {
            // No stall before the wait for the other peers is over.
            self.is_settled(now).then(|| disagree(need, tips.iter().map(|(peer, tip)| (*peer, *tip))))
        };
        // Every tip that could win is asked about: a peer that does not respond delays its own vote alone.
        undecided.iter().any(|(tip, open)| self.ask_votes(now, *tip, open))
    }

    /// How many of so many voters must agree: the quorum, and more than half of them. While others that are configured may
    /// still come, more than half of those: the first to connect need not be the honest ones.
    fn votes_needed(&self, now: Instant, voters: usize) -> usize {
        let electorate = if self.is_settled(now) { voters } else { voters.max(self.config.peers_expected) };
        let need = self.config.tip_quorum.max(electorate / 2 + 1);
        debug_assert!(need > voters / 2, "{need} of {voters} is no majority");
        need
    }

    /// Is the time over in which configured peers are waited for?
    fn is_settled(&self, now: Instant) -> bool {
        self.settles_at().is_some_and(|at| at <= now)
    }

    /// Did more than half of the configured peers speak, or is their time over?
    pub(super) fn has_fair_sample(&self, now: Instant) -> bool {
        self.peers.announcements.sample.is_most_of(self.config.peers_expected) || self.is_settled(now)
    }

    /// When the peers that have not spoken yet are waited for no longer.
    pub(super) fn settles_at(&self) -> Option<Instant> {
        self.peers.announcements.sample.since().map(|at| at + self.config.tip_settle)
    }

    /// Looks for the hash that enough peers have at `number`.
    pub(super) fn poll_number(&mut self, now: Instant, number: BlockNumber) -> bool {
        let known = self.target.resolved.is_some_and(|known| known.number == number);
        if known || self.host.is_paused {
            return false;
        }
        let serving = self.peers.voters(now).filter(|(_, peer)| peer.range().is_some_and(|it| it.contains(number)));
        let serving: SortedMap<PeerId, B256> = serving.map(|(id, peer)| (id, peer.served.latest_hash)).collect();
        self.target.votes.keep_only(|peer| serving.get(&peer).copied());
        let need = self.votes_needed(now, serving.len());
        let mut count: SortedMap<B256, usize> = SortedMap::new();
        let mut open = Vec::new();
        for id in serving.keys() {
            match self.target.votes.of(*id, number) {
                Some(vote) => *count.get_or_insert_with(vote.unwrap_or_default(), || 0) += 1,
                None => open.push(*id),
            }
        }
        // An empty response, or a block of an invalid chain, is a vote for no block.
        count.retain(|hash, _| !hash.is_zero() && self.target.rejected.hashes.get(*hash).is_none());
        let have = count.values().copied().max().unwrap_or_default();
        if let Some((hash, _)) = count.into_iter().find(|(_, votes)| *votes >= need) {
            self.target.trouble = None;
            self.adopt(now, BlockNumHash { number, hash });
            return true;
        }
        if !open.is_empty() {
            return self.ask_votes(now, BlockNumHash { number, hash: B256::ZERO }, &open);
        }
        self.target.trouble = Some(if serving.len() < need {
            StallReason::QuorumNotReached { have, need }
        } else {
            let votes = |id: &PeerId| Some((*id, BlockNumHash { number, hash: self.target.votes.of(*id, number)?? }));
            disagree(need, serving.keys().filter_map(votes))
        });
        false
    }

    /// Asks a peer without a vote for its own tip, with the pauses of a silent peer: a response gives the vote back.
    ///
    /// With every kind of target: otherwise unknown peers would be asked before it for ever.
    pub(super) fn ask_unheard(&mut self, now: Instant) -> bool {
        let unheard = self.peers.usable(now).find_map(|(id, peer)| {
            let may_be_asked = !peer.has_vote() && peer.may_ask(now) && self.downloader.requests.of_peer(id).is_none();
            Some((id, peer.range().filter(|_| may_be_asked)?.last()))
        });
        let Some((id, number)) = unheard else { return false };
        self.send(now, id, Purpose::Vote(number), StartBlock::Number(number), 1);
        true
    }

    fn ask_votes(&mut self, now: Instant, tip: BlockNumHash, open: &[PeerId]) -> bool {
        for id in open {
            let asking = self.downloader.requests.find(|r| r.peer == *id && matches!(r.purpose, Purpose::Vote(_)));
            let ready = self.peers.get(*id).is_some_and(|p| p.may_ask(now));
            if asking.is_none() && ready && !self.peers.announcements.is_waiting(*id) {
                self.send(now, *id, Purpose::Vote(tip.number), StartBlock::Number(tip.number), 1);
                return true;
            }
        }
        false
    }

    /// A response to a vote; an empty one counts as a vote for no block.
    pub(super) fn receive_vote(&mut self, now: Instant, response: Response, number: BlockNumber) {
        self.target.dirty = true;
        if response.headers.len() > 1 {
            let fault = PeerFault::TooManyHeaders { got: response.headers.len(), limit: 1 };
            self.penalize_request(now, response.peer, response.request.sent, fault);
            return;
        }
        let vote = hash_at(&response, number);
        let Some(latest_hash) = self.peers.get(response.peer).map(|known| known.served.latest_hash) else { return };
        if self.is_earlier(&response.request) || matches!(self.target.wanted, Some(SyncTarget::Hash(_))) {
            return;
        }
        self.target.votes.note(response.peer, latest_hash, number, vote);
    }

    /// Enough peers agree on `tip`: is it lag, an extension, or another chain? `true` when something was done.
    fn adopt_agreed_tip(&mut self, now: Instant, tip: BlockNumHash, known: Option<BlockNumHash>) -> bool {
        if self.is_deserted(now) && self.target.resolved != Some(tip) {
            self.adopt(now, tip);
            return true;
        }
        if known == Some(tip) {
            return false;
        }
        if self.is_busy() {
            let higher = known.is_none_or(|known| tip.number >= known.number);
            if higher {
                self.resolve(now, tip);
            }
            return higher;
        }
        let newest = self.store.pending().newest().map(|newest| newest.tail);
        let wins = match place(tip, self.store.pending()) {
            TipPlace::Above => true,
            TipPlace::Differs(run, _) => newest == Some(run.tail),
            TipPlace::Inside(run) if newest == Some(run.tail) => match self.store.stored(tip.number) {
                // Evaluated again when the response to an earlier lookup is there.
                Known::Asked => return false,
                Known::Unasked if self.store.is_looking_up() => return false,
                Known::Unasked => {
                    // Lookups for another tip are of no use any more.
                    self.store.forget_lookups();
                    return self.ask_store(&[tip.number]);
                }
                Known::Header { hash, .. } => hash != tip.hash,
                Known::Absent => false,
            },
            TipPlace::Stored | TipPlace::Inside(_) | TipPlace::Between => false,
        };
        if wins {
            self.resolve(now, tip);
            return true;
        }
        // The peers are behind the stored head, on the same chain as far as is known.
        let head =
            self.store.pending().newest().map(|newest| BlockNumHash { number: newest.head, hash: newest.head_hash });
        match (known, head) {
            (None, Some(head)) => {
                self.resolve_as(now, head, true);
                true
            }
            _ => false,
        }
    }
}

/// No block has a majority: the tips by peer.
fn disagree(need: usize, tips: impl Iterator<Item = (PeerId, BlockNumHash)>) -> StallReason {
    let claims = tips.take(TIP_CLAIMS_MAX).map(|(peer, tip)| TipClaim { peer, tip }).collect();
    StallReason::TipsDisagree { need, claims }
}
