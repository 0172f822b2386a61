//! The state of each peer, for the report of a stall: one event shows which peer is slow, silent, paused or banned. At
//! most [`PEER_HEALTH_MAX`] peers, the connected ones first.

use alloc::vec::Vec;
use core::{cmp::Reverse, time::Duration};

use super::Peers;
use crate::{config::PEER_HEALTH_MAX, id::PeerId, time::Instant};
use header_rules::range::BlockNumber;
use sorted::sort_short_by;

/// One peer at the moment of a stall.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerHealth {
    /// Its id.
    pub peer: PeerId,
    /// Is it connected?
    pub connected: bool,
    /// Is it on our chain?
    pub same_chain: bool,
    /// 0 (banned) to 100.
    pub score: u8,
    /// Faults so far.
    pub faults: u32,
    /// Requests in flight.
    pub requests_in_flight: usize,
    /// Headers that it is asked for at once, at most.
    pub batch_headers: u16,
    /// Median of its last round trips.
    pub round_trip_median: Option<Duration>,
    /// The round trip that one in twenty exceeds.
    pub round_trip_slow: Option<Duration>,
    /// How long it may take now.
    pub deadline: Duration,
    /// Bytes of verified headers a second, over the last seconds.
    pub bytes_per_second: f64,
    /// Headers that were verified.
    pub headers: u64,
    /// Time since one of them was.
    pub linked_before: Option<Duration>,
    /// Paused for its silence for so much longer.
    pub paused_for: Option<Duration>,
    /// Banned for so much longer, itself or its address.
    pub banned_for: Option<Duration>,
    /// From this number up it is on another branch.
    pub other_branch_from: Option<BlockNumber>,
}

/// The peers that matter most, at most [`PEER_HEALTH_MAX`].
pub fn of_all(peers: &Peers, now: Instant) -> Vec<PeerHealth> {
    let mut all: Vec<_> = peers.iter().collect();
    let rank = |(id, peer): &(PeerId, &super::Peer)| (!peer.connected, Reverse(peer.headers), *id);
    sort_short_by(&mut all, |a, b| rank(a).cmp(&rank(b)));
    all.truncate(PEER_HEALTH_MAX);
    let health = |(id, peer): (PeerId, &super::Peer)| PeerHealth {
        peer: id,
        connected: peer.connected,
        same_chain: peer.same_chain,
        score: peer.reputation.score(),
        faults: peer.reputation.faults(),
        requests_in_flight: peer.window.requests(),
        batch_headers: peer.batch.limit(),
        round_trip_median: peer.trips.percentile(50),
        round_trip_slow: peer.trips.percentile(95),
        deadline: peers.deadline(peer),
        bytes_per_second: peer.rate.per_second(now),
        headers: peer.headers,
        linked_before: peer.linked_at.map(|at| now.saturating_since(at)),
        paused_for: peer.reputation.paused_for(now),
        banned_for: peer.banned_for(now),
        other_branch_from: peer.cooldowns.branch_from(now),
    };
    all.into_iter().map(health).collect()
}
