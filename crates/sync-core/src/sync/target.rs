//! The target: what the user wants, and which block that is.
//!
//! **Pinned hash.** Up to [`PROBES_MAX`] peers are asked at once, `falling(hash, 1)`; peers that name the hash as their
//! tip first, with one place left for other peers and one for peers that have responded before. An empty response is no
//! fault; a header with another hash is one. When no peer had it the sync stalls, starts another round after a pause,
//! and asks each new peer at once. A pinned header inside a stored run is a target too: nothing is fetched for it, and
//! the stored headers above stay.
//!
//! **Number, or peers' tip.** The peers decide which block that is (`votes`).
//!
//! A target that was found is *resolved*: its number and hash are known, and it is synced at once. A newer tip of peers
//! waits until the current download is done, unless most peers have left the target's chain (`fork_check`).

use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;

use super::{
    HeaderSync,
    parts::{ForkChecks, Phase, Target},
};
use crate::{
    config::{PROBE_PATIENCE, PROBE_ROUND_MAX},
    fault::PeerFault,
    headers::{InFlight, Purpose, Response},
    id::PeerId,
    io::{BlockNumHash, Event, Output, StallReason, StartBlock, SyncTarget},
    peers::Evidence,
    time::{Instant, doubled},
};
use header_rules::{header::HeaderLink, range::BLOCK_NUMBER_END};

/// Peers asked for a pinned target at the same time: one silent peer must not delay the start of a sync by a deadline.
pub(super) const PROBES_MAX: usize = 3;

impl HeaderSync {
    /// The user names a target.
    pub(super) fn set_target(&mut self, target: SyncTarget) {
        if self.target.wanted == Some(target) {
            return;
        }
        self.cancel_where(|request| !matches!(request.purpose, Purpose::Piece { .. }));
        // A target on a chain with another genesis, or one that stopped at an unknown header, is not kept.
        let is_over =
            |target: &BlockNumHash| self.target.rejected.wrong_genesis.is_some() || self.is_stopped_at(target.hash);
        let resolved = self.target.resolved.filter(|target| !is_over(target));
        let unasked = resolved.is_some_and(|resolved| target != SyncTarget::Hash(resolved.hash));
        self.target.rejected.wrong_genesis = None;
        self.target.rejected.unknown = None;
        self.target = Target {
            wanted: Some(target),
            resolved,
            unasked,
            dirty: true,
            risen_floor: self.target.risen_floor,
            rejected: core::mem::take(&mut self.target.rejected),
            ..Target::default()
        };
        self.reorgs.too_deep = None;
    }

    /// Input: the host found the pinned target in its store.
    pub(super) fn note_target_stored(&mut self, now: Instant, raw: &Bytes) {
        let Some(SyncTarget::Hash(hash)) = self.target.wanted else { return };
        let known = self.target.resolved.is_some_and(|known| known.hash == hash);
        if known || self.target.invalid.is_some() || keccak256(raw) != hash {
            return;
        }
        let Ok(header) = HeaderLink::decode(raw) else { return };
        if self.store.pending().covers(header.number) {
            self.cancel_where(|request| matches!(request.purpose, Purpose::Target(_)));
            self.resolve(now, BlockNumHash { number: header.number, hash });
        }
    }

    /// One step towards the target: sends at most one probe or vote. `true` when something was done.
    pub(super) fn poll_target(&mut self, now: Instant) -> bool {
        let is_over = self.phase.is_synced() && matches!(self.target.wanted, None | Some(SyncTarget::Hash(_)));
        if !is_over && !self.host.is_paused && self.ask_unheard(now) {
            return true;
        }
        match self.target.wanted {
            Some(SyncTarget::Hash(hash)) => self.poll_pinned(now, hash),
            Some(SyncTarget::PeersTip) => self.poll_tip(now),
            Some(SyncTarget::Number(number)) => self.poll_number(now, number),
            None => false,
        }
    }

    fn poll_pinned(&mut self, now: Instant, hash: B256) -> bool {
        let known = self.target.resolved.is_some_and(|known| known.hash == hash) || self.is_stopped_at(hash);
        if known || self.target.invalid.is_some() || self.host.is_paused {
            return false;
        }
        if let Some(newest) = self.store.pending().subchains.iter().find(|run| run.head_hash == hash) {
            // Verified and stored in an earlier run: no peer need be asked.
            let number = newest.head;
            self.resolve(now, BlockNumHash { number, hash });
            return true;
        }
        // A round ends after that time however many peers connect meanwhile, so that each peer is asked again.
        let is_long = self.target.round_since.is_some_and(|since| now >= since + PROBE_ROUND_MAX);
        if is_long || self.target.retry_at.is_some_and(|at| at <= now) {
            self.target.retry_at = None;
            self.target.round_since = None;
            self.target.asked.clear();
        }
        let candidates = self.peers.askable(now);
        let probing = self.probes_waited_for(now, |_| true);
        let fresh: Vec<_> = candidates.into_iter().filter(|peer| !self.target.asked.contains(peer)).collect();
        let names = |id: PeerId| self.peers.get(id).is_some_and(|peer| peer.served.latest_hash == hash);
        // One place is for peers that do not name it: naming it costs nothing.
        let is_open = self.probes_waited_for(now, names) + 1 < PROBES_MAX;
        let named = fresh.iter().find(|id| is_open && names(**id));
        // Another one is for peers that have responded before: new ids can connect without end.
        let has_spoken =
            |id: PeerId| self.peers.get(id).is_some_and(|peer| peer.evidence >= Evidence::Responded && peer.has_vote());
        let is_free = self.probes_waited_for(now, has_spoken) == 0;
        let spoken = fresh.iter().find(|id| is_free && has_spoken(**id));
        let next = spoken.or(named).or(fresh.iter().find(|id| !names(**id))).or(fresh.first()).copied();
        if let Some(peer) = next
            && probing < PROBES_MAX
        {
            self.target.asked.insert(peer);
            self.target.round_since.get_or_insert(now);
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
            self.target.round_since = None;
            self.target.trouble = Some(StallReason::TargetUnavailable { hash, asked });
        }
        false
    }

    /// A response to a probe.
    pub(super) fn receive_target(&mut self, now: Instant, response: Response, hash: B256) {
        self.target.dirty = true;
        let Some(raw) = response.headers.first() else { return };
        let got = keccak256(raw);
        let fault = match HeaderLink::decode(raw) {
            _ if response.headers.len() > 1 => PeerFault::TooManyHeaders { got: response.headers.len(), limit: 1 },
            // The header has the pinned hash, but no chain has such a number: no peer can serve its parent.
            Ok(header) if got == hash && header.number >= BLOCK_NUMBER_END => return,
            Ok(header) if got == hash => {
                self.cancel_where(|request| matches!(request.purpose, Purpose::Target(_)));
                self.resolve(now, BlockNumHash { number: header.number, hash });
                return;
            }
            Err(error) if got == hash => {
                self.cancel_where(|request| matches!(request.purpose, Purpose::Target(_)));
                self.stop_at_unreadable_target(now, hash, error);
                return;
            }
            Ok(header) => PeerFault::BrokenLink { number: header.number, got, expected: hash },
            Err(error) => PeerFault::Undecodable { number: 0, error },
        };
        self.penalize_request(now, response.peer, response.request.sent, fault);
    }

    /// Is a gap being filled, or about to be?
    pub(super) fn is_busy(&self) -> bool {
        let filling = self.phase.run().is_some() && !self.is_parked();
        filling || self.reorgs.current.is_some() || self.phase.is_awaiting_store() || self.store.is_unwinding()
    }

    /// The target's number and hash are known.
    pub(super) fn resolve(&mut self, now: Instant, target: BlockNumHash) {
        self.resolve_as(now, target, false);
    }

    pub(super) fn resolve_as(&mut self, now: Instant, target: BlockNumHash, unasked: bool) {
        self.target.trouble = None;
        self.target.retry_at = None;
        self.target.round_since = None;
        self.target.rounds = 0;
        let follows = self.target.wanted == Some(SyncTarget::PeersTip);
        let extends = self.target.resolved.is_some_and(|current| target.number > current.number);
        if extends && follows && self.is_busy() {
            // A newer tip: the current download finishes first, so that no work is lost.
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
        debug_assert!(target.number < BLOCK_NUMBER_END, "a target at {}, which no chain has", target.number);
        self.target.next = None;
        self.target.unasked = unasked;
        if self.target.resolved == Some(target) {
            return;
        }
        self.close_run();
        self.peers.forget_branches();
        self.cancel_search();
        self.phase.enter(Phase::Idle);
        self.target.fork_checks = ForkChecks::default();
        self.target.invalid = None;
        self.target.rejected.wrong_genesis = None;
        self.target.resolved = Some(target);
        self.out.push_back(Output::Event(Event::TargetResolved(target)));
        self.open_run(now);
    }

    /// Probes that are still waited for before others are asked: none for longer than [`PROBE_PATIENCE`].
    fn probes_waited_for(&self, now: Instant, of: impl Fn(PeerId) -> bool) -> usize {
        let is_probe = |request: &InFlight| matches!(request.purpose, Purpose::Target(_));
        let waits = |request: &InFlight| is_probe(request) && now < request.sent + PROBE_PATIENCE && of(request.peer);
        self.downloader.requests.count(waits)
    }

    /// When the next peer may be asked although no response came.
    pub(super) fn probe_wakeup(&self, now: Instant) -> Option<Instant> {
        let probes = self.downloader.requests.iter().filter(|request| matches!(request.purpose, Purpose::Target(_)));
        let round = self.target.round_since.map(|since| since + PROBE_ROUND_MAX);
        probes.map(|request| request.sent + PROBE_PATIENCE).chain(round).filter(|at| *at > now).min()
    }
}
