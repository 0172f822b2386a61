//! Every bound of the transport, with its unit and its reason.
//!
//! The page's broker (`web/src/rtc-broker.ts`) has its own copy of those that concern it, and enforces them by itself.

use std::time::Duration;

/// Bytes of a multiaddress. A WebRTC-direct address with certificate hash and peer id has about 170.
pub const ADDRESS_BYTES_MAX: usize = 512;

/// Bytes of a session description from the page. Chromium's offer for one data channel has about 500.
pub const SDP_BYTES_MAX: usize = 16 * 1024;

/// Bytes of one message that we send: the largest that every WebRTC-direct peer takes, by the specification.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Unread bytes of one channel. A data channel knows no back-pressure from its receiver, so whoever asks bounds what it
/// has in flight (half a MiB for a connection), and this is room for several times that, should the worker be busy for a
/// while. A peer that sends more than it was asked for loses the stream.
pub const INBOX_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What a message in the inbox costs beyond its bytes, so that a flood of tiny ones is bounded too.
pub const INBOX_MESSAGE_OVERHEAD_BYTES: usize = 64;

/// Bytes handed to the browser and not yet sent, for one channel; beyond it a writer waits. Larger buys nothing (the
/// browser's own window is smaller), and delays what is written next.
pub const OUTBOX_BYTES_MAX: u32 = 256 * 1024;

/// A waiting writer is woken when the browser holds no more than this: half, so that the line never runs dry.
pub const OUTBOX_BYTES_LOW: u32 = OUTBOX_BYTES_MAX / 2;

/// Connections of one broker that are open or being made. Chromium allows 500 in a tab and frees them late.
pub const CONNECTIONS_MAX: usize = 64;

/// Commands to the page without an answer yet. A connection has at most two at a time.
pub const COMMANDS_PENDING_MAX: usize = 2 * CONNECTIONS_MAX;

/// Channels of one connection that are open or being opened by us. The page closes what a peer opens.
pub const CHANNELS_MAX: usize = 256;

/// Time for a dial: page, ICE, DTLS, SCTP and Noise together. Over a fast link it takes 0.1 s, over the slowest that can
/// carry a sync some seconds.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Time for a channel to open on a connection that stands: one round trip, or the connection is dead.
pub const CHANNEL_OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Time that a connection may be `disconnected` (no answer to ICE checks, which the browser says after about 5 s of
/// silence) before it counts as lost. A changed network comes back within it or not at all.
pub const DISCONNECTED_MAX: Duration = Duration::from_secs(5);

/// Characters of a message from the page that an error repeats.
pub const ERROR_TEXT_CHARS_MAX: usize = 200;
