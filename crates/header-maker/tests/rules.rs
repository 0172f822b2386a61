//! Generated headers, checked by the machine's rules, which were written independently.

use alloy_primitives::{B256, keccak256};
use header_maker::{FIELDS, Figures, SplitMix64, append_header};
use header_rules::{
    chain::ChainSpec,
    header::{EMPTY_OMMERS_HASH, Header, encode},
    rules,
};

fn chain(seed: u64, headers: u64, extra_data_min: usize) -> Vec<Vec<u8>> {
    let mut chance = SplitMix64(seed);
    let (mut parent, mut figures) = (B256::ZERO, Figures::START);
    let next = |number| {
        let mut rlp = Vec::new();
        figures = figures.child(&mut chance);
        append_header(&mut chance, number, parent, &figures, extra_data_min, &mut rlp);
        parent = keccak256(&rlp);
        rlp
    };
    (0..headers).map(next).collect()
}

#[test]
fn every_header_obeys_every_rule_and_is_encoded_as_the_machine_would() {
    for extra_data_min in [0, 4, 32] {
        let chain = chain(9, 2_000, extra_data_min);
        let spec = ChainSpec::generated(keccak256(&chain[0]));
        let headers: Vec<_> = chain.iter().map(|rlp| Header::decode(rlp).expect("a header")).collect();
        for (number, (header, rlp)) in headers.iter().zip(&chain).enumerate() {
            assert_eq!((header.number, header.field_count()), (number as u64, FIELDS));
            assert!(header.extra_data.len() >= extra_data_min);
            assert_eq!(header.ommers_hash, EMPTY_OMMERS_HASH);
            assert!((600..700).contains(&rlp.len()), "{} bytes", rlp.len());
            assert_eq!(encode(header), rlp, "header {number}");
            assert_eq!(rules::validate_standalone(header, &spec), Ok(()), "header {number}");
        }
        for pair in headers.windows(2) {
            assert_eq!(rules::validate(&pair[1], &pair[0], &spec), Ok(()), "header {}", pair[1].number);
        }
        for (parent, child) in chain.iter().zip(&headers[1..]) {
            assert_eq!(child.parent_hash, keccak256(parent));
        }
    }
}

#[test]
fn same_chance_same_chain_and_a_longer_chain_begins_with_the_shorter() {
    assert_eq!(chain(1, 300, 4)[..], chain(1, 700, 4)[..300]);
    assert_ne!(chain(1, 1, 4), chain(2, 1, 4));
}
