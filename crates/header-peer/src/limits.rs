//! The limits of the peer, each with its unit and its reason; those of the wire are in [`header_wire::limits`].

use std::time::Duration;

/// Default of `--max-connections`. Each connection may hold a response and the transport's buffers: about 2 MB.
pub const CONNECTIONS_DEFAULT: u32 = 256;

/// Most handshakes in progress; further ones are refused, so that half-open connections cannot fill the memory.
pub const CONNECTIONS_PENDING_MAX: u32 = 64;

/// Most connections of one identity: a client whose connection broke may reconnect before the peer notices.
pub const CONNECTIONS_PER_PEER_MAX: u32 = 4;

/// Most streams of one identity. The protocol uses one per connection.
pub const STREAMS_PER_PEER_MAX: usize = CONNECTIONS_PER_PEER_MAX as usize;

/// Default of `--request-budget`: requests for headers per second of one identity. A client with one response of 48 KiB
/// in flight needs 600 for 30 MB/s; a client over its budget is served later, never refused.
pub const REQUESTS_PER_SECOND_DEFAULT: u32 = 2000;

/// Most headers that a generated source makes for one response: five of its segments, which is what 1,024 consecutive
/// headers touch at most. A response with one header of each of a thousand segments would cost hundreds of times more.
pub const HEADERS_MADE_PER_RESPONSE_MAX: u64 = 5 * 256;

/// Generated headers that cost one request more: a little more than a response of the default size holds.
pub const HEADERS_MADE_PER_REQUEST: u64 = 128;

/// Longest message of a client, in bytes: room for a request for 1,024 bodies by hash.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Bytes per read of a stream. They hold fewer messages than a decoder may queue.
pub const READ_BYTES: usize = 8 * 1024;

/// Timeout of a client's first message.
pub const STATUS_TIMEOUT: Duration = Duration::from_secs(20);

/// Time without a request after which a stream is closed. The transport does not report a client that vanished without
/// closing, so this timeout frees its slot; an idle client reconnects when it needs the peer.
pub const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Timeout for sending one response. Lost packets stall a data channel for seconds, a vanished client for ever.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest life of a connection without a stream. A client opens its stream within seconds; one that dialled a wrong
/// peer id leaves without closing, and occupies one of its [`CONNECTIONS_PER_PEER_MAX`] slots for this time.
pub const CONNECTION_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for closing connections when the peer stops.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Lines that clients may cause on standard error in one [`LOG_WINDOW`].
pub const LOG_LINES_MAX: u32 = 20;

/// Length of a log window. At its end the number of dropped lines is written.
pub const LOG_WINDOW: Duration = Duration::from_secs(10);

/// Size of the chunks of `GET /headers.bin`, in bytes.
pub const DUMP_CHUNK_BYTES: usize = 256 * 1024;
