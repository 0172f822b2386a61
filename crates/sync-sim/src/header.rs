//! One header of a made chain, and where its fields lie: for peers that lie in one of them.
//!
//! All forks up to Prague are active from block 0: 21 fields, some 640 bytes, random roots and bloom. The base fee follows
//! EIP-1559 and the blob gas EIP-4844 with Prague's figures; both lean towards where they began, so that a chain of any
//! length stays lifelike.

use alloy_primitives::{B256, b256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use bytes::Bytes;
use sync_core::header::Header;

use crate::chance::Chance;

const GENESIS_TIMESTAMP: u64 = 1_750_000_000;
const SECONDS_PER_BLOCK: u64 = 12;
const GAS_LIMIT: u64 = 36_000_000;
/// How far a gas limit strays upwards: less than the step that a child may take (1/1024 of its parent's).
const GAS_LIMIT_SPREAD: u64 = 35_000;
const BASE_FEE_START: u64 = 1_000_000_000;
const GAS_PER_BLOB: u64 = 131_072;
const BLOBS_TARGET: u64 = 6;
/// Excess over which blocks hold fewer blobs than the target.
const EXCESS_HIGH: u64 = 100 * GAS_PER_BLOB;
/// Keccak-256 of the RLP of an empty list.
const EMPTY_OMMERS: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// Fields of a header of the pool.
pub const FIELDS: usize = 21;

/// What a child's fields follow from.
#[derive(Clone, Copy, Debug)]
pub struct HeaderState {
    gas_limit: u64,
    gas_used: u64,
    base_fee: u64,
    blob_gas_used: u64,
    excess_blob_gas: u64,
}

impl HeaderState {
    /// A block exactly at both targets.
    pub const START: Self = Self {
        gas_limit: GAS_LIMIT,
        gas_used: GAS_LIMIT / 2,
        base_fee: BASE_FEE_START,
        blob_gas_used: BLOBS_TARGET * GAS_PER_BLOB,
        excess_blob_gas: 0,
    };

    /// Of a header of the pool.
    ///
    /// # Panics
    ///
    /// If it was not made here.
    pub fn of(rlp: &Bytes) -> Self {
        let header = Header::decode(rlp).expect("made by this module");
        Self {
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            blob_gas_used: header.blob_gas_used.unwrap_or_default(),
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
        }
    }

    fn child(&self, chance: &mut Chance) -> Self {
        let target = self.gas_limit / 2;
        let step = |gas: u64| (u128::from(self.base_fee) * u128::from(gas) / u128::from(target) / 8) as u64;
        let base_fee = match self.gas_used {
            used if used > target => self.base_fee + step(used - target).max(1),
            used => self.base_fee - step(target - used),
        };
        let excess_blob_gas = (self.excess_blob_gas + self.blob_gas_used).saturating_sub(BLOBS_TARGET * GAS_PER_BLOB);
        let gas_limit = GAS_LIMIT + chance.below(GAS_LIMIT_SPREAD);
        let least = if base_fee < BASE_FEE_START { gas_limit / 5 } else { 0 };
        let gas_used = least + chance.below(gas_limit / 5 * 4);
        let blobs = if excess_blob_gas < EXCESS_HIGH { 4 + chance.below(6) } else { chance.below(9) };
        Self { gas_limit, gas_used, base_fee, blob_gas_used: blobs * GAS_PER_BLOB, excess_blob_gas }
    }
}

/// Appends the RLP of a header to `out`. One that is not `valid` used more gas than its limit, now and then.
pub fn append_header(
    chance: &mut Chance,
    number: u64,
    parent: B256,
    before: &HeaderState,
    valid: bool,
    out: &mut Vec<u8>,
) -> HeaderState {
    let state = before.child(chance);
    let gas_used = if valid || !number.is_multiple_of(7) { state.gas_used } else { state.gas_limit + 1 };
    // Written behind a gap for the list prefix, which has three bytes for 256 to 65,535 bytes of fields.
    let start = out.len();
    out.extend_from_slice(&[0; 3]);
    parent.encode(out);
    EMPTY_OMMERS.encode(out);
    chance.bytes::<20>().encode(out);
    for _root in ["state", "transactions", "receipts"] {
        chance.bytes::<32>().encode(out);
    }
    chance.bytes::<256>().encode(out);
    0_u64.encode(out);
    number.encode(out);
    state.gas_limit.encode(out);
    gas_used.encode(out);
    (GENESIS_TIMESTAMP + number * SECONDS_PER_BLOCK).encode(out);
    let extra_data = chance.bytes::<32>();
    extra_data[..chance.below(33) as usize].encode(out);
    chance.bytes::<32>().encode(out);
    [0_u8; 8].encode(out);
    state.base_fee.encode(out);
    chance.bytes::<32>().encode(out);
    state.blob_gas_used.encode(out);
    state.excess_blob_gas.encode(out);
    chance.bytes::<32>().encode(out);
    chance.bytes::<32>().encode(out);
    let payload_length = out.len() - start - 3;
    let mut prefix = &mut out[start..start + 3];
    RlpHeader { list: true, payload_length }.encode(&mut prefix);
    HeaderState { gas_used, ..state }
}

/// The header with one bit flipped in field `field` (0 is the parent hash): in its payload, or in its prefix when it is
/// empty. `None` when there is no such field.
pub fn lie_in_field(rlp: &Bytes, field: usize, chance: &mut Chance) -> Option<Bytes> {
    let whole = rlp.as_ref();
    let mut rest = whole;
    let mut list = RlpHeader::decode_bytes(&mut rest, true).ok()?;
    for _ in 0..field {
        RlpHeader::decode_bytes(&mut list, false).ok()?;
    }
    let start = whole.len() - list.len();
    let payload = RlpHeader::decode_bytes(&mut list, false).ok()?;
    let end = whole.len() - list.len();
    let first = if payload.is_empty() { start } else { end - payload.len() };
    let at = chance.between(first as u64, end as u64 - 1) as usize;
    let mut lie = whole.to_vec();
    lie[at] ^= 1 << chance.below(8);
    Some(lie.into())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn a_lie_in_each_field_changes_the_hash() {
        let mut chance = Chance::new(1, "test");
        let mut rlp = Vec::new();
        append_header(&mut chance, 5, B256::repeat_byte(1), &HeaderState::START, true, &mut rlp);
        let honest = Bytes::from(rlp);
        for field in 0..FIELDS {
            let lie = lie_in_field(&honest, field, &mut chance).expect("a field");
            assert_eq!(lie.len(), honest.len());
            assert_ne!(keccak256(&lie), keccak256(&honest), "field {field}");
        }
        assert_eq!(lie_in_field(&honest, FIELDS, &mut chance), None);
    }
}
