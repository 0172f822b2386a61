//! Peers of no use that come and go under ever new ids, and peers that say what is not so when they connect.

use alloy_primitives::B256;
use sync_core::{Input, PeerStatus, id::PeerId};

use super::{Chain, TestPeer, World};

/// The first id of honest peers; strangers count from 1.
pub const HONEST: u32 = 1_000_000;

/// So many at once, one of them replaced by a new id every so many milliseconds; 0: never.
#[derive(Clone, Copy)]
pub struct Strangers {
    pub at_once: u32,
    pub every_ms: u64,
}

pub const NOBODY: Strangers = Strangers { at_once: 0, every_ms: 0 };

/// Honest peers with such a round trip.
pub fn connect_honest(world: &mut World, count: u32, chain: &Chain, delay_ms: u64) {
    for id in HONEST..HONEST + count {
        world.connect(id, TestPeer { delay_ms, ..TestPeer::new(chain) });
    }
}

/// Runs until `done` among strangers like this one, at most so many seconds; returns the milliseconds that it took.
pub fn run_among(
    world: &mut World,
    strangers: Strangers,
    seconds: u64,
    like: &TestPeer,
    done: impl Fn(&World) -> bool,
) -> Option<u64> {
    let start = world.now_ms;
    let mut id = 1;
    while id <= strangers.at_once {
        world.connect(id, like.clone());
        id += 1;
    }
    let every = if strangers.every_ms == 0 { u64::MAX / 2 } else { strangers.every_ms };
    let mut next = start + every;
    let end = start + seconds * 1_000;
    while !done(world) {
        if world.now_ms >= end {
            return None;
        }
        if world.now_ms >= next {
            world.disconnect(id - strangers.at_once);
            world.connect(id, like.clone());
            id += 1;
            next += every;
        }
        world.run_until_ms(next.min(end), &done);
    }
    Some(world.now_ms - start)
}

/// The peer says that it has this genesis, whatever its chain begins with.
pub fn connect_claiming(world: &mut World, id: u32, peer: TestPeer, genesis: B256) {
    let status = PeerStatus { genesis: Some(genesis), ..peer.status() };
    world.peers.insert(id, TestPeer { connected: true, ..peer });
    world.input(Input::PeerConnected { peer: PeerId(id), status });
}

/// No peer with these ids was penalized.
pub fn assert_not_blamed(world: &World, ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        assert!(world.penalized(id).is_empty(), "peer {id}: {:?}", world.penalized(id));
    }
}
