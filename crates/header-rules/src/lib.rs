//! Ethereum headers and the rules that make one a header of its chain. No I/O, no allocation on the path of a header.
//!
//! | module | |
//! |---|---|
//! | [`range`] | block numbers, and runs of them |
//! | [`block`] | how a block is named, and what a peer says that it has |
//! | [`header`] | the fields of a header, decoded from RLP and encoded again; its link, for chains of any form |
//! | [`chain`] | a chain: its id, its genesis, the fork schedule of known networks, schedules from JSON |
//! | [`rules`] | what a header owes to its chain and to its parent, one file a rule |
//!
//! Absent, and checked to be: `unsafe`, `std`, clocks, hash maps.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod block;
pub mod chain;
pub mod header;
pub mod range;
pub mod rules;
