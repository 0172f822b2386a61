//! The decoder: cuts a stream into messages.
//!
//! Each byte is copied once, from the read buffer into the buffer of its message; the headers of a response are slices
//! of that buffer. (A message longer than [`limits::RESERVED_BYTES_MAX`] is copied a few times more, while its buffer
//! grows to at most twice the received bytes.) No byte is scanned twice: the cost is linear.
//!
//! An attacker can make a decoder hold one unfinished message of at most `limit` bytes, of which at least half, or all
//! but [`limits::RESERVED_BYTES_MAX`], were sent, and [`limits::MESSAGES_QUEUED_MAX`] short messages. After the first
//! error the decoder drops its buffers and ignores all further bytes.

use alloc::{collections::VecDeque, vec, vec::Vec};
use bytes::Bytes;

use crate::{Message, WireError, codec::decode_body, limits, varint::VarintReader};

/// Bytes that are read where a message begins: its prefix, and all of the shortest ones.
const START_BYTES: usize = 64;

/// Cuts a stream into messages; the module's documentation lists its bounds.
///
/// After each [`push`](Self::push) or [`filled`](Self::filled) call [`next`](Self::next) until it returns `Ok(None)`.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    state: State,
    /// Complete bodies that wait for `next`.
    whole: VecDeque<Bytes>,
    /// What is read between two messages.
    start: [u8; START_BYTES],
}

#[derive(Debug)]
enum State {
    /// Reading the length prefix.
    Prefix(VarintReader),
    /// Reading a body of `len` bytes, of which `came` were read; `body` has room for one more at least.
    Body { len: usize, body: Vec<u8>, came: usize },
    /// After an error. Complete messages before the error can still be read.
    Failed(WireError),
}

impl Decoder {
    /// A decoder that rejects bodies over `limit` bytes; usually [`limits::MESSAGE_BYTES_MAX`].
    pub fn new(limit: usize) -> Self {
        Self { limit, state: State::Prefix(VarintReader::default()), whole: VecDeque::new(), start: [0; START_BYTES] }
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
                            let body = vec![0; len.min(limits::RESERVED_BYTES_MAX)];
                            self.state = State::Body { len, body, came: 0 };
                        }
                        Err(error) => self.state = State::Failed(error),
                    }
                }
                State::Body { body, came, .. } => {
                    let take = (body.len() - *came).min(bytes.len());
                    let (now, later) = bytes.split_at(take);
                    body[*came..*came + take].copy_from_slice(now);
                    bytes = later;
                    self.came(take);
                }
            }
        }
    }

    /// Where the next bytes of the stream may be read to, never empty: the rest of the present message, or as far as there
    /// is room for it. Then [`filled`](Self::filled) says how many came. Asked for again in place of that, it is as before.
    pub fn space(&mut self) -> &mut [u8] {
        match &mut self.state {
            State::Body { body, came, .. } => &mut body[*came..],
            State::Prefix(_) | State::Failed(_) => &mut self.start,
        }
    }

    /// Takes the first `count` bytes of [`space`](Self::space).
    ///
    /// # Panics
    ///
    /// If they are more than there was space for.
    pub fn filled(&mut self, count: usize) {
        match &self.state {
            State::Body { body, came, .. } => {
                assert!(count <= body.len() - came, "{count} bytes came into less space");
                self.came(count);
            }
            State::Prefix(_) | State::Failed(_) => {
                let start = self.start;
                self.push(&start[..count]);
            }
        }
    }

    /// So many bytes more of the body are there.
    fn came(&mut self, count: usize) {
        let State::Body { len, body, came } = &mut self.state else { return };
        *came += count;
        if came == len {
            let body = Bytes::from(core::mem::take(body));
            self.state = State::Prefix(VarintReader::default());
            self.queue(body);
        } else if *came == body.len() {
            // Doubled, but never beyond what the body will have.
            let more = body.len().min(*len - body.len());
            body.reserve_exact(more);
            body.resize(body.len() + more, 0);
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
