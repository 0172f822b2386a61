//! The way between the machine and one peer: latency, bandwidth, jitter that reorders, loss, resets, partitions.
//!
//! Nothing here knows what travels; a way only says when something arrives, or that it does not.

use crate::rng::Rng;

/// Moments and spans of the virtual clock, in microseconds.
pub type Micros = u64;

/// Microseconds in a millisecond.
pub const MILLI: Micros = 1_000;
/// Microseconds in a second.
pub const SECOND: Micros = 1_000_000;

/// How a way is, drawn once for each peer.
#[derive(Clone, Copy, Debug)]
pub struct LinkPlan {
    /// One way.
    pub latency: Micros,
    /// Added at random to each message.
    pub jitter: Micros,
    /// Responses travel one after another at this rate.
    pub bytes_per_milli: u64,
    /// Requests that vanish, of a million.
    pub loss_request_ppm: u64,
    /// Responses that vanish, of a million.
    pub loss_response_ppm: u64,
    /// Requests whose stream closes instead of a response, of a million.
    pub broken_stream_ppm: u64,
    /// Responses after which the connection is gone, of a million.
    pub reset_ppm: u64,
    /// May a later response overtake an earlier one?
    pub reorder: bool,
    /// Responses before which the link stalls, of a million: the transport repairs a loss, and what comes later waits.
    pub stall_ppm: u64,
    /// How long it then stands still, at most.
    pub stall_max: Micros,
}

impl LinkPlan {
    /// A way of some megabit and milliseconds, there and back, that loses `lost_ppm` of its packets and repairs them.
    pub fn repaired(megabit: u64, round_trip: u64, lost_ppm: u64, stall_max: Micros) -> Self {
        Self {
            bytes_per_milli: megabit * 125,
            // A response of 48 KiB is some forty packets; each that is lost may be what everything waits for.
            stall_ppm: 40 * lost_ppm,
            stall_max,
            ..Self::clean(round_trip * MILLI / 2)
        }
    }

    /// A way that loses nothing, for 5 MB a second.
    pub fn clean(latency: Micros) -> Self {
        Self {
            latency,
            jitter: MILLI / 2,
            bytes_per_milli: 5_000,
            loss_request_ppm: 0,
            loss_response_ppm: 0,
            broken_stream_ppm: 0,
            reset_ppm: 0,
            reorder: false,
            stall_ppm: 0,
            stall_max: 0,
        }
    }

    /// The same way without its troubles.
    pub fn quiescent(mut self) -> Self {
        (self.loss_request_ppm, self.loss_response_ppm) = (0, 0);
        (self.broken_stream_ppm, self.reset_ppm) = (0, 0);
        self
    }
}

/// One way and what is on it.
#[derive(Clone, Debug)]
pub struct Link {
    /// How it is.
    pub plan: LinkPlan,
    /// Until when nothing passes.
    pub cut_until: Micros,
    free_at: Micros,
    last_arrival: Micros,
}

impl Link {
    /// A way with nothing on it.
    pub fn new(plan: LinkPlan) -> Self {
        Self { plan, cut_until: 0, free_at: 0, last_arrival: 0 }
    }

    /// The connection is new: nothing is on the way.
    pub fn reset(&mut self) {
        (self.free_at, self.last_arrival) = (0, 0);
    }

    /// Does a request that leaves now vanish?
    pub fn loses_request(&self, now: Micros, rng: &mut Rng) -> bool {
        self.is_cut(now) || rng.ppm(self.plan.loss_request_ppm)
    }

    /// Does nothing arrive now?
    pub fn is_cut(&self, now: Micros) -> bool {
        now < self.cut_until
    }

    /// When a response of so many bytes to a request that leaves now is here; `None` when it vanishes.
    pub fn response_at(&mut self, now: Micros, bytes: u64, rng: &mut Rng) -> Option<Micros> {
        let mut begins = self.free_at.max(now + self.plan.latency);
        if rng.ppm(self.plan.stall_ppm) {
            begins += rng.between(self.plan.latency, self.plan.stall_max);
        }
        self.free_at = begins + bytes * MILLI / self.plan.bytes_per_milli.max(1);
        let mut arrives = self.free_at + self.plan.latency + rng.below(self.plan.jitter);
        if !self.plan.reorder {
            arrives = arrives.max(self.last_arrival);
        }
        self.last_arrival = arrives;
        (!rng.ppm(self.plan.loss_response_ppm)).then_some(arrives)
    }
}
