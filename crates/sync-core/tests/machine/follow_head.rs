//! Following the head: which tips become targets, what a target needs before a download, and which events are sent
//! when.

use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, assert_reorg, config, moved, reorgs, stored},
    runs::{self, served},
};
use sync_core::{
    Event, HeadersRequest, ServedRange, StartBlock, SyncConfig, SyncTarget, TipClaim,
    config::ANCESTOR_PEERS_MAX,
    fault::{PeerFault, Verdict},
    id::PeerId,
    progress::SyncStage,
};

/// shinode polls every second, probes 3 peers for the head and 3 for a reorg, and rolls back 64 blocks. Ours is told of new
/// heads (eth/69 announces them), asks as many peers, and follows geth's threshold for what may be rolled back.
#[test]
fn f01_the_figures_of_following() {
    let config = SyncConfig::default();
    assert_eq!(ANCESTOR_PEERS_MAX, 3);
    assert_eq!(config.rollback_window, 90_000);
    assert_eq!(config.near_tip, 64);
}

/// One peer of three names a tip far above, which the others do not confirm: the head stays where it is, and the
/// malicious peer is asked for nothing that the others could not serve.
#[test]
fn f02_a_lone_announcement_does_not_move_the_head() {
    let chain = Chain::new(1_000);
    let mut world = World::with(chain.spec(), SyncConfig { tip_quorum: 2, ..config() }, stored(&chain));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain.branch(900, 5_000, 9)));
    world.connect(2, TestPeer::new(&chain));
    world.connect(3, TestPeer::new(&chain));
    world.run_to_synced(30);
    world.run_for(60);
    world.assert_stored(&chain, 0);
    assert_eq!(world.resolved(), [chain.tip()]);
    assert_eq!(reorgs(&world), []);
}

/// Even the only peer cannot move what is stored by a word: what it announces must link, header by header.
#[test]
fn f02_an_announced_head_counts_once_it_links() {
    let chain = Chain::new(1_000);
    let mut world = World::with(chain.spec(), config(), stored(&chain));
    world.target(SyncTarget::PeersTip);
    let peer = TestPeer::new(&chain);
    let mut status = peer.status();
    status.served = ServedRange { latest: 9_000, latest_hash: crate::support::no_hash(), ..status.served };
    world.peers.insert(1, TestPeer { connected: true, ..peer });
    world.input(sync_core::Input::PeerConnected { peer: sync_core::id::PeerId(1), status });
    world.run_for(60);
    assert!(!world.is_synced());
    world.assert_stored(&chain, 0);
}

#[test]
fn f03_the_stages_come_in_order_and_synced_is_said_once() {
    let chain = Chain::new(1_500);
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer { delay_ms: 30, ..TestPeer::new(&chain) });
    world.run_to_synced(60);
    world.run_for(60);
    let mut stages: Vec<SyncStage> = Vec::new();
    for event in &world.events {
        if let Event::Progress(progress) = event
            && stages.last() != Some(&progress.stage)
        {
            stages.push(progress.stage);
        }
    }
    assert_eq!(stages, [SyncStage::FindingPeers, SyncStage::Headers, SyncStage::Synced]);
    assert_eq!(world.events.iter().filter(|event| matches!(event, Event::Synced { .. })).count(), 1);
}

/// A single peer's other hash rolls nothing back: most peers must agree on the tip, and the new chain must come down to the
/// stored one.
#[test]
fn f04_one_peer_on_another_chain_rolls_nothing_back() {
    let chain = Chain::new(2_000);
    let other = chain.fork(1_900, 2_500);
    let mut world = World::with(chain.spec(), SyncConfig { tip_quorum: 2, ..config() }, stored(&chain));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&other));
    world.connect(2, TestPeer::new(&chain));
    world.run_for(60);
    assert_eq!(reorgs(&world), []);
    world.connect(3, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    // Two of three say otherwise: a reorg.
    announce(&mut world, 3, &other);
    assert!(world.run_until(60, |world| world.resolved().last() == Some(&other.tip())));
    world.run_to_synced(60);
    world.assert_stored(&other, 0);
    assert_eq!(world.penalties, []);
}

/// reth follows 32 blocks in its tree and sends anything longer through the pipeline. Here there is one way for any length.
#[test]
fn f07_one_block_and_ten_thousand_are_followed_in_the_same_way() {
    let chain = Chain::new(500);
    for more in [1, 31, 33, 10_000] {
        let grown = chain.grown(more);
        let mut world = moved(&chain, &grown, 2);
        world.run_to_synced(120);
        world.assert_stored(&grown, 0);
        assert_eq!(served(&world), more);
    }
}

/// A hash is asked for by one `falling(hash, 1)` to some peers; what is missing is asked for by number once the target's is
/// known; a gap under a stored run needs no question at all, because its number and hash are in the checkpoint.
#[test]
fn d02_d03_a_hash_is_probed_first_and_a_gap_needs_no_probe() {
    let chain = Chain::new(1_000);
    let hash = chain.tip().hash;
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(hash));
    world.connect(1, TestPeer::new(&chain));
    let probe = |request: &HeadersRequest| (request.start, request.limit) == (StartBlock::Hash(hash), 1);
    assert_eq!(world.requests.len(), 1, "nothing before its number is known");
    assert!(probe(&world.requests[0]));
    world.run_to_synced(60);
    assert_eq!(world.requests.iter().filter(|request| probe(request)).count(), 1);
    assert_eq!(world.resolved(), [chain.tip()]);

    let mut world = runs::session(&[(&chain, 600, 999)], hash);
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert!(world.requests.iter().all(|request| !probe(request)));
    let top = world.requests[0].start;
    assert_eq!(top, StartBlock::Hash(chain.at(599).hash), "the gap ends, above, right under the stored run");
}

/// reth asks for the tip again unless it is the first header in its queue. Ours knows the head of every stored run.
#[test]
fn d04_a_target_that_is_a_stored_head_is_not_asked_for() {
    let chain = Chain::new(1_000);
    let mut world = runs::session(&[(&chain, 600, 999)], chain.tip().hash);
    assert_eq!(world.resolved(), [chain.tip()], "before any peer");
    world.connect(1, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(served(&world), 600 - runs::FLOOR);
}

/// Nothing at or under a stored head is ever asked for or written, and the header right above it must name it.
#[test]
fn d13_db7_only_what_lies_above_the_stored_head_is_fetched_and_it_must_attach() {
    let chain = Chain::new(2_000);
    let mut lies = chain.headers.clone();
    lies[1_500] = chain.fork(1_500, 1_501).headers[1_500].clone();
    let mut world = World::with(chain.spec(), config(), runs::store(&[(&chain, 0, 1_499)]));
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&Chain::of(lies)));
    world.run_for(20);
    assert!(!world.is_synced());
    assert!(matches!(world.penalties[..], [(1, PeerFault::BrokenLink { number: 1_500, .. }, Verdict::Banned)]));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
    let lowest = world.requests.iter().filter_map(|request| match request.start {
        StartBlock::Number(start) => Some(start + 1 - u64::from(request.limit)),
        StartBlock::Hash(_) => None,
    });
    assert_eq!(lowest.min(), Some(1_500));
}

/// The last block is always a reorg away: twenty of them in a row, of one to three blocks, while the page is open.
#[test]
fn f06_i06_small_reorgs_in_a_row_are_followed() {
    let mut chain = Chain::new(500);
    let mut world = moved(&chain, &chain, 2);
    world.run_to_synced(60);
    for turn in 0..20u8 {
        let parts_at = chain.tip().number + 1 - u64::from(turn % 3) - 1;
        let before = chain.tip().number;
        chain = chain.branch(parts_at, before + 2, turn + 2);
        announce(&mut world, 1, &chain);
        announce(&mut world, 2, &chain);
        let tip = chain.tip();
        assert!(world.run_until(60, |world| world.resolved().last() == Some(&tip) && world.is_synced()), "turn {turn}");
        world.assert_stored(&chain, 0);
    }
    assert_eq!(reorgs(&world).len(), 20);
    assert_eq!(world.penalties, []);
}

/// A silent peer and one that knows nothing are no obstacle to a search.
#[test]
fn f05_i09_a_search_goes_on_around_silent_and_empty_peers() {
    let old = Chain::new(1_500);
    let new = old.fork(1_400, 1_600);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&new).behavior(Behavior::Silent));
    world.connect(2, TestPeer::new(&new).behavior(Behavior::Empty));
    world.connect(3, TestPeer::new(&new));
    world.run_to_synced(300);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_399, 1_499, 1_599);
    assert_eq!(world.penalized(3), Vec::<&PeerFault>::new());
}

/// Three peers on three chains: each is asked once what it has at the others' heights, and not again and again.
#[test]
fn f02_peers_that_disagree_are_asked_once_until_they_announce_something_new() {
    let chain = Chain::new(500);
    let config = SyncConfig { tip_quorum: 2, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::PeersTip);
    for (id, len) in [(1, 600), (2, 610), (3, 620)] {
        world.connect(id, TestPeer::new(&chain.branch(400, len, id as u8 + 1)));
    }
    world.run_for(60);
    assert!(world.requests.len() <= 3, "{:?}", world.requests);
    assert!(
        matches!(world.stalls()[..], [sync_core::StallReason::TipsDisagree { need: 2, .. }]),
        "{:?}",
        world.stalls()
    );
}

/// reth's third kind of target. A number alone identifies no block, so it takes as many votes as a tip does; then it
/// stays.
#[test]
fn d02_a_number_is_a_target_once_enough_peers_agree_on_its_header() {
    let chain = Chain::new(1_000);
    let other = chain.fork(500, 1_000);
    let config = SyncConfig { tip_quorum: 2, ..config() };
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(SyncTarget::Number(800));
    world.connect(1, TestPeer::new(&chain));
    world.run_for(10);
    assert_eq!(world.stalls(), [sync_core::StallReason::QuorumNotReached { have: 1, need: 2 }]);
    world.connect(2, TestPeer::new(&other));
    world.run_for(10);
    let claims = [(1, &chain), (2, &other)].map(|(id, chain)| TipClaim { peer: PeerId(id), tip: chain.at(800) });
    let disagree = sync_core::StallReason::TipsDisagree { need: 2, claims: claims.to_vec() };
    assert_eq!(world.stalls().last(), Some(&disagree));
    world.connect(3, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(world.resolved(), [chain.at(800)]);
    assert_eq!(world.store.rows.len(), 801);
    assert_eq!(world.penalties, []);
    // Another number further down of the same chain is there already.
    let before = served(&world);
    world.target(SyncTarget::Number(300));
    assert!(world.run_until(10, |world| world.resolved().last() == Some(&chain.at(300)) && world.is_synced()));
    assert!(served(&world) - before <= 3);
}
