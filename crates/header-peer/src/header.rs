//! The little that a peer reads in a header: its number, its parent's hash and its time.
//!
//! A peer serves headers of any chain and any fork, those of 15 fields and those of 23 and more, so nothing here is a
//! consensus rule. What a header means is for whoever syncs it to judge.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Decodable, Header as RlpHeader};

/// Fields between the parent's hash and the number: ommers hash to difficulty.
const FIELDS_BEFORE_NUMBER: usize = 7;
/// Fields between the number and the timestamp: gas limit and gas used.
const FIELDS_BEFORE_TIMESTAMP: usize = 2;

/// What a source needs to know of a header.
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
    /// Reads the RLP of one header; `rlp` must be exactly that.
    ///
    /// # Errors
    ///
    /// The RLP is damaged, too short for a header, or not canonical where it is read.
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

/// Steps over `count` strings.
fn skip(fields: &mut &[u8], count: usize) -> alloy_rlp::Result<()> {
    for _ in 0..count {
        RlpHeader::decode_bytes(fields, false)?;
    }
    Ok(())
}
