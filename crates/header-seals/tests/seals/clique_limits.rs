//! What a clique chain cannot make us keep: signers and votes without end.

#![cfg(feature = "clique")]

use crate::support::{
    authorities::{self, Chain, addresses, extra_data},
    changed, field,
};
use alloy_primitives::Address;
use alloy_rlp::{Encodable, Header as RlpHeader};
use header_rules::chain::CLIQUE_SIGNERS_MAX;
use header_seals::{
    clique::{CliqueViolation, Snapshot},
    limits::CLIQUE_VOTES_MAX,
};

/// The list cannot outgrow its limit by votes either.
#[test]
fn no_vote_lets_in_one_too_many() {
    let mut signers = addresses("ABC");
    signers.extend((1..=CLIQUE_SIGNERS_MAX as u64 - 3).map(|at| Address::left_padding_from(&at.to_be_bytes())));
    signers.sort();
    let mut chain = Chain::new(0, "ABC");
    let full = changed(&chain.headers[0], field::EXTRA_DATA, |extra| *extra = extra_data(&signers));
    chain.snapshot = Snapshot::from_checkpoint(chain.clique, &full).expect("at the limit");
    chain.headers = vec![full];
    let against = chain.next_vote('A', 'B', false);
    chain.clone().push(against).expect("one less is fine");
    let header = chain.next_vote('A', 'D', true);
    assert_eq!(chain.push(header), Err(CliqueViolation::TooManySigners { max: CLIQUE_SIGNERS_MAX }));
}

/// A chain with epochs of any length cannot make us keep votes without end.
#[test]
fn no_vote_is_kept_over_the_limit() {
    let mut chain = Chain::new(u64::MAX, "ABC");
    let votes = |count: usize| {
        let list = |items: Vec<u8>| {
            let mut out = Vec::new();
            RlpHeader { list: true, payload_length: items.len() }.encode(&mut out);
            [out, items].concat()
        };
        let vote = |about: u64| {
            let mut vote = Vec::new();
            Address::left_padding_from(&about.to_be_bytes()).encode(&mut vote);
            authorities::address('A').encode(&mut vote);
            true.encode(&mut vote);
            list(vote)
        };
        // The bytes of the snapshot end with the empty list of its votes.
        let bytes = chain.snapshot.encode();
        let mut rest = &bytes[..];
        let fields = RlpHeader::decode_bytes(&mut rest, true).expect("a list");
        let fields = fields.strip_suffix(&[0xc0]).expect("no votes yet");
        let votes: Vec<u8> = (1..=count as u64).flat_map(vote).collect();
        Snapshot::decode(chain.clique, &list([fields.to_vec(), list(votes)].concat()))
    };
    assert_eq!(votes(CLIQUE_VOTES_MAX + 1), None);
    chain.snapshot = votes(CLIQUE_VOTES_MAX).expect("at the limit");
    assert_eq!(chain.snapshot.open_votes(), CLIQUE_VOTES_MAX);
    let one_more = chain.next_vote('B', 'D', true);
    let refused = Err(CliqueViolation::TooManyVotes { max: CLIQUE_VOTES_MAX });
    assert_eq!(chain.push(one_more), refused);
    // A header without a vote adds none.
    chain.grow('B');
}
