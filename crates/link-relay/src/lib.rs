//! A network between two programs of one machine: a UDP relay with the delay, rate, queue and loss of a real link.
//!
//! ```text
//! client --> listening socket --> up:   queue (bytes, rate) -> loss -> delay, jitter --> socket of the flow --> target
//! client <-- listening socket <-- down: queue (bytes, rate) -> loss -> delay, jitter <-- socket of the flow <-- target
//! ```
//!
//! All flows and all targets share the two directions: several peers behind one relay are several flows in one queue. The
//! model of a direction is [`link::Link`], which has no clock and no socket; [`relay`] moves the packets, with a thread for
//! each socket and one for each direction (a timer of an asynchronous runtime has a millisecond, a wait of a thread a tenth
//! of that).
//!
//! What bounds it: flows ([`relay::FLOWS_MAX`]), bytes under way ([`direction::BYTES_UNDER_WAY_MAX`]), the length of a datagram.
//! It is a tool for tests and measurements on one machine and trusts whoever sends to it.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
pub mod counters;
pub mod direction;
pub mod link;
pub mod loss;
pub mod relay;
