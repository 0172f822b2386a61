//! Does the tab that holds the write lock still run? What a reader tab decides from signs of life. Pure.
//!
//! A tab that the browser has suspended keeps its lock and is silent. While the reader tab is visible it asks for a sign of
//! life every [`PING_EVERY`]; after [`SILENT_PINGS_MAX`] questions in a row without any, the writing tab counts as
//! suspended. (Questions are counted, not time: after the reader tab itself was suspended, nothing was asked meanwhile.)

use std::time::Duration;

use sync_core::time::Instant;

/// Between two questions for a sign of life.
pub const PING_EVERY: Duration = Duration::from_secs(4);

/// Questions in a row without a response after which the writing tab counts as suspended: 20 seconds. A tab that runs
/// answers within a turn of its event loop, also when it is hidden.
pub const SILENT_PINGS_MAX: u32 = 5;

/// What a reader tab does next about the writing tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// Nothing before [`Liveness::due`].
    Wait,
    /// It asks for a sign of life.
    Ask,
    /// The writing tab is suspended: the lock may be taken from it.
    Suspended,
}

/// What is known of the writing tab.
#[derive(Debug)]
pub struct Liveness {
    ping_at: Instant,
    silent_pings: u32,
    /// This tab is visible.
    visible: bool,
}

impl Liveness {
    /// Nothing is known yet; this tab is visible.
    pub fn new(now: Instant) -> Self {
        Self { ping_at: now, silent_pings: 0, visible: true }
    }

    /// When to ask again.
    pub fn due(&self) -> Instant {
        self.ping_at
    }

    /// What is to be done now. [`Ping::Ask`] counts as asked.
    pub fn poll(&mut self, now: Instant) -> Ping {
        if now < self.ping_at {
            return Ping::Wait;
        }
        if self.silent_pings >= SILENT_PINGS_MAX && self.visible {
            return Ping::Suspended;
        }
        self.silent_pings = if self.visible { self.silent_pings + 1 } else { 0 };
        self.ping_at = now + PING_EVERY;
        Ping::Ask
    }

    /// A sign of life came.
    pub fn heard(&mut self) {
        self.silent_pings = 0;
    }

    /// This tab is shown or hidden, or was offline: what was asked before says little.
    pub fn page_changed(&mut self, visible: Option<bool>) {
        self.visible = visible.unwrap_or(self.visible);
        self.silent_pings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks until the other tab counts as suspended, at most `questions_max` times; how often it asked.
    fn questions(liveness: &mut Liveness, questions_max: u32) -> Option<u32> {
        for asked in 0..=questions_max {
            let due = liveness.due();
            if let Some(before) = due.since_start().checked_sub(Duration::from_micros(1)) {
                assert_eq!(liveness.poll(Instant::ZERO + before), Ping::Wait, "never early");
            }
            match liveness.poll(due) {
                Ping::Suspended => return Some(asked),
                Ping::Ask => assert_eq!(liveness.due(), due + PING_EVERY),
                Ping::Wait => panic!("it is due"),
            }
        }
        None
    }

    #[test]
    fn a_silent_tab_is_suspended_after_five_questions() {
        let mut liveness = Liveness::new(Instant::ZERO);
        assert_eq!(questions(&mut liveness, 100), Some(SILENT_PINGS_MAX));
        assert_eq!(liveness.due(), Instant::ZERO + PING_EVERY * SILENT_PINGS_MAX, "20 seconds");
    }

    #[test]
    fn one_sign_of_life_begins_the_count_anew() {
        let mut liveness = Liveness::new(Instant::ZERO);
        for _ in 0..10 {
            assert_eq!(questions(&mut liveness, SILENT_PINGS_MAX - 1), None);
            liveness.heard();
        }
        assert_eq!(questions(&mut liveness, 100), Some(SILENT_PINGS_MAX));
    }

    #[test]
    fn a_hidden_tab_asks_and_takes_nothing() {
        let mut liveness = Liveness::new(Instant::ZERO);
        liveness.page_changed(Some(false));
        assert_eq!(questions(&mut liveness, 100), None);
        liveness.page_changed(Some(true));
        assert_eq!(questions(&mut liveness, 100), Some(SILENT_PINGS_MAX), "shown again, all questions are asked again");
    }

    #[test]
    fn sleep_of_this_tab_is_no_silence_of_the_other() {
        let mut liveness = Liveness::new(Instant::ZERO);
        assert_eq!(liveness.poll(Instant::ZERO), Ping::Ask);
        let woken = Instant::ZERO + Duration::from_secs(3_600);
        assert_eq!(liveness.poll(woken), Ping::Ask, "one question was not answered, whatever the time between");
        liveness.page_changed(None);
        assert_eq!(questions(&mut liveness, 100), Some(SILENT_PINGS_MAX));
    }
}
