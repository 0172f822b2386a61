//! The scenarios of EIP-225's test cases, and one more: who may sign after a chain of votes.
//!
//! A scenario is written as the headers of a chain, one word each: who signs, then what the header votes (`+` for, `-`
//! against, and whom). `A`: A signs. `A+B`: A signs and votes for B. `C-A`: C signs and votes against A. A word that
//! ends with `*` is a checkpoint.

#![cfg(feature = "clique")]

use crate::support::authorities::{Chain, address, addresses, vote};
use header_seals::clique::{CliqueViolation, Snapshot};

/// How a scenario ends.
enum End {
    /// These may sign.
    Signers(&'static str),
    /// The last header is signed by one who may not.
    Unauthorized(char),
    /// The last header is signed by one who must wait.
    TooSoon(char),
}
use End::{Signers, TooSoon, Unauthorized};

struct Scenario {
    /// What it shows.
    shows: &'static str,
    /// Headers from one checkpoint to the next; 0 for the default.
    epoch: u64,
    /// The signers that genesis lists.
    genesis: &'static str,
    headers: &'static str,
    end: End,
}

const fn scenario(shows: &'static str, genesis: &'static str, headers: &'static str, end: End) -> Scenario {
    Scenario { shows, epoch: 0, genesis, headers, end }
}

const fn short_epochs(shows: &'static str, genesis: &'static str, headers: &'static str, end: End) -> Scenario {
    Scenario { shows, epoch: 3, genesis, headers, end }
}

const SCENARIOS: [Scenario; 24] = [
    scenario("a lone signer signs", "A", "A", Signers("A")),
    scenario("one vote lets a second in; a third needs two", "A", "A+B B A+C", Signers("AB")),
    scenario(
        "two let in a third and a fourth; a fifth needs three",
        "AB",
        "A+C B+C A+D B+D C A+E B+E",
        Signers("ABCD"),
    ),
    scenario("a lone signer votes itself out", "A", "A-A", Signers("")),
    scenario("of two, one vote against is not enough", "AB", "A-B", Signers("AB")),
    scenario("of two, both votes are, one's own too", "AB", "A-B B-B", Signers("A")),
    scenario("of three, two vote one out", "ABC", "A-C B-C", Signers("AB")),
    scenario("of four, two votes are not enough", "ABCD", "A-C B-C", Signers("ABCD")),
    scenario("of four, three are", "ABCD", "A-D B-D C-D", Signers("ABC")),
    scenario("a vote for an account counts once a signer", "AB", "A+C B A+C B A+C", Signers("AB")),
    scenario("votes for several accounts go side by side", "AB", "A+C B A+D B A B+D A B+C", Signers("ABCD")),
    scenario("a vote against an account counts once a signer", "AB", "A-B B A-B B A-B", Signers("AB")),
    scenario(
        "votes against several accounts go side by side",
        "ABCD",
        "A-C B C A-D B C A B-D C-D A B-C",
        Signers("AB"),
    ),
    scenario("who is voted out has no vote against anybody", "ABC", "C-B A-C B-C A-B", Signers("AB")),
    scenario("who is voted out has no vote for anybody", "ABC", "C+D A-C B-C A+D", Signers("AB")),
    scenario("a change sets off no other change", "ABCD", "A-C B C A-D B-C C A B-D C-D", Signers("ABC")),
    scenario(
        "a majority that came by a change counts when its account is touched",
        "ABCD",
        "A-C B C A-D B-C C A B-D C-D A C+C",
        Signers("AB"),
    ),
    scenario(
        "a majority that came by a change may be lost by the touch",
        "ABCD",
        "A-C B C A-D B-C C A B-D C-D A B+C",
        Signers("ABC"),
    ),
    scenario(
        "no old vote survives that its account goes in and out",
        "ABCDE",
        "A+F B+F C+F D-F E-F B-F C-F D+F E+F B-A C-A D-A B+F",
        Signers("BCDEF"),
    ),
    short_epochs("a checkpoint clears the votes", "AB", "A+C B A* B+C", Signers("AB")),
    scenario("a stranger may not sign", "A", "B", Unauthorized('B')),
    scenario("a signer may not sign twice in a row", "AB", "A A", TooSoon('A')),
    short_epochs("a checkpoint does not forget who signed", "ABC", "A B A* A", TooSoon('A')),
    // The same, when the chain was taken up again from bytes at the checkpoint (see `run`).
    short_epochs("a snapshot read back does not forget who signed", "ABC", "A B A*| A", TooSoon('A')),
];

/// Plays a scenario. `always`: the snapshot is written down and read back after each header, not only where a `|`
/// stands.
fn run(scenario: &Scenario, always: bool) {
    let shows = scenario.shows;
    let mut chain = Chain::new(scenario.epoch, scenario.genesis);
    let words: Vec<&str> = scenario.headers.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        let mut letters = word.trim_end_matches(['*', '|']).chars();
        let by = letters.next().expect("a signer");
        let header = chain.next(by, |fields| {
            if let (Some(sign), Some(about)) = (letters.next(), letters.next()) {
                vote(fields, about, sign == '+');
            }
        });
        assert_eq!(word.contains('*'), chain.clique.is_checkpoint(at as u64 + 1), "{shows}: {word}");
        let last = at + 1 == words.len();
        match (chain.push(header), &scenario.end) {
            (Ok(signer), _) => assert_eq!(signer, address(by), "{shows}: {word}"),
            (Err(CliqueViolation::Unauthorized { signer }), Unauthorized(name)) if last => {
                return assert_eq!(signer, address(*name), "{shows}");
            }
            (Err(CliqueViolation::SignedRecently { signer, .. }), TooSoon(name)) if last => {
                return assert_eq!(signer, address(*name), "{shows}");
            }
            (Err(violation), _) => panic!("{shows}: {word}: {violation}"),
        }
        if always || word.contains('|') {
            let again = Snapshot::decode(chain.clique, &chain.snapshot.encode());
            assert_eq!(again.as_ref(), Some(&chain.snapshot), "{shows}");
            chain.snapshot = again.expect("just compared");
        }
    }
    match scenario.end {
        Signers(names) => assert!(chain.snapshot.signers().eq(addresses(names)), "{shows}"),
        Unauthorized(_) | TooSoon(_) => panic!("{shows}: the last header was taken"),
    }
}

#[test]
fn the_24_scenarios() {
    SCENARIOS.iter().for_each(|scenario| run(scenario, false));
}

#[test]
fn the_24_scenarios_read_back_after_each_header() {
    SCENARIOS.iter().for_each(|scenario| run(scenario, true));
}

/// A header that is refused changes nothing: the right one is taken after it.
#[test]
fn a_refused_header_leaves_no_trace() {
    let mut chain = Chain::new(0, "ABC");
    chain.grow('A');
    let before = chain.snapshot.clone();
    for by in ['A', 'D'] {
        let header = chain.next_vote(by, 'E', true);
        assert!(chain.push(header).is_err());
        assert_eq!(chain.snapshot, before);
    }
    chain.grow('B');
}

/// One in `signers / 2 + 1` headers: the window grows and shrinks with the list.
#[test]
fn how_long_a_signer_waits_follows_the_list() {
    // Of four, one in three.
    let mut chain = Chain::new(0, "ABCD");
    "AB".chars().for_each(|by| chain.grow(by));
    let soon = chain.next('A', |_| ());
    let violation = CliqueViolation::SignedRecently { signer: address('A'), at: 1, limit: 3 };
    assert_eq!(chain.push(soon), Err(violation));
    chain.grow('C');
    chain.grow('A');

    // Four vote one of them out; of three, one in two: A, who would have waited, need not.
    let mut chain = Chain::new(0, "ABCD");
    for by in ['A', 'B', 'C'] {
        chain.grow_with_vote(by, 'D', false);
    }
    assert!(chain.snapshot.signers().eq(addresses("ABC")));
    assert!(chain.clone().push(chain.next('C', |_| ())).is_err());
    chain.clone().grow('B');
    chain.grow('A');
}

/// An open vote counts until it is replaced or a checkpoint clears it.
#[test]
fn votes_are_counted_and_cleared() {
    let mut chain = Chain::new(5, "ABC");
    for (by, about, open) in [('A', 'D', 1), ('B', 'E', 2), ('C', 'F', 3)] {
        chain.grow_with_vote(by, about, true);
        assert_eq!(chain.snapshot.open_votes(), open);
    }
    // A changes its mind; a vote against a stranger is none.
    chain.grow_with_vote('A', 'D', false);
    assert_eq!(chain.snapshot.open_votes(), 2);
    chain.grow('B');
    assert!(chain.clique.is_checkpoint(chain.snapshot.block().number));
    assert_eq!(chain.snapshot.open_votes(), 0);
}
