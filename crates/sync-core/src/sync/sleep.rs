//! Time that the host slept: it did not call although it had promised to (a closed laptop, a frozen tab). Responses may
//! wait unread, so no peer is late in that time and nothing stands still.
//!
//! Every moment that the machine keeps is in this table. What the time asleep is no part of moves into the future by it,
//! here and nowhere else. A new field of type [`Instant`] belongs into the table.
//!
//! | moment | asleep | because |
//! |---|---|---|
//! | `Requests`: sent, deadline, owed until, and sent of what is late | moves | a response may wait unread; round trips are of the peer |
//! | `Announcements`: tip | moves | it is compared with the moment at which a request was sent |
//! | `ByteWindow::halved_at` | moves | the same |
//! | `Liveness::Late`, `Peer::responded_at`, `Peer::responded_sent` | moves | patience with a peer |
//! | `AncestorSearch`: deadline | moves | witnesses may have answered |
//! | `FairSample`: since | moves | peers that are configured had no chance to connect |
//! | `StallWatch::moved_at` | moves | nothing could be verified |
//! | `StallWatch`: suspected since | moves | what may pass by itself had no time to |
//! | bans, of peers and of addresses | runs on | said to the user in wall-clock time |
//! | `Reputation::paused_until`, `Failure::until` | runs on | the peer had time to recover; its next request shows |
//! | `Cooldowns`, `Refused`: until; `GapStrategy::failed_trials` | runs on | the peer had time to follow the chain |
//! | `ForkChecks::asked`, `Target::retry_at`, `Reorg::retry_at`, `ReorgPhase::TooDeep`, `Persisting::retry_at` | runs on | a pause before the next try |
//! | `StallWatch::announced_at`, `StallBudget`, `ProgressReporter::reported_at`, `Announcements`: looked at | runs on | so far apart by the clock |
//! | `Selector`, `History`, `GapStrategy::looked_at` | runs on | what was measured ages |
//! | `Meter`, `Rate`, `ByteWindow::fastest_since`, `Peers::measured_at` | runs on | rates are per second of the clock |
//! | `Peer::since`, `Peer::linked_at` | runs on | facts |
//!
//! What moves is due [`deadline_min`](crate::SyncConfig::deadline_min) after waking up at the earliest, so that what waits
//! can be read. A host that is late each time gets that grace once: else nothing would ever be due.

use core::time::Duration;

use super::HeaderSync;
use crate::time::Instant;

impl HeaderSync {
    /// Moves what the time asleep is no part of. Call it before an input is looked at.
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
            // A stall that was said does not end by itself.
            Some(_) => self.reports.stall.moved_at + slept,
        };
    }
}
