//! The whole contract of the machine on one page: what goes in, what comes out.
//!
//! After each [`HeaderSync::handle_input`](crate::HeaderSync::handle_input) the host calls
//! [`HeaderSync::poll_output`](crate::HeaderSync::poll_output) until it returns [`Output::Timeout`]. Each poll does at
//! most one bounded unit of work, so a worker may return to its event loop between two polls.

use alloc::{string::String, vec::Vec};
use alloy_primitives::B256;
use bytes::Bytes;

pub use crate::{
    headers::{Strategy, StrategyReason},
    peers::{PeerAddress, PeerBook, PeerHealth, PeerRecord},
    progress::{StallReason, TipClaim},
};
pub use header_rules::block::{BlockNumHash, PeerStatus, ServedRange};

use crate::{
    etl::HeaderBatch,
    fault::{PeerFault, RequestFailure, StoreFailure, Verdict},
    id::{BatchId, LookupId, PeerId, RequestId},
    progress::Progress,
    time::Instant,
};
use header_rules::range::{BlockNumber, BlockRange};

/// The highest block of the sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SyncTarget {
    /// The tip that enough connected peers agree on ([`SyncConfig::tip_quorum`](crate::SyncConfig::tip_quorum)).
    PeersTip,
    /// The header with this hash, pinned by the user.
    Hash(B256),
    /// The header at this number that as many peers agree on as [`SyncTarget::PeersTip`] asks for; once it is known it
    /// stays, whatever the peers say later.
    Number(BlockNumber),
}

/// An event outside of the machine.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    /// The user, or a new session, names a target. The same target again is a no-op.
    TargetChanged(SyncTarget),
    /// RLP of the pinned target as the host's store has it: its number is then known without a peer. Best sent right
    /// after `TargetChanged`. Ignored if its hash is not the pinned one, or if the checkpoint does not cover its number.
    TargetStored(Bytes),
    /// A peer finished the handshake.
    PeerConnected {
        /// The peer's id; the same for the same identity.
        peer: PeerId,
        /// Its status message.
        status: PeerStatus,
    },
    /// A peer announced a new range.
    PeerUpdated {
        /// The peer's id.
        peer: PeerId,
        /// The announced range.
        served: ServedRange,
    },
    /// The connection is gone; its requests are returned to the plan.
    PeerDisconnected {
        /// The peer's id.
        peer: PeerId,
    },
    /// A peer broke the protocol, with or without an open request: it sends messages that were not requested, or
    /// exceeds a limit. Its open requests end with its connection.
    PeerMisbehaved {
        /// The peer's id.
        peer: PeerId,
        /// The breach, for people.
        what: String,
    },
    /// The peer's address, opaque to the machine: a ban then holds for the address too. Best sent before
    /// `PeerConnected`.
    PeerAddress {
        /// The peer's id.
        peer: PeerId,
        /// Its address.
        address: PeerAddress,
    },
    /// A response: the RLP of each header, falling, as received.
    HeadersReceived {
        /// The request of this response.
        request: RequestId,
        /// RLP of each header; the first is the highest.
        headers: Vec<Bytes>,
    },
    /// Bytes of a response came from this peer, and the response is not whole yet. So the machine tells a slow link
    /// from a silent peer; a few times a second are enough. Only for bytes of responses, not of anything else that a
    /// peer sends.
    ResponseProgress {
        /// The peer.
        peer: PeerId,
    },
    /// A request ended without a response. (A deadline is kept by the machine, not by the host.)
    RequestFailed {
        /// The request.
        request: RequestId,
        /// Why.
        failure: RequestFailure,
    },
    /// A batch and its checkpoint are durable.
    BatchPersisted {
        /// The batch.
        batch: BatchId,
    },
    /// A batch was not stored; nothing of it was. The machine hands the same batch out again after a pause.
    PersistFailed {
        /// The batch.
        batch: BatchId,
        /// Why.
        failure: StoreFailure,
    },
    /// An [`Output::Unwind`] is durable.
    Unwound {
        /// Highest block kept.
        to: BlockNumber,
    },
    /// Stored headers: the response to an [`Output::Lookup`].
    Stored {
        /// The lookup of this response.
        id: LookupId,
        /// Number and RLP of each header that was asked for; `None`, or nothing at all, for one that is not stored or
        /// cannot be read.
        headers: Vec<(BlockNumber, Option<Bytes>)>,
    },
    /// The page pauses or resumes the sync: while paused no request is sent.
    Paused(bool),
    /// No event but time: sent when the moment of the last [`Output::Timeout`] has come.
    Timeout,
}

/// Where a falling request starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartBlock {
    /// At the header with this hash.
    Hash(B256),
    /// At this number.
    Number(BlockNumber),
}

/// A request for headers, always falling: `start`, its parent, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadersRequest {
    /// Comes back with the response.
    pub id: RequestId,
    /// The peer to ask.
    pub peer: PeerId,
    /// The first, highest header.
    pub start: StartBlock,
    /// At most so many headers; 1 to 1,024.
    pub limit: u16,
}

/// An action for the host, or an event to show.
#[derive(Debug)]
#[must_use = "the machine gives each output once, and waits for what comes of it"]
#[allow(
    clippy::large_enum_variant,
    reason = "one output exists at a time; a box would cost an allocation for each event"
)]
pub enum Output {
    /// Send this request.
    Request(HeadersRequest),
    /// The response is no longer wanted; the host may forget the request.
    Cancel(RequestId),
    /// A peer did something wrong. With [`Verdict::Banned`] the host closes the connection.
    Penalize {
        /// The peer.
        peer: PeerId,
        /// The fault.
        fault: PeerFault,
        /// Its consequence.
        verdict: Verdict,
    },
    /// Store the batch with its checkpoint in one transaction, then respond with `BatchPersisted` or `PersistFailed`.
    Persist(HeaderBatch),
    /// Read these headers, then respond with [`Input::Stored`]. Sent only when no write is under way.
    Lookup {
        /// Comes back with the response.
        id: LookupId,
        /// At most [`LOOKUP_NUMBERS_MAX`](crate::config::LOOKUP_NUMBERS_MAX) numbers, rising.
        numbers: Vec<BlockNumber>,
    },
    /// Remove everything above `to` that the checkpoint does not cover, and store the checkpoint in the same
    /// transaction, then respond with `Unwound`. After a reorg the new chain may already be stored above the removed
    /// one.
    Unwind {
        /// Highest block kept below.
        to: BlockNumber,
        /// The checkpoint that holds afterwards.
        checkpoint: crate::Checkpoint,
    },
    /// Something to show.
    Event(Event),
    /// Drained. Call again with the next input, or with [`Input::Timeout`] at this moment.
    Timeout(Option<Wakeup>),
}

/// When the machine wants [`Input::Timeout`], and for which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakeup {
    /// The moment, later than the poll that returned it.
    pub at: Instant,
    /// The timer that ends then. For people; the machine looks at all of them.
    pub timer: Timer,
}

/// The cause of a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The deadline of a request.
    RequestDeadline,
    /// The request at the front may be given to a quicker peer.
    HandOver,
    /// A peer of which no header was verified may be tried.
    Trial,
    /// The strategy is judged.
    Strategy,
    /// A check whether a peer is on the target's chain goes on.
    ForkCheck,
    /// A range that failed may be asked for again.
    RangeRetry,
    /// A peer's pause or ban ends.
    PeerPause,
    /// The target is asked for again.
    TargetRetry,
    /// Another peer is asked for the target.
    Probe,
    /// A new session has waited long enough for more peers to name a tip.
    TipSettle,
    /// Announcements are looked at.
    Announcements,
    /// The search for the common ancestor goes on.
    AncestorSearch,
    /// A batch that the store refused is handed out again.
    StoreRetry,
    /// A stall becomes due, or is reported.
    Stall,
    /// What was verified is stored although its window is not full.
    Flush,
    /// Progress is reported.
    Progress,
}

/// An event for the page. Events never require an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The number and hash of the target are known.
    TargetResolved(BlockNumHash),
    /// Headers of this peer were verified.
    HeadersLinked {
        /// Which.
        range: BlockRange,
        /// Whose.
        peer: PeerId,
    },
    /// At most ten a second, and at every change of stage or stall.
    Progress(Progress),
    /// The sync is stalled, and why. Sent once for each stall.
    Stalled(StallReason),
    /// How the peers stand at the moment of a stall that lies with them; right after its `Stalled`. At most
    /// [`PEER_HEALTH_MAX`](crate::config::PEER_HEALTH_MAX) peers, the connected ones first.
    PeerHealth(Vec<PeerHealth>),
    /// The stall is over.
    Resumed,
    /// The strategy of requests changed.
    StrategyChanged {
        /// The new strategy.
        to: Strategy,
        /// Why.
        why: StrategyReason,
    },
    /// The chain below the target does not meet what is stored.
    DetachedHead {
        /// The stored head.
        local: BlockNumHash,
        /// The hash that the new chain has at its number.
        expected: B256,
    },
    /// Stored headers were reverted for others. Sent once for each reorg, when the new chain is verified to meet the
    /// headers that stayed.
    Reorg {
        /// Numbers that were removed.
        reverted: BlockRange,
        /// Numbers that take their place.
        adopted: BlockRange,
    },
    /// Everything from the floor to the target is stored.
    Synced {
        /// The target.
        head: BlockNumHash,
    },
}
