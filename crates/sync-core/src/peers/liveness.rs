//! Slow or silent: how long a peer may send nothing while responses are outstanding.
//!
//! ```text
//!   Responsive --nothing for a deadline--> Late --nothing for twice that--> fault: Timeout, once; Responsive, paused
//!       ^                                   |
//!       +------------- any byte ------------+      slow, no fault
//! ```
//!
//! A transport that repairs a loss delivers nothing for seconds and then everything at once, so the requests of a late
//! peer are reassigned while its own responses can still be used. Only bytes of responses count: other messages show
//! that the peer is connected, not that it serves. One response may take [`RESPONSE_TIME_MAX`] at most, so that a peer
//! that sends a byte now and then holds nothing for ever.

use core::time::Duration;

use crate::time::Instant;

/// A deadline has so many round trips, and a fixed part.
pub const DEADLINE_ROUND_TRIPS: u32 = 3;

/// The shortest silence that is a fault, beside three round trips, whatever deadlines a host sets: a transport that
/// lost the same packet twice is silent for three seconds.
pub const SILENCE_MIN: Duration = Duration::from_secs(4);

/// From one whole response to the next while bytes come. 48 KiB in a minute are 800 bytes a second.
pub const RESPONSE_TIME_MAX: Duration = Duration::from_secs(60);

/// See the [module](self).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Liveness {
    /// It responds, or nothing is overdue.
    #[default]
    Responsive,
    /// Everything that it was asked for is overdue. It is asked for nothing more until it is heard of.
    Late {
        /// When that becomes a fault.
        fault_at: Instant,
    },
}

impl Liveness {
    /// When the silence becomes a fault, if there is one.
    pub fn fault_at(self) -> Option<Instant> {
        match self {
            Self::Responsive => None,
            Self::Late { fault_at } => Some(fault_at),
        }
    }

    /// The host slept for `by`: moves the end of the silence, to `not_before` at least.
    pub fn shift(&mut self, by: Duration, not_before: Instant) {
        if let Self::Late { fault_at } = self {
            *fault_at = (*fault_at + by).max(not_before);
        }
    }
}
