//! Faults of peers, requests and stores, as values. None of them stops the machine.

use alloc::{format, string::String};
use alloy_primitives::B256;

use header_rules::{header::HeaderError, range::BlockNumber, rules::RuleViolation};

/// What a peer did wrong. Each carries what came and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// Its status names another network or another genesis.
    #[error("serves chain {got_chain} {}, expected chain {expected_chain}", genesis_text(*.got_genesis))]
    WrongChain {
        /// Chain id in its status.
        got_chain: u64,
        /// Genesis hash in its status; `None` when it does not know it.
        got_genesis: Option<B256>,
        /// Chain id that we sync.
        expected_chain: u64,
    },
    /// The response does not begin where the request does.
    #[error("response starts at {got}, expected {expected}")]
    WrongStart {
        /// Number of the first header of the response.
        got: BlockNumber,
        /// Number that was asked for.
        expected: BlockNumber,
    },
    /// More headers than were asked for.
    #[error("response holds {got} headers, at most {limit} were requested")]
    TooManyHeaders {
        /// Headers in the response.
        got: usize,
        /// Headers asked for.
        limit: usize,
    },
    /// No header, although the request is inside the range that the peer announces.
    #[error("empty response at {start}, inside the announced range")]
    EmptyResponse {
        /// First number of the request.
        start: BlockNumber,
    },
    /// A header is no canonical header RLP.
    #[error("header at {number} does not decode: {error}")]
    Undecodable {
        /// Number that the header should have.
        number: BlockNumber,
        /// What the decoder says.
        error: HeaderError,
    },
    /// The hash of a header is not what its child, or the target, says.
    #[error("header {number} has hash {got}, expected {expected}")]
    BrokenLink {
        /// Number of the header.
        number: BlockNumber,
        /// Keccak-256 of what came.
        got: B256,
        /// What the child's `parent_hash`, or the target, says.
        expected: B256,
    },
    /// A header breaks a rule of its chain.
    #[error("header {number} ({hash}) breaks a rule: {violation}")]
    InvalidHeader {
        /// Number of the header.
        number: BlockNumber,
        /// Its hash.
        hash: B256,
        /// The rule.
        violation: RuleViolation,
    },
    /// No response within the deadline.
    #[error("no response within the deadline")]
    Timeout,
    /// The message was over a limit or no message of the protocol.
    #[error("protocol breach: {0}")]
    Protocol(String),
}

impl PeerFault {
    /// Is it a slip, which costs a part of the score? Silence pauses the peer; any other fault bans at once.
    pub fn is_slip(&self) -> bool {
        match self {
            Self::WrongStart { .. } | Self::TooManyHeaders { .. } | Self::EmptyResponse { .. } | Self::Protocol(_) => {
                true
            }
            Self::Timeout
            | Self::WrongChain { .. }
            | Self::Undecodable { .. }
            | Self::BrokenLink { .. }
            | Self::InvalidHeader { .. } => false,
        }
    }
}

/// Why a request ended without headers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RequestFailure {
    /// The connection or its stream closed; not the peer's fault by itself.
    #[error("connection lost")]
    Disconnected,
    /// The response was no message of the protocol, or over a limit.
    #[error("protocol breach: {0}")]
    Protocol(String),
}

/// The consequence of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The score fell; the peer may be asked again.
    Warned,
    /// Not asked until the machine says so again; the host should close the connection.
    Banned,
}

fn genesis_text(genesis: Option<B256>) -> String {
    genesis.map_or_else(|| "with unknown genesis".into(), |genesis| format!("with genesis {genesis}"))
}

/// Why the store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StoreFailure {
    /// The storage quota is used up (IndexedDB: `QuotaExceededError`).
    #[error("storage is full; free space for this site, then sync goes on by itself")]
    Full,
    /// Another tab holds the write lock.
    #[error("another tab writes this store")]
    Locked,
    /// The stored headers do not link.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Anything else the database reports.
    #[error("store failed: {0}")]
    Other(String),
}
