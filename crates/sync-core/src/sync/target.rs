//! Where the sync ends, above: asking peers for the pinned hash, or finding the tip that enough of them name.
//!
//! **Pinned hash.** Up to [`PROBES_MAX`] peers are asked at once, `falling(hash, 1)`; those that name the hash as their
//! tip first. An empty answer says "I do not have it" and costs nothing; a header with another hash is a lie. When
//! nobody had it the sync says so and starts another round after a pause, and asks each new peer at once.
//!
//! **Peers' tip.** The highest block that `max(tip_quorum, more than half)` of the usable peers hold. Peers that name it
//! exactly count at once; peers that are further are asked for their header at its number. So a peer that is some blocks
//! ahead agrees, and a minority, however high its tip, decides nothing.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use alloy_primitives::{B256, keccak256};

use super::{Answer, HeaderSync};
use crate::{
    fault::PeerFault,
    header::Header,
    headers::Purpose,
    id::PeerId,
    io::{BlockNumHash, Event, Output, StallReason, StartBlock, SyncTarget},
    range::BlockNumber,
    time::{Instant, doubled},
};

/// Peers asked for a pinned target at the same time: one silent peer must not hold the start of a sync for a deadline.
pub(super) const PROBES_MAX: usize = 3;

/// Headers at numbers that peers told us as votes; one entry a peer, for the number that is being voted on.
type Votes = BTreeMap<PeerId, (BlockNumber, Option<B256>)>;

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
    asked: BTreeSet<PeerId>,
    /// Rounds in which nobody had it.
    rounds: u32,
    /// When the next round begins.
    pub retry_at: Option<Instant>,
    votes: Votes,
    /// Something happened that may bring it nearer.
    pub dirty: bool,
    /// What is being synced is not what is wanted: an earlier target until the new one is known, or what was stored
    /// already, because the peers are behind it.
    pub unasked: bool,
    /// What stands in the way.
    pub trouble: Option<StallReason>,
}

impl HeaderSync {
    /// The user names a target.
    pub(super) fn want(&mut self, target: SyncTarget) {
        if self.target.wanted == Some(target) {
            return;
        }
        self.drop_probes();
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
            None => false,
        }
    }

    fn poll_pinned(&mut self, now: Instant, hash: B256) -> bool {
        if self.target.resolved.is_some_and(|known| known.hash == hash) || self.paused {
            return false;
        }
        if let Some(newest) = self.ledger.newest().filter(|newest| newest.head_hash == hash) {
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
                        self.drop_probes();
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
        let tips: BTreeMap<PeerId, BlockNumHash> = self
            .peers
            .usable(now)
            .filter(|(_, peer)| peer.range().is_some())
            .map(|(id, peer)| (id, BlockNumHash { number: peer.served.latest, hash: peer.served.latest_hash }))
            .collect();
        if tips.is_empty() {
            self.target.trouble = None;
            return false;
        }
        self.target.votes.retain(|peer, _| tips.contains_key(peer));
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
            for (id, own) in &tips {
                if *own == tip {
                    have += 1;
                } else if own.number > tip.number {
                    match self.target.votes.get(id) {
                        Some((number, vote)) if *number == tip.number => have += usize::from(*vote == Some(tip.hash)),
                        _ => open.push(*id),
                    }
                }
            }
            most = most.max(have);
            if have >= need {
                self.target.trouble = None;
                if known != Some(tip) && known.is_none_or(|known| tip.number >= known.number) {
                    self.resolve(now, tip);
                    return true;
                }
                return false;
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
        let vote = answer.headers.first().and_then(|raw| {
            let header = Header::decode(raw).ok()?;
            (header.number == number).then(|| keccak256(raw))
        });
        self.target.votes.insert(answer.peer, (number, vote));
    }

    /// The target's number and hash are known.
    fn resolve(&mut self, now: Instant, target: BlockNumHash) {
        self.target.trouble = None;
        self.target.retry_at = None;
        self.target.rounds = 0;
        let follows = self.target.wanted == Some(SyncTarget::PeersTip);
        // Peers that are behind what is stored: their tip proves nothing against it. If the chain was reorganised, their
        // tip will pass ours, and then the link does not meet.
        let (target, unasked) = match self.ledger.newest() {
            Some(newest) if follows && newest.head > target.number && self.target.resolved.is_none() => {
                (BlockNumHash { number: newest.head, hash: newest.head_hash }, true)
            }
            _ => (target, false),
        };
        let extends = self.target.resolved.is_some_and(|current| target.number > current.number);
        if extends && follows && self.run.as_ref().is_some_and(|run| !run.denied) {
            // A newer tip: finish what runs, then go on above it. No work is lost. Unless somebody no longer has what
            // runs: then the chain may have left it, and the newer tip may be all that can be had.
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
        self.peers.forget_sides();
        self.target.resolved = Some(target);
        self.synced = false;
        self.out.push_back(Output::Event(Event::TargetResolved(target)));
        self.open_run(now);
    }

    fn probes_in_flight(&self) -> usize {
        self.downloader.requests.count(|request| matches!(request.purpose, Purpose::Target(_)))
    }

    /// Cancels every question about the target.
    fn drop_probes(&mut self) {
        while let Some(id) = self.downloader.requests.find(|r| !matches!(r.purpose, Purpose::Piece { .. })) {
            let Some(request) = self.downloader.requests.give_up(id) else { break };
            self.release(&request);
            self.out.push_back(Output::Cancel(id));
        }
    }
}
