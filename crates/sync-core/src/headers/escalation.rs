//! Ranges that keep failing. After more than [`ESCALATE_AFTER`] failures, by whomever, a range is *escalated*: it is
//! served before everything else, the shortest piece first, and each further failure halves how much of it is asked for
//! at once, down to one header. So the part that nobody can serve is soon alone, and what surrounds it is had.
//!
//! It stays so for ever, because giving up a number would give up the sync; each (range, peer) pair keeps its own pause
//! that doubles ([`super::failures::Failures`]), so for ever is not a hot loop. Once its headers are verified all of this is
//! forgotten. A lost connection is no failure of the range, and nor is the silence of a peer that answers nothing at
//! all; a response to a later request, without one to this, is.
//!
//! An attacker who fails ranges on purpose can make us ask for them in small parts from others first; each part costs
//! it a fault of its own.

use crate::config::ESCALATE_AFTER;

/// Is a range with so many failures escalated?
pub const fn is_due(attempts: u32) -> bool {
    attempts > ESCALATE_AFTER
}

/// How many of at most `limit` numbers are asked for at once, after so many failures.
pub const fn part(attempts: u32, limit: u64) -> u64 {
    let halvings = attempts.saturating_sub(ESCALATE_AFTER);
    let part = if halvings < 64 { limit >> halvings } else { 0 };
    if part == 0 { 1 } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h04_the_part_halves_with_each_failure_down_to_one() {
        assert!(!is_due(ESCALATE_AFTER) && is_due(ESCALATE_AFTER + 1));
        assert_eq!(part(0, 80), 80);
        assert_eq!(part(ESCALATE_AFTER, 80), 80);
        assert_eq!(part(ESCALATE_AFTER + 1, 80), 40);
        assert_eq!(part(ESCALATE_AFTER + 3, 80), 10);
        assert_eq!(part(ESCALATE_AFTER + 30, 80), 1);
        assert_eq!(part(u32::MAX, 1_024), 1);
    }
}
