//! Stores that hold some runs of some chains, as an interrupted sync leaves them.

use alloy_primitives::B256;
use header_rules::header::Header;
use sync_core::{Checkpoint, Subchain, SyncConfig, SyncTarget};

use super::{CHAIN_ID, Chain, TestPeer, TestStore, World};

/// Lowest number of the syncs in these tests: something above genesis, so that older runs have an end.
pub const FLOOR: u64 = 5;

pub fn config() -> SyncConfig {
    SyncConfig { floor: FLOOR, ..super::ancestor::config() }
}

/// A stored run: its chain, its tail and its head.
pub type Part<'a> = (&'a Chain, u64, u64);

/// A store that holds these runs, newest first.
pub fn store(parts: &[Part<'_>]) -> TestStore {
    let mut store = TestStore::default();
    let mut checkpoint = Checkpoint::new(CHAIN_ID, FLOOR);
    for (chain, tail, head) in parts {
        for number in *tail..=*head {
            store.rows.insert(number, chain.headers[number as usize].clone());
        }
        let lowest = Header::decode(&chain.headers[*tail as usize]).expect("a header");
        let (head_hash, next) = (chain.at(*head).hash, lowest.parent_hash);
        checkpoint.subchains.push(Subchain { head: *head, head_hash, tail: *tail, next });
    }
    assert!(checkpoint.is_sound(), "{checkpoint:?}");
    store.checkpoint = Some(checkpoint);
    store
}

/// Tail and head of each stored run, newest first.
pub fn runs(world: &World) -> Vec<(u64, u64)> {
    let checkpoint = world.store.checkpoint.as_ref();
    checkpoint.map_or(Vec::new(), |it| it.subchains.iter().map(|run| (run.tail, run.head)).collect())
}

/// A new session on such a store, on its way to a header of `chain`.
pub fn session(parts: &[Part<'_>], target: B256) -> World {
    let mut world =
        World::with(parts.first().map_or(Chain::new(1).spec(), |part| part.0.spec()), config(), store(parts));
    world.target(SyncTarget::Hash(target));
    world
}

/// A peer that has nothing but this one header of the chain.
pub fn only(chain: &Chain, number: u64) -> TestPeer {
    TestPeer::new(chain).range(number, number)
}

/// Headers that peers sent.
pub fn served(world: &World) -> u64 {
    world.peers.values().map(|peer| peer.served).sum()
}
