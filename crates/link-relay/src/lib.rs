//! A network between two programs of one machine: a UDP relay with the delay, rate, queue and loss of a real link.
//!
//! ```text
//! client --> listening socket --> up:   queue (bytes, rate) -> loss -> delay, jitter --> socket of the flow --> target
//! client <-- listening socket <-- down: queue (bytes, rate) -> loss -> delay, jitter <-- socket of the flow <-- target
//! ```
//!
//! All flows and targets share the two directions: several peers behind one relay are several flows in one queue. The
//! model of a direction is [`link::Link`], without a clock or a socket; [`relay`] moves the packets, with one thread
//! per socket and one per direction (a timer of an asynchronous runtime has a resolution of a millisecond, a waiting
//! thread a tenth of that).
//!
//! Bounds: flows ([`relay::FLOWS_MAX`]), bytes in flight ([`direction::BYTES_UNDER_WAY_MAX`]), the length of a
//! datagram. This is a tool for tests and measurements on one machine: it trusts every sender.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
pub mod counters;
pub mod direction;
pub mod link;
pub mod loss;
pub mod relay;
