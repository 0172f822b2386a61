//! The machine's state, apart from its decisions: no part knows the machine. What is decided across parts is in the `impl`
//! blocks of [`HeaderSync`](super::HeaderSync), beside this folder. [`StoreQueue`], [`Phase`] and [`Votes`] change through
//! their methods alone; fields of the others are open to those blocks.

mod compared;
mod fork_checks;
mod header_size;
mod host;
mod phase;
mod rejected;
mod reorgs;
mod reports;
mod run;
mod stall_watch;
mod store_queue;
mod strategy;
mod target;
mod unknown_header;
mod votes;

pub use compared::Compared;
pub use fork_checks::ForkChecks;
pub use header_size::HeaderSize;
pub use host::Host;
pub use phase::Phase;
pub use rejected::Rejected;
pub use reorgs::{Reorg, ReorgPhase, Reorgs, TooDeep};
pub use reports::Reports;
pub use run::Run;
pub use stall_watch::StallWatch;
pub use store_queue::StoreQueue;
pub use strategy::GapStrategy;
pub use target::Target;
pub use unknown_header::UnknownHeader;
pub use votes::Votes;
