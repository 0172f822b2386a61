//! Headers that are much longer than the target's and that were not linked: they decide nothing for other peers.

use crate::support::{
    Behavior, CHAIN_ID, Chain, TestPeer, World,
    future::{chain_with, changed},
};
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::ChainSpec,
    header::{Header, encode},
    rules::RuleViolation,
};
use sync_core::{StallReason, SyncConfig, SyncTarget, fault::PeerFault, id::PeerId};

/// The same chain from its block 1 on with so many bytes of extra data.
fn fat(chain: &Chain, bytes: usize) -> Chain {
    let extra = vec![1; bytes];
    let mut headers: Vec<Bytes> = vec![chain.headers[0].clone()];
    for rlp in &chain.headers[1..] {
        let parent_hash = keccak256(headers.last().expect("genesis"));
        headers.push(encode(&Header { parent_hash, extra_data: &extra, ..Header::decode(rlp).expect("decodes") }));
    }
    Chain::of(headers)
}

/// All rules hold, for ever.
fn known(chain: &Chain) -> ChainSpec {
    let forks = ChainSpec::generated(B256::ZERO).forks().expect("a schedule").clone();
    ChainSpec::custom(CHAIN_ID, chain.genesis(), forks)
}

/// One honest peer at 100 ms, and then `others`. How long the sync takes, in milliseconds.
fn synced_in(spec: ChainSpec, chain: &Chain, others: &[TestPeer]) -> (u64, World) {
    let mut world = World::with(spec, SyncConfig { seed: 7, ..SyncConfig::default() }, Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer { delay_ms: 100, ..TestPeer::new(chain) });
    world.run_to_resolved(5);
    for (id, peer) in (2..).zip(others) {
        world.connect(id, TestPeer { delay_ms: 5, ..peer.clone() });
    }
    let start = world.now_ms;
    world.run_to_synced(120);
    world.assert_stored(chain, 0);
    assert_eq!(world.penalized(1), Vec::<&PeerFault>::new());
    assert!(world.memory_peak <= world.config.staged_bytes_max, "{}", world.memory_peak);
    (world.now_ms - start, world)
}

fn requests_of(world: &World, id: u32) -> impl Iterator<Item = u16> {
    world.requests.iter().filter(move |request| request.peer == PeerId(id)).map(|request| request.limit)
}

#[test]
fn u07_one_peers_fat_headers_change_no_request_to_others() {
    let chain = Chain::new(12_000);
    let lies = fat(&chain, 60_000);
    let (alone, quiet) = synced_in(chain.spec(), &chain, &[]);
    let attacker = TestPeer::new(&lies).behavior(Behavior::Short(1));
    let (attacked, world) = synced_in(chain.spec(), &chain, &[attacker]);
    assert!(attacked * 2 <= alone * 3, "{attacked} ms, {alone} ms without");
    let small = |world: &World| requests_of(world, 1).filter(|limit| (2..=8).contains(limit)).count();
    assert!(small(&world) <= small(&quiet) + 8, "{} small requests", small(&world));
}

#[test]
fn u07_fat_responses_of_three_peers_do_not_fill_the_memory() {
    let chain = Chain::new(12_000);
    let lies = fat(&chain, 20_000);
    let (alone, _) = synced_in(chain.spec(), &chain, &[]);
    let (attacked, world) = synced_in(chain.spec(), &chain, &vec![TestPeer::new(&lies); 3]);
    assert!(attacked * 2 <= alone * 3, "{attacked} ms, {alone} ms without");
    assert!(world.memory_peak < world.config.staged_bytes_max / 2, "{}", world.memory_peak);
}

#[test]
fn u07_on_a_known_chain_a_header_that_is_too_long_is_dropped_when_it_comes() {
    let chain = chain_with(6_000, |_, rlp| rlp);
    let lies = fat(&chain, 20_000);
    let (alone, _) = synced_in(known(&chain), &chain, &[]);
    let (attacked, world) = synced_in(known(&chain), &chain, &vec![TestPeer::new(&lies); 3]);
    assert!(attacked * 2 <= alone * 3, "{attacked} ms, {alone} ms without");
    // Each is asked a few times, from ever further down.
    for id in 2..=4 {
        let asked = requests_of(&world, id).filter(|limit| *limit > 1).count();
        assert!(asked < 64, "{asked}");
    }
}

/// The target's own chain has one: by number it is no fault, by hash the rules judge it.
#[test]
fn u07_no_peer_is_penalized_for_a_long_header_that_the_target_vouches_for() {
    let long = |number: u64, rlp: Bytes| {
        if number != 900 {
            return rlp;
        }
        changed(&rlp, |items| items[12] = alloy_rlp::encode(Bytes::from(vec![1; 2_000])))
    };
    let chain = chain_with(2_000, long);
    let mut world = World::with(known(&chain), SyncConfig { seed: 7, ..SyncConfig::default() }, Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&chain));
    }
    let found = world.run_until(60, |world| !world.stalls().is_empty());
    assert!(found, "{:#?}", world.progress());
    world.run_for(30);
    assert_eq!(world.penalties, []);
    let is_it = |stall: &StallReason| match stall {
        StallReason::InvalidTarget { number: 900, violation, .. } => {
            matches!(**violation, RuleViolation::ExtraData { .. })
        }
        _ => false,
    };
    assert!(world.stalls().iter().any(is_it), "{:?}", world.stalls());
}

/// A chain whose headers are long: the first linked response says so, and requests follow.
#[test]
fn u07_requests_follow_the_length_of_linked_headers() {
    let chain = fat(&Chain::new(3_000), 7_000);
    let (_, world) = synced_in(chain.spec(), &chain, &[]);
    let late: Vec<u16> = requests_of(&world, 1).filter(|limit| *limit > 1).skip(20).collect();
    assert!(!late.is_empty() && late.iter().all(|limit| *limit <= 12), "{late:?}");
}
