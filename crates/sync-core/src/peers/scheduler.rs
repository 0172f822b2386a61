//! The order of peers: of the peers that may be asked and have room, the one of the best [rank](super::evidence), of
//! those the one with the best score, of those the one with the emptiest window.
//!
//! Every window should be full all the time; the order matters for the pieces that are needed first. So peers with
//! verified headers come first, and those that were asked and never responded last; then the score, in steps of
//! `SCORE_STEP`, so that one silence long ago decides nothing; then the emptier window, then the shorter round trip.
//! What is still equal is ordered by a hash of seed, turn and id, so that no peer is first for ever and a run can be
//! repeated. Quickness alone gains nothing: it counts among peers of the same rank.

use alloc::vec::Vec;
use core::{cmp::Reverse, time::Duration};

use super::Peer;
use crate::{id::PeerId, time::Instant};
use sorted::sort_short_by;

/// Scores that differ by less are the same for the order of peers.
const SCORE_STEP: u8 = 20;

/// Chooses peers. Its only state is the turn.
#[derive(Clone, Copy, Debug)]
pub struct Scheduler {
    seed: u64,
    turn: u64,
}

impl Scheduler {
    /// A scheduler whose choices between equals follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, turn: 0 }
    }

    /// Those of the usable peers that may be asked now and have room, the best first.
    pub fn candidates<'a>(&mut self, usable: impl Iterator<Item = (PeerId, &'a Peer)>, now: Instant) -> Vec<PeerId> {
        let ready = self.ordered(usable, now).into_iter();
        ready.filter(|(_, peer)| peer.window.has_room()).map(|(id, _)| id).collect()
    }

    /// Those that may be asked now, in an order that follows from the seed and the turn alone: for requests on which
    /// neither speed nor score of a peer should have influence.
    pub fn shuffled<'a>(&mut self, usable: impl Iterator<Item = (PeerId, &'a Peer)>, now: Instant) -> Vec<PeerId> {
        self.turn = self.turn.wrapping_add(1);
        let ready = usable.filter(|(_, peer)| peer.may_ask(now));
        let mut ready: Vec<_> = ready.map(|(id, _)| (mix(self.seed ^ self.turn, id), id)).collect();
        sort_short_by(&mut ready, Ord::cmp);
        ready.into_iter().map(|(_, id)| id).collect()
    }

    /// Those that may be asked now, the best first, with or without room: for a question of one header.
    pub fn askable<'a>(&mut self, usable: impl Iterator<Item = (PeerId, &'a Peer)>, now: Instant) -> Vec<PeerId> {
        self.ordered(usable, now).into_iter().map(|(id, _)| id).collect()
    }

    fn ordered<'a>(
        &mut self,
        usable: impl Iterator<Item = (PeerId, &'a Peer)>,
        now: Instant,
    ) -> Vec<(PeerId, &'a Peer)> {
        self.turn = self.turn.wrapping_add(1);
        let order = |(id, peer): &(PeerId, &Peer)| {
            let fill = peer.window.used() * 16 / peer.window.window().max(1);
            let round_trip = peer.window.round_trip().unwrap_or(Duration::MAX);
            let score = Reverse(peer.reputation.score() / SCORE_STEP);
            (peer.rank(), score, fill, round_trip, mix(self.seed ^ self.turn, *id), *id)
        };
        let mut ready: Vec<_> = usable.filter(|(_, peer)| peer.may_ask(now)).map(|it| (order(&it), it)).collect();
        sort_short_by(&mut ready, |(a, _), (b, _)| a.cmp(b));
        ready.into_iter().map(|(_, it)| it).collect()
    }
}

/// A number that looks random and follows from its inputs (the finalizer of splitmix64).
fn mix(seed: u64, id: PeerId) -> u64 {
    let mut x = seed.wrapping_add(u64::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::peers::Peers;
    use crate::{config::SyncConfig, fault::PeerFault};
    use header_rules::block::{PeerStatus, ServedRange};

    fn world(count: u32) -> Peers {
        let mut peers = Peers::new(&SyncConfig::default());
        let served = ServedRange { earliest: 0, latest: 100, latest_hash: B256::ZERO };
        for id in 0..count {
            let status = PeerStatus { chain_id: 1, genesis: None, served };
            assert!(peers.connect(Instant::ZERO, PeerId(id), &status, true));
        }
        peers
    }

    #[test]
    fn h06_equal_peers_take_turns_and_the_seed_repeats_them() {
        let peers = world(4);
        let firsts = |seed| {
            let mut scheduler = Scheduler::new(seed);
            (0..64).map(|_| scheduler.candidates(peers.usable(Instant::ZERO), Instant::ZERO)[0]).collect::<Vec<_>>()
        };
        assert_eq!(firsts(7), firsts(7));
        for id in 0..4 {
            assert!(firsts(7).contains(&PeerId(id)), "peer {id} was never first");
        }
    }

    #[test]
    fn n02_the_emptier_window_first_and_the_distrusted_last() {
        let mut peers = world(3);
        let slip = PeerFault::EmptyResponse { start: 1 };
        peers.fault(Instant::ZERO, PeerId(0), &slip);
        peers.fault(Instant::ZERO, PeerId(0), &slip);
        peers.get_mut(PeerId(1)).expect("connected").window.sent(20 * 1024);
        let order = Scheduler::new(1).askable(peers.usable(Instant::ZERO), Instant::ZERO);
        assert_eq!(order, [PeerId(2), PeerId(1), PeerId(0)]);
    }

    #[test]
    fn n02_a_silent_peer_comes_after_one_that_responded() {
        let mut peers = world(2);
        peers.fault(Instant::ZERO, PeerId(0), &PeerFault::Timeout);
        peers.get_mut(PeerId(1)).expect("connected").window.sent(20 * 1024);
        let later = Instant::from_millis(1_000);
        peers.refresh(later);
        // Its window is empty and its score still good; one silence is what is known of it.
        assert_eq!(Scheduler::new(1).askable(peers.usable(later), later), [PeerId(1), PeerId(0)]);
        peers.get_mut(PeerId(0)).expect("connected").linked(later, 1, 600);
        assert_eq!(Scheduler::new(1).askable(peers.usable(later), later), [PeerId(0), PeerId(1)]);
    }

    #[test]
    fn h02_no_banned_paused_or_full_peer() {
        let mut peers = world(3);
        peers.fault(Instant::ZERO, PeerId(0), &PeerFault::Timeout);
        peers.get_mut(PeerId(1)).expect("connected").window.sent(48 * 1024);
        peers.disconnect(Instant::ZERO, PeerId(2));
        assert!(Scheduler::new(1).candidates(peers.usable(Instant::ZERO), Instant::ZERO).is_empty());
        let later = Instant::from_millis(500);
        assert_eq!(Scheduler::new(1).candidates(peers.usable(later), later), [PeerId(0)]);
    }
}
