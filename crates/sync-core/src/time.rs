//! Time as the host counts it. The machine never reads a clock: every input carries `now`.

use core::{ops::Add, time::Duration};

/// A moment, measured from the start of the host. `std::time::Instant` is not used because it panics on
/// `wasm32-unknown-unknown`, and because a virtual clock must be able to make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The start of the host.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `millis` milliseconds after the start of the host.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The moment `micros` microseconds after the start of the host.
    pub const fn from_micros(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }

    /// Time since the start of the host.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later (a host's clock may step back).
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

/// `first` doubled `times` times, at most `longest`: the pause after so many failures.
pub fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}
