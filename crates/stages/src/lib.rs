//! Stages over a stored chain, without I/O. Each stage goes up to the checkpoint of the stage before it, stores its own
//! checkpoint with its data, and is unwound in reverse order.
//!
//! | module | |
//! |---|---|
//! | [`pipeline`] | the stages, their order, their checkpoints and unwinds |
//! | [`etl`] | sorts a load that is larger than memory |
//! | [`config`] | the limits, and the configuration of a pipeline |
//!
//! Absent, and checked to be: `unsafe`, `std`, async, clocks, hash maps.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod config;
pub mod etl;
pub mod pipeline;
