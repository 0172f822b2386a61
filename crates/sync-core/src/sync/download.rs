//! Requests out, answers in: keeps every window full, looks at each answer once, proves what begins at the anchor.
//!
//! **By number and by hash.** What everything waits for is asked for by its hash, which is known; what lies lower by
//! number. A header under a number may be that of another branch, and whoever sends it need not lie: it may be on
//! another side of a reorg than the target. So a wrong header at the top of an answer by number is no fault. Its sender is
//! asked by hash from then on, and only when nobody else can be ([`Peer::off_chain`](crate::peers::Peer::off_chain)); who
//! then answers with another header than the one that was named has lied. An answer that does not hang together inside
//! itself is a lie in any case.

use alloc::vec::Vec;

use super::{Answer, HeaderSync};
use crate::{
    config::{HEADERS_PER_REQUEST_MAX, REQUESTS_IN_FLIGHT_MAX},
    fault::{PeerFault, RequestFailure, Verdict},
    headers::{Failures, InFlight, Purpose},
    id::{PeerId, RequestId},
    io::{Event, HeadersRequest, Output, StartBlock},
    lineage::{Anchor, LinkError, LinkFault, SealedRun},
    range::BlockRange,
    rules::RuleViolation,
    time::Instant,
};

/// The front is asked of a second peer when its answer takes so many times longer than that peer's round trip.
const STEAL_AFTER_ROUND_TRIPS: u32 = 4;

impl HeaderSync {
    /// Sends one request for headers, if a window has room, memory allows it, and there is something to ask for.
    pub(super) fn poll_requests(&mut self, now: Instant) -> bool {
        if self.paused || self.downloader.plan.is_empty() || self.downloader.requests.len() >= REQUESTS_IN_FLIGHT_MAX {
            return false;
        }
        let Some(run) = &self.run else { return false };
        let Anchor { number: front, hash: front_hash } = run.anchor;
        let header_bytes = self.header_bytes();
        let held = self.memory_bytes();
        let room = self.config.staged_bytes_max.saturating_sub(held);
        let mut candidates = self.scheduler.candidates(&self.peers, now);
        candidates.sort_by_key(|id| self.peers.get(*id).is_some_and(|peer| peer.off_chain));
        for peer in candidates {
            let Some(known) = self.peers.get(peer) else { continue };
            let Some(served) = known.range() else { continue };
            let limit = (known.window.request_bytes() / header_bytes).clamp(1, u64::from(HEADERS_PER_REQUEST_MAX));
            // What everything waits for may use the last of the memory; the rest leaves room for it.
            let reserve = 2 * self.config.request_bytes;
            let lowest = match room {
                room if room >= reserve + limit * header_bytes && !known.off_chain => 0,
                room if room >= limit * header_bytes => front,
                _ => return false,
            };
            if let Some((range, failures)) = self.downloader.plan.borrow(peer, served, lowest, limit, now) {
                let asked = range.len() as u16;
                let start = match range.last() {
                    last if last == front => StartBlock::Hash(front_hash),
                    last => StartBlock::Number(last),
                };
                self.send(now, peer, Purpose::Piece { range, failures }, start, asked);
                return true;
            }
        }
        false
    }

    /// Sends a request and notes it everywhere.
    pub(super) fn send(&mut self, now: Instant, peer: PeerId, purpose: Purpose, start: StartBlock, limit: u16) {
        let bytes = u64::from(limit) * self.header_bytes();
        let Some(known) = self.peers.get_mut(peer) else { return };
        let window_used = known.window.sent(bytes);
        let deadline = now + known.window.deadline();
        let hash = if let StartBlock::Hash(hash) = start { Some(hash) } else { None };
        let request = InFlight { peer, purpose, limit, hash, sent: now, deadline, bytes, window_used };
        let id = self.downloader.requests.send(request);
        self.out.push_back(Output::Request(HeadersRequest { id, peer, start, limit }));
    }

    /// The request is over: its bytes are no longer in flight.
    pub(super) fn release(&mut self, request: &InFlight) {
        if let Some(peer) = self.peers.get_mut(request.peer) {
            peer.window.ended(request.bytes);
        }
    }

    /// Input: an answer. Only notes it, so that the next request can go out before anything is hashed.
    pub(super) fn note_answer(&mut self, now: Instant, id: RequestId, headers: Vec<bytes::Bytes>) {
        let Some(request) = self.downloader.requests.finish(id) else {
            if let Some((peer, sent)) = self.downloader.requests.late_answer(id)
                && let Some(peer) = self.peers.get_mut(peer)
            {
                peer.window.answered_late(now, sent);
            }
            return;
        };
        let bytes: u64 = headers.iter().map(|header| header.len() as u64).sum();
        self.release(&request);
        if let Some(peer) = self.peers.get_mut(request.peer) {
            peer.window.answered(now, request.sent, bytes, request.window_used);
            peer.bytes += bytes;
        }
        self.bytes_meter.add(now, bytes);
        self.received_bytes += bytes;
        self.received.push_back(Answer { peer: request.peer, request, headers, bytes });
    }

    /// Input: a request ended without an answer.
    pub(super) fn note_failure(&mut self, now: Instant, id: RequestId, failure: RequestFailure) {
        let Some(request) = self.downloader.requests.finish(id) else {
            // It was taken back for a quicker peer: nothing is owed any more, and a breach is one all the same.
            let owed = self.downloader.requests.forgive_one(id);
            if let (Some(peer), RequestFailure::Protocol(what)) = (owed, failure) {
                self.penalize(now, peer, PeerFault::Protocol(what));
            }
            return;
        };
        self.release(&request);
        let peer = request.peer;
        self.return_piece(now, request, true);
        if let RequestFailure::Protocol(what) = failure {
            self.penalize(now, peer, PeerFault::Protocol(what));
        }
    }

    /// Input: the connection is gone. Nothing is held against the peer, and nothing against the pieces.
    pub(super) fn return_requests_of(&mut self, now: Instant, peer: PeerId) {
        if self.downloader.requests.of_peer(peer).is_some()
            && let Some(known) = self.peers.get_mut(peer)
        {
            known.reputation.broke_off();
        }
        while let Some(id) = self.downloader.requests.of_peer(peer) {
            let Some(request) = self.downloader.requests.finish(id) else { break };
            self.release(&request);
            self.return_piece(now, request, false);
        }
        self.downloader.requests.forgive(peer);
    }

    /// One request that is overdue, or one that was taken back and not even answered late.
    pub(super) fn poll_deadlines(&mut self, now: Instant) -> bool {
        if let Some((id, peer)) = self.downloader.requests.never_answered(now) {
            self.out.push_back(Output::Cancel(id));
            self.penalize(now, peer, PeerFault::Timeout);
            return true;
        }
        let Some(id) = self.downloader.requests.expired(now) else { return false };
        let Some(request) = self.downloader.requests.give_up(id) else { return false };
        self.release(&request);
        self.out.push_back(Output::Cancel(id));
        let (peer, sent) = (request.peer, request.sent);
        if let Some(known) = self.peers.get_mut(peer) {
            known.window.overdue(now, sent);
        }
        self.return_piece(now, request, true);
        self.penalize(now, peer, PeerFault::Timeout);
        self.target.dirty = true;
        true
    }

    /// The piece that everything waits for is with a slow peer while a quick one has room: take it back. Its answer is
    /// not cancelled: coming late, it tells how slow the peer is; not coming at all, it is silence.
    pub(super) fn poll_steal(&mut self, now: Instant) -> bool {
        let Some(front) = self.run.as_ref().map(|run| run.anchor.number) else { return false };
        if self.paused {
            return false;
        }
        let Some((id, request)) = self.downloader.requests.piece_at(front) else { return false };
        let (slow, waited) = (request.peer, now.saturating_since(request.sent));
        let quick = self.peers.usable(now).any(|(id, peer)| {
            id != slow
                && !peer.off_chain
                && request.may_go_to(id, now)
                && peer.reputation.may_ask(now)
                && peer.range().is_some_and(|range| range.contains(front))
                && peer
                    .window
                    .round_trip()
                    .is_some_and(|trip| waited >= trip * STEAL_AFTER_ROUND_TRIPS + self.config.steal_after)
        });
        if !quick {
            return false;
        }
        let Some(request) = self.downloader.requests.take_back(id) else { return false };
        self.release(&request);
        if let Some(known) = self.peers.get_mut(slow) {
            known.window.overdue(now, request.sent);
        }
        self.return_piece(now, request, true);
        true
    }

    /// When [`Self::poll_steal`] may have something to do.
    pub(super) fn steal_wakeup(&self, now: Instant) -> Option<Instant> {
        let front = self.run.as_ref()?.anchor.number;
        let (_, request) = self.downloader.requests.piece_at(front)?;
        let others = self.peers.usable(now).filter(|(id, _)| *id != request.peer);
        let trip = others.filter_map(|(_, peer)| peer.window.round_trip()).min()?;
        Some(request.sent + trip * STEAL_AFTER_ROUND_TRIPS + self.config.steal_after).filter(|at| *at > now)
    }

    /// Looks at one answer: right start, not too long, hangs together. What passes is staged.
    pub(super) fn poll_received(&mut self, now: Instant) -> bool {
        let Some(answer) = self.received.pop_front() else { return false };
        self.received_bytes -= answer.bytes;
        match answer.request.purpose.clone() {
            Purpose::Target(hash) => self.receive_target(now, answer, hash),
            Purpose::Vote(number) => self.receive_vote(now, answer, number),
            Purpose::Piece { range, .. } => self.receive_piece(now, answer, range),
        }
        true
    }

    fn receive_piece(&mut self, now: Instant, answer: Answer, piece: BlockRange) {
        let Answer { peer, request, headers, bytes } = answer;
        let count = headers.len();
        if count == 0 {
            let by_hash = request.hash.is_some();
            self.return_piece(now, request, true);
            if by_hash {
                // It does not have this very header. Whether it should is a matter of which chain it is on.
                self.note_denied(now, peer);
                return;
            }
            // Near its tip a peer may have lost a block that it announced; elsewhere it denies what it says it has.
            let near_tip = self
                .peers
                .get(peer)
                .is_none_or(|known| piece.last().saturating_add(self.config.near_tip) > known.served.latest);
            if !near_tip {
                self.penalize(now, peer, PeerFault::EmptyAnswer { start: piece.last() });
            }
            return;
        }
        if count > usize::from(request.limit) {
            let fault = PeerFault::TooManyHeaders { got: count, limit: usize::from(request.limit) };
            self.return_piece(now, request, true);
            self.penalize(now, peer, fault);
            return;
        }
        self.measure(count as u64, bytes);
        let named = request.hash;
        match SealedRun::seal(&self.chain, piece.last(), headers) {
            Ok(sealed) if named.is_some_and(|hash| hash != sealed.hash()) => {
                let (got, expected) = (sealed.hash(), named.unwrap_or_default());
                self.return_piece(now, request, true);
                self.penalize(now, peer, PeerFault::BrokenLink { number: piece.last(), got, expected });
            }
            Ok(sealed) => {
                self.downloader.stage(peer, piece, sealed.range(), bytes, sealed);
                // More came than was expected: what is furthest from the anchor makes room.
                if let Some(run) = &self.run {
                    let others = self.memory_bytes() - self.downloader.staging.bytes();
                    let keep = run.anchor.number;
                    self.downloader.shed(self.config.staged_bytes_max.saturating_sub(others), keep);
                }
            }
            Err(fault) => {
                self.return_piece(now, request, true);
                self.penalize(now, peer, fault);
            }
        }
    }

    /// Gives the numbers of a request back to the plan.
    pub(super) fn return_piece(&mut self, now: Instant, request: InFlight, failed: bool) {
        if let Purpose::Piece { range, mut failures } = request.purpose {
            if failed {
                failures.note(request.peer, now, self.config.backoff_start, self.config.backoff_max);
            }
            self.downloader.plan.give_back(range, failures);
        }
    }

    /// Proves the staged run that begins at the anchor.
    pub(super) fn poll_link(&mut self, now: Instant) -> bool {
        if self.window_is_waiting() || self.unwinding.is_some() {
            return false;
        }
        let Some(run) = &mut self.run else { return false };
        let Some(staged) = self.downloader.staging.take(run.anchor.number) else { return false };
        let (peer, range) = (staged.peer, staged.range);
        match run.lineage.link(staged.run) {
            Ok(verified) => {
                if let Some(anchor) = run.lineage.anchor() {
                    run.anchor = anchor;
                }
                run.denied = false;
                self.collector.push(verified);
                if let Some(known) = self.peers.get_mut(peer) {
                    known.headers += range.len();
                    known.off_chain = false;
                    known.reputation.linked();
                }
                self.linked_meter.add(now, range.len());
                self.moved(now);
                self.out.push_back(Output::Event(Event::HeadersLinked { range, peer }));
                self.after_link(now, range);
            }
            Err(LinkError {
                fault: LinkFault::Invalid { violation: RuleViolation::Genesis { got, .. }, .. }, ..
            }) => {
                // The answer holds block 0 of another network, and hangs together up to the target: nobody lied.
                self.leave_wrong_genesis(now, got);
            }
            Err(error) if error.blames_sender() => {
                // It was asked by number, and has another header there than the target's chain.
                let mut failures = Failures::default();
                failures.note(peer, now, self.config.backoff_start, self.config.backoff_max);
                self.downloader.plan.give_back(range, failures);
                self.note_denied(now, peer);
            }
            Err(error) => {
                // A header that hashes to the anchor and breaks a rule condemns the chain that the target lies on, and a
                // peer that serves this chain is of no use to us, whoever chose the target.
                let fault = error.into();
                let mut failures = Failures::default();
                failures.note(peer, now, self.config.backoff_start, self.config.backoff_max);
                self.downloader.plan.give_back(range, failures);
                self.penalize(now, peer, fault);
            }
        }
        true
    }

    /// The peer does not have what everything waits for: its chain is another, or what runs is no chain's any more. Said
    /// a second time, what else it sent by number is not waited for.
    fn note_denied(&mut self, now: Instant, peer: PeerId) {
        let before = self.peers.get_mut(peer).is_some_and(|known| core::mem::replace(&mut known.off_chain, true));
        if before {
            self.downloader.unstage_of(peer);
        }
        if let Some(run) = &mut self.run {
            run.denied = true;
        }
        if let Some(next) = self.target.next {
            self.adopt(now, next);
        }
    }

    /// Forgets what a banned peer sent and nobody has proven yet: a liar's other answers would fail one by one.
    fn drop_unproven_of(&mut self, now: Instant, peer: PeerId) {
        self.downloader.unstage_of(peer);
        let (theirs, others) = core::mem::take(&mut self.received).into_iter().partition(|answer| answer.peer == peer);
        self.received = others;
        let theirs: alloc::collections::VecDeque<Answer> = theirs;
        for answer in theirs {
            self.received_bytes -= answer.bytes;
            self.return_piece(now, answer.request, false);
        }
    }

    /// Notes a fault. A banned peer's requests are returned at once.
    pub(super) fn penalize(&mut self, now: Instant, peer: PeerId, fault: PeerFault) {
        let Some(verdict) = self.peers.fault(now, peer, &fault) else { return };
        if verdict == Verdict::Banned {
            while let Some(id) = self.downloader.requests.of_peer(peer) {
                let Some(request) = self.downloader.requests.give_up(id) else { break };
                self.release(&request);
                self.out.push_back(Output::Cancel(id));
                self.return_piece(now, request, false);
            }
            self.downloader.requests.forgive(peer);
            self.drop_unproven_of(now, peer);
            self.update_floor(now);
            self.target.dirty = true;
        }
        self.out.push_back(Output::Penalize { peer, fault, verdict });
    }

    /// The size of a header, from what was received lately, rounded up a little so that answers are not cut.
    fn header_bytes(&self) -> u64 {
        self.header_bytes_smoothed + self.header_bytes_smoothed / 32
    }

    fn measure(&mut self, headers: u64, bytes: u64) {
        let mean = bytes / headers.max(1);
        self.header_bytes_smoothed = ((self.header_bytes_smoothed * 7 + mean) / 8).max(1);
    }
}
