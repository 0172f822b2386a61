//! Extract, transform, load: the verified falling run below the anchor waits until a window is complete (its lowest number
//! is a multiple of the window, or the floor, or an older run of the store is reached), is turned to rising order, gets its
//! hash index and leaves as a [`HeaderBatch`]. Only this module can build one, and only a batch can be stored.

mod batch;
mod collector;

pub use batch::{HashEntry, HeaderBatch};
pub use collector::Collector;
