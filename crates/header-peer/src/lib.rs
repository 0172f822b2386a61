//! The native peer: serves Ethereum headers to browsers over WebRTC-direct, and the page that syncs them.
//!
//! ```text
//! source (generated, era1, rlp) --Bytes--> response --one buffer--> session --stream--> listener (WebRTC) --> browser
//!                                                                                      web (HTTP): page, peers.json
//! ```
//!
//! The peer validates no header: each client verifies headers itself, so the peer can serve any chain and any fork. It
//! protects itself: every length, count, wait and queue that a client influences has a limit, in [`limits`] or
//! [`header_wire::limits`], and a protocol violation ends only the stream of that client.
//!
//! A malicious client can occupy connections up to `--max-connections`, and each identity its request budget. It cannot
//! make the peer hold more than one response per stream, read a file, or send anything but headers.

#![forbid(unsafe_code)]
// These macros panic if standard output or error is closed: use `log`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod announce;
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
pub mod response;
pub mod runtime;
pub mod serve;
pub mod session;
pub mod source;
pub mod stats;
pub mod web;
