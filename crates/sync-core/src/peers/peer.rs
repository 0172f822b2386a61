//! One peer: the range that it serves, its limits in flight, its score.

use core::time::Duration;

use super::{
    BatchSize, ByteWindow, Evidence, Liveness, PeerAddress, Rank, Reputation, cooldowns::Cooldowns, rate::Rate,
    round_trips::RoundTrips,
};
use crate::time::Instant;
use header_rules::{block::ServedRange, range::BlockRange};

/// One peer that is or was connected.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Is it connected?
    pub connected: bool,
    /// What it says it serves.
    pub served: ServedRange,
    /// Is it on our chain?
    pub same_chain: bool,
    /// What may be in flight.
    pub window: ByteWindow,
    /// How many headers it is asked for at once.
    pub batch: BatchSize,
    /// Its last round trips.
    pub trips: RoundTrips,
    /// What it has shown in this session.
    pub evidence: Evidence,
    /// Is it late?
    pub liveness: Liveness,
    /// When a request was last counted as failed, for the size of the next one.
    pub failed_at: Option<Instant>,
    /// When its last whole response came.
    pub responded_at: Option<Instant>,
    /// When the latest request was sent to which it responded.
    pub responded_sent: Option<Instant>,
    /// Bytes of it that were verified, lately.
    pub rate: Rate,
    /// Numbers that it is not asked for at present.
    pub cooldowns: Cooldowns,
    /// Score and faults.
    pub reputation: Reputation,
    /// Its address, if the host named one.
    pub address: Option<PeerAddress>,
    /// Until when its address is banned, for a fault of any peer there.
    pub address_banned_until: Option<Instant>,
    /// Headers of this peer that were verified.
    pub headers: u64,
    /// The same in earlier sessions.
    pub headers_before: u64,
    /// When the last of them were.
    pub linked_at: Option<Instant>,
    /// Bytes of headers received from it.
    pub bytes: u64,
    /// When the connection was last made or lost.
    pub since: Instant,
}

impl Peer {
    /// The numbers that it says it serves; `None` for a peer that serves nothing (an empty client says 0 to 0 too, but
    /// then genesis is all that it is asked for).
    pub fn range(&self) -> Option<BlockRange> {
        BlockRange::new(self.served.earliest, self.served.latest)
    }

    /// The announced range, without numbers with an empty response since.
    pub fn serves(&self, now: Instant) -> Option<BlockRange> {
        let range = self.range()?;
        let lowest = self.cooldowns.absent_to(now).map_or(0, |absent| absent.saturating_add(1));
        BlockRange::new(range.first().max(lowest), range.last())
    }

    /// The numbers that it may be asked for now: what it serves, without what it has on another branch.
    pub fn numbers(&self, now: Instant) -> Option<BlockRange> {
        let range = self.serves(now)?;
        match self.cooldowns.branch_from(now) {
            Some(from) => BlockRange::new(range.first(), range.last().min(from.checked_sub(1)?)),
            None => Some(range),
        }
    }

    /// Connected, on our chain, not banned, and nor is its address.
    pub fn is_usable(&self, now: Instant) -> bool {
        self.connected && self.same_chain && self.banned_for(now).is_none()
    }

    /// May it be asked: neither banned, nor paused for its silence, nor late?
    pub fn may_ask(&self, now: Instant) -> bool {
        self.reputation.may_ask(now) && self.liveness == Liveness::Responsive
    }

    /// Does its vote for a tip count? Not while it is late or silent.
    pub fn has_vote(&self) -> bool {
        self.liveness == Liveness::Responsive && !self.reputation.is_unheard()
    }

    /// Its place in the order of peers.
    pub fn rank(&self) -> Rank {
        Rank::of(self.evidence, !self.reputation.is_silent() && self.reputation.is_trusted())
    }

    /// How much longer it is banned, itself or its address.
    pub fn banned_for(&self, now: Instant) -> Option<Duration> {
        let address = self.address_banned_until.filter(|until| *until > now).map(|until| until.saturating_since(now));
        self.reputation.banned_for(now).max(address)
    }

    /// Notes an announcement. When the new range no longer holds a number with an empty response, that response was no
    /// fault: announcements are late (eth wire, `BlockRangeUpdate`: at most one in 32 blocks).
    pub fn announce(&mut self, served: ServedRange) {
        self.served = served.plausible();
        let absent = self.cooldowns.take_absent();
        if absent.is_some_and(|number| self.range().is_none_or(|range| !range.contains(number))) {
            self.reputation.tolerate_slip();
        }
    }

    /// A request ended without a response that can be used. Those that were open at the last failure failed with it.
    pub fn failed(&mut self, now: Instant, sent: Instant) {
        if self.failed_at.is_none_or(|at| sent > at) {
            self.failed_at = Some(now);
            self.batch.failed();
        }
    }

    /// Headers of the peer were verified: raises evidence and score.
    pub fn linked(&mut self, now: Instant, headers: u64, bytes: u64) {
        debug_assert!(headers > 0, "no header was verified");
        self.headers += headers;
        self.linked_at = Some(now);
        self.rate.add(now, bytes);
        self.evidence.verified();
        self.reputation.linked();
    }

    /// A response came in time.
    pub fn responded(&mut self, now: Instant, sent: Instant, bytes: u64, window_used: u64) {
        self.trips.add(now.saturating_since(sent));
        self.responded_sent = self.responded_sent.max(Some(sent));
        self.window.responded(now, sent, bytes, window_used);
    }
}
