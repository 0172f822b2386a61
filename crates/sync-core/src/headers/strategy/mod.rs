//! How a gap is requested. There are three strategies; a [`Selector`] changes between them and gives the reason.
//!
//! | strategy | asks | costs | is right when |
//! |---|---|---|---|
//! | [`Concurrent`](Strategy::Concurrent) | ranges by number, of all peers, every window full | peers must agree on numbers | nearly always |
//! | [`Sequential`](Strategy::Sequential) | ranges by number, of one peer, one at a time | one round trip for each response | many at once overload the way to us: most requests end without a response |
//! | [`ByHash`](Strategy::ByHash) | the anchor by its hash, of one peer, one at a time | one round trip *and* one verification for each response | peers have different blocks at the same number (a reorg), no peer serves the front by number, or the gap is one request long |
//!
//! Whatever the strategy, what is asked for, staged and verified is the same; a change loses nothing that is in flight.
//!
//! * [`selector`] holds the choice and its hysteresis; it looks at a [`View`] and is otherwise blind.
//! * [`history`] holds what each way did before, and how reliable requests were over the last seconds.

pub mod history;
pub mod selector;

use core::fmt;

pub use history::History;
pub use selector::{Selector, View};

use header_rules::range::BlockNumber;

/// How the gap is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Ranges by number, of all peers at once.
    #[default]
    Concurrent,
    /// Ranges by number, of one peer, one request at a time.
    Sequential,
    /// The next header by its hash, one request at a time.
    ByHash,
}

impl Strategy {
    /// All of them, in the order of [`Strategy::index`].
    pub const ALL: [Self; 3] = [Self::Concurrent, Self::Sequential, Self::ByHash];

    /// Its place in a table.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Is only one request for headers in flight at a time?
    pub const fn is_one_at_a_time(self) -> bool {
        matches!(self, Self::Sequential | Self::ByHash)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Concurrent => "concurrent",
            Self::Sequential => "sequential",
            Self::ByHash => "by hash",
        })
    }
}

/// Why the strategy changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrategyReason {
    /// More than half of the peers that could serve the front have another block under its number.
    #[error("{disagreeing} of {peers} peers have another block at {number}")]
    PeersDisagree {
        /// Number of the front.
        number: BlockNumber,
        /// Peers that were found to be on another branch there.
        disagreeing: usize,
        /// Peers that could serve it.
        peers: usize,
    },
    /// The range at the front failed so often that it is escalated.
    #[error("the range at {number} failed {failures} times")]
    FrontFails {
        /// Number of the front.
        number: BlockNumber,
        /// How often it failed.
        failures: u32,
    },
    /// The gap fits one request.
    #[error("a gap of {headers} headers")]
    ShortGap {
        /// Headers that are missing.
        headers: u64,
    },
    /// Most requests to several peers end without a response.
    #[error("{failed} of {ended} requests failed")]
    Unreliable {
        /// Requests of the last seconds without a usable response.
        failed: u64,
        /// Requests of the last seconds.
        ended: u64,
    },
    /// The cause of the other strategy is over.
    #[error("the cause is over")]
    CauseOver,
    /// The other strategy was measured and is faster; headers a second.
    #[error("{expected} headers a second are expected, {now} are had")]
    Faster {
        /// What the new way is expected to bring.
        expected: u64,
        /// What the old one brings.
        now: u64,
    },
}
