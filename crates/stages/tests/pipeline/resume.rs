//! A session ends between any two writes, or at any other moment; the next one reaches the same store.

use std::sync::LazyLock;

use crate::pipes::{Disk, Host, Kill, Rest, block, range, real_pipeline};
use header_store::contract::TestChain;
use proptest::prelude::*;
use stages::pipeline::{News, PipelineInput};
use sync_core::{Event, SyncConfig, SyncTarget};

const OLD: u64 = 1_299;
const NEW: u64 = 1_499;
const FORK: u64 = 1_100;

/// The chain that is stored first, and the one that replaces it.
static CHAINS: LazyLock<(TestChain, TestChain)> = LazyLock::new(|| {
    let old = TestChain::new(OLD as usize + 1, 7);
    let new = old.fork_above(FORK, NEW as usize + 1, 8);
    (old, new)
});

/// The whole scenario: index the old chain, unwind it to the fork, index the new one.
fn story(host: &mut Host, old: &TestChain, new: &TestChain) -> Rest {
    // Stage of an earlier session, by its store.
    let is_new = host.disk.headers.get(&(FORK + 1)) == Some(new.header(FORK + 1));
    let is_back = host.disk.headers.len() as u64 == FORK + 1 && host.disk.state.checkpoints.len() == 2;
    let mut pipeline = real_pipeline(&host.disk);
    if !is_new && !is_back {
        host.greet(&mut pipeline, block(old, OLD));
        match host.run(&mut pipeline) {
            Rest::Drained => {}
            other => return other,
        }
        host.input(&mut pipeline, PipelineInput::Unwind { to: FORK, checkpoint: None });
        match host.run(&mut pipeline) {
            Rest::Drained => {}
            other => return other,
        }
    }
    if !is_new {
        host.disk.download(new, range(FORK + 1, NEW));
    }
    host.greet(&mut pipeline, block(new, NEW));
    host.run(&mut pipeline)
}

/// The old chain, downloaded.
static FULL: LazyLock<Disk> = LazyLock::new(|| Disk::with_chain(&CHAINS.0, range(0, OLD)));

/// The number of writes of an undisturbed run, and its result.
fn undisturbed() -> (usize, Disk) {
    let (old, new) = &*CHAINS;
    let mut host = Host::new(FULL.clone());
    assert_eq!(story(&mut host, old, new), Rest::Drained);
    host.disk.assert_whole(new, range(0, NEW));
    (host.writes, host.disk)
}

#[test]
fn i11_s10_l10_stopped_between_any_two_writes_the_next_session_comes_to_the_same_store() {
    let (old, new) = &*CHAINS;
    let (writes, expected) = undisturbed();
    assert!(writes > 20, "{writes} writes");
    for kill in (0..writes).flat_map(|write| [Kill::Before(write), Kill::After(write)]) {
        let mut host = Host::new(FULL.clone());
        host.kill = Some(kill);
        assert_eq!(story(&mut host, old, new), Rest::Killed, "{kill:?}");
        let mut next = Host::new(host.disk);
        assert_eq!(story(&mut next, old, new), Rest::Drained, "{kill:?}");
        assert!(next.disk == expected, "{kill:?}: {:?}", next.disk.state);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Not once but repeatedly, until a session runs to its end.
    #[test]
    fn i11_i01_stopped_again_and_again(kills in prop::collection::vec((0usize..12, any::<bool>()), 0..8)) {
        let (old, new) = &*CHAINS;
        let mut disk = FULL.clone();
        for (write, before) in kills {
            let mut host = Host::new(disk);
            host.kill = Some(if before { Kill::Before(write) } else { Kill::After(write) });
            story(&mut host, old, new);
            disk = host.disk;
        }
        let mut host = Host::new(disk);
        prop_assert_eq!(story(&mut host, old, new), Rest::Drained);
        host.disk.assert_whole(new, range(0, NEW));
    }

    /// News, unwinds and stops at any poll, then the target of an undisturbed run: the same store.
    #[test]
    fn i01_i05_given_up_at_any_point_and_tried_again_equals_a_clean_run(
        disturbances in prop::collection::vec((1usize..60, 0u8..4, 0u64..OLD), 0..6),
    ) {
        let chain = &CHAINS.0;
        let mut host = Host::new(FULL.clone());
        let mut pipeline = real_pipeline(&host.disk);
        host.greet(&mut pipeline, block(chain, OLD));
        for (polls, kind, at) in disturbances {
            host.kill = Some(Kill::After(host.writes + polls % 7));
            let rest = host.run(&mut pipeline);
            host.kill = None;
            match kind {
                // The page was closed.
                0 => pipeline = real_pipeline(&host.disk),
                // Requested while a write was in progress, whose result is lost with the session.
                _ if rest == Rest::Killed => pipeline = real_pipeline(&host.disk),
                1 => host.input(&mut pipeline, PipelineInput::Unwind { to: at, checkpoint: None }),
                2 => host.news(&mut pipeline, News::Target(block(chain, at))),
                _ => host.input(&mut pipeline, PipelineInput::Shutdown),
            }
            if kind == 3 {
                host.run(&mut pipeline);
                pipeline = real_pipeline(&host.disk);
            }
            host.tell_durable(&mut pipeline);
        }
        // Removed headers are fetched again.
        host.run(&mut pipeline);
        let stored = host.disk.headers.len() as u64;
        if stored <= OLD {
            host.disk.download(chain, range(stored, OLD));
        }
        host.greet(&mut pipeline, block(chain, OLD));
        prop_assert_eq!(host.run(&mut pipeline), Rest::Drained);
        host.disk.assert_whole(chain, range(0, OLD));
    }
}

#[test]
fn l10_an_unwind_that_is_interrupted_is_ended_before_anything_else() {
    let chain = &CHAINS.0;
    let mut host = Host::new(FULL.clone());
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(chain, OLD));
    host.run(&mut pipeline);
    let indexed = host.writes;
    host.input(&mut pipeline, PipelineInput::Unwind { to: 5, checkpoint: None });
    host.kill = Some(Kill::After(indexed));
    assert_eq!(host.run(&mut pipeline), Rest::Killed);
    assert_eq!(host.disk.state.unwinding, Some(5));

    let mut next = Host::new(host.disk);
    let mut pipeline = real_pipeline(&next.disk);
    next.greet(&mut pipeline, block(chain, 5));
    assert_eq!(next.run(&mut pipeline), Rest::Drained);
    assert!(next.story()[0].starts_with("unwind hash-index"), "{:?}", next.story());
    next.disk.assert_whole(chain, range(0, 5));
}

/// The machine downloads, and the pipeline follows the durable batches.
#[test]
fn s02_s04_behind_a_real_download() {
    let chain = crate::support::Chain::new(6_000);
    let config = SyncConfig { seed: 7, window: 1_024, ..SyncConfig::default() };
    let mut world = crate::support::World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, crate::support::TestPeer::new(&chain));
    let mut host = Host::default();
    let mut pipeline = real_pipeline(&host.disk);
    let (mut batches, mut told) = (0, 0);
    while !world.is_synced() {
        assert!(world.step(), "the world goes on");
        for event in &world.events[told..] {
            if let Event::TargetResolved(target) = event {
                host.news(&mut pipeline, News::Target(*target));
            }
        }
        told = world.events.len();
        if world.store.batches > batches {
            batches = world.store.batches;
            host.disk.headers = world.store.rows.clone();
            host.disk.machine = world.store.checkpoint.clone();
            host.tell_durable(&mut pipeline);
        }
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
        let stands = host.disk.state.checkpoints.get(&stages::pipeline::HEADERS).and_then(|it| it.block);
        assert_eq!(stands, (world.store.rows.len() == 6_000).then_some(5_999), "not before the run reaches the floor");
    }
    assert_eq!(host.disk.index().len(), 6_000);
    assert!(batches > 4);
}
