//! Votes that wait for a majority.
//!
//! A signer has one vote about an account: a new vote replaces the old one. A vote that would change nothing (for a
//! signer, against another account) is not stored, so all votes about an account have the same direction and their
//! number is the tally.

use alloc::collections::BTreeMap;
use alloy_primitives::Address;

/// Open votes: account, voter, and for (`true`) or against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Votes {
    cast: BTreeMap<(Address, Address), bool>,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    /// The account.
    pub(super) about: Address,
    /// The voter.
    pub(super) by: Address,
    /// For the account?
    pub(super) authorize: bool,
}

impl Votes {
    /// Number of open votes.
    pub(super) fn len(&self) -> usize {
        self.cast.len()
    }

    /// Would this vote be an additional one?
    pub(super) fn would_add(&self, vote: &Vote, is_signer: bool) -> bool {
        vote.authorize != is_signer && !self.cast.contains_key(&(vote.about, vote.by))
    }

    /// Adds a vote, in place of an earlier one of the same voter about this account. `is_signer`: is the account a
    /// signer now?
    pub(super) fn cast(&mut self, vote: Vote, is_signer: bool) {
        let key = (vote.about, vote.by);
        if vote.authorize == is_signer {
            self.cast.remove(&key);
        } else {
            self.cast.insert(key, vote.authorize);
        }
    }

    /// Votes about an account.
    pub(super) fn count(&self, about: Address) -> usize {
        self.about(about).count()
    }

    /// The account was added or removed: its votes are settled.
    pub(super) fn settle(&mut self, about: Address) {
        self.cast.retain(|(account, _), _| *account != about);
    }

    /// The account was removed: its own votes no longer count.
    pub(super) fn forget_caster(&mut self, by: Address) {
        self.cast.retain(|(_, caster), _| *caster != by);
    }

    /// Removes all votes, at a checkpoint.
    pub(super) fn clear(&mut self) {
        self.cast.clear();
    }

    /// All votes, by account and voter.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vote> {
        self.cast.iter().map(|((about, by), authorize)| Vote { about: *about, by: *by, authorize: *authorize })
    }

    /// The votes that [`iter`](Self::iter) gave.
    pub(super) fn from_votes(votes: &[Vote]) -> Self {
        Self { cast: votes.iter().map(|vote| ((vote.about, vote.by), vote.authorize)).collect() }
    }

    fn about(&self, about: Address) -> impl Iterator<Item = (&(Address, Address), &bool)> {
        self.cast.range((about, Address::ZERO)..=(about, Address::repeat_byte(0xff)))
    }
}
