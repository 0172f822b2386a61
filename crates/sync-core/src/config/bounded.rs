//! Figures of a host that no sync can have, cut to what one can: later sums and products of them stay within their types.

use core::time::Duration;

use header_rules::range::BLOCK_NUMBER_END;

use super::SyncConfig;

/// Bytes in one figure at most: more than any machine has, and small enough to be added up.
const BYTES_MAX: u64 = 1 << 48;

/// A duration at most: 136 years.
const DURATION_MAX: Duration = Duration::from_secs(1 << 32);

impl SyncConfig {
    /// The same with every figure within its bounds: numbers under [`BLOCK_NUMBER_END`], limits of at least one where none
    /// would stop the sync, a least value not over its greatest.
    pub(crate) fn bounded(mut self) -> Self {
        self.floor = self.floor.min(BLOCK_NUMBER_END);
        self.window = self.window.max(1);
        self.batches_in_flight_max = self.batches_in_flight_max.max(1);
        let bytes = [
            &mut self.staged_bytes_max,
            &mut self.request_bytes,
            &mut self.window_bytes_max,
            &mut self.window_bytes_min,
            &mut self.window_bytes_start,
        ];
        for figure in bytes {
            *figure = (*figure).clamp(1, BYTES_MAX);
        }
        self.window_bytes_min = self.window_bytes_min.min(self.window_bytes_max);
        let durations = [
            &mut self.tip_settle,
            &mut self.deadline_start,
            &mut self.deadline_min,
            &mut self.deadline_max,
            &mut self.ban,
            &mut self.cool_down,
            &mut self.backoff_start,
            &mut self.backoff_max,
            &mut self.target_retry,
            &mut self.persist_retry_start,
            &mut self.persist_retry_max,
            &mut self.stall_after,
            &mut self.no_progress_after,
            &mut self.claim_patience,
            &mut self.flush_after,
            &mut self.steal_after,
            &mut self.sleep_forgiven,
            &mut self.progress_every,
        ];
        for figure in durations {
            *figure = (*figure).min(DURATION_MAX);
        }
        self.deadline_min = self.deadline_min.min(self.deadline_max);
        self
    }
}
