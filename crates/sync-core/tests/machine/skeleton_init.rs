//! What an earlier session left, and a new target: which runs stay, which go, and what is fetched.
//!
//! The twelve cases of geth's skeleton (`initSync`), told for this machine. There the state is a list of subchains and the
//! new head arrives with its header; here the target is a hash, its header is fetched like any other, and the state is the
//! checkpoint. So each case is looked at twice: when nothing but the target's header is on offer (the checkpoint is then
//! what geth's new state is), and when everything is (the chain becomes whole, and nothing is fetched that is there).

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{compared_max, detached, questions, reorgs},
    runs::{FLOOR, Part, only, runs, served, session},
};

/// The target of most cases.
const HEAD: u64 = 50;

/// A chain whose tip is the target.
fn chain() -> Chain {
    Chain::new(HEAD + 1)
}

/// The same chain, with what came above the target later.
fn longer() -> Chain {
    chain().grown(60)
}

/// With only the target's header on offer.
fn begun(parts: &[Part<'_>], target: &Chain) -> World {
    let mut world = session(parts, target.tip().hash);
    world.connect(1, only(target, target.tip().number));
    world.run_for(10);
    world
}

/// Then with everything on offer. The chain becomes whole, and only what was missing is fetched: `missing` headers, the
/// question for the target's number, and the questions of a search.
fn ends_whole(mut world: World, target: &Chain, missing: u64) {
    let before = served(&world);
    world.connect(2, TestPeer::new(target));
    world.run_until(30, |world| runs(world).first().is_some_and(|newest| newest.0 == FLOOR));
    world.run_to_synced(30);
    world.assert_stored(target, FLOOR);
    assert_eq!(world.penalties, []);
    let fetched = served(&world) - before;
    let most = missing + questions(&world) as u64 + if detached(&world) > 0 { compared_max(1) } else { 0 };
    assert!((missing..=most).contains(&fetched), "{fetched} for {missing}");
}

#[test]
fn sk_init_01_k02_an_empty_store_begins_with_the_target() {
    let target = chain();
    let mut world = World::with(target.spec(), crate::support::runs::config(), Default::default());
    world.target(sync_core::SyncTarget::Hash(target.tip().hash));
    world.connect(1, only(&target, HEAD));
    world.run_for(10);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    ends_whole(world, &target, HEAD - FLOOR);
}

#[test]
fn sk_init_02_k02_a_checkpoint_without_runs_is_the_same() {
    let target = chain();
    let world = begun(&[], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    ends_whole(world, &target, HEAD - FLOOR);
}

#[test]
fn sk_init_03_k02_an_older_run_stays_under_the_new_one() {
    let target = chain();
    let world = begun(&[(&target, FLOOR, 10)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD), (FLOOR, 10)]);
    ends_whole(world, &target, 39);
}

#[test]
fn sk_init_04_k02_several_older_runs_stay() {
    let target = chain();
    let world = begun(&[(&target, 15, 20), (&target, FLOOR, 10)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD), (15, 20), (FLOOR, 10)]);
    ends_whole(world, &target, 33);
}

/// Between the target and the newer run nothing is stored: it is unknown whether they are of one chain.
#[test]
fn sk_init_05_k02_a_newer_run_is_dropped() {
    let (target, newer) = (chain(), longer());
    let world = begun(&[(&newer, 60, 65)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    assert_eq!(world.store.rows.len(), 1);
    ends_whole(world, &target, HEAD - FLOOR);
}

#[test]
fn sk_init_06_k02_several_newer_runs_are_dropped() {
    let (target, newer) = (chain(), longer());
    let world = begun(&[(&newer, 70, 75), (&newer, 60, 65)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    assert_eq!(world.store.rows.len(), 1);
    ends_whole(world, &target, HEAD - FLOOR);
}

#[test]
fn sk_init_07_k02_of_a_newer_and_an_older_run_the_older_stays() {
    let (target, newer) = (chain(), longer());
    let world = begun(&[(&newer, 60, 65), (&target, FLOOR, 10)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD), (FLOOR, 10)]);
    ends_whole(world, &target, 39);
}

#[test]
fn sk_init_08_k02_of_many_newer_and_older_runs_the_older_stay() {
    let (target, newer) = (chain(), longer());
    let parts = [(&newer, 70, 75), (&newer, 60, 65), (&target, 15, 20), (&target, FLOOR, 10)];
    let world = begun(&parts, &target);
    assert_eq!(runs(&world), [(HEAD, HEAD), (15, 20), (FLOOR, 10)]);
    ends_whole(world, &target, 33);
}

#[test]
fn sk_init_09_k02_a_run_that_ends_under_the_target_is_extended_by_it() {
    let target = chain();
    let world = begun(&[(&target, 10, HEAD - 1)], &target);
    assert_eq!(runs(&world), [(10, HEAD)]);
    ends_whole(world, &target, 10 - FLOOR);
}

/// The numbers touch, the hashes do not: two runs, until it is known where the chains part.
#[test]
fn sk_init_10_k02_a_run_that_touches_in_number_but_not_in_hash_is_not_extended() {
    let target = chain();
    let other = target.fork(40, HEAD);
    let world = begun(&[(&other, FLOOR, HEAD - 1)], &target);
    assert_eq!(runs(&world), [(HEAD, HEAD), (FLOOR, HEAD - 1)]);
    ends_whole(world, &target, 10);
}

/// geth cuts the run at the new head, because the head it is given is where the chain ends. Ours keeps what descends from
/// the target as long as the target is in it: nothing speaks against those headers, and a later target may need them. When
/// the header at the target's height is another one, the run is cut there and extended by it.
#[test]
fn sk_init_11_k02_a_target_inside_a_run_is_had_already_or_cuts_it_and_extends_it() {
    let (target, newer) = (chain(), longer());
    let world = begun(&[(&newer, FLOOR, 100)], &target);
    assert!(world.is_synced());
    assert_eq!(runs(&world), [(FLOOR, 100)]);
    assert_eq!(served(&world), 1, "what is its number?");

    let sibling = newer.fork(HEAD, HEAD + 1);
    let mut world = session(&[(&newer, FLOOR, 100)], sibling.tip().hash);
    world.connect(1, TestPeer::new(&sibling).range(HEAD - 1, HEAD));
    world.run_for(10);
    assert_eq!(runs(&world), [(FLOOR, HEAD)]);
    assert_eq!(reorgs(&world).len(), 1);
    ends_whole(world, &sibling, 0);
}

/// geth cuts the run right under the head and finds out later that it does not link. Ours removes nothing before a peer of
/// the target's chain has named an ancestor.
#[test]
fn sk_init_12_k02_a_target_that_does_not_link_into_the_run_cuts_it_where_the_chains_part() {
    let newer = longer();
    let other = newer.fork(30, HEAD + 1);
    let world = begun(&[(&newer, FLOOR, 100)], &other);
    assert_eq!(runs(&world), [(FLOOR, 100)]);
    assert_eq!(world.store.rows.len(), 96, "nothing is removed on a guess");
    ends_whole(world, &other, HEAD - 29);
}
