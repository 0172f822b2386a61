//! Unread messages of a channel: whole messages in a queue, read as bytes.
//!
//! A message is copied once, out of the browser's buffer; reading never moves the rest. The bound is in bytes and
//! includes an overhead per message, so it covers a few large messages and a million empty ones alike.

use std::collections::VecDeque;

use crate::limits::INBOX_MESSAGE_OVERHEAD_BYTES;

/// A message that waits to be read.
pub trait Unread {
    /// Its bytes; the same whenever it is asked.
    fn byte_len(&self) -> usize;

    /// Copies its bytes from `from` on; it has as many as `target` takes.
    fn copy_to(&self, from: usize, target: &mut [u8]);
}

impl Unread for Vec<u8> {
    fn byte_len(&self) -> usize {
        self.len()
    }

    fn copy_to(&self, from: usize, target: &mut [u8]) {
        target.copy_from_slice(&self[from..from + target.len()]);
    }
}

/// Unread messages of one channel, oldest first.
///
/// ```
/// let mut inbox = webrtc_worker::Inbox::new(1024);
/// inbox.push(vec![1, 2, 3])?;
/// inbox.push(vec![4])?;
/// let mut two = [0; 2];
/// assert_eq!(inbox.read(&mut two), 2);
/// assert_eq!(two, [1, 2]);
/// # Ok::<(), webrtc_worker::InboxFull>(())
/// ```
#[derive(Debug)]
pub struct Inbox<M = Vec<u8>> {
    messages: VecDeque<M>,
    /// Bytes of the first message that were read.
    read: usize,
    /// Cost of all messages, in bytes.
    cost: usize,
    cost_max: usize,
}

/// The message does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{got} unread bytes, at most {limit}")]
pub struct InboxFull {
    /// Cost with this message, in bytes.
    pub got: usize,
    /// The limit, in bytes.
    pub limit: usize,
}

impl<M: Unread> Inbox<M> {
    /// An empty inbox for messages of at most `bytes_max` in total; a message costs its length and
    /// [`INBOX_MESSAGE_OVERHEAD_BYTES`].
    pub fn new(bytes_max: usize) -> Self {
        Self { messages: VecDeque::new(), read: 0, cost: 0, cost_max: bytes_max }
    }

    /// Cost with a message of this length, checked before it is copied.
    fn check(&self, bytes: usize) -> Result<(), InboxFull> {
        let got = self.cost.saturating_add(bytes).saturating_add(INBOX_MESSAGE_OVERHEAD_BYTES);
        if got > self.cost_max { Err(InboxFull { got, limit: self.cost_max }) } else { Ok(()) }
    }

    /// Adds a message. An empty one is dropped.
    pub fn push(&mut self, message: M) -> Result<(), InboxFull> {
        let len = message.byte_len();
        self.check(len)?;
        if len > 0 {
            self.cost += len + INBOX_MESSAGE_OVERHEAD_BYTES;
            self.messages.push_back(message);
        }
        Ok(())
    }

    /// Moves unread bytes into `target`, across messages; returns their number. 0 only if `target` or the inbox is
    /// empty.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < target.len() {
            let Some(message) = self.messages.front() else { break };
            let len = message.byte_len();
            let n = (len - self.read).min(target.len() - filled);
            message.copy_to(self.read, &mut target[filled..filled + n]);
            filled += n;
            self.read += n;
            if self.read == len {
                self.cost -= len + INBOX_MESSAGE_OVERHEAD_BYTES;
                self.read = 0;
                self.messages.pop_front();
            }
        }
        filled
    }

    /// Are there no unread bytes?
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Drops all messages and frees the memory.
    pub fn clear(&mut self) {
        self.messages = VecDeque::new();
        self.read = 0;
        self.cost = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For any sizes of messages and reads, the bytes are read once and in order.
    #[test]
    fn reads_cross_the_borders_of_messages() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        for message_size in [1, 7, 100, 4_999] {
            for read_size in [1, 3, 64, 10_000] {
                let mut inbox = Inbox::new(1 << 20);
                for message in bytes.chunks(message_size) {
                    inbox.push(message.to_vec()).unwrap();
                }
                let mut got = Vec::new();
                let mut buffer = vec![0; read_size];
                while !inbox.is_empty() {
                    let n = inbox.read(&mut buffer);
                    assert!(n > 0);
                    got.extend_from_slice(&buffer[..n]);
                }
                assert_eq!(got, bytes, "messages of {message_size}, reads of {read_size}");
                assert_eq!(inbox.cost, 0);
            }
        }
    }

    #[test]
    fn refuses_what_goes_over_the_limit_and_keeps_what_it_has() {
        let mut inbox = Inbox::new(200);
        inbox.push(vec![7; 100]).unwrap();
        assert_eq!(inbox.push(vec![8; 100]), Err(InboxFull { got: 328, limit: 200 }));
        let mut all = [0; 300];
        assert_eq!(inbox.read(&mut all), 100);
        inbox.push(vec![8; 100]).unwrap();
    }

    #[test]
    fn tiny_messages_are_bounded_too() {
        let mut inbox = Inbox::new(64 * 1024);
        let accepted = (0..1_000_000).take_while(|_| inbox.push(vec![0]).is_ok()).count();
        assert_eq!(accepted, 64 * 1024 / (1 + INBOX_MESSAGE_OVERHEAD_BYTES));
    }

    #[test]
    fn empty_messages_cost_nothing_and_read_as_nothing() {
        let mut inbox = Inbox::<Vec<u8>>::new(200);
        for _ in 0..1_000 {
            inbox.push(Vec::new()).unwrap();
        }
        assert!(inbox.is_empty());
        assert_eq!(inbox.read(&mut [0; 4]), 0);
    }

    #[test]
    fn clear_makes_room() {
        let mut inbox = Inbox::new(200);
        inbox.push(vec![1; 130]).unwrap();
        assert_eq!(inbox.read(&mut [0; 10]), 10);
        inbox.clear();
        assert!(inbox.is_empty());
        inbox.push(vec![2; 130]).unwrap();
        let mut first = [0; 1];
        assert_eq!(inbox.read(&mut first), 1);
        assert_eq!(first, [2]);
    }
}
