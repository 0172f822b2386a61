//! Who may be asked for what everything waits for, while peers of no use come and go under ever new ids.

use crate::support::{Chain, Manner, TestPeer, World};
use sync_core::fault::PeerFault;

const HONEST: u32 = 1_000_000;

/// Peers of no use: so many at once, one of them replaced by a new id every so many milliseconds; 0: never.
#[derive(Clone, Copy)]
struct Strangers {
    at_once: u32,
    every_ms: u64,
}

/// Honest peers with a round trip of 150 ms.
fn honest(world: &mut World, count: u32, chain: &Chain) {
    for id in HONEST..HONEST + count {
        world.connect(id, TestPeer { delay_ms: 150, ..TestPeer::new(chain) });
    }
}

/// Runs to the end of the sync, at most so many seconds; returns the milliseconds that it took.
fn run_among(world: &mut World, strangers: Strangers, seconds: u64, like: &TestPeer) -> Option<u64> {
    let start = world.now_ms;
    let mut id = 1;
    while id <= strangers.at_once {
        world.connect(id, like.clone());
        id += 1;
    }
    let every = if strangers.every_ms == 0 { u64::MAX / 2 } else { strangers.every_ms };
    let mut next = start + every;
    while !world.is_synced() {
        if world.now_ms >= start + seconds * 1_000 {
            return None;
        }
        if world.now_ms >= next {
            world.disconnect(id - strangers.at_once);
            world.connect(id, like.clone());
            id += 1;
            next += every;
        }
        let until = next;
        world.run_until_ms(until, World::is_synced);
    }
    Some(world.now_ms - start)
}

fn assert_honest_are_not_blamed(world: &World, count: u32) {
    for id in HONEST..HONEST + count {
        assert_eq!(world.penalized(id), Vec::<&PeerFault>::new(), "peer {id}");
    }
}

#[test]
fn u03_four_peers_of_no_use_cost_half_the_time_more_and_sixteen_under_new_ids_three_times() {
    let chain = Chain::new(40_000);
    let fork = chain.fork(1, 40_000);
    let mut undisturbed = World::towards(&chain);
    honest(&mut undisturbed, 4, &chain);
    let alone = run_among(&mut undisturbed, Strangers { at_once: 0, every_ms: 0 }, 60, &TestPeer::new(&chain));
    let alone = alone.expect("synced");
    let quick = TestPeer { delay_ms: 1, ..TestPeer::new(&chain) };
    let kinds = [
        ("silent", quick.clone().manner(Manner::Silent)),
        ("empty", quick.clone().manner(Manner::Empty)),
        ("one header at a time", TestPeer { delay_ms: 1_400, ..quick.clone() }.manner(Manner::Short(1))),
        ("on a fork", TestPeer { delay_ms: 1, ..TestPeer::new(&fork) }),
        ("a wrong byte", quick.clone().manner(Manner::FlipByte)),
        ("garbage", quick.manner(Manner::Garbage)),
    ];
    for (kind, like) in kinds {
        for (at_once, every_ms) in [(2, 1_000), (4, 0), (16, 200)] {
            let mut world = World::towards(&chain);
            honest(&mut world, 4, &chain);
            let took = run_among(&mut world, Strangers { at_once, every_ms }, 60, &like);
            let what =
                format!("{kind}: {at_once} at once, a new one each {every_ms} ms: {took:?} ms, alone {alone} ms");
            let most = if at_once <= 4 { alone * 3 / 2 } else { alone * 3 };
            assert!(took.is_some_and(|took| took <= most), "{what}");
            world.assert_stored(&chain, 0);
            assert_honest_are_not_blamed(&world, 4);
        }
    }
}
