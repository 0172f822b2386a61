//! [`Votes`]: the hashes that peers claim at the numbers in question.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{config::VOTES_PER_PEER_MAX, id::PeerId, io::BlockNumHash};
use header_rules::range::BlockNumber;
use sorted::SortedMap;

/// The votes of all peers.
#[derive(Debug, Default)]
pub struct Votes {
    ballots: SortedMap<PeerId, Ballot>,
}

/// One peer's votes, valid for one announcement of its tip.
#[derive(Debug)]
struct Ballot {
    /// Its own tip when it was asked.
    latest_hash: B256,
    /// One entry for each number in question, the oldest first; at most [`VOTES_PER_PEER_MAX`].
    hashes: Vec<(BlockNumber, Option<B256>)>,
}

impl Votes {
    /// Forgets the peer's votes: it is asked again.
    pub fn forget(&mut self, peer: PeerId) {
        self.ballots.remove(&peer);
    }

    /// Notes the vote of the peer, whose own tip is `latest_hash`, at `number`; `None` when it has no block there, or
    /// could not be asked.
    pub fn note(&mut self, peer: PeerId, latest_hash: B256, number: BlockNumber, vote: Option<B256>) {
        let ballot = self.ballots.get_or_insert_with(peer, || Ballot { latest_hash, hashes: Vec::new() });
        ballot.hashes.retain(|(known, _)| *known != number);
        // The oldest vote goes, never the newest: it would be requested again.
        if ballot.hashes.len() >= VOTES_PER_PEER_MAX {
            ballot.hashes.remove(0);
        }
        ballot.hashes.push((number, vote));
        debug_assert!(ballot.hashes.len() <= VOTES_PER_PEER_MAX, "{} votes of {peer}", ballot.hashes.len());
    }

    /// The peer's vote at `number`; `None` when it was not asked.
    pub fn of(&self, peer: PeerId, number: BlockNumber) -> Option<Option<B256>> {
        let hashes = &self.ballots.get(&peer)?.hashes;
        hashes.iter().find(|(known, _)| *known == number).map(|(_, vote)| *vote)
    }

    /// Did the peer, whose own tip is `latest_hash` now, vote for this block?
    pub fn names(&self, peer: PeerId, latest_hash: B256, block: BlockNumHash) -> bool {
        let is_of_now = self.ballots.get(&peer).is_some_and(|ballot| ballot.latest_hash == latest_hash);
        is_of_now && self.of(peer, block.number) == Some(Some(block.hash))
    }

    /// Forgets the votes of peers that have another tip now, or none.
    pub fn keep_only(&mut self, latest_hash: impl Fn(PeerId) -> Option<B256>) {
        self.ballots.retain(|peer, ballot| latest_hash(*peer) == Some(ballot.latest_hash));
    }
}
