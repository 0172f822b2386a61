//! What travels between a header peer and a client: the eth/69 messages that a header sync needs, each behind a
//! length prefix, with every limit checked before anything is allocated for it.
//!
//! # Shape
//!
//! One long-lived stream for each connection speaks [`PROTOCOL`]. Each message on it is
//!
//! ```text
//! unsigned varint: length of the body | body = one byte: message id | RLP of the message, as in eth/69
//! ```
//!
//! Prefix and body are written by one `write_all` and flushed once; [`encode`] and [`AnswerBuilder`] therefore return
//! both in one buffer. Request ids correlate, so responses may come in any order.
//!
//! | id | message | RLP |
//! |---|---|---|
//! | `0x00` | [`Status`] | `[version, network_id, genesis, [fork_hash, fork_next], earliest, latest, latest_hash]` |
//! | `0x03` | [`GetBlockHeaders`] | `[request_id, [start, limit, skip, reverse]]` |
//! | `0x04` | [`BlockHeaders`] | `[request_id, [header, ...]]` |
//! | `0x11` | [`BlockRangeUpdate`] | `[earliest, latest, latest_hash]` |
//!
//! A `genesis` of 32 zero bytes means that the sender does not know it, as with headers from a file that starts above
//! block 0; a receiver compares nothing with it.
//!
//! The ids between are those of eth/69 (bodies `0x05`, `0x06`; receipts `0x0f`, `0x10`) and stay free for it.
//!
//! # What bounds it, and what an attacker can do
//!
//! Everything that [`Decoder`] reads is hostile. A message over the limit is refused when its prefix is read; memory
//! follows the bytes that came, not the length that was promised; a list is counted before it is kept. Whatever is not
//! exactly one canonical message ends the stream with a [`WireError`], and stays ended. Nothing here panics on bytes.
//! What a header *says* is not looked at: that is the work of whoever asked for it.
//!
//! ```
//! use header_wire::{Decoder, GetBlockHeaders, HashOrNumber, Message, encode, limits};
//!
//! let asked = Message::GetBlockHeaders(GetBlockHeaders {
//!     request_id: 7,
//!     start: HashOrNumber::Number(16_383),
//!     limit: 96,
//!     skip: 0,
//!     reverse: true,
//! });
//! let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
//! for chunk in encode(&asked).chunks(3) {
//!     decoder.push(chunk);
//! }
//! assert_eq!(decoder.next(), Ok(Some(asked)));
//! assert_eq!(decoder.next(), Ok(None));
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod answer;
mod codec;
mod decoder;
mod error;
pub mod limits;
mod message;
mod varint;

pub use answer::AnswerBuilder;
pub use codec::{decode_body, encode};
pub use decoder::Decoder;
pub use error::WireError;
pub use message::{BlockHeaders, BlockRangeUpdate, ForkId, GetBlockHeaders, HashOrNumber, Message, Status, id};

/// Protocol id that both sides negotiate for the stream.
pub const PROTOCOL: &str = "/headlight/sync/1";

/// Version in [`Status::version`]: the messages are those of eth/69 (EIP-7642).
pub const ETH_VERSION: u32 = 69;

/// The examples of the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
