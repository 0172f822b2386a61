//! Why a stream ended: each variant carries what came and, where there is one, what was allowed.

/// A breach of the protocol. After it the stream is of no use: the sender's bytes can no longer be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The length prefix promises more than the decoder's limit.
    #[error("message of {got} bytes, at most {limit} are allowed")]
    TooLong {
        /// Length in the prefix, bytes.
        got: u64,
        /// The decoder's limit, bytes.
        limit: usize,
    },
    /// The length prefix is no 64-bit number.
    #[error("length prefix is longer than a 64-bit number")]
    VarintOverflow,
    /// The length prefix is longer than its value needs.
    #[error("length prefix is not in its shortest form")]
    VarintNotMinimal,
    /// A body of no bytes: not even a message id.
    #[error("empty message")]
    Empty,
    /// No message of this protocol has this id.
    #[error("unknown message id {0:#04x}")]
    UnknownMessage(u8),
    /// Bytes after the end of the message, or items after the end of a list.
    #[error("{0} bytes after the end of a message or list")]
    TrailingBytes(usize),
    /// RLP that is damaged, not canonical, or of another type than the message asks for.
    #[error("RLP: {0}")]
    Rlp(alloy_rlp::Error),
    /// A request or a response for too many headers.
    #[error("{got} headers, at most {limit} are allowed")]
    TooManyHeaders {
        /// Headers asked for, or headers in the answer as far as they were counted.
        got: u64,
        /// The limit.
        limit: usize,
    },
    /// One header is longer than any header of a real chain.
    #[error("header of {got} bytes, at most {limit} are allowed")]
    HeaderTooLong {
        /// Length of its RLP, bytes.
        got: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// More whole messages in one push than anyone may send without being answered.
    #[error("more than {limit} messages wait to be taken")]
    TooManyMessages {
        /// The limit.
        limit: usize,
    },
}

impl From<alloy_rlp::Error> for WireError {
    fn from(error: alloy_rlp::Error) -> Self {
        Self::Rlp(error)
    }
}
