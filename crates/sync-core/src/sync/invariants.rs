//! What holds after every input and whenever the machine is drained, whatever the inputs were. Checked in debug builds
//! and in the simulator; a failure is a bug of this crate.

use super::{HeaderSync, parts::ReorgPhase};
use crate::{
    checkpoint::Subchain,
    config::{
        COMPARED_BYTES_MAX, HEADERS_PER_REQUEST_MAX, LATE_REQUESTS_MAX, PEERS_MAX, REQUESTS_IN_FLIGHT_MAX,
        STAGED_RUNS_MAX, TRIALS_MAX,
    },
    headers::{InFlight, Purpose, Response},
    id::PeerId,
    peers::reputation::SCORE_MAX,
};
use header_rules::range::BlockRange;
use sorted::SortedMap;

impl HeaderSync {
    /// Panics where the machine contradicts itself. Costs a walk over plan, requests and peers.
    pub(super) fn check_invariants(&self) {
        self.check_phase();
        self.check_download();
        self.check_store();
        self.check_peers();
    }

    /// Phase, reorg and target agree with each other.
    fn check_phase(&self) {
        let reorg = self.reorgs.current.as_ref();
        if self.phase.run().is_some() || self.phase.is_synced() {
            assert!(self.target.resolved.is_some(), "headers are downloaded for no target");
        }
        let is_comparing = reorg.is_some_and(|reorg| reorg.phase == ReorgPhase::Comparing);
        assert_eq!(self.phase.is_comparing(), is_comparing, "branches are compared without a reorg");
        if let Some(reorg) = reorg {
            assert!(self.target.resolved.is_some(), "a reorg to no target");
            assert!(!self.phase.is_synced(), "synced in the middle of a reorg");
            assert!(reorg.local.tail <= reorg.local.head, "a reorg of an empty run");
            assert!(reorg.local.head <= reorg.top, "a reorg of a run above the stored chain");
            assert!(reorg.compared.bytes <= COMPARED_BYTES_MAX, "{} compared bytes", reorg.compared.bytes);
            assert!(
                reorg.phase != ReorgPhase::Replacing || reorg.reverted_from.is_some(),
                "a stored run that is replaced was reverted"
            );
        }
        if self.phase.is_synced() {
            assert!(self.store.collected() == 0, "synced, and verified headers are in no batch");
            assert!(self.target.rejected.wrong_genesis.is_none(), "synced with another network's genesis");
        }
    }

    /// Each number of the open gap is in exactly one place, and nothing is anywhere when no gap is open.
    fn check_download(&self) {
        let download = &self.downloader;
        let is_piece = |request: &InFlight| matches!(request.purpose, Purpose::Piece { .. });
        match self.phase.run() {
            Some(run) if !run.complete => {
                assert!(run.bottom <= run.anchor.number, "the anchor {} is under the gap", run.anchor.number);
                let gap = BlockRange::new(run.bottom, run.anchor.number);
                let holds = gap.is_some_and(|gap| download.check_invariant(gap));
                assert!(holds, "a number of {gap:?} is in no place, or in two");
                let meets = run.meets.is_none_or(|older| older.head + 1 == run.bottom);
                assert!(meets, "the gap ends at {} and meets {:?}", run.bottom, run.meets);
            }
            Some(_) | None => {
                assert!(download.plan.is_empty(), "headers are planned and no gap is open");
                assert!(download.staging.is_empty(), "headers are staged and no gap is open");
                assert!(download.requests.find(is_piece).is_none(), "headers are requested and no gap is open");
                assert!(!download.inbox.iter().any(Response::is_piece), "headers came and no gap is open");
            }
        }
        assert!(download.requests.total() <= REQUESTS_IN_FLIGHT_MAX + PEERS_MAX, "too many requests are in flight");
        assert!(download.requests.late() <= LATE_REQUESTS_MAX, "too many late requests are remembered");
        assert!(download.staging.runs() <= STAGED_RUNS_MAX + REQUESTS_IN_FLIGHT_MAX, "too many runs are staged");
        assert!(self.strategy.failed_trials.len() <= TRIALS_MAX, "more trials failed than there are places");
        let sealed = download.staging.holders().map(|(_, bytes)| bytes).sum::<u64>();
        assert_eq!(sealed, download.staging.bytes(), "staged bytes, by peer and in all");
        let is_done = self.phase.run().is_some_and(|run| run.complete);
        assert!(!is_done || self.phase.filling().is_some(), "a run is complete that stores nothing");
    }

    /// The checkpoints are sound, and the store never has less than the durable one says.
    fn check_store(&self) {
        let (pending, durable) = (self.store.pending(), self.store.durable());
        assert!(durable.is_sound(), "the durable checkpoint is unsound: {durable:?}");
        assert!(pending.is_sound(), "the pending checkpoint is unsound: {pending:?}");
        assert_eq!(pending.chain_id, durable.chain_id, "the chain changed");
        assert!(pending.floor <= durable.floor.max(self.floor()), "the floor rose although it may not");
        let run = self.phase.filling().filter(|run| !run.complete);
        assert!(self.store.collected() == 0 || self.phase.run().is_some(), "headers of no run are collected");
        let stored = |run: &Subchain, number| run.tail <= number && number <= run.head;
        if let Some(run) = run {
            let anchor = run.anchor.number;
            let twice = pending.subchains.iter().any(|subchain| stored(subchain, anchor));
            assert!(!twice, "header {anchor} is stored and downloaded again");
        }
    }

    /// The figures of a peer's window agree with its requests, and its figures are within their bounds.
    fn check_peers(&self) {
        let mut open: SortedMap<PeerId, (usize, u64)> = SortedMap::new();
        for request in self.downloader.requests.iter() {
            let (count, bytes) = open.get_or_insert_with(request.peer, Default::default);
            (*count, *bytes) = (*count + 1, *bytes + request.bytes);
        }
        for (id, peer) in self.peers.iter() {
            let (count, bytes) = open.remove(&id).unwrap_or_default();
            assert_eq!(peer.window.requests(), count, "requests in flight to {id}");
            assert_eq!(peer.window.used(), bytes, "bytes in flight to {id}");
            assert!(count == 0 || peer.connected, "requests in flight to {id}, which is not connected");
            assert!(peer.reputation.score() <= SCORE_MAX, "{id} has a score of {}", peer.reputation.score());
            let size = peer.batch.limit();
            assert!((1..=HEADERS_PER_REQUEST_MAX).contains(&size), "{id} is asked for {size} headers at once");
        }
        assert!(self.peers.iter().count() <= PEERS_MAX, "more peers are remembered than there are places");
        assert!(open.is_empty(), "a request to a peer that is not remembered: {open:?}");
    }
}
