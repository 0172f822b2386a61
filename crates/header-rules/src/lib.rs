//! Ethereum headers and the consensus rules that they must obey. No I/O, no allocation per header.
//!
//! | module | |
//! |---|---|
//! | [`range`] | block numbers, and ranges of them |
//! | [`block`] | names of blocks, and the blocks that a peer announces |
//! | [`header`] | the fields of a header, decoded from RLP and encoded again; its link, for chains of any form |
//! | [`chain`] | a chain: its id, its genesis, the fork schedule of known networks, schedules from JSON |
//! | [`rules`] | the rules of a header by itself and against its parent, one file a rule |
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
