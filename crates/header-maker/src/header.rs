//! Encodes a header from figures and random numbers.

use alloc::vec::Vec;

use alloy_primitives::{B256, b256};
use alloy_rlp::{Encodable, Header as RlpHeader};

use crate::{Figures, SplitMix64};

/// Timestamp of block 0: after Prague on mainnet, before Osaka.
pub const GENESIS_TIMESTAMP: u64 = 1_750_000_000;
/// Seconds from a block to its child.
pub const SECONDS_PER_BLOCK: u64 = 12;
/// Fields of a Prague header.
pub const FIELDS: usize = 21;
/// Most bytes of extra data that the rules allow.
pub const EXTRA_DATA_MAX: usize = 32;

/// Keccak-256 of the RLP of an empty list. A test compares it with `header_rules`.
const EMPTY_OMMERS: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// Length of a list prefix when the fields have 256 to 65,535 bytes, as a header always does.
const LIST_PREFIX: usize = 3;

/// Appends the RLP of header `number` to `out`, with `extra_data_min` to [`EXTRA_DATA_MAX`] bytes of extra data.
///
/// # Panics
///
/// `extra_data_min` is over [`EXTRA_DATA_MAX`].
pub fn append_header(
    chance: &mut SplitMix64,
    number: u64,
    parent: B256,
    figures: &Figures,
    extra_data_min: usize,
    out: &mut Vec<u8>,
) {
    assert!(extra_data_min <= EXTRA_DATA_MAX, "{extra_data_min} bytes of extra data");
    // Written behind a gap for the prefix of the list.
    let start = out.len();
    out.extend_from_slice(&[0; LIST_PREFIX]);
    parent.encode(out);
    EMPTY_OMMERS.encode(out);
    chance.bytes::<20>().encode(out); // beneficiary
    for _root in ["state", "transactions", "receipts"] {
        chance.bytes::<32>().encode(out);
    }
    chance.bytes::<256>().encode(out); // logs bloom
    0_u64.encode(out); // difficulty
    number.encode(out);
    figures.gas_limit.encode(out);
    figures.gas_used.encode(out);
    (GENESIS_TIMESTAMP + number * SECONDS_PER_BLOCK).encode(out);
    let extra_data = chance.bytes::<EXTRA_DATA_MAX>();
    let more = chance.below((EXTRA_DATA_MAX - extra_data_min) as u64 + 1) as usize;
    extra_data[..extra_data_min + more].encode(out);
    chance.bytes::<32>().encode(out); // mix hash: the beacon chain's randomness
    [0_u8; 8].encode(out); // nonce
    figures.base_fee.encode(out);
    chance.bytes::<32>().encode(out); // withdrawals root
    figures.blob_gas_used.encode(out);
    figures.excess_blob_gas.encode(out);
    chance.bytes::<32>().encode(out); // parent beacon block root
    chance.bytes::<32>().encode(out); // requests hash

    let list = RlpHeader { list: true, payload_length: out.len() - start - LIST_PREFIX };
    debug_assert_eq!(list.length(), LIST_PREFIX);
    let mut prefix = &mut out[start..start + LIST_PREFIX];
    list.encode(&mut prefix);
}
