//! [`StallWatch`]: the stall that was found, and what was reported of it.

use core::{mem::discriminant, time::Duration};

use crate::{
    config::{STALL_EVENTS_BURST, STALL_EVENTS_EVERY},
    io::StallReason,
    time::Instant,
};

/// New details of a reported stall are reported at most this often: they may change with each announcement.
const DETAILS_EVERY: Duration = Duration::from_secs(1);

/// The suspected, announced and reported stall.
#[derive(Debug, Default)]
pub struct StallWatch {
    /// When a header was last verified, a gap was opened, or something else ended a wait.
    pub moved_at: Instant,
    /// A reason that is not due yet, and since when it holds.
    pub suspected: Option<(StallReason, Instant)>,
    pub announced: Option<StallReason>,
    pub announced_at: Instant,
    /// The reason in the last event; `None` after `Resumed`.
    pub told: Option<StallReason>,
    pub budget: StallBudget,
}

/// The rate limit of stall events.
#[derive(Debug, Default)]
pub struct StallBudget {
    /// Each event takes [`STALL_EVENTS_EVERY`], one after another; when the last of them ends.
    taken_until: Instant,
}

impl StallBudget {
    /// How long the next event waits.
    pub fn wait(&self, now: Instant) -> Duration {
        self.taken_until.saturating_since(now).saturating_sub(STALL_EVENTS_EVERY * (STALL_EVENTS_BURST - 1))
    }

    /// Takes one event from the budget, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let may = self.wait(now).is_zero();
        if may {
            self.taken_until = self.taken_until.max(now) + STALL_EVENTS_EVERY;
            let taken = self.taken_until.saturating_since(now);
            debug_assert!(taken <= STALL_EVENTS_EVERY * STALL_EVENTS_BURST, "stall events for {taken:?} at once");
        }
        may
    }
}

impl StallWatch {
    /// When this reason may be reported again, if only its details changed.
    pub fn may_repeat_at(&self, reason: &StallReason) -> Instant {
        let same = self.announced.as_ref().is_some_and(|said| discriminant(said) == discriminant(reason));
        if same { self.announced_at + DETAILS_EVERY } else { Instant::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u13_a_few_changes_are_said_at_once_and_then_one_at_a_time() {
        let mut budget = StallBudget::default();
        let start = Instant::from_millis(60_000);
        let said = (0..1_000).filter(|millis| budget.take(start + Duration::from_millis(*millis))).count();
        let most = STALL_EVENTS_BURST + (1_000 / STALL_EVENTS_EVERY.as_millis()) as u32;
        assert_eq!(said as u32, most - 1, "a second is not quite over");
        let quiet = start + STALL_EVENTS_EVERY * (STALL_EVENTS_BURST + 4);
        assert!((0..STALL_EVENTS_BURST).all(|_| budget.take(quiet)));
        assert_eq!(budget.wait(quiet), STALL_EVENTS_EVERY);
        assert!(!budget.take(quiet));
    }
}
