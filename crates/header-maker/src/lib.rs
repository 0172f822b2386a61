//! Generated headers that obey every rule: `header-peer --generate` serves them, and the simulator builds its chains of
//! them.
//!
//! All forks up to Prague are active from block 0: 21 fields, about 640 bytes that hardly compress (blooms and roots
//! are random). A chain is a loop over two calls; the caller keeps the headers and may change the figures in between:
//!
//! ```
//! use alloy_primitives::{B256, keccak256};
//! use header_maker::{Figures, SplitMix64, append_header};
//!
//! let mut chance = SplitMix64(7);
//! let (mut parent, mut figures) = (B256::ZERO, Figures::START);
//! for number in 0..3 {
//!     let mut rlp = Vec::new();
//!     figures = figures.child(&mut chance);
//!     append_header(&mut chance, number, parent, &figures, 0, &mut rlp);
//!     parent = keccak256(&rlp);
//! }
//! ```
//!
//! This crate does not depend on `sync-core`: it implements rules and encoding a second time, so that the machine is
//! not tested against its own mistakes. The same seed gives the same bytes on every platform and in every version:
//! tests and reports contain hashes of generated chains.
//!
//! Bounds: a header is appended to the caller's buffer, and nothing is kept. There is no outside input.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod figures;
mod header;
mod split_mix;

pub use figures::{Figures, GAS_PER_BLOB};
pub use header::{EXTRA_DATA_MAX, FIELDS, GENESIS_TIMESTAMP, SECONDS_PER_BLOCK, append_header};
pub use split_mix::SplitMix64;
