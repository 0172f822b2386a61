//! Votes that wait for a majority.
//!
//! A signer has one vote about an account: a new one takes the old one's place. A vote that would change nothing (for a
//! signer, against a stranger) is not kept, so all votes about an account point the same way and their count is the
//! tally.

use alloc::collections::BTreeMap;
use alloy_primitives::Address;

/// Open votes: whom they are about, who cast them, and for (`true`) or against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Votes {
    cast: BTreeMap<(Address, Address), bool>,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    /// Whom it is about.
    pub(super) about: Address,
    /// Who cast it.
    pub(super) by: Address,
    /// For, or against?
    pub(super) authorize: bool,
}

impl Votes {
    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.cast.len()
    }

    /// Would this vote be one more?
    pub(super) fn would_add(&self, vote: &Vote, is_signer: bool) -> bool {
        vote.authorize != is_signer && !self.cast.contains_key(&(vote.about, vote.by))
    }

    /// Takes a vote, in place of what its caster said about this account before. `is_signer`: may the account sign now?
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

    /// The account changed sides: what was said about it is settled.
    pub(super) fn settle(&mut self, about: Address) {
        self.cast.retain(|(account, _), _| *account != about);
    }

    /// A signer was voted out: its voice counts no more.
    pub(super) fn forget_caster(&mut self, by: Address) {
        self.cast.retain(|(_, caster), _| *caster != by);
    }

    /// A checkpoint begins without votes.
    pub(super) fn clear(&mut self) {
        self.cast.clear();
    }

    /// All votes, by account and caster.
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
