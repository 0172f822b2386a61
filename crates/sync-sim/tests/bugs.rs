//! The checkers bite: each deliberate bug is found within two hundred seeds, or within the two hundred worlds under attack
//! of a thousand seeds.

use sync_sim::{Bug, Pool, Violation, attack::Attack, run, run_with_bug};

const SEEDS: u64 = 200;

/// The first world in which the bug is found; without the bug the same world is sound.
fn found(bug: Bug) -> (u64, Violation) {
    found_in(0..SEEDS, bug)
}

/// The same in worlds under attack only.
fn found_under_attack(bug: Bug) -> (u64, Violation) {
    found_in((0..5 * SEEDS).filter(|seed| Attack::draw(*seed).is_some()), bug)
}

fn found_in(mut seeds: impl Iterator<Item = u64>, bug: Bug) -> (u64, Violation) {
    let pool = Pool::new();
    // A world that is not sound without the bug shows nothing.
    let is_sound = |seed: u64| run(&pool, seed).violation.is_none();
    seeds
        .find_map(|seed| Some((seed, run_with_bug(&pool, seed, bug).violation.filter(|_| is_sound(seed))?)))
        .unwrap_or_else(|| panic!("{bug:?} is not found"))
}

#[test]
fn a_checkpoint_saved_before_its_batch() {
    let (seed, violation) = found(Bug::CheckpointBeforeBatch);
    assert_eq!(violation.checker, "safety", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("is not stored"), "{violation:?}");
}

#[test]
fn a_ban_of_the_wrong_peer() {
    let (seed, violation) = found(Bug::WrongPeerBanned);
    assert_eq!(violation.checker, "fairness", "seed {seed}: {violation:?}");
}

#[test]
fn a_range_lost_after_a_cancel() {
    let (seed, violation) = found(Bug::RangeLostAfterCancel);
    assert_eq!(violation.checker, "liveness", "seed {seed}: {violation:?}");
}

#[test]
fn a_peer_penalized_for_an_unknown_fork() {
    let (seed, violation) = found(Bug::UnknownForkBlamed);
    assert_eq!(violation.checker, "fairness", "seed {seed}: {violation:?}");
}

#[test]
fn a_floor_that_peers_claim() {
    let (seed, violation) = found(Bug::FloorFromClaims);
    assert_eq!(violation.checker, "safety", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("is not all stored"), "{violation:?}");
}

#[test]
fn claims_that_are_believed_although_nothing_comes() {
    let (seed, violation) = found(Bug::ClaimsAreBelieved);
    assert_eq!(violation.checker, "liveness", "seed {seed}: {violation:?}");
}

#[test]
fn a_score_that_falls_for_what_others_do() {
    let (seed, violation) = found(Bug::ScoreFalls);
    assert_eq!(violation.checker, "merit", "seed {seed}: {violation:?}");
}

#[test]
fn a_prune_that_is_penalized_more_than_once() {
    let (seed, violation) = found_under_attack(Bug::PruneBlamedTwice);
    assert_eq!(violation.checker, "fairness", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("empty responses"), "{violation:?}");
}

#[test]
fn a_silence_that_is_penalized_twice() {
    let (seed, violation) = found(Bug::SilenceBlamedTwice);
    assert_eq!(violation.checker, "fairness", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("one silence"), "{violation:?}");
}

#[test]
fn lookups_without_end() {
    let (seed, violation) = found(Bug::LookupsWithoutEnd);
    assert_eq!(violation.checker, "bounds", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("questions to the store"), "{violation:?}");
}

#[test]
fn stalls_without_end() {
    let (seed, violation) = found(Bug::StallsWithoutEnd);
    assert_eq!(violation.checker, "bounds", "seed {seed}: {violation:?}");
    assert!(violation.what.contains("changes of the stall"), "{violation:?}");
}

#[test]
fn the_longest_run_dropped_from_a_checkpoint() {
    let (seed, violation) = found_under_attack(Bug::LongestRunDropped);
    assert_eq!(violation.checker, "runs", "seed {seed}: {violation:?}");
}

#[test]
fn honest_peers_that_are_hardly_asked_under_attack() {
    let (seed, violation) = found_under_attack(Bug::HonestNotAsked);
    assert_eq!(violation.checker, "progress", "seed {seed}: {violation:?}");
}

#[test]
fn a_reorg_that_reverts_too_much() {
    let (seed, violation) = found_under_attack(Bug::ReorgTooDeep);
    assert_eq!(violation.checker, "runs", "seed {seed}: {violation:?}");
}

#[test]
fn a_sleep_that_is_taken_for_no_progress() {
    let (seed, violation) = found_under_attack(Bug::SleepIsNoProgress);
    assert_eq!(violation.checker, "sleep", "seed {seed}: {violation:?}");
}
