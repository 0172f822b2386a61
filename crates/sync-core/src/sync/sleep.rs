//! Time that the host slept: it did not call at the wake-up that it was given (a closed laptop, a frozen tab).
//! Responses may wait unread, so that time counts neither as lateness of a peer nor as a stall.
//!
//! Every moment that the machine keeps is in this table. Moments that the time asleep must not count for are moved by
//! it, here alone. A new field of type [`Instant`] must be added to the table.
//!
//! | moment | asleep | because |
//! |---|---|---|
//! | `Requests`: sent, deadline, outstanding until, and sent of late ones | moves | a response may wait unread; round trips are of the peer |
//! | `Announcements`: tip | moves | it is compared with the moment at which a request was sent |
//! | `ByteWindow::halved_at` | moves | the same |
//! | `Liveness::Late`, `Peer::responded_at`, `Peer::responded_sent` | moves | patience with a peer |
//! | `AncestorSearch`: deadline | moves | witnesses may have responded |
//! | `FairSample`: since | moves | peers that are configured could not connect |
//! | `StallWatch::moved_at` | moves | nothing could be verified |
//! | `StallWatch`: suspected since | moves | a cause that may pass had no time to |
//! | bans, of peers and of addresses | runs on | reported to the user in wall-clock time |
//! | `Reputation::paused_until`, `Failure::until` | runs on | the peer had time to recover; its next request shows |
//! | `Cooldowns`, `Refused`: until; `GapStrategy::failed_trials` | runs on | the peer had time to follow the chain |
//! | `ForkChecks::asked`, `Target::retry_at`, `Reorg::retry_at`, `ReorgPhase::TooDeep`, `Persisting::retry_at` | runs on | a pause before the next try |
//! | `StallWatch::announced_at`, `StallBudget`, `ProgressReporter::reported_at`, `Announcements`: looked at | runs on | so far apart by the clock |
//! | `Selector`, `GapStrategy::looked_at` | runs on | a dwell, and a pause, by the clock |
//! | `Meter`, `Rate`, `ByteWindow::fastest_since`, `Peers::measured_at` | runs on | rates are per second of the clock |
//! | `Peer::since`, `Peer::linked_at` | runs on | facts |
//!
//! A moved deadline is due [`deadline_min`](crate::SyncConfig::deadline_min) after waking up at the earliest, so that
//! waiting responses can be read. A host that is late each time gets that grace once, so that deadlines still pass.

use core::time::Duration;

use super::HeaderSync;
use crate::time::Instant;

impl HeaderSync {
    /// Moves the deadlines by the time asleep. Called before an input is handled.
    pub(super) fn leave_out_sleep(&mut self, now: Instant) {
        let Some((slept, is_again)) = self.host.overslept(now, self.config.sleep_forgiven) else { return };
        let grace = if is_again { Duration::ZERO } else { self.config.deadline_min };
        let moved = |at: Instant, patience: Duration| {
            let at = at + slept;
            let left_over = (now.saturating_since(at) + grace).saturating_sub(patience);
            at + left_over.min(grace)
        };
        self.downloader.requests.shift(slept, now + grace);
        self.peers.shift(slept, now + grace);
        self.peers.announcements.shift(slept);
        if let Some(reorg) = &mut self.reorgs.current {
            reorg.search.shift(slept, now + grace);
        }
        self.peers.announcements.sample.shift(|at| moved(at, self.config.tip_settle));
        if let Some((_, since)) = &mut self.reports.stall.suspected {
            *since = moved(*since, self.config.stall_after);
        }
        self.reports.stall.moved_at = match self.reports.stall.announced {
            None => moved(self.reports.stall.moved_at, self.config.no_progress_after.min(self.config.claim_patience)),
            // A reported stall does not end by itself.
            Some(_) => self.reports.stall.moved_at + slept,
        };
    }
}
