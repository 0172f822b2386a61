//! Requests, and how one ends without a response.
//!
//! ```text
//!   sent --> response (`responses`)
//!         --> failed: the host could not send it, or its stream broke
//!         --> overdue: reassigned to other peers; a late response is still used (`silence`)
//!         --> handed over: the front is reassigned to another peer (`front`)
//!         --> ended with its peer: disconnected, or banned
//! ```
//!
//! However a request ends, its bytes leave the peer's window and its numbers are released to the plan; a peer that
//! failed them is not the first to get them again. At most [`REQUESTS_IN_FLIGHT_MAX`] requests are open at once. A
//! malicious peer can waste one deadline for the numbers of its requests; each fault is noted here, and enough faults
//! are a ban.

use alloc::vec::Vec;

use super::HeaderSync;
use crate::{
    config::REQUESTS_IN_FLIGHT_MAX,
    fault::{PeerFault, RequestFailure, Verdict},
    headers::{InFlight, Purpose, Strategy},
    id::{PeerId, RequestId},
    io::{HeadersRequest, Output, StartBlock},
    peers::Rank,
    time::Instant,
};

/// How a request for headers ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// With this many usable headers.
    Responded(u16),
    /// Without a usable header.
    Failed,
}

impl HeaderSync {
    /// Sends one request for headers, if a window has room, memory allows it, and there is something to ask for.
    pub(super) fn poll_requests(&mut self, now: Instant) -> bool {
        if self.host.is_paused
            || self.downloader.plan.is_empty()
            || self.downloader.requests.total() >= REQUESTS_IN_FLIGHT_MAX
        {
            return false;
        }
        match self.strategy() {
            Strategy::Concurrent => {
                let candidates = self.peers.candidates(now);
                self.request_by_number(now, &candidates)
            }
            Strategy::ByHash => self.request_by_hash(now) || self.request_trial(now),
        }
    }

    /// Sends a request to the first of `candidates` with work. The front is requested by its hash, which is known: an
    /// honest peer cannot respond with another branch.
    fn request_by_number(&mut self, now: Instant, candidates: &[PeerId]) -> bool {
        if self.request_front(now) {
            return true;
        }
        let Some(run) = self.phase.run() else { return false };
        let (anchor, untried) = (run.anchor, run.untried);
        let front = anchor.number;
        let header_bytes = self.header_bytes();
        let guarded = self.is_front_served(now);
        for peer in candidates.iter().copied() {
            let Some(known) = self.peers.get(peer) else { continue };
            let Some(numbers) = known.numbers(now) else { continue };
            if self.target.fork_checks.is_suspected(peer) {
                continue;
            }
            let limit = self.request_headers(known, header_bytes);
            let only_front = untried || !self.has_share(peer, known);
            let is_verified = known.rank() == Rank::Verified;
            if !is_verified && self.has_enough_unverified(peer, known) {
                continue;
            }
            let Some(lowest) = self.lowest_affordable(front, limit) else { return false };
            let lowest = if only_front { front } else { lowest };
            let borrowed = if guarded && !is_verified {
                if lowest > 0 {
                    continue;
                }
                self.borrow_trial(now, peer, numbers, limit)
            } else {
                self.downloader.plan.borrow(peer, numbers, lowest, limit, now)
            };
            if let Some((range, failures)) = borrowed {
                let asked = range.len() as u16;
                let by_hash = (range.last() == front).then_some(anchor.hash);
                let start = by_hash.map_or(StartBlock::Number(range.last()), StartBlock::Hash);
                self.send(now, peer, Purpose::Piece { range, failures, by_hash }, start, asked);
                return true;
            }
        }
        false
    }

    /// Sends a request and updates the peer's window, its evidence and the statistics.
    pub(super) fn send(&mut self, now: Instant, peer: PeerId, purpose: Purpose, start: StartBlock, limit: u16) {
        let bytes = u64::from(limit) * self.header_bytes();
        let Some(deadline) = self.peers.get(peer).map(|known| now + self.peers.deadline(known)) else { return };
        let Some(known) = self.peers.get_mut(peer) else { return };
        let window_used = known.window.sent(bytes);
        known.evidence.asked();
        self.strategy.stats.requests += 1;
        let request = InFlight { peer, purpose, limit, sent: now, deadline, bytes, window_used, passed: false };
        let id = self.downloader.requests.send(request);
        self.out.push_back(Output::Request(HeadersRequest { id, peer, start, limit }));
    }

    /// Input: a request ended without a response.
    pub(super) fn note_failure(&mut self, now: Instant, id: RequestId, failure: RequestFailure) {
        let Some(request) = self.downloader.requests.finish(id) else {
            // The request was reassigned: its response is no longer outstanding, but a protocol breach is still a
            // fault.
            let outstanding = self.downloader.requests.take_outstanding(id);
            if let (Some((peer, sent)), RequestFailure::Protocol(what)) = (outstanding, failure) {
                self.penalize_request(now, peer, sent, PeerFault::Protocol(what));
            }
            return;
        };
        self.release(&request);
        let (peer, sent) = (request.peer, request.sent);
        self.note_outcome(now, &request, Outcome::Failed);
        self.note_no_response(&request);
        if let Purpose::Vote(number) = request.purpose
            && let Some(known) = self.peers.get(peer)
        {
            // Not retried before the peer's next announcement or connection: a host may fail each request at once.
            self.target.votes.note(peer, known.served.latest_hash, number, None);
        }
        self.return_piece(now, request, true);
        self.strategy.stats.transport_failures += 1;
        match failure {
            RequestFailure::Protocol(what) => self.penalize_request(now, peer, sent, PeerFault::Protocol(what)),
            // The connection may be back the next moment, so this is no fault; but a peer that often drops requests is
            // asked after others.
            RequestFailure::Disconnected => {
                if let Some(known) = self.peers.get_mut(peer).filter(|known| !known.reputation.is_lost(sent)) {
                    known.reputation.dropped(now);
                }
            }
        }
    }

    /// Input: the connection is gone. Neither the peer nor its pieces get a failure. If the peer has never sent a response, each
    /// piece that it had counts as reassigned, so that the next peer like it is waited for half as long.
    pub(super) fn return_requests_of(&mut self, now: Instant, peer: PeerId) {
        let has_responded = self.peers.get(peer).is_none_or(|known| known.rank() < Rank::New);
        if self.downloader.requests.of_peer(peer).is_some()
            && let Some(known) = self.peers.get_mut(peer)
        {
            known.reputation.broke_off();
        }
        while let Some(id) = self.downloader.requests.of_peer(peer) {
            let Some(mut request) = self.downloader.requests.finish(id) else { break };
            self.release(&request);
            self.note_no_response(&request);
            if let (Purpose::Piece { failures, .. }, false) = (&mut request.purpose, has_responded) {
                failures.disappeared();
            }
            self.return_piece(now, request, false);
        }
        self.downloader.requests.forget_outstanding(peer);
        debug_assert!(self.downloader.requests.of_peer(peer).is_none(), "a request to {peer} outlives its connection");
    }

    /// Cancels the requests in flight that match. Their bytes leave the windows of their peers; what else ends with them
    /// is for the caller.
    pub(super) fn cancel_where(&mut self, which: impl Fn(&InFlight) -> bool) -> Vec<InFlight> {
        let mut cancelled = Vec::new();
        while let Some(id) = self.downloader.requests.find(&which) {
            let Some(request) = self.downloader.requests.cancel(id) else { break };
            self.release(&request);
            self.out.push_back(Output::Cancel(id));
            cancelled.push(request);
        }
        cancelled
    }

    /// The request is over: its bytes are no longer in flight.
    pub(super) fn release(&mut self, request: &InFlight) {
        if let Some(peer) = self.peers.get_mut(request.peer) {
            peer.window.ended(request.bytes);
        }
    }

    /// How a request for headers ended, for the size of the next one.
    pub(super) fn note_outcome(&mut self, now: Instant, request: &InFlight, outcome: Outcome) {
        if !matches!(request.purpose, Purpose::Piece { .. }) {
            return;
        }
        if let Some(known) = self.peers.get_mut(request.peer) {
            match outcome {
                Outcome::Responded(headers) => known.batch.responded(request.limit, headers),
                Outcome::Failed => known.failed(now, request.sent),
            }
        }
    }

    /// Releases the numbers of a request to the plan.
    pub(super) fn return_piece(&mut self, now: Instant, request: InFlight, failed: bool) {
        if let Purpose::Piece { range, mut failures, .. } = request.purpose {
            self.note_trial_over(now, request.peer);
            if failed {
                failures.note(request.peer, now, self.config.backoff_start, self.config.backoff_max);
            }
            self.downloader.plan.release(range, failures);
        }
    }

    /// Notes a fault of a request that was sent at `sent`; once for all requests that were open at that time.
    pub(super) fn penalize_request(&mut self, now: Instant, peer: PeerId, sent: Instant, fault: PeerFault) {
        if self.peers.get(peer).is_some_and(|known| !known.reputation.is_noted(sent, &fault)) {
            self.penalize(now, peer, fault);
        }
    }

    /// Notes a fault. The requests of a banned peer are released at once.
    pub(super) fn penalize(&mut self, now: Instant, peer: PeerId, fault: PeerFault) {
        let Some(verdict) = self.peers.fault(now, peer, &fault) else { return };
        if verdict == Verdict::Banned {
            self.after_ban(now, peer);
        }
        self.out.push_back(Output::Penalize { peer, fault, verdict });
    }

    /// A peer was banned: its requests are cancelled and its unverified responses are dropped.
    pub(super) fn after_ban(&mut self, now: Instant, peer: PeerId) {
        for request in self.cancel_where(|request| request.peer == peer) {
            self.note_no_response(&request);
            self.return_piece(now, request, false);
        }
        self.downloader.requests.forget_outstanding(peer);
        self.drop_unverified_of(now, peer);
        debug_assert!(self.downloader.requests.of_peer(peer).is_none(), "a request to {peer}, which is banned");
        debug_assert_eq!(self.downloader.staging.bytes_of(peer), 0, "bytes of {peer}, which is banned, are staged");
        self.target.dirty = true;
        self.strategy.dirty = true;
    }
}
