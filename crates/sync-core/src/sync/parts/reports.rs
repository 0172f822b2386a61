//! [`Reports`]: what was reported to the page, and the rates of its progress.

use core::time::Duration;

use super::StallWatch;
use crate::{progress::Meter, time::Instant};

/// What was reported to the page, and when.
#[derive(Debug, Default)]
pub struct Reports {
    pub progress: ProgressReporter,
    pub stall: StallWatch,
}

/// When progress was last reported, and the rates that it is computed from.
#[derive(Debug)]
pub struct ProgressReporter {
    linked: Meter,
    pub bytes: Meter,
    pub reported_at: Option<Instant>,
    /// Did anything change since?
    pub is_stale: bool,
}

impl Default for ProgressReporter {
    fn default() -> Self {
        Self { linked: Meter::new(), bytes: Meter::new(), reported_at: None, is_stale: true }
    }
}

impl ProgressReporter {
    /// Something changed: the next report is not the same.
    pub fn touch(&mut self) {
        self.is_stale = true;
    }

    /// Headers were verified.
    pub fn note_linked(&mut self, now: Instant, headers: u64) {
        self.linked.add(now, headers);
    }

    /// Bytes of headers were received.
    pub fn note_received(&mut self, now: Instant, bytes: u64) {
        self.bytes.add(now, bytes);
    }

    /// Headers verified in a second, over the last seconds.
    pub fn linked_per_second(&self, now: Instant) -> f64 {
        self.linked.per_second(now)
    }

    /// When the next report is due; `None` while nothing has happened since the last.
    pub fn due_at(&self, now: Instant, every: Duration) -> Option<Instant> {
        self.is_stale.then(|| self.reported_at.map_or(now, |at| at + every))
    }
}
