//! A block header: a strict view of the received bytes.
//!
//! A header's hash is keccak-256 of the received bytes, never of a new encoding, and [`Header`] borrows from them: no
//! heap, no copy of the bloom or of the extra data. Decoding accepts only canonical RLP (no leading zeros, minimal
//! lengths, nothing after the list), so that a header has one encoding and one hash. [`HeaderLink`] reads only the
//! fields that link a header into its chain, which other chains and later forks have too.
//!
//! An attacker can send any bytes. Invalid ones give a [`HeaderError`]; the work is linear in the length, which the
//! wire limits.

mod encode;
mod link;

use alloy_primitives::{Address, B64, B256, U256, b256, keccak256};
use alloy_rlp::{Decodable, EMPTY_STRING_CODE, Header as RlpHeader};
use bytes::Bytes;

use crate::range::BlockNumber;

pub use encode::encode;
pub use link::HeaderLink;

/// Fields of the first headers (Frontier).
pub const FIELDS_MIN: usize = 15;
/// Fields of the newest known fork (Amsterdam).
pub const FIELDS_MAX: usize = 23;

/// Keccak-256 of the RLP of the empty list: the ommers hash of a block without ommers.
pub const EMPTY_OMMERS_HASH: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// Why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The outermost item is not a canonical, complete RLP list.
    #[error("no header list: {0}")]
    List(alloy_rlp::Error),
    /// Bytes follow the list.
    #[error("{0} bytes follow the header")]
    TrailingBytes(usize),
    /// A field is missing, has the wrong width or is not canonical.
    #[error("field {field}: {error}")]
    Field {
        /// Name of the field, as in the execution specs.
        field: &'static str,
        /// Error of the decoder; `InputTooShort` for a missing field.
        error: alloy_rlp::Error,
    },
    /// More than the [`FIELDS_MAX`] fields of the newest known fork.
    #[error("more than {FIELDS_MAX} fields")]
    TooManyFields,
}

/// The fields of a header, in their order (Yellow Paper 4.3 and the EIPs named beside the later ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Keccak-256 of the parent's RLP.
    pub parent_hash: B256,
    /// Hash of the list of ommers; of the empty list since the merge (EIP-3675).
    pub ommers_hash: B256,
    /// Receiver of the fees.
    pub beneficiary: Address,
    /// Root of the state after the block.
    pub state_root: B256,
    /// Root of the transactions.
    pub transactions_root: B256,
    /// Root of the receipts.
    pub receipts_root: B256,
    /// Bloom filter of the logs.
    pub logs_bloom: &'a [u8; 256],
    /// Difficulty; zero since the merge.
    pub difficulty: U256,
    /// Number of the block; genesis is 0.
    pub number: BlockNumber,
    /// Gas that the block may use.
    pub gas_limit: u64,
    /// Gas that the block used.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Free bytes: at most 32, or signers and a seal on a clique chain (EIP-225).
    pub extra_data: &'a [u8],
    /// Ethash mix; since the merge the beacon chain's randomness (EIP-4399).
    pub mix_hash: B256,
    /// Ethash nonce; zero since the merge.
    pub nonce: B64,
    /// Wei per gas; London, EIP-1559.
    pub base_fee_per_gas: Option<u64>,
    /// Shanghai, EIP-4895.
    pub withdrawals_root: Option<B256>,
    /// Cancun, EIP-4844.
    pub blob_gas_used: Option<u64>,
    /// Cancun, EIP-4844.
    pub excess_blob_gas: Option<u64>,
    /// Cancun, EIP-4788.
    pub parent_beacon_block_root: Option<B256>,
    /// Prague, EIP-7685.
    pub requests_hash: Option<B256>,
    /// Amsterdam, EIP-7928.
    pub block_access_list_hash: Option<B256>,
    /// Amsterdam, EIP-7843.
    pub slot_number: Option<u64>,
}

impl<'a> Header<'a> {
    /// Reads the RLP of one header, including the list prefix. Later fields are positional: a field implies all fields
    /// before it. Whether a field must be present is a rule of the chain ([`crate::rules`]), not of the encoding.
    pub fn decode(rlp: &'a [u8]) -> Result<Self, HeaderError> {
        let mut rest = rlp;
        let mut list = RlpHeader::decode_bytes(&mut rest, true).map_err(HeaderError::List)?;
        if !rest.is_empty() {
            return Err(HeaderError::TrailingBytes(rest.len()));
        }
        let list = &mut list;
        let header = Self {
            parent_hash: fixed(list, "parent_hash")?,
            ommers_hash: fixed(list, "ommers_hash")?,
            beneficiary: fixed(list, "coinbase")?,
            state_root: fixed(list, "state_root")?,
            transactions_root: fixed(list, "transactions_root")?,
            receipts_root: fixed(list, "receipt_root")?,
            logs_bloom: bloom(list)?,
            difficulty: required(list, "difficulty")?,
            number: required(list, "number")?,
            gas_limit: required(list, "gas_limit")?,
            gas_used: required(list, "gas_used")?,
            timestamp: required(list, "timestamp")?,
            extra_data: string(list, "extra_data")?,
            mix_hash: fixed(list, "mix_hash")?,
            nonce: fixed(list, "nonce")?,
            base_fee_per_gas: optional(list, "base_fee_per_gas", required)?,
            withdrawals_root: optional(list, "withdrawals_root", fixed)?,
            blob_gas_used: optional(list, "blob_gas_used", required)?,
            excess_blob_gas: optional(list, "excess_blob_gas", required)?,
            parent_beacon_block_root: optional(list, "parent_beacon_block_root", fixed)?,
            requests_hash: optional(list, "requests_hash", fixed)?,
            block_access_list_hash: optional(list, "block_access_list_hash", fixed)?,
            slot_number: optional(list, "slot_number", required)?,
        };
        if list.is_empty() { Ok(header) } else { Err(HeaderError::TooManyFields) }
    }

    /// Number of fields: [`FIELDS_MIN`] to [`FIELDS_MAX`]. Never falls from a parent to its child.
    pub fn field_count(&self) -> usize {
        let later = [
            self.base_fee_per_gas.is_some(),
            self.withdrawals_root.is_some(),
            self.blob_gas_used.is_some(),
            self.excess_blob_gas.is_some(),
            self.parent_beacon_block_root.is_some(),
            self.requests_hash.is_some(),
            self.block_access_list_hash.is_some(),
            self.slot_number.is_some(),
        ];
        FIELDS_MIN + later.into_iter().filter(|present| *present).count()
    }

    /// Is the header by proof of stake (EIP-3675)? Then its difficulty is zero.
    pub fn is_proof_of_stake(&self) -> bool {
        self.difficulty.is_zero()
    }
}

fn required<T: Decodable>(list: &mut &[u8], field: &'static str) -> Result<T, HeaderError> {
    T::decode(list).map_err(|error| HeaderError::Field { field, error })
}

/// A field of `N` bytes, 2 to 55. Half of a header are such fields: two comparisons check their one canonical form.
#[inline(always)]
fn fixed<const N: usize, T: From<[u8; N]>>(list: &mut &[u8], field: &'static str) -> Result<T, HeaderError> {
    if let Some((prefix, rest)) = list.split_first()
        && usize::from(*prefix) == usize::from(EMPTY_STRING_CODE) + N
        && let Some((bytes, rest)) = rest.split_first_chunk()
    {
        *list = rest;
        return Ok(T::from(*bytes));
    }
    // The decoder gives the error for any other form.
    required::<[u8; N]>(list, field).map(T::from)
}

#[inline(always)]
fn optional<'a, T>(
    list: &mut &'a [u8],
    field: &'static str,
    decode: impl FnOnce(&mut &'a [u8], &'static str) -> Result<T, HeaderError>,
) -> Result<Option<T>, HeaderError> {
    if list.is_empty() { Ok(None) } else { decode(list, field).map(Some) }
}

fn string<'a>(list: &mut &'a [u8], field: &'static str) -> Result<&'a [u8], HeaderError> {
    RlpHeader::decode_bytes(list, false).map_err(|error| HeaderError::Field { field, error })
}

fn bloom<'a>(list: &mut &'a [u8]) -> Result<&'a [u8; 256], HeaderError> {
    let field = "logs_bloom";
    let error = alloy_rlp::Error::UnexpectedLength;
    string(list, field)?.try_into().map_err(|_| HeaderError::Field { field, error })
}

/// Decoded bytes of a header, with their hash. Nothing is verified yet; only `sync-core`'s `lineage` verifies links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    rlp: Bytes,
    hash: B256,
    number: BlockNumber,
    parent_hash: B256,
}

impl SealedHeader {
    /// Hashes and decodes the bytes of one header.
    pub fn new(rlp: Bytes) -> Result<Self, HeaderError> {
        let header = Header::decode(&rlp)?;
        let (number, parent_hash) = (header.number, header.parent_hash);
        Ok(Self { hash: keccak256(&rlp), rlp, number, parent_hash })
    }

    /// Keccak-256 of the bytes.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Number in the header.
    pub fn number(&self) -> BlockNumber {
        self.number
    }

    /// Parent hash in the header.
    pub fn parent_hash(&self) -> B256 {
        self.parent_hash
    }

    /// The bytes.
    pub fn rlp(&self) -> &Bytes {
        &self.rlp
    }

    /// All fields.
    pub fn header(&self) -> Header<'_> {
        Header::decode(&self.rlp).expect("the bytes were decoded when this value was made and have not changed")
    }
}
