//! A reorg is disturbed in each of its states: while headers are compared, the ancestor is sought, branches are
//! weighed, headers are reverted or replaced, and while the store has not responded yet. Whatever happens, the sync
//! goes on as soon as a peer can serve it.

use crate::support::{
    Behavior, Chain, TestPeer, TestStore, World,
    ancestor::{announce, config, stored_with},
    chain::MINED,
    strangers::assert_not_blamed,
};
use sync_core::{Input, SyncConfig, SyncTarget};

const LEN: u64 = 2_000;

/// Moments of each reorg at which it is disturbed.
const MOMENTS: usize = 6;

/// What happens in the middle, and how long after it at most the sync is done, in milliseconds.
const DISTURBANCES: [(&str, Disturbance, u64); 8] = [
    ("all leave, and others come", leave, 3_000),
    ("all fall silent, and others come", fall_silent, 3_000),
    ("all fall silent, and respond again", fall_silent_for_a_while, 56_000),
    ("it is paused for a minute", pause, 3_000),
    ("the chain grows", grow, 3_000),
    ("the old chain was right after all", go_back, 6_000),
    ("the user names a block of the old chain", name_old, 3_000),
    ("a new session opens the store", reopen, 3_000),
];

/// Returns the chain that is synced in the end.
type Disturbance = fn(&mut World, &Chain, &Chain) -> Chain;

fn come(world: &mut World, chain: &Chain) {
    for id in 10..13 {
        world.connect(id, TestPeer { delay_ms: 40, ..TestPeer::new(chain) });
    }
}

fn leave(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    (1..=3).for_each(|id| world.disconnect(id));
    world.run_for(60);
    come(world, new);
    new.clone()
}

fn fall_silent(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    world.cut_ways();
    (1..=3).for_each(|id| world.peer_mut(id).behavior = Behavior::Silent);
    world.run_for(60);
    come(world, new);
    new.clone()
}

fn fall_silent_for_a_while(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    world.cut_ways();
    (1..=3).for_each(|id| world.peer_mut(id).behavior = Behavior::Silent);
    world.run_for(60);
    (1..=3).for_each(|id| world.peer_mut(id).behavior = Behavior::Honest);
    new.clone()
}

fn pause(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    world.input(Input::Paused(true));
    world.run_for(60);
    world.input(Input::Paused(false));
    new.clone()
}

fn grow(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    let grown = new.grown(5);
    (1..=3).for_each(|id| announce(world, id, &grown));
    grown
}

fn go_back(world: &mut World, old: &Chain, _: &Chain) -> Chain {
    // Heavier than both, where blocks have a weight.
    let salt = if old.headers[1] == Chain::mined(2).headers[1] { MINED + 20 } else { 0 };
    let grown = old.branch(LEN, LEN + 200, salt);
    (1..=3).for_each(|id| announce(world, id, &grown));
    grown
}

fn name_old(world: &mut World, old: &Chain, _: &Chain) -> Chain {
    let grown = old.grown(200);
    come(world, &grown);
    world.target(SyncTarget::Hash(grown.tip().hash));
    grown
}

fn reopen(world: &mut World, _: &Chain, new: &Chain) -> Chain {
    world.restart();
    world.target(SyncTarget::PeersTip);
    come(world, new);
    new.clone()
}

/// A store of `old`, and three peers on `new`.
fn begun(store: &TestStore, old: &Chain, new: &Chain) -> World {
    let mut world = World::with(old.spec(), SyncConfig { window: 256, ..config() }, store.clone());
    world.target(SyncTarget::PeersTip);
    (1..=3).for_each(|id| world.connect(id, TestPeer { delay_ms: 40, ..TestPeer::new(new) }));
    world
}

fn disturb(old: &Chain, new: &Chain) {
    let stored = stored_with(old, SyncConfig { window: 256, ..config() });
    for store_ms in [0, 30] {
        let store = TestStore { delay_ms: store_ms, ..stored.clone() };
        let mut undisturbed = begun(&store, old, new);
        let mut steps = 0;
        while !undisturbed.is_synced() {
            assert!(undisturbed.step());
            steps += 1;
        }
        undisturbed.assert_stored(new, 0);
        for (what, disturbance, within) in DISTURBANCES {
            for moment in 1..=MOMENTS {
                let mut world = begun(&store, old, new);
                (0..steps * moment / (MOMENTS + 1)).for_each(|_| _ = world.step());
                let tip = disturbance(&mut world, old, new);
                let start = world.now_ms;
                let is_done = |world: &World| world.is_synced() && world.resolved().last() == Some(&tip.tip());
                world.run_until_ms(start + within, is_done);
                let where_ = format!("{what}, at {moment} of {MOMENTS}, a store of {store_ms} ms");
                assert!(is_done(&world), "{where_}: {:?} {:#?}", world.stalls(), world.progress());
                world.assert_stored(&tip, 0);
                assert_eq!(world.progress().stall, None, "{where_}");
                assert_not_blamed(&world, 10..13);
            }
        }
    }
}

#[test]
fn u04_u10_a_short_reorg_goes_on() {
    let old = Chain::new(LEN);
    disturb(&old, &old.fork(LEN - 30, LEN + 20));
}

#[test]
fn u04_u10_a_reorg_that_is_compared_as_a_whole_goes_on() {
    let old = Chain::new(LEN);
    disturb(&old, &old.fork(LEN - 500, LEN + 20));
}

#[test]
fn u04_u10_a_deep_reorg_goes_on() {
    let old = Chain::new(LEN);
    disturb(&old, &old.fork(LEN - 1_500, LEN + 20));
}

#[test]
fn u04_u10_a_reorg_by_proof_of_work_goes_on() {
    let old = Chain::mined(LEN);
    disturb(&old, &old.branch(LEN - 300, LEN + 20, MINED + 2));
}
