//! Protocol errors: each variant carries the received value and, where there is one, the limit.

/// A violation of the protocol. The stream cannot be used afterwards: the start of the next message is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The length prefix announces more than the decoder's limit.
    #[error("message of {got} bytes, at most {limit} are allowed")]
    TooLong {
        /// Length in the prefix, bytes.
        got: u64,
        /// The decoder's limit, bytes.
        limit: usize,
    },
    /// The length prefix is not a 64-bit number.
    #[error("length prefix is longer than a 64-bit number")]
    VarintOverflow,
    /// The length prefix is longer than its value needs.
    #[error("length prefix is not in its shortest form")]
    VarintNotMinimal,
    /// A body without bytes, hence without a message id.
    #[error("empty message")]
    Empty,
    /// No message of this protocol has this id.
    #[error("unknown message id {0:#04x}")]
    UnknownMessage(u8),
    /// Bytes after the end of the message, or items after the end of a list.
    #[error("{0} bytes after the end of a message or list")]
    TrailingBytes(usize),
    /// RLP that is damaged, not canonical, or of another type than the field.
    #[error("RLP: {0}")]
    Rlp(alloy_rlp::Error),
    /// A request or a response for too many headers.
    #[error("{got} headers, at most {limit} are allowed")]
    TooManyHeaders {
        /// Headers requested, or headers of the response counted so far.
        got: u64,
        /// Most headers in a message.
        limit: usize,
    },
    /// One header is longer than any header of a real chain.
    #[error("header of {got} bytes, at most {limit} are allowed")]
    HeaderTooLong {
        /// Length of its RLP, in bytes.
        got: usize,
        /// Longest header, in bytes.
        limit: usize,
    },
    /// Too many complete messages in one push.
    #[error("more than {limit} messages in one read")]
    TooManyMessages {
        /// Most messages that wait in a decoder.
        limit: usize,
    },
}

impl From<alloy_rlp::Error> for WireError {
    fn from(error: alloy_rlp::Error) -> Self {
        Self::Rlp(error)
    }
}
