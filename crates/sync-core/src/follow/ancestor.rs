//! The search for the highest block that the stored chain and the target's chain share.
//!
//! The target's chain is verified down to a height at which the stored one differs. Its next headers are fetched by
//! their hashes and compared: up to [`ANCESTOR_VERIFY_MAX`] under that height no claim of a peer is needed. Below,
//! peers are asked for single headers: 1, 2, 4, ... under that height until one is the stored header, then by halves
//! between the last two. So a fork of depth D takes about `2 log2 D` requests.
//!
//! ```text
//!   stored   ..=====o=========o====o==o=o X      X: verified to differ
//!   asked           4th       3rd  2nd  1st      the 3rd is the stored header: halve between 3rd and 2nd
//! ```
//!
//! Each number has its witnesses, at most [`ANCESTOR_PEERS_MAX`] peers drawn from the seed when it is opened, and one
//! deadline. A peer that connects later waits for the next number, and a witness that does not respond in time is asked
//! again only when no other witness responds. A response of a witness is a [`Claim`], not verified. The highest claimed
//! match is taken for the ancestor; the download goes down to it, and there the hash link either meets or does not.
//! When it does not, that claim was invalid: the search goes on below ([`AncestorSearch::refute`]), and its peer is
//! reported once the verified chain has passed its number ([`AncestorSearch::contradicted`]).
//!
//! A malicious peer costs one search below its invalid claim, and is banned for it. A peer that denies a true match
//! makes the ancestor lower only where every witness does so; and before the search ends without an ancestor, all peers
//! of the target's chain are asked once for the lowest block ([`AncestorSearch::ask_all_peers`]).
//!
//! Bounded: one number in question at a time, at most [`ANCESTOR_CLAIMS_MAX`] claims.

use alloc::vec::Vec;
use core::time::Duration;

use alloy_primitives::B256;

use crate::{
    config::{ANCESTOR_CLAIMS_MAX, ANCESTOR_PEERS_MAX, ANCESTOR_VERIFY_MAX, ANCESTOR_VERIFY_START, PEERS_MAX},
    id::PeerId,
    time::Instant,
};
use header_rules::range::BlockNumber;
use sorted::SortedSet;

/// A peer's claim of the target's chain at one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The number.
    pub number: BlockNumber,
    /// The peer that made the claim.
    pub peer: PeerId,
    /// Hash of the header that it sent.
    pub hash: B256,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The highest block that both chains have, verified or claimed.
    Ancestor(BlockNumber),
    /// No shared block is verified or claimed, down to the lowest number that may be asked for.
    Nothing,
}

/// The peers that may be witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Electorate {
    /// A sample, drawn from the seed.
    Sample,
    /// All peers, for the lowest number.
    AllPeers,
    /// All peers were asked.
    AllAsked,
}

/// One search. See the [module](self).
#[derive(Clone, Debug)]
pub struct AncestorSearch {
    /// Where the steps of 1, 2, 4, ... are measured from; the chains are verified to differ here.
    top: BlockNumber,
    /// The lowest number at which the chains are verified, or claimed, to differ.
    differs: BlockNumber,
    /// The highest number at which a shared block is verified or claimed.
    same: Option<BlockNumber>,
    lowest: BlockNumber,
    /// Both chains have the block at `lowest` (genesis), whatever is claimed.
    rooted: bool,
    step: u64,
    /// Hashes of the target's chain under `top`, falling, as they were verified.
    verified: Vec<B256>,
    electorate: Electorate,
    /// The peers that were asked for the number in question; `deadline` ends the wait for them.
    witnesses: Vec<PeerId>,
    deadline: Instant,
    /// Peers without a response in time, in the whole search: they are not witnesses again while others respond.
    silent: SortedSet<PeerId>,
    claims: Vec<Claim>,
}

impl AncestorSearch {
    /// A search under `differs`, where the chains are verified to differ, down to `lowest`. With `rooted` the block at
    /// `lowest` is known to be on both (the genesis of the chain), so that the search always ends with an ancestor.
    pub fn new(differs: BlockNumber, lowest: BlockNumber, rooted: bool) -> Self {
        let mut search = Self {
            top: differs,
            differs,
            same: None,
            lowest,
            rooted,
            step: 1,
            verified: Vec::new(),
            electorate: Electorate::Sample,
            witnesses: Vec::new(),
            deadline: Instant::ZERO,
            silent: SortedSet::new(),
            claims: Vec::new(),
        };
        search.settle_root();
        search
    }

    /// The number in question; `None` once the search has ended.
    pub fn number(&self) -> Option<BlockNumber> {
        match self.same {
            Some(same) if same + 1 >= self.differs => None,
            Some(same) => Some(same + (self.differs - same) / 2),
            None if self.electorate == Electorate::AllPeers => Some(self.lowest),
            None => (self.differs > self.lowest).then(|| self.next_down()),
        }
    }

    /// How the search ended; `None` while it goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        if self.number().is_some() {
            return None;
        }
        Some(self.same.map_or(Outcome::Nothing, Outcome::Ancestor))
    }

    /// The number down to which headers must be fetched by hash before peers are asked; `None` when enough are
    /// verified.
    pub fn needs_verified(&self) -> Option<BlockNumber> {
        let number = self.number()?;
        let lowest_verified = self.top - self.verified.len() as u64;
        let all = if self.verified.is_empty() { ANCESTOR_VERIFY_START } else { ANCESTOR_VERIFY_MAX };
        let down_to = self.top.saturating_sub(all).max(self.lowest);
        (number < lowest_verified && down_to < lowest_verified).then_some(down_to)
    }

    /// Adds the next verified hashes of the target's chain, falling.
    pub fn add_verified(&mut self, hashes: &[B256]) {
        let room = (ANCESTOR_VERIFY_MAX as usize).saturating_sub(self.verified.len());
        self.verified.extend(hashes.iter().take(room));
        debug_assert!(
            self.verified.len() as u64 <= self.top,
            "{} hashes are verified under {}",
            self.verified.len(),
            self.top
        );
    }

    /// The hash of the target's chain at this number, if it was verified.
    pub fn verified_at(&self, number: BlockNumber) -> Option<B256> {
        let under = self.top.checked_sub(number)?.checked_sub(1)?;
        self.verified.get(usize::try_from(under).ok()?).copied()
    }

    /// Decides the number in question: the chains share its block, or not.
    pub fn decide(&mut self, is_same: bool) {
        let Some(number) = self.number() else { return };
        if is_same {
            self.same = Some(number);
            // No denial of a peer above is verified.
            if self.electorate == Electorate::AllPeers {
                self.differs = self.top - self.verified.len() as u64;
            }
        } else {
            self.differs = self.differs.min(number);
            self.step = self.step.saturating_mul(2);
        }
        if self.electorate == Electorate::AllPeers {
            self.electorate = Electorate::AllAsked;
        }
        self.witnesses.clear();
        self.settle_root();
        debug_assert!(self.differs <= self.top, "the chains differ at {}, above {}", self.differs, self.top);
        debug_assert!(self.same.is_none_or(|same| same < self.differs), "the chains differ under a shared header");
    }

    /// No shared block is claimed: all peers are to be asked once. `false` when all were, or when it is verified that
    /// nothing is shared.
    pub fn ask_all_peers(&mut self) -> bool {
        let lowest_verified = self.top - self.verified.len() as u64;
        let is_new = self.electorate == Electorate::Sample && self.lowest < lowest_verified;
        if is_new {
            self.electorate = Electorate::AllPeers;
            self.witnesses.clear();
            self.silent.clear();
        }
        is_new
    }

    /// How many witnesses the number in question has at most.
    pub fn witnesses_max(&self) -> usize {
        if self.electorate == Electorate::AllPeers { PEERS_MAX } else { ANCESTOR_PEERS_MAX }
    }

    /// Has the number in question its witnesses?
    pub fn is_open(&self) -> bool {
        !self.witnesses.is_empty()
    }

    /// Opens the number in question for these witnesses alone; their responses are awaited until `deadline`.
    pub fn open(&mut self, witnesses: Vec<PeerId>, deadline: Instant) {
        debug_assert!(!witnesses.is_empty(), "a number is put to no peer");
        debug_assert!(witnesses.len() <= self.witnesses_max(), "{} witnesses for one number", witnesses.len());
        debug_assert!(self.number().is_some(), "witnesses for a search that has ended");
        self.witnesses = witnesses;
        self.deadline = deadline;
    }

    /// When the wait for the witnesses ends.
    pub fn deadline(&self) -> Option<Instant> {
        self.is_open().then_some(self.deadline)
    }

    /// The host slept for `by`: moves the deadline, to `not_before` at least.
    pub fn shift(&mut self, by: Duration, not_before: Instant) {
        self.deadline = (self.deadline + by).max(not_before);
    }

    /// The peer did not respond, or has no block there: it is not asked for the next numbers.
    pub fn note_silent(&mut self, peer: PeerId) {
        self.silent.insert(peer);
    }

    /// Did this peer not respond in this search?
    pub fn is_silent(&self, peer: PeerId) -> bool {
        self.silent.contains(&peer)
    }

    /// No witness responded: they, and others, may be asked again.
    pub fn ask_again(&mut self) {
        self.witnesses.clear();
        self.silent.clear();
    }

    /// Is any peer of this search silent?
    pub fn has_silent(&self) -> bool {
        !self.silent.is_empty()
    }

    /// Keeps a peer's claim, also a late one for another number than the one in question.
    pub fn claim(&mut self, claim: Claim) {
        self.silent.remove(&claim.peer);
        if self.claims.len() < ANCESTOR_CLAIMS_MAX {
            self.claims.push(claim);
        }
        debug_assert!(!self.is_silent(claim.peer), "{} responded and counts as silent", claim.peer);
    }

    /// Compares the responses with the stored hash and goes on to the next number. A match decides at once, a denial
    /// when no witness is awaited any more. Without any response other witnesses are chosen. `true` when something
    /// changed.
    pub fn judge(&mut self, now: Instant, stored: Option<B256>) -> bool {
        let Some(number) = self.number() else { return false };
        let responded = |peer: PeerId| self.claims.iter().any(|claim| claim.number == number && claim.peer == peer);
        let is_same = self.claims.iter().any(|claim| claim.number == number && Some(claim.hash) == stored);
        if stored.is_none() || is_same {
            self.decide(is_same);
            return true;
        }
        if !self.is_open() {
            return false;
        }
        let waited_for = |peer: &&PeerId| !responded(**peer) && !self.silent.contains(*peer);
        let missing: Vec<PeerId> = self.witnesses.iter().filter(waited_for).copied().collect();
        if !missing.is_empty() && now < self.deadline {
            return false;
        }
        let denied = self.witnesses.iter().any(|peer| responded(*peer));
        missing.into_iter().for_each(|peer| self.note_silent(peer));
        if denied {
            self.decide(false);
        }
        self.witnesses.clear();
        true
    }

    /// The verified chain has another header at `number` than the stored one: claims of a match there, or above, were
    /// invalid. The search goes on below.
    pub fn refute(&mut self, number: BlockNumber) {
        self.top = number;
        self.differs = number;
        self.same = None;
        self.step = 1;
        self.verified.clear();
        self.electorate = Electorate::Sample;
        self.witnesses.clear();
        self.settle_root();
    }

    /// Goes on in an older stored run, under a height at which that one is verified to differ.
    pub fn go_on(&mut self, differs: BlockNumber, lowest: BlockNumber, rooted: bool) {
        (self.lowest, self.rooted) = (lowest, rooted);
        self.refute(differs);
    }

    /// Takes the claims at `number` out, and returns those that the verified hash contradicts.
    pub fn contradicted(&mut self, number: BlockNumber, verified: B256) -> Vec<Claim> {
        let mut wrong = Vec::new();
        self.claims.retain(|claim| {
            if claim.number == number && claim.hash != verified {
                wrong.push(*claim);
            }
            claim.number != number
        });
        wrong
    }

    /// The numbers of all claims inside `first..=last`.
    pub fn claimed_numbers(&self, first: BlockNumber, last: BlockNumber) -> SortedSet<BlockNumber> {
        self.claims.iter().map(|claim| claim.number).filter(|number| (first..=last).contains(number)).collect()
    }

    fn next_down(&self) -> BlockNumber {
        debug_assert!(self.differs > self.lowest, "no number is left between {} and {}", self.lowest, self.differs);
        self.top.saturating_sub(self.step).max(self.lowest).min(self.differs - 1)
    }

    /// The block at the root needs no request.
    fn settle_root(&mut self) {
        if self.rooted && self.same.is_none() && self.differs > self.lowest && self.next_down() == self.lowest {
            self.same = Some(self.lowest);
        }
    }
}

#[cfg(test)]
mod tests;
