//! The search against chains of which everything is known.

use super::*;

const LATER: Instant = Instant::from_millis(2_000);

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
            if outcome == Outcome::Nothing && search.ask_all_peers() {
                continue;
            }
            return (outcome, questions);
        }
        let number = search.number().expect("it goes on");
        questions += 1;
        let chain = u8::from(number > ancestor);
        search.open(alloc::vec![PeerId(1)], LATER);
        search.claim(Claim { number, peer: PeerId(1), hash: hash(chain, number) });
        assert!(search.judge(Instant::ZERO, Some(hash(0, number))));
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
    assert_eq!(run(AncestorSearch::new(40, 40, false), 10).0, Outcome::Nothing);
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
    search.open(alloc::vec![PeerId(1), PeerId(2), PeerId(3)], LATER);
    assert!(search.judge(Instant::ZERO, Some(hash(0, 99))), "a match decides at once");
    assert_eq!(search.outcome(), Some(Outcome::Ancestor(99)));
    search.refute(99);
    assert_eq!(search.number(), Some(98));
    let wrong = search.contradicted(99, hash(1, 99));
    assert_eq!(wrong, [Claim { number: 99, peer: PeerId(1), hash: hash(0, 99) }]);
    assert_eq!(search.contradicted(99, hash(1, 99)), [], "once");
    assert_eq!(run(search, 7).0, Outcome::Ancestor(7));
}

#[test]
fn u10_a_number_has_fixed_witnesses_and_a_deadline() {
    let mut search = AncestorSearch::new(100, 0, true);
    let stored = |number| Some(hash(0, number));
    search.open((1..=3).map(PeerId).collect(), LATER);
    search.claim(Claim { number: 99, peer: PeerId(1), hash: hash(1, 99) });
    search.claim(Claim { number: 99, peer: PeerId(9), hash: hash(1, 99) });
    assert!(!search.judge(Instant::ZERO, stored(99)), "two witnesses are awaited, whatever other peers claim");
    search.note_silent(PeerId(2));
    assert!(!search.judge(Instant::ZERO, stored(99)));
    assert!(search.judge(LATER, stored(99)), "and no longer than the deadline");
    assert_eq!(search.number(), Some(98));
    assert!(search.is_silent(PeerId(2)) && search.is_silent(PeerId(3)) && !search.is_silent(PeerId(1)));
    search.open(alloc::vec![PeerId(1)], LATER);
    assert!(search.judge(LATER, stored(98)), "no witness responded");
    assert_eq!((search.number(), search.is_open()), (Some(98), false), "others are asked for the same number");
    search.ask_again();
    assert!(!search.is_silent(PeerId(3)));
}

#[test]
fn u10_before_nothing_is_believed_all_peers_are_asked() {
    let mut search = AncestorSearch::new(100, 90, false);
    while search.outcome().is_none() {
        let number = search.number().expect("it goes on");
        search.open(alloc::vec![PeerId(1)], LATER);
        search.claim(Claim { number, peer: PeerId(1), hash: hash(1, number) });
        search.judge(Instant::ZERO, Some(hash(0, number)));
    }
    assert_eq!(search.outcome(), Some(Outcome::Nothing));
    assert!(search.ask_all_peers());
    assert_eq!((search.number(), search.outcome()), (Some(90), None));
    search.open(alloc::vec![PeerId(1), PeerId(2)], LATER);
    search.claim(Claim { number: 90, peer: PeerId(2), hash: hash(0, 90) });
    assert!(search.judge(Instant::ZERO, Some(hash(0, 90))));
    assert_eq!(search.number(), Some(95), "what was denied above is asked again");
    let mut unshared = AncestorSearch::new(91, 90, false);
    unshared.decide(false);
    assert!(unshared.ask_all_peers());
    unshared.decide(false);
    assert!(!unshared.ask_all_peers(), "once");
    assert_eq!(unshared.outcome(), Some(Outcome::Nothing));
}

#[test]
fn u04_what_is_verified_needs_no_witness() {
    let mut search = AncestorSearch::new(1_000, 0, false);
    assert_eq!(search.needs_verified(), Some(936));
    let chain = |number: u64| hash(u8::from(number > 940), number);
    let verified: Vec<B256> = (936..1_000).rev().map(chain).collect();
    search.add_verified(&verified);
    while let Some(number) = search.number() {
        assert_eq!(search.needs_verified(), None);
        let verified = search.verified_at(number).expect("all of it is verified");
        search.decide(verified == hash(0, number));
    }
    assert_eq!(search.outcome(), Some(Outcome::Ancestor(940)));
}

#[test]
fn what_the_store_lost_counts_as_different_without_a_question() {
    let mut search = AncestorSearch::new(100, 0, true);
    assert!(search.judge(Instant::ZERO, None));
    assert_eq!(search.number(), Some(98));
}
