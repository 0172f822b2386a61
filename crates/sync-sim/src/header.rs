//! One header of a made chain (`header-maker`), good or bad, and the place of its fields: for peers that alter one.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Header as RlpHeader;
use bytes::Bytes;
use header_maker::Figures;
use header_rules::header::{Header, encode};

use crate::rng::Rng;

/// Of so many headers of an invalid branch one uses more gas than its limit.
const INVALID_EVERY: u64 = 7;

/// Bytes of a fat header beside its extra data, about.
const FAT_OVERHEAD: usize = 620;
/// Bytes of a response of fat headers, unless one alone has more.
const FAT_ANSWER_BYTES: usize = 48 * 1024;

/// The figures of a header of the pool.
///
/// # Panics
///
/// If it was not made here.
pub fn figures_of(rlp: &Bytes) -> Figures {
    let header = Header::decode(rlp).expect("made by this module");
    Figures {
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        base_fee: header.base_fee_per_gas.unwrap_or_default(),
        blob_gas_used: header.blob_gas_used.unwrap_or_default(),
        excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
    }
}

/// Which rules a header obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// All.
    Valid,
    /// It used more gas than its limit, now and then.
    Invalid,
    /// Its base fee is one more than it should be: gas costs something else since a fork.
    OtherFees,
}

/// Appends the RLP of a header to `out` and returns its figures.
pub fn append_header(
    rng: &mut Rng,
    number: u64,
    parent: B256,
    before: &Figures,
    rules: Rules,
    out: &mut Vec<u8>,
) -> Figures {
    let rng = rng.split_mix();
    let mut figures = before.child(rng);
    match rules {
        Rules::Invalid if number.is_multiple_of(INVALID_EVERY) => figures.gas_used = figures.gas_limit + 1,
        Rules::OtherFees => figures.base_fee += 1,
        Rules::Valid | Rules::Invalid => {}
    }
    header_maker::append_header(rng, number, parent, &figures, 0, out);
    figures
}

/// Headers of so many bytes, falling from `top`, each the parent of the one before, on a chain of no peer. As many as
/// fit one response, at least one.
pub fn fat_headers(top: u64, limit: usize, size: usize) -> Vec<Bytes> {
    let extra = vec![0xfa; size.saturating_sub(FAT_OVERHEAD)];
    let fit = (FAT_ANSWER_BYTES / size.max(1)).clamp(1, limit.max(1)) as u64;
    let lowest = (top + 1).saturating_sub(fit);
    let mut rng = Rng::new(lowest, "fat");
    let mut parent = B256::from(rng.bytes::<32>());
    let mut headers = Vec::with_capacity(fit as usize);
    for number in lowest..=top {
        let mut rlp = Vec::with_capacity(size);
        append_header(&mut rng, number, parent, &Figures::START, Rules::Valid, &mut rlp);
        let Ok(header) = Header::decode(&rlp) else { break };
        let fat = encode(&Header { extra_data: &extra, ..header });
        parent = keccak256(&fat);
        headers.push(fat);
    }
    headers.reverse();
    headers
}

/// The header with one bit flipped in field `field` (0 is the parent hash): in its payload, or in its prefix when it is
/// empty. `None` when there is no such field.
pub fn invalid_field(rlp: &Bytes, field: usize, rng: &mut Rng) -> Option<Bytes> {
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
    let at = rng.between(first as u64, end as u64 - 1) as usize;
    let mut altered = whole.to_vec();
    altered[at] ^= 1 << rng.below(8);
    Some(altered.into())
}

#[cfg(test)]
mod tests {
    use header_maker::FIELDS;

    use super::*;

    #[test]
    fn an_altered_bit_in_each_field_changes_the_hash() {
        let mut rng = Rng::new(1, "test");
        let mut rlp = Vec::new();
        append_header(&mut rng, 5, B256::repeat_byte(1), &Figures::START, Rules::Valid, &mut rlp);
        let honest = Bytes::from(rlp);
        for field in 0..FIELDS {
            let altered = invalid_field(&honest, field, &mut rng).expect("a field");
            assert_eq!(altered.len(), honest.len());
            assert_ne!(keccak256(&altered), keccak256(&honest), "field {field}");
        }
        assert_eq!(invalid_field(&honest, FIELDS, &mut rng), None);
    }
}
