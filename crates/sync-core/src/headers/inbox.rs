//! [`Inbox`]: responses that were matched with their requests and not checked yet, the oldest first. At most as many
//! wait as requests were in flight.

use alloc::{collections::VecDeque, vec::Vec};
use bytes::Bytes;

use super::{InFlight, Purpose};
use crate::id::PeerId;

/// Headers that came for a request.
#[derive(Debug)]
pub struct Response {
    /// The peer that sent them.
    pub peer: PeerId,
    /// The request of this response.
    pub request: InFlight,
    /// RLP, falling.
    pub headers: Vec<Bytes>,
    /// Bytes of the headers.
    pub bytes: u64,
}

impl Response {
    /// Is it for a range of the gap, not for a question of one header?
    pub fn is_piece(&self) -> bool {
        matches!(self.request.purpose, Purpose::Piece { .. })
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Inbox {
    responses: VecDeque<Response>,
    bytes: u64,
}

impl Inbox {
    /// Bytes of all headers here.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Responses that wait.
    pub fn count(&self) -> usize {
        self.responses.len()
    }

    /// What waits, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Response> + '_ {
        self.responses.iter()
    }

    /// Adds a response.
    pub fn push(&mut self, response: Response) {
        debug_assert_eq!(response.peer, response.request.peer, "a response of the peer that was asked");
        self.bytes += response.bytes;
        self.responses.push_back(response);
    }

    /// The oldest.
    pub fn pop(&mut self) -> Option<Response> {
        let response = self.responses.pop_front()?;
        debug_assert!(response.bytes <= self.bytes, "{} bytes leave of {}", response.bytes, self.bytes);
        self.bytes -= response.bytes;
        debug_assert!(!self.responses.is_empty() || self.bytes == 0, "{} bytes in no response", self.bytes);
        Some(response)
    }

    /// Takes out every response that `is_wanted` names, the oldest first.
    pub fn take(&mut self, is_wanted: impl Fn(&Response) -> bool) -> Vec<Response> {
        let (taken, kept) = core::mem::take(&mut self.responses).into_iter().partition(is_wanted);
        self.responses = kept;
        let taken: VecDeque<Response> = taken;
        self.bytes -= taken.iter().map(|response| response.bytes).sum::<u64>();
        debug_assert!(!self.responses.is_empty() || self.bytes == 0, "{} bytes in no response", self.bytes);
        taken.into()
    }
}
