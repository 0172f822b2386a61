//! Dial errors, with the codes that the page knows.
//!
//! [`transport`](super::transport) derives them from the errors of the transports. They contain no text of a peer.

use serde::Serialize;

/// Longest message for the page, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// Why a dial failed, the most informative code first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialErrorCode {
    /// The certificate of the remote host does not match the address.
    WrongCerthash,
    /// The remote peer has another peer id.
    WrongPeerId,
    /// The connection limit of the browser or of the page is reached.
    Limit,
    /// The browser lacks a feature that the dial needs, or the peer does not speak the protocol.
    Unsupported,
    /// The peer closed the connection during the handshake.
    Refused,
    /// This side closed the connection during the handshake.
    Closed,
    /// This page may not dial the address.
    NotDialable,
    /// No response within the time limit.
    Timeout,
}

/// Why a dial failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DialError {
    /// Machine-readable reason.
    pub code: DialErrorCode,
    /// One sentence for people.
    pub message: String,
}

impl DialError {
    /// An error with this code; a long message is cut.
    pub fn new(code: DialErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into().chars().take(MESSAGE_CHARS_MAX).collect() }
    }

    /// This host cancelled the dial for other peers.
    pub fn given_up() -> Self {
        Self::new(DialErrorCode::Timeout, "no answer yet, and other peers wait for their turn")
    }

    /// This page may dial no address of the peer.
    pub fn not_dialable() -> Self {
        let message = "the list names an address of a private network or of this machine, which this page does not dial; \
                       name it in `peers`, or serve the page from there";
        Self::new(DialErrorCode::NotDialable, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        let long = DialError::new(DialErrorCode::Timeout, "x".repeat(10_000));
        assert_eq!(long.message.len(), MESSAGE_CHARS_MAX);
    }
}
