//! The difficulty, computed from the parent: the time between the blocks, the parent's ommers, and the bomb.
//!
//! Three formulas with the same structure. A step is 1/2048 of the parent's difficulty; the difficulty changes by some
//! steps, never below a minimum, and then the bomb is added, which doubles every 100,000 blocks and was delayed five
//! times. All arithmetic has 256 bits and saturates: with extreme values in the parent the result is 2^256 - 1, and
//! then no child is valid.

use alloy_primitives::U256;

use super::RuleViolation;
use crate::{
    chain::{Consensus, ForkSchedule, Seal, begun},
    header::{EMPTY_OMMERS_HASH, Header},
    range::BlockNumber,
};

/// Lowest difficulty of ethash (`D_0`, Yellow Paper 4.4.4).
const DIFFICULTY_MIN: U256 = U256::from_limbs([131_072, 0, 0, 0]);
/// A step is the parent's difficulty over 2^11 (Yellow Paper 4.4.4).
const STEP_SHIFT: usize = 11;
/// Most steps that the difficulty falls in one block (EIP-2).
const STEPS_DOWN_MAX: u64 = 99;
/// Frontier: the difficulty rises if the block took less than this many seconds, else it falls.
const FRONTIER_SECONDS: u64 = 13;
/// EIP-2: seconds per step down.
const HOMESTEAD_SECONDS: u64 = 10;
/// EIP-100: seconds per step down.
const BYZANTIUM_SECONDS: u64 = 9;
/// Blocks in which the bomb doubles.
const BOMB_PERIOD: BlockNumber = 100_000;

/// Checks the difficulty. Proof of stake is checked in `merge`. By proof of work it is the computed one; by proof of
/// authority 1 or 2 (EIP-225), depending on the signer's turn.
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
    seal: Seal,
) -> Result<(), RuleViolation> {
    let got = child.difficulty;
    match (seal, forks.consensus) {
        (Seal::Stake, _) => Ok(()),
        (Seal::Work, Consensus::Clique { .. }) if got == U256::from(1) || got == U256::from(2) => Ok(()),
        (Seal::Work, Consensus::Clique { .. }) => Err(RuleViolation::CliqueDifficulty { got }),
        (Seal::Work, Consensus::Ethash) => {
            let expected = next_difficulty(child.number, child.timestamp, parent, forks);
            if got == expected { Ok(()) } else { Err(RuleViolation::Difficulty { got, expected }) }
        }
    }
}

/// The difficulty of block `number`, made at `timestamp` (seconds) on top of `parent` by proof of work.
pub fn next_difficulty(number: BlockNumber, timestamp: u64, parent: &Header<'_>, forks: &ForkSchedule) -> U256 {
    let seconds = timestamp.saturating_sub(parent.timestamp);
    let (up, down, delay) = match bomb_delay(number, forks) {
        Some(delay) => {
            let up = if parent.ommers_hash == EMPTY_OMMERS_HASH { 1 } else { 2 };
            (up, seconds / BYZANTIUM_SECONDS, delay)
        }
        None if begun(forks.homestead, number) => (1, seconds / HOMESTEAD_SECONDS, 0),
        None => {
            if seconds < FRONTIER_SECONDS {
                (1, 0, 0)
            } else {
                (0, 1, 0)
            }
        }
    };
    let step: U256 = parent.difficulty >> STEP_SHIFT;
    let moved = if up >= down {
        parent.difficulty.saturating_add(step * U256::from(up - down))
    } else {
        // A step has at most 245 bits, so that 99 of them fit.
        parent.difficulty.saturating_sub(step * U256::from((down - up).min(STEPS_DOWN_MAX)))
    };
    moved.max(DIFFICULTY_MIN).saturating_add(bomb(number.saturating_sub(delay)))
}

/// Delay of the bomb at `number`, in blocks; `None` before Byzantium, whose formula came with the first delay.
fn bomb_delay(number: BlockNumber, forks: &ForkSchedule) -> Option<BlockNumber> {
    let delays = [
        (forks.gray_glacier, 11_400_000),
        (forks.arrow_glacier, 10_700_000),
        (forks.london, 9_700_000),
        (forks.muir_glacier, 9_000_000),
        (forks.constantinople, 5_000_000),
        (forks.byzantium, 3_000_000),
    ];
    delays.into_iter().find(|(from, _)| begun(*from, number)).map(|(_, delay)| delay)
}

/// `2^(number / 100,000 - 2)`, from the third period on.
fn bomb(number: BlockNumber) -> U256 {
    let Some(doublings) = (number / BOMB_PERIOD).checked_sub(2) else { return U256::ZERO };
    match usize::try_from(doublings) {
        Ok(bit) if bit < U256::BITS => U256::from(1) << bit,
        _ => U256::MAX,
    }
}

/// The total difficulty of a chain with `header` on top of `parent_total_difficulty`. That of genesis is its own
/// difficulty. Saturates at 256 bits.
pub fn total_difficulty(parent_total_difficulty: U256, header: &Header<'_>) -> U256 {
    parent_total_difficulty.saturating_add(header.difficulty)
}
