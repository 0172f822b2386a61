//! Where the sync ends, above: asking peers for the pinned hash, or finding the tip that enough of them name.
//!
//! **Pinned hash.** Up to [`PROBES_MAX`] peers are asked at once, `falling(hash, 1)`; those that name the hash as their
//! tip first. An empty answer says "I do not have it" and costs nothing; a header with another hash is a lie. When
//! nobody had it the sync says so and starts another round after a pause, and asks each new peer at once.
//!
//! **Number.** The header at that number which as many peers hold; each that serves the number is asked once.
//!
//! **Peers' tip.** The highest block that `max(tip_quorum, more than half)` of the usable peers hold. Peers that name it
//! exactly count at once; peers that are further are asked for their header at its number. So a peer that is some blocks
//! ahead agrees, and a minority, however high its tip, decides nothing. Peers on a chain that broke a rule do not count.
//!
//! A tip under the stored head is compared with the stored header at its height: the same hash is lag, and nothing changes;
//! another one is a reorg to a shorter chain. While a download runs a higher tip waits for its end, unless most peers have
//! left the target's chain (`standing`).

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};

use super::{
    Answer, HeaderSync,
    standing::{Standings, hash_at},
};
use crate::{
    config::VOTES_PER_PEER_MAX,
    fault::PeerFault,
    follow::{BranchWeight, InvalidChain, Known, TipPlace, place},
    header::Header,
    headers::Purpose,
    id::PeerId,
    io::{BlockNumHash, Event, Output, StallReason, StartBlock, SyncTarget},
    range::BlockNumber,
    sorted::{SortedMap, SortedSet},
    time::{Instant, doubled},
};

/// Peers asked for a pinned target at the same time: one silent peer must not hold the start of a sync for a deadline.
pub(super) const PROBES_MAX: usize = 3;

/// What a peer says that it has at the heights of the tips that others name, as of its own announcement.
#[derive(Debug)]
struct Ballot {
    /// Its own tip when it was asked.
    latest_hash: B256,
    /// One entry for each tip that is named; at most [`VOTES_PER_PEER_MAX`].
    hashes: SortedMap<BlockNumber, Option<B256>>,
}

/// What is wanted and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// What the user wants.
    pub wanted: Option<SyncTarget>,
    /// What is being synced.
    pub resolved: Option<BlockNumHash>,
    /// What is synced after that: a newer tip.
    pub next: Option<BlockNumHash>,
    /// Peers that were asked for the pinned hash in this round.
    asked: SortedSet<PeerId>,
    /// Rounds in which nobody had it.
    rounds: u32,
    /// When the next round begins.
    pub retry_at: Option<Instant>,
    votes: SortedMap<PeerId, Ballot>,
    /// What its proven headers weigh, from the target down.
    pub weight: Option<BranchWeight>,
    /// A tip whose chain is no heavier than the stored one.
    pub lighter: Option<B256>,
    /// Which peers are on the target's chain.
    pub standings: Standings,
    /// The chain that was given up because it broke a rule, until another target is synced.
    pub invalid: Option<InvalidChain>,
    /// Something happened that may bring it nearer.
    pub dirty: bool,
    /// What is being synced is not what is wanted: an earlier target until the new one is known, or what was stored
    /// already, because the peers are behind it.
    pub unasked: bool,
    /// What stands in the way.
    pub trouble: Option<StallReason>,
}

impl Target {
    /// The peer is asked anew.
    pub fn forget_vote(&mut self, peer: PeerId) {
        self.votes.remove(&peer);
    }

    /// What the peer, whose own tip is `latest_hash`, has at `number`; `None` when it has not, or could not be asked.
    pub fn note_vote(&mut self, peer: PeerId, latest_hash: B256, number: BlockNumber, vote: Option<B256>) {
        let ballot = self.votes.get_or_insert_with(peer, || Ballot { latest_hash, hashes: SortedMap::new() });
        if ballot.hashes.len() >= VOTES_PER_PEER_MAX {
            ballot.hashes.pop_first();
        }
        ballot.hashes.insert(number, vote);
    }
}

impl HeaderSync {
    /// The user names a target.
    pub(super) fn want(&mut self, target: SyncTarget) {
        if self.target.wanted == Some(target) {
            return;
        }
        self.cancel_questions(|purpose| !matches!(purpose, Purpose::Piece { .. }));
        // A chain that ends in another genesis is not synced any more: there is nothing to go on with.
        let resolved = self.target.resolved.filter(|_| self.wrong_genesis.is_none());
        let unasked = resolved.is_some_and(|resolved| target != SyncTarget::Hash(resolved.hash));
        self.target = Target { wanted: Some(target), resolved, unasked, dirty: true, ..Target::default() };
        self.wrong_genesis = None;
    }

    /// One step towards the target: sends at most one probe or vote. `true` when something was done.
    pub(super) fn poll_target(&mut self, now: Instant) -> bool {
        match self.target.wanted {
            Some(SyncTarget::Hash(hash)) => self.poll_pinned(now, hash),
            Some(SyncTarget::PeersTip) => self.poll_tip(now),
            Some(SyncTarget::Number(number)) => self.poll_number(now, number),
            None => false,
        }
    }

    fn poll_pinned(&mut self, now: Instant, hash: B256) -> bool {
        let known = self.target.resolved.is_some_and(|known| known.hash == hash);
        if known || self.target.invalid.is_some() || self.paused {
            return false;
        }
        if let Some(newest) = self.ledger.subchains.iter().find(|run| run.head_hash == hash) {
            // Proven and stored in an earlier run: no peer need be asked.
            let number = newest.head;
            self.resolve(now, BlockNumHash { number, hash });
            return true;
        }
        if self.target.retry_at.is_some_and(|at| at <= now) {
            self.target.retry_at = None;
            self.target.asked.clear();
        }
        let candidates = self.scheduler.askable(&self.peers, now);
        let probing = self.probes_in_flight();
        let fresh: Vec<_> = candidates.into_iter().filter(|peer| !self.target.asked.contains(peer)).collect();
        let named = fresh.iter().find(|id| self.peers.get(**id).is_some_and(|peer| peer.served.latest_hash == hash));
        if let Some(peer) = named.or(fresh.first()).copied()
            && probing < PROBES_MAX
        {
            self.target.asked.insert(peer);
            self.send(now, peer, Purpose::Target(hash), StartBlock::Hash(hash), 1);
            return true;
        }
        let usable: Vec<_> = self.peers.usable(now).map(|(id, _)| id).collect();
        let asked = usable.iter().filter(|id| self.target.asked.contains(id)).count();
        let enough = asked >= usable.len().min(self.config.target_peers_asked_max) && asked > 0;
        if probing == 0 && enough && self.target.retry_at.is_none() {
            let pause = doubled(self.config.target_retry, self.target.rounds, self.config.target_retry * 8);
            self.target.rounds += 1;
            self.target.retry_at = Some(now + pause);
            self.target.trouble = Some(StallReason::TargetUnavailable { hash, asked });
        }
        false
    }

    /// An answer to a probe.
    pub(super) fn receive_target(&mut self, now: Instant, answer: Answer, hash: B256) {
        self.target.dirty = true;
        let Some(raw) = answer.headers.first() else { return };
        let fault = if answer.headers.len() > 1 {
            Some(PeerFault::TooManyHeaders { got: answer.headers.len(), limit: 1 })
        } else {
            match Header::decode(raw) {
                Err(error) => Some(PeerFault::Undecodable { number: 0, error }),
                Ok(header) => {
                    let got = keccak256(raw);
                    if got == hash {
                        self.cancel_questions(|purpose| matches!(purpose, Purpose::Target(_)));
                        self.resolve(now, BlockNumHash { number: header.number, hash });
                        None
                    } else {
                        Some(PeerFault::BrokenLink { number: header.number, got, expected: hash })
                    }
                }
            }
        };
        if let Some(fault) = fault {
            self.penalize(now, answer.peer, fault);
        }
    }

    fn poll_tip(&mut self, now: Instant) -> bool {
        if self.paused {
            return false;
        }
        let tips: SortedMap<PeerId, BlockNumHash> = self
            .peers
            .usable(now)
            .filter(|(_, peer)| peer.range().is_some() && self.invalid.get(peer.served.latest_hash).is_none())
            .map(|(id, peer)| (id, BlockNumHash { number: peer.served.latest, hash: peer.served.latest_hash }))
            .collect();
        if tips.is_empty() {
            self.target.trouble = None;
            return false;
        }
        self.target.votes.retain(|peer, ballot| tips.get(peer).is_some_and(|own| own.hash == ballot.latest_hash));
        let need = self.config.tip_quorum.max(tips.len() / 2 + 1);
        let known = self.target.next.or(self.target.resolved);
        let mut named: Vec<BlockNumHash> = tips.values().copied().collect();
        named.sort_unstable_by_key(|tip| (core::cmp::Reverse(tip.number), tip.hash));
        named.dedup();
        let mut most = 0;
        let mut undecided: Option<(BlockNumHash, Vec<PeerId>)> = None;
        for tip in named {
            let mut open = Vec::new();
            let mut have = 0;
            for (id, own) in tips.iter() {
                if *own == tip {
                    have += 1;
                } else if own.number > tip.number {
                    match self.target.votes.get(id).and_then(|ballot| ballot.hashes.get(&tip.number)) {
                        Some(vote) => have += usize::from(*vote == Some(tip.hash)),
                        None => open.push(*id),
                    }
                }
            }
            most = most.max(have);
            if have >= need {
                self.target.trouble = None;
                return self.weigh_tip(now, tip, known);
            }
            if have + open.len() >= need && undecided.is_none() {
                undecided = Some((tip, open));
            }
        }
        if let Some((tip, open)) = undecided {
            return self.ask_votes(now, tip, &open);
        }
        self.target.trouble = known.is_none().then_some({
            if tips.len() < self.config.tip_quorum {
                StallReason::QuorumNotReached { have: most, need }
            } else {
                StallReason::TipsDisagree
            }
        });
        false
    }

    /// Looks for the hash that enough peers have at `number`.
    fn poll_number(&mut self, now: Instant, number: BlockNumber) -> bool {
        let known = self.target.resolved.is_some_and(|known| known.number == number);
        if known || self.target.invalid.is_some() || self.paused {
            return false;
        }
        let serving = self.peers.usable(now).filter(|(_, peer)| peer.range().is_some_and(|it| it.contains(number)));
        let serving: SortedMap<PeerId, B256> = serving.map(|(id, peer)| (id, peer.served.latest_hash)).collect();
        self.target.votes.retain(|peer, ballot| serving.get(peer) == Some(&ballot.latest_hash));
        let need = self.config.tip_quorum.max(serving.len() / 2 + 1);
        let mut count: SortedMap<B256, usize> = SortedMap::new();
        let mut open = Vec::new();
        for id in serving.keys() {
            match self.target.votes.get(id).and_then(|ballot| ballot.hashes.get(&number)) {
                Some(vote) => *count.get_or_insert_with(vote.unwrap_or_default(), || 0) += 1,
                None => open.push(*id),
            }
        }
        count.remove(&B256::ZERO);
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
            StallReason::TipsDisagree
        });
        false
    }

    fn ask_votes(&mut self, now: Instant, tip: BlockNumHash, open: &[PeerId]) -> bool {
        for id in open {
            let asking = self.downloader.requests.find(|r| r.peer == *id && matches!(r.purpose, Purpose::Vote(_)));
            let ready = self.peers.get(*id).is_some_and(|p| p.reputation.may_ask(now));
            if asking.is_none() && ready {
                self.send(now, *id, Purpose::Vote(tip.number), StartBlock::Number(tip.number), 1);
                return true;
            }
        }
        false
    }

    /// An answer to a vote; an empty one says that the peer does not know.
    pub(super) fn receive_vote(&mut self, now: Instant, answer: Answer, number: BlockNumber) {
        self.target.dirty = true;
        if answer.headers.len() > 1 {
            let fault = PeerFault::TooManyHeaders { got: answer.headers.len(), limit: 1 };
            self.penalize(now, answer.peer, fault);
            return;
        }
        let vote = hash_at(&answer, number);
        let Some(latest_hash) = self.peers.get(answer.peer).map(|known| known.served.latest_hash) else { return };
        if self.is_earlier(&answer.request) {
            return;
        }
        self.target.note_vote(answer.peer, latest_hash, number, vote);
    }

    /// Enough peers agree on `tip`: is it lag, an extension, or another chain? `true` when something was done.
    fn weigh_tip(&mut self, now: Instant, tip: BlockNumHash, known: Option<BlockNumHash>) -> bool {
        if self.target.lighter == Some(tip.hash) {
            return false;
        }
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
        let newest = self.ledger.newest().map(|newest| newest.tail);
        let wins = match place(tip, &self.ledger) {
            TipPlace::Above => true,
            TipPlace::Differs(run, _) => newest == Some(run.tail),
            TipPlace::Inside(run) if newest == Some(run.tail) => match self.stored.get(tip.number) {
                Known::Unasked => return self.ask_store(&[tip.number]),
                Known::Asked => return false,
                Known::Header { hash, .. } => hash != tip.hash,
                Known::Absent => false,
            },
            TipPlace::Stored | TipPlace::Inside(_) | TipPlace::Between => false,
        };
        if wins {
            self.resolve(now, tip);
            return true;
        }
        // Peers that are behind what is stored: their tip says nothing against it.
        let head = self.ledger.newest().map(|newest| BlockNumHash { number: newest.head, hash: newest.head_hash });
        match (known, head) {
            (None, Some(head)) => {
                self.resolve_as(now, head, true);
                true
            }
            _ => false,
        }
    }

    /// Is a gap being filled, or about to be?
    pub(super) fn is_busy(&self) -> bool {
        self.run.is_some() || self.reorg.is_some() || self.reopen || self.unwinding.is_some()
    }

    /// The target's number and hash are known.
    fn resolve(&mut self, now: Instant, target: BlockNumHash) {
        self.resolve_as(now, target, false);
    }

    fn resolve_as(&mut self, now: Instant, target: BlockNumHash, unasked: bool) {
        self.target.trouble = None;
        self.target.retry_at = None;
        self.target.rounds = 0;
        let follows = self.target.wanted == Some(SyncTarget::PeersTip);
        let extends = self.target.resolved.is_some_and(|current| target.number > current.number);
        if extends && follows && self.is_busy() {
            // A newer tip: finish what runs, then go on above it. No work is lost.
            self.target.next = Some(target);
            return;
        }
        self.adopt_as(now, target, unasked);
    }

    /// Makes `target` the one that is synced.
    pub(super) fn adopt(&mut self, now: Instant, target: BlockNumHash) {
        self.adopt_as(now, target, false);
    }

    fn adopt_as(&mut self, now: Instant, target: BlockNumHash, unasked: bool) {
        self.target.next = None;
        self.target.unasked = unasked;
        if self.target.resolved == Some(target) {
            return;
        }
        self.close_run();
        self.peers.forget_branches();
        self.cancel_search();
        self.reopen = false;
        self.target.standings = Standings::default();
        self.target.invalid = None;
        self.target.weight = Some(BranchWeight::new(target.number));
        self.target.resolved = Some(target);
        self.synced = false;
        self.out.push_back(Output::Event(Event::TargetResolved(target)));
        self.open_run(now);
    }

    fn probes_in_flight(&self) -> usize {
        self.downloader.requests.count(|request| matches!(request.purpose, Purpose::Target(_)))
    }
}
