//! Encoding and decoding of messages. Encoding cannot fail; decoding accepts exactly one canonical message and reports
//! every deviation.

use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_rlp::{Decodable, EMPTY_STRING_CODE, Encodable, Header};
use bytes::{BufMut, Bytes};

use crate::{
    BlockHeaders, BlockRangeUpdate, ForkId, GetBlockHeaders, HashOrNumber, Message, ResponseBuilder, Status, WireError,
    id, limits, varint,
};

/// First byte of the RLP of a 32-byte string: distinguishes a hash from a number.
const HASH_PREFIX: u8 = EMPTY_STRING_CODE + 32;

/// The whole message, length prefix and body in one buffer: write it with one `write_all`, then flush.
pub fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Status(status) => {
            let fork_id = List(&[&Raw(&string4(status.fork_id.hash)), &status.fork_id.next]).to_vec();
            let fields: &[&dyn Encodable] = &[
                &status.version,
                &status.network_id,
                &status.genesis,
                &Raw(&fork_id),
                &status.earliest,
                &status.latest,
                &status.latest_hash,
            ];
            frame(id::STATUS, fields)
        }
        Message::GetBlockHeaders(request) => {
            let query = List(&[
                match &request.start {
                    HashOrNumber::Hash(hash) => hash as &dyn Encodable,
                    HashOrNumber::Number(number) => number,
                },
                &request.limit,
                &request.skip,
                &request.reverse,
            ])
            .to_vec();
            frame(id::GET_BLOCK_HEADERS, &[&request.request_id, &Raw(&query)])
        }
        Message::BlockHeaders(response) => {
            let mut builder = ResponseBuilder::new();
            builder.start(response.request_id);
            for header in &response.headers {
                builder.push(header);
            }
            builder.finish().to_vec()
        }
        Message::BlockRangeUpdate(update) => {
            frame(id::BLOCK_RANGE_UPDATE, &[&update.earliest, &update.latest, &update.latest_hash])
        }
    }
}

/// Decodes one body (message id and RLP, without the length prefix). The headers of a response are slices of `body`.
///
/// # Errors
///
/// Any deviation from one canonical message; see [`WireError`].
pub fn decode_body(body: &Bytes) -> Result<Message, WireError> {
    let (&message_id, mut rest) = body.split_first().ok_or(WireError::Empty)?;
    let rest = &mut rest;
    let message = match message_id {
        id::STATUS => Message::Status(decode_status(rest)?),
        id::GET_BLOCK_HEADERS => Message::GetBlockHeaders(decode_request(rest)?),
        id::BLOCK_HEADERS => Message::BlockHeaders(decode_headers(body, rest)?),
        id::BLOCK_RANGE_UPDATE => Message::BlockRangeUpdate(decode_update(rest)?),
        unknown => return Err(WireError::UnknownMessage(unknown)),
    };
    finished(rest)?;
    Ok(message)
}

fn decode_status(buf: &mut &[u8]) -> Result<Status, WireError> {
    let mut fields = list(buf)?;
    let fields = &mut fields;
    let version = u32::decode(fields)?;
    let network_id = u64::decode(fields)?;
    let genesis = B256::decode(fields)?;
    let mut fork = list(fields)?;
    let fork_id = ForkId { hash: <[u8; 4]>::decode(&mut fork)?, next: u64::decode(&mut fork)? };
    finished(fork)?;
    let BlockRangeUpdate { earliest, latest, latest_hash } = decode_range(fields)?;
    Ok(Status { version, network_id, genesis, fork_id, earliest, latest, latest_hash })
}

fn decode_update(buf: &mut &[u8]) -> Result<BlockRangeUpdate, WireError> {
    decode_range(&mut list(buf)?)
}

/// The last three fields of both messages that name a range. An item after them is an error.
fn decode_range(fields: &mut &[u8]) -> Result<BlockRangeUpdate, WireError> {
    let range = BlockRangeUpdate {
        earliest: u64::decode(fields)?,
        latest: u64::decode(fields)?,
        latest_hash: B256::decode(fields)?,
    };
    finished(fields)?;
    Ok(range)
}

fn decode_request(buf: &mut &[u8]) -> Result<GetBlockHeaders, WireError> {
    let mut fields = list(buf)?;
    let request_id = u64::decode(&mut fields)?;
    let mut query = list(&mut fields)?;
    finished(fields)?;
    let start = if query.first() == Some(&HASH_PREFIX) {
        HashOrNumber::Hash(B256::decode(&mut query)?)
    } else {
        HashOrNumber::Number(u64::decode(&mut query)?)
    };
    let limit = u64::decode(&mut query)?;
    let skip = u64::decode(&mut query)?;
    let reverse = bool::decode(&mut query)?;
    finished(query)?;
    if limit > limits::HEADERS_PER_REQUEST_MAX as u64 {
        return Err(WireError::TooManyHeaders { got: limit, limit: limits::HEADERS_PER_REQUEST_MAX });
    }
    Ok(GetBlockHeaders { request_id, start, limit, skip, reverse })
}

fn decode_headers(body: &Bytes, buf: &mut &[u8]) -> Result<BlockHeaders, WireError> {
    let mut fields = list(buf)?;
    let request_id = u64::decode(&mut fields)?;
    let items = list(&mut fields)?;
    finished(fields)?;

    let mut headers = Vec::with_capacity(count_headers(items)?);
    let mut rest = items;
    while !rest.is_empty() {
        let header = next_header(&mut rest)?;
        headers.push(body.slice_ref(header));
    }
    Ok(BlockHeaders { request_id, headers })
}

/// Number of headers in the list, counted before any memory is allocated for them.
fn count_headers(mut items: &[u8]) -> Result<usize, WireError> {
    let mut count = 0;
    while !items.is_empty() {
        next_header(&mut items)?;
        count += 1;
        if count > limits::HEADERS_PER_REQUEST_MAX {
            return Err(WireError::TooManyHeaders { got: count as u64, limit: limits::HEADERS_PER_REQUEST_MAX });
        }
    }
    Ok(count)
}

/// The next list with its prefix; only its outer length is checked.
fn next_header<'a>(items: &mut &'a [u8]) -> Result<&'a [u8], WireError> {
    let whole = *items;
    list(items)?;
    let header = &whole[..whole.len() - items.len()];
    if header.len() > limits::HEADER_BYTES_MAX {
        return Err(WireError::HeaderTooLong { got: header.len(), limit: limits::HEADER_BYTES_MAX });
    }
    Ok(header)
}

/// Payload of the next list.
fn list<'a>(buf: &mut &'a [u8]) -> Result<&'a [u8], WireError> {
    Ok(Header::decode_bytes(buf, true)?)
}

fn finished(rest: &[u8]) -> Result<(), WireError> {
    if rest.is_empty() { Ok(()) } else { Err(WireError::TrailingBytes(rest.len())) }
}

/// Four bytes as an RLP string.
const fn string4([a, b, c, d]: [u8; 4]) -> [u8; 5] {
    [EMPTY_STRING_CODE + 4, a, b, c, d]
}

/// Already encoded RLP.
struct Raw<'a>(&'a [u8]);

impl Encodable for Raw<'_> {
    fn encode(&self, out: &mut dyn BufMut) {
        out.put_slice(self.0);
    }

    fn length(&self) -> usize {
        self.0.len()
    }
}

/// An RLP list of these items.
struct List<'a>(&'a [&'a dyn Encodable]);

impl List<'_> {
    fn header(&self) -> Header {
        Header { list: true, payload_length: self.0.iter().map(|item| item.length()).sum() }
    }

    fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length());
        self.encode(&mut out);
        out
    }
}

impl Encodable for List<'_> {
    fn encode(&self, out: &mut dyn BufMut) {
        self.header().encode(out);
        for item in self.0 {
            item.encode(out);
        }
    }

    fn length(&self) -> usize {
        self.header().length_with_payload()
    }
}

fn frame(message_id: u8, fields: &[&dyn Encodable]) -> Vec<u8> {
    let payload = List(fields);
    let body_len = 1 + payload.length();
    let mut prefix = [0; varint::BYTES_MAX];
    let start = varint::write_at_end(body_len as u64, &mut prefix);
    let mut out = Vec::with_capacity(varint::BYTES_MAX - start + body_len);
    out.extend_from_slice(&prefix[start..]);
    out.push(message_id);
    payload.encode(&mut out);
    out
}
