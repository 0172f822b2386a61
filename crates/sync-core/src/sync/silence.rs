//! Deadlines: how long a peer may send nothing while responses are outstanding, and how a late response is used.
//!
//! Waiting ends in two steps ([`liveness`](crate::peers::liveness)). After a deadline without a byte the peer's
//! requests are reassigned, and it gets no new ones. Its responses are still used until another peer has served their
//! numbers. After twice that time the peer is silent: one fault, however many requests were open. A late peer that
//! sends a byte is slow, and keeps its score.
//!
//! A single request can be skipped: a response to a later one came first. Then no other byte of the peer moves its
//! deadline, and missing it is a fault by itself.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{HeaderSync, memory::bytes_of, requests::Outcome};
use crate::{
    fault::PeerFault,
    headers::{InFlight, Purpose},
    id::{PeerId, RequestId},
    io::{Output, SyncTarget},
    peers::{Liveness, liveness::RESPONSE_TIME_MAX},
    time::Instant,
};
use header_rules::range::BlockRange;

impl HeaderSync {
    /// Input: bytes of a response came.
    pub(super) fn note_progress(&mut self, now: Instant, peer: PeerId) {
        let Some(begun) = self.downloader.requests.oldest_of(peer) else { return };
        let whole = self.peers.get(peer).and_then(|known| known.responded_at);
        // A peer that sends a byte now and then does not extend its deadline for ever.
        let cap = whole.map_or(begun, |whole| begun.max(whole)) + RESPONSE_TIME_MAX;
        self.heard(now, peer, Some(cap), None);
    }

    /// A whole response came, in time or late.
    pub(super) fn note_response(&mut self, now: Instant, peer: PeerId, id: RequestId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.responded_at = Some(now);
            known.evidence.responded();
            known.reputation.responded();
        }
        self.heard(now, peer, None, Some(id));
    }

    fn heard(&mut self, now: Instant, peer: PeerId, cap: Option<Instant>, responded: Option<RequestId>) {
        if cap.is_some_and(|cap| cap <= now) {
            return;
        }
        let Some(known) = self.peers.get_mut(peer) else { return };
        known.liveness = Liveness::Responsive;
        let Some(known) = self.peers.get(peer) else { return };
        let capped = |at: Instant| cap.map_or(at, |cap| at.min(cap));
        let deadline = capped(now + self.peers.deadline(known));
        let outstanding_until = capped(now + self.peers.silence(known));
        self.downloader.requests.heard(peer, deadline, outstanding_until, responded);
    }

    /// Until when a reassigned request stays outstanding.
    pub(super) fn outstanding_until(&self, now: Instant, peer: PeerId) -> Instant {
        self.peers.get(peer).map_or(now, |known| now + self.peers.silence(known))
    }

    /// One peer that is late, or silent, or skipped a request.
    pub(super) fn poll_deadlines(&mut self, now: Instant) -> bool {
        let silent = self.peers.silent(now).or_else(|| self.downloader.requests.overdue_peer(now));
        if let Some(peer) = silent {
            self.end_silence(now, peer);
            return true;
        }
        let Some(id) = self.downloader.requests.expired(now) else { return false };
        let Some((peer, passed)) = self.downloader.requests.get(id).map(|request| (request.peer, request.passed))
        else {
            return false;
        };
        if passed {
            self.note_skipped(now, id);
        } else {
            self.note_late(now, peer);
        }
        self.target.dirty = true;
        true
    }

    /// The peer has sent nothing for a deadline: all its requests are reassigned.
    fn note_late(&mut self, now: Instant, peer: PeerId) {
        let Some(known) = self.peers.get(peer) else { return };
        // A deadline is over already.
        let grace = self.peers.silence(known).saturating_sub(self.peers.deadline(known));
        let fault_at = now + grace;
        let mut sent = None;
        while let Some(id) = self.downloader.requests.of_peer(peer) {
            let Some(request) = self.downloader.requests.reassign(id, fault_at) else { break };
            self.release(&request);
            self.strategy.stats.timeouts += 1;
            // One silence is one event, however many requests were open.
            if sent.is_none() {
                self.note_outcome(now, &request, Outcome::Failed);
            }
            sent = sent.max(Some(request.sent));
            self.note_no_response(&request);
            if let Purpose::Piece { range, mut failures, .. } = request.purpose {
                // The request is outstanding at the peer itself: the piece is not requested from it again before that
                // ends.
                failures.pause(peer, now, grace, grace);
                self.note_trial_over(now, peer);
                self.downloader.plan.release(range, failures);
            }
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.window.overdue(now, sent.unwrap_or(now));
            known.liveness = Liveness::Late { fault_at };
        }
    }

    /// The peer responded to a later request, and not to this one.
    fn note_skipped(&mut self, now: Instant, id: RequestId) {
        let Some(request) = self.downloader.requests.cancel(id) else { return };
        self.release(&request);
        self.out.push_back(Output::Cancel(id));
        let (peer, sent) = (request.peer, request.sent);
        if let Some(known) = self.peers.get_mut(peer) {
            known.window.overdue(now, sent);
        }
        self.strategy.stats.timeouts += 1;
        self.note_outcome(now, &request, Outcome::Failed);
        self.note_no_response(&request);
        self.return_piece(now, request, true);
        self.penalize_request(now, peer, sent, PeerFault::Timeout);
    }

    /// The peer was silent for longer than any link is slow: its outstanding requests are cancelled.
    fn end_silence(&mut self, now: Instant, peer: PeerId) {
        while let Some(id) = self.downloader.requests.pop_outstanding(peer) {
            self.out.push_back(Output::Cancel(id));
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.liveness = Liveness::Responsive;
        }
        self.strategy.stats.timeouts += 1;
        self.penalize(now, peer, PeerFault::Timeout);
        self.target.dirty = true;
    }

    /// A late response: it teaches the round trip, and is used where its numbers, or its vote, are still wanted.
    pub(super) fn receive_late_headers(&mut self, now: Instant, id: RequestId, mut headers: Vec<Bytes>) {
        let Some((mut request, usable)) = self.downloader.requests.take_late(id) else { return };
        let peer = request.peer;
        self.note_response(now, peer, id);
        let bytes = bytes_of(&headers);
        let Some(known) = self.peers.get_mut(peer) else { return };
        known.window.responded_late(now, request.sent);
        known.bytes += bytes;
        self.reports.progress.note_received(now, bytes);
        let is_trusted = self.peers.get(peer).is_some_and(|known| known.is_usable(now));
        if usable
            && is_trusted
            && !self.target.fork_checks.is_suspected(peer)
            && self.takes_late(now, &mut request, &mut headers)
        {
            self.keep_response(request, headers);
        }
    }

    /// Is the response to this request still wanted? Then its numbers leave the plan.
    fn takes_late(&mut self, now: Instant, request: &mut InFlight, headers: &mut Vec<Bytes>) -> bool {
        match &mut request.purpose {
            Purpose::Piece { range, failures, by_hash } => {
                if headers.len() > usize::from(request.limit) {
                    return false;
                }
                let anchor = self.phase.run().map(|run| run.anchor);
                let anchor = anchor.filter(|anchor| range.contains(anchor.number));
                if let Some(anchor) = anchor {
                    // The numbers above the anchor were verified meanwhile.
                    let above = range.last() - anchor.number;
                    headers.drain(..headers.len().min(above as usize));
                    *by_hash = by_hash.map(|_| anchor.hash);
                    let Some(under) = BlockRange::new(range.first(), anchor.number) else { return false };
                    // Another peer was asked in the meantime: the first response counts.
                    self.recall_front(now, under);
                    *range = under;
                }
                let bytes = bytes_of(headers);
                let room = self.config.staged_bytes_max.saturating_sub(self.memory_bytes());
                let is_wanted = !headers.is_empty() && (anchor.is_some() || bytes <= room);
                let Some((part, known)) = is_wanted.then(|| self.downloader.plan.take(*range)).flatten() else {
                    return false;
                };
                (*range, *failures) = (part, known);
                debug_assert!(part.len() <= u64::from(request.limit), "{part} of a request for {}", request.limit);
                headers.truncate(part.len() as usize);
                request.limit = part.len() as u16;
                true
            }
            Purpose::Target(hash) => {
                let known = self.target.resolved.is_some_and(|target| target.hash == *hash);
                !known && self.target.wanted == Some(SyncTarget::Hash(*hash))
            }
            Purpose::Vote(_) | Purpose::ForkCheck(_) => true,
            // The search has gone on with other witnesses.
            Purpose::Ancestor(_) => false,
        }
    }
}
