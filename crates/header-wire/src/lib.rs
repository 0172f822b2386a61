//! The wire protocol between a header peer and a client: the eth/69 messages that a header sync needs, each behind a
//! length prefix. Every limit is checked before memory is allocated.
//!
//! # Format
//!
//! One long-lived stream for each connection speaks [`PROTOCOL`]. Each message on it is
//!
//! ```text
//! unsigned varint: length of the body | body = one byte: message id | RLP of the message, as in eth/69
//! ```
//!
//! Prefix and body are written with one `write_all` and flushed once; [`encode`] and [`ResponseBuilder`] return both in
//! one buffer. Responses carry the id of their request and may come in any order.
//!
//! | id | message | RLP |
//! |---|---|---|
//! | `0x00` | [`Status`] | `[version, network_id, genesis, [fork_hash, fork_next], earliest, latest, latest_hash]` |
//! | `0x03` | [`GetBlockHeaders`] | `[request_id, [start, limit, skip, reverse]]` |
//! | `0x04` | [`BlockHeaders`] | `[request_id, [header, ...]]` |
//! | `0x11` | [`BlockRangeUpdate`] | `[earliest, latest, latest_hash]` |
//!
//! A `genesis` of 32 zero bytes means that the sender does not know its genesis, for example because its file starts
//! above block 0; a receiver then compares nothing with it.
//!
//! The other ids of eth/69 (bodies `0x05`, `0x06`; receipts `0x0f`, `0x10`) are reserved.
//!
//! # Bounds and attackers
//!
//! Everything that [`Decoder`] reads is untrusted. A message over the limit is rejected when its prefix is read; memory
//! follows the received bytes, not the announced length; a list is counted before it is allocated. Anything but one
//! canonical message ends the stream with a [`WireError`]. No input makes this crate panic. The content of a header is
//! not checked here: the client verifies it.
//!
//! ```
//! use header_wire::{Decoder, GetBlockHeaders, HashOrNumber, Message, encode, limits};
//!
//! let request = Message::GetBlockHeaders(GetBlockHeaders {
//!     request_id: 7,
//!     start: HashOrNumber::Number(16_383),
//!     limit: 96,
//!     skip: 0,
//!     reverse: true,
//! });
//! let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
//! for chunk in encode(&request).chunks(3) {
//!     decoder.push(chunk);
//! }
//! assert_eq!(decoder.next(), Ok(Some(request)));
//! assert_eq!(decoder.next(), Ok(None));
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod codec;
mod decoder;
mod error;
pub mod limits;
mod message;
mod response;
mod varint;

pub use codec::{decode_body, encode};
pub use decoder::Decoder;
pub use error::WireError;
pub use message::{BlockHeaders, BlockRangeUpdate, ForkId, GetBlockHeaders, HashOrNumber, Message, Status, id};
pub use response::ResponseBuilder;

/// Protocol id that both sides negotiate for the stream (multistream-select).
pub const PROTOCOL: &str = "/headlight/sync/1";

/// Version in [`Status::version`]: the messages are those of eth/69 (EIP-7642).
pub const ETH_VERSION: u32 = 69;

/// The examples of the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
