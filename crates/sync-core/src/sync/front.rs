//! Requests for the front, the numbers at the anchor that everything else waits for; and requests to peers of which no
//! header was verified.
//!
//! While a peer of rank [`Verified`](Rank::Verified) serves the front, only such peers get it, and every other peer is
//! on *trial*: it gets a few headers that the anchor reaches later, one piece at a time, and [`TRIALS_MAX`] peers are
//! on trial at the same time. The first header of it that is verified ends the trial. When no peer is verified, the
//! best [`Rank`] there is gets the front, and each has at most
//! [`UNVERIFIED_PIECES_MAX`](crate::config::UNVERIFIED_PIECES_MAX) pieces in flight or staged: so quick peers cannot
//! fill the memory before a header of theirs is verified.
//!
//! The request for the front is reassigned when another peer would respond sooner:
//!
//! | the other peer | is asked after |
//! |---|---|
//! | has a better rank, and has responded to a request that was sent later | two of its round trips and a sixteenth of [`steal_after`](crate::SyncConfig::steal_after) |
//! | has responded to a request that was sent later | four of its round trips and `steal_after`; half of that each further time |
//! | has the same rank or a better one, and has responded before | four of its round trips and `steal_after` |
//! | was never asked; the first peer has not responded yet or is silent, and no other peer has responded to anything | `steal_after`; half of that each further time |
//!
//! It goes to that other peer. The request to the first peer stays outstanding: the response that comes first is used.
//!
//! Comparisons of branches, and downloads by hash, are short and have no trials, unless every verified peer brings
//! fewer than [`SLOW_HEADERS_A_SECOND`] headers a second (one header in each response, say).
//!
//! An attacker with any number of new ids gets [`TRIALS_MAX`] places, each once in
//! [`TRIAL_PAUSE`], and each costs at most one round trip at the front.

use alloc::vec::Vec;
use core::{cmp::Reverse, time::Duration};

use super::HeaderSync;
use crate::{
    config::{PIECES_BELOW_MAX, TRIAL_AHEAD, TRIAL_HEADERS_MAX, TRIAL_PAUSE, TRIALS_MAX, UNVERIFIED_PIECES_MAX},
    headers::{Failures, InFlight, Purpose},
    id::{PeerId, RequestId},
    io::StartBlock,
    peers::{Peer, Rank},
    time::Instant,
};
use header_rules::range::BlockRange;
use sorted::{SortedSet, sort_short_by};

/// The front is asked of another peer when its response takes so many times longer than that peer's round trip.
pub(super) const HAND_OVER_ROUND_TRIPS: u32 = 4;

/// While all verified peers bring fewer headers a second, other peers get a trial: a response of one header over 150
/// ms, or of 64 over more than a second. It keeps the front until another one is verified, so a way that is slow by
/// itself loses nothing.
const SLOW_HEADERS_A_SECOND: u64 = 64;

impl HeaderSync {
    /// Does a verified peer serve the front at [`SLOW_HEADERS_A_SECOND`] or more?
    fn is_front_quick(&self, now: Instant) -> bool {
        let is_slow = |peer: &Peer| self.speed(peer).is_some_and(|speed| speed < SLOW_HEADERS_A_SECOND.ilog2());
        self.front_candidates(now).any(|(_, peer)| peer.rank() == Rank::Verified && !is_slow(peer))
    }

    /// Asks one peer on trial by number, while the front is asked for by hash of peers that all bring little.
    pub(super) fn request_trial(&mut self, now: Instant) -> bool {
        if !self.is_front_served(now) || self.is_front_quick(now) {
            return false;
        }
        self.peers.candidates(now).into_iter().any(|peer| {
            let Some(known) = self.peers.get(peer).filter(|known| known.rank() != Rank::Verified) else { return false };
            let Some(numbers) = known.numbers(now) else { return false };
            let limit = self.request_headers(known, self.header_bytes());
            if self.target.fork_checks.is_suspected(peer) || !self.has_share(peer, known) {
                return false;
            }
            let Some((range, failures)) = self.borrow_trial(now, peer, numbers, limit) else { return false };
            let asked = range.len() as u16;
            let start = StartBlock::Number(range.last());
            self.send(now, peer, Purpose::Piece { range, failures, by_hash: None }, start, asked);
            true
        })
    }

    /// Is there a peer of rank `Verified` that can be asked for the front? Then no other peer is.
    pub(super) fn is_front_served(&self, now: Instant) -> bool {
        self.front_candidates(now).any(|(_, peer)| peer.rank() == Rank::Verified)
    }

    /// The peers that can be asked for the front now, by its hash, including peers that have another block under its
    /// number.
    fn front_candidates(&self, now: Instant) -> impl Iterator<Item = (PeerId, &Peer)> + '_ {
        let anchor = self.phase.run().filter(|run| !run.complete).map(|run| run.anchor);
        anchor.into_iter().flat_map(move |anchor| {
            let failures = self.downloader.plan.failures_at(anchor.number);
            self.peers.usable(now).filter(move |(id, peer)| {
                peer.may_ask(now)
                    && peer.serves(now).is_some_and(|range| range.contains(anchor.number))
                    && failures.is_none_or(|failures| failures.allow(*id, now))
                    && !self.target.fork_checks.is_suspected(*id)
                    && !self.strategy.refused.contains(now, anchor.hash, *id)
            })
        })
    }

    /// Headers a second from this peer with one request at a time, as a power of two, from its round trip and request
    /// size.
    pub(super) fn speed(&self, peer: &Peer) -> Option<u32> {
        let micros = peer.window.round_trip()?.as_micros().max(1) as u64;
        (self.request_headers(peer, self.header_bytes()) * 1_000_000 / micros).checked_ilog2()
    }

    /// The candidates for the front, the best first: by rank, then agreement on numbers, room in the window, speed,
    /// score, round trip.
    fn best_for_front(&self, now: Instant, allowed: impl Fn(PeerId, &Peer) -> bool) -> Vec<PeerId> {
        let Some(front) = self.phase.run().map(|run| run.anchor.number) else { return Vec::new() };
        let mut best: Vec<_> = self
            .front_candidates(now)
            .filter(|(id, peer)| allowed(*id, peer))
            .map(|(id, peer)| {
                let speed = Reverse(self.speed(peer));
                let disagrees = !peer.numbers(now).is_some_and(|numbers| numbers.contains(front));
                let round_trip = peer.window.round_trip().unwrap_or(Duration::MAX);
                (
                    peer.rank(),
                    disagrees,
                    !peer.window.has_room(),
                    speed,
                    Reverse(peer.reputation.score()),
                    round_trip,
                    id,
                )
            })
            .collect();
        sort_short_by(&mut best, Ord::cmp);
        best.into_iter().map(|(.., id)| id).collect()
    }

    /// Requests the front from the best peer, if it is not requested yet.
    pub(super) fn request_front(&mut self, now: Instant) -> bool {
        let Some(front) = self.phase.run().map(|run| run.anchor.number) else { return false };
        if self.downloader.plan.failures_at(front).is_none() {
            return false;
        }
        let guarded = self.is_front_served(now);
        let best =
            self.best_for_front(
                now,
                |_, peer| {
                    if guarded { peer.rank() == Rank::Verified } else { peer.window.has_room() }
                },
            );
        best.into_iter().any(|peer| self.ask_for_front(now, peer))
    }

    /// Asks this peer for the front, by its hash.
    fn ask_for_front(&mut self, now: Instant, peer: PeerId) -> bool {
        let (Some(run), Some(known)) = (self.phase.run(), self.peers.get(peer)) else { return false };
        let anchor = run.anchor;
        let limit = self.request_headers(known, self.header_bytes());
        let Some(served) = known.serves(now) else { return false };
        // With little memory left, as many headers as fit.
        if self.lowest_affordable(anchor.number, limit).is_none() {
            return false;
        }
        let Some((range, failures)) = self.downloader.plan.borrow(peer, served, anchor.number, limit, now) else {
            return false;
        };
        debug_assert_eq!(range.last(), anchor.number, "a request by hash starts at the anchor");
        let purpose = Purpose::Piece { range, failures, by_hash: Some(anchor.hash) };
        self.send(now, peer, purpose, StartBlock::Hash(anchor.hash), range.len() as u16);
        true
    }

    /// The peers whose pieces are in flight, or came and were not verified yet; one entry a piece.
    fn holders(&self) -> impl Iterator<Item = PeerId> + '_ {
        let is_piece = |request: &&InFlight| matches!(request.purpose, Purpose::Piece { .. });
        let asked = self.downloader.requests.iter().filter(is_piece).map(|request| request.peer);
        let came = self.downloader.inbox.iter().filter(|response| response.is_piece()).map(|response| response.peer);
        asked.chain(came).chain(self.downloader.staging.peers())
    }

    /// How many pieces a peer without verified headers may have. A peer whose range ends below the front cannot be
    /// verified before the anchor comes down to its range.
    fn unverified_pieces_max(&self, peer: &Peer, others: usize) -> usize {
        let front = self.phase.run().map(|run| run.anchor.number);
        let is_below = peer.range().is_some_and(|range| front.is_some_and(|front| range.last() < front));
        if is_below { PIECES_BELOW_MAX } else { others }
    }

    /// Has this peer, without verified headers, as many pieces as it may have?
    pub(super) fn has_enough_unverified(&self, id: PeerId, peer: &Peer) -> bool {
        let most = self.unverified_pieces_max(peer, UNVERIFIED_PIECES_MAX);
        self.holders().filter(|holder| *holder == id).count() >= most
    }

    /// A piece for a peer on trial, if it has none yet and a place is free.
    pub(super) fn borrow_trial(
        &mut self,
        now: Instant,
        peer: PeerId,
        numbers: BlockRange,
        limit: u64,
    ) -> Option<(BlockRange, Failures)> {
        // A comparison of branches is short, and everything waits for all of it.
        if self.phase.filling().is_none() && self.is_front_quick(now) {
            return None;
        }
        let front = self.phase.run()?.anchor.number;
        let known = self.peers.get(peer)?;
        let most = self.unverified_pieces_max(known, 1);
        let on_trial = |id: &PeerId| self.peers.get(*id).is_some_and(|known| known.rank() != Rank::Verified);
        let others: SortedSet<PeerId> = self.holders().filter(|id| *id != peer).filter(on_trial).collect();
        let failed = self.strategy.failed_trials.iter().filter(|until| **until > now).count();
        if others.len() + failed >= TRIALS_MAX || self.holders().filter(|id| *id == peer).count() >= most {
            return None;
        }
        let limit = if most > 1 { limit } else { limit.min(TRIAL_HEADERS_MAX) };
        // As far ahead as the anchor moves in two of the peer's round trips.
        let trip = known.window.round_trip().unwrap_or_default();
        let ahead = self.reports.progress.linked_per_second(now) * TRIAL_AHEAD.max(trip * 2).as_secs_f64();
        let from = front.saturating_sub(ahead as u64 + 1);
        self.downloader.plan.borrow_untouched(numbers, front, from, limit)
    }

    /// A piece of this peer ended without verified headers: if it was on trial, its place stays taken for
    /// [`TRIAL_PAUSE`].
    pub(super) fn note_trial_over(&mut self, now: Instant, peer: PeerId) {
        if self.peers.get(peer).is_some_and(|known| known.rank() == Rank::Verified) {
            return;
        }
        let failed = &mut self.strategy.failed_trials;
        if failed.len() == TRIALS_MAX {
            failed.pop_front();
        }
        failed.push_back(now + TRIAL_PAUSE);
        debug_assert!(failed.len() <= TRIALS_MAX, "{} failed trials", failed.len());
    }

    /// When a place for a trial is free again.
    pub(super) fn trial_wakeup(&self, now: Instant) -> Option<Instant> {
        let waits = !self.host.is_paused && self.phase.run().is_some() && !self.downloader.plan.is_empty();
        self.strategy.failed_trials.iter().copied().filter(|at| waits && *at > now).min()
    }

    /// Reassigns the front when its peer takes too long. The first request is not cancelled: a late response is used or
    /// teaches the round trip, a missing one is silence.
    pub(super) fn poll_hand_over(&mut self, now: Instant) -> bool {
        let Some(front) = self.phase.run().map(|run| run.anchor.number).filter(|_| !self.host.is_paused) else {
            return false;
        };
        let Some((id, request)) = self.downloader.requests.piece_at(front) else { return false };
        let is_measured = self.is_other_measured(now, request.peer);
        let due = |peer: PeerId, known: &Peer| {
            self.hand_over_at(now, request, (peer, known), is_measured).is_some_and(|at| at <= now)
        };
        let Some(next) = self.best_for_front(now, due).first().copied() else { return false };
        self.reassign_piece(now, id);
        self.ask_for_front(now, next);
        // The other overdue pieces of peers on trial are needed next.
        while let Some(id) = self.overdue_trial(now, next) {
            self.reassign_piece(now, id);
        }
        true
    }

    /// A piece that a peer on trial holds for longer than this peer would wait for the front.
    fn overdue_trial(&self, now: Instant, next: PeerId) -> Option<RequestId> {
        let known = self.peers.get(next).filter(|known| known.rank() == Rank::Verified)?;
        self.downloader.requests.find(|request| {
            let is_trial = self.peers.get(request.peer).is_some_and(|holder| holder.rank() != Rank::Verified);
            is_trial && self.hand_over_at(now, request, (next, known), true).is_some_and(|at| at <= now)
        })
    }

    /// Is there another candidate for the front that has responded before?
    fn is_other_measured(&self, now: Instant, holder: PeerId) -> bool {
        let is_known = |peer: &Peer| peer.window.round_trip().is_some() && !peer.reputation.is_unheard();
        self.front_candidates(now).any(|(id, peer)| id != holder && is_known(peer))
    }

    /// When the front is reassigned to this peer from the peer that is asked for it.
    fn hand_over_at(
        &self,
        now: Instant,
        request: &InFlight,
        (peer, known): (PeerId, &Peer),
        is_measured: bool,
    ) -> Option<Instant> {
        let Purpose::Piece { failures, .. } = &request.purpose else { return None };
        let holder = self.peers.get(request.peer)?.rank();
        if peer == request.peer || !failures.allow(peer, now) {
            return None;
        }
        let Some(trip) = known.window.round_trip() else {
            // No round trip is known: one peer after another is asked, each sooner than the one before.
            let was_silent = self.peers.get(request.peer)?.reputation.is_unheard();
            let is_new = known.rank() == Rank::New && (holder >= Rank::New || was_silent) && !is_measured;
            return is_new.then(|| request.sent + self.config.steal_after / (1 << failures.handed_over().min(4)));
        };
        let usual = trip * HAND_OVER_ROUND_TRIPS + self.config.steal_after;
        // This peer has responded to a later request, so a shared link is not the cause of the delay.
        let was_first = known.responded_sent > Some(request.sent);
        let is_better = known.rank() < holder;
        let wait = if was_first {
            let usual = usual / (1 << failures.handed_over().min(16));
            if is_better { usual.min(trip * 2 + self.config.steal_after / 16) } else { usual }
        } else if is_better || known.rank() == holder {
            usual
        } else {
            return None;
        };
        Some(request.sent + wait)
    }

    /// When [`Self::poll_hand_over`] may have something to do.
    pub(super) fn hand_over_wakeup(&self, now: Instant) -> Option<Instant> {
        let front = self.phase.run()?.anchor.number;
        let (_, request) = self.downloader.requests.piece_at(front)?;
        let is_measured = self.is_other_measured(now, request.peer);
        let due = self.front_candidates(now).filter_map(|it| self.hand_over_at(now, request, it, is_measured));
        due.filter(|at| *at > now).min()
    }

    /// Releases the piece of a request so that another peer may be asked; the response stays outstanding.
    fn reassign_piece(&mut self, now: Instant, id: RequestId) {
        let Some(slow) = self.downloader.requests.get(id).map(|request| request.peer) else { return };
        let outstanding_until = self.outstanding_until(now, slow);
        let Some(request) = self.downloader.requests.reassign(id, outstanding_until) else { return };
        self.release(&request);
        self.note_trial_over(now, slow);
        let mut awaited = self.config.backoff_start;
        if let Some(known) = self.peers.get_mut(slow) {
            awaited = known.window.round_trip().unwrap_or_default().min(self.config.backoff_max).max(awaited);
            known.window.overdue(now, request.sent);
        }
        if let Purpose::Piece { range, mut failures, .. } = request.purpose {
            failures.hand_over(slow, now + awaited);
            self.downloader.plan.release(range, failures);
        }
    }

    /// The peer that was asked first for these numbers, which begin at the front, has responded late: the newer request
    /// for the front is released.
    pub(super) fn recall_front(&mut self, now: Instant, responded: BlockRange) {
        if let Some((id, _)) = self.downloader.requests.piece_at(responded.last()) {
            self.reassign_piece(now, id);
        }
    }
}
