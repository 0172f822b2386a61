//! The browser host: one dedicated worker that syncs the headers of one chain.
//!
//! ```text
//!             page (web/src): public API, broker of RTCPeerConnections
//!               |  start, calls, hints          ^  replies, events           message, port
//! ==============v===============================|================================== postMessage
//!             worker: opens the store, follows or leads                      worker, follower
//!               |
//!             driver: one loop; feeds sync_core::HeaderSync, does what it says       driver, feed, store_queue
//!               |                               |
//!             network: libp2p swarm, one      store: IndexedDB, packed      network, store
//!             stream a connection             segments, one writer
//! ```
//!
//! The worker exports one function, [`start`]. Everything else travels as messages; [`message`] lists them all.
//!
//! **It decides nothing about the sync.** Which header is asked of whom, what is verified, who is banned: `sync-core`.
//! This crate owns what a browser gives: the clock, timers, sockets, the database, the event loop.
//!
//! **What bounds it.** Every queue has a named limit: calls ([`mailbox::CALLS_MAX`]), network events
//! ([`network::EVENTS_MAX`]), messages to a peer ([`network::OUTBOX_MAX`]), peers ([`network::PEERS_MAX`]), connections
//! ([`network::CONNECTIONS_MAX`]). Memory is bounded by the machine's own ceiling.
//!
//! **What an attacker can do.** A peer can make itself useless and be banned, and can be slow. What it sends passes a
//! decoder with limits, then the proofs of `sync-core`. What the database holds is verified again when it is read. A script
//! of the page's own origin is not an attacker but is not trusted to send well-formed messages.

//!
//! On other targets than wasm32 only what needs no browser exists, so that its tests run anywhere.

#![forbid(unsafe_code)]
#![allow(
    missing_debug_implementations,
    reason = "each costs bytes of the wasm, and most would print handles of JavaScript"
)]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "only this crate calls it: its documentation is for readers of the code, limits included"
)]

pub mod browser_store;
pub mod coverage;
pub mod error;
pub mod feed;
pub mod liveness;
pub mod mailbox;
pub mod message;
pub mod network;
pub mod options;
pub mod pace;
pub mod relay;
pub mod store_queue;
pub mod view;

#[cfg(test)]
mod message_types;

#[cfg(all(feature = "bench", target_arch = "wasm32"))]
pub mod bench;
#[cfg(target_arch = "wasm32")]
pub mod clock;
#[cfg(target_arch = "wasm32")]
pub mod command;
#[cfg(target_arch = "wasm32")]
pub mod driver;
#[cfg(target_arch = "wasm32")]
pub mod follower;
#[cfg(target_arch = "wasm32")]
pub mod port;
#[cfg(target_arch = "wasm32")]
pub mod reads;
#[cfg(target_arch = "wasm32")]
pub mod store;
#[cfg(target_arch = "wasm32")]
pub mod worker;

/// Installs the message handler on the worker's global scope; call it once, right after the module was initialised.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start() {
    worker::install();
}
