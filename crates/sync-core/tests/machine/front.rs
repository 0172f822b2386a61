//! Who may be asked for what everything waits for, while peers of no use come and go under ever new ids.

use crate::support::{
    Chain, Manner, TestPeer, World,
    strangers::{HONEST, NOBODY, Strangers, assert_not_blamed, connect_honest, run_among},
};

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
