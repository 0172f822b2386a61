//! How a gap is requested. There are two strategies; a [`Selector`] changes between them and gives the reason.
//!
//! | strategy | asks | costs | is right when |
//! |---|---|---|---|
//! | [`Concurrent`](Strategy::Concurrent) | ranges by number, of all peers, every window full | peers must agree on numbers | nearly always |
//! | [`ByHash`](Strategy::ByHash) | the anchor by its hash, of one peer, one at a time | one round trip *and* one verification for each response | peers have different blocks at the same number (a reorg), no peer serves the front by number, or the gap is one request long |
//!
//! Whatever the strategy, what is asked for, staged and verified is the same; a change loses nothing that is in flight.
//!
//! An overloaded way needs no strategy: the window of each peer follows the delay ([`crate::peers::budget`]).

pub mod selector;

use core::fmt;

pub use selector::{Selector, View};

use header_rules::range::BlockNumber;

/// How the gap is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Ranges by number, of all peers at once.
    #[default]
    Concurrent,
    /// The next header by its hash, one request at a time.
    ByHash,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Concurrent => "concurrent",
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
    /// The cause of the other strategy is over.
    #[error("the cause is over")]
    CauseOver,
}
