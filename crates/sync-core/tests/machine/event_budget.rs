//! What peers may make the machine say and do: so much a second, whatever they announce and however often they connect.

use crate::support::{Behavior, Chain, TestPeer, World, ancestor::config};
use alloy_primitives::keccak256;
use sync_core::{
    Event, Input, ServedRange, StallReason, SyncConfig, SyncTarget,
    config::{ANNOUNCEMENTS_EVERY, STALL_EVENTS_BURST, STALL_EVENTS_EVERY},
    id::PeerId,
    progress::SyncStage,
};

/// Progress events that a machine with the default configuration says in a second.
const PROGRESS_MAX: usize = 11;
/// Changes of the stall that it says in a second.
const STALLS_MAX: usize = STALL_EVENTS_BURST as usize + 1_000 / STALL_EVENTS_EVERY.as_millis() as usize;
/// Announcements of one peer that it looks at in a second.
const LOOKS_MAX: usize = 1 + 1_000 / ANNOUNCEMENTS_EVERY.as_millis() as usize;

fn count(world: &World, which: impl Fn(&Event) -> bool) -> usize {
    world.events.iter().filter(|event| which(event)).count()
}

fn progress_events(world: &World) -> usize {
    count(world, |event| matches!(event, Event::Progress(_)))
}

fn stall_events(world: &World) -> usize {
    count(world, |event| matches!(event, Event::Stalled(_) | Event::Resumed))
}

fn last_stage(world: &World) -> Option<SyncStage> {
    let mut stages = world.events.iter().filter_map(|event| match event {
        Event::Progress(progress) => Some(progress.stage),
        _ => None,
    });
    stages.next_back()
}

/// Where the last event about a stall leaves the user.
fn told(world: &World) -> Option<StallReason> {
    let mut told = world.events.iter().filter_map(|event| match event {
        Event::Stalled(reason) => Some(Some(reason.clone())),
        Event::Resumed => Some(None),
        _ => None,
    });
    told.next_back().flatten()
}

/// Another tip, of a chain that no peer has.
fn tip(number: u64, salt: u64) -> ServedRange {
    ServedRange { earliest: 0, latest: number, latest_hash: keccak256((number * 1_000_000 + salt).to_be_bytes()) }
}

fn wanting_tip(chain: &Chain, tip_quorum: usize) -> World {
    let mut world = World::with(chain.spec(), SyncConfig { tip_quorum, ..config() }, Default::default());
    world.target(SyncTarget::PeersTip);
    world
}

/// The peer connects, or is gone, every two milliseconds for a second, each time with another tip.
fn flap(world: &mut World, chain: &Chain) {
    for n in 0..500 {
        world.now_ms += 2;
        if n % 2 == 0 {
            let latest = 1_000 + n;
            world.connect(1, TestPeer::new(chain).range(0, latest).behavior(Behavior::Silent));
        } else {
            world.disconnect(1);
        }
    }
}

#[test]
fn u13_a_peer_that_connects_and_leaves_causes_a_few_events_a_second() {
    let chain = Chain::new(2_000);
    for quorum in [1, 2] {
        let mut world = wanting_tip(&chain, quorum);
        world.run_for(8);
        world.events.clear();
        let requests = world.requests.len();
        flap(&mut world, &chain);
        assert!(progress_events(&world) <= PROGRESS_MAX, "{} progress events", progress_events(&world));
        assert!(stall_events(&world) <= STALLS_MAX, "{} changes of the stall", stall_events(&world));
        let targets = count(&world, |event| matches!(event, Event::TargetResolved(_)));
        assert!(targets <= LOOKS_MAX, "{targets} targets");
        assert!(world.events.len() <= 2 * (PROGRESS_MAX + STALLS_MAX), "{} events", world.events.len());
        let requests = world.requests.len() - requests;
        assert!(requests <= 500, "{requests} requests, one a connection at most");
        world.run_for(8);
        assert_eq!(last_stage(&world), Some(world.progress().stage), "the last state is reported");
        assert_eq!(told(&world), world.progress().stall);
    }
}

#[test]
fn u13_a_peer_that_announces_all_the_time_causes_a_few_events_and_requests_a_second() {
    let chain = Chain::new(500);
    let fork = chain.fork(490, 499);
    for (quorum, behavior) in [(1, Behavior::Silent), (2, Behavior::Empty), (2, Behavior::Silent)] {
        let mut world = wanting_tip(&chain, quorum);
        world.lenient = true;
        // These two never agree, so the third is asked for its vote under each of its tips.
        world.connect(1, TestPeer::new(&chain));
        world.connect(2, TestPeer::new(&fork));
        world.connect(3, TestPeer::new(&chain).behavior(behavior));
        for n in 0..6_000 {
            world.run_to_ms(world.now_ms + 10);
            world.input(Input::PeerUpdated { peer: PeerId(3), served: tip(510 + n % 200, n) });
        }
        let seconds = 60;
        assert!(progress_events(&world) <= seconds * PROGRESS_MAX, "{} progress events", progress_events(&world));
        assert!(stall_events(&world) <= seconds * STALLS_MAX, "{} changes of the stall", stall_events(&world));
        let targets = count(&world, |event| matches!(event, Event::TargetResolved(_)));
        assert!(targets <= seconds * LOOKS_MAX, "{targets} targets");
        let asked = world.requests.iter().filter(|request| request.peer == PeerId(3)).count();
        println!("{asked} requests, {} events", world.events.len());
        assert!(asked <= seconds * 15, "{asked} requests to it");
        world.run_for(40);
        assert_eq!(last_stage(&world), Some(world.progress().stage), "the last state is reported");
        assert_eq!(told(&world), world.progress().stall);
    }
}

#[test]
fn u13_the_first_announcement_after_a_quiet_time_is_looked_at_at_once_and_of_more_the_newest() {
    let chain = Chain::new(400);
    let resolved = |world: &World| world.resolved().last().map(|target| target.number);
    let mut world = wanting_tip(&chain, 1);
    world.connect(1, TestPeer::new(&chain).range(0, 0));
    world.run_for(1);
    assert_eq!(resolved(&world), Some(0));
    world.input(Input::PeerUpdated { peer: PeerId(1), served: tip(300, 1) });
    assert_eq!(resolved(&world), Some(300), "at once");
    world.lenient = true;
    for salt in 2..6 {
        world.input(Input::PeerUpdated { peer: PeerId(1), served: tip(300 + salt, salt) });
    }
    assert_eq!(resolved(&world), Some(300), "more wait");
}

/// What is looked at later is not asked for meanwhile: the range that a peer serves holds at once.
#[test]
fn u13_a_peer_is_never_asked_for_more_than_its_last_announcement() {
    let chain = Chain::new(60_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 20, ..TestPeer::new(&chain) });
    assert!(world.run_until(5, World::has_linked));
    let latest_hash = chain.hashes[100];
    for n in 0..20u64 {
        world.now_ms += 1;
        let served = ServedRange { earliest: 0, latest: 100 - n, latest_hash };
        let before = world.requests.len();
        world.input(Input::PeerUpdated { peer: PeerId(1), served });
        assert_eq!(world.requests.len(), before);
    }
}
