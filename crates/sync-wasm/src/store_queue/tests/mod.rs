//! Queue, audit and control against a store whose operations end at any moment between any two others.

mod plan;
mod scenarios;
mod store;
mod world;

/// Headers of the test chain: six segments, the newest one not full.
const CHAIN_LEN: usize = 5_500;
