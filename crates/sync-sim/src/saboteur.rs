//! Deliberate bugs, between the machine and the world: they show that the checkers bite.

use sync_core::{
    Event, HeadersRequest, Output, StallReason, StartBlock,
    fault::{PeerFault, Verdict},
    header::HeaderError,
    id::PeerId,
    range::BlockRange,
};

use crate::{chain::Pool, peer::SimPeer, state::State};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The store writes a batch's checkpoint in a transaction of its own, before the batch.
    CheckpointBeforeBatch,
    /// Another peer is banned than the one at fault.
    WrongPeerBanned,
    /// Once a request is cancelled its numbers are never asked for again: whoever is asked for them later is asked in vain.
    RangeLostAfterCancel,
    /// A header of a fork that is not known is held against the peers that send it.
    UnknownForkBlamed,
    /// The sync goes down to the highest lowest block that any peer claims, and is said to be whole there.
    FloorFromClaims,
    /// That a range cannot be had is not said while anybody claims to serve it.
    ClaimsAreBelieved,
}

/// Plays a bug. See the [module](self).
#[derive(Debug, Default)]
pub struct Saboteur {
    bug: Option<Bug>,
    open: Vec<(sync_core::id::RequestId, BlockRange)>,
    lost: Vec<BlockRange>,
}

impl Saboteur {
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
    }

    /// What the machine is taken to say of a peer.
    pub fn score(&self, score: u8) -> u8 {
        score
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
                let is_blamed = |peer: &SimPeer| peer.connected && peer.plan.manner.is_honest();
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
            (_, output) => output,
        }
    }

    /// Does the request vanish?
    pub fn swallows(&mut self, pool: &Pool, request: &HeadersRequest) -> bool {
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
