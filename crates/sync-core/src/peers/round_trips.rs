//! The last round trips of a peer, and what the peers have in common.
//!
//! Two views of the same samples. The smoothed value ([`super::budget`]) says how a peer is *now*; the window here, the
//! last [`SAMPLES`] responses, gives percentiles, which one outlier does not move. The median over all peers is what a
//! deadline may not fall under ([`deadline_of_median`]): a single quick peer, of any quickness, leaves the median and
//! so the deadlines of the others where they are.

use alloc::vec::Vec;
use core::time::Duration;

use sorted::sort_short_by;

/// Samples kept for one peer; 4 bytes each.
pub const SAMPLES: usize = 16;

/// A deadline is so many round trips.
const ROUND_TRIPS_PER_DEADLINE: u32 = 3;

/// The last round trips of one peer, in microseconds (at most 71 minutes, far beyond every deadline).
#[derive(Clone, Debug, Default)]
pub struct RoundTrips {
    micros: [u32; SAMPLES],
    added: u32,
}

impl RoundTrips {
    /// Adds the round trip of one response.
    pub fn add(&mut self, round_trip: Duration) {
        let at = self.added as usize % SAMPLES;
        self.micros[at] = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
        // After 2^31 responses the count starts again at a full window.
        self.added = if self.added > u32::MAX / 2 { SAMPLES as u32 } else { self.added + 1 };
    }

    /// The round trip that `percent` of the samples do not exceed; `None` before the first.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        debug_assert!(percent <= 100, "a percentile of {percent}");
        let count = (self.added as usize).min(SAMPLES);
        let last = count.checked_sub(1)?;
        let mut sorted = self.micros;
        sort_short_by(&mut sorted[..count], Ord::cmp);
        let at = (last * usize::from(percent.min(100))).div_ceil(100);
        Some(Duration::from_micros(u64::from(sorted[at])))
    }
}

/// The shortest deadline that is fair to a peer like the median one: three of its round trips, and longer the fewer
/// peers were measured (twice with one, a tenth more with ten). `None` when no peer was measured.
pub fn deadline_of_median(mut round_trips: Vec<Duration>) -> Option<Duration> {
    let peers = round_trips.len() as u32;
    // Of an even number the slower of the two in the middle: in doubt one waits.
    let middle = round_trips.len() / 2;
    if round_trips.is_empty() {
        return None;
    }
    sort_short_by(&mut round_trips, Ord::cmp);
    let deadline = round_trips[middle] * ROUND_TRIPS_PER_DEADLINE;
    Some(deadline + deadline / peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn percentiles_are_of_the_last_samples() {
        let mut trips = RoundTrips::default();
        assert_eq!(trips.percentile(50), None);
        trips.add(MS(5));
        assert_eq!((trips.percentile(0), trips.percentile(95)), (Some(MS(5)), Some(MS(5))));
        for millis in 0..100 {
            trips.add(MS(millis));
        }
        assert_eq!(trips.percentile(0), Some(MS(84)));
        assert_eq!(trips.percentile(50), Some(MS(92)));
        assert_eq!(trips.percentile(100), Some(MS(99)));
    }

    #[test]
    fn n08_one_quick_peer_moves_no_median() {
        let slow = alloc::vec![MS(900), MS(1_000), MS(1_100)];
        let before = deadline_of_median(slow.clone()).expect("three peers");
        assert_eq!(before, MS(4_000));
        let with_quick: Vec<_> = slow.into_iter().chain([MS(1)]).collect();
        let after = deadline_of_median(with_quick).expect("four peers");
        assert_eq!(after, MS(3_750), "only more is known: the median peer still has its three round trips");
        assert_eq!(deadline_of_median(Vec::new()), None);
    }
}
