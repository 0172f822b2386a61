//! Peer scores. A response counts only once its headers are verified, so that a quick malicious peer does not rank
//! first.
//!
//! | outcome | score | consequence |
//! |---|---|---|
//! | headers linked | +2, at most 100 | the pause after silence ends |
//! | no response in time | -10, never below 1 | paused, for a time that doubles; never banned, for it may be the only peer |
//! | a request lost with its stream | -4, never below 1 | paused like a silent peer |
//! | connections that end with requests open, twice in a row | the same | asked after the others until headers are linked |
//! | wrong start, too many, empty inside its range, protocol breach | -35 | banned at 0 |
//! | not decodable, broken link, broken rule, other chain | to 0 | banned at once |
//!
//! **One event is one fault.** Requests that were open when a fault was noted fail for the same reason as the first of
//! them ([`Reputation::is_noted`]); an invalid response needs no such rule, because the first one bans. An empty
//! response is tolerated when the peer's next announcement no longer claims the number ([`Reputation::tolerate_slip`]).
//!
//! A ban ends by itself ([`SyncConfig::ban`]); the peer starts again at [`SCORE_AFTER_BAN`], where two slips end it.

use core::time::Duration;

use crate::{
    config::SyncConfig,
    fault::{PeerFault, Verdict},
    time::{Instant, doubled},
};

/// The score of a peer that did nothing wrong.
pub const SCORE_MAX: u8 = 100;

/// The score with which a peer comes out of a ban.
pub const SCORE_AFTER_BAN: u8 = 50;

/// The score under which a peer is asked only when no better one has room.
pub const SCORE_TRUSTED: u8 = 60;

/// Connections in a row that may end with requests open and nothing verified; then the peer is distrusted like one with a
/// low score. Once may be bad luck.
const BROKEN_OFF_MAX: u32 = 1;

const LINKED_GAIN: u8 = 2;
const SILENCE_COST: u8 = 10;
const DROP_COST: u8 = 4;
const SLIP_COST: u8 = 35;

/// The record of one peer. It outlives the connection.
#[derive(Clone, Debug)]
pub struct Reputation {
    score: u8,
    faults: u32,
    silences: u32,
    /// It was silent and nothing came of it since.
    unheard: bool,
    broken_off: u32,
    banned_until: Option<Instant>,
    paused_until: Option<Instant>,
    ban: Duration,
    pause_start: Duration,
    pause_max: Duration,
    /// When the last slip was noted.
    slipped_at: Option<Instant>,
    /// When the last silence, or the last lost request, was noted.
    silent_at: Option<Instant>,
    /// Was a slip tolerated since headers were last linked?
    tolerated: bool,
}

impl Reputation {
    /// The record of a new peer.
    pub fn new(config: &SyncConfig) -> Self {
        Self {
            score: SCORE_MAX,
            faults: 0,
            silences: 0,
            unheard: false,
            broken_off: 0,
            banned_until: None,
            paused_until: None,
            ban: config.ban,
            pause_start: config.backoff_start,
            pause_max: config.backoff_max,
            slipped_at: None,
            silent_at: None,
            tolerated: false,
        }
    }

    /// Headers of the peer were verified.
    pub fn linked(&mut self) {
        if self.banned_until.is_none() {
            self.score = (self.score + LINKED_GAIN).min(SCORE_MAX);
        }
        self.silences = 0;
        self.broken_off = 0;
        self.tolerated = false;
        self.paused_until = None;
    }

    /// The connection ended with requests open. No fault by itself; but a peer that does it repeatedly would delay,
    /// each time, the requests that it gets first because its window is empty.
    pub fn broke_off(&mut self) {
        self.broken_off = self.broken_off.saturating_add(1);
    }

    /// A whole response came.
    pub fn responded(&mut self) {
        self.unheard = false;
    }

    /// Has it not responded since it was last silent?
    pub fn is_unheard(&self) -> bool {
        self.unheard
    }

    /// Was no header of it verified since it was last silent?
    pub fn is_silent(&self) -> bool {
        self.silences > 0
    }

    /// Is it asked before others?
    pub fn is_trusted(&self) -> bool {
        self.score >= SCORE_TRUSTED && self.broken_off <= BROKEN_OFF_MAX
    }

    /// Was a fault of this kind noted while a request that went out at `sent` was open? Then both tell of one event.
    pub fn is_noted(&self, sent: Instant, fault: &PeerFault) -> bool {
        match fault {
            PeerFault::Timeout => self.is_lost(sent),
            fault if fault.is_slip() => self.slipped_at.is_some_and(|at| sent <= at),
            _ => false,
        }
    }

    /// Was a silence, or a lost request, noted while a request that went out at `sent` was open?
    pub fn is_lost(&self, sent: Instant) -> bool {
        self.silent_at.is_some_and(|at| sent <= at)
    }

    /// Takes one slip back: the peer's late announcement no longer claims the number. Once, until headers are linked,
    /// so that a peer cannot alternate for ever.
    pub fn tolerate_slip(&mut self) {
        if self.banned_until.is_none() && !self.tolerated {
            self.tolerated = true;
            self.score = self.score.saturating_add(SLIP_COST).min(SCORE_MAX);
        }
    }

    /// The peer did something wrong.
    pub fn fault(&mut self, now: Instant, fault: &PeerFault) -> Verdict {
        self.faults = self.faults.saturating_add(1);
        match fault {
            PeerFault::Timeout => {
                self.score = self.score.saturating_sub(SILENCE_COST).max(1);
                self.paused_until = Some(now + doubled(self.pause_start, self.silences, self.pause_max));
                self.silences = self.silences.saturating_add(1);
                self.silent_at = Some(now);
                self.unheard = true;
                return if self.is_banned(now) { Verdict::Banned } else { Verdict::Warned };
            }
            fault if fault.is_slip() => {
                self.score = self.score.saturating_sub(SLIP_COST);
                self.slipped_at = Some(now);
            }
            _ => self.score = 0,
        }
        self.judge(now)
    }

    /// A request ended with its connection, or with its stream: no fault to name, and never a ban; but it may not go on
    /// for ever.
    pub fn dropped(&mut self, now: Instant) {
        if self.is_banned(now) {
            return;
        }
        self.score = self.score.saturating_sub(DROP_COST).max(1);
        self.paused_until = Some(now + doubled(self.pause_start, self.silences, self.pause_max));
        self.silences = self.silences.saturating_add(1);
        self.silent_at = Some(now);
    }

    fn judge(&mut self, now: Instant) -> Verdict {
        if self.score > 0 {
            return Verdict::Warned;
        }
        self.banned_until = Some(now + self.ban);
        Verdict::Banned
    }

    /// What an earlier session knew.
    pub fn restore(&mut self, score: u8, faults: u32, banned_until: Option<Instant>) {
        self.score = match (banned_until, score) {
            (Some(_), _) => 0,
            // Its ban ended between the sessions.
            (None, 0) => SCORE_AFTER_BAN,
            (None, score) => score.min(SCORE_MAX),
        };
        self.faults = faults;
        self.banned_until = banned_until;
    }

    /// Lifts a ban whose time is over.
    pub fn refresh(&mut self, now: Instant) {
        debug_assert!(self.score <= SCORE_MAX, "a score of {}", self.score);
        debug_assert!(self.score > 0 || self.banned_until.is_some(), "a score of 0 without a ban");
        if self.banned_until.is_some_and(|until| until <= now) {
            self.banned_until = None;
            self.score = SCORE_AFTER_BAN;
        }
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
    }

    /// The connection is new: silence belonged to the old one.
    pub fn reconnected(&mut self) {
        self.paused_until = None;
        self.silences = 0;
        self.unheard = false;
    }

    /// Is the peer banned?
    pub fn is_banned(&self, now: Instant) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// May it be asked: neither banned nor paused for its silence?
    pub fn may_ask(&self, now: Instant) -> bool {
        !self.is_banned(now) && self.paused_until.is_none_or(|until| until <= now)
    }

    /// When it may be asked again, if it may not now.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        self.banned_until.max(self.paused_until).filter(|until| *until > now)
    }

    /// How much longer it is banned.
    pub fn banned_for(&self, now: Instant) -> Option<Duration> {
        self.banned_until.filter(|until| *until > now).map(|until| until.saturating_since(now))
    }

    /// How much longer it is paused for its silence.
    pub fn paused_for(&self, now: Instant) -> Option<Duration> {
        self.paused_until.filter(|until| *until > now).map(|until| until.saturating_since(now))
    }

    /// 0 (banned) to 100 (no fault).
    pub fn score(&self) -> u8 {
        self.score
    }

    /// Faults so far.
    pub fn faults(&self) -> u32 {
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn broken_link() -> PeerFault {
        PeerFault::BrokenLink { number: 1, got: B256::ZERO, expected: B256::repeat_byte(1) }
    }

    #[test]
    fn n09_an_invalid_header_bans_at_once_and_the_ban_ends() {
        let config = SyncConfig::default();
        let mut peer = Reputation::new(&config);
        assert_eq!(peer.fault(Instant::ZERO, &broken_link()), Verdict::Banned);
        assert!(!peer.may_ask(Instant::ZERO));
        let end = Instant::ZERO + config.ban;
        peer.refresh(end);
        assert!(peer.may_ask(end));
        assert_eq!(peer.score(), SCORE_AFTER_BAN);
    }

    #[test]
    fn n09_slips_warn_first() {
        let mut peer = Reputation::new(&SyncConfig::default());
        let slip = PeerFault::EmptyResponse { start: 1 };
        assert_eq!(peer.fault(Instant::ZERO, &slip), Verdict::Warned);
        assert_eq!(peer.fault(Instant::ZERO, &slip), Verdict::Warned);
        assert_eq!(peer.fault(Instant::ZERO, &slip), Verdict::Banned);
    }

    #[test]
    fn n09_silence_pauses_and_never_bans() {
        let config = SyncConfig::default();
        let mut peer = Reputation::new(&config);
        let mut now = Instant::ZERO;
        for _ in 0..100 {
            assert_eq!(peer.fault(now, &PeerFault::Timeout), Verdict::Warned);
            assert!(!peer.may_ask(now));
            let again = peer.next_wakeup(now).expect("a pause ends");
            assert!(again.saturating_since(now) <= config.backoff_max);
            now = again;
            peer.refresh(now);
            assert!(peer.may_ask(now));
        }
        assert_eq!(peer.score(), 1);
    }
}
