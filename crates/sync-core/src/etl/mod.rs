//! Extract, transform, load: what arrives in one order leaves in another, with bounded memory.
//!
//! Two collectors, for two orders:
//!
//! * [`Collector`], the normal path of a sync: the proven falling run below the anchor waits until a window is complete
//!   (its lowest number is a multiple of the window, or the floor, or an older run of the store is reached), is turned to
//!   rising order, gets its hash index and leaves as a [`HeaderBatch`]. Only this module can build one, and only a batch
//!   can be stored.
//! * [`SpillCollector`], for a load that is larger than memory: entries in any order are sorted in a bounded buffer, a
//!   full buffer goes as a sorted run to a host's [`Spill`], and a merge hands everything out in the order of its keys.
//!
//! ```text
//!   insert --> Buffer (bounded) --full--> sorted run --> Spill (memory, file, OPFS)
//!                  |                                        |
//!                  +-- nothing was spilled --> Merge <------+-- one block of each run in memory
//! ```

mod batch;
mod buffer;
mod collector;
mod merge;
mod run;
mod spill;
pub mod spill_collector;

pub use batch::{HashEntry, HeaderBatch};
pub use buffer::EqualKeys;
pub use collector::Collector;
pub use merge::{Entry, Merge, PausedMerge};
pub use run::{Manifest, Run};
pub use spill::{EtlError, MemorySpill, RunId, Spill};
pub use spill_collector::SpillCollector;
