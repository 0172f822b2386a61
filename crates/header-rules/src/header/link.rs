//! The three fields that link a header into its chain.

use alloy_primitives::B256;
use alloy_rlp::Header as RlpHeader;

use super::{Header, HeaderError, fixed, required};
use crate::range::BlockNumber;

/// Fields between the parent hash and the number: ommers hash to difficulty.
const FIELDS_BEFORE_NUMBER: usize = 7;
/// Fields between the number and the timestamp: gas limit and gas used.
const FIELDS_BEFORE_TIMESTAMP: usize = 2;

/// The fields at the same place in every header, on any chain and in any fork: parent hash, number, timestamp.
///
/// All other fields are opaque: they may be absent, empty, longer, nested, or more than in any known fork. The list
/// itself must be canonical and the only item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLink {
    /// Keccak-256 of the parent's RLP.
    pub parent_hash: B256,
    /// Number of the block; genesis is 0.
    pub number: BlockNumber,
    /// Seconds since 1970 on Ethereum; another unit on some chains.
    pub timestamp: u64,
}

impl Header<'_> {
    /// The fields that link it into its chain.
    pub fn link(&self) -> HeaderLink {
        HeaderLink { parent_hash: self.parent_hash, number: self.number, timestamp: self.timestamp }
    }
}

impl HeaderLink {
    /// Reads the RLP of one header, including the list prefix.
    pub fn decode(rlp: &[u8]) -> Result<Self, HeaderError> {
        let mut rest = rlp;
        let mut list = RlpHeader::decode_bytes(&mut rest, true).map_err(HeaderError::List)?;
        if !rest.is_empty() {
            return Err(HeaderError::TrailingBytes(rest.len()));
        }
        let list = &mut list;
        let parent_hash = fixed(list, "parent_hash")?;
        skip(list, FIELDS_BEFORE_NUMBER)?;
        let number = required(list, "number")?;
        skip(list, FIELDS_BEFORE_TIMESTAMP)?;
        let timestamp = required(list, "timestamp")?;
        Ok(Self { parent_hash, number, timestamp })
    }
}

/// Skips `count` items, strings or lists.
fn skip(list: &mut &[u8], count: usize) -> Result<(), HeaderError> {
    for _ in 0..count {
        let failed = |error| HeaderError::Field { field: "opaque", error };
        let item = RlpHeader::decode(list).map_err(failed)?;
        // The decoder has checked that the payload is there.
        *list = list.get(item.payload_length..).ok_or(failed(alloy_rlp::Error::InputTooShort))?;
    }
    Ok(())
}
