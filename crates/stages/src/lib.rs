//! Stages over a stored chain, without I/O: each goes as far as the one before it came, keeps its checkpoint beside its
//! data, and is taken back in reverse order by an unwind.
//!
//! | module | |
//! |---|---|
//! | [`pipeline`] | the stages, their order, their checkpoints and unwinds |
//! | [`etl`] | sorts a load that is larger than memory |
//! | [`config`] | the limits, and how a host tunes a pipeline |
//!
//! Absent, and checked to be: `unsafe`, `std`, async, clocks, hash maps.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod config;
pub mod etl;
pub mod pipeline;
