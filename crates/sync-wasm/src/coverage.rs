//! How complete the store is, for a reader tab. It depends only on the checkpoint that this tab read, never on a claim
//! of another tab. No I/O.

use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{BlockNumHash, Checkpoint};

/// The stored part of the range from floor to target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The session's target, once it is stored.
    pub target: Option<BlockNumHash>,
    /// Lowest block number to sync.
    pub floor: BlockNumber,
    /// Number of stored headers from floor to target, in one subchain or several.
    pub stored: u64,
    /// Whether one stored subchain covers everything from floor to target.
    pub complete: bool,
}

impl Coverage {
    /// For a session with a pinned target. `under_target`: the stored numbers from the pinned header down, if it is
    /// stored.
    pub fn of_pin(
        checkpoint: Option<&Checkpoint>,
        target: Option<BlockNumHash>,
        under_target: Option<BlockRange>,
        floor: Option<BlockNumber>,
    ) -> Self {
        Self::of(checkpoint, target.filter(|_| under_target.is_some()), under_target, floor)
    }

    /// For a session without a pin: the target is the newest stored head, if the writer claims the same target.
    /// `said`: the writer's claim.
    pub fn of_head(checkpoint: Option<&Checkpoint>, said: Option<BlockNumHash>, floor: Option<BlockNumber>) -> Self {
        let newest = checkpoint.and_then(Checkpoint::newest);
        let newest = newest.filter(|run| said == Some(BlockNumHash { number: run.head, hash: run.head_hash }));
        Self::of(checkpoint, said.filter(|_| newest.is_some()), newest.and_then(|run| run.range()), floor)
    }

    fn of(
        checkpoint: Option<&Checkpoint>,
        target: Option<BlockNumHash>,
        run: Option<BlockRange>,
        floor: Option<BlockNumber>,
    ) -> Self {
        // Without an own floor, the writer's floor in the checkpoint counts.
        let floor = floor.or(checkpoint.map(|checkpoint| checkpoint.floor)).unwrap_or(0);
        let whole = target.and_then(|target| BlockRange::new(floor, target.number));
        let stored = checkpoint.zip(whole).map_or(0, |(checkpoint, whole)| checkpoint.stored_in(whole));
        let complete = whole.zip(run).is_some_and(|(whole, run)| run.first() <= whole.first());
        Self { target, floor, stored, complete }
    }

    /// Number of blocks from floor to target; 0 while the target is unknown.
    pub fn total(&self) -> u64 {
        let whole = self.target.and_then(|target| BlockRange::new(self.floor, target.number));
        whole.map_or(0, BlockRange::len)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use sync_core::checkpoint::Subchain;

    use super::*;

    fn block(number: BlockNumber) -> BlockNumHash {
        BlockNumHash { number, hash: B256::with_last_byte(number as u8) }
    }

    /// A checkpoint with subchains of these heads and tails, newest first.
    fn store(floor: BlockNumber, runs: &[(BlockNumber, BlockNumber)]) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(1, floor);
        checkpoint.subchains = runs
            .iter()
            .map(|&(head, tail)| Subchain { head, head_hash: block(head).hash, tail, next: B256::ZERO })
            .collect();
        checkpoint
    }

    #[test]
    fn a_store_is_complete_when_one_run_reaches_from_the_target_to_the_floor() {
        for (floor, runs, own_floor, complete) in [
            (0, &[(100, 0)][..], None, true),
            (0, &[(100, 1)], None, false),
            (10, &[(100, 10)], None, true),
            (10, &[(100, 10)], Some(5), false),
            (10, &[(100, 10)], Some(50), true),
            (0, &[(100, 60), (50, 0)], None, false),
            (0, &[], None, false),
        ] {
            let checkpoint = store(floor, runs);
            let coverage = Coverage::of_head(Some(&checkpoint), Some(block(100)), own_floor);
            assert_eq!(coverage.complete, complete, "{floor} {runs:?} {own_floor:?}");
        }
        assert_eq!(Coverage::of_head(None, Some(block(100)), None), Coverage::default());
    }

    #[test]
    fn a_target_that_is_only_said_is_none() {
        let checkpoint = store(0, &[(100, 0)]);
        let forged = BlockNumHash { number: 100, hash: B256::repeat_byte(9) };
        // None, the head with another hash, a block inside the subchain, one above: another tab's claim has no effect.
        for said in [None, Some(forged), Some(block(40)), Some(block(200))] {
            let coverage = Coverage::of_head(Some(&checkpoint), said, None);
            assert_eq!((coverage.target, coverage.complete, coverage.total()), (None, false, 0), "{said:?}");
        }
    }

    #[test]
    fn a_pin_inside_a_run_is_complete_with_what_lies_under_it() {
        let checkpoint = store(0, &[(100, 0)]);
        let coverage = Coverage::of_pin(Some(&checkpoint), Some(block(40)), BlockRange::new(0, 40), None);
        assert_eq!(coverage, Coverage { target: Some(block(40)), floor: 0, stored: 41, complete: true });
        assert_eq!(coverage.total(), 41);
        let checkpoint = store(0, &[(100, 20), (10, 0)]);
        let coverage = Coverage::of_pin(Some(&checkpoint), Some(block(40)), BlockRange::new(20, 40), None);
        assert_eq!(coverage, Coverage { target: Some(block(40)), floor: 0, stored: 32, complete: false });
        // Another block is stored at this number.
        assert!(!Coverage::of_pin(Some(&checkpoint), Some(block(40)), None, None).complete);
    }

    #[test]
    fn a_floor_above_the_target_is_never_complete() {
        let checkpoint = store(0, &[(100, 0)]);
        let coverage = Coverage::of_head(Some(&checkpoint), Some(block(100)), Some(101));
        assert_eq!((coverage.complete, coverage.total(), coverage.stored), (false, 0, 0));
    }
}
