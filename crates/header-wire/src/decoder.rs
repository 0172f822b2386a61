//! The decoder: cuts a stream into messages.
//!
//! Each byte is copied once, from the read buffer into the buffer of its message; the headers of a response are slices
//! of that buffer. (A message longer than [`limits::RESERVED_BYTES_MAX`] is copied a few times more, while its buffer
//! grows to at most twice the received bytes.) No byte is scanned twice: the cost is linear.
//!
//! An attacker can make a decoder hold one unfinished message of at most `limit` bytes, of which at least half, or all
//! but [`limits::RESERVED_BYTES_MAX`], were sent, and [`limits::MESSAGES_QUEUED_MAX`] short messages. After the first
//! error the decoder drops its buffers and ignores all further bytes.

use alloc::{collections::VecDeque, vec::Vec};
use bytes::Bytes;

use crate::{Message, WireError, codec::decode_body, limits, varint::VarintReader};

/// Cuts a stream into messages; the module's documentation lists its bounds.
///
/// After each [`push`](Self::push) call [`next`](Self::next) until it returns `Ok(None)`.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    state: State,
    /// Complete bodies that wait for `next`.
    whole: VecDeque<Bytes>,
}

#[derive(Debug)]
enum State {
    /// Reading the length prefix.
    Prefix(VarintReader),
    /// Reading a body of `len` bytes, at least 1; `body` holds fewer.
    Body { len: usize, body: Vec<u8> },
    /// After an error. Complete messages before the error can still be read.
    Failed(WireError),
}

impl Decoder {
    /// A decoder that rejects bodies over `limit` bytes; usually [`limits::MESSAGE_BYTES_MAX`].
    pub fn new(limit: usize) -> Self {
        Self { limit, state: State::Prefix(VarintReader::default()), whole: VecDeque::new() }
    }

    /// Adds bytes of the stream, in pieces of any size.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Failed(_) => return,
                State::Prefix(reader) => {
                    let byte = bytes[0];
                    bytes = &bytes[1..];
                    match reader.push(byte).and_then(|len| len.map(|len| self.body_len(len)).transpose()) {
                        Ok(None) => {}
                        Ok(Some(len)) => {
                            let body = Vec::with_capacity(len.min(limits::RESERVED_BYTES_MAX));
                            self.state = State::Body { len, body };
                        }
                        Err(error) => self.state = State::Failed(error),
                    }
                }
                State::Body { len, body } => {
                    let take = (*len - body.len()).min(bytes.len());
                    let (now, later) = bytes.split_at(take);
                    grow(body, take, *len);
                    body.extend_from_slice(now);
                    bytes = later;
                    if body.len() == *len {
                        let body = Bytes::from(core::mem::take(body));
                        self.state = State::Prefix(VarintReader::default());
                        self.queue(body);
                    }
                }
            }
        }
    }

    /// The next complete message; `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// The first violation of the protocol, once all messages before it were returned; every later call returns the
    /// same error.
    #[allow(clippy::should_implement_trait, reason = "fallible, and it may go on after `None`")]
    pub fn next(&mut self) -> Result<Option<Message>, WireError> {
        let Some(body) = self.whole.pop_front() else {
            return match &self.state {
                State::Failed(error) => Err(*error),
                _ => Ok(None),
            };
        };
        decode_body(&body).map(Some).inspect_err(|&error| {
            self.whole = VecDeque::new();
            self.state = State::Failed(error);
        })
    }

    /// Is the stream in the middle of a message? A stream that ends there was cut off.
    pub fn is_mid_message(&self) -> bool {
        match &self.state {
            State::Prefix(reader) => reader.is_started(),
            State::Body { .. } => true,
            State::Failed(_) => false,
        }
    }

    fn body_len(&self, len: u64) -> Result<usize, WireError> {
        match usize::try_from(len) {
            Ok(0) => Err(WireError::Empty),
            Ok(len) if len <= self.limit => Ok(len),
            _ => Err(WireError::TooLong { got: len, limit: self.limit }),
        }
    }

    fn queue(&mut self, body: Bytes) {
        if self.whole.len() < limits::MESSAGES_QUEUED_MAX {
            self.whole.push_back(body);
        } else {
            self.state = State::Failed(WireError::TooManyMessages { limit: limits::MESSAGES_QUEUED_MAX });
        }
    }
}

/// Reserves room for `more` bytes: doubles the capacity, but never beyond the `len` of the body.
fn grow(body: &mut Vec<u8>, more: usize, len: usize) {
    let needed = body.len() + more;
    if needed > body.capacity() {
        let capacity = needed.max(body.capacity() * 2).min(len);
        body.reserve_exact(capacity - body.len());
    }
}
