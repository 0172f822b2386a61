//! The machine: reverse sync of Ethereum headers, without I/O.
//!
//! From one trusted hash at the top it walks a chain **down**, verifies every header by the parent hash of the one
//! above, and hands out verified headers in batches for a store. It opens no socket, reads no clock, spawns nothing:
//! the host owns peers, database and time, the machine owns the decisions.
//!
//! ```text
//!                 Input                                                  Output
//!   peers   --- PeerConnected, HeadersReceived --> +------------+ --- Request, Cancel, Penalize --> peers
//!   store   --- BatchPersisted, Stored ----------> | HeaderSync | --- Persist, Lookup, Unwind ----> store
//!   page    --- TargetChanged, Paused -----------> |            | --- Event ----------------------> page
//!   clock   --- Timeout -------------------------> +------------+ --- Timeout(when) -------------> clock
//!
//!   inside:  plan -> requests -> staging -> lineage -> collector -> batch
//!            numbers  requests    responses  verified   headers wait  stored
//!            to fetch in flight   that wait  headers    for a window  together
//! ```
//!
//! # The contract
//!
//! > One input, then drain.
//!
//! * After each [`HeaderSync::handle_input`] call [`HeaderSync::poll_output`] until it returns [`Output::Timeout`].
//!   Inputs are only recorded; each poll does one bounded unit of work, so a browser's worker may go back to its event
//!   loop between two polls.
//! * No input of a peer, a store or a page makes the machine fail. A fault of a peer becomes a
//!   [`PeerFault`](fault::PeerFault), a failure of the store a stall with its reason. Only a broken invariant of this
//!   crate panics.
//! * An id that is late, unknown or cancelled is normal and ignored.
//! * A batch carries the checkpoint that holds once it is stored. Batches are handed out one at a time; a host that
//!   stores both in one transaction cannot get out of step with the machine.
//! * All order is defined: sorted tables, ties broken by id, randomness from one seed. The list of `(now, Input)` is a
//!   complete report of a bug and can be replayed.
//! * Memory has a ceiling ([`SyncConfig::staged_bytes_max`]), and every queue a named limit ([`config`]).
//!
//! # A loop that drives it
//!
//! ```
//! use header_rules::chain::ChainSpec;
//! use sync_core::{HeaderSync, Input, Output, SyncConfig, SyncTarget, time::Instant};
//!
//! let mut machine = HeaderSync::new(SyncConfig::default(), ChainSpec::mainnet(), None);
//! let mut now = Instant::ZERO;
//! let mut input = Some(Input::TargetChanged(SyncTarget::PeersTip));
//! let mut wakeups = 0;
//! while let Some(happened) = input.take() {
//!     machine.handle_input(now, happened);
//!     loop {
//!         match machine.poll_output(now) {
//!             // Give these to the network and to the store, and feed what comes back as inputs.
//!             Output::Request(_) | Output::Cancel(_) | Output::Penalize { .. } => {}
//!             Output::Persist(_) | Output::Lookup { .. } | Output::Unwind { .. } => {}
//!             Output::Event(event) => println!("{event:?}"),
//!             // Drained: wait for the next input, at most until that moment.
//!             Output::Timeout(wakeup) => {
//!                 wakeups += 1;
//!                 if let (Some(wakeup), true) = (wakeup, wakeups < 3) {
//!                     now = wakeup.at;
//!                     input = Some(Input::Timeout);
//!                 }
//!                 break;
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! # Floors
//!
//! A module imports from floors below its own, never from above; the parts are strangers to each other.
//!
//! | floor | modules | |
//! |---|---|---|
//! | machine | `sync` | owns the parts and branches across them |
//! | order | [`io`], [`progress`] | inputs and outputs; progress of the sync |
//! | parts | `headers`, `peers`, [`etl`], `follow` | ranges and requests; peers; batches for the store; choice of the chain |
//! | verification | [`lineage`], [`fault`] | verification of headers; faults of peers and stores |
//! | words | [`checkpoint`], [`id`], [`time`], [`config`] | the limits stand in [`config`] |
//!
//! Below them: [`header_rules`] (headers, chains, and the rules of each chain) and [`sorted`] (tables).
//!
//! Absent, and checked to be: `unsafe`, `std`, async, clocks, hash maps.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod sync;

pub mod config;
pub mod io;

pub mod progress;

pub mod etl;

// The parts of the machine are not public, except for the tests of this crate.
#[cfg(not(feature = "parts"))]
mod follow;
#[cfg(feature = "parts")]
pub mod follow;
#[cfg(not(feature = "parts"))]
mod headers;
#[cfg(feature = "parts")]
pub mod headers;
#[cfg(not(feature = "parts"))]
mod peers;
#[cfg(feature = "parts")]
pub mod peers;

pub mod lineage;

pub mod checkpoint;
pub mod fault;
pub mod id;
pub mod time;

pub use checkpoint::{Checkpoint, Subchain};
pub use config::{ConfigError, SyncConfig};
pub use io::{
    BlockNumHash, Event, HeadersRequest, Input, Output, PeerAddress, PeerBook, PeerHealth, PeerRecord, PeerStatus,
    ServedRange, StallReason, StartBlock, Strategy, StrategyReason, SyncTarget, Timer, TipClaim, Wakeup,
};
pub use sync::HeaderSync;
