//! Why a dial failed, in the codes that the page knows.
//!
//! They are made of the errors of the transports in [`transport`](super::transport). Nothing that a peer chose passes
//! through.

use serde::Serialize;

/// Characters of a dial's message that the page gets.
const MESSAGE_CHARS_MAX: usize = 300;

/// Why a dial failed; the first tells most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialErrorCode {
    /// Whoever answers there has another certificate than the address says.
    WrongCerthash,
    /// Another peer answered.
    WrongPeerId,
    /// The browser has no room for one more connection, or the page has not.
    Limit,
    /// The browser cannot do what the dial needs, or the peer does not speak the protocol.
    Unsupported,
    /// The peer ended the connection while it was made.
    Refused,
    /// The connection ended while it was made, by this side.
    Closed,
    /// The address is not dialled from this page.
    NotDialable,
    /// Nobody answered in time.
    Timeout,
}

/// Why a dial failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DialError {
    /// For programs.
    pub code: DialErrorCode,
    /// One sentence.
    pub message: String,
}

impl DialError {
    /// An error with this code; a long message is cut.
    pub fn new(code: DialErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into().chars().take(MESSAGE_CHARS_MAX).collect() }
    }

    /// A dial that this host ended before it had a result.
    pub fn given_up() -> Self {
        Self::new(DialErrorCode::Timeout, "no answer yet, and other peers wait for their turn")
    }

    /// No address of the peer may be dialled.
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
