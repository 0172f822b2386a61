//! Stored runs over sessions: they are written with their headers, extended, merged, cut and dropped, and never believed
//! beyond what the checkpoint says.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{assert_reorg, config, moved, stored},
    runs::{self, runs, served},
};
use sync_core::{Checkpoint, Input, Output, SyncConfig, SyncTarget, checkpoint::SUBCHAINS_MAX};

fn session(chain: &Chain, parts: &[runs::Part<'_>], target: SyncTarget) -> World {
    let mut world = World::with(chain.spec(), config(), runs::store(parts));
    world.target(target);
    world
}

/// The store of every test checks at each write that the checkpoint speaks of what is there, ends and links included; here
/// that each of many writes was one with its checkpoint.
#[test]
fn k01_every_batch_carries_the_runs_that_hold_with_it() {
    let chain = Chain::new(5_000);
    let config = SyncConfig { window: 256, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    while !world.is_synced() && world.step() {
        if let Some(checkpoint) = world.store.checkpoint.clone()
            && checkpoints.last() != Some(&checkpoint)
        {
            let held: u64 = checkpoint.subchains.iter().map(|run| run.head - run.tail + 1).sum();
            assert_eq!(held, world.store.rows.len() as u64);
            checkpoints.push(checkpoint);
        }
    }
    assert!(checkpoints.len() > 15, "{}", checkpoints.len());
    world.assert_stored(&chain, 0);
}

/// geth asks in groups of 512 inside a window of 131,072 and takes full groups only. Ours asks for what a peer's window
/// holds and takes what comes; of the gap it asks for every number once, and for none outside.
#[test]
fn k03_requests_cover_the_gap_once_from_its_top_to_its_bottom() {
    let chain = Chain::new(3_000);
    let mut world = session(&chain, &[(&chain, 0, 1_200)], SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    let mut asked: Vec<u64> = Vec::new();
    for request in &world.requests {
        let start = match request.start {
            sync_core::StartBlock::Number(start) => start,
            // The front of a gap is asked for by its hash.
            sync_core::StartBlock::Hash(hash) => chain.number_of(hash).expect("of the chain"),
        };
        asked.extend(start + 1 - u64::from(request.limit)..=start);
    }
    asked.sort_unstable();
    assert_eq!(asked, (1_201..3_000).collect::<Vec<_>>());
}

/// A malicious peer at the front: its response is rejected, it is penalized, another peer is asked, and the staged
/// responses are used.
#[test]
fn k04_only_what_hashes_to_the_anchor_is_taken_and_the_rest_waits_for_it() {
    let chain = Chain::new(3_000);
    let lies = crate::support::ancestor::spliced(&chain, &chain.fork(1, 3_000), 2_800);
    let mut world = session(&chain, &[(&chain, 0, 1_000)], SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer { delay_ms: 1, ..TestPeer::new(&lies) });
    world.connect(2, TestPeer { delay_ms: 20, ..TestPeer::new(&chain) });
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert!(world.is_banned(1));
    assert_eq!(world.penalized(2), Vec::<&sync_core::fault::PeerFault>::new());
    let twice = served(&world) - 2_000;
    assert!(twice < 1_500, "only the headers of the malicious peer are fetched again: {twice}");
}

/// The new run comes down to three older ones, one after another, and takes each in.
#[test]
fn k05_a_run_takes_in_every_run_that_it_meets() {
    let chain = Chain::new(1_000);
    let parts = [(&chain, 700, 800), (&chain, 400, 600), (&chain, 0, 300)];
    let mut world = session(&chain, &parts, SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(runs(&world), [(0, 999)]);
    world.assert_stored(&chain, 0);
    assert_eq!(served(&world), 199 + 99 + 99);
}

/// An older run of another chain, under one that is the target's: the upper is merged, the lower cut where they part.
#[test]
fn k05_d11_a_lower_run_of_another_chain_is_cut_and_the_upper_stays() {
    let chain = Chain::new(1_000);
    let other = chain.fork(200, 500);
    let parts = [(&chain, 700, 800), (&other, 0, 450)];
    let mut world = session(&chain, &parts, SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_reorg(&world, 199, 450, 999);
    assert_eq!(world.penalties, []);
}

/// Removing the old branch leaves the new one, which lies above it and right on top of it.
#[test]
fn k06_i12_cleaning_up_after_a_reorg_removes_nothing_of_the_new_chain() {
    let old = Chain::new(2_000);
    let new = old.fork(1_990, 6_000);
    let mut world = moved(&old, &new, 1);
    let mut held_before = 0;
    while !world.is_synced() && world.step() {
        let held = world.store.rows.range(2_000..).count();
        assert!(held >= held_before, "a header of the new chain went: {held_before} to {held}");
        held_before = held;
    }
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_989, 1_999, 5_999);
}

/// geth is started by a forced head and refuses unforced ones before. Ours needs a named target, and handles every
/// input at any time: here while the store is asked and while it removes.
#[test]
fn k07_d01_nothing_is_asked_for_before_a_target_is_named_and_inputs_are_taken_while_the_store_works() {
    let old = Chain::new(1_500);
    let new = old.fork(1_400, 1_600);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.connect(1, TestPeer::new(&new));
    world.run_for(60);
    assert_eq!(world.requests, []);
    // The store does not respond for a while: other targets and peers come and go meanwhile.
    let now = world.now();
    let mut held = Vec::new();
    for target in [SyncTarget::PeersTip, SyncTarget::Hash(old.tip().hash), SyncTarget::Hash(new.tip().hash)] {
        world.machine.handle_input(now, Input::TargetChanged(target));
        loop {
            match world.machine.poll_output(now) {
                Output::Timeout(_) => break,
                output => held.push(output),
            }
        }
    }
    world.machine.handle_input(now, Input::Stored { id: sync_core::id::LookupId(99), headers: Vec::new() });
    world.machine.handle_input(now, Input::Unwound { to: 7 });
    assert!(held.iter().any(|output| matches!(output, Output::Request(_))));
    // A new session on the same store is not troubled by any of it.
    let mut world = world.reopened();
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&new));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
}

/// The store is rewound by hand between two sessions (geth: `setHead`). The next one sees what is there, fetches what is not,
/// and does not fetch it again: geth trusted a head that it had kept in memory, and deleted each download.
#[test]
fn k08_i13_a_store_that_was_rewound_by_hand_is_filled_again_once() {
    let chain = Chain::new(3_000);
    let mut store = stored(&chain);
    store.rows.retain(|number, _| *number <= 1_000);
    let checkpoint = store.checkpoint.as_mut().expect("stored");
    checkpoint.trim_above(1_000, Some(chain.at(1_000).hash));
    let mut world = World::with(chain.spec(), config(), store);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(served(&world), 1_999);
    let mut world = world.reopened();
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(served(&world), 0);
}

/// Headers without the checkpoint that speaks of them, and a checkpoint without its headers: head and headers move in one
/// write, so neither can come about; should it all the same, what the checkpoint says counts.
#[test]
fn i21_i15_headers_above_the_checkpoints_head_are_fetched_and_the_head_moves_on() {
    let chain = Chain::new(2_000);
    let mut store = stored(&chain);
    let checkpoint = store.checkpoint.as_mut().expect("stored");
    checkpoint.trim_above(1_500, Some(chain.at(1_500).hash));
    let mut world = World::with(chain.spec(), config(), store);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(served(&world), 499);
}

/// reth wrote a million headers again in the second run, and counted them twice.
#[test]
fn i05_a_second_run_fetches_and_writes_the_new_range_only() {
    let chain = Chain::new(2_000);
    let grown = chain.grown(300);
    let mut world = World::with(chain.spec(), config(), stored(&chain));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&grown));
    let mut most: f64 = 0.0;
    while !world.is_synced() && world.step() {
        let progress = world.progress();
        assert!(progress.stored + progress.staged <= progress.total);
        most = most.max(progress.percent);
    }
    assert!(most <= 100.0);
    world.assert_stored(&grown, 0);
    assert_eq!(served(&world), 300);
    let batches = 1 + world.store.batches - stored(&chain).batches;
    assert!(batches <= 3, "{batches} writes");
}

/// Each visit leaves a short run at the top, and the one before it is never joined. The long run below them is what a
/// visitor has waited for.
#[test]
fn u12_many_short_visits_never_cost_the_long_run() {
    let mut chain = Chain::new(3_000);
    let mut store = runs::store(&[(&chain, 0, 2_999)]);
    for _ in 0..SUBCHAINS_MAX + 3 {
        chain = chain.grown(100);
        let mut world = World::with(chain.spec(), config(), store);
        world.target(SyncTarget::Hash(chain.tip().hash));
        world.connect(1, TestPeer::new(&chain).behavior(Behavior::Short(10)));
        assert!(world.run_until(5, |world| world.has_linked()));
        world.input(Input::Paused(true));
        world.run_for(1);
        store = world.store;
    }
    let checkpoint = store.checkpoint.clone().expect("stored");
    assert_eq!(checkpoint.subchains.len(), SUBCHAINS_MAX);
    assert_eq!(checkpoint.subchains.last().map(|run| (run.tail, run.head)), Some((0, 2_999)));
    let mut last = World::with(chain.spec(), config(), store);
    last.target(SyncTarget::Hash(chain.tip().hash));
    last.connect(1, TestPeer::new(&chain));
    last.run_to_synced(60);
    last.assert_stored(&chain, 0);
    assert!(last.peers[&1].served < 7_000, "{} headers", last.peers[&1].served);
}
