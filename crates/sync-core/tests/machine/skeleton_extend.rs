//! A new target while an earlier one is synced: the seven cases of geth's skeleton (`processNewHead`), told for this machine.
//!
//! geth returns *reorged*, *gapped* or *forked* to its caller, the consensus client, and restarts only when forced.
//! Here the target is what the user pinned, or what enough peers agree on; there is no caller to return to. So every
//! target is taken, and what geth refuses becomes a reorg (another chain), a gap that is filled, or nothing at all (had
//! already).

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{detached, reorgs},
    runs::{FLOOR, Part, only, runs, served, session},
};
use sync_core::SyncTarget;

/// The head of the sync that is under way: only its header is stored.
const HEAD: u64 = 49;

fn chain() -> Chain {
    Chain::new(HEAD + 1)
}

/// The sync of `chain`'s tip is under way; then the tip of `next` is named, of which only `from` and above is on offer.
fn then(chain: &Chain, next: &Chain, from: u64) -> World {
    let mut world = session(&[], chain.tip().hash);
    world.connect(1, only(chain, HEAD));
    world.run_for(10);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    world.disconnect(1);
    world.connect(2, TestPeer::new(next).range(from, next.tip().number));
    world.target(SyncTarget::Hash(next.tip().hash));
    world.run_for(10);
    assert_eq!(world.penalties, []);
    world
}

/// With everything on offer the chain becomes whole.
fn ends_whole(mut world: World, chain: &Chain) {
    world.connect(3, TestPeer::new(chain));
    world.run_until(30, |world| runs(world).first().is_some_and(|newest| newest.0 == FLOOR));
    world.run_to_synced(30);
    world.assert_stored(chain, FLOOR);
    assert_eq!(world.penalties, []);
}

#[test]
fn sk_extend_01_f08_the_next_header_extends_the_run() {
    let next = chain().grown(1);
    let world = then(&chain(), &next, HEAD + 1);
    assert_eq!(runs(&world), [(HEAD, HEAD + 1)]);
    assert_eq!(detached(&world), 0);
    ends_whole(world, &next);
}

#[test]
fn sk_extend_02_f08_i02_the_same_head_again_is_nothing() {
    let world = then(&chain(), &chain(), HEAD);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    assert_eq!(world.resolved(), [chain().tip()], "reported once");
    assert_eq!(world.peers[&2].served, 0, "not even a question");
    ends_whole(world, &chain());
}

/// geth: *reorged*. Ours goes over to the sibling; of the run nothing is left that could be shared.
#[test]
fn sk_extend_03_f08_db2_a_sibling_of_the_head_takes_its_place() {
    let sibling = chain().fork(HEAD, HEAD + 1);
    let world = then(&chain(), &sibling, HEAD);
    assert_eq!(runs(&world), [(HEAD, HEAD)]);
    assert_eq!(world.store.rows[&HEAD], sibling.headers[HEAD as usize]);
    assert_eq!(reorgs(&world).len(), 1);
    ends_whole(world, &sibling);
}

/// geth: *forked*. Ours verifies the new header, finds that it does not meet the run, and drops the run.
#[test]
fn sk_extend_04_f08_a_next_header_that_does_not_link_replaces_the_run() {
    let other = chain().fork(HEAD, HEAD + 2);
    let world = then(&chain(), &other, HEAD + 1);
    assert_eq!(detached(&world), 1);
    assert_eq!(runs(&world), [(HEAD + 1, HEAD + 1)], "the old head is gone");
    ends_whole(world, &other);
}

/// geth: *gapped*. Ours has a gap to fill, like any other.
#[test]
fn sk_extend_05_f08_a_head_further_up_leaves_a_gap_that_is_filled() {
    let further = chain().grown(2);
    let world = then(&chain(), &further, HEAD + 2);
    assert_eq!(runs(&world), [(HEAD + 2, HEAD + 2), (HEAD, HEAD)]);
    ends_whole(world, &further);
}

fn inside(parts: &[Part<'_>], next: &Chain) -> World {
    let mut world = session(parts, next.tip().hash);
    world.connect(2, TestPeer::new(next).range(FLOOR, next.tip().number));
    world.run_to_synced(30);
    assert_eq!(world.penalties, []);
    world
}

/// geth: *reorged*. Ours: the stored header at its height is that very one, so everything that is asked for is there.
#[test]
fn sk_extend_06_f08_db2_an_earlier_head_of_the_same_chain_is_had_already() {
    let (long, past) = (chain().grown(20), chain());
    let world = inside(&[(&long, FLOOR, HEAD + 20)], &past);
    assert_eq!(runs(&world), [(FLOOR, HEAD + 20)]);
    assert_eq!(served(&world), 1, "its number");
}

/// geth: *reorged*. Ours too: back to where the chains part, and up the other side, which is shorter.
#[test]
fn sk_extend_07_f08_db2_an_earlier_head_of_another_chain_is_a_reorg_to_it() {
    let long = chain().grown(20);
    let side = long.fork(30, HEAD + 1);
    let world = inside(&[(&long, FLOOR, HEAD + 20)], &side);
    world.assert_stored(&side, FLOOR);
    let range = |first, last| header_rules::range::BlockRange::new(first, last).expect("rising");
    assert_eq!(reorgs(&world), [(range(30, HEAD + 20), range(30, HEAD))]);
}
