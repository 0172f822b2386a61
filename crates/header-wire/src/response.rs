//! Builds a response in one reused buffer: headers are appended, and the prefixes are written before them at the end.
//!
//! The lengths in the prefixes are known only after the last header, so the buffer starts with room for the longest
//! prefix, and the prefix is written so that it ends where the headers begin. A peer keeps one builder per stream and
//! allocates nothing once the buffer has grown.

use alloc::vec::Vec;
use alloy_rlp::{Encodable, Header};

use crate::{id, varint};

/// Longest prefix: length prefix, message id, outer list, request id, inner list. Each RLP item takes at most nine
/// bytes.
const HEAD_BYTES_MAX: usize = varint::BYTES_MAX + 1 + 9 + 9 + 9;

/// Builds a [`BlockHeaders`](crate::BlockHeaders) message from encoded headers.
///
/// ```
/// use header_wire::{ResponseBuilder, BlockHeaders, Message, encode};
///
/// let header = [0xc2, 0x01, 0x02];
/// let mut response = ResponseBuilder::new();
/// response.start(9);
/// response.push(&header);
/// let same = Message::BlockHeaders(BlockHeaders { request_id: 9, headers: vec![header.to_vec().into()] });
/// assert_eq!(response.finish(), encode(&same));
/// ```
#[derive(Clone, Debug)]
pub struct ResponseBuilder {
    buffer: Vec<u8>,
    request_id: u64,
}

impl Default for ResponseBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseBuilder {
    /// An empty response to request 0.
    pub fn new() -> Self {
        Self { buffer: alloc::vec![0; HEAD_BYTES_MAX], request_id: 0 }
    }

    /// Starts a response to `request_id`; drops the previous one and keeps its memory.
    pub fn start(&mut self, request_id: u64) {
        self.buffer.truncate(HEAD_BYTES_MAX);
        self.request_id = request_id;
    }

    /// Appends the RLP of one header, or of several concatenated headers.
    pub fn push(&mut self, headers: &[u8]) {
        self.buffer.extend_from_slice(headers);
    }

    /// Bytes of headers so far.
    pub fn payload_len(&self) -> usize {
        self.buffer.len() - HEAD_BYTES_MAX
    }

    /// The headers so far, mutable.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[HEAD_BYTES_MAX..]
    }

    /// The whole message: write it with one `write_all`, then flush.
    pub fn finish(&mut self) -> &[u8] {
        let inner = Header { list: true, payload_length: self.payload_len() };
        let outer =
            Header { list: true, payload_length: self.request_id.length() + inner.length() + inner.payload_length };
        let body_len = 1 + outer.length() + outer.payload_length;
        let mut prefix = [0; varint::BYTES_MAX];
        let prefix = {
            let start = varint::write_at_end(body_len as u64, &mut prefix);
            &prefix[start..]
        };

        let head_len = prefix.len() + 1 + outer.length() + self.request_id.length() + inner.length();
        let start = HEAD_BYTES_MAX - head_len;
        let mut head = &mut self.buffer[start..HEAD_BYTES_MAX];
        let out: &mut dyn bytes::BufMut = &mut head;
        out.put_slice(prefix);
        out.put_u8(id::BLOCK_HEADERS);
        outer.encode(out);
        self.request_id.encode(out);
        inner.encode(out);
        &self.buffer[start..]
    }
}
