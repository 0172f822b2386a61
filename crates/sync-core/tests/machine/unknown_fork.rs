//! Headers that this release cannot judge: the sync stalls, no peer is penalized, and stored headers stay.

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::{ChainSpec, ForkSchedule},
    header::{Header, HeaderError, encode},
    rules::{Field, GAS_PER_BLOB, RuleViolation, UnknownFork},
};
use sync_core::{Event, StallReason, SyncConfig, SyncTarget};

use crate::support::{
    Behavior, CHAIN_ID, Chain, TestPeer, World,
    future::{chain_with, changed, spec_known_until, time_of},
};

/// The first block of the unknown fork.
const FORK: u64 = 900;
const LEN: usize = 1_000;

/// Two more fields, and an unknown one after them.
fn with_unknown_field(rlp: &[u8]) -> Bytes {
    changed(rlp, |items| {
        items.extend([alloy_rlp::encode(B256::repeat_byte(1)), alloy_rlp::encode(7u64), alloy_rlp::encode(9u64)]);
    })
}

/// Amsterdam, which is not scheduled.
fn with_amsterdam(rlp: &[u8]) -> Bytes {
    let header = Header::decode(rlp).expect("decodes");
    encode(&Header { block_access_list_hash: Some(B256::repeat_byte(1)), slot_number: Some(7), ..header })
}

/// More blobs than any parameters known here allow.
fn with_blobs(rlp: &[u8]) -> Bytes {
    encode(&Header { blob_gas_used: Some(40 * GAS_PER_BLOB), ..Header::decode(rlp).expect("decodes") })
}

/// Gas costs what no rule known here says: each price is far from the one before.
fn with_other_fee(rlp: &[u8]) -> Bytes {
    let header = Header::decode(rlp).expect("decodes");
    let fee = if header.number.is_multiple_of(2) { 1_000_000 } else { 1_000_000_000_000 };
    encode(&Header { base_fee_per_gas: Some(fee), ..header })
}

/// Not even a list.
fn other_form(_: &[u8]) -> Bytes {
    Bytes::from_static(b"something that is no list")
}

fn above(from: u64, change: fn(&[u8]) -> Bytes) -> impl Fn(u64, Bytes) -> Bytes {
    move |number, rlp| if number >= from { change(&rlp) } else { rlp }
}

/// Three honest peers serve the chain; the world runs until something stalls.
fn stalled(chain: &Chain, spec: ChainSpec, target: SyncTarget, config: SyncConfig) -> World {
    let mut world = World::with(spec, config, Default::default());
    world.target(target);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(chain));
    }
    assert!(world.run_until(60, |world| !world.stalls().is_empty()), "{:#?}", world.progress());
    world.run_for(30);
    assert_eq!(world.penalties, [], "an honest peer is penalized");
    assert!(!world.is_synced());
    world
}

fn config() -> SyncConfig {
    SyncConfig { seed: 7, tip_quorum: 2, window: 128, ..SyncConfig::default() }
}

fn unknown(stall: &StallReason) -> (Option<u64>, B256, UnknownFork) {
    let StallReason::UnknownFork { number, hash, why } = stall else { panic!("another stall: {stall:?}") };
    (*number, *hash, (**why).clone())
}

/// The target itself is of a later fork: whatever the fork changed, whoever names the target.
#[test]
fn u09_a_target_of_a_later_fork_is_no_fault() {
    for change in [with_unknown_field, with_amsterdam, with_blobs, with_other_fee] {
        let chain = chain_with(LEN, above(FORK, change));
        for target in [SyncTarget::Hash(chain.tip().hash), SyncTarget::PeersTip, SyncTarget::Number(LEN as u64 - 1)] {
            let world = stalled(&chain, spec_known_until(&chain, FORK - 100), target, config());
            let [stall] = &world.stalls()[..] else { panic!("{:?}", world.stalls()) };
            let (number, hash, _) = unknown(stall);
            assert_eq!((number, hash), (Some(LEN as u64 - 1), chain.tip().hash));
            assert!(world.store.rows.is_empty(), "nothing of it can be judged");
            assert_eq!(world.progress().stall.as_ref(), Some(stall));
        }
    }
}

/// Not even the number of the target can be read.
#[test]
fn a_target_of_another_form_is_no_fault() {
    let chain = chain_with(LEN, |number, rlp| if number == LEN as u64 - 1 { other_form(&rlp) } else { rlp });
    for target in [SyncTarget::Hash(chain.tip().hash), SyncTarget::PeersTip] {
        let world = stalled(&chain, spec_known_until(&chain, FORK), target, config());
        let (number, hash, why) = unknown(&world.stalls()[0]);
        assert_eq!(hash, chain.tip().hash);
        assert!(matches!(why, UnknownFork::Undecodable(HeaderError::List(_))), "{why:?}");
        let is_pinned = matches!(target, SyncTarget::Hash(_));
        assert_eq!(number, (!is_pinned).then_some(LEN as u64 - 1));
        assert!(world.requests.len() < 20, "asked {} times", world.requests.len());
    }
}

/// A chain that was synced, and goes on into a fork that is not known: stored headers stay, no peer is penalized, and
/// the state tells. Each new tip costs a request or two.
#[test]
fn a_chain_that_forks_while_it_is_followed() {
    let chain = chain_with(LEN, above(FORK, with_unknown_field));
    let spec = spec_known_until(&chain, FORK - 1);
    let before = Chain::of(chain.headers[..FORK as usize].to_vec());
    let mut world = World::with(spec, config(), Default::default());
    world.target(SyncTarget::PeersTip);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&before));
    }
    world.run_to_synced(60);
    for tip in [FORK, FORK + 1, FORK + 20] {
        let asked = world.requests.len();
        for id in 1..=3 {
            let grown = Chain::of(chain.headers[..=tip as usize].to_vec());
            let peer = TestPeer::new(&grown);
            let served = peer.served_range();
            *world.peer_mut(id) = TestPeer { connected: true, ..peer };
            world.input(sync_core::Input::PeerUpdated { peer: sync_core::id::PeerId(id), served });
        }
        world.run_for(20);
        let stall = world.progress().stall.expect("stalled");
        assert_eq!(unknown(&stall).0, Some(tip));
        assert!(world.requests.len() - asked <= 6, "{} requests for one tip", world.requests.len() - asked);
    }
    assert_eq!(world.penalties, []);
    assert_eq!(world.store.rows.len() as u64, FORK);
    let resumed = world.events.iter().filter(|event| matches!(event, Event::Resumed)).count();
    assert_eq!(resumed, 0, "it looks mended in between");
    world.assert_stored(&before, 0);
}

/// A fork that is scheduled was cancelled or moved: the blocks that should have its fields have none. What is above the
/// first of them, from the fork as it really came, is stored and stays; what is below is not asked for.
#[test]
fn a_fork_that_was_moved_stops_the_sync_above_the_first_block_that_lacks_it() {
    let moved_to = 960;
    let chain = chain_with(LEN, above(moved_to, with_amsterdam));
    let ChainParts { spec } = scheduled(&chain, Some(FORK), FORK - 200);
    let target = SyncTarget::Hash(chain.tip().hash);
    let world = stalled(&chain, spec.clone(), target, config());
    let (number, hash, why) = unknown(&world.stalls()[0]);
    assert_eq!((number, hash), (Some(moved_to - 1), chain.hashes[moved_to as usize - 1]));
    assert_eq!(why, UnknownFork::Unfitting(RuleViolation::FieldMissing(Field::BlockAccessListHash)));
    let stored: Vec<u64> = world.store.rows.keys().copied().collect();
    assert_eq!(stored, (moved_to..LEN as u64).collect::<Vec<_>>(), "the headers above are verified and stored");
    // The same in the next session, and nothing is lost.
    let mut again = world.reopened();
    again.target(target);
    again.connect(1, TestPeer::new(&chain));
    assert!(again.run_until(60, |world| !world.stalls().is_empty()));
    assert_eq!(unknown(&again.stalls()[0]).0, Some(moved_to - 1));
    assert_eq!(again.store.rows.len(), stored.len());
    // A release that knows better goes on from there.
    let ChainParts { spec } = scheduled(&chain, Some(moved_to), FORK - 200);
    let mut newer = World::with(spec, config(), again.store);
    newer.target(target);
    newer.connect(1, TestPeer::new(&chain));
    newer.run_to_synced(60);
    newer.assert_stored(&chain, 0);
}

struct ChainParts {
    spec: ChainSpec,
}

/// The rules of the chain, with Amsterdam from this block on.
fn scheduled(chain: &Chain, amsterdam: Option<u64>, known: u64) -> ChainParts {
    let spec = spec_known_until(chain, known);
    let forks = spec.forks().expect("a schedule").clone();
    let amsterdam = amsterdam.map(|number| time_of(chain, number));
    ChainParts { spec: ChainSpec::custom(CHAIN_ID, chain.genesis(), ForkSchedule { amsterdam, ..forks }) }
}

/// While the schedule is certain, what breaks it is invalid, as it always was.
#[test]
fn u09_where_the_schedule_is_certain_a_broken_rule_is_a_broken_rule() {
    for change in [with_unknown_field, with_amsterdam, with_blobs, with_other_fee] {
        let chain = chain_with(LEN, above(FORK, change));
        for spec in [spec_known_until(&chain, LEN as u64 - 1), certain_for_ever(&chain)] {
            // The target is the last block that the schedule is certain of.
            let shown = Chain::of(chain.headers[..LEN - 1].to_vec());
            let world = stalled(&shown, spec, SyncTarget::Hash(shown.tip().hash), config());
            assert!(matches!(world.stalls()[0], StallReason::InvalidTarget { .. }), "{:?}", world.stalls());
        }
    }
}

/// And what no fork changes is invalid at any time.
#[test]
fn a_rule_that_no_fork_changes_holds_after_the_schedule_too() {
    let late = |rlp: &[u8]| encode(&Header { gas_used: 30_000_001, ..Header::decode(rlp).expect("decodes") });
    let chain = chain_with(LEN, above(FORK, late));
    let target = SyncTarget::Hash(chain.tip().hash);
    let world = stalled(&chain, spec_known_until(&chain, FORK - 100), target, config());
    assert!(matches!(world.stalls()[0], StallReason::InvalidTarget { .. }), "{:?}", world.stalls());
}

fn certain_for_ever(chain: &Chain) -> ChainSpec {
    let forks = ChainSpec::generated(B256::ZERO).forks().expect("a schedule").clone();
    ChainSpec::custom(CHAIN_ID, chain.genesis(), forks)
}

/// Most peers are on a fork that is not known, a few name a tip of their own that is: those few do not become the quorum.
#[test]
fn peers_on_the_unknown_fork_keep_their_votes() {
    let chain = chain_with(LEN, above(FORK, with_unknown_field));
    let forged = chain_with(LEN + 5, |number, rlp| {
        let header = Header::decode(&rlp).expect("decodes");
        if number < FORK { rlp } else { encode(&Header { state_root: B256::repeat_byte(9), ..header }) }
    });
    let mut world = World::with(spec_known_until(&chain, FORK - 1), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    for id in 1..=3 {
        world.connect(id, TestPeer::new(&chain));
    }
    for id in 4..=5 {
        world.connect(id, TestPeer::new(&forged));
    }
    world.run_for(60);
    assert!(!world.is_synced());
    assert!(matches!(world.progress().stall, Some(StallReason::UnknownFork { .. })), "{:?}", world.stalls());
    assert!((1..=3).all(|id| world.penalized(id).is_empty()));
    // Most of them turn out to be on the chain that is known: the stall ends by itself.
    for id in 6..=9 {
        world.connect(id, TestPeer::new(&forged));
    }
    world.run_to_synced(60);
    assert_eq!(world.progress().stall, None);
    world.assert_stored(&forged, 0);
}

/// Bytes that were not requested are their sender's fault, whatever they look like.
#[test]
fn what_was_not_asked_for_is_a_fault() {
    let chain = chain_with(LEN, |_, rlp| rlp);
    let mut world = World::with(spec_known_until(&chain, FORK), config(), Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&Chain::of(chain.headers.iter().map(|rlp| with_unknown_field(rlp)))));
    let peer = world.peer_mut(1);
    // It says that it has the headers that are asked for, and sends others.
    let lies = peer.chain.headers.clone();
    peer.chain = chain.clone();
    peer.chain.headers = lies;
    world.connect(2, TestPeer { delay_ms: 200, ..TestPeer::new(&chain) });
    world.run_to_synced(120);
    assert!(world.is_banned(1), "{:?}", world.penalties);
    assert!(world.penalized(2).is_empty());
    world.assert_stored(&chain, 0);
}

/// A quorum names a block with a number that it does not have: a peer that sends the block did what was requested.
#[test]
fn a_tip_under_a_wrong_number_is_the_fault_of_the_peer_that_named_it() {
    let chain = chain_with(LEN, |_, rlp| rlp);
    let mut world = World::with(certain_for_ever(&chain), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    for id in 1..=3 {
        // One block of the chain comes again as its tip.
        let mut claimed = chain.clone();
        claimed.headers.push(chain.headers[500].clone());
        claimed.hashes.push(chain.hashes[500]);
        world.connect(id, TestPeer::new(&claimed));
    }
    world.run_for(1);
    world.connect(4, TestPeer::new(&chain));
    world.connect(5, TestPeer::new(&chain));
    world.run_to_synced(120);
    assert!((4..=5).all(|id| world.penalized(id).is_empty()), "{:?}", world.penalties);
    assert!((1..=3).any(|id| world.is_banned(id)));
    world.assert_stored(&chain, 0);
}

/// A forged block builds on a block of the true chain that has another number: the true chain is not tainted by it.
#[test]
fn a_parent_with_another_number_is_the_fault_of_its_child() {
    let chain = chain_with(LEN, |_, rlp| rlp);
    let number = LEN as u64;
    let top = Header::decode(&chain.headers[LEN - 1]).expect("decodes");
    let forged = encode(&Header { parent_hash: chain.hashes[500], number, timestamp: top.timestamp + 12, ..top });
    let mut claimed = chain.clone();
    claimed.headers.push(forged.clone());
    claimed.hashes.push(keccak256(&forged));
    let mut world = World::with(certain_for_ever(&chain), config(), Default::default());
    world.target(SyncTarget::Hash(keccak256(&forged)));
    // One header at a time: what it would send under the forged block is not the parent that this one names.
    let mut whole = TestPeer::new(&Chain::of(claimed.headers)).behavior(Behavior::Short(1));
    whole.latest = number;
    world.connect(1, whole);
    world.connect(2, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    assert!(matches!(world.stalls()[0], StallReason::InvalidTarget { .. }), "{:?}", world.stalls());
    assert_eq!(world.penalties, []);
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}
