//! Ranges that keep failing. After more than [`ESCALATE_AFTER`] failures, of any peers, a range is *escalated*: it is
//! served before everything else, the shortest piece first, and each further failure halves how much of it is asked for
//! at once, down to one header. So the part that no peer can serve is soon isolated, and the headers around it are
//! fetched.
//!
//! It stays escalated, because a sync cannot leave out a number; each (range, peer) pair has its own pause that doubles
//! ([`super::failures::Failures`]), so the retries are no hot loop. Once its headers are verified the failures are
//! forgotten. Neither a lost connection nor a silent peer is a failure of the range; a request that its peer skipped
//! is.
//!
//! A malicious peer that fails ranges on purpose makes us request them in small parts from others first; each part
//! costs it a fault.

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
