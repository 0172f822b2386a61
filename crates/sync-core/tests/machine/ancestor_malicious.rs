//! Peers of the target's chain with invalid claims while the common ancestor is sought: the hash link decides, the
//! malicious peer is named, the others never.

use crate::support::{
    Chain, TestPeer, World,
    ancestor::{assert_reorg, config, reorgs, spliced, stored},
};
use header_rules::range::BlockRange;
use sync_core::{Event, SyncTarget, fault::PeerFault};

const LIAR: u32 = 1;
const HONEST: u32 = 2;

/// A store of `old`; one peer serves `lies`, whose tip is the same as that of the honest ones.
fn against(old: &Chain, lies: &Chain, truth: &Chain, honest: u32) -> World {
    let mut world = World::with(old.spec(), config(), stored(old));
    world.target(SyncTarget::PeersTip);
    world.connect(LIAR, TestPeer { delay_ms: 1, ..TestPeer::new(lies) });
    for id in 0..honest {
        world.connect(HONEST + id, TestPeer::new(truth));
    }
    world.run_to_synced(300);
    world.assert_stored(truth, 0);
    for id in 0..honest {
        assert_eq!(world.penalized(HONEST + id), Vec::<&PeerFault>::new());
    }
    world
}

#[test]
fn f05_i03_a_false_match_is_refuted_by_the_hash_link_and_its_author_is_banned() {
    let old = Chain::new(2_000);
    let new = old.fork(1_500, 2_050);
    // It says that the chains part right under the stored head.
    let lies = spliced(&new, &old, 1_990);
    let world = against(&old, &lies, &new, 2);
    assert!(world.is_banned(LIAR));
    assert!(matches!(world.penalized(LIAR)[0], PeerFault::BrokenLink { .. }));
    assert_reorg(&world, 1_499, 1_999, 2_049);
}

#[test]
fn f05_a_peer_that_denies_a_true_match_does_not_make_the_reorg_deeper() {
    let old = Chain::new(2_000);
    let new = old.fork(1_900, 2_050);
    let lies = spliced(&new, &old.fork(1, 2_000), 1_899);
    let world = against(&old, &lies, &new, 2);
    assert_reorg(&world, 1_899, 1_999, 2_049);
}

/// No honest witness is there: more is reverted than necessary, and nothing invalid is stored.
#[test]
fn f05_a_lone_malicious_peer_that_denies_everything_costs_a_download_and_no_valid_header() {
    let old = Chain::new(2_000);
    let new = old.fork(1_900, 2_050);
    let lies = spliced(&new, &old.fork(1, 2_000), 1_899);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    world.connect(LIAR, TestPeer::new(&lies));
    world.run_until(20, |world| world.events.iter().any(|event| matches!(event, Event::DetachedHead { .. })));
    world.run_for(20);
    assert!(!world.is_synced(), "it cannot serve what it denies");
    world.connect(HONEST, TestPeer::new(&new));
    world.run_to_synced(900);
    world.assert_stored(&new, 0);
    assert_eq!(world.penalized(HONEST), Vec::<&PeerFault>::new());
    let [(reverted, _)] = reorgs(&world)[..] else { panic!("one reorg: {:?}", reorgs(&world)) };
    assert!(reverted.first() <= 1_900 && reverted.last() == 1_999, "{reverted}");
}

/// Its tip is the stored chain's, so it would name an ancestor that is the stored head itself: it is not asked.
#[test]
fn f05_f09_peers_that_are_still_on_the_old_chain_are_not_asked() {
    let old = Chain::new(2_000);
    let new = old.fork(1_950, 2_050);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::Hash(new.tip().hash));
    world.connect(1, TestPeer { delay_ms: 1, ..TestPeer::new(&old) });
    world.connect(2, TestPeer::new(&new));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_reorg(&world, 1_949, 1_999, 2_049);
    assert_eq!(world.penalties, [], "neither did anything wrong");
}

#[test]
fn f05_every_peer_leaves_in_the_middle_of_the_search_and_others_come() {
    let old = Chain::new(3_000);
    let new = old.fork(1_000, 3_050);
    let mut world = World::with(old.spec(), config(), stored(&old));
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer { delay_ms: 50, ..TestPeer::new(&new) });
    assert!(world.run_until(60, |world| crate::support::ancestor::questions(world) > 4));
    world.disconnect(1);
    world.run_for(30);
    world.connect(2, TestPeer::new(&new));
    world.run_to_synced(60);
    world.assert_stored(&new, 0);
    assert_eq!(world.penalties, []);
    let range = |first, last| BlockRange::new(first, last).expect("rising");
    assert_eq!(reorgs(&world), [(range(1_000, 2_999), range(1_000, 3_049))]);
}
