//! What happens to the store, and what follows from it for the host.

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

/// What follows for the host.
#[derive(Debug)]
pub enum StoreNews {
    /// Nothing.
    Nothing,
    /// The machine is told this.
    Input(Input),
    /// A batch is durable: the machine is told, the time counts in the figures.
    Persisted {
        /// For the machine.
        input: Input,
        /// Time that the store took.
        took: Duration,
    },
    /// A segment was audited and is sound.
    SegmentSound,
    /// Something failed that no call waits for; it is reported.
    Failure(StoreFailure),
    /// What the machine knows of the store is void; the store is being opened again.
    Lost,
    /// A new machine goes on from what the store holds.
    Opened(Opened),
    /// The store cannot be opened again: the sync ends.
    Failed(String),
}

/// Why a new machine is due.
#[derive(Debug)]
pub struct Opened {
    /// Numbers that were dropped because they were damaged.
    pub dropped: Vec<BlockRange>,
    /// Why.
    pub cause: OpenedBy,
}

/// Why a new machine is due.
#[derive(Debug)]
pub enum OpenedBy {
    /// The audit dropped damaged headers.
    Audit,
    /// The connection was lost and made anew.
    Reopening,
    /// The store was emptied, or could not be: the calls to answer.
    Clear {
        /// Ids of the calls.
        calls: Vec<f64>,
        /// For each of them.
        outcome: Result<(), StoreFailure>,
    },
}

/// What became of a call of `clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearCall {
    /// The store is being emptied from now on; the machine is void.
    Begun,
    /// Answered together with an earlier call, or after the store was opened again.
    Joined,
    /// More than [`CLEAR_CALLS_MAX`](super::control::CLEAR_CALLS_MAX) wait.
    Busy,
}
