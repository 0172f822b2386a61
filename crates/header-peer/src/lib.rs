//! The native peer: serves Ethereum headers to browsers over WebRTC-direct, and the page that syncs them.
//!
//! ```text
//! source (generated, era1, rlp) --Bytes--> answer --one buffer--> session --stream--> listener (WebRTC) --> browser
//!                                                                                      web (HTTP): page, peers.json
//! ```
//!
//! It judges nothing: a client proves every header by itself, so the peer serves whatever chain its source holds, of any
//! fork. What it does guard is itself: every length, count, wait and queue that a client could stretch has a limit, in
//! [`limits`] or [`header_wire::limits`], and one client's breach ends that client's stream alone.
//!
//! What an attacker can do: take connections up to `--max-connections`, each identity up to its request budget. What
//! they cannot: make it hold more than one response a stream, read a file, or learn anything but headers.

#![forbid(unsafe_code)]
// They panic when nobody reads what they write: `log` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod announce;
pub mod answer;
pub mod args;
pub mod budget;
pub mod chain;
pub mod fault;
pub mod forks;
pub mod header;
pub mod identity;
pub mod limits;
pub mod listener;
pub mod log;
pub mod runtime;
pub mod serve;
pub mod session;
pub mod source;
pub mod stats;
pub mod web;
