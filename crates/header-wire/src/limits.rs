//! The limits of the wire, each with its unit and its reason.

/// Longest message body that a decoder accepts, in bytes. Forty times the default response: room for bodies and
/// receipts later, and for peers with larger responses, while a malicious peer can occupy at most this much memory.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most headers in one request or one response, as in eth/69.
pub const HEADERS_PER_REQUEST_MAX: usize = 1024;

/// Default size at which a peer ends its response, in bytes of headers. With responses of this size, one in-flight
/// limit of them outstanding, a data channel lost no packet; responses of 256 KiB overran the browser's UDP buffer
/// (131,072 bytes) and waited seconds for the retransmission timer.
pub const RESPONSE_BYTES_DEFAULT: usize = 48 * 1024;

/// Longest RLP of one header, in bytes. A usual header has 500 to 700 bytes; a clique checkpoint lists signers of 20
/// bytes each in `extra_data`, and this is room for 3,000 signers. Stores derive their longest segment from it.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Most decoded messages that wait in a [`Decoder`](crate::Decoder) between `push` and `next`. The shortest message has
/// two bytes, so a host that takes all messages after each read of up to 8 KiB never reaches this limit.
pub const MESSAGES_QUEUED_MAX: usize = 4096;

/// Bytes that are allocated when the prefix of a message is read. Longer messages grow with the received bytes, so that
/// an announced length alone occupies no more than this; a response of the default size is copied exactly once.
pub const RESERVED_BYTES_MAX: usize = 128 * 1024;
