//! Chains with headers that a release cannot know: of a later fork, or of no Ethereum fork at all.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use bytes::Bytes;
use header_rules::{
    chain::{ChainSpec, ForkSchedule},
    header::{Header, HeaderLink, encode},
};
use header_store::contract::TestChain;

use super::{CHAIN_ID, Chain};

/// The items of a header, each with its prefix.
pub fn items(rlp: &[u8]) -> Vec<Vec<u8>> {
    let mut list = RlpHeader::decode_bytes(&mut &*rlp, true).expect("a header");
    let mut items = Vec::new();
    while !list.is_empty() {
        let mut rest = list;
        let item = RlpHeader::decode(&mut rest).expect("an item");
        let (own, rest) = list.split_at(list.len() - rest.len() + item.payload_length);
        items.push(own.to_vec());
        list = rest;
    }
    items
}

/// A header of these items.
pub fn list(items: &[Vec<u8>]) -> Bytes {
    let payload = items.concat();
    let mut rlp = Vec::new();
    RlpHeader { list: true, payload_length: payload.len() }.encode(&mut rlp);
    rlp.extend_from_slice(&payload);
    rlp.into()
}

/// A header with `change` made to its items.
pub fn changed(rlp: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Bytes {
    let mut items = items(rlp);
    change(&mut items);
    list(&items)
}

/// `len` valid headers; those that `change` returns are others, and what stands above builds on them.
pub fn chain_with(len: usize, change: impl Fn(u64, Bytes) -> Bytes) -> Chain {
    let valid = TestChain::new(len, 1);
    let mut parent = B256::ZERO;
    Chain::of((0..len as u64).map(|number| {
        let header = Header::decode(valid.header(number)).expect("decodes");
        let rlp = change(number, encode(&Header { parent_hash: parent, ..header }));
        parent = keccak256(&rlp);
        rlp
    }))
}

/// Time of block `number`.
pub fn time_of(chain: &Chain, number: u64) -> u64 {
    HeaderLink::decode(&chain.headers[number as usize]).expect("links").timestamp
}

/// The rules of the valid headers, certain up to block `known`.
pub fn spec_known_until(chain: &Chain, known: u64) -> ChainSpec {
    let forks = ChainSpec::generated(B256::ZERO).forks().expect("a schedule").clone();
    let known_until = Some(time_of(chain, known));
    ChainSpec::custom(CHAIN_ID, chain.genesis(), ForkSchedule { known_until, ..forks })
}
