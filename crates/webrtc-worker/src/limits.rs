//! The limits of the transport, each with its unit and its reason.
//!
//! The page's broker (`web/src/rtc-broker.ts`) has its own copy of the limits that concern it, and enforces them
//! itself.

use std::time::Duration;

/// Longest multiaddress, in bytes. A WebRTC-direct address with certificate hash and peer id has about 170.
pub const ADDRESS_BYTES_MAX: usize = 512;

/// Longest session description from the page, in bytes. Chromium's offer for one data channel has about 500.
pub const SDP_BYTES_MAX: usize = 16 * 1024;

/// Longest message that we send, in bytes: the longest that every WebRTC-direct peer accepts, by the specification.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Most unread bytes of one channel. A receiver of a data channel has no back-pressure, so the requester limits the
/// bytes in flight (half a MiB per connection); this is several times as much, for a busy worker. A peer that sends
/// more than was requested loses the stream.
pub const INBOX_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Overhead of a message in the inbox, in bytes, so that many tiny messages are bounded too.
pub const INBOX_MESSAGE_OVERHEAD_BYTES: usize = 64;

/// Bytes that the browser may buffer for one channel before a writer waits. A larger buffer gains nothing (the
/// browser's own window is smaller), and delays later writes.
pub const OUTBOX_BYTES_MAX: u32 = 256 * 1024;

/// A waiting writer is woken at this buffer size: half, so that the browser always has bytes to send.
pub const OUTBOX_BYTES_LOW: u32 = OUTBOX_BYTES_MAX / 2;

/// Connections of one broker that are open or being opened. Chromium allows 500 in a tab and frees them late.
pub const CONNECTIONS_MAX: usize = 64;

/// Pending commands to the page. A connection has at most two at a time.
pub const COMMANDS_PENDING_MAX: usize = 2 * CONNECTIONS_MAX;

/// Channels of one connection that are open or being opened by us. The page closes those that a peer opens.
pub const CHANNELS_MAX: usize = 256;

/// Timeout of a dial: page, ICE, DTLS, SCTP and Noise together. Over a fast link it takes 0.1 s, over the slowest
/// usable link some seconds.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for opening a channel on an open connection: it takes one round trip, or the connection is dead.
pub const CHANNEL_OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that a connection may be `disconnected` (no response to ICE checks, which the browser reports after about 5 s
/// of silence) before it is closed. A changed network recovers within this time or not at all.
pub const DISCONNECTED_MAX: Duration = Duration::from_secs(5);

/// Most characters of a page's message that an error repeats.
pub const ERROR_TEXT_CHARS_MAX: usize = 200;
