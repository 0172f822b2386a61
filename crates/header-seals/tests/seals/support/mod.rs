//! Headers taken apart into their fields and put together again, so that tests can change one.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod authorities;

use std::path::Path;

use alloy_rlp::{Encodable, Header as RlpHeader};
use bytes::Bytes;

/// Places of fields in a header.
pub(crate) mod field {
    pub(crate) const PARENT_HASH: usize = 0;
    pub(crate) const OMMERS_HASH: usize = 1;
    pub(crate) const BENEFICIARY: usize = 2;
    pub(crate) const DIFFICULTY: usize = 7;
    pub(crate) const NUMBER: usize = 8;
    pub(crate) const TIMESTAMP: usize = 11;
    pub(crate) const EXTRA_DATA: usize = 12;
    pub(crate) const MIX_HASH: usize = 13;
    pub(crate) const NONCE: usize = 14;
}

/// The fields of a header: the bytes of each.
pub(crate) fn fields(rlp: &[u8]) -> Vec<Vec<u8>> {
    let mut list = RlpHeader::decode_bytes(&mut &*rlp, true).expect("a header");
    let mut fields = Vec::new();
    while !list.is_empty() {
        fields.push(RlpHeader::decode_bytes(&mut list, false).expect("a field").to_vec());
    }
    fields
}

/// A header of these fields.
pub(crate) fn header(fields: &[Vec<u8>]) -> Bytes {
    let mut payload = Vec::new();
    fields.iter().for_each(|field| field.as_slice().encode(&mut payload));
    let mut rlp = Vec::new();
    RlpHeader { list: true, payload_length: payload.len() }.encode(&mut rlp);
    rlp.extend(payload);
    rlp.into()
}

/// A header with one field changed.
pub(crate) fn changed(rlp: &[u8], field: usize, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut fields = fields(rlp);
    change(&mut fields[field]);
    header(&fields)
}

/// The bytes of a number as a field holds them.
pub(crate) fn number(value: u64) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The headers of a file of concatenated blocks, each a list that begins with its header.
pub(crate) fn headers_of_blocks(path: &Path) -> Vec<Bytes> {
    let file = std::fs::read(path).expect("the file is readable");
    let mut rest = file.as_slice();
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let mut block = RlpHeader::decode_bytes(&mut rest, true).expect("a block");
        let before = block;
        RlpHeader::decode_bytes(&mut block, true).expect("its header");
        headers.push(Bytes::copy_from_slice(&before[..before.len() - block.len()]));
    }
    headers
}
