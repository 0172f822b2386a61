//! Extract, transform, load: proven headers arrive falling, leave as aligned batches in rising order.
//!
//! [`Collector`] gathers the proven run below the anchor until a window is complete (its lowest number is a multiple of
//! the window, or the floor, or an older run of the store is reached), turns it to rising order, sorts its hashes and
//! hands out a [`HeaderBatch`]. Only this module can build one, and only a batch can be stored.

mod batch;
mod collector;

pub use batch::{HashEntry, HeaderBatch};
pub use collector::Collector;
