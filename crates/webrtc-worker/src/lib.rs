//! A libp2p [`Transport`](libp2p_core::Transport) over WebRTC-direct for a dedicated worker.
//!
//! Only a page has `RTCPeerConnection`, but an `RTCDataChannel` may be transferred to a dedicated worker. So the page
//! runs a small broker that creates connections and channels, and everything else happens in the worker:
//!
//! ```text
//!  page (web/src/rtc-broker.ts)                       worker (this crate)
//!  RTCPeerConnection  <--open, negotiate, channel, close--  Broker
//!                     --results, channels, states-->          |
//!        :                                                  Transport --dial--> (PeerId, Connection)
//!        :  data channels, transferred when made                                   |
//!        +==================== peer's bytes ====================> DataChannel --> Stream
//! ```
//!
//! Bytes do not pass through the page's main thread: the messages of a transferred channel arrive in the worker.
//!
//! * **State.** For each connection a link (its state, its channels), for each channel an [`Inbox`] of unread messages.
//! * **Bounds.** Every queue has its limit in [`limits`].
//! * **Attackers.** A peer that sends more than was requested loses the stream ([`limits::INBOX_BYTES_MAX`]); a peer
//!   that opens channels loses them at once, and with too many the connection; a silent peer is detected by the state
//!   that the page forwards, or else by the deadlines of requests.
//!
//! Another transport (WebTransport) can be added behind the same trait: an address that is not WebRTC-direct is refused
//! with `MultiaddrNotSupported`, so `or_transport` tries the next transport.
//!
//! Handshake: <https://github.com/libp2p/specs/blob/master/webrtc/webrtc-direct.md>.
//!
//! On other targets than wasm32 only the portable part exists: addresses, session descriptions, the inbox.

#![forbid(unsafe_code)]
#![allow(
    missing_debug_implementations,
    reason = "each costs bytes of the wasm, and most would print handles of JavaScript"
)]

mod address;
mod error;
mod inbox;
pub mod limits;
pub mod sdp;

#[cfg(target_arch = "wasm32")]
mod broker;
#[cfg(target_arch = "wasm32")]
mod config;
#[cfg(target_arch = "wasm32")]
mod connection;
#[cfg(target_arch = "wasm32")]
mod data_channel;
#[cfg(target_arch = "wasm32")]
mod dial;
#[cfg(target_arch = "wasm32")]
mod handlers;
#[cfg(target_arch = "wasm32")]
mod link;
#[cfg(target_arch = "wasm32")]
mod message;
#[cfg(target_arch = "wasm32")]
mod stream;
#[cfg(target_arch = "wasm32")]
mod transport;

pub use address::{AddressError, DialAddress, parse_dial_addr};
pub use error::{BrokerError, ChannelEnd, EndReason, Error};
pub use inbox::{Inbox, InboxFull, Unread};

#[cfg(target_arch = "wasm32")]
pub use {broker::Broker, config::Config, connection::Connection, dial::Dial, stream::Stream, transport::Transport};
