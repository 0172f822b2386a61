//! Runs of stored headers: they grow, meet, are trimmed and carved, and never get out of order.

use alloy_primitives::{B256, keccak256};
use header_rules::range::BlockRange;
use proptest::prelude::*;
use sync_core::{Checkpoint, Subchain, checkpoint::SUBCHAINS_MAX, io::BlockNumHash};

/// The hash of a block of branch `branch`.
fn hash(branch: u64, number: u64) -> B256 {
    keccak256([branch.to_be_bytes(), number.to_be_bytes()].concat())
}

fn run(branch: u64, head: u64, tail: u64) -> Subchain {
    let next = tail.checked_sub(1).map_or(B256::ZERO, |below| hash(branch, below));
    Subchain { head, head_hash: hash(branch, head), tail, next }
}

fn checkpoint(runs: &[Subchain]) -> Checkpoint {
    Checkpoint { subchains: runs.to_vec(), ..Checkpoint::new(1, 0) }
}

fn adopted(old: &[Subchain], new: Subchain) -> Vec<Subchain> {
    let mut checkpoint = checkpoint(old);
    checkpoint.adopt(new);
    assert!(checkpoint.is_sound());
    checkpoint.subchains
}

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("in order")
}

#[test]
fn k01_k05_a_new_run_opens_extends_and_meets() {
    assert_eq!(adopted(&[], run(1, 9, 5)), [run(1, 9, 5)]);
    assert_eq!(adopted(&[run(1, 9, 5)], run(1, 20, 15)), [run(1, 20, 15), run(1, 9, 5)]);
    assert_eq!(adopted(&[run(1, 20, 15)], run(1, 14, 12)), [run(1, 20, 12)]);
    assert_eq!(adopted(&[run(1, 20, 15), run(1, 9, 5)], run(1, 14, 10)), [run(1, 20, 5)]);
    assert_eq!(adopted(&[run(1, 20, 15), run(1, 9, 5)], run(1, 14, 11)), [run(1, 20, 11), run(1, 9, 5)]);
}

#[test]
fn runs_that_touch_with_other_hashes_stay_two() {
    assert_eq!(adopted(&[run(1, 9, 5)], run(2, 20, 10)), [run(2, 20, 10), run(1, 9, 5)]);
    assert_eq!(adopted(&[run(1, 20, 15)], run(2, 14, 10)), [run(1, 20, 15), run(2, 14, 10)]);
}

#[test]
fn k05_overwritten_runs_are_dropped_unless_they_are_the_same_chain() {
    assert_eq!(adopted(&[run(1, 20, 0)], run(2, 30, 10)), [run(2, 30, 10)]);
    assert_eq!(adopted(&[run(1, 20, 15), run(1, 9, 5)], run(2, 30, 0)), [run(2, 30, 0)]);
    assert_eq!(adopted(&[run(1, 20, 5)], run(1, 20, 10)), [run(1, 20, 5)], "the same head is the same chain");
    assert_eq!(adopted(&[run(1, 20, 5)], run(2, 20, 10)), [run(2, 20, 10)]);
}

/// As many runs as a checkpoint holds, of ten headers each, from the floor up; then one run more.
fn overfull(lengths: impl Fn(u64) -> u64) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(1, 0);
    for index in 0..=SUBCHAINS_MAX as u64 {
        let tail = index * 100;
        checkpoint.adopt(run(1, tail + lengths(index) - 1, tail));
    }
    assert_eq!(checkpoint.subchains.len(), SUBCHAINS_MAX);
    assert!(checkpoint.is_sound());
    checkpoint
}

#[test]
fn u12_too_many_runs_drop_the_shortest() {
    let shortest_in_the_middle = overfull(|index| if index == 30 { 9 } else { 10 });
    assert!(!shortest_in_the_middle.covers(3_000));
    let lowest_of_equals = overfull(|_| 10);
    assert!(lowest_of_equals.covers(0), "the run that reaches the floor stays");
    assert!(!lowest_of_equals.covers(100));
    let newest_is_shortest = overfull(|index| if index == SUBCHAINS_MAX as u64 { 1 } else { 10 });
    assert!(newest_is_shortest.covers(SUBCHAINS_MAX as u64 * 100), "what was just stored stays");
    let next_is_shortest = overfull(|index| if index == SUBCHAINS_MAX as u64 - 1 { 1 } else { 10 });
    assert!(next_is_shortest.covers((SUBCHAINS_MAX as u64 - 1) * 100), "the open gap ends at it");
}

#[test]
fn u12_sixty_four_new_runs_leave_twenty_million_headers_in_the_checkpoint() {
    let mut checkpoint = Checkpoint::new(1, 0);
    checkpoint.adopt(run(1, 20_000_000, 0));
    for index in 1..=SUBCHAINS_MAX as u64 {
        let head = 20_000_000 + index * 1_000;
        checkpoint.adopt(run(1, head, head - 10));
    }
    assert!(checkpoint.covers(5));
    let long = checkpoint.subchains.last().copied();
    assert_eq!(long, Some(run(1, 20_000_000, 0)));
}

#[test]
fn u12_a_hole_that_makes_one_run_too_many_drops_the_shortest() {
    let mut runs: Vec<_> =
        (1..SUBCHAINS_MAX as u64).rev().map(|index| run(1, index * 100 + 10_009, index * 100 + 10_000)).collect();
    runs[40] = run(1, runs[40].tail + 4, runs[40].tail);
    runs.push(run(1, 9_999, 0));
    let mut checkpoint = checkpoint(&runs);
    checkpoint.carve(range(5_000, 5_009), Some(hash(1, 5_009)), Some(hash(1, 4_999)));
    assert_eq!(checkpoint.subchains.len(), SUBCHAINS_MAX);
    assert!(checkpoint.covers(9_999) && checkpoint.covers(0), "both parts of the longest run stay");
    assert!(!checkpoint.covers(runs[40].tail));
}

#[test]
fn trimming_needs_the_hash_where_it_cuts() {
    let whole = [run(1, 30, 20), run(1, 15, 5)];
    let mut known = checkpoint(&whole);
    known.trim_above(25, Some(hash(1, 25)));
    assert_eq!(known.subchains, [run(1, 25, 20), run(1, 15, 5)]);
    let mut unknown = checkpoint(&whole);
    unknown.trim_above(25, None);
    assert_eq!(unknown.subchains, [run(1, 15, 5)]);
    let mut between = checkpoint(&whole);
    between.trim_above(17, None);
    assert_eq!(between.subchains, [run(1, 15, 5)]);
    let mut at_head = checkpoint(&whole);
    at_head.trim_above(30, None);
    assert_eq!(at_head.subchains, whole);
}

#[test]
fn a_hole_leaves_what_its_hashes_verify() {
    let whole = [run(1, 30, 0)];
    let mut both = checkpoint(&whole);
    both.carve(range(10, 19), Some(hash(1, 19)), Some(hash(1, 9)));
    assert_eq!(both.subchains, [run(1, 30, 20), run(1, 9, 0)]);
    let mut upper = checkpoint(&whole);
    upper.carve(range(10, 19), Some(hash(1, 19)), None);
    assert_eq!(upper.subchains, [run(1, 30, 20)]);
    let mut head = checkpoint(&whole);
    head.carve(range(25, 30), None, Some(hash(1, 24)));
    assert_eq!(head.subchains, [run(1, 24, 0)]);
    let mut all = checkpoint(&whole);
    all.carve(range(0, 100), None, None);
    assert_eq!(all.subchains, []);
}

#[test]
fn it_knows_what_is_stored_and_what_is_missing() {
    let stored = checkpoint(&[run(1, 30, 20), run(1, 15, 5)]);
    assert_eq!(stored.missing_in(range(0, 40)), [range(31, 40), range(16, 19), range(0, 4)]);
    assert_eq!(stored.missing_in(range(22, 28)), []);
    assert_eq!(stored.missing_in(range(16, 18)), [range(16, 18)]);
    assert_eq!(stored.stored_in(range(0, 40)), 22);
    assert!(stored.covers(20) && stored.covers(5) && !stored.covers(19) && !stored.covers(31));
    let target = BlockNumHash { number: 30, hash: hash(1, 30) };
    assert!(!stored.is_complete(target));
    assert!(checkpoint(&[run(1, 30, 0)]).is_complete(target));
    assert!(!checkpoint(&[run(2, 30, 0)]).is_complete(target));
}

#[test]
fn k09_only_its_own_form_is_read() {
    let good = checkpoint(&[run(1, 30, 20), run(1, 15, 5)]);
    let bytes = good.encode();
    assert_eq!(Checkpoint::decode(&bytes), Some(good.clone()));
    assert_eq!(Checkpoint::decode(&[&bytes[..], b"\0"].concat()), None, "something follows");
    assert_eq!(Checkpoint::decode(&Checkpoint { version: 2, ..good }.encode()), None, "another version");
    for runs in [
        [run(1, 15, 5), run(1, 30, 20)],
        [run(1, 30, 10), run(1, 15, 5)],
        [run(1, 30, 16), run(1, 15, 5)],
        [run(1, 30, 20), Subchain { head: 5, tail: 15, ..run(1, 15, 5) }],
    ] {
        assert_eq!(Checkpoint::decode(&checkpoint(&runs).encode()), None, "{runs:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_value(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(checkpoint) = Checkpoint::decode(&bytes) {
            prop_assert_eq!(checkpoint.encode(), bytes);
        }
    }

    /// Any sequence of steps keeps the order, and never claims a number that no step stored.
    #[test]
    fn order_is_kept(steps in prop::collection::vec((0u8..3, 1u64..3, 0u64..60, 0u64..20, any::<bool>()), 1..40)) {
        let mut checkpoint = Checkpoint::new(1, 0);
        let mut stored = std::collections::BTreeSet::new();
        for (kind, branch, first, len, known) in steps {
            let last = first + len;
            match kind {
                0 => {
                    checkpoint.adopt(run(branch, last, first));
                    stored.extend(first..=last);
                }
                1 => {
                    checkpoint.trim_above(last, known.then(|| hash(branch, last)));
                    stored.retain(|number| *number <= last);
                }
                _ => {
                    let upper = known.then(|| hash(branch, last));
                    let lower = first.checked_sub(1).map(|below| hash(branch, below));
                    checkpoint.carve(range(first, last), upper, lower);
                    stored.retain(|number| !(first..=last).contains(number));
                }
            }
            prop_assert!(checkpoint.is_sound(), "{:?}", checkpoint);
            prop_assert!((0..100).all(|number| !checkpoint.covers(number) || stored.contains(&number)));
            prop_assert_eq!(Checkpoint::decode(&checkpoint.encode()), Some(checkpoint.clone()));
            let missing: u64 = checkpoint.missing_in(range(0, 99)).into_iter().map(BlockRange::len).sum();
            prop_assert_eq!(missing + checkpoint.stored_in(range(0, 99)), 100);
        }
    }

    /// Runs that no new run overlaps stay, if one of them is the longest or reaches the floor.
    #[test]
    fn u12_the_longest_run_and_the_one_at_the_floor_stay(
        floor in 0u64..3_000,
        steps in prop::collection::vec((0u64..1_500, 1u64..40), 1..300),
    ) {
        let mut checkpoint = Checkpoint::new(1, floor);
        for (slot, len) in steps {
            let new = run(1, slot * 50 + len - 1, slot * 50);
            let before: Vec<_> = checkpoint.subchains.iter().copied().filter(|old| old.head < new.tail || old.tail > new.head).collect();
            checkpoint.adopt(new);
            prop_assert!(checkpoint.is_sound());
            let stays = |run: &Subchain| checkpoint.run_at(run.head).is_some_and(|now| now.tail <= run.tail);
            let longest = before.iter().map(|run| run.head - run.tail).max();
            prop_assert!(longest.is_none_or(|length| before.iter().any(|run| run.head - run.tail == length && stays(run))));
            let at_floor = before.iter().find(|run| run.tail <= floor && floor <= run.head);
            prop_assert!(at_floor.is_none_or(stays));
            prop_assert!(stays(&new));
        }
    }
}
