//! The state of clique: signers, their votes, and recent signers.
//!
//! [`Snapshot::apply`] applies one header. It checks everything first and changes nothing on an error.

use alloc::collections::{BTreeMap, BTreeSet};
use alloy_primitives::{Address, B256, U256, keccak256};

use super::{
    Clique, CliqueViolation,
    form::{self, NONCE_AUTH},
    seal::{Extra, signer_of},
    vote::{Vote, Votes},
};
use crate::limits::CLIQUE_VOTES_MAX;
use header_rules::{block::BlockNumHash, chain::CLIQUE_SIGNERS_MAX, header::Header, range::BlockNumber};

/// Difficulty of a header that its signer made in its turn (EIP-225, `DIFF_INTURN`).
const DIFFICULTY_IN_TURN: u64 = 2;
/// Difficulty of other headers (`DIFF_NOTURN`).
const DIFFICULTY_OUT_OF_TURN: u64 = 1;

/// The state of clique after one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub(super) clique: Clique,
    /// The last applied header, and its timestamp.
    pub(super) number: BlockNumber,
    pub(super) hash: B256,
    pub(super) timestamp: u64,
    pub(super) signers: BTreeSet<Address>,
    /// Signers of the last headers that still have to wait: at most half the signers and one.
    pub(super) recents: BTreeMap<BlockNumber, Address>,
    pub(super) votes: Votes,
}

impl Snapshot {
    /// Starts at a checkpoint or at genesis, whose hash the caller trusts, with the listed signers. The signers of the
    /// previous headers are unknown, so for half the signers' number of headers a signer that should wait is not
    /// detected; genesis has no previous headers.
    pub fn from_checkpoint(clique: Clique, rlp: &[u8]) -> Result<Self, CliqueViolation> {
        let header = Header::decode(rlp).map_err(CliqueViolation::Undecodable)?;
        let number = header.number;
        if !clique.is_checkpoint(number) {
            return Err(CliqueViolation::NotACheckpoint { number, epoch: clique.epoch() });
        }
        // Genesis has no seal: only its list is read.
        let extra = if number == 0 { Extra::of(header.extra_data)? } else { form::check(clique, &header)? };
        let signers = listed(&extra)?;
        let mut recents = BTreeMap::new();
        if number != 0 {
            let signer = signer_of(rlp, &extra)?;
            if !signers.contains(&signer) {
                return Err(CliqueViolation::Unauthorized { signer });
            }
            recents.insert(number, signer);
        }
        let (hash, timestamp) = (keccak256(rlp), header.timestamp);
        Ok(Self { clique, number, hash, timestamp, signers, recents, votes: Votes::default() })
    }

    /// The last applied header.
    pub fn block(&self) -> BlockNumHash {
        BlockNumHash { number: self.number, hash: self.hash }
    }

    /// The signers, rising.
    pub fn signers(&self) -> impl ExactSizeIterator<Item = Address> {
        self.signers.iter().copied()
    }

    /// Votes that wait for a majority.
    pub fn open_votes(&self) -> usize {
        self.votes.len()
    }

    /// Checks the next header, applies it, and returns its signer. An error changes nothing.
    pub fn apply(&mut self, rlp: &[u8]) -> Result<Address, CliqueViolation> {
        let header = Header::decode(rlp).map_err(CliqueViolation::Undecodable)?;
        self.check_parent(&header)?;
        let extra = form::check(self.clique, &header)?;
        if self.clique.is_checkpoint(header.number) {
            self.check_list(&extra)?;
        }
        let signer = signer_of(rlp, &extra)?;
        self.check_signer(&header, signer)?;
        let vote = Vote { about: header.beneficiary, by: signer, authorize: header.nonce == NONCE_AUTH };
        self.check_room(&vote)?;

        (self.number, self.hash, self.timestamp) = (header.number, keccak256(rlp), header.timestamp);
        if self.clique.is_checkpoint(header.number) {
            self.votes.clear();
        }
        self.recents.insert(header.number, signer);
        self.vote(&vote);
        self.forget_old();
        Ok(signer)
    }

    /// In so many consecutive headers a signer may sign one (EIP-225, `SIGNER_LIMIT`). Also the number of votes of a
    /// majority.
    fn limit(&self) -> usize {
        self.signers.len() / 2 + 1
    }

    fn check_parent(&self, header: &Header<'_>) -> Result<(), CliqueViolation> {
        let expected = self.number.saturating_add(1);
        if header.number != expected || header.number == self.number {
            return Err(CliqueViolation::Number { got: header.number, expected });
        }
        if header.parent_hash != self.hash {
            return Err(CliqueViolation::Parent { got: header.parent_hash, expected: self.hash });
        }
        let earliest = self.timestamp.saturating_add(self.clique.period());
        if header.timestamp < earliest {
            return Err(CliqueViolation::Timestamp { got: header.timestamp, earliest });
        }
        Ok(())
    }

    /// A checkpoint lists the signers, rising.
    fn check_list(&self, extra: &Extra<'_>) -> Result<(), CliqueViolation> {
        if extra.signers()?.eq(self.signers()) {
            return Ok(());
        }
        Err(CliqueViolation::SignerList { got: extra.signers()?.collect(), expected: self.signers().collect() })
    }

    /// The signer must be in the list, must not have to wait, and must use the difficulty of its turn.
    fn check_signer(&self, header: &Header<'_>, signer: Address) -> Result<(), CliqueViolation> {
        let Some(index) = self.signers.iter().position(|known| *known == signer) else {
            return Err(CliqueViolation::Unauthorized { signer });
        };
        let limit = self.limit() as u64;
        let recent = self.recents.iter().find(|(at, by)| **by == signer && header.number - **at < limit);
        if let Some((at, _)) = recent {
            return Err(CliqueViolation::SignedRecently { signer, at: *at, limit });
        }
        let in_turn = header.number % self.signers.len() as u64 == index as u64;
        let expected = if in_turn { DIFFICULTY_IN_TURN } else { DIFFICULTY_OUT_OF_TURN };
        if header.difficulty == U256::from(expected) {
            Ok(())
        } else {
            Err(CliqueViolation::Difficulty { got: header.difficulty, expected })
        }
    }

    /// Votes stay within the limit. The zeros of a checkpoint are not a vote.
    fn check_room(&self, vote: &Vote) -> Result<(), CliqueViolation> {
        let is_signer = self.signers.contains(&vote.about);
        if self.votes.len() >= CLIQUE_VOTES_MAX && self.votes.would_add(vote, is_signer) {
            return Err(CliqueViolation::TooManyVotes { max: CLIQUE_VOTES_MAX });
        }
        if self.signers.len() >= CLIQUE_SIGNERS_MAX && vote.authorize && !is_signer {
            return Err(CliqueViolation::TooManySigners { max: CLIQUE_SIGNERS_MAX });
        }
        Ok(())
    }

    /// Casts a vote and, if its account now has a majority for or against it, adds or removes the account. Only this
    /// account: a change never triggers another one (EIP-225, "Cascading votes").
    fn vote(&mut self, vote: &Vote) {
        let is_signer = self.signers.contains(&vote.about);
        self.votes.cast(*vote, is_signer);
        if self.votes.count(vote.about) < self.limit() {
            return;
        }
        if is_signer {
            self.signers.remove(&vote.about);
            self.votes.forget_caster(vote.about);
        } else {
            self.signers.insert(vote.about);
        }
        self.votes.settle(vote.about);
    }

    /// Drops signers that may sign again. With fewer signers that is sooner.
    fn forget_old(&mut self) {
        let (number, limit) = (self.number, self.limit() as u64);
        self.recents.retain(|at, _| number - at < limit);
    }
}

/// The signers that a trusted checkpoint lists.
fn listed(extra: &Extra<'_>) -> Result<BTreeSet<Address>, CliqueViolation> {
    let list = extra.signers()?;
    if list.len() > CLIQUE_SIGNERS_MAX {
        return Err(CliqueViolation::TooManySigners { max: CLIQUE_SIGNERS_MAX });
    }
    let mut signers = BTreeSet::new();
    for signer in list {
        if !signers.insert(signer) {
            return Err(CliqueViolation::SignerTwice { signer });
        }
    }
    if signers.is_empty() { Err(CliqueViolation::NoSigners) } else { Ok(signers) }
}
