//! Rate limits for unsolicited messages of a peer.
//!
//! Two kinds of message may be unsolicited: announcements of a new range, and requests (with an empty response: a
//! browser serves no headers). Both have an allowance; above it they are a breach, which costs the peer its connection
//! and its score. Announcements within it are forwarded at most once in [`UPDATE_EVERY_MS`], only the newest: an older
//! one is outdated.

use std::time::Duration;

use sync_core::ServedRange;

use super::{CloseReason, allowance::Allowance};

/// Announcements at once. A peer announces each new block, and several while it catches up.
const UPDATES_BURST: u32 = 32;

/// Time that allows one more announcement: four a second is above the block rate of any chain of today.
const UPDATES_REFILL: Duration = Duration::from_millis(250);

/// Requests at once. A peer that does not know that browsers serve no headers may send a few.
const REQUESTS_BURST: u32 = 16;

/// Time that allows one more request.
const REQUESTS_REFILL: Duration = Duration::from_millis(500);

/// Milliseconds between two announcements that the machine receives.
const UPDATE_EVERY_MS: f64 = 1_000.0;

/// The limits of one peer on one connection. Times are milliseconds since any fixed time.
#[derive(Debug)]
pub(super) struct Conduct {
    updates: Allowance,
    requests: Allowance,
    /// The newest announcement that was not forwarded yet.
    pending: Option<ServedRange>,
    handed_on_at: Option<f64>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            updates: Allowance::new(UPDATES_BURST, UPDATES_REFILL),
            requests: Allowance::new(REQUESTS_BURST, REQUESTS_REFILL),
            pending: None,
            handed_on_at: None,
        }
    }
}

impl Conduct {
    /// The peer announced a range.
    ///
    /// # Errors
    ///
    /// It announces too often.
    pub(super) fn update(&mut self, now: f64, served: ServedRange) -> Result<(), CloseReason> {
        self.pending = Some(served);
        self.updates.take(since_start(now), 1).then_some(()).ok_or_else(|| breach("announces its range too often"))
    }

    /// The peer sent a request.
    ///
    /// # Errors
    ///
    /// It sends requests too often.
    pub(super) fn request(&mut self, now: f64) -> Result<(), CloseReason> {
        self.requests
            .take(since_start(now), 1)
            .then_some(())
            .ok_or_else(|| breach("requests too often of one who serves nothing"))
    }

    /// When [`take_update`](Self::take_update) returns an announcement; `None` if there is none.
    pub(super) fn due(&self) -> Option<f64> {
        self.pending.map(|_| self.handed_on_at.map_or(0.0, |at| at + UPDATE_EVERY_MS))
    }

    /// The announcement to forward now.
    pub(super) fn take_update(&mut self, now: f64) -> Option<ServedRange> {
        self.due().filter(|due| *due <= now)?;
        self.handed_on_at = Some(now);
        self.pending.take()
    }
}

fn since_start(now: f64) -> Duration {
    Duration::from_secs_f64(now.max(0.0) / 1_000.0)
}

fn breach(what: &str) -> CloseReason {
    CloseReason::Protocol(what.to_owned())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn range(latest: u64) -> ServedRange {
        ServedRange { earliest: 0, latest, latest_hash: B256::ZERO }
    }

    #[test]
    fn the_newest_announcement_is_handed_on_once_a_second() {
        let mut conduct = Conduct::default();
        conduct.update(10.0, range(1)).expect("the first");
        assert_eq!(conduct.take_update(10.0), Some(range(1)), "at once");
        conduct.update(20.0, range(2)).expect("allowed");
        conduct.update(30.0, range(3)).expect("allowed");
        assert_eq!(conduct.take_update(500.0), None);
        assert_eq!(conduct.due(), Some(1_010.0));
        assert_eq!(conduct.take_update(1_010.0), Some(range(3)));
        assert_eq!(conduct.due(), None);
    }

    #[test]
    fn a_flood_is_a_breach_and_a_quick_chain_is_none() {
        let mut conduct = Conduct::default();
        for block in 0..10_000_u32 {
            conduct.update(f64::from(block) * 300.0, range(block.into())).expect("a block each 300 ms");
        }
        let mut flooded = Conduct::default();
        let first = (0..1_000).position(|block| flooded.update(0.0, range(block)).is_err());
        assert_eq!(first, Some(UPDATES_BURST as usize));
        let mut asked = Conduct::default();
        assert_eq!((0..1_000).position(|_| asked.request(0.0).is_err()), Some(REQUESTS_BURST as usize));
    }
}
