//! Errors, with the codes that the page knows.
//!
//! Errors of a call are [`HostError`]. Peer faults, stalls and store failures have their own types in `sync-core`.
//! Their codes are all defined here, so that a page's `switch` can be compared with these lists.

use alloy_primitives::B256;
use sync_core::{
    StallReason,
    fault::{PeerFault, StoreFailure},
    id::PeerId,
};

use crate::message::{Details, ErrorInfo, TipRef, exact, hex, number};

/// Error of a call or of `start`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HostError {
    /// Not a multiaddress, or one that a browser cannot dial.
    #[error("cannot use the multiaddress {multiaddr:?}: {reason}")]
    BadMultiaddr {
        /// The received text, cut to a readable length.
        multiaddr: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option or argument is missing or of the wrong kind.
    #[error("option {name}: {reason}")]
    BadOption {
        /// Path of the option, as in `tuning.floor`.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The address book is full.
    #[error("already {limit} peers are known")]
    TooManyPeers {
        /// The limit.
        limit: usize,
    },
    /// The queue of calls is full.
    #[error("{limit} calls are waiting already")]
    Busy {
        /// The limit.
        limit: usize,
    },
    /// The worker is already started.
    #[error("this worker syncs already; one worker, one sync")]
    AlreadyStarted,
    /// The call arrived before `start`.
    #[error("this worker was not started")]
    NotStarted,
    /// `stop` was called, or is processed first.
    #[error("the sync was stopped")]
    Stopped,
    /// Another tab writes this store.
    #[error("another tab syncs this store; this one only reads")]
    Follower,
    /// The browser lacks something.
    #[error("{0}")]
    UnsupportedBrowser(String),
    /// The database cannot be opened.
    #[error("{0}")]
    StorageUnavailable(String),
    /// A store operation failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The peer records could not be stored; the sync continues.
    #[error("what is known of peers was not stored: {0}")]
    PeersNotKept(StoreFailure),
    /// The stored peer records could not be read and are dropped; the sync continues.
    #[error("what an earlier session knew of peers is dropped: {0}")]
    PeersNotRead(StoreFailure),
    /// A bug, or an unexpected end of the worker.
    #[error("{0}")]
    WorkerFailed(String),
}

impl HostError {
    /// The `code` of `HeadlightError`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadMultiaddr { .. } => "bad-multiaddr",
            Self::BadOption { .. } => "bad-option",
            Self::TooManyPeers { .. } => "too-many-peers",
            Self::Busy { .. } => "busy",
            // Only a page that bypasses the package can cause these.
            Self::AlreadyStarted | Self::NotStarted => "internal",
            Self::Stopped => "stopped",
            Self::Follower => "follower",
            Self::UnsupportedBrowser(_) => "unsupported-browser",
            Self::StorageUnavailable(_) => "storage-unavailable",
            Self::Store(failure) | Self::PeersNotKept(failure) | Self::PeersNotRead(failure) => store_code(failure),
            Self::WorkerFailed(_) => "worker-failed",
        }
    }

    /// The error in the form that the page receives.
    pub fn info(&self) -> ErrorInfo {
        let details = match self {
            Self::BadMultiaddr { multiaddr, .. } => {
                Some(Details { multiaddr: Some(multiaddr.clone()), ..Details::default() })
            }
            Self::BadOption { name, .. } => Some(Details { option: Some((*name).to_owned()), ..Details::default() }),
            _ => None,
        };
        ErrorInfo { code: self.code(), message: self.to_string(), details }
    }
}

#[cfg(target_arch = "wasm32")]
impl From<crate::store::OpenError> for HostError {
    fn from(error: crate::store::OpenError) -> Self {
        use crate::store::OpenError;
        match error {
            OpenError::Failed(StoreFailure::Full) => Self::Store(StoreFailure::Full),
            other => Self::StorageUnavailable(other.to_string()),
        }
    }
}

/// Error code of a store failure.
fn store_code(failure: &StoreFailure) -> &'static str {
    match failure {
        StoreFailure::Full => "storage-full",
        StoreFailure::Locked => "follower",
        StoreFailure::Damaged(_) => "storage-damaged",
        StoreFailure::Other(_) => "storage-failed",
    }
}

/// A peer fault, in the form that the page receives.
pub fn fault_info(fault: &PeerFault) -> ErrorInfo {
    let (code, details) = match fault {
        PeerFault::WrongChain { got_chain, got_genesis, expected_chain } => (
            "wrong-chain",
            Some(Details {
                got: Some(got_chain.to_string()),
                hash: got_genesis.map(hex),
                expected: Some(expected_chain.to_string()),
                ..Details::default()
            }),
        ),
        PeerFault::WrongStart { got, expected } => {
            ("wrong-start", Some(compare(got.to_string(), expected.to_string(), None)))
        }
        PeerFault::TooManyHeaders { got, limit } => {
            ("too-many-headers", Some(compare(got.to_string(), limit.to_string(), None)))
        }
        PeerFault::EmptyResponse { start } => ("empty-answer", Some(at(*start))),
        PeerFault::Undecodable { number, .. } => ("undecodable", Some(at(*number))),
        PeerFault::BrokenLink { number, got, expected } => {
            ("broken-link", Some(compare(hex(*got), hex(*expected), Some(*number))))
        }
        PeerFault::InvalidHeader { number, hash, .. } => {
            ("invalid-header", Some(Details { hash: Some(hex(*hash)), ..at(*number) }))
        }
        PeerFault::Timeout => ("timeout", None),
        PeerFault::Protocol(_) => ("protocol", None),
    };
    ErrorInfo { code, message: fault.to_string(), details }
}

/// Why no peer can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPeer {
    /// No peer was reached.
    Unreachable,
    /// Some peers were reached, but none of them may be used.
    Unusable,
    /// Every peer that was reached serves another chain.
    OtherChain,
}

/// The reason of a stall, in the form that the page receives. The machine does not store why a connection was closed;
/// the address book does (`no_peer`). `peer_name` returns a peer's identity.
pub fn stall_info(reason: &StallReason, no_peer: NoPeer, peer_name: impl Fn(PeerId) -> String) -> ErrorInfo {
    let info = |code, message: String, details| ErrorInfo { code, message, details };
    match reason {
        StallReason::NoPeers | StallReason::NoUsablePeer => match no_peer {
            NoPeer::Unreachable => info("no-peers", "no peer can be reached; dialling goes on".into(), None),
            NoPeer::Unusable => info("no-usable-peer", "every peer is banned or serves another chain".into(), None),
            NoPeer::OtherChain => info("wrong-chain", "every peer that answered serves another chain".into(), None),
        },
        StallReason::TipsDisagree { need, claims } => {
            let tips = claims.iter().map(|claim| TipRef {
                peer: peer_name(claim.peer),
                number: number(claim.tip.number),
                hash: hex(claim.tip.hash),
            });
            let details = Details { need: Some(*need as f64), tips: Some(tips.collect()), ..Details::default() };
            let message =
                format!("the peers name different tips and none has {need} votes; add a peer or pin a target");
            info("tips-disagree", message, Some(details))
        }
        StallReason::QuorumNotReached { have, need } => info(
            "quorum-not-reached",
            format!("{have} of {need} peers name the same tip; add a peer or pin a target"),
            Some(Details { have: Some(*have as f64), need: Some(*need as f64), ..Details::default() }),
        ),
        StallReason::TargetUnavailable { hash, asked } => info(
            "target-unavailable",
            format!("none of {asked} peers has the pinned target"),
            Some(Details { hash: Some(hex(*hash)), asked: Some(*asked as f64), ..Details::default() }),
        ),
        StallReason::RangeUnavailable(range) => info(
            "range-unavailable",
            format!(
                "no connected peer serves blocks {} to {}; what lies above is stored. Add a peer that has them, or set \
                 tuning.floor to {} to do without",
                range.first(),
                range.last(),
                range.last() + 1
            ),
            Some(Details { from: exact(range.first()), to: exact(range.last()), ..Details::default() }),
        ),
        StallReason::FloorAboveTarget { floor, target } => info(
            "floor-above-target",
            format!("the floor, {floor}, lies above the target, {}: there is nothing to sync", target.number),
            Some(compare(target.number.to_string(), floor.to_string(), Some(*floor))),
        ),
        StallReason::InvalidTarget { number: block, hash, violation, .. } => info(
            "invalid-target",
            format!("block {block} of the target's chain breaks a rule: {violation}"),
            Some(Details { hash: Some(hex(*hash)), ..at(*block) }),
        ),
        StallReason::UnknownFork { number: block, hash, why } => {
            let named = block.map_or_else(|| "the target".to_owned(), |block| format!("block {block}"));
            info(
                "unknown-fork",
                format!("{named} is of a fork that this release does not know ({why}); update the package"),
                Some(Details { hash: Some(hex(*hash)), from: block.and_then(exact), ..Details::default() }),
            )
        }
        StallReason::RollbackTooDeep { local, window } => info(
            "rollback-too-deep",
            format!("the target's chain parts from the stored one more than {window} blocks under {}", local.number),
            Some(Details { hash: Some(hex(local.hash)), ..at(local.number) }),
        ),
        StallReason::Store(StoreFailure::Full) => info("storage-full", StoreFailure::Full.to_string(), None),
        StallReason::Store(failure) => info("storage-failed", failure.to_string(), None),
        StallReason::NoProgress => {
            info("no-progress", "peers answer, but no header was proven for a while".into(), None)
        }
        StallReason::WrongGenesis { got, expected } => info(
            "wrong-genesis",
            "the target does not descend from the genesis of this chain".into(),
            Some(compare(hex(*got), hex(*expected), Some(0))),
        ),
    }
}

/// Parses a hash from the page.
pub fn parse_hash(name: &'static str, text: &str) -> Result<B256, HostError> {
    let reason = || "is no 32-byte hash (0x and 64 hex digits)".to_owned();
    let digits = text.strip_prefix("0x").ok_or_else(|| HostError::BadOption { name, reason: reason() })?;
    digits.parse().map_err(|_| HostError::BadOption { name, reason: reason() })
}

fn at(block: u64) -> Details {
    Details { from: exact(block), ..Details::default() }
}

fn compare(got: String, expected: String, block: Option<u64>) -> Details {
    Details { got: Some(got), expected: Some(expected), from: block.and_then(exact), ..Details::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_javascript_would_round_is_in_the_message_and_not_in_the_details() {
        for number in [(1 << 53) + 1, u64::MAX] {
            let info = fault_info(&PeerFault::EmptyResponse { start: number });
            assert_eq!(info.details.map(|details| details.from), Some(None));
            assert!(info.message.contains(&number.to_string()), "{}", info.message);
        }
        let exact = fault_info(&PeerFault::EmptyResponse { start: 7 });
        assert_eq!(exact.details.and_then(|details| details.from), Some(7.0));
    }
}
