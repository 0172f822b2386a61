//! The search for the highest block that the stored chain and the target's chain share.
//!
//! The target's chain is proven down to a height at which the stored one differs. Below it peers are asked for single
//! headers: 1, 2, 4, ... under that height until one is the stored header, then by halves between the last two. So a fork
//! of depth D takes about `2 log2 D` questions, each put to at most [`ANCESTOR_PEERS_MAX`] peers.
//!
//! ```text
//!   stored   ..=====o=========o====o==o=o X      X: proven to differ
//!   asked           4th       3rd  2nd  1st      the 3rd is the stored header: halve between 3rd and 2nd
//! ```
//!
//! What a peer answers is a [`Claim`], never a proof. The highest claimed match is taken for the ancestor; the download
//! goes down to it, and there the hash link either meets or does not. When it does not, that claim was false: the search
//! goes on below ([`AncestorSearch::refute`]), and whoever made it is named once the proven chain has passed its number
//! ([`AncestorSearch::contradicted`]). A liar costs one search below its lie, and its place among the peers. One who
//! denies a true match only makes the ancestor lower, as long as nobody who was asked tells the truth.
//!
//! A peer that does not answer in time holds up one number, not each: another is asked in its place, and it is asked again
//! only when nobody else answers.
//!
//! Bounded: one number in question at a time, at most [`ANCESTOR_CLAIMS_MAX`] claims.

use alloc::vec::Vec;
use alloy_primitives::B256;

use crate::{
    config::{ANCESTOR_CLAIMS_MAX, ANCESTOR_PEERS_MAX},
    id::PeerId,
    range::BlockNumber,
    sorted::SortedSet,
};

/// What a peer says that the target's chain has at a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The number.
    pub number: BlockNumber,
    /// Whose word.
    pub peer: PeerId,
    /// Hash of the header that it sent.
    pub hash: B256,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The highest block that somebody says both chains have.
    Ancestor(BlockNumber),
    /// Down to the lowest number that may be asked for, nobody says so.
    Nothing,
}

/// One search. See the [module](self).
#[derive(Clone, Debug)]
pub struct AncestorSearch {
    /// Where the steps of 1, 2, 4, ... are measured from.
    top: BlockNumber,
    /// The lowest number at which the chains are proven, or said, to differ.
    differs: BlockNumber,
    /// The highest number at which somebody says that they do not.
    same: Option<BlockNumber>,
    lowest: BlockNumber,
    /// Both chains have the block at `lowest`, whatever anybody says.
    rooted: bool,
    step: u64,
    /// Who was asked for the number in question.
    asked: SortedSet<PeerId>,
    /// Who did not answer, or not in time, in the whole search: no number waits for it again while others answer.
    silent: SortedSet<PeerId>,
    claims: Vec<Claim>,
}

impl AncestorSearch {
    /// A search under `differs`, where the chains are proven to differ, down to `lowest`. With `rooted` the block at
    /// `lowest` is known to be on both (the genesis of the chain), so that the search always ends with an ancestor.
    pub fn new(differs: BlockNumber, lowest: BlockNumber, rooted: bool) -> Self {
        let mut search = Self {
            top: differs,
            differs,
            same: None,
            lowest,
            rooted,
            step: 1,
            asked: SortedSet::new(),
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

    /// May this peer be asked for the number in question?
    pub fn wants(&self, peer: PeerId) -> bool {
        let heard = self.asked.iter().filter(|peer| !self.silent.contains(peer)).count();
        heard < ANCESTOR_PEERS_MAX && !self.asked.contains(&peer) && !self.silent.contains(&peer)
    }

    /// The peer is asked for the number in question.
    pub fn asked(&mut self, peer: PeerId) {
        self.asked.insert(peer);
    }

    /// The peer did not answer, or has nothing to say: another takes its place, for this number and for those to come.
    pub fn note_silent(&mut self, peer: PeerId) {
        self.silent.insert(peer);
    }

    /// Is this peer's answer not waited for any more?
    pub fn is_silent(&self, peer: PeerId) -> bool {
        self.silent.contains(&peer)
    }

    /// Nobody who was asked answered: they, and others, may be asked again.
    pub fn ask_again(&mut self) {
        self.asked.clear();
        self.silent.clear();
    }

    /// Did anybody answer the number in question?
    pub fn is_answered(&self) -> bool {
        self.number().is_some_and(|number| self.claims.iter().any(|claim| claim.number == number))
    }

    /// Is there anybody who was asked and may be asked again?
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty() || !self.silent.is_empty()
    }

    /// A peer's answer. One that comes late, for another number than the one in question, is kept as a claim too.
    pub fn claim(&mut self, claim: Claim) {
        self.silent.remove(&claim.peer);
        if self.claims.len() < ANCESTOR_CLAIMS_MAX {
            self.claims.push(claim);
        }
    }

    /// Compares the answers with the stored hash and goes on to the next number. With `more` answers to come, only a match
    /// decides. `true` when the search moved.
    pub fn judge(&mut self, stored: Option<B256>, more: bool) -> bool {
        let Some(number) = self.number() else { return false };
        let mut answers = self.claims.iter().filter(|claim| claim.number == number).peekable();
        let answered = answers.peek().is_some();
        if stored.is_some() && answers.any(|claim| Some(claim.hash) == stored) {
            self.same = Some(number);
        } else if stored.is_none() || (answered && !more) {
            self.differs = number;
            self.step = self.step.saturating_mul(2);
        } else {
            return false;
        }
        self.asked.clear();
        self.settle_root();
        true
    }

    /// The proven chain has another header at `number` than the stored one: whoever claimed a match there, or above,
    /// was wrong. The search goes on below.
    pub fn refute(&mut self, number: BlockNumber) {
        self.top = number;
        self.differs = number;
        self.same = None;
        self.step = 1;
        self.asked.clear();
        self.settle_root();
    }

    /// Goes on in an older stored run, under a height at which that one is proven to differ.
    pub fn go_on(&mut self, differs: BlockNumber, lowest: BlockNumber, rooted: bool) {
        (self.lowest, self.rooted) = (lowest, rooted);
        self.refute(differs);
    }

    /// The claims that a proven header speaks against, each once; those that it agrees with are forgotten too.
    pub fn contradicted(&mut self, number: BlockNumber, proven: B256) -> Vec<Claim> {
        let mut wrong = Vec::new();
        self.claims.retain(|claim| {
            if claim.number == number && claim.hash != proven {
                wrong.push(*claim);
            }
            claim.number != number
        });
        wrong
    }

    /// The numbers that claims speak of, inside `first..=last`.
    pub fn claimed_numbers(&self, first: BlockNumber, last: BlockNumber) -> SortedSet<BlockNumber> {
        self.claims.iter().map(|claim| claim.number).filter(|number| (first..=last).contains(number)).collect()
    }

    fn next_down(&self) -> BlockNumber {
        self.top.saturating_sub(self.step).max(self.lowest).min(self.differs - 1)
    }

    /// The block at the bottom needs no question.
    fn settle_root(&mut self) {
        if self.rooted && self.same.is_none() && self.differs > self.lowest && self.next_down() == self.lowest {
            self.same = Some(self.lowest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(chain: u8, number: u64) -> B256 {
        let mut hash = B256::repeat_byte(chain);
        hash.0[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    /// Searches with one honest peer; returns the outcome and how many numbers were asked for.
    fn run(mut search: AncestorSearch, ancestor: u64) -> (Outcome, u32) {
        let mut questions = 0;
        loop {
            if let Some(outcome) = search.outcome() {
                return (outcome, questions);
            }
            let number = search.number().expect("it goes on");
            questions += 1;
            let chain = u8::from(number > ancestor);
            search.asked(PeerId(1));
            search.claim(Claim { number, peer: PeerId(1), hash: hash(chain, number) });
            assert!(search.judge(Some(hash(0, number)), false));
        }
    }

    #[test]
    fn i03_f05_finds_every_ancestor_in_logarithmic_questions() {
        for depth in (1..70).chain([100, 1_000, 5_000, 90_000]) {
            let head = 100_000;
            let (outcome, questions) = run(AncestorSearch::new(head, 0, false), head - depth);
            assert_eq!(outcome, Outcome::Ancestor(head - depth), "depth {depth}");
            assert!(questions <= 2 * depth.ilog2() + 2, "depth {depth}: {questions} questions");
        }
    }

    #[test]
    fn ends_at_the_lowest_number_that_may_be_asked_for() {
        assert_eq!(run(AncestorSearch::new(100, 40, false), 39).0, Outcome::Nothing);
        assert_eq!(run(AncestorSearch::new(100, 40, false), 40).0, Outcome::Ancestor(40));
        assert_eq!(run(AncestorSearch::new(40, 40, false), 10), (Outcome::Nothing, 0));
    }

    #[test]
    fn genesis_needs_no_question() {
        assert_eq!(AncestorSearch::new(1, 0, true).outcome(), Some(Outcome::Ancestor(0)));
        assert_eq!(run(AncestorSearch::new(1_000, 0, true), 0).0, Outcome::Ancestor(0));
    }

    #[test]
    fn a_false_match_is_refuted_and_named() {
        let mut search = AncestorSearch::new(100, 0, true);
        search.claim(Claim { number: 99, peer: PeerId(1), hash: hash(0, 99) });
        search.claim(Claim { number: 99, peer: PeerId(2), hash: hash(1, 99) });
        assert!(search.judge(Some(hash(0, 99)), true), "a match decides at once");
        assert_eq!(search.outcome(), Some(Outcome::Ancestor(99)));
        search.refute(99);
        assert_eq!(search.number(), Some(98));
        let wrong = search.contradicted(99, hash(1, 99));
        assert_eq!(wrong, [Claim { number: 99, peer: PeerId(1), hash: hash(0, 99) }]);
        assert_eq!(search.contradicted(99, hash(1, 99)), [], "once");
        assert_eq!(run(search, 7).0, Outcome::Ancestor(7));
    }

    #[test]
    fn a_silent_peer_gives_its_place_to_another_and_is_asked_again_when_nobody_answers() {
        let mut search = AncestorSearch::new(100, 0, true);
        (1..=3).for_each(|peer| search.asked(PeerId(peer)));
        assert!(!search.wants(PeerId(4)), "three at a time");
        search.note_silent(PeerId(3));
        assert!(search.wants(PeerId(4)), "in its place");
        search.claim(Claim { number: 99, peer: PeerId(1), hash: hash(1, 99) });
        assert!(search.judge(Some(hash(0, 99)), false));
        assert!(search.wants(PeerId(2)) && !search.wants(PeerId(3)), "not for the next number either");
        search.ask_again();
        assert!(search.wants(PeerId(3)));
    }

    #[test]
    fn what_the_store_lost_counts_as_different_without_a_question() {
        let mut search = AncestorSearch::new(100, 0, true);
        assert!(search.judge(None, true));
        assert_eq!(search.number(), Some(98));
    }
}
