//! Deliberate bugs, between the machine and the world: they show that the checkers find violations.

use header_rules::{
    header::HeaderError,
    range::{BlockNumber, BlockRange},
};
use sync_core::{
    Checkpoint, Event, HeadersRequest, Output, StallReason, StartBlock,
    fault::{PeerFault, Verdict},
    id::{LookupId, PeerId},
};

use crate::{network::Micros, peer::SimPeer, state::State};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The store writes a batch's checkpoint in a transaction of its own, before the batch.
    CheckpointBeforeBatch,
    /// Another peer is banned than the one at fault.
    WrongPeerBanned,
    /// Once a request is cancelled its numbers are never asked for again: later requests for them get no response.
    RangeLostAfterCancel,
    /// A header of an unknown fork is a fault of the peers that send it.
    UnknownForkBlamed,
    /// The sync goes down to the highest lowest block that any peer claims, and is reported as synced there.
    FloorFromClaims,
    /// An unavailable range is not reported while any peer claims to serve it.
    ClaimsAreBelieved,
    /// An honest peer's score falls for what others do.
    ScoreFalls,
    /// Each empty response of a peer that pruned is a fault, not the first alone.
    PruneBlamedTwice,
    /// Each silence is two faults.
    SilenceBlamedTwice,
    /// The same stored header is asked for again and again.
    LookupsWithoutEnd,
    /// A stall begins and ends with each piece of the chain.
    StallsWithoutEnd,
    /// The longest run is dropped from a checkpoint with many.
    LongestRunDropped,
    /// A reorg reverts two thousand headers more than it must.
    ReorgTooDeep,
    /// Once the host has slept, `NoProgress` is reported.
    SleepIsNoProgress,
    /// While malicious peers are connected, nine of ten requests to honest ones go nowhere.
    HonestNotAsked,
}

/// Runs of a checkpoint from which on one is dropped.
const MANY_RUNS: usize = 8;
/// Headers that a reorg reverts too many.
const TOO_DEEP: BlockNumber = 2_000;

/// Plays a bug. See the [module](self).
#[derive(Debug, Default)]
pub struct Mutation {
    bug: Option<Bug>,
    open: Vec<(sync_core::id::RequestId, BlockRange)>,
    lost: Vec<BlockRange>,
    looked_up: Option<(LookupId, Vec<BlockNumber>)>,
    stalled: bool,
    /// The peer whose silence was just reported, and when.
    silent: Option<(PeerId, Micros)>,
    requests: u64,
}

impl Mutation {
    /// One that plays `bug`, or none.
    pub fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    /// The floor that the machine is given.
    pub fn floor(&self, state: &State<'_>) -> u64 {
        let asked = state.options.config.floor;
        let claimed = state.peers.iter().map(|peer| peer.served(state.pool).earliest).fold(asked, u64::max);
        if self.bug == Some(Bug::FloorFromClaims) { claimed } else { asked }
    }

    /// Is a batch written in two transactions?
    pub fn splits_batches(&self) -> bool {
        self.bug == Some(Bug::CheckpointBeforeBatch)
    }

    /// A process starts: what the one before had lost is asked for again.
    pub fn restart(&mut self) {
        self.open.clear();
        self.lost.clear();
        (self.looked_up, self.stalled) = (None, false);
    }

    /// What the machine is taken to say of a peer.
    pub fn score(&self, score: u8) -> u8 {
        if self.bug == Some(Bug::ScoreFalls) { score.saturating_sub(11) } else { score }
    }

    /// The checkpoint that the store writes in place of this one, if it does.
    pub fn checkpoint(&self, mut checkpoint: Checkpoint) -> Option<Checkpoint> {
        if self.bug != Some(Bug::LongestRunDropped) || checkpoint.subchains.len() <= MANY_RUNS {
            return None;
        }
        let (at, _) = checkpoint.subchains.iter().enumerate().max_by_key(|(_, run)| run.head - run.tail)?;
        checkpoint.subchains.remove(at);
        Some(checkpoint)
    }

    /// What becomes of an output.
    pub fn alter(&mut self, state: &State<'_>, output: Output) -> Output {
        match (self.bug, output) {
            (Some(Bug::WrongPeerBanned), Output::Penalize { peer, fault, verdict: Verdict::Banned }) => {
                let another = (0..state.peers.len() as u32).map(PeerId).find(|other| *other != peer);
                Output::Penalize { peer: another.unwrap_or(peer), fault, verdict: Verdict::Banned }
            }
            (Some(Bug::RangeLostAfterCancel), output) => {
                if let Output::Cancel(id) = &output
                    && let Some(at) = self.open.iter().position(|(open, _)| open == id)
                {
                    self.lost.push(self.open.swap_remove(at).1);
                }
                output
            }
            (
                Some(Bug::UnknownForkBlamed),
                Output::Event(Event::Stalled(StallReason::UnknownFork { number, hash, why })),
            ) => {
                let is_blamed = |peer: &SimPeer| peer.connected && peer.plan.behavior.is_honest();
                let Some(at) = state.peers.iter().position(is_blamed) else {
                    return Output::Event(Event::Stalled(StallReason::UnknownFork { number, hash, why }));
                };
                let error = HeaderError::TooManyFields;
                let fault = PeerFault::Undecodable { number: number.unwrap_or_default(), error };
                Output::Penalize { peer: PeerId(at as u32), fault, verdict: Verdict::Banned }
            }
            (Some(Bug::ClaimsAreBelieved), Output::Event(Event::Stalled(StallReason::RangeUnavailable(missing)))) => {
                let claims = |peer: &SimPeer| peer.connected && peer.served(state.pool).earliest <= missing.first();
                let claimed = state.peers.iter().any(claims);
                let reason = StallReason::RangeUnavailable(missing);
                Output::Event(Event::Stalled(if claimed { StallReason::NoProgress } else { reason }))
            }
            (Some(Bug::PruneBlamedTwice), Output::Event(Event::HeadersLinked { range, peer })) => {
                let known = state.peers.get(peer.0 as usize);
                match known.filter(|known| known.said_earliest.is_some()) {
                    None => Output::Event(Event::HeadersLinked { range, peer }),
                    Some(known) => {
                        let fault = PeerFault::EmptyResponse { start: known.earliest.saturating_sub(1) };
                        Output::Penalize { peer, fault, verdict: Verdict::Warned }
                    }
                }
            }
            (Some(Bug::SilenceBlamedTwice), output) => {
                if let Output::Penalize { peer, fault: PeerFault::Timeout, .. } = &output {
                    self.silent = Some((*peer, state.now));
                    return output;
                }
                match self.silent.take().filter(|(_, at)| *at == state.now) {
                    Some((peer, _)) => Output::Penalize { peer, fault: PeerFault::Timeout, verdict: Verdict::Warned },
                    None => output,
                }
            }
            (Some(Bug::LookupsWithoutEnd), Output::Lookup { id, numbers }) => {
                self.looked_up = Some((id, numbers.clone()));
                Output::Lookup { id, numbers }
            }
            (Some(Bug::LookupsWithoutEnd), Output::Timeout(at)) => match &self.looked_up {
                Some((id, numbers)) => Output::Lookup { id: *id, numbers: numbers.clone() },
                None => Output::Timeout(at),
            },
            (Some(Bug::ReorgTooDeep), Output::Unwind { to, checkpoint }) => {
                Output::Unwind { to: to.saturating_sub(TOO_DEEP), checkpoint }
            }
            (Some(Bug::SleepIsNoProgress), Output::Event(Event::Progress(progress))) => {
                let woke = state.wakes_at > 0 && state.now >= state.wakes_at && !self.stalled;
                self.stalled |= woke;
                Output::Event(if woke { Event::Stalled(StallReason::NoProgress) } else { Event::Progress(progress) })
            }
            (Some(Bug::StallsWithoutEnd), Output::Event(Event::HeadersLinked { .. })) => {
                self.stalled = !self.stalled;
                Output::Event(if self.stalled { Event::Stalled(StallReason::NoProgress) } else { Event::Resumed })
            }
            (_, output) => output,
        }
    }

    /// Does the request vanish?
    pub fn swallows(&mut self, state: &State<'_>, request: &HeadersRequest) -> bool {
        let pool = state.pool;
        if self.bug == Some(Bug::HonestNotAsked) {
            self.requests += 1;
            let is_honest = |peer: &SimPeer| peer.plan.behavior.is_honest();
            let attacked = state.peers.iter().any(|peer| peer.connected && !is_honest(peer));
            let asked = state.peers.get(request.peer.0 as usize).is_some_and(is_honest);
            return attacked && asked && !self.requests.is_multiple_of(10);
        }
        // A question for one header is about the target, not a part of the range.
        if self.bug != Some(Bug::RangeLostAfterCancel) || request.limit == 1 {
            return false;
        }
        let last = match request.start {
            StartBlock::Number(number) => Some(number),
            StartBlock::Hash(hash) => pool.locate(hash).map(|(_, number)| number),
        };
        let Some(last) = last else { return false };
        let Some(range) = BlockRange::new(last.saturating_sub(u64::from(request.limit) - 1), last) else {
            return false;
        };
        self.open.push((request.id, range));
        self.lost.iter().any(|lost| lost.intersection(range).is_some())
    }
}
