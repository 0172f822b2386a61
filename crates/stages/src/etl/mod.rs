//! Extract, transform, load, for a load that is larger than memory: entries in any order are sorted in a bounded
//! buffer, a full buffer is written as a sorted run to the host's [`Spill`], and a merge returns all entries in the
//! order of their keys. (The batch collector of `sync-core` is another one: it only reverses an order.)
//!
//! ```text
//!   insert --> Buffer (bounded) --full--> sorted run --> Spill (memory, file, OPFS)
//!                  |                                        |
//!                  +-- nothing was spilled --> Merge <------+-- one block of each run in memory
//! ```

mod buffer;
mod merge;
mod run;
mod spill;
pub mod spill_collector;

pub use buffer::EqualKeys;
pub use merge::{Entry, Merge, PausedMerge};
pub use run::{Manifest, Run};
pub use spill::{EtlError, MemorySpill, RunId, Spill};
pub use spill_collector::SpillCollector;
