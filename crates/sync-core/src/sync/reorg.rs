//! The target's chain does not meet the stored one: where they part is sought, what lies above is given up, and the
//! download goes down to there.
//!
//! ```text
//!   DetachedHead -> Seeking --claimed--> Unwind -> run down to the claim --meets--> Event::Reorg
//!                      ^  \                              |
//!                      |   deeper than the window:       | does not meet: the claim was false
//!                      |   stall, nothing removed        |
//!                      +---------------------------------+
//! ```
//!
//! What the new chain brought so far is stored above and stays there. Nothing is removed before somebody claims an
//! ancestor; nothing is believed before the hash link has met it. Only peers that are on the target's chain are asked
//! (`standing`): the others would name an ancestor that is theirs.

use alloc::vec::Vec;
use alloy_primitives::B256;

use super::{Answer, HeaderSync, front::HAND_OVER_ROUND_TRIPS, standing::hash_at, store::Unwinding};
use crate::{
    checkpoint::Subchain,
    fault::PeerFault,
    follow::{AncestorSearch, BranchWeight, Claim, Known, Outcome},
    headers::{InFlight, Purpose},
    id::PeerId,
    io::{BlockNumHash, Event, Output, StartBlock},
    lineage::VerifiedHeaders,
    range::{BlockNumber, BlockRange},
    time::Instant,
};

/// A reorg, from the moment that it is proven until the new chain meets what stays.
#[derive(Debug)]
pub(super) struct Reorg {
    /// The stored run that is compared with.
    pub local: Subchain,
    /// The highest stored number that belongs to the old chain.
    pub top: BlockNumber,
    /// Where the two are proven to differ, and what the new chain has there; stored runs above are the new chain's,
    /// unless `above_is_old`.
    pub differs: BlockNumHash,
    pub above_is_old: bool,
    /// The lowest number that was given up.
    pub given_up: Option<BlockNumber>,
    /// What the stored branch weighs.
    pub old_weight: BranchWeight,
    /// The ancestor while the branches are weighed.
    pub weighed_to: Option<BlockNumHash>,
    search: AncestorSearch,
    pub seeking: bool,
    /// Deeper than the window: the stored head, for the stall.
    pub too_deep: Option<BlockNumHash>,
    /// Nobody can be asked for this number.
    pub alone: Option<BlockNumber>,
    /// When those who did not answer are asked again.
    pub retry_at: Option<Instant>,
}

impl HeaderSync {
    /// Is an ancestor being sought?
    pub(super) fn is_seeking(&self) -> bool {
        self.reorg.as_ref().is_some_and(|reorg| reorg.seeking)
    }

    /// The target's chain has `expected` where `local` holds `stored`.
    pub(super) fn detach(&mut self, now: Instant, local: Subchain, stored: BlockNumHash, expected: BlockNumHash) {
        self.close_run();
        // Another chain: whether it has that header too will show.
        self.unknown = None;
        let above_is_old = self.target.resolved.is_some_and(|target| target.number <= local.head);
        let heads = self.ledger.subchains.first().map_or(local.head, |newest| newest.head);
        let again = self.reorg.take();
        let top = again.as_ref().map_or(if above_is_old { heads } else { local.head }, |before| before.top);
        let lowest = local.tail.max(top.saturating_sub(self.config.rollback_window));
        // Every peer of this chain has its genesis, and so has the store.
        let rooted = lowest == 0 && self.chain.genesis().is_some();
        let same_run = again.as_ref().is_some_and(|before| before.local.tail == local.tail);
        if !same_run {
            self.out.push_back(Output::Event(Event::DetachedHead { local: stored, expected: expected.hash }));
        }
        let (search, given_up) = match again {
            Some(mut before) => {
                before.search.go_on(expected.number, lowest, rooted);
                (before.search, before.given_up)
            }
            None => (AncestorSearch::new(expected.number, lowest, rooted), None),
        };
        let above_is_old = above_is_old && given_up.is_none();
        self.reorg = Some(Reorg {
            local,
            top,
            differs: expected,
            above_is_old,
            given_up,
            old_weight: BranchWeight::new(top),
            weighed_to: None,
            search,
            seeking: true,
            too_deep: None,
            alone: None,
            retry_at: None,
        });
        self.moved(now);
    }

    /// One step of the search: asks the store or a peer, compares, or ends.
    pub(super) fn poll_reorg(&mut self, now: Instant) -> bool {
        let Some(reorg) = self.reorg.as_mut().filter(|reorg| reorg.seeking && reorg.too_deep.is_none()) else {
            return false;
        };
        if self.waiting.len() + usize::from(self.persisting.is_some()) > 0 || self.unwinding.is_some() {
            return false;
        }
        if reorg.retry_at.is_some_and(|at| at <= now) {
            reorg.retry_at = None;
            reorg.search.ask_again();
        }
        let Some(number) = reorg.search.number() else { return self.end_search(now) };
        let stored = match self.stored.get(number) {
            Known::Unasked => return self.ask_store(&[number]),
            Known::Asked => return false,
            Known::Absent => None,
            Known::Header { hash, .. } => Some(hash),
        };
        let waiting = self.count_waited_for(now, number);
        let candidate = self.witness(now, number);
        let Some(reorg) = &mut self.reorg else { return false };
        if reorg.search.judge(stored, waiting > 0 || candidate.is_some()) {
            self.moved(now);
            return true;
        }
        if let Some(peer) = candidate {
            reorg.search.asked(peer);
            reorg.alone = None;
            self.send(now, peer, Purpose::Ancestor(number), StartBlock::Number(number), 1);
            return true;
        }
        let stuck = waiting == 0 && !self.paused;
        let alone = stuck && !self.ask_standing(now);
        let retry = now + self.config.target_retry;
        if let Some(reorg) = &mut self.reorg {
            reorg.alone = alone.then_some(number);
            // Whoever was asked is asked again, wherever those may stand of whom nothing is known: they may never say.
            if stuck && reorg.search.is_asked() && reorg.retry_at.is_none() {
                reorg.retry_at = Some(retry);
            }
        }
        false
    }

    /// How many answers about this number are waited for. None is for longer than the front would be
    /// ([`Self::poll_hand_over`]) while a quicker peer could be asked, or has answered: it may come late, and is a claim
    /// then too.
    fn count_waited_for(&mut self, now: Instant, number: BlockNumber) -> usize {
        let waited = self.downloader.requests.iter().filter(|request| self.is_waited_for(request, number));
        let late = waited.filter(|request| self.patience_ends(now, request).is_some_and(|end| end <= now));
        let late: Vec<InFlight> = late.cloned().collect();
        late.iter().for_each(|request| self.note_unanswered(request));
        self.downloader.requests.count(|request| self.is_waited_for(request, number))
    }

    fn is_waited_for(&self, request: &InFlight, number: BlockNumber) -> bool {
        let heard = self.reorg.as_ref().is_some_and(|reorg| !reorg.search.is_silent(request.peer));
        heard && request.purpose == Purpose::Ancestor(number)
    }

    /// Until when an answer in the search is waited for although its deadline is further away.
    fn patience_ends(&self, now: Instant, request: &InFlight) -> Option<Instant> {
        let search = &self.reorg.as_ref()?.search;
        let others = self
            .peers
            .usable(now)
            .filter(|(id, _)| *id != request.peer && !search.is_silent(*id) && self.is_on_target(*id));
        let trip = others.filter_map(|(_, peer)| peer.window.round_trip()).min()?;
        Some(request.sent + trip * HAND_OVER_ROUND_TRIPS + self.config.steal_after)
    }

    /// When the search stops waiting for somebody.
    pub(super) fn search_wakeup(&self, now: Instant) -> Option<Instant> {
        let reorg = self.reorg.as_ref().filter(|reorg| reorg.seeking)?;
        let asked = self.downloader.requests.iter().filter(|request| matches!(request.purpose, Purpose::Ancestor(_)));
        let patience = asked.filter_map(|request| self.patience_ends(now, request));
        patience.chain(reorg.retry_at).filter(|at| *at > now).min()
    }

    /// A question of the search ended without an answer that can be used.
    pub(super) fn note_unanswered(&mut self, request: &InFlight) {
        if let (Some(reorg), Purpose::Ancestor(_)) = (&mut self.reorg, &request.purpose) {
            reorg.search.note_silent(request.peer);
        }
    }

    /// A peer of the target's chain that serves this number and was not asked for it.
    fn witness(&mut self, now: Instant, number: BlockNumber) -> Option<PeerId> {
        if self.paused {
            return None;
        }
        let askable = self.scheduler.askable(&self.peers, now);
        let search = &self.reorg.as_ref()?.search;
        askable.into_iter().find(|peer| {
            let serves = self.peers.get(*peer).and_then(|known| known.range()).is_some_and(|it| it.contains(number));
            let asks = |request: &InFlight| request.peer == *peer && request.purpose == Purpose::Ancestor(number);
            let is_asked = || self.downloader.requests.find(asks).is_some();
            serves && search.wants(*peer) && self.is_on_target(*peer) && !is_asked()
        })
    }

    /// An answer to a question of the search.
    pub(super) fn receive_ancestor(&mut self, now: Instant, answer: Answer, number: BlockNumber) {
        let peer = answer.peer;
        let hash = hash_at(&answer, number).filter(|_| !self.is_earlier(&answer.request));
        if answer.headers.len() > 1 {
            let fault = PeerFault::TooManyHeaders { got: answer.headers.len(), limit: 1 };
            self.penalize(now, peer, fault);
        } else if let (Some(reorg), Some(hash)) = (&mut self.reorg, hash) {
            reorg.search.claim(Claim { number, peer, hash });
            if let Some(known) = self.peers.get(peer) {
                self.target.standings.note_claim(peer, known.served);
            }
        } else {
            // It has nothing there, or of which chain it speaks nobody knows: others are asked, or it again.
            self.note_unanswered(&answer.request);
        }
    }

    /// The search has ended: gives up what lies above the ancestor, or says that it may not.
    fn end_search(&mut self, now: Instant) -> bool {
        let Some(reorg) = &self.reorg else { return false };
        let local = reorg.local;
        let ancestor = match reorg.search.outcome() {
            Some(Outcome::Ancestor(number)) => number,
            Some(Outcome::Nothing) if reorg.top.saturating_sub(local.tail) >= self.config.rollback_window => {
                let head = BlockNumHash { number: local.head, hash: local.head_hash };
                if let Some(reorg) = &mut self.reorg {
                    reorg.too_deep = Some(head);
                }
                return true;
            }
            Some(Outcome::Nothing) => return self.give_up_run(now),
            None => return false,
        };
        let hash = match self.stored.get(ancestor) {
            Known::Unasked => return self.ask_store(&[ancestor]),
            Known::Asked => return false,
            Known::Header { hash, .. } => hash,
            // What is gone cannot be met.
            Known::Absent => return self.give_up_run(now),
        };
        let ancestor = BlockNumHash { number: ancestor, hash };
        self.weigh_down_to(now, ancestor).unwrap_or_else(|| self.give_up_above(now, ancestor))
    }

    /// Gives up what is stored of the old chain above the ancestor.
    pub(super) fn give_up_above(&mut self, now: Instant, ancestor: BlockNumHash) -> bool {
        let Some(reorg) = &self.reorg else { return false };
        let (differs, keep_above) = (reorg.differs.number, !reorg.above_is_old);
        self.ledger.subchains.retain_mut(|run| {
            if run.tail > differs || run.head <= ancestor.number {
                return run.tail <= differs || keep_above;
            }
            if run.tail <= ancestor.number {
                (run.head, run.head_hash) = (ancestor.number, ancestor.hash);
            }
            run.tail <= ancestor.number
        });
        self.unwind_above(now, ancestor.number, ancestor.number + 1)
    }

    /// Nothing of the stored run is on the target's chain.
    fn give_up_run(&mut self, now: Instant) -> bool {
        let Some(reorg) = &self.reorg else { return false };
        let (local, differs, keep_above) = (reorg.local, reorg.differs.number, !reorg.above_is_old);
        self.ledger.subchains.retain(|run| run.head < local.tail || (keep_above && run.tail > differs));
        // Genesis cannot be removed by number; the checkpoint no longer speaks of it, and it is written again.
        self.unwind_above(now, local.tail.saturating_sub(1), local.tail)
    }

    fn unwind_above(&mut self, now: Instant, to: BlockNumber, given_up: BlockNumber) -> bool {
        if let Some(reorg) = &mut self.reorg {
            reorg.seeking = false;
            reorg.given_up = Some(given_up);
            reorg.retry_at = None;
        }
        self.unwinding = Some(Unwinding { to, asked: false });
        self.moved(now);
        true
    }

    /// The new chain meets what stayed, or is left for another target: says what was given up, once.
    pub(super) fn tell_reorg(&mut self) {
        let Some(reorg) = self.reorg.take() else { return };
        let (Some(first), Some(target)) = (reorg.given_up, self.target.resolved) else { return };
        if let (Some(reverted), Some(adopted)) =
            (BlockRange::new(first, reorg.top), BlockRange::new(first, target.number.max(first)))
        {
            self.out.push_back(Output::Event(Event::Reorg { reverted, adopted }));
        }
    }

    /// Another target: the search ends without a result.
    pub(super) fn cancel_search(&mut self) {
        self.cancel_questions(|purpose| matches!(purpose, Purpose::Ancestor(_)));
        self.tell_reorg();
    }

    /// Headers were proven: do they bear out what peers claimed of them?
    pub(super) fn check_claims_in(&mut self, now: Instant, verified: &VerifiedHeaders) {
        let Some(reorg) = &self.reorg else { return };
        let range = verified.range();
        for number in reorg.search.claimed_numbers(range.first(), range.last()) {
            if let Some(hash) = verified.hashes().get((range.last() - number) as usize) {
                self.check_claims(now, number, *hash);
            }
        }
    }

    /// The target's chain has `proven` at `number`: whoever is on it and said otherwise lied.
    pub(super) fn check_claims(&mut self, now: Instant, number: BlockNumber, proven: B256) {
        let Some(reorg) = &mut self.reorg else { return };
        for claim in reorg.search.contradicted(number, proven) {
            // A peer that has announced something else since then may have moved to another chain in between.
            if self.stands_by_its_claim(claim.peer) {
                // It may have come to the target's chain after it said so: the same question as for a broken link.
                let fault = PeerFault::BrokenLink { number, got: claim.hash, expected: proven };
                self.doubt(now, claim.peer, fault);
            }
        }
    }
}
