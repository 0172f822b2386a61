//! Peers over libp2p: who they are, how they are dialled, what is said to them.
//!
//! ```text
//!  driver --SwarmCommand--> swarm (one task) --spawns--> session (one task a connection)
//!    ^                        |                             |
//!    +------ NetworkEvent ----+-----------------------------+
//! ```
//!
//! * [`peers`] is the address book: pure, no I/O; it decides who is dialled when, and who makes room for another.
//! * [`swarm`] owns the libp2p `Swarm`; [`session`] the one long-lived stream of a connection, and [`conversation`] what is
//!   said on it; [`probe`] when a silent peer is asked something small; [`conduct`] what a peer may send unasked;
//!   [`requests`] which response belongs to which request.
//! * [`transport`] knows addresses and errors of what dials; [`dial_error`] says why a dial failed; [`reach`] which addresses of a list this page may have dialled.
//! * [`kept`] is what outlives a session, as bytes; [`place`] says what a ban by address holds for.
//!
//! Bounds: [`PEERS_MAX`] peers are known, [`CONNECTIONS_MAX`] connected, [`ADDRESSES_DIALLED_MAX`] addresses being dialled,
//! [`EVENTS_MAX`] events wait for the driver (then the sessions stop reading), [`OUTBOX_MAX`] messages wait for a stream. An
//! attacker at the other end can fill no more than one decoder ([`header_wire::limits::MESSAGE_BYTES_MAX`]) and what the
//! transport buffers.

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

/// Peers in the address book. The machine remembers as many ([`sync_core::config::PEERS_MAX`]).
pub const PEERS_MAX: usize = 256;

/// Connections open or being made. A browser allows some 500 RTCPeerConnections in a tab's life and frees them late; a
/// dozen peers fill any link.
pub const CONNECTIONS_MAX: usize = 16;

/// Addresses being dialled. The page's broker makes 64 connections at a time, of which [`CONNECTIONS_MAX`] may be open.
pub const ADDRESSES_DIALLED_MAX: usize = 48;

/// Addresses kept for one peer, one a network interface of its host; beyond it the oldest goes.
pub const ADDRESSES_PER_PEER_MAX: usize = 4;

/// Network events that wait for the driver, over all sessions; beyond it the sessions wait.
pub const EVENTS_MAX: usize = 64;

/// Messages that wait for one stream. The machine keeps at most
/// [`SyncConfig::requests_per_peer_max`](sync_core::SyncConfig) requests in flight; the rest is room for answers.
pub const OUTBOX_MAX: usize = 64;

/// Time that dialling a peer may take, if the page names none: address, ICE, DTLS and Noise over a slow link take two to
/// three seconds; a peer that is gone is given up after this.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(8);

/// What the driver hands to a session.
#[derive(Debug)]
pub enum Outgoing {
    /// For the peer.
    Message(Message),
    /// The connection may be gone: it is to be probed at once.
    Probe,
}

/// One connection attempt to a peer and what became of it. The number rises with each dial, so that what a dead
/// connection still has to say is told apart from its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// The peer, as the machine knows it.
    pub peer: PeerId,
    /// Which dial.
    pub dial: u32,
}

/// What the network reports to the driver.
#[derive(Debug)]
pub enum NetworkEvent {
    /// The dial came to nothing.
    DialFailed {
        /// Which.
        session: SessionKey,
        /// Why.
        error: DialError,
    },
    /// Statuses were exchanged.
    Ready {
        /// Which.
        session: SessionKey,
        /// What the peer said.
        status: PeerStatus,
        /// Where it was reached.
        address: Multiaddr,
        /// Takes messages for it.
        outbox: mpsc::Sender<Outgoing>,
    },
    /// The peer announced a new range.
    Range {
        /// Which.
        session: SessionKey,
        /// The range.
        served: ServedRange,
    },
    /// Bytes of a response came that is not whole yet.
    Progress {
        /// Which.
        session: SessionKey,
    },
    /// A response, as received.
    Headers {
        /// Which.
        session: SessionKey,
        /// The id of the request on the wire.
        wire_id: u64,
        /// RLP of each header.
        headers: Vec<Bytes>,
    },
    /// The connection or its stream is gone.
    Closed {
        /// Which.
        session: SessionKey,
        /// Why.
        reason: CloseReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The other end closed, restarted or cannot be reached any more.
    #[error("connection lost")]
    Lost,
    /// Nothing comes any more, although something was asked: the peer is gone, whatever the browser says.
    #[error("no response for too long")]
    Silent,
    /// No status within the deadline.
    #[error("no status within the deadline")]
    HandshakeTimeout,
    /// What came is no message of the protocol, or over a limit.
    #[error("{0}")]
    Protocol(String),
    /// The peer does not speak the protocol.
    #[error("does not speak {}", header_wire::PROTOCOL)]
    UnsupportedProtocol,
}

/// What went over the wire since the worker started.
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

/// Counters, shared by the tasks of one worker.
pub type SharedCounters = Rc<Counters>;

/// Adds to a counter.
pub fn count(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get().saturating_add(more));
}
