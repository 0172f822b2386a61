//! Every limit of the peer in one place, with its unit and its reason; those of the wire are in [`header_wire::limits`].

use std::time::Duration;

/// Connections at a time unless `--max-connections` says otherwise. Each may hold a response and the transport's
/// buffers: about 2 MB.
pub const CONNECTIONS_DEFAULT: u32 = 256;

/// Handshakes under way at a time; more are refused, so that half-open ones cannot fill the memory.
pub const CONNECTIONS_PENDING_MAX: u32 = 64;

/// Connections of one identity at a time: a client that lost one without a goodbye may come back before it is noticed.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 4;

/// Streams of one identity at a time. The protocol has one for each connection.
pub const STREAMS_PER_PEER_MAX: usize = CONNECTIONS_PER_PEER_MAX as usize;

/// Requests for headers that one identity may have answered in a second unless `--request-budget` says otherwise. A
/// client with one response of 48 KiB in flight needs 600 for 30 MB/s; over its budget it is served later, never refused.
pub const REQUESTS_PER_SECOND_DEFAULT: u32 = 2000;

/// Headers that a generated source may make for one response: five of its segments, which is what 1,024 headers in a row touch
/// at most. A response with one header of each of a thousand segments would cost hundreds of times what it is worth.
pub const HEADERS_MADE_PER_RESPONSE_MAX: u64 = 5 * 256;

/// Headers made that count as one request more: what one response of the default size holds, and some.
pub const HEADERS_MADE_PER_REQUEST: u64 = 128;

/// Longest message that a client may send, in bytes: room for a request for 1,024 bodies by hash.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Bytes read from a stream at a time. What it holds is fewer messages than a decoder may queue.
pub const READ_BYTES: usize = 8 * 1024;

/// Time for a client's first message.
pub const STATUS_TIMEOUT: Duration = Duration::from_secs(20);

/// Time without any request after which a stream is closed. The transport does not tell of a client that vanished
/// without a goodbye, so this is what frees its place; a client that is still there comes back when it needs us.
pub const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Time for one response to be taken. Lost packets stall a data channel for seconds; a vanished client for ever.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Time that a connection without a stream may stay. A client opens its stream within seconds; one that dialled under a
/// wrong peer id leaves without a goodbye, and holds one of its [`CONNECTIONS_PER_PEER_MAX`] places so long.
pub const CONNECTION_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Time for connections to be closed properly when the peer is stopped.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Lines that clients may cause on standard error in one [`LOG_WINDOW`]: enough to see what goes on.
pub const LOG_LINES_MAX: u32 = 20;

/// Time after which clients may cause lines again, and the number of those left out is written.
pub const LOG_WINDOW: Duration = Duration::from_secs(10);

/// Bytes of the responses of `GET /headers.bin` that are made at a time.
pub const DUMP_CHUNK_BYTES: usize = 256 * 1024;
