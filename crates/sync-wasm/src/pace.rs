//! How often something is told: progress to the page, events of another tab to the page of a reader tab. Pure.
//!
//! Progress goes out at most every [`PROGRESS_PAUSE`], and without any change every [`PROGRESS_TICK`] while the sync works:
//! rates fall and bans run out by themselves. Events of another tab come through at [`EVENTS_PER_SECOND_MAX`]: any script of
//! the origin may post them.

use std::time::Duration;

use sync_core::time::Instant;

/// Between two progress events.
pub const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// Without any change, while the sync works.
pub const PROGRESS_TICK: Duration = Duration::from_secs(1);

/// Without any change, while it rests.
pub const PROGRESS_TICK_RESTING: Duration = Duration::from_secs(10);

/// Events that are handed on in one second. A storm of faults shows in the figures of the peers.
pub const EVENTS_PER_SECOND_MAX: u32 = 50;

/// When the next progress is due.
#[derive(Debug)]
pub struct ProgressPace {
    sent_at: Option<Instant>,
    due: Instant,
}

impl ProgressPace {
    /// Nothing was sent yet, so the first is due now.
    pub fn new(now: Instant) -> Self {
        Self { sent_at: None, due: now }
    }

    /// When the page is to hear again.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Something changed.
    pub fn changed(&mut self) {
        let soonest = self.sent_at.map_or(Instant::ZERO, |sent_at| sent_at + PROGRESS_PAUSE);
        self.due = self.due.min(soonest);
    }

    /// Something changed that should not wait.
    pub fn changed_now(&mut self) {
        self.due = Instant::ZERO;
    }

    /// Progress was sent. `rests`: the sync has nothing to do.
    pub fn sent(&mut self, now: Instant, rests: bool) {
        self.sent_at = Some(now);
        self.due = now + if rests { PROGRESS_TICK_RESTING } else { PROGRESS_TICK };
    }
}

/// Lets [`EVENTS_PER_SECOND_MAX`] events through, no more.
#[derive(Debug, Default)]
pub struct Throttle {
    begun: Option<Instant>,
    passed: u32,
}

impl Throttle {
    /// May another event pass?
    pub fn admits(&mut self, now: Instant) -> bool {
        if self.begun.is_none_or(|begun| now.saturating_since(begun) >= Duration::from_secs(1)) {
            *self = Self { begun: Some(now), passed: 0 };
        }
        self.passed += 1;
        self.passed <= EVENTS_PER_SECOND_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(5_000);

    #[test]
    fn changes_are_gathered_for_a_pause_and_urgent_ones_are_not() {
        let mut pace = ProgressPace::new(START);
        assert_eq!(pace.due(), START, "the page hears at once how it begins");
        pace.sent(START, false);
        assert_eq!(pace.due(), START + PROGRESS_TICK);
        for _ in 0..1_000 {
            pace.changed();
        }
        assert_eq!(pace.due(), START + PROGRESS_PAUSE, "however much changes");
        pace.changed_now();
        assert!(pace.due() <= START);
        pace.changed();
        assert!(pace.due() <= START, "a change that can wait does not delay one that cannot");
    }

    #[test]
    fn a_change_long_after_the_last_progress_is_told_at_once() {
        let mut pace = ProgressPace::new(START);
        pace.sent(START, true);
        assert_eq!(pace.due(), START + PROGRESS_TICK_RESTING, "a sync that rests has little to tell");
        pace.changed();
        assert!(pace.due() <= START + Duration::from_secs(3));
    }

    #[test]
    fn a_storm_of_events_is_cut_each_second_anew() {
        let mut throttle = Throttle::default();
        let mut passed = |millis| (0..1_000).filter(|_| throttle.admits(Instant::from_millis(millis))).count();
        assert_eq!(passed(5), EVENTS_PER_SECOND_MAX as usize);
        assert_eq!(passed(1_004), 0);
        assert_eq!(passed(1_005), EVENTS_PER_SECOND_MAX as usize);
    }
}
