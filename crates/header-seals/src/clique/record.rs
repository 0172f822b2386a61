//! The stored form of a snapshot, so that an audit continues after a restart.
//!
//! It does not contain the parameters of the genesis: the reader passes them in.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use super::{
    Clique, Snapshot,
    vote::{Vote, Votes},
};
use crate::limits::CLIQUE_VOTES_MAX;
use header_rules::{chain::CLIQUE_SIGNERS_MAX, range::BlockNumber};

#[derive(RlpEncodable, RlpDecodable)]
struct Record {
    number: BlockNumber,
    hash: B256,
    timestamp: u64,
    signers: Vec<Address>,
    recents: Vec<Recent>,
    votes: Vec<CastVote>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Recent {
    number: BlockNumber,
    signer: Address,
}

#[derive(RlpEncodable, RlpDecodable)]
struct CastVote {
    about: Address,
    by: Address,
    authorize: bool,
}

impl Snapshot {
    /// The snapshot as bytes (RLP): 20 bytes a signer, 50 an open vote.
    pub fn encode(&self) -> Vec<u8> {
        let record = Record {
            number: self.number,
            hash: self.hash,
            timestamp: self.timestamp,
            signers: self.signers().collect(),
            recents: self.recents.iter().map(|(number, signer)| Recent { number: *number, signer: *signer }).collect(),
            votes: self.votes.iter().map(|Vote { about, by, authorize }| CastVote { about, by, authorize }).collect(),
        };
        let mut out = Vec::with_capacity(record.length());
        Encodable::encode(&record, &mut out);
        out
    }

    /// Reads the bytes of [`encode`](Self::encode). `None` for any other bytes; the caller then starts at a checkpoint.
    pub fn decode(clique: Clique, mut bytes: &[u8]) -> Option<Self> {
        let record = <Record as Decodable>::decode(&mut bytes).ok()?;
        let votes: Vec<Vote> = record
            .votes
            .iter()
            .map(|cast| Vote { about: cast.about, by: cast.by, authorize: cast.authorize })
            .collect();
        let snapshot = Self {
            clique,
            number: record.number,
            hash: record.hash,
            timestamp: record.timestamp,
            signers: record.signers.iter().copied().collect(),
            recents: record.recents.iter().map(|recent| (recent.number, recent.signer)).collect(),
            votes: Votes::from_votes(&votes),
        };
        let whole = bytes.is_empty()
            && snapshot.signers().eq(record.signers.iter().copied())
            && snapshot.recents.len() == record.recents.len()
            && snapshot.votes.iter().eq(votes);
        (whole && snapshot.is_sound()).then_some(snapshot)
    }

    /// Are the parts consistent and within their limits?
    fn is_sound(&self) -> bool {
        let limit = self.signers.len() as u64 / 2 + 1;
        let lately = |at: &BlockNumber| *at <= self.number && self.number - at < limit;
        self.signers.len() <= CLIQUE_SIGNERS_MAX
            && self.votes.len() <= CLIQUE_VOTES_MAX
            && self.recents.keys().all(lately)
            && self
                .votes
                .iter()
                .all(|vote| self.signers.contains(&vote.by) && vote.authorize != self.signers.contains(&vote.about))
    }
}
