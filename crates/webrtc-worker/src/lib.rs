//! A libp2p [`Transport`](libp2p_core::Transport) over WebRTC-direct for a dedicated worker.
//!
//! A browser keeps `RTCPeerConnection` for the page, but an `RTCDataChannel` may be transferred to a dedicated worker. So
//! the page runs a small broker that makes connections and channels, and all else happens in the worker:
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
//! A page's bytes never pass through its main thread's JavaScript: a transferred channel's messages arrive in the worker.
//!
//! * **What it holds.** For each connection a link (how it ended, its channels), for each channel an [`Inbox`] of
//!   whole messages that nobody has read yet.
//! * **What bounds it.** Every queue has its limit in [`limits`].
//! * **What an attacker can do.** A peer that sends more than was asked for loses the stream ([`limits::INBOX_BYTES_MAX`]);
//!   one that opens channels loses them at once, and with too many the connection; one that falls silent is noticed by the state that the page
//!   forwards, or, where the browser itself does not notice, by the deadlines of whoever asked it for something.
//!
//! Another transport (WebTransport) stands beside this one behind the same trait: an address that is not WebRTC-direct is
//! refused with `MultiaddrNotSupported`, so `or_transport` goes on to the next.
//!
//! Handshake: <https://github.com/libp2p/specs/blob/master/webrtc/webrtc-direct.md>.
//!
//! On other targets than wasm32 only the portable half exists: addresses, session descriptions, the inbox.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

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
