//! What came: each response is looked at once, kept while it waits its turn, and verified when the anchor comes to it.
//!
//! ```text
//!   input -> received -> right length, right start, hangs together -> staged -> begins at the anchor -> linked
//! ```
//!
//! The input only notes a response, and each poll looks at one or verifies one. So the next request is on its way before
//! anything is hashed, and a host never waits for more than one response's hashes. What a response is worth by itself is
//! its sender's doing, and a fault is noted at once. Whether it belongs to the target shows when it is linked: a peer
//! may be on another branch in good faith (`fork_check`), and a header that breaks a rule speaks against the target
//! (`reject_chain`), not against its messenger.
//!
//! How much memory all that may take is said in `memory`.

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
    /// Input: a response. Only notes it, so that the next request can go out before anything is hashed.
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

    /// Looks at one response: right start, not too long, hangs together. What passes is staged.
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
                // More came than was expected: what is furthest from the anchor makes room.
                if let Some(run) = self.phase.run() {
                    self.shed(run.anchor.number, 0);
                }
            }
            (Err(fault), _) => self.reject(now, request, fault),
        }
    }

    /// On a chain whose forks are known a header has a greatest length. What a response holds from the first longer one on
    /// is not kept, and its peer is not asked by number there for a while. It is no fault: the target may vouch for such a
    /// header, and honest peers serve it. So it is looked at where it is asked for by its hash. `None`: nothing is left.
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
        // Block 0 is as long as its chain's founders liked.
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

    /// An empty response to a question by number.
    fn note_empty(&mut self, now: Instant, response: Response, piece: BlockRange) {
        let Response { peer, request, .. } = response;
        self.strategy.stats.empty += 1;
        self.note_outcome(now, &request, Outcome::Failed);
        let (sent, number) = (request.sent, piece.last());
        self.return_piece(now, request, true);
        let Some(known) = self.peers.get_mut(peer) else { return };
        // It may have announced since that it does not have the number.
        let claims = known.range().is_some_and(|range| range.contains(number));
        // Near its tip a peer may have lost a block that it announced; elsewhere it denies what it says it has.
        let near_tip = number.saturating_add(self.config.near_tip) > known.served.latest;
        if claims && !near_tip {
            // Where its range begins now is not known until it announces it: what is found out meanwhile is no other fault.
            let is_known = known.cooldowns.absent_to(now).is_some();
            known.cooldowns.note_absent(now, number, now + self.config.cool_down);
            if !is_known {
                self.penalize_request(now, peer, sent, PeerFault::EmptyResponse { start: number });
            }
        }
    }

    /// A response that cannot be used: all of it is dropped, and its numbers go back.
    fn reject(&mut self, now: Instant, request: InFlight, fault: PeerFault) {
        let (peer, sent) = (request.peer, request.sent);
        self.strategy.stats.validation_failures += 1;
        self.note_outcome(now, &request, Outcome::Failed);
        self.return_piece(now, request, true);
        self.penalize_request(now, peer, sent, fault);
    }

    /// Proves the staged run that begins at the anchor.
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
                self.add_difficulty(&verified);
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
                // The response holds block 0 of another network, and hangs together up to the target: nobody lied.
                self.leave_wrong_genesis(now, got);
            }
            Err(error) if matches!(error.fault, LinkFault::UnknownFork { .. }) => {
                self.stop_at_unknown(now, error, true)
            }
            // The target vouches for the bad header; its messenger is not to blame.
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

    /// Forgets what a banned peer sent and nobody has verified yet: a liar's other responses would fail one by one.
    pub(super) fn drop_unverified_of(&mut self, now: Instant, peer: PeerId) {
        self.downloader.unstage_of(peer, 0);
        self.downloader.requests.stop_using(|request| request.peer == peer);
        for response in self.downloader.inbox.take(|response| response.peer == peer) {
            self.return_piece(now, response.request, false);
        }
    }
}
