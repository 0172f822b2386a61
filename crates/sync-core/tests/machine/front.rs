//! Requests for the front, while useless peers come and go under ever new ids.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    strangers::{HONEST, NOBODY, Strangers, assert_not_blamed, connect_honest, run_among},
};
use sync_core::{Input, fault::RequestFailure};

#[test]
fn u03_four_peers_of_no_use_cost_half_the_time_more_and_sixteen_under_new_ids_three_times() {
    let chain = Chain::new(40_000);
    let fork = chain.fork(1, 40_000);
    let mut undisturbed = World::towards(&chain);
    connect_honest(&mut undisturbed, 4, &chain, 150);
    let alone = run_among(&mut undisturbed, NOBODY, 60, &TestPeer::new(&chain), World::is_synced);
    let alone = alone.expect("synced");
    let quick = TestPeer { delay_ms: 1, ..TestPeer::new(&chain) };
    let kinds = [
        ("silent", quick.clone().behavior(Behavior::Silent)),
        ("empty", quick.clone().behavior(Behavior::Empty)),
        ("one header at a time", TestPeer { delay_ms: 1_400, ..quick.clone() }.behavior(Behavior::Short(1))),
        ("on a fork", TestPeer { delay_ms: 1, ..TestPeer::new(&fork) }),
        ("a wrong byte", quick.clone().behavior(Behavior::FlipByte)),
        ("garbage", quick.behavior(Behavior::Garbage)),
    ];
    for (kind, like) in kinds {
        for (at_once, every_ms) in [(2, 1_000), (4, 0), (16, 200)] {
            let mut world = World::towards(&chain);
            connect_honest(&mut world, 4, &chain, 150);
            let took = run_among(&mut world, Strangers { at_once, every_ms }, 60, &like, World::is_synced);
            let what =
                format!("{kind}: {at_once} at once, a new one each {every_ms} ms: {took:?} ms, alone {alone} ms");
            let most = if at_once <= 4 { alone * 3 / 2 } else { alone * 3 };
            assert!(took.is_some_and(|took| took <= most), "{what}");
            world.assert_stored(&chain, 0);
            assert_not_blamed(&world, HONEST..HONEST + 4);
        }
    }
}

/// The front is with a silent peer, and is taken from it for one whose stream broke. Meanwhile a peer came that was never
/// asked; it has a better rank, and must not get the front all the same.
#[test]
fn u03_what_was_taken_for_a_peer_goes_to_that_peer() {
    let chain = Chain::new(60);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 100, ..TestPeer::new(&chain) });
    world.run_to_resolved(5);
    let request = world.requests.last().expect("the front").id;
    world.cut_ways();
    world.input(Input::RequestFailed { request, failure: RequestFailure::Disconnected });
    world.connect(2, TestPeer::new(&chain).behavior(Behavior::Silent));
    world.connect(3, TestPeer::new(&chain).behavior(Behavior::Silent));
    let asked = |world: &World| world.requests.iter().map(|request| request.peer.0).collect::<Vec<_>>();
    assert_eq!(asked(&world), [1, 1, 2], "there is nothing else to ask for");
    world.run_to_synced(4);
    assert_eq!(asked(&world)[3..], [1], "it was not taken for peer 3");
}
