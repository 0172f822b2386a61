//! [`ForkChecks`]: which peers are on the target's chain.

use alloy_primitives::B256;

use crate::{fault::PeerFault, id::PeerId, time::Instant};
use header_rules::block::ServedRange;
use sorted::SortedMap;

/// How often a contradiction of a peer is tolerated until headers of it are verified. An honest peer follows a reorg
/// now and then; this limit catches a malicious one that announces another tip with each invalid response.
pub const EXCUSES_MAX: u8 = 4;

/// What is known of each peer's chain. See the [module](self).
#[derive(Debug, Default)]
pub struct ForkChecks {
    /// The peer's claim at the height of the target, and the announcement that it belongs to.
    pub said: SortedMap<PeerId, (ServedRange, Option<B256>)>,
    /// Headers of the peer were verified to be on the target's chain.
    pub linked: SortedMap<PeerId, ServedRange>,
    /// The peer's headers did not link; its fork check is open.
    pub suspected: SortedMap<PeerId, PeerFault>,
    pub off_target: SortedMap<PeerId, ServedRange>,
    /// The peer's headers did not link although it claims the target, and none was verified since: its announcement
    /// then, and how often this happened.
    contradicted: SortedMap<PeerId, (ServedRange, u8)>,
    /// The peer's last announcement before its claim in the ancestor search.
    pub claimed: SortedMap<PeerId, ServedRange>,
    /// When the last fork check was sent.
    pub asked: SortedMap<PeerId, Instant>,
}

impl ForkChecks {
    /// Headers of this peer were verified.
    pub fn note_linked(&mut self, peer: PeerId, served: ServedRange) {
        self.linked.insert(peer, served);
        self.contradicted.remove(&peer);
    }

    /// A peer made a claim in the ancestor search.
    pub fn note_claim(&mut self, peer: PeerId, served: ServedRange) {
        self.claimed.insert(peer, served);
    }

    /// Forgets peers that are not remembered any more: there are at most as many entries as peers.
    pub fn keep_only(&mut self, known: impl Fn(PeerId) -> bool) {
        self.said.retain(|peer, _| known(*peer));
        self.linked.retain(|peer, _| known(*peer));
        self.suspected.retain(|peer, _| known(*peer));
        self.off_target.retain(|peer, _| known(*peer));
        self.contradicted.retain(|peer, _| known(*peer));
        self.claimed.retain(|peer, _| known(*peer));
        self.asked.retain(|peer, _| known(*peer));
    }

    /// The peer contradicts itself. Is that tolerated, because it may have moved in between?
    pub fn may_excuse(&mut self, peer: PeerId, served: ServedRange) -> bool {
        let (last, times) = self.contradicted.get(&peer).map_or((None, 0), |(last, times)| (Some(*last), *times));
        self.contradicted.insert(peer, (served, times.saturating_add(1)));
        last != Some(served) && times < EXCUSES_MAX
    }

    /// The connection is gone, and with it the open fork check.
    pub fn forget_suspicion(&mut self, peer: PeerId) {
        self.suspected.remove(&peer);
    }

    /// Is the peer's fork check open? Until it ends the peer is not asked for headers.
    pub fn is_suspected(&self, peer: PeerId) -> bool {
        self.suspected.contains_key(&peer)
    }

    /// The peer is not on the target's chain, by its own claim.
    pub fn note_off_target(&mut self, peer: PeerId, served: ServedRange) {
        self.off_target.insert(peer, served);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(tip: u8) -> ServedRange {
        ServedRange { earliest: 0, latest: 9, latest_hash: B256::repeat_byte(tip) }
    }

    #[test]
    fn a_contradiction_is_excused_once_for_each_announcement_until_there_are_too_many() {
        let peer = PeerId(1);
        let mut fork_checks = ForkChecks::default();
        assert!(fork_checks.may_excuse(peer, announced(0)));
        assert!(!fork_checks.may_excuse(peer, announced(0)), "it announced nothing else since");
        fork_checks.note_linked(peer, announced(0));
        for tip in 0..EXCUSES_MAX {
            assert!(fork_checks.may_excuse(peer, announced(tip)), "it may have moved, {tip}");
        }
        assert!(!fork_checks.may_excuse(peer, announced(EXCUSES_MAX)), "no header of it was verified in all that time");
        assert!(fork_checks.may_excuse(PeerId(2), announced(0)), "each peer has its own count");
    }
}
