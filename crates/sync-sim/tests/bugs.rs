//! The checkers bite: each deliberate bug is found within two hundred seeds.

use sync_sim::{Bug, Pool, Violation, run, run_with_bug};

const SEEDS: u64 = 200;

/// The first world in which the bug is found; without the bug the same world is sound.
fn found(bug: Bug) -> (u64, Violation) {
    let pool = Pool::new();
    let (seed, violation) = (0..SEEDS)
        .find_map(|seed| Some((seed, run_with_bug(&pool, seed, bug).violation?)))
        .unwrap_or_else(|| panic!("{bug:?} is not found within {SEEDS} seeds"));
    assert_eq!(run(&pool, seed).violation, None, "seed {seed} without the bug");
    (seed, violation)
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
fn a_peer_blamed_for_an_unknown_fork() {
    let (seed, violation) = found(Bug::UnknownForkBlamed);
    assert_eq!(violation.checker, "fairness", "seed {seed}: {violation:?}");
}
