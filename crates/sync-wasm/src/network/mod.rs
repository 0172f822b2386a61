//! Peers over libp2p: the address book, dialling, connections and the protocol.
//!
//! ```text
//!  driver --SwarmCommand--> swarm (one task) --spawns--> session (one task a connection)
//!    ^                        |                             |
//!    +------ NetworkEvent ----+-----------------------------+
//! ```
//!
//! * [`peers`] is the address book, without I/O. It decides when a peer is dialled, and which connection ends to make
//!   room for another peer.
//! * [`swarm`] owns the libp2p `Swarm`; [`session`] the one long-lived stream of a connection; [`conversation`] the
//!   messages on it; [`probe`] the probes of a silent peer; [`conduct`] the limits of unsolicited messages;
//!   [`requests`] the mapping of responses to requests.
//! * [`transport`] parses addresses and maps errors of the transports; [`dial_error`] has the codes of dial errors;
//!   [`reach`] decides which addresses of a list this page may dial.
//! * [`kept`] encodes the stored peer records; [`place`] computes the ban key of an address.
//!
//! Bounds: [`PEERS_MAX`] known peers, [`CONNECTIONS_MAX`] connections, [`ADDRESSES_DIALLED_MAX`] addresses being
//! dialled, [`EVENTS_MAX`] queued events (then the sessions stop reading), [`OUTBOX_MAX`] queued messages for each
//! stream. A malicious peer can fill at most one decoder ([`header_wire::limits::MESSAGE_BYTES_MAX`]) and the
//! transport's buffers.

mod allowance;
#[cfg(any(target_arch = "wasm32", test))]
mod conduct;
#[cfg(any(target_arch = "wasm32", test))]
pub mod conversation;
mod dial;
pub mod dial_error;
pub mod kept;
pub mod peers;
pub mod place;
#[cfg(any(target_arch = "wasm32", test))]
mod probe;
pub mod reach;
pub mod requests;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod swarm;
pub mod transport;

use std::{cell::Cell, rc::Rc, time::Duration};

use bytes::Bytes;
use futures::channel::mpsc;
use header_wire::Message;
use libp2p_core::Multiaddr;
use sync_core::{PeerStatus, ServedRange, id::PeerId};

use self::dial_error::DialError;

/// Peers in the address book. The machine has the same limit ([`sync_core::config::PEERS_MAX`]).
pub const PEERS_MAX: usize = 256;

/// Connections open or being established. A browser allows some 500 RTCPeerConnections in a tab's life and frees them
/// late; a dozen peers saturate any link.
pub const CONNECTIONS_MAX: usize = 16;

/// Addresses being dialled. The page's broker has at most 64 connections at a time, [`CONNECTIONS_MAX`] of them open.
pub const ADDRESSES_DIALLED_MAX: usize = 48;

/// Addresses stored for one peer, one for each network interface of its host; above this the oldest is dropped.
pub const ADDRESSES_PER_PEER_MAX: usize = 4;

/// Queued network events of all sessions; above this the sessions wait.
pub const EVENTS_MAX: usize = 64;

/// Queued messages for one stream. The machine has at most
/// [`SyncConfig::requests_per_peer_max`](sync_core::SyncConfig) requests in flight; the rest is room for responses.
pub const OUTBOX_MAX: usize = 64;

/// Default time limit of a dial: address, ICE, DTLS and Noise over a slow link take two to three seconds.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(8);

/// From the driver to a session.
#[derive(Debug)]
pub enum Outgoing {
    /// Send this message to the peer.
    Message(Message),
    /// The connection may be dead: probe it at once.
    Probe,
}

/// One dial of a peer and its connection. The number rises with each dial, so that late events of an old connection are
/// not taken for events of its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// The machine's id of the peer.
    pub peer: PeerId,
    /// Number of the dial, from 1 for each peer.
    pub dial: u32,
}

/// From the network to the driver.
#[derive(Debug)]
pub enum NetworkEvent {
    /// The dial failed.
    DialFailed {
        /// The dial.
        session: SessionKey,
        /// The reason.
        error: DialError,
    },
    /// Statuses were exchanged.
    Ready {
        /// The session of the peer.
        session: SessionKey,
        /// The peer's status.
        status: PeerStatus,
        /// The address that was dialled successfully.
        address: Multiaddr,
        /// Queue of messages to the peer.
        outbox: mpsc::Sender<Outgoing>,
    },
    /// The peer announced a new range.
    Range {
        /// The session of the peer.
        session: SessionKey,
        /// The range that the peer serves now.
        served: ServedRange,
    },
    /// Bytes of an incomplete response were received.
    Progress {
        /// The session of the peer.
        session: SessionKey,
    },
    /// A response, not yet verified.
    Headers {
        /// The session of the peer.
        session: SessionKey,
        /// The id of the request on the wire.
        wire_id: u64,
        /// RLP of each header.
        headers: Vec<Bytes>,
    },
    /// The connection or its stream ended.
    Closed {
        /// The session that ended.
        session: SessionKey,
        /// The reason.
        reason: CloseReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The remote end closed, restarted or is unreachable.
    #[error("connection lost")]
    Lost,
    /// No response to a request or probe: the peer is dead, even if the browser reports an open connection.
    #[error("no response for too long")]
    Silent,
    /// No status within the deadline.
    #[error("no status within the deadline")]
    HandshakeTimeout,
    /// The peer sent an invalid message or exceeded a limit.
    #[error("{0}")]
    Protocol(String),
    /// The peer does not speak the protocol.
    #[error("does not speak {}", header_wire::PROTOCOL)]
    UnsupportedProtocol,
}

/// Traffic since the worker started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes read from streams.
    pub bytes_received: Cell<u64>,
    /// Bytes written to streams.
    pub bytes_sent: Cell<u64>,
    /// Messages decoded.
    pub messages_received: Cell<u64>,
    /// Dials begun.
    pub dials: Cell<u64>,
}

/// The counters, shared by the tasks of one worker.
pub type SharedCounters = Rc<Counters>;

/// Adds to a counter.
pub fn count(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get().saturating_add(more));
}
