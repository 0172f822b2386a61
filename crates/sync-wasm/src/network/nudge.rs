//! A small question to a peer that fell silent in the middle of its answers.
//!
//! Below a data channel lies SCTP. It notices a lost packet by those that come after it; when the last packets of an
//! answer are lost, nothing comes after, and the sender waits for a timer (1 s in libp2p-webrtc, doubling each time,
//! RFC 4960 6.3). The asker can end the wait: the answer to one more small question is a few packets, and three of them
//! are what fast retransmission asks for (RFC 4960 7.2.4).
//!
//! So while answers are owed and no byte has come for some round trips, [`NUDGES_MAX`] questions go out, each when the silence
//! is twice as long as at the one before. What they bring is thrown away. The machine does not know of them: this is a matter of the
//! transport, and a deadline stays a deadline.

use std::collections::VecDeque;

use header_wire::{GetBlockHeaders, HashOrNumber};

/// Questions in one silence. After so many the packets are not lost, the peer is.
const NUDGES_MAX: u32 = 5;

/// Silence before the first, milliseconds, at least: a garbage collection or a busy core is no loss.
const PAUSE_MIN_MS: f64 = 30.0;

/// Round trips of silence before the first: answers queue behind each other.
const PAUSE_ROUND_TRIPS: f64 = 4.0;

/// Headers asked for: some 5 KB, so five packets.
const HEADERS: u64 = 8;

/// Requests whose time of sending is kept; a session has fewer under way.
const OWED_MAX: usize = 256;

/// The id of every such question on the wire. The ids of the sync's own requests rise from 0.
pub const NUDGE_ID: u64 = u64::MAX;

/// When to ask, for one session. Times are milliseconds.
#[derive(Debug, Default)]
pub struct Nudge {
    /// When the requests went out that are not answered, the oldest first.
    owed: VecDeque<f64>,
    /// Where the last request started: the peer can answer there.
    start: Option<HashOrNumber>,
    round_trip: Option<f64>,
    quiet_since: f64,
    in_silence: u32,
    /// Questions that are not answered.
    unanswered: u32,
}

impl Nudge {
    /// A request of the sync goes out.
    pub fn sent(&mut self, now: f64, request: &GetBlockHeaders) {
        if self.owed.is_empty() {
            self.spoke(now);
        }
        if self.owed.len() < OWED_MAX {
            self.owed.push_back(now);
        }
        self.start = Some(request.start);
    }

    /// Bytes came.
    pub fn heard(&mut self, now: f64) {
        self.spoke(now);
    }

    /// An answer came whole. `false` when it belongs to a question of ours and nobody else wants it.
    pub fn answered(&mut self, now: f64, request_id: u64) -> bool {
        if request_id == NUDGE_ID && self.unanswered > 0 {
            self.unanswered -= 1;
            return false;
        }
        if let Some(sent) = self.owed.pop_front() {
            let trip = now - sent;
            self.round_trip = Some(self.round_trip.map_or(trip, |smoothed| smoothed + (trip - smoothed) / 8.0));
        }
        true
    }

    /// When the next question is due; `None` while nothing is owed, before a round trip was measured, and when enough
    /// were asked.
    pub fn due(&self) -> Option<f64> {
        let pause = (self.round_trip? * PAUSE_ROUND_TRIPS).max(PAUSE_MIN_MS);
        let wanted = !self.owed.is_empty() && self.in_silence < NUDGES_MAX;
        wanted.then(|| self.quiet_since + pause * f64::from(1 << self.in_silence))
    }

    /// The question, when it is due.
    pub fn ask(&mut self, now: f64) -> Option<GetBlockHeaders> {
        if self.due()? > now {
            return None;
        }
        self.in_silence += 1;
        self.unanswered += 1;
        Some(GetBlockHeaders { request_id: NUDGE_ID, start: self.start?, limit: HEADERS, skip: 0, reverse: true })
    }

    fn spoke(&mut self, now: f64) {
        self.quiet_since = now;
        self.in_silence = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64) -> GetBlockHeaders {
        GetBlockHeaders { request_id: number, start: HashOrNumber::Number(number), limit: 80, skip: 0, reverse: true }
    }

    /// A session that measured a round trip of 5 ms and is owed one answer since 1,000.
    fn owed_one() -> Nudge {
        let mut nudge = Nudge::default();
        nudge.sent(0.0, &request(9));
        nudge.heard(5.0);
        assert!(nudge.answered(5.0, 9));
        nudge.sent(1_000.0, &request(8));
        nudge
    }

    #[test]
    fn asks_in_a_silence_ever_later_and_not_for_ever() {
        let mut nudge = owed_one();
        let mut asked = Vec::new();
        let mut now = 1_000.0;
        while let Some(due) = nudge.due() {
            assert_eq!(nudge.ask(due - 1.0), None);
            now = due;
            let question = nudge.ask(now).expect("due");
            assert_eq!((question.request_id, question.start), (NUDGE_ID, HashOrNumber::Number(8)));
            asked.push(now);
        }
        assert_eq!(asked, [1_030.0, 1_060.0, 1_120.0, 1_240.0, 1_480.0]);
        nudge.heard(now + 1.0);
        assert_eq!(nudge.due(), Some(now + 31.0));
    }

    #[test]
    fn silent_when_nothing_is_owed_or_nothing_was_measured() {
        let mut nudge = Nudge::default();
        assert_eq!(nudge.due(), None);
        nudge.sent(0.0, &request(9));
        assert_eq!(nudge.due(), None);
        nudge.answered(5.0, 9);
        assert_eq!(nudge.due(), None);
    }

    #[test]
    fn waits_for_some_round_trips_on_a_long_way() {
        let mut nudge = Nudge::default();
        nudge.sent(0.0, &request(9));
        nudge.sent(1.0, &request(8));
        nudge.heard(300.0);
        nudge.answered(300.0, 9);
        assert_eq!(nudge.due(), Some(300.0 + 4.0 * 300.0));
    }

    #[test]
    fn throws_away_its_own_answers_and_no_others() {
        let mut nudge = owed_one();
        assert!(nudge.answered(1_010.0, NUDGE_ID), "nobody asked yet");
        let mut nudge = owed_one();
        nudge.ask(1_030.0).expect("due");
        assert!(!nudge.answered(1_040.0, NUDGE_ID));
        assert!(nudge.answered(1_041.0, NUDGE_ID));
        assert!(nudge.answered(1_042.0, 8));
    }
}
