//! The fields of a header that a peer reads: number, parent hash and timestamp.
//!
//! A peer serves headers of any chain and any fork, with 15 fields, 23 or more, with missing roots and seals of any
//! kind, so it checks no consensus rule: the client verifies headers. A header without these three fields at their
//! places, or one longer than [`HEADER_BYTES_MAX`](header_wire::limits::HEADER_BYTES_MAX), cannot be served.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Decodable, Header as RlpHeader};

/// Fields between the parent hash and the number: ommers hash to difficulty.
const FIELDS_BEFORE_NUMBER: usize = 7;
/// Fields between the number and the timestamp: gas limit and gas used.
const FIELDS_BEFORE_TIMESTAMP: usize = 2;

/// The fields that a source needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderFacts {
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Block number.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Keccak-256 of the RLP.
    pub hash: B256,
}

impl HeaderFacts {
    /// Reads the RLP of one header; `rlp` must contain nothing else.
    ///
    /// # Errors
    ///
    /// The RLP is damaged, too short for a header, or not canonical in these fields.
    pub fn read(rlp: &[u8]) -> alloy_rlp::Result<Self> {
        let mut outer = rlp;
        let mut fields = RlpHeader::decode_bytes(&mut outer, true)?;
        if !outer.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        let parent_hash = B256::decode(&mut fields)?;
        skip(&mut fields, FIELDS_BEFORE_NUMBER)?;
        let number = u64::decode(&mut fields)?;
        skip(&mut fields, FIELDS_BEFORE_TIMESTAMP)?;
        let timestamp = u64::decode(&mut fields)?;
        Ok(Self { parent_hash, number, timestamp, hash: keccak256(rlp) })
    }
}

/// Skips `count` items of any type.
fn skip(fields: &mut &[u8], count: usize) -> alloy_rlp::Result<()> {
    for _ in 0..count {
        let item = RlpHeader::decode(fields)?;
        *fields = fields.get(item.payload_length..).ok_or(alloy_rlp::Error::InputTooShort)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these items.
    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        let payload = items.concat();
        let mut rlp = Vec::new();
        RlpHeader { list: true, payload_length: payload.len() }.encode(&mut rlp);
        [rlp, payload].concat()
    }

    /// Parent hash, number and timestamp at their places; the other items are empty strings.
    fn items() -> Vec<Vec<u8>> {
        let mut items = vec![vec![0x80]; 15];
        items[0] = alloy_rlp::encode(B256::repeat_byte(7));
        items[8] = alloy_rlp::encode(300_u64);
        items[11] = alloy_rlp::encode(1_700_000_000_u64);
        items
    }

    #[test]
    fn headers_of_any_chain_are_read() {
        let mut seal = items();
        seal.truncate(12);
        let mut more = items();
        more.extend([vec![0xc2, 1, 2], alloy_rlp::encode([9_u8; 40].as_slice()), vec![0x80]]);
        let mut nested = items();
        nested[3] = vec![0xc0];
        for items in [items(), seal, more, nested] {
            let rlp = list(&items);
            let expected = HeaderFacts {
                parent_hash: B256::repeat_byte(7),
                number: 300,
                timestamp: 1_700_000_000,
                hash: keccak256(&rlp),
            };
            assert_eq!(HeaderFacts::read(&rlp), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_served_is_an_error() {
        let mut wide = items();
        wide[8] = alloy_rlp::encode([1_u8; 9].as_slice());
        let mut short = items();
        short.truncate(11);
        for items in [wide, short] {
            assert!(HeaderFacts::read(&list(&items)).is_err());
        }
        assert!(HeaderFacts::read(&[list(&items()), vec![0]].concat()).is_err());
    }
}
