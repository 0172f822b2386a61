//! [`ForkChecks`]: which peers are on the target's chain.

use alloy_primitives::B256;

use crate::{fault::PeerFault, id::PeerId, time::Instant};
use header_rules::block::ServedRange;
use sorted::SortedMap;

/// So often a peer may have moved between two responses that contradict each other, until headers of it are verified. A
/// peer follows a reorg now and then; one that announces another tip with each lie is caught here.
pub const EXCUSES_MAX: u8 = 4;

/// What is known of each peer's chain. See the [module](self).
#[derive(Debug, Default)]
pub struct ForkChecks {
    /// What the peer says it has at the height of the target.
    pub said: SortedMap<PeerId, (ServedRange, Option<B256>)>,
    /// Headers of the peer were verified to lie on the target's chain.
    pub linked: SortedMap<PeerId, ServedRange>,
    /// Its headers did not link; the question is open.
    pub suspected: SortedMap<PeerId, PeerFault>,
    pub off_target: SortedMap<PeerId, ServedRange>,
    /// Its headers did not link, and it says that it has the target; nothing of it was verified since. What it announced
    /// then, and how often it was so.
    contradicted: SortedMap<PeerId, (ServedRange, u8)>,
    /// What a peer had announced last when it answered in the search for an ancestor.
    pub claimed: SortedMap<PeerId, ServedRange>,
    /// When the question was put last.
    pub asked: SortedMap<PeerId, Instant>,
}

impl ForkChecks {
    /// Headers of this peer were verified.
    pub fn note_linked(&mut self, peer: PeerId, served: ServedRange) {
        self.linked.insert(peer, served);
        self.contradicted.remove(&peer);
    }

    /// A peer answered in the search for an ancestor.
    pub fn note_claim(&mut self, peer: PeerId, served: ServedRange) {
        self.claimed.insert(peer, served);
    }

    /// Forgets peers that nobody remembers any more: there are at most as many entries as peers.
    pub fn keep_only(&mut self, known: impl Fn(PeerId) -> bool) {
        self.said.retain(|peer, _| known(*peer));
        self.linked.retain(|peer, _| known(*peer));
        self.suspected.retain(|peer, _| known(*peer));
        self.off_target.retain(|peer, _| known(*peer));
        self.contradicted.retain(|peer, _| known(*peer));
        self.claimed.retain(|peer, _| known(*peer));
        self.asked.retain(|peer, _| known(*peer));
    }

    /// The peer contradicts itself. May it have moved in between?
    pub fn may_excuse(&mut self, peer: PeerId, served: ServedRange) -> bool {
        let (last, times) = self.contradicted.get(&peer).map_or((None, 0), |(last, times)| (Some(*last), *times));
        self.contradicted.insert(peer, (served, times.saturating_add(1)));
        last != Some(served) && times < EXCUSES_MAX
    }

    /// Its connection is gone, and the open question with it.
    pub fn forget_suspicion(&mut self, peer: PeerId) {
        self.suspected.remove(&peer);
    }

    /// Is it to be seen on which chain it is? Until then it is not asked for headers.
    pub fn is_suspected(&self, peer: PeerId) -> bool {
        self.suspected.contains_key(&peer)
    }

    /// It does not have the target's chain, by its own word.
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
        assert!(!fork_checks.may_excuse(peer, announced(EXCUSES_MAX)), "nothing of it was proven in all that time");
        assert!(fork_checks.may_excuse(PeerId(2), announced(0)), "each answers for itself");
    }
}
