//! A reorg that is deeper than the window, true or made up, is a state that ends; and few can make a short one deep.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, reorgs, spliced, stored, stored_with},
    strangers::{HONEST, assert_not_blamed, connect_honest},
};
use header_rules::range::BlockRange;
use sync_core::{Event, StallReason, SyncConfig, SyncTarget};

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("rising")
}

fn window(quorum: usize) -> SyncConfig {
    SyncConfig { rollback_window: 1_000, tip_quorum: quorum, ..config() }
}

/// A store of `old`; so many peers are alone for a while with a tip above it, on a chain that shares nothing with it.
fn refused(old: &Chain, quorum: usize, malicious: u32, seconds: u64) -> World {
    let lies = old.fork(1, 3_001);
    let store = stored_with(old, window(1));
    let mut world = World::with(old.spec(), window(quorum), store);
    world.target(SyncTarget::PeersTip);
    for id in 1..=malicious {
        world.connect(id, TestPeer::new(&lies));
    }
    world.run_for(seconds);
    let said = StallReason::RollbackTooDeep { local: old.tip(), window: 1_000 };
    assert_eq!(world.progress().stall, Some(said));
    assert_eq!(reorgs(&world), [], "nothing is removed");
    world
}

/// The one header of the made-up chain that was stored is reverted, and none of the old chain.
fn only_the_tip(tip: &Chain) -> Vec<(BlockRange, BlockRange)> {
    vec![(range(3_000, 3_000), range(3_000, tip.tip().number))]
}

/// Runs until the honest tip is synced, at most so many milliseconds.
fn assert_synced_within(world: &mut World, tip: &Chain, millis: u64) {
    let start = world.now_ms;
    let is_done = |world: &World| world.is_synced() && world.resolved().last() == Some(&tip.tip());
    world.run_until_ms(start + millis, is_done);
    assert!(is_done(world), "after {millis} ms: {:#?}", world.progress());
    world.assert_stored(tip, 0);
    assert_eq!(world.progress().stall, None);
}

#[test]
fn u04_too_deep_ends_when_honest_peers_come_although_the_malicious_peer_stays() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    let mut world = refused(&old, 1, 1, 10);
    connect_honest(&mut world, 5, &grown, 20);
    assert_synced_within(&mut world, &grown, 10_000);
    assert!(world.events.contains(&Event::Resumed));
    assert_eq!(reorgs(&world), only_the_tip(&grown));
    assert_not_blamed(&world, HONEST..HONEST + 5);
}

/// The pause before the target is chosen anew grows, up to two minutes.
#[test]
fn u04_too_deep_ends_after_an_hour_of_it_too() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    let mut world = refused(&old, 1, 1, 3_600);
    let asked = world.requests.len();
    assert!(asked < 1_000, "asked {asked} times in an hour");
    connect_honest(&mut world, 5, &grown, 20);
    let most = world.config.cool_down.as_millis() as u64 + 1_000;
    assert_synced_within(&mut world, &grown, most);
}

#[test]
fn u04_too_deep_ends_at_once_when_the_malicious_peers_leave() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    for (quorum, malicious) in [(1, 1), (2, 2)] {
        let mut world = refused(&old, quorum, malicious, 10);
        connect_honest(&mut world, 7, &grown, 20);
        for id in 1..=malicious {
            world.disconnect(id);
        }
        assert_synced_within(&mut world, &grown, 2_000);
        assert_eq!(reorgs(&world), only_the_tip(&grown));
        assert_not_blamed(&world, HONEST..HONEST + 7);
    }
}

/// The malicious peers leave first, and a while later honest peers connect.
#[test]
fn u04_too_deep_is_not_remembered_when_all_peers_left() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    let mut world = refused(&old, 2, 2, 10);
    for id in 1..=2 {
        world.disconnect(id);
    }
    world.run_for(60);
    connect_honest(&mut world, 5, &grown, 20);
    assert_synced_within(&mut world, &grown, 2_000);
}

#[test]
fn u04_the_same_target_may_be_named_again_and_another_ends_it_at_once() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    for again in [true, false] {
        let mut world = refused(&old, 1, 1, 10);
        world.disconnect(1);
        connect_honest(&mut world, 5, &grown, 20);
        world.target(if again { SyncTarget::PeersTip } else { SyncTarget::Hash(grown.tip().hash) });
        assert_synced_within(&mut world, &grown, 2_000);
    }
}

#[test]
fn u04_a_new_session_knows_nothing_of_it() {
    let old = Chain::new(3_000);
    let grown = old.grown(50);
    let mut world = refused(&old, 1, 1, 10).reopened();
    world.target(SyncTarget::PeersTip);
    connect_honest(&mut world, 5, &grown, 20);
    assert_synced_within(&mut world, &grown, 2_000);
}

/// Ten peers with verified headers; the three quickest have the new tip and deny everything under it.
#[test]
fn u04_u10_three_quick_malicious_peers_among_ten_do_not_make_a_reorg_of_one_block_deeper() {
    let old = Chain::new(3_000);
    let new = old.fork(2_999, 3_001);
    let lies = |truth: &Chain| spliced(truth, &truth.branch(1, 3_000, 9), 2_998);
    for window in [1_000, 90_000] {
        let config = SyncConfig { rollback_window: window, ..config() };
        let mut world = World::with(old.spec(), config, Default::default());
        world.target(SyncTarget::PeersTip);
        for id in 1..=3 {
            world.connect(id, TestPeer { delay_ms: 1, ..TestPeer::new(&old) });
        }
        connect_honest(&mut world, 7, &old, 20);
        world.run_to_synced(60);
        world.run_for(5);
        for id in 1..=3 {
            announce(&mut world, id, &lies(&new));
        }
        for id in HONEST..HONEST + 7 {
            announce(&mut world, id, &new);
        }
        assert_synced_within(&mut world, &new, 5_000);
        assert_reorg(&world, 2_998, 2_999, 3_000);
        assert_eq!(world.stalls(), []);
        assert_not_blamed(&world, HONEST..HONEST + 7);
        // And it goes on.
        let grown = new.grown(50);
        for id in 1..=3 {
            announce(&mut world, id, &lies(&grown));
        }
        for id in HONEST..HONEST + 7 {
            announce(&mut world, id, &grown);
        }
        assert_synced_within(&mut world, &grown, 5_000);
        assert_eq!(reorgs(&world).len(), 1);
    }
}

/// The same in a session that begins with it: no header of any peer was verified yet.
#[test]
fn u04_u10_the_same_on_a_stored_chain() {
    let old = Chain::new(3_000);
    let new = old.fork(2_999, 3_001);
    let lies = spliced(&new, &new.branch(1, 3_000, 9), 2_998);
    for window in [1_000, 90_000] {
        let config = SyncConfig { rollback_window: window, ..config() };
        let mut world = World::with(old.spec(), config.clone(), stored_with(&old, config));
        world.target(SyncTarget::PeersTip);
        for id in 1..=3 {
            world.connect(id, TestPeer { delay_ms: 1, ..TestPeer::new(&lies) });
        }
        connect_honest(&mut world, 7, &new, 20);
        assert_synced_within(&mut world, &new, 10_000);
        assert_eq!(reorgs(&world), [(range(2_999, 2_999), range(2_999, 3_000))]);
        assert_eq!(world.stalls(), []);
        assert_not_blamed(&world, HONEST..HONEST + 7);
    }
}

/// What is stored is shorter than the window, and the first peer is alone with a higher chain that shares the genesis
/// only: with a quorum of one its vote is enough. Everything is reverted for it, reported as a reorg; and again for the
/// honest chain when its peers come.
#[test]
fn u04_a_lone_peer_with_a_whole_chain_of_its_own_is_followed_until_others_come() {
    let old = Chain::new(3_000);
    let lies = old.fork(1, 3_001);
    let grown = old.grown(50);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&lies));
    world.run_to_synced(20);
    world.assert_stored(&lies, 0);
    assert_eq!(reorgs(&world), [(range(1, 2_999), range(1, 3_000))]);
    connect_honest(&mut world, 5, &grown, 20);
    assert_synced_within(&mut world, &grown, 20_000);
    assert_eq!(reorgs(&world)[1..], [(range(1, 3_000), range(1, 3_049))]);
    assert_not_blamed(&world, HONEST..HONEST + 5);
}

/// A block far under the stored head, by number, of which all peers have another one: they vote, and announce their tips.
#[test]
fn u04_u14_a_number_under_the_window_on_another_chain_is_too_deep_and_nothing_spins() {
    let old = Chain::new(3_000);
    let other = old.fork(50, 3_000);
    let mut world = World::with(old.spec(), window(1), stored_with(&old, window(1)));
    world.target(SyncTarget::Number(100));
    (1..=3).for_each(|id| world.connect(id, TestPeer::new(&other)));
    world.run_for(600);
    assert!(matches!(world.stalls().last(), Some(StallReason::RollbackTooDeep { .. })), "{:?}", world.stalls());
    assert!(world.events.len() < 2_000 && world.requests.len() < 200, "{} requests", world.requests.len());
    assert_eq!(world.store.rows.len(), 3_000, "nothing is removed");
}

/// A peer that was alone served the upper part of a chain of its own, longer than the window. It was never whole.
#[test]
fn u04_a_chain_that_was_never_whole_is_reverted_whatever_its_length() {
    let honest = Chain::new(3_000);
    let lies = honest.fork(1, 3_020);
    for leaves in [false, true] {
        let mut world = World::with(honest.spec(), window(1), Default::default());
        world.target(SyncTarget::PeersTip);
        world.connect(1, TestPeer::new(&lies).range(500, 3_019));
        world.run_for(20);
        assert_eq!(world.store.rows.len(), 2_520, "most of it is stored");
        connect_honest(&mut world, 5, &honest, 20);
        if leaves {
            world.disconnect(1);
        }
        assert_synced_within(&mut world, &honest, 10_000);
        assert_not_blamed(&world, HONEST..HONEST + 5);
    }
}
