//! What the worker tells the page unasked: progress, peers, events.

use serde::Serialize;
use sync_core::ServedRange;

use super::{BlockRef, Details, ErrorInfo, exact, hex};
use crate::network::{
    dial_error::{DialError, DialErrorCode},
    peers::Peer,
};

/// What the worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// The store is being opened.
    Opening,
    /// Waits for peers.
    FindingPeers,
    /// Asks what the target is.
    ResolvingTarget,
    /// Downloads, proves and stores.
    Syncing,
    /// Everything from the floor to the target is stored.
    Synced,
    /// Nothing moves; `stall` says why. Goes on by itself when the cause is gone.
    Stalled,
    /// Held by the page.
    Paused,
    /// Another tab writes this store; this one reads, and takes over when the other is gone.
    Follower,
    /// Ended by the page.
    Stopped,
    /// Ended by a defect or a database that cannot be opened; an `error` event says why.
    Failed,
}

/// How far the sync is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What the worker is doing.
    pub state: SyncState,
    /// Where it ends, above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<BlockRef>,
    /// Where it ends, below.
    pub floor: f64,
    /// Headers from floor to target; 0 while the target is unknown.
    pub total: f64,
    /// Of these, headers in the store.
    pub stored: f64,
    /// Of these, headers received and not yet stored.
    pub staged: f64,
    /// `stored / total`, 0 to 100.
    pub percent: f64,
    /// Headers verified a second, over the last seconds.
    pub headers_per_second: f64,
    /// Bytes of headers received since the start.
    pub bytes_received: f64,
    /// Bytes received a second, over the last seconds.
    pub bytes_per_second: f64,
    /// Seconds left at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<f64>,
    /// Bytes of headers that wait in memory.
    pub memory_bytes: f64,
    /// Size of the wasm memory.
    pub wasm_memory_bytes: f64,
    /// The whole range, from the tip down.
    pub ranges: Vec<RangeInfo>,
    /// Every peer that is known.
    pub peers: Vec<PeerInfo>,
    /// Why nothing moves, while `state` is `stalled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<ErrorInfo>,
}

/// One run of the strip that the page draws; `state` is `unprocessed`, `borrowed`, `staged` or `stored`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeInfo {
    /// Lowest number.
    pub from: f64,
    /// Highest number.
    pub to: f64,
    /// Where the run stands.
    pub state: &'static str,
}

/// Why one peer could not be dialled, in the details of a stall.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerDialError {
    /// libp2p peer id.
    pub peer: String,
    /// Where it is dialled.
    pub multiaddr: String,
    /// Why.
    pub code: DialErrorCode,
    /// One sentence.
    pub message: String,
}

impl PeerDialError {
    /// Of this peer.
    pub fn new(peer: &Peer, error: &DialError) -> Self {
        let DialError { code, message } = error.clone();
        Self { peer: peer.identity.to_string(), multiaddr: peer.multiaddr(), code, message }
    }
}

/// How the host stands with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerState {
    /// A connection is being made, or its first message is awaited.
    Dialing,
    /// Connected; it said what it serves.
    Connected,
    /// The connection ended; it is dialled again.
    Disconnected,
    /// It lied; not dialled before the ban is over.
    Banned,
    /// The last dial failed; it is dialled again.
    Unreachable,
    /// It serves another chain.
    WrongChain,
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// libp2p peer id.
    pub id: String,
    /// Where it is dialled.
    pub multiaddr: String,
    /// How we stand with it.
    pub state: PeerState,
    /// What it says it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<ServedInfo>,
    /// Requests in flight.
    pub requests_in_flight: f64,
    /// Bytes asked for and not yet received.
    pub bytes_in_flight: f64,
    /// How many bytes may be in flight.
    pub window_bytes: f64,
    /// Smoothed time from request to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Headers of this peer that were verified.
    pub headers: f64,
    /// Bytes of headers received from it.
    pub bytes: f64,
    /// Faults so far.
    pub faults: f64,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<ErrorInfo>,
    /// Why it could not be dialled last; absent once it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_dial_error: Option<DialError>,
    /// 0 (banned) to 100 (no fault).
    pub score: f64,
    /// How long the ban still lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_for_seconds: Option<f64>,
    /// From this number up it has another branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_branch_from: Option<f64>,
}

/// What a peer says it serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedInfo {
    /// Lowest block.
    pub earliest: f64,
    /// Highest block.
    pub latest: f64,
    /// Hash of the highest block.
    pub latest_hash: String,
}

impl ServedInfo {
    /// What a peer says it serves; `None` where it names numbers that JavaScript would round.
    pub fn new(served: ServedRange) -> Option<Self> {
        let (earliest, latest) = (exact(served.earliest)?, exact(served.latest)?);
        Some(Self { earliest, latest, latest_hash: hex(served.latest_hash) })
    }
}

/// A run of numbers, both ends inside.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeRef {
    /// Lowest number.
    pub from: f64,
    /// Highest number.
    pub to: f64,
}

/// Something happened; `type` says what.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum WorkerEvent {
    /// At most ten a second, and at every change of state.
    Progress {
        /// All of it.
        progress: Progress,
    },
    /// A peer did something wrong.
    Fault {
        /// libp2p peer id.
        peer: String,
        /// Where it is dialled.
        multiaddr: String,
        /// One of the fault codes.
        code: &'static str,
        /// One sentence.
        message: String,
        /// Is it banned for it?
        banned: bool,
    },
    /// An entry of a peer list cannot be used.
    PeerSkipped {
        /// The entry.
        multiaddr: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `state` changed.
    State {
        /// The new one.
        state: SyncState,
        /// Why, when it is `stalled`.
        #[serde(skip_serializing_if = "Option::is_none")]
        stall: Option<ErrorInfo>,
    },
    /// Everything from the floor to the target is stored.
    Synced {
        /// Number of the target.
        number: f64,
        /// Its hash.
        hash: String,
    },
    /// Stored headers were given up for others.
    Reorg {
        /// Removed.
        reverted: RangeRef,
        /// In their place.
        adopted: RangeRef,
    },
    /// The chain below the target does not meet what is stored.
    DetachedHead {
        /// The stored head.
        local: BlockRef,
        /// The hash that the new chain has at its number.
        expected: String,
    },
    /// Stored headers were damaged and are downloaded again.
    SegmentDropped {
        /// Lowest number.
        from: f64,
        /// Highest number.
        to: f64,
    },
    /// Another tab has taken the lock of the store while this one was suspended: this worker does nothing more. Not for the
    /// user's page: the package starts another worker.
    LockLost,
    /// Something failed that no call waits for. With state `failed` the worker is done.
    Error {
        /// One of the codes of [`crate::error`].
        code: &'static str,
        /// One sentence.
        message: String,
        /// What it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Details>,
    },
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::message::NUMBER_MAX;

    #[test]
    fn what_a_peer_claims_is_exact_or_absent() {
        let served = |earliest, latest| {
            ServedInfo::new(ServedRange { earliest, latest, latest_hash: B256::ZERO })
                .map(|served| (served.earliest as u64, served.latest as u64))
        };
        assert_eq!(served(1, NUMBER_MAX), Some((1, NUMBER_MAX)));
        for rounded in [NUMBER_MAX + 1, NUMBER_MAX + 2, u64::MAX] {
            assert_eq!(served(0, rounded), None);
            assert_eq!(served(rounded, rounded), None);
        }
    }
}
