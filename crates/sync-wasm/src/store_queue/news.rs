//! Store events, and what the host must do.

use std::time::Duration;

use header_rules::range::BlockRange;
use sync_core::{Input, fault::StoreFailure};

use super::Ended;

/// What the store reports.
#[derive(Debug)]
pub enum StoreEvent {
    /// An operation ended.
    Ended(Ended),
    /// The connection is lost.
    Lost,
}

/// Instruction for the host.
#[derive(Debug)]
pub enum StoreNews {
    /// Nothing.
    Nothing,
    /// Input for the machine.
    Input(Input),
    /// A batch is durable: pass the input to the machine, count the time in the figures.
    Persisted {
        /// Input for the machine.
        input: Input,
        /// Time of the write.
        took: Duration,
    },
    /// A segment was audited and is sound.
    SegmentSound,
    /// A failure that belongs to no call: report it.
    Failure(StoreFailure),
    /// The machine's view of the store is void; the store is being reopened.
    Lost,
    /// Create a new machine from the stored checkpoint.
    Opened(Opened),
    /// The store cannot be reopened: the sync ends.
    Failed(String),
}

/// Why a new machine is due.
#[derive(Debug)]
pub struct Opened {
    /// Block numbers dropped because of damage.
    pub dropped: Vec<BlockRange>,
    /// Event that requires it.
    pub cause: OpenedBy,
}

/// Event that requires a new machine.
#[derive(Debug)]
pub enum OpenedBy {
    /// The audit dropped damaged headers.
    Audit,
    /// The connection was lost and recreated.
    Reopening,
    /// The store was emptied, or could not be: reply to these calls.
    Clear {
        /// Ids of the calls.
        calls: Vec<f64>,
        /// Reply to each of them.
        outcome: Result<(), StoreFailure>,
    },
}

/// Result of a call of `clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearCall {
    /// The store is being emptied from now on; the machine is void.
    Begun,
    /// Gets its reply together with an earlier call, or after the store is reopened.
    Joined,
    /// More than [`CLEAR_CALLS_MAX`](super::control::CLEAR_CALLS_MAX) wait.
    Busy,
}
