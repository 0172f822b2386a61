//! The RLP of a header, split for the seal hashes.
//!
//! A seal is made over the header without the seal, so its hash is that of *other* bytes than the received ones. Most
//! of them are the same, in the same order: this module slices them out of the received bytes and writes only a new
//! list prefix (and, for clique, the prefix of the shortened extra data).
//!
//! ```text
//!   parent_hash ... timestamp | extra_data | mix_hash nonce | base_fee
//!   '------- head ----------'                '--- proof --'   '-tail-'
//!   ethash hashes  head, extra_data, tail
//!   clique hashes  head, extra_data without its last 65 bytes, proof, tail
//! ```
//!
//! Both seals ended before Shanghai: a header with more than 16 fields has none.

use alloy_primitives::{B256, Keccak256};
use alloy_rlp::Header as RlpHeader;

use header_rules::header::HeaderError;

/// Fields of the newest header that may carry a seal (London).
pub(super) const FIELDS_MAX: usize = 16;

/// Fields before the extra data.
const HEAD_FIELDS: usize = 12;
/// Encoded bytes of mix hash (33) and nonce (9), which have one width.
const PROOF_BYTES: usize = 42;
/// Bytes of the longest list prefix.
const PREFIX_BYTES_MAX: usize = 9;

/// Slices of the bytes of one header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections<'a> {
    /// The first twelve fields, encoded.
    head: &'a [u8],
    /// The thirteenth, encoded.
    #[cfg_attr(not(feature = "ethash"), allow(dead_code, reason = "clique writes its own"))]
    extra_data: &'a [u8],
    /// Mix hash and nonce, encoded.
    #[cfg_attr(not(feature = "clique"), allow(dead_code, reason = "ethash hashes all but the proof"))]
    proof: &'a [u8],
    /// The rest, encoded: the base fee or nothing.
    tail: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Splits bytes that [`Header::decode`](header_rules::header::Header::decode) accepts. Other bytes give an error,
    /// or a meaningless hash.
    pub(super) fn cut(rlp: &'a [u8]) -> Result<Self, HeaderError> {
        let payload = RlpHeader::decode_bytes(&mut &*rlp, true).map_err(HeaderError::List)?;
        let mut rest = payload;
        for _ in 0..HEAD_FIELDS {
            skip(&mut rest)?;
        }
        let (head, mut rest) = (&payload[..payload.len() - rest.len()], rest);
        let from_extra = rest;
        skip(&mut rest)?;
        let extra_data = &from_extra[..from_extra.len() - rest.len()];
        let short = HeaderError::Field { field: "mix_hash", error: alloy_rlp::Error::InputTooShort };
        let (proof, tail) = rest.split_at_checked(PROOF_BYTES).ok_or(short)?;
        Ok(Self { head, extra_data, proof, tail })
    }

    /// The ethash seal hash: everything but mix hash and nonce (Yellow Paper 4.4.4, without `H_n` and `H_m`).
    #[cfg(feature = "ethash")]
    pub(super) fn ethash_seal_hash(&self) -> B256 {
        hash_list(&[self.head, self.extra_data, self.tail])
    }

    /// The clique seal hash: everything, with `unsealed` in place of the extra data (EIP-225).
    #[cfg(feature = "clique")]
    pub(super) fn clique_seal_hash(&self, unsealed: &[u8]) -> B256 {
        let mut extra_data = alloc::vec::Vec::with_capacity(alloy_rlp::Encodable::length(unsealed));
        alloy_rlp::Encodable::encode(unsealed, &mut extra_data);
        hash_list(&[self.head, &extra_data, self.proof, self.tail])
    }
}

/// Skips one item.
fn skip(rest: &mut &[u8]) -> Result<(), HeaderError> {
    let failed = |error| HeaderError::Field { field: "extra_data", error };
    RlpHeader::decode_bytes(rest, false).map(|_| ()).map_err(failed)
}

/// Keccak-256 of the list with the encoded items in `parts`.
fn hash_list(parts: &[&[u8]]) -> B256 {
    let payload_length = parts.iter().map(|part| part.len()).sum();
    let list = RlpHeader { list: true, payload_length };
    let mut prefix = [0; PREFIX_BYTES_MAX];
    list.encode(&mut prefix.as_mut_slice());
    let mut hasher = Keccak256::new();
    hasher.update(&prefix[..list.length()]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}
