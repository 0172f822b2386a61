//! Headers that nobody mined and that obey every rule: what `header-peer --generate` serves, and what the chains of the
//! simulator are made of.
//!
//! All forks up to Prague are active from block 0: 21 fields, about 640 bytes, nothing in them that compresses well
//! (blooms and roots are random). A chain is a loop over two calls; who makes it keeps what it wants of it, and may
//! change the figures in between:
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
//! This crate knows nothing of `sync-core`: the rules and the encoding are written here a second time, so that the
//! machine is not tried on what agrees with its own mistakes. The same chance makes the same bytes on every platform
//! and in every version: hashes of made chains are written down in tests and reports.
//!
//! What bounds it: a header is appended to the caller's buffer, and nothing is kept. Nothing comes from outside.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod figures;
mod header;
mod split_mix;

pub use figures::{Figures, GAS_PER_BLOB};
pub use header::{EXTRA_DATA_MAX, FIELDS, GENESIS_TIMESTAMP, SECONDS_PER_BLOCK, append_header};
pub use split_mix::SplitMix64;
