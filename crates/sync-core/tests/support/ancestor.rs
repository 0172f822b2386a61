//! Peers with invalid claims while the common ancestor is sought, and the cost of a search.

use alloy_primitives::keccak256;
use header_rules::{header::Header, range::BlockRange};
use header_store::contract::encode;
use sync_core::{
    Event, HeadersRequest, Input, StartBlock, SyncConfig, SyncTarget,
    config::{ANCESTOR_VERIFY_MAX, ANCESTOR_VERIFY_START},
    id::PeerId,
};

use super::{Chain, TestPeer, TestStore, World};

pub fn config() -> SyncConfig {
    SyncConfig { window: 1_024, seed: 11, ..SyncConfig::default() }
}

/// A store that holds all of `chain`.
pub fn stored(chain: &Chain) -> TestStore {
    stored_with(chain, config())
}

pub fn stored_with(chain: &Chain, config: SyncConfig) -> TestStore {
    let mut world = World::with(chain.spec(), config, TestStore::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(chain));
    world.run_to_synced(120);
    world.store
}

/// A new session on a store that holds `old`, with peers that are on `new`.
pub fn moved(old: &Chain, new: &Chain, peers: u32) -> World {
    let mut world = World::with(old.spec(), config(), stored(old));
    world.target(SyncTarget::PeersTip);
    for id in 1..=peers {
        world.connect(id, TestPeer::new(new));
    }
    world
}

/// What was reverted and adopted, in order.
pub fn reorgs(world: &World) -> Vec<(BlockRange, BlockRange)> {
    let reorgs = world.events.iter().filter_map(|event| match event {
        Event::Reorg { reverted, adopted } => Some((*reverted, *adopted)),
        _ => None,
    });
    reorgs.collect()
}

/// The one reorg that there was: everything above the ancestor.
pub fn assert_reorg(world: &World, ancestor: u64, old_head: u64, target: u64) {
    let range = |last| BlockRange::new(ancestor + 1, last).expect("above the ancestor");
    assert_eq!(reorgs(world), [(range(old_head), range(target))]);
}

pub fn detached(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, Event::DetachedHead { .. })).count()
}

/// Requests for a single header by number: what a search costs. Pieces of a download are longer.
pub fn questions(world: &World) -> usize {
    let single = |request: &&HeadersRequest| request.limit == 1 && matches!(request.start, StartBlock::Number(_));
    world.requests.iter().filter(single).count()
}

/// Headers that are compared for a reorg of this depth, and may lie under the ancestor.
pub fn compared_max(depth: u64) -> u64 {
    if depth <= ANCESTOR_VERIFY_START { ANCESTOR_VERIFY_START } else { ANCESTOR_VERIFY_MAX }
}

/// From now on the peer serves another chain, and announces it.
pub fn announce(world: &mut World, id: u32, chain: &Chain) {
    let before = world.peers[&id].clone();
    let peer = TestPeer {
        latest: chain.tip().number,
        chain: chain.clone(),
        served: before.served,
        bytes: before.bytes,
        ..before
    };
    let served = peer.served_range();
    world.peers.insert(id, peer);
    world.input(Input::PeerUpdated { peer: PeerId(id), served });
}

/// A chain that serves `other`'s headers at and under `number`, and its own above.
pub fn spliced(chain: &Chain, other: &Chain, number: u64) -> Chain {
    let at = number as usize + 1;
    Chain::of(other.headers[..at].iter().chain(&chain.headers[at..]).cloned())
}

/// The same chain, but the header at `number` is not later than its parent, and everything above descends from it.
pub fn broken_at(chain: &Chain, number: u64) -> Chain {
    let mut headers = chain.headers[..number as usize].to_vec();
    for rlp in &chain.headers[number as usize..] {
        let parent_rlp = headers.last().expect("genesis is never the broken one").clone();
        let parent = Header::decode(&parent_rlp).expect("a header");
        let mut header = Header { parent_hash: keccak256(&parent_rlp), ..Header::decode(rlp).expect("a header") };
        if header.number == number {
            header.timestamp = parent.timestamp - 1;
        }
        headers.push(encode(&header));
    }
    Chain::of(headers)
}
