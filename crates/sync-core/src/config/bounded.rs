//! Bounds of the figures of a [`SyncConfig`]: within them sums and products stay within their types, and every sync goes on.

use core::time::Duration;

use header_rules::range::BLOCK_NUMBER_END;

use super::SyncConfig;

/// Bytes in one figure at most: more than any machine has, and small enough to be added up.
const BYTES_MAX: u64 = 1 << 48;

/// A duration at most: 136 years.
const DURATION_MAX: Duration = Duration::from_secs(1 << 32);

/// A figure that no sync can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is out of its bounds; the nearest figure within them is {nearest}")]
pub struct ConfigError {
    /// The field of [`SyncConfig`].
    pub field: &'static str,
    /// The nearest figure that a sync can have: a count, bytes, or milliseconds.
    pub nearest: u64,
}

impl SyncConfig {
    /// Checks every figure: a floor under [`BLOCK_NUMBER_END`], limits of at least one where none would stop the sync, byte
    /// counts up to 2^48, durations up to 2^32 seconds, a least value not over its greatest.
    ///
    /// A machine takes a figure that is out of its bounds as the nearest one within them. A host that takes figures from a
    /// user calls this first.
    ///
    /// # Errors
    ///
    /// The first figure that is out of its bounds.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut first = Ok(());
        self.clone().bound(|error| {
            if first.is_ok() {
                first = Err(error);
            }
        });
        first
    }

    /// The same with every figure within its bounds.
    pub(crate) fn bounded(mut self) -> Self {
        self.bound(|_| {});
        debug_assert_eq!(self.validate(), Ok(()), "a bounded configuration is within its bounds");
        self
    }

    /// Sets every figure that is out of its bounds to the nearest one within them, and names it.
    fn bound(&mut self, mut found: impl FnMut(ConfigError)) {
        let mut number = |field, figure: &mut u64, min: u64, max: u64| {
            let nearest = (*figure).clamp(min, max);
            if nearest != *figure {
                *figure = nearest;
                found(ConfigError { field, nearest });
            }
        };
        number("floor", &mut self.floor, 0, BLOCK_NUMBER_END);
        number("window", &mut self.window, 1, u64::MAX);
        number("staged_bytes_max", &mut self.staged_bytes_max, 1, BYTES_MAX);
        number("request_bytes", &mut self.request_bytes, 1, BYTES_MAX);
        number("window_bytes_max", &mut self.window_bytes_max, 1, BYTES_MAX);
        number("window_bytes_min", &mut self.window_bytes_min, 1, self.window_bytes_max);
        number("window_bytes_start", &mut self.window_bytes_start, 1, BYTES_MAX);
        if self.batches_in_flight_max == 0 {
            self.batches_in_flight_max = 1;
            found(ConfigError { field: "batches_in_flight_max", nearest: 1 });
        }
        let mut duration = |field, figure: &mut Duration, max: Duration| {
            if *figure > max {
                *figure = max;
                found(ConfigError { field, nearest: u64::try_from(max.as_millis()).unwrap_or(u64::MAX) });
            }
        };
        duration("tip_settle", &mut self.tip_settle, DURATION_MAX);
        duration("deadline_start", &mut self.deadline_start, DURATION_MAX);
        duration("deadline_max", &mut self.deadline_max, DURATION_MAX);
        duration("deadline_min", &mut self.deadline_min, self.deadline_max);
        duration("ban", &mut self.ban, DURATION_MAX);
        duration("cool_down", &mut self.cool_down, DURATION_MAX);
        duration("backoff_start", &mut self.backoff_start, DURATION_MAX);
        duration("backoff_max", &mut self.backoff_max, DURATION_MAX);
        duration("target_retry", &mut self.target_retry, DURATION_MAX);
        duration("persist_retry_start", &mut self.persist_retry_start, DURATION_MAX);
        duration("persist_retry_max", &mut self.persist_retry_max, DURATION_MAX);
        duration("stall_after", &mut self.stall_after, DURATION_MAX);
        duration("no_progress_after", &mut self.no_progress_after, DURATION_MAX);
        duration("claim_patience", &mut self.claim_patience, DURATION_MAX);
        duration("flush_after", &mut self.flush_after, DURATION_MAX);
        duration("steal_after", &mut self.steal_after, DURATION_MAX);
        duration("sleep_forgiven", &mut self.sleep_forgiven, DURATION_MAX);
        duration("progress_every", &mut self.progress_every, DURATION_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(SyncConfig::default().validate(), Ok(()));
    }

    #[test]
    fn u14_a_figure_out_of_its_bounds_is_named_and_taken_as_the_nearest() {
        let cases = [
            (SyncConfig { floor: u64::MAX, ..SyncConfig::default() }, "floor", BLOCK_NUMBER_END),
            (SyncConfig { window: 0, ..SyncConfig::default() }, "window", 1),
            (SyncConfig { batches_in_flight_max: 0, ..SyncConfig::default() }, "batches_in_flight_max", 1),
            (SyncConfig { staged_bytes_max: 0, ..SyncConfig::default() }, "staged_bytes_max", 1),
            (SyncConfig { window_bytes_min: 9, window_bytes_max: 5, ..SyncConfig::default() }, "window_bytes_min", 5),
            (SyncConfig { ban: Duration::MAX, ..SyncConfig::default() }, "ban", 1_000 << 32),
            (
                SyncConfig {
                    deadline_min: Duration::from_secs(9),
                    deadline_max: Duration::from_secs(5),
                    ..SyncConfig::default()
                },
                "deadline_min",
                5_000,
            ),
        ];
        for (config, field, nearest) in cases {
            assert_eq!(config.validate(), Err(ConfigError { field, nearest }));
            assert_eq!(config.bounded().validate(), Ok(()), "{field}");
        }
    }
}
