//! Encodes a header, for a genesis and for tests. A sync never encodes a header: its hash is that of the received
//! bytes.

use alloc::vec::Vec;
use alloy_rlp::{BufMut, Encodable, Header as RlpHeader};
use bytes::Bytes;

use super::Header;

/// The RLP of a header.
pub fn encode(header: &Header<'_>) -> Bytes {
    let mut fields = Vec::with_capacity(700);
    header.parent_hash.encode(&mut fields);
    header.ommers_hash.encode(&mut fields);
    header.beneficiary.encode(&mut fields);
    header.state_root.encode(&mut fields);
    header.transactions_root.encode(&mut fields);
    header.receipts_root.encode(&mut fields);
    header.logs_bloom.encode(&mut fields);
    header.difficulty.encode(&mut fields);
    header.number.encode(&mut fields);
    header.gas_limit.encode(&mut fields);
    header.gas_used.encode(&mut fields);
    header.timestamp.encode(&mut fields);
    header.extra_data.encode(&mut fields);
    header.mix_hash.encode(&mut fields);
    header.nonce.encode(&mut fields);
    optional(&header.base_fee_per_gas, &mut fields);
    optional(&header.withdrawals_root, &mut fields);
    optional(&header.blob_gas_used, &mut fields);
    optional(&header.excess_blob_gas, &mut fields);
    optional(&header.parent_beacon_block_root, &mut fields);
    optional(&header.requests_hash, &mut fields);
    optional(&header.block_access_list_hash, &mut fields);
    optional(&header.slot_number, &mut fields);
    let mut rlp = Vec::with_capacity(fields.len() + 4);
    RlpHeader { list: true, payload_length: fields.len() }.encode(&mut rlp);
    rlp.put_slice(&fields);
    rlp.into()
}

fn optional<T: Encodable>(field: &Option<T>, out: &mut Vec<u8>) {
    if let Some(value) = field {
        value.encode(out);
    }
}
