//! How much may be in flight to one peer: a window of bytes that follows the delay.
//!
//! A data channel has no back-pressure from its receiver, and a burst that overruns a UDP buffer costs seconds. So the
//! asker decides: the window starts at one response's worth, grows while responses come back as fast as the fastest ever
//! did, stays where a queue begins to form at the narrowest place, and is halved when a response is overdue.
//!
//! ```text
//!  queued = used * (1 - fastest / round trip)       bytes that wait somewhere on the way
//!  queued < 1/2 request  grow: by the bytes of the response while nothing ever queued (doubling each round trip),
//!                        later by one request each round trip
//!  queued > 3/2 requests shrink by one request each round trip
//!  overdue               halve
//! ```
//!
//! The window never leaves `window_bytes_min..=window_bytes_max`; a malicious peer with a perfect delay can send us
//! that much.

use core::time::Duration;

use super::liveness::DEADLINE_ROUND_TRIPS;
use crate::{config::SyncConfig, time::Instant};

/// The fastest round trip is taken over one to two spans of this length: routes change, and one lucky response must not
/// count for ever.
const FASTEST_SPAN: Duration = Duration::from_secs(10);

/// Queue, in halves of a request, under which the window grows.
const QUEUE_HALVES_MIN: u64 = 1;

/// Queue, in halves of a request, over which the window shrinks. On a loopback this holds two requests of 48 KiB in
/// flight: with one the way stands idle while a response is read, with three or more the browser's UDP buffer overflows
/// so often that a sync is slower again (fixed windows of 48, 96, 144, 192 KiB in turn, means of three syncs each, the
/// peer on both cores: 10.2, 12.4, 11.8, 10.2 MB/s).
const QUEUE_HALVES_MAX: u64 = 3;

/// Round trips are never taken for shorter than this: clocks in browsers are coarse (0.1 ms), and on a loopback the
/// noise of two schedulers is larger than the delay.
const ROUND_TRIP_MIN: Duration = Duration::from_millis(2);

/// Window, deadline and round trip of one peer.
#[derive(Clone, Debug)]
pub struct ByteWindow {
    window: u64,
    min: u64,
    max: u64,
    request_max: u64,
    used: u64,
    requests: usize,
    requests_max: usize,
    opening: bool,
    fastest: [Duration; 2],
    fastest_since: Instant,
    smoothed: Option<Duration>,
    deadline: Duration,
    deadline_min: Duration,
    deadline_max: Duration,
    halved_at: Option<Instant>,
}

impl ByteWindow {
    /// The window of a peer that was never asked.
    pub fn new(config: &SyncConfig) -> Self {
        Self {
            window: config.window_bytes_start,
            min: config.window_bytes_min,
            max: config.window_bytes_max,
            request_max: config.request_bytes,
            used: 0,
            requests: 0,
            requests_max: config.requests_per_peer_max,
            opening: true,
            fastest: [Duration::MAX; 2],
            fastest_since: Instant::ZERO,
            smoothed: None,
            deadline: config.deadline_start,
            deadline_min: config.deadline_min,
            deadline_max: config.deadline_max,
            halved_at: None,
        }
    }

    /// Bytes that one request to this peer should ask for: as much as peers send in one response, or the window when it
    /// is smaller. Requests of one size have round trips that can be compared.
    pub fn request_bytes(&self) -> u64 {
        self.window.clamp(self.min.min(self.request_max), self.request_max)
    }

    /// May another request go out? One may always, whatever the window.
    pub fn has_room(&self) -> bool {
        self.requests == 0 || (self.requests < self.requests_max && self.used + self.request_bytes() <= self.window)
    }

    /// A request of so many expected bytes went out; returns the bytes now in flight.
    pub fn sent(&mut self, bytes: u64) -> u64 {
        debug_assert!(bytes > 0, "a request of which nothing is expected");
        self.used += bytes;
        self.requests += 1;
        self.used
    }

    /// A request ended, whatever the outcome.
    pub fn ended(&mut self, bytes: u64) {
        debug_assert!(self.requests > 0 && self.used >= bytes, "a request ended that was not sent");
        self.used = self.used.saturating_sub(bytes);
        self.requests = self.requests.saturating_sub(1);
        debug_assert!(self.requests > 0 || self.used == 0, "{} bytes are in flight in no request", self.used);
    }

    /// A response came in time: learn from its round trip. `window_used` was in flight when its request went out.
    pub fn responded(&mut self, now: Instant, sent: Instant, bytes: u64, window_used: u64) {
        let round_trip = now.saturating_since(sent).max(ROUND_TRIP_MIN);
        self.learn(now, round_trip);
        let queued = (window_used as f64 * (1.0 - self.fastest().as_secs_f64() / round_trip.as_secs_f64())) as u64;
        let request = self.request_bytes();
        if queued * 2 <= QUEUE_HALVES_MIN * request {
            let step = if self.opening { bytes } else { request * bytes / self.window.max(1) };
            // Grow only what is used: a window that is never full says nothing about the way.
            if window_used + request >= self.window {
                self.window = (self.window + step).min(self.max);
            }
        } else {
            self.opening = false;
            if queued * 2 > QUEUE_HALVES_MAX * request {
                self.window = self.window.saturating_sub(request * bytes / self.window.max(1)).max(self.min);
            }
        }
        debug_assert!((self.min..=self.max).contains(&self.window), "a window of {} bytes", self.window);
    }

    /// A late response: learns the round trip of a slow peer.
    pub fn responded_late(&mut self, now: Instant, sent: Instant) {
        self.learn(now, now.saturating_since(sent).max(ROUND_TRIP_MIN));
    }

    /// The requests in flight count as sent so much later.
    pub fn shift(&mut self, by: Duration) {
        self.halved_at = self.halved_at.map(|at| at + by);
    }

    /// A response is overdue. Halves the window, once a round trip, and waits longer for the next.
    pub fn overdue(&mut self, now: Instant, sent: Instant) {
        self.opening = false;
        if self.halved_at.is_none_or(|at| sent >= at) {
            self.window = (self.window / 2).max(self.min);
            self.halved_at = Some(now);
        }
        debug_assert!((self.min..=self.max).contains(&self.window), "a window of {} bytes", self.window);
        self.deadline = (self.deadline + self.deadline / 2).clamp(self.deadline_min, self.deadline_max);
    }

    /// The connection is new: the way may be another. What is known of the peer's deadline stays.
    pub fn reconnected(&mut self, start: u64) {
        debug_assert!(self.requests == 0, "requests survive no connection");
        self.window = start.clamp(self.min, self.max);
        self.opening = true;
        self.fastest = [Duration::MAX; 2];
        self.halved_at = None;
    }

    /// An earlier session measured this: the order of peers and their deadlines start from it.
    pub fn expect_round_trip(&mut self, round_trip: Duration) {
        self.smoothed = Some(round_trip);
        let fair = round_trip * DEADLINE_ROUND_TRIPS + self.deadline_min;
        self.deadline = fair.clamp(self.deadline, self.deadline_max.max(self.deadline));
    }

    /// How long to wait for a response while nothing comes: at least three smoothed round trips and the fixed part.
    pub fn deadline(&self) -> Duration {
        let fair = self.smoothed.map_or(Duration::ZERO, |trip| trip * DEADLINE_ROUND_TRIPS + self.deadline_min);
        self.deadline.max(fair).min(self.deadline_max)
    }

    /// Smoothed time from request to response.
    pub fn round_trip(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The window, bytes.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// Bytes in flight.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Requests in flight.
    pub fn requests(&self) -> usize {
        self.requests
    }

    fn fastest(&self) -> Duration {
        self.fastest[0].min(self.fastest[1])
    }

    /// The deadline follows three round trips and its fixed part, a tenth of the way each time.
    fn learn(&mut self, now: Instant, round_trip: Duration) {
        if now.saturating_since(self.fastest_since) > FASTEST_SPAN {
            self.fastest = [Duration::MAX, self.fastest[0]];
            self.fastest_since = now;
        }
        self.fastest[0] = self.fastest[0].min(round_trip);
        self.smoothed = Some(self.smoothed.map_or(round_trip, |smoothed| smoothed * 7 / 8 + round_trip / 8));
        let fair = round_trip * DEADLINE_ROUND_TRIPS + self.deadline_min;
        self.deadline = (self.deadline * 9 / 10 + fair / 10).clamp(self.deadline_min, self.deadline_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    /// A link with a fixed delay and rate; the window is kept full. Returns the window after so many responses.
    fn run(delay_ms: u64, bytes_per_ms: u64, responses: usize) -> u64 {
        let mut window = ByteWindow::new(&SyncConfig::default());
        let mut now = 0u64;
        let mut free_at = 0u64;
        let mut queue = alloc::collections::VecDeque::new();
        for _ in 0..responses {
            while window.has_room() {
                let bytes = window.request_bytes();
                let used = window.sent(bytes);
                free_at = free_at.max(now + delay_ms * 1_000) + bytes * 1_000 / bytes_per_ms;
                queue.push_back((now, free_at, bytes, used));
            }
            let (sent, done, bytes, used) = queue.pop_front().expect("has_room lets one out when nothing is in flight");
            now = now.max(done);
            window.ended(bytes);
            window.responded(Instant::from_micros(now), Instant::from_micros(sent), bytes, used);
        }
        window.window()
    }

    #[test]
    fn grows_over_a_long_way_and_holds_on_a_short_one() {
        // 50 ms, 10 MB/s: the way holds 500 KB.
        assert!(run(50, 10_000, 400) >= 400 * KIB, "{}", run(50, 10_000, 400));
        // A loopback: the way holds nothing, more only queues.
        assert!(run(0, 10_000, 400) <= 256 * KIB, "{}", run(0, 10_000, 400));
    }

    #[test]
    fn one_whole_response_fits_the_first_window() {
        let mut window = ByteWindow::new(&SyncConfig::default());
        assert_eq!((window.window(), window.request_bytes()), (48 * KIB, 48 * KIB));
        assert!(window.has_room());
        window.sent(window.request_bytes());
        assert!(!window.has_room());
    }

    #[test]
    fn asks_for_less_than_a_whole_response_only_when_the_window_is_smaller() {
        let mut window = ByteWindow::new(&SyncConfig::default());
        window.sent(48 * KIB);
        window.ended(48 * KIB);
        window.overdue(Instant::from_millis(6_000), Instant::ZERO);
        assert_eq!(window.request_bytes(), 24 * KIB);
    }

    #[test]
    fn halves_once_for_all_that_was_sent_before() {
        let mut window = ByteWindow::new(&SyncConfig { window_bytes_start: 256 * KIB, ..SyncConfig::default() });
        let now = Instant::from_millis(6_000);
        for _ in 0..3 {
            window.sent(48 * KIB);
        }
        for _ in 0..3 {
            window.ended(48 * KIB);
            window.overdue(now, Instant::ZERO);
        }
        assert_eq!(window.window(), 128 * KIB);
        window.sent(48 * KIB);
        window.ended(48 * KIB);
        window.overdue(now + Duration::from_secs(9), now + Duration::from_millis(1));
        assert_eq!(window.window(), 64 * KIB);
    }

    #[test]
    fn u15_requests_that_were_open_in_a_sleep_do_not_halve_it_again() {
        let mut window = ByteWindow::new(&SyncConfig { window_bytes_start: 256 * KIB, ..SyncConfig::default() });
        let hour = Duration::from_secs(3_600);
        window.overdue(Instant::from_millis(6_000), Instant::ZERO);
        window.shift(hour);
        window.overdue(Instant::from_millis(7_000) + hour, Instant::ZERO + hour);
        assert_eq!(window.window(), 128 * KIB);
    }

    #[test]
    fn n07_the_deadline_stays_within_its_bounds() {
        let config = SyncConfig::default();
        let mut window = ByteWindow::new(&config);
        assert_eq!(window.deadline(), config.deadline_start);
        for _ in 0..100 {
            window.sent(1);
            window.ended(1);
            window.responded(Instant::from_millis(1), Instant::ZERO, 1, 1);
        }
        assert!((3..10).contains(&(window.deadline() - config.deadline_min).as_millis()), "{:?}", window.deadline());
        for _ in 0..100 {
            window.overdue(Instant::ZERO, Instant::ZERO);
        }
        assert_eq!(window.deadline(), config.deadline_max);
    }
}
