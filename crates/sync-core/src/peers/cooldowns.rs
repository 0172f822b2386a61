//! Cooldowns: numbers that a connected, possibly honest peer is not asked for, and until when.
//!
//! * **On another branch.** A reorg reaches peers at different moments. Asked *by number*, a peer on the other branch
//!   responds with headers that link to each other and not to the anchor. That is no fault, so it is not banned: it is
//!   no longer asked by number from [`BRANCH_DEPTH_START`] blocks under that place upwards, and with each further
//!   mismatch from twice as far under. *By hash* it is still asked, for it may have the block; another block than the
//!   requested one is a fault.
//! * **Stale.** A peer whose announced tip lies far under what is missing is asked for what it says it has, and by hash
//!   only now and then: it may have caught up without saying so.
//! * **Pruned.** A peer with an empty response at a number that it announces is not asked for this number, or a lower
//!   one, until its next announcement.
//!
//! All end by themselves ([`SyncConfig::cool_down`](crate::SyncConfig::cool_down)), the first also when the peer
//! announces another tip, the last with any announcement. A malicious peer that responds with another branch wastes as
//! many responses as the logarithm of the gap, for each id and each cool-down.

use crate::time::Instant;
use header_rules::range::BlockNumber;

/// Numbers under the place of a mismatch that the peer is not asked for either, the first time; doubles.
pub const BRANCH_DEPTH_START: u64 = 64;

/// A peer whose tip lies so far under what is missing is stale.
pub const STALE_BEHIND: u64 = 10_000;

/// The cooldowns of one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cooldowns {
    branch: Option<Branch>,
    /// The highest number that the peer does not have although it announced it, and until when that is believed.
    absent: Option<(BlockNumber, Instant)>,
    stale_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Branch {
    /// Numbers from here up are on another branch there.
    from: BlockNumber,
    depth: u64,
    until: Instant,
}

impl Cooldowns {
    /// What the peer has at `number` is of another branch.
    pub fn note_branch(&mut self, now: Instant, number: BlockNumber, until: Instant) {
        let known = self.branch.filter(|branch| branch.until > now);
        let depth = known.map_or(BRANCH_DEPTH_START, |branch| branch.depth.saturating_mul(2));
        let from = number.saturating_sub(depth).min(known.map_or(BlockNumber::MAX, |branch| branch.from));
        self.branch = Some(Branch { from, depth, until: known.map_or(until, |branch| branch.until) });
    }

    /// The lowest number that the peer is not asked for by number.
    pub fn branch_from(&self, now: Instant) -> Option<BlockNumber> {
        self.branch.filter(|branch| branch.until > now).map(|branch| branch.from)
    }

    /// The peer does not have `number`, and probably nothing under it.
    pub fn note_absent(&mut self, now: Instant, number: BlockNumber, until: Instant) {
        let known = self.absent.filter(|(_, until)| *until > now);
        self.absent = Some(known.map_or((number, until), |(highest, until)| (highest.max(number), until)));
    }

    /// The highest number that the peer announced and does not have.
    pub fn absent_to(&self, now: Instant) -> Option<BlockNumber> {
        self.absent.filter(|(_, until)| *until > now).map(|(number, _)| number)
    }

    /// The peer announces something: what it did not have is forgotten, and returned.
    pub fn take_absent(&mut self) -> Option<BlockNumber> {
        self.absent.take().map(|(number, _)| number)
    }

    /// May a peer whose tip is `latest` be asked by hash for something at `number`?
    pub fn may_ask_by_hash(&self, now: Instant, latest: BlockNumber, number: BlockNumber) -> bool {
        let stale = latest.saturating_add(STALE_BEHIND) < number;
        !stale || self.stale_until.is_none_or(|until| until <= now)
    }

    /// It was asked although it is stale: not again before `until`.
    pub fn probed(&mut self, until: Instant) {
        self.stale_until = Some(until);
    }

    /// When the peer is asked by number again.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        let absent = self.absent.map(|(_, until)| until);
        self.branch.map(|branch| branch.until).into_iter().chain(absent).filter(|until| *until > now).min()
    }

    /// Another target: what was known of branches says nothing of it.
    pub fn forget_branch(&mut self) {
        self.branch = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mismatch_reaches_twice_as_far_down_and_all_ends_together() {
        let mut cooldowns = Cooldowns::default();
        let (now, until) = (Instant::ZERO, Instant::from_millis(1_000));
        cooldowns.note_branch(now, 10_000, until);
        assert_eq!(cooldowns.branch_from(now), Some(9_936));
        cooldowns.note_branch(now, 9_900, Instant::from_millis(5_000));
        assert_eq!(cooldowns.branch_from(now), Some(9_772));
        assert_eq!(cooldowns.next_wakeup(now), Some(until));
        assert_eq!(cooldowns.branch_from(until), None);
        cooldowns.note_branch(until, 9_000, Instant::from_millis(2_000));
        assert_eq!(cooldowns.branch_from(until), Some(8_936), "a new cool-down begins anew");
    }

    #[test]
    fn h02_a_stale_peer_is_asked_once_a_cool_down() {
        let mut cooldowns = Cooldowns::default();
        let later = Instant::from_millis(120_000);
        assert!(cooldowns.may_ask_by_hash(Instant::ZERO, 500, 10_500), "not far behind");
        assert!(cooldowns.may_ask_by_hash(Instant::ZERO, 500, 10_501));
        cooldowns.probed(later);
        assert!(!cooldowns.may_ask_by_hash(Instant::ZERO, 500, 10_501));
        assert!(cooldowns.may_ask_by_hash(later, 500, 10_501));
    }
}
