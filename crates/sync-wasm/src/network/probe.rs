//! Probes: small requests that recover from tail loss, or detect a dead connection.
//!
//! *Tail loss.* A data channel runs over SCTP, which detects a lost packet by later packets. If the last packets of a
//! response are lost, there are no later ones, and the sender waits for a timer (1 s in libp2p-webrtc, doubling each
//! time, RFC 4960 6.3). The client can end the wait: the response to one more small request has a few packets, and fast
//! retransmission needs three (RFC 4960 7.2.4). So while responses are outstanding and no byte was received for some
//! round trips, up to [`TAIL_PROBES_MAX`] probes are sent, each after twice the silence of the previous one.
//!
//! *Liveness.* After a peer restarted, the connection may seem open for ever: the new process responds to the STUN
//! checks for the old one. So a connection without a response for [`IDLE_MS`] is probed. With anything outstanding, the
//! connection is dead after [`SILENT_MS`] without a byte, or [`UNANSWERED_MS`] without a response. Announcements and
//! requests of the peer are not responses: a peer that sends only these counts as dead. Time in which this worker was
//! suspended does not count.
//!
//! Responses to probes are discarded. The machine does not know of probes: they are part of the transport.

use std::collections::VecDeque;

use header_wire::{GetBlockHeaders, HashOrNumber};

/// Probes in one silence while responses are outstanding. After these, packet loss is unlikely: the peer is dead.
const TAIL_PROBES_MAX: u32 = 5;

/// Least silence before the first tail probe, milliseconds: a garbage collection or a busy core is not a loss.
const PAUSE_MIN_MS: f64 = 30.0;

/// Round trips of silence before the first tail probe: responses queue behind each other.
const PAUSE_ROUND_TRIPS: f64 = 4.0;

/// Headers requested by a tail probe: some 5 KB, so five packets.
const TAIL_HEADERS: u64 = 8;

/// Time without a response after which a connection is probed, milliseconds: four small requests a minute. With
/// [`SILENT_MS`] and the next dial, a restarted peer is connected again within a minute.
const IDLE_MS: f64 = 15_000.0;

/// Silence, milliseconds, with something outstanding, after which a connection is dead. SCTP's timer has fired three
/// times by then (1 + 2 + 4 s).
const SILENT_MS: f64 = 12_000.0;

/// The same without a response, whatever else is received. A full window of 512 KiB takes this long at 140 kbit/s; each
/// complete response restarts the time.
const UNANSWERED_MS: f64 = 30_000.0;

/// How late a timer may be, milliseconds; later, this worker was suspended (a suspended laptop, a frozen page).
const SLEPT_MS: f64 = 1_500.0;

/// Outstanding requests that are stored; a session has fewer.
const OUTSTANDING_MAX: usize = 256;

/// The id of every probe on the wire. The ids of the sync's own requests rise from 0.
pub(super) const PROBE_ID: u64 = u64::MAX;

/// The kind of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// Response to a request of the sync.
    ToRequest,
    /// Response to a probe: discarded.
    ToProbe,
    /// Response to no request of this connection.
    Unsolicited,
}

/// The next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing before the next due time.
    Wait,
    /// Send this probe.
    Ask(GetBlockHeaders),
    /// The connection is dead.
    Dead,
}

/// The probes of one session. Times are milliseconds since any fixed time.
#[derive(Debug)]
pub(super) struct Probe {
    /// Outstanding requests of the sync: id and time of sending, the oldest first.
    outstanding: VecDeque<(u64, f64)>,
    /// Number of requests dropped above [`OUTSTANDING_MAX`]: their responses may still arrive.
    forgotten: usize,
    /// Start of the last request: the peer has this header.
    start: HashOrNumber,
    round_trip: Option<f64>,
    quiet_since: f64,
    responded_at: f64,
    tail_probes: u32,
    /// Probes without a response; `asked_at`: when the oldest of them was sent.
    unanswered: u32,
    asked_at: f64,
    /// When the page hinted that the connection may be dead.
    hinted_at: Option<f64>,
}

impl Probe {
    /// Probes of a session that starts `now`, with a peer whose highest block is `latest`.
    pub(super) fn new(now: f64, latest: u64) -> Self {
        Self {
            outstanding: VecDeque::new(),
            forgotten: 0,
            start: HashOrNumber::Number(latest),
            round_trip: None,
            quiet_since: now,
            responded_at: now,
            tail_probes: 0,
            unanswered: 0,
            asked_at: now,
            hinted_at: None,
        }
    }

    /// A request of the sync is sent.
    pub(super) fn sent(&mut self, now: f64, request: &GetBlockHeaders) {
        if self.outstanding.is_empty() {
            self.heard(now);
        }
        if self.outstanding.len() >= OUTSTANDING_MAX {
            self.outstanding.pop_front();
            self.forgotten += 1;
        }
        self.outstanding.push_back((request.request_id, now));
        self.start = request.start;
    }

    /// Bytes were received.
    pub(super) fn heard(&mut self, now: f64) {
        self.quiet_since = now;
        self.tail_probes = 0;
    }

    /// A complete response was received.
    pub(super) fn responded(&mut self, now: f64, request_id: u64) -> Response {
        if request_id == PROBE_ID && self.unanswered > 0 {
            self.responded_at = now;
            self.unanswered -= 1;
            return Response::ToProbe;
        }
        // Ids rise, so they are sorted.
        if let Ok(at) = self.outstanding.binary_search_by_key(&request_id, |(id, _)| *id)
            && let Some((_, sent)) = self.outstanding.remove(at)
        {
            self.responded_at = now;
            let trip = now - sent;
            self.round_trip = Some(self.round_trip.map_or(trip, |smoothed| smoothed + (trip - smoothed) / 8.0));
            return Response::ToRequest;
        }
        let is_older = self.outstanding.front().is_none_or(|(oldest, _)| request_id < *oldest);
        if self.forgotten > 0 && is_older && request_id != PROBE_ID {
            self.forgotten -= 1;
            return Response::ToRequest;
        }
        Response::Unsolicited
    }

    /// The network or the page is back: the connection is probed at once, unless a probe is outstanding.
    pub(super) fn hint(&mut self, now: f64) {
        if now - self.due() > SLEPT_MS {
            self.slept(now);
        }
        self.hinted_at = (self.unanswered == 0).then_some(now);
    }

    /// When to call [`step`](Self::step) next.
    pub(super) fn due(&self) -> f64 {
        let asks = [self.tail_probe_at(), self.liveness_probe_at(), self.dead_at()];
        asks.into_iter().flatten().fold(f64::INFINITY, f64::min)
    }

    /// The action that is due.
    pub(super) fn step(&mut self, now: f64) -> Step {
        let late = now - self.due();
        if late < 0.0 {
            return Step::Wait;
        }
        if late > SLEPT_MS {
            self.slept(now);
            return self.ask(now, 1);
        }
        if self.dead_at().is_some_and(|at| at <= now) {
            return Step::Dead;
        }
        if self.tail_probe_at().is_some_and(|at| at <= now) {
            self.tail_probes += 1;
            return self.ask(now, TAIL_HEADERS);
        }
        self.ask(now, 1)
    }

    fn ask(&mut self, now: f64, limit: u64) -> Step {
        self.hinted_at = None;
        if self.unanswered == 0 {
            self.asked_at = now;
        }
        self.unanswered += 1;
        Step::Ask(GetBlockHeaders { request_id: PROBE_ID, start: self.start, limit, skip: 0, reverse: true })
    }

    /// The time in which this worker was suspended is no silence of the peer: every wait restarts.
    fn slept(&mut self, now: f64) {
        self.heard(now);
        self.responded_at = now;
        self.asked_at = now;
        for (_, sent) in &mut self.outstanding {
            *sent = now;
        }
    }

    fn tail_probe_at(&self) -> Option<f64> {
        let pause = (self.round_trip? * PAUSE_ROUND_TRIPS).max(PAUSE_MIN_MS);
        let wanted = !self.outstanding.is_empty() && self.tail_probes < TAIL_PROBES_MAX;
        wanted.then(|| self.quiet_since + pause * f64::from(1 << self.tail_probes))
    }

    fn liveness_probe_at(&self) -> Option<f64> {
        if self.unanswered > 0 {
            return None;
        }
        let idle = self.outstanding.is_empty().then_some(self.responded_at + IDLE_MS);
        [self.hinted_at, idle].into_iter().flatten().reduce(f64::min)
    }

    fn dead_at(&self) -> Option<f64> {
        let request = self.outstanding.front().map(|(_, sent)| *sent);
        let probe = (self.unanswered > 0).then_some(self.asked_at);
        let since = [request, probe].into_iter().flatten().fold(f64::INFINITY, f64::min);
        let silent = self.quiet_since.max(since) + SILENT_MS;
        let unanswered = self.responded_at.max(since) + UNANSWERED_MS;
        since.is_finite().then_some(silent.min(unanswered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64) -> GetBlockHeaders {
        GetBlockHeaders { request_id: number, start: HashOrNumber::Number(number), limit: 80, skip: 0, reverse: true }
    }

    /// A session with a measured round trip of 5 ms and one request outstanding since 1,000 ms.
    fn outstanding_one() -> Probe {
        let mut probe = Probe::new(0.0, 99);
        probe.sent(0.0, &request(8));
        probe.heard(5.0);
        assert_eq!(probe.responded(5.0, 8), Response::ToRequest);
        probe.sent(1_000.0, &request(9));
        probe
    }

    /// Advances to the next due time and takes the step.
    fn next(probe: &mut Probe) -> (f64, Step) {
        let due = probe.due();
        assert_eq!(probe.step(due - 1.0), Step::Wait);
        (due, probe.step(due))
    }

    #[test]
    fn probes_the_tail_ever_later_and_not_for_ever() {
        let mut probe = outstanding_one();
        let mut asked = Vec::new();
        for _ in 0..TAIL_PROBES_MAX {
            let (due, step) = next(&mut probe);
            let Step::Ask(question) = step else { panic!("{step:?}") };
            assert_eq!((question.request_id, question.start, question.limit), (PROBE_ID, HashOrNumber::Number(9), 8));
            asked.push(due);
        }
        assert_eq!(asked, [1_030.0, 1_060.0, 1_120.0, 1_240.0, 1_480.0]);
        probe.heard(1_481.0);
        assert_eq!(probe.due(), 1_481.0 + 30.0);
    }

    #[test]
    fn waits_for_some_round_trips_on_a_long_way() {
        let mut probe = Probe::new(0.0, 99);
        probe.sent(0.0, &request(8));
        probe.sent(1.0, &request(9));
        probe.heard(300.0);
        probe.responded(300.0, 8);
        assert_eq!(probe.due(), 300.0 + 4.0 * 300.0);
    }

    #[test]
    fn an_idle_connection_is_probed_and_a_response_is_a_sign_of_life() {
        let mut probe = Probe::new(0.0, 99);
        for round in 1..4 {
            let (due, step) = next(&mut probe);
            assert_eq!(due, f64::from(round) * (IDLE_MS + 10.0) - 10.0);
            assert!(matches!(step, Step::Ask(GetBlockHeaders { start: HashOrNumber::Number(99), limit: 1, .. })));
            probe.heard(due + 10.0);
            assert_eq!(probe.responded(due + 10.0, PROBE_ID), Response::ToProbe);
        }
    }

    #[test]
    fn a_peer_that_answers_no_probe_is_dead() {
        let mut probe = Probe::new(0.0, 99);
        assert!(matches!(next(&mut probe), (IDLE_MS, Step::Ask(_))));
        assert_eq!(next(&mut probe), (IDLE_MS + SILENT_MS, Step::Dead));
    }

    #[test]
    fn a_peer_that_talks_and_answers_nothing_is_dead_all_the_same() {
        let mut probe = Probe::new(0.0, 99);
        assert!(matches!(next(&mut probe), (IDLE_MS, Step::Ask(_))));
        let mut now = IDLE_MS;
        while probe.step(now) == Step::Wait {
            probe.heard(now);
            now += 1_000.0;
        }
        assert_eq!(now, IDLE_MS + UNANSWERED_MS);
    }

    #[test]
    fn a_request_without_any_byte_ends_the_connection_too() {
        let mut probe = outstanding_one();
        for _ in 0..TAIL_PROBES_MAX {
            assert!(matches!(next(&mut probe).1, Step::Ask(_)));
        }
        assert_eq!(next(&mut probe), (1_000.0 + SILENT_MS, Step::Dead));
    }

    #[test]
    fn a_slow_line_on_which_whole_responses_come_is_alive() {
        let mut probe = Probe::new(0.0, 99);
        (0..40).for_each(|id| probe.sent(0.0, &request(id)));
        for id in 0..40_u32 {
            let now = f64::from(id) * 8_000.0 + 8_000.0;
            // A byte each second, a response each eight seconds.
            for second in 1..8 {
                probe.heard(now - 8_000.0 + f64::from(second) * 1_000.0);
            }
            probe.heard(now);
            assert_ne!(probe.step(now), Step::Dead, "at {now}");
            assert_eq!(probe.responded(now, u64::from(id)), Response::ToRequest);
        }
    }

    #[test]
    fn the_sleep_of_this_worker_is_no_silence_of_the_peer() {
        let mut probe = outstanding_one();
        let woken = 3_600_000.0;
        assert!(matches!(probe.step(woken), Step::Ask(_)), "asked anew, not given up");
        let mut now = woken;
        loop {
            let due = probe.due();
            now = now.max(due);
            match probe.step(now) {
                Step::Dead => break,
                step => assert_ne!(step, Step::Wait),
            }
        }
        assert_eq!(now, woken + SILENT_MS);
    }

    #[test]
    fn a_hint_is_a_probe_at_once_and_one_at_a_time() {
        let mut probe = Probe::new(0.0, 99);
        probe.hint(2_000.0);
        assert!(matches!(next(&mut probe), (2_000.0, Step::Ask(_))));
        probe.hint(3_000.0);
        assert_eq!(next(&mut probe), (2_000.0 + SILENT_MS, Step::Dead));
    }

    #[test]
    fn an_unsolicited_response_is_detected() {
        let mut probe = outstanding_one();
        assert_eq!(probe.responded(1_010.0, PROBE_ID), Response::Unsolicited, "no probe went out yet");
        assert_eq!(probe.responded(1_010.0, 8), Response::Unsolicited, "answered before");
        assert_eq!(probe.responded(1_010.0, 10), Response::Unsolicited, "not asked yet");
        assert!(matches!(next(&mut probe).1, Step::Ask(_)));
        assert_eq!(probe.responded(1_040.0, PROBE_ID), Response::ToProbe);
        assert_eq!(probe.responded(1_041.0, PROBE_ID), Response::Unsolicited);
        assert_eq!(probe.responded(1_042.0, 9), Response::ToRequest);
    }

    #[test]
    fn a_long_list_of_requests_is_bounded_and_its_late_responses_are_none_too_many() {
        let mut probe = Probe::new(0.0, 99);
        (0..OUTSTANDING_MAX as u64 + 2).for_each(|id| probe.sent(0.0, &request(id)));
        assert_eq!(probe.outstanding.len(), OUTSTANDING_MAX);
        assert_eq!(probe.responded(1.0, 0), Response::ToRequest);
        assert_eq!(probe.responded(1.0, 1), Response::ToRequest);
        assert_eq!(probe.responded(1.0, 1), Response::Unsolicited);
    }
}
