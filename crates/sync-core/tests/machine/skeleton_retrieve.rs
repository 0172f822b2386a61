//! Filling a gap with peers that help, do not help, and cheat: the eleven retrievals of geth's skeleton, told for this
//! machine, with how many headers were served and how many peers were dropped; and the one case of linking.
//!
//! What differs in every case: geth is given the head's header, asks in groups of 512 and never for genesis. Here the
//! target is a hash, so its number is asked for (one header more), requests are as long as a response of 48 KiB,
//! genesis is fetched, verified and stored like the others, and a short response is used as far as it goes (P-05).

use std::collections::BTreeSet;

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{assert_reorg, compared_max, config, questions, stored},
    runs::{self, served},
};
use bytes::Bytes;
use header_rules::header::Header;
use header_store::contract::encode;
use sync_core::{Subchain, SyncTarget, fault::PeerFault};

/// Headers of the chain; its tip is the target.
const LEN: u64 = 2_500;
/// The lowest number of the first response of 93 headers, which are 48 KiB: where one request ends and the next begins.
const EDGE: u64 = LEN - 93;
const BAD: u32 = 1;
const GOOD: u32 = 2;

fn chain() -> Chain {
    Chain::new(LEN)
}

fn world(chain: &Chain) -> World {
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world
}

fn dropped(world: &World) -> usize {
    world.peers.keys().filter(|id| world.is_banned(**id)).count()
}

/// A chain of which one header is another than the hash of its child says.
fn with(chain: &Chain, number: u64, bad: impl FnOnce(&Chain) -> Bytes) -> Chain {
    let mut headers = chain.headers.clone();
    headers[number as usize] = bad(chain);
    Chain::of(headers)
}

fn altered(chain: &Chain, number: u64) -> Chain {
    with(chain, number, |chain| {
        let header = Header::decode(&chain.headers[number as usize]).expect("a header");
        encode(&Header { gas_used: header.gas_used + 1, ..header })
    })
}

fn duplicated(chain: &Chain, number: u64) -> Chain {
    with(chain, number, |chain| chain.headers[number as usize + 1].clone())
}

/// Long enough for three slips of a peer that is asked again once a cool-down for what it does not give.
const PATIENCE: u64 = 600;

/// One peer cheats at `number`; alone it is dropped and the sync waits; a good one then ends it. Returns what it did wrong.
fn cheats(bad: TestPeer) -> PeerFault {
    let chain = chain();
    let mut world = world(&chain);
    world.connect(BAD, bad);
    world.run_for(PATIENCE);
    assert!(!world.is_synced());
    assert_eq!(dropped(&world), 1);
    let staged = world.progress().staged + world.progress().stored;
    world.connect(GOOD, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(dropped(&world), 1);
    assert_eq!(world.penalized(GOOD), Vec::<&PeerFault>::new());
    assert_eq!(world.peers[&GOOD].served, LEN - staged, "verified headers are not fetched again");
    world.penalized(BAD).last().copied().cloned().expect("it was dropped for something")
}

#[test]
fn sk_retrieve_01_without_peers_it_waits_and_the_first_one_serves_all() {
    let chain = chain();
    let mut world = world(&chain);
    world.run_for(60);
    assert_eq!(world.requests, []);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!((served(&world), dropped(&world)), (LEN + 1, 0), "all of them, and the question for the number");
}

#[test]
fn sk_retrieve_02_a_second_peer_that_has_nothing_is_not_asked() {
    let chain = chain();
    let mut world = world(&chain);
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain).range(0, 0));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(dropped(&world), 0);
    assert_eq!(served(&world), LEN + 1);
    assert!(world.peers[&2].served <= 1, "genesis at most");
}

#[test]
fn sk_retrieve_03_three_peers_share_the_work_and_no_header_comes_twice() {
    let chain = chain();
    let mut world = world(&chain);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&chain));
    }
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(dropped(&world), 0);
    let is_probe =
        |it: &&sync_core::HeadersRequest| it.limit == 1 && matches!(it.start, sync_core::StartBlock::Hash(_));
    let probes = world.requests.iter().filter(is_probe).count() as u64;
    assert_eq!(served(&world), LEN + probes);
    assert!((1..=3).all(|id| world.peers[&id].served > LEN / 10), "each has a part in it");
}

/// geth drops the peer for the short response. Ours uses the short response; it is the empty ones after it that count,
/// because the peer says that it has the header.
#[test]
fn sk_retrieve_04_a_header_withheld_where_a_response_ends() {
    let fault = cheats(TestPeer::new(&chain()).behavior(Behavior::Withholds(EDGE - 1)));
    assert_eq!(fault, PeerFault::EmptyResponse { start: EDGE - 1 });
}

#[test]
fn sk_retrieve_05_a_header_withheld_inside_a_response() {
    let fault = cheats(TestPeer::new(&chain()).behavior(Behavior::Withholds(EDGE - 40)));
    assert_eq!(fault, PeerFault::EmptyResponse { start: EDGE - 40 });
}

#[test]
fn sk_retrieve_06_a_header_twice_where_a_response_ends() {
    let fault = cheats(TestPeer::new(&duplicated(&chain(), EDGE - 1)));
    assert!(matches!(fault, PeerFault::BrokenLink { .. } | PeerFault::WrongStart { .. }), "{fault:?}");
}

#[test]
fn sk_retrieve_07_a_header_twice_inside_a_response() {
    let fault = cheats(TestPeer::new(&duplicated(&chain(), EDGE - 40)));
    assert!(matches!(fault, PeerFault::BrokenLink { .. }), "{fault:?}");
}

/// The first header of a response does not hash to the anchor. It is requested by its hash, so the peer must deny it;
/// another header, or another chain? It says that it has the target.
#[test]
fn sk_retrieve_08_db4_an_altered_header_where_a_response_begins() {
    let chain = chain();
    let lies = altered(&chain, EDGE - 1);
    let mut world = world(&chain);
    // One response at a time, so that the altered header begins one.
    let bad = TestPeer::new(&lies).range(0, LEN - 1).behavior(Behavior::Withholds(EDGE - 1));
    world.connect(BAD, bad);
    assert!(world.run_until(10, |world| world.progress().staged + world.progress().stored >= 93));
    world.peer_mut(BAD).behavior = Behavior::Honest;
    world.run_for(PATIENCE);
    assert!(matches!(world.penalized(BAD).last(), Some(PeerFault::EmptyResponse { start }) if *start == EDGE - 1));
    assert!(world.is_banned(BAD));
    world.connect(GOOD, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalized(GOOD), Vec::<&PeerFault>::new());
}

#[test]
fn sk_retrieve_09_db4_an_altered_header_inside_a_response() {
    let fault = cheats(TestPeer::new(&altered(&chain(), EDGE - 20)));
    assert!(matches!(fault, PeerFault::BrokenLink { number, .. } if number == EDGE - 20), "{fault:?}");
}

/// The runs meet while the response at the front is late, and others wait behind it. geth had to throw its scratch
/// space away there, or honest peers were dropped for it; here nothing under the meeting point was ever asked for.
#[test]
fn sk_retrieve_10_k05_i16_runs_meet_while_the_front_response_is_late() {
    let chain = chain();
    let older = runs::store(&[(&chain, 1_000, 2_000), (&chain, 0, 500)]);
    let mut world = World::with(chain.spec(), config(), older);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer { delay_ms: 900, ..TestPeer::new(&chain) });
    for id in 2..=4 {
        world.connect(id, TestPeer::new(&chain));
    }
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.penalties, []);
    let missing: BTreeSet<u64> = (501..1_000).chain(2_001..LEN).collect();
    for request in world.requests.iter().filter(|request| request.limit > 1) {
        let sync_core::StartBlock::Number(start) = request.start else { continue };
        let asked = start + 1 - u64::from(request.limit)..=start;
        assert!(asked.clone().all(|number| missing.contains(&number)), "{asked:?} is stored already");
    }
}

/// The stored chain and the target's part 500 blocks under the stored head: down to there, and no further.
#[test]
fn sk_retrieve_11_f06_a_side_chain_under_the_stored_head() {
    let old = chain();
    let side = old.fork(2_000, LEN + 100);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::Hash(side.tip().hash));
    world.connect(1, TestPeer::new(&side));
    world.run_to_synced(60);
    world.assert_stored(&side, 0);
    assert_reorg(&world, 1_999, LEN - 1, LEN + 99);
    assert_eq!(dropped(&world), 0);
    assert!(served(&world) <= 600 + questions(&world) as u64 + 1 + compared_max(500));
}

/// Headers that lie in the store without a checkpoint that speaks of them are nothing to link to: geth's chain was known by
/// hash up to 150 and canonical up to 100, and linking at 150 left a hole. The run goes down to 101.
#[test]
fn sk_link_01_f09_i15_headers_beyond_the_checkpoint_are_no_place_to_link_to() {
    let chain = Chain::new(201);
    let mut store = runs::store(&[(&chain, 0, 150)]);
    let checkpoint = store.checkpoint.as_mut().expect("stored");
    checkpoint.subchains = vec![Subchain { head: 100, head_hash: chain.at(100).hash, ..checkpoint.subchains[0] }];
    assert_eq!(store.rows.len(), 151);
    let mut world = World::with(chain.spec(), config(), store);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    assert_eq!(served(&world), 1 + 100, "its number, and 200 down to 101");
}
