//! Every limit of the wire in one place, with its unit and its reason.

/// Longest message body, in bytes, that a decoder accepts. Forty times the default answer: room for bodies and
/// receipts later, and for a peer with larger answers, while a hostile peer holds at most this much of our memory.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most headers in one request or one response, as eth/69 peers have it.
pub const HEADERS_PER_REQUEST_MAX: usize = 1024;

/// Bytes of headers at which a peer cuts its response unless told otherwise. Responses of this size, one window of it in
/// flight, lost no packet on a data channel; responses of 256 KiB overran the browser's UDP buffer (131,072 bytes) and
/// waited seconds for the retransmission timer.
pub const ANSWER_BYTES_DEFAULT: usize = 48 * 1024;

/// Longest RLP of one header, in bytes. A header is 500 to 700 bytes, but chains with signers in `extra_data` (clique
/// checkpoints, 20 bytes a signer) go beyond; this is room for 3,000 signers.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Decoded messages that may wait in a [`Decoder`](crate::Decoder) between two calls of `push` and `next`. A host that
/// takes all messages after each read of up to 8 KiB can never meet it: the shortest message has two bytes.
pub const MESSAGES_QUEUED_MAX: usize = 4096;

/// Bytes that are set aside when the prefix of a message is read. Longer messages grow as their bytes come, so that a
/// promise alone holds no more memory than this; a response of the default size never grows.
pub const RESERVED_BYTES_MAX: usize = 128 * 1024;
