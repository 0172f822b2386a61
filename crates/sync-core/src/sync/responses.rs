//! Responses: each is checked once, staged, and verified when the anchor reaches it.
//!
//! ```text
//!   input -> received -> right length, right start, links inside itself -> staged -> begins at the anchor -> linked
//! ```
//!
//! The input only stores a response; each poll checks one or verifies one. So the next request is on its way before
//! anything is hashed, and a host never waits for more than one response's hashes. A response that is invalid by itself
//! is a fault of its sender, noted at once. Whether it belongs to the target is known when it is linked: an honest peer
//! may be on another branch (`fork_check`), and a header that breaks a rule invalidates the target (`reject_chain`),
//! not its sender.
//!
//! `memory` bounds the memory of all responses.

use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;

use super::{HeaderSync, memory::bytes_of, requests::Outcome};
use crate::{
    fault::PeerFault,
    headers::{Failures, InFlight, Purpose, Response, Staged},
    id::{PeerId, RequestId},
    io::{Event, Output},
    lineage::{LinkError, LinkFault, SealedRun},
    time::Instant,
};
use header_rules::{range::BlockRange, rules::RuleViolation};

impl HeaderSync {
    /// Input: a response. Only stores it, so that the next request can be sent before anything is hashed.
    pub(super) fn receive_headers(&mut self, now: Instant, id: RequestId, headers: Vec<Bytes>) {
        let Some(request) = self.downloader.requests.finish(id) else {
            self.receive_late_headers(now, id, headers);
            return;
        };
        let bytes = bytes_of(&headers);
        self.release(&request);
        self.note_response(now, request.peer, id);
        if let Some(peer) = self.peers.get_mut(request.peer) {
            peer.responded(now, request.sent, bytes, request.window_used);
            peer.bytes += bytes;
        }
        self.reports.progress.note_received(now, bytes);
        self.keep_response(request, headers);
    }

    /// Checks one response: right start, not too long, headers link. Then it is staged.
    pub(super) fn poll_received(&mut self, now: Instant) -> bool {
        let Some(response) = self.downloader.inbox.pop() else { return false };
        match response.request.purpose.clone() {
            Purpose::Target(hash) => self.receive_target(now, response, hash),
            Purpose::Vote(number) => self.receive_vote(now, response, number),
            Purpose::ForkCheck(number) => self.receive_fork_check(now, response, number),
            Purpose::Ancestor(number) => self.receive_ancestor(now, response, number),
            Purpose::Piece { range, by_hash, failures } => self.receive_piece(now, response, range, failures, by_hash),
        }
        true
    }

    fn receive_piece(
        &mut self,
        now: Instant,
        response: Response,
        piece: BlockRange,
        failures: Failures,
        by_hash: Option<B256>,
    ) {
        let count = response.headers.len();
        if count == 0 {
            match by_hash {
                Some(hash) => self.note_refused(now, response, hash),
                None => self.note_empty(now, response, piece),
            }
            return;
        }
        let Response { peer, request, headers, bytes } = response;
        if count > usize::from(request.limit) {
            let fault = PeerFault::TooManyHeaders { got: count, limit: usize::from(request.limit) };
            self.reject(now, request, fault);
            return;
        }
        let Some((headers, bytes)) = self.cut_oversized(now, &request, piece, headers, bytes) else {
            self.strategy.stats.validation_failures += 1;
            self.note_outcome(now, &request, Outcome::Failed);
            self.return_piece(now, request, true);
            return;
        };
        let count = headers.len();
        let first = headers.first().cloned();
        let sealed = SealedRun::seal(&self.chain, piece.last(), headers);
        let is_asked_for = |hash: B256| first.as_ref().is_some_and(|first| keccak256(first) == hash);
        match (sealed, by_hash) {
            (Err(PeerFault::WrongStart { got, .. }), Some(hash)) if is_asked_for(hash) => {
                self.note_outcome(now, &request, Outcome::Failed);
                self.return_piece(now, request, false);
                self.leave_wrong_number(now, hash, got);
            }
            (Ok(sealed), Some(expected)) if sealed.hash() != expected => {
                let (number, got) = (piece.last(), sealed.hash());
                let fault = match sealed.undecodable() {
                    Some(error) => PeerFault::Undecodable { number, error },
                    None => PeerFault::BrokenLink { number, got, expected },
                };
                self.reject(now, request, fault);
            }
            (Ok(sealed), _) => {
                self.note_outcome(now, &request, Outcome::Responded(count as u16));
                let stats = &mut self.strategy.stats;
                stats.headers += count as u64;
                stats.partial += u64::from(count < usize::from(request.limit));
                let is_front = self.phase.run().is_some_and(|run| run.anchor.number == piece.last());
                stats.out_of_order += u64::from(!is_front);
                self.downloader.stage(peer, piece, failures, sealed.range(), bytes, sealed);
                // More bytes came than were expected: the runs furthest from the anchor are dropped.
                if let Some(run) = self.phase.run() {
                    self.shed(run.anchor.number, 0);
                }
            }
            (Err(fault), _) => self.reject(now, request, fault),
        }
    }

    /// On a chain whose forks are known a header has a greatest length. A response is cut above the first longer one,
    /// and its peer is not asked by number there for a while. It is no fault: the target's chain may have such a
    /// header, and honest peers serve it. So it is judged where it is requested by hash. `None`: no header is left.
    fn cut_oversized(
        &mut self,
        now: Instant,
        request: &InFlight,
        piece: BlockRange,
        mut headers: Vec<Bytes>,
        bytes: u64,
    ) -> Option<(Vec<Bytes>, u64)> {
        let longest = self.chain.header_bytes_max().unwrap_or(usize::MAX);
        let number = |at: usize| piece.last().saturating_sub(at as u64);
        // The genesis header has no greatest length.
        let found = headers.iter().enumerate().find(|(at, header)| header.len() > longest && number(*at) > 0);
        let Some(at) = found.map(|(at, _)| at) else { return Some((headers, bytes)) };
        let by_hash = matches!(request.purpose, Purpose::Piece { by_hash: Some(_), .. });
        if at > 0 || !by_hash {
            self.leave_branch(now, request.peer, number(at));
        }
        headers.truncate(if by_hash { at.max(1) } else { at });
        let bytes = bytes_of(&headers);
        if headers.is_empty() { None } else { Some((headers, bytes)) }
    }

    /// An empty response to a request by number.
    fn note_empty(&mut self, now: Instant, response: Response, piece: BlockRange) {
        let Response { peer, request, .. } = response;
        self.strategy.stats.empty += 1;
        self.note_outcome(now, &request, Outcome::Failed);
        let (sent, number) = (request.sent, piece.last());
        self.return_piece(now, request, true);
        let Some(known) = self.peers.get_mut(peer) else { return };
        // It may have announced a range without the number since.
        let claims = known.range().is_some_and(|range| range.contains(number));
        // Near its tip a peer may have lost a block to a reorg; elsewhere the empty response contradicts its
        // announcement.
        let near_tip = number.saturating_add(self.config.near_tip) > known.served.latest;
        if claims && !near_tip {
            // Until the peer announces its new range, further empty responses are the same fault.
            let is_known = known.cooldowns.absent_to(now).is_some();
            known.cooldowns.note_absent(now, number, now + self.config.cool_down);
            if !is_known {
                self.penalize_request(now, peer, sent, PeerFault::EmptyResponse { start: number });
            }
        }
    }

    /// An invalid response: all of it is dropped, and its numbers are released.
    fn reject(&mut self, now: Instant, request: InFlight, fault: PeerFault) {
        let (peer, sent) = (request.peer, request.sent);
        self.strategy.stats.validation_failures += 1;
        self.note_outcome(now, &request, Outcome::Failed);
        self.return_piece(now, request, true);
        self.penalize_request(now, peer, sent, fault);
    }

    /// Verifies the staged run that begins at the anchor.
    pub(super) fn poll_link(&mut self, now: Instant) -> bool {
        if self.store.is_full(self.config.batches_in_flight_max) || self.store.is_unwinding() {
            return false;
        }
        let Some(run) = self.phase.run_mut() else { return false };
        let Some(staged) = self.downloader.staging.take(run.anchor.number) else { return false };
        let Staged { peer, range, bytes, failures, run: sealed } = staged;
        let parent = sealed.parent_of_broken().unwrap_or(sealed.hash());
        let undecodable = sealed.undecodable();
        match run.lineage.link(sealed) {
            Ok(verified) => {
                debug_assert_eq!(range, verified.range(), "the staged headers were verified");
                if let Some(anchor) = run.lineage.anchor() {
                    run.anchor = anchor;
                }
                run.untried = false;
                self.strategy.header_size.note(verified.len() as u64, bytes_of(verified.headers()));
                if self.descends_from_invalid(now, &verified) {
                    return true;
                }
                self.passes_unknown(&verified);
                self.check_claims_in(now, &verified);
                if self.phase.is_comparing() {
                    self.note_compared(peer, &verified);
                } else {
                    self.store.push(verified);
                }
                if let Some(known) = self.peers.get_mut(peer) {
                    self.target.fork_checks.note_linked(peer, known.served);
                    known.linked(now, range.len(), bytes);
                }
                self.strategy.stats.linked(range.len(), &failures);
                self.reports.progress.note_linked(now, range.len());
                self.moved(now);
                self.out.push_back(Output::Event(Event::HeadersLinked { range, peer }));
                self.after_link(now, range);
            }
            Err(LinkError {
                fault: LinkFault::Invalid { violation: RuleViolation::Genesis { got, .. }, .. }, ..
            }) => {
                // The response holds block 0 of another network and links up to the target: no fault of its sender.
                self.leave_wrong_genesis(now, got);
            }
            Err(error) if matches!(error.fault, LinkFault::UnknownFork { .. }) => {
                self.stop_at_unknown(now, error, true)
            }
            // The invalid header belongs to the target's chain; no fault of its sender.
            Err(error) if !error.blames_sender() => {
                self.strategy.stats.validation_failures += 1;
                self.reject_chain(now, error, Some(parent));
            }
            Err(error) => {
                self.note_trial_over(now, peer);
                self.downloader.plan.release(range, failures);
                self.strategy.stats.disagreements += 1;
                let number = range.last();
                let undecodable = undecodable.map(|error| PeerFault::Undecodable { number, error });
                if let Some(fault) = undecodable.or(error.sender_fault()) {
                    self.start_fork_check(now, peer, fault);
                }
            }
        }
        true
    }

    /// Drops the unverified responses of a peer that is banned or suspected: they would fail one by one.
    pub(super) fn drop_unverified_of(&mut self, now: Instant, peer: PeerId) {
        self.downloader.unstage_of(peer, 0);
        self.downloader.requests.stop_using(|request| request.peer == peer);
        for response in self.downloader.inbox.take(|response| response.peer == peer) {
            self.return_piece(now, response.request, false);
        }
    }
}
