//! Lines on standard error. A line that cannot be written is dropped: the program that started the peer may close its
//! end of the pipe at any time (`eprintln!` would panic then, and end the listener).
//!
//! Lines that clients can cause go through [`LimitedLog`]: at most [`LOG_LINES_MAX`] lines in each [`LOG_WINDOW`], and the
//! number of dropped lines.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::limits::{LOG_LINES_MAX, LOG_WINDOW};

/// Writes one line on standard error, after the program's name.
pub fn line(text: impl Display) {
    // One write for the whole line. An error means that standard error is closed.
    let _ = io::stderr().lock().write_all(format!("header-peer: {text}\n").as_bytes());
}

/// A log for lines that clients can cause.
#[derive(Debug)]
pub struct LimitedLog {
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    begin: Instant,
    lines: u32,
    left_out: u64,
}

impl LimitedLog {
    /// A log whose first window starts now.
    pub fn new(now: Instant) -> Self {
        Self { window: Mutex::new(Window { begin: now, lines: 0, left_out: 0 }) }
    }

    /// Writes the line, or counts it as dropped if the window is full.
    pub fn line(&self, now: Instant, text: impl Display) {
        if self.admits(now) {
            line(text);
        }
    }

    /// The number of lines dropped since the last report, once their window is over.
    pub fn report(&self, now: Instant) {
        if let Some(count) = self.take_left_out(now) {
            line(format_args!("{count} more lines like these were left out"));
        }
    }

    fn admits(&self, now: Instant) -> bool {
        let mut window = self.lock();
        if window.left_out == 0 && now.saturating_duration_since(window.begin) >= LOG_WINDOW {
            *window = Window { begin: now, lines: 0, left_out: 0 };
        }
        let admitted = window.lines < LOG_LINES_MAX;
        if admitted {
            window.lines += 1;
        } else {
            window.left_out += 1;
        }
        admitted
    }

    fn take_left_out(&self, now: Instant) -> Option<u64> {
        let mut window = self.lock();
        if window.left_out == 0 || now.saturating_duration_since(window.begin) < LOG_WINDOW {
            return None;
        }
        let left_out = window.left_out;
        *window = Window { begin: now, lines: 0, left_out: 0 };
        Some(left_out)
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        // Each field is valid by itself at any moment.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_so_many_lines_and_the_rest_is_counted() {
        let begin = Instant::now();
        let log = LimitedLog::new(begin);
        let admitted = |now| (0..1_000).filter(|_| log.admits(now)).count();
        assert_eq!(admitted(begin), LOG_LINES_MAX as usize);
        assert_eq!(log.take_left_out(begin), None, "the window is not over");
        let next = begin + LOG_WINDOW;
        assert_eq!(admitted(next), 0, "first the count is told");
        assert_eq!(log.take_left_out(next), Some(2_000 - u64::from(LOG_LINES_MAX)));
        assert_eq!((admitted(next), log.take_left_out(next)), (LOG_LINES_MAX as usize, None));
    }

    #[test]
    fn a_quiet_log_has_nothing_to_report() {
        let begin = Instant::now();
        let log = LimitedLog::new(begin);
        for window in 0..5 {
            let now = begin + LOG_WINDOW * window;
            assert!(log.admits(now));
            assert_eq!(log.take_left_out(now), None);
        }
    }
}
