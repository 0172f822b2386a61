//! Useless peers that join all the time while the machine asks for votes and claims: each request has a deadline and
//! fixed witnesses, so no peer that connects later delays it.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, stored},
    strangers::{HONEST, NOBODY, Strangers, assert_not_blamed, connect_honest, run_among},
};

use sync_core::{SyncConfig, SyncTarget};

/// Four honest peers move from `old` to `new`, among silent peers that name the new tip; returns how long it takes.
fn reorg_among(old: &Chain, new: &Chain, strangers: Strangers) -> u64 {
    let mut world = World::with(old.spec(), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    connect_honest(&mut world, 4, old, 50);
    world.run_to_synced(60);
    world.run_for(2);
    for id in HONEST..HONEST + 4 {
        announce(&mut world, id, new);
    }
    assert!(!world.store.rows.is_empty());
    let silent = TestPeer::new(new).behavior(Behavior::Silent);
    let tip = new.tip();
    let is_done = move |world: &World| world.is_synced() && world.resolved().last() == Some(&tip);
    let took = run_among(&mut world, strangers, 120, &silent, is_done);
    let took = took.unwrap_or_else(|| panic!("{:#?}", world.progress()));
    world.assert_stored(new, 0);
    let ancestor = (0..).zip(&old.hashes).zip(&new.hashes).take_while(|((_, old), new)| old == new).count() as u64 - 1;
    assert_reorg(&world, ancestor, old.tip().number, new.tip().number);
    assert_not_blamed(&world, HONEST..HONEST + 4);
    took
}

#[test]
fn u03_u10_a_reorg_among_silent_peers_under_new_ids_takes_at_most_three_times_as_long() {
    let old = Chain::new(3_000);
    let new = old.fork(2_000, 3_050);
    let alone = reorg_among(&old, &new, NOBODY);
    for strangers in [(3, 1_000), (3, 200), (16, 1_000)] {
        let strangers = Strangers { at_once: strangers.0, every_ms: strangers.1 };
        let took = reorg_among(&old, &new, strangers);
        assert!(took <= alone * 3, "{took} ms, alone {alone} ms");
    }
}

/// The reorg is deeper than what is compared by hash alone, so peers are asked for single headers.
#[test]
fn u10_a_deep_search_is_not_held_up_by_newcomers() {
    let old = Chain::new(6_000);
    let new = old.fork(3_000, 6_050);
    let alone = reorg_among(&old, &new, NOBODY);
    for (at_once, every_ms) in [(3, 1_000), (6, 200)] {
        let took = reorg_among(&old, &new, Strangers { at_once, every_ms });
        assert!(took <= alone * 3, "{took} ms, alone {alone} ms");
    }
}

/// Peers that give one header in each response are there first, and honest ones come a moment later. The headers that
/// decide a reorg are asked for one after another, or in few requests: no peer serves them one by one for long.
#[test]
fn u01_u10_a_peer_that_gives_one_header_at_a_time_keeps_no_reorg_from_peers_that_were_never_asked() {
    let old = Chain::new(3_000);
    for depth in [20, 60, 400] {
        let new = old.fork(3_000 - depth, 3_003);
        let mut world = World::with(old.spec(), config(), stored(&old));
        world.target(SyncTarget::Hash(new.tip().hash));
        for id in 1..=3 {
            world.connect(id, TestPeer { delay_ms: 150, ..TestPeer::new(&new).behavior(Behavior::Short(1)) });
        }
        connect_honest(&mut world, 5, &new, 50);
        let start = world.now_ms;
        world.run_until_ms(start + 20_000, World::is_synced);
        let took = world.now_ms - start;
        assert!(world.is_synced() && took <= 4_000, "{depth} blocks: {took} ms: {:#?}", world.progress());
        world.assert_stored(&new, 0);
        assert_not_blamed(&world, HONEST..HONEST + 5);
    }
}

/// Silent peers leave before they are waited for no longer, and new ones come. What is missing is asked of one peer after
/// another, each of a shorter time, so the honest two of ten are soon among them, whatever the chance.
#[test]
fn u01_silent_peers_that_leave_in_time_keep_a_short_gap_from_no_honest_peer_for_long() {
    let old = Chain::new(300);
    let new = old.grown(12);
    for seed in 0..60 {
        let mut world = World::with(old.spec(), SyncConfig { seed, ..config() }, stored(&old));
        let silent = TestPeer::new(&new).behavior(Behavior::Silent);
        for id in 1..=8 {
            world.connect(id, silent.clone());
        }
        connect_honest(&mut world, 2, &new, 140);
        world.target(SyncTarget::PeersTip);
        let start = world.now_ms;
        for id in 9..200 {
            world.run_until_ms(start + u64::from(id - 8) * 200, World::is_synced);
            world.disconnect(id - 8);
            world.connect(id, silent.clone());
            if world.is_synced() {
                break;
            }
        }
        let took = world.now_ms - start;
        assert!(world.is_synced() && took <= 4_000, "seed {seed}: {took} ms");
        assert_not_blamed(&world, HONEST..HONEST + 2);
    }
}

/// Silent peers are alone for a minute, each for longer than a deadline, and new ones go on coming. When honest peers
/// connect, a piece that a silent peer still has keeps nothing else waiting: there is no strategy that waits for one request.
#[test]
fn u01_silent_peers_that_were_alone_for_a_minute_keep_honest_ones_waiting_no_longer_than_others() {
    const AT_ONCE: u32 = 16;
    const EVERY_MS: u64 = 540;
    let chain = Chain::new(3_000);
    for seed in 0..40 {
        let mut world = World::with(chain.spec(), SyncConfig { seed, ..config() }, Default::default());
        world.target(SyncTarget::PeersTip);
        let silent = TestPeer::new(&chain).behavior(Behavior::Silent);
        for id in 1..=AT_ONCE {
            world.connect(id, silent.clone());
        }
        let start = world.now_ms;
        let joins_at = start + 60_000 + seed * 100;
        let mut is_joined = false;
        for (id, at) in (AT_ONCE + 1..250).zip((start + EVERY_MS..).step_by(EVERY_MS as usize)) {
            if !is_joined && joins_at <= at {
                world.run_until_ms(joins_at, World::is_synced);
                connect_honest(&mut world, 4, &chain, 50);
                is_joined = true;
            }
            world.run_until_ms(at, World::is_synced);
            if world.is_synced() {
                break;
            }
            world.disconnect(id - AT_ONCE);
            world.connect(id, silent.clone());
        }
        let took = world.now_ms.saturating_sub(joins_at);
        assert!(world.is_synced() && took <= 6_000, "seed {seed}: {took} ms: {:#?}", world.progress());
        assert_not_blamed(&world, HONEST..HONEST + 4);
    }
}

/// Silent peers name the pinned hash as their tip, and one is replaced as soon as it is waited for no longer. The honest
/// ones are a block further.
#[test]
fn u06_a_pinned_hash_is_found_among_silent_peers_that_name_it() {
    let chain = Chain::new(2_000);
    let further = chain.grown(1);
    for (first, at_once, every_ms) in
        [(0, 0, 0), (3, 0, 0), (0, 3, 1_500), (3, 3, 1_000), (16, 6, 200), (32, 0, 0), (32, 32, 1_000)]
    {
        let mut world = World::new(chain.spec());
        world.target(SyncTarget::Hash(chain.tip().hash));
        let silent = TestPeer::new(&chain).behavior(Behavior::Silent);
        for id in 500..500 + first {
            world.connect(id, silent.clone());
        }
        connect_honest(&mut world, 6, &further, 30);
        let strangers = Strangers { at_once, every_ms };
        let took = run_among(&mut world, strangers, 60, &silent, |world| !world.resolved().is_empty());
        assert!(took.is_some_and(|took| took <= 1_500), "{first}, {at_once}: {took:?} ms");
        assert_eq!(world.stalls(), []);
        world.run_to_synced(30);
    }
}
