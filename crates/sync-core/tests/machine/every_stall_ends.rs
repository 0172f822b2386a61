//! Every reason why nothing moves, and what ends it: honest peers that come, malicious ones that leave, a store that works
//! again; for a pinned target, another one that the user names. No reload is ever needed. The table is the one of
//! `sync::stall`.

use std::mem::discriminant;

use alloy_primitives::B256;
use bytes::Bytes;
use sync_core::{
    Event, StallReason, SyncConfig, SyncTarget,
    config::TOO_DEEP_RETRY,
    fault::StoreFailure,
    header::{Header, encode},
};

use crate::support::{
    Chain, Manner, TestPeer, World,
    ancestor::{announce, broken_at, config, stored_with},
    future::{chain_with, changed, spec_known_until},
    no_hash,
    strangers::{HONEST, assert_not_blamed, connect_claiming, connect_honest},
};

const LEN: u64 = 1_500;

/// A world that stalls, and the chain that it is to hold in the end.
struct Entered {
    world: World,
    tip: Chain,
    floor: u64,
}

/// One way into a stall, and out of it.
struct Case {
    what: &'static str,
    enter: fn() -> Entered,
    change: fn(&mut Entered),
    /// Milliseconds after the change until the stall is over.
    within: u64,
}

const SECOND: u64 = 1_000;

/// Time for an answer and for the budget of stall events.
const AT_ONCE: u64 = SECOND;

/// The rows of each reason. A new reason does not compile without its row.
fn row(reason: &StallReason) -> &'static [Case] {
    match reason {
        StallReason::NoPeers => NO_PEERS,
        StallReason::NoUsablePeer => NO_USABLE_PEER,
        StallReason::TipsDisagree { .. } => TIPS_DISAGREE,
        StallReason::QuorumNotReached { .. } => QUORUM_NOT_REACHED,
        StallReason::TargetUnavailable { .. } => TARGET_UNAVAILABLE,
        StallReason::RangeUnavailable(_) => RANGE_UNAVAILABLE,
        StallReason::FloorAboveTarget { .. } => FLOOR_ABOVE_TARGET,
        StallReason::InvalidTarget { .. } => INVALID_TARGET,
        StallReason::RollbackTooDeep { .. } => ROLLBACK_TOO_DEEP,
        StallReason::UnknownFork { .. } => UNKNOWN_FORK,
        StallReason::Store(_) => STORE,
        StallReason::NoProgress => NO_PROGRESS,
        StallReason::WrongGenesis { .. } => WRONG_GENESIS,
    }
}

fn walk(cases: &'static [Case]) {
    for case in cases {
        let what = case.what;
        let mut entered = (case.enter)();
        let stall = entered.world.progress().stall.unwrap_or_else(|| panic!("{what}: {:?}", entered.world.stalls()));
        assert!(std::ptr::eq(row(&stall), cases), "{what}: another stall, {stall:?}");
        assert_eq!(entered.world.stalls().last().map(discriminant), Some(discriminant(&stall)), "{what}: said");
        let before = entered.world.events.len();
        (case.change)(&mut entered);
        let Entered { mut world, tip, floor } = entered;
        let is_end = |event: &Event| matches!(event, Event::Resumed | Event::Synced { .. });
        let is_over = |world: &World| world.events[before..].iter().any(is_end);
        let start = world.now_ms;
        world.run_until_ms(start + case.within, is_over);
        println!("XX {what}: {} ms", world.now_ms - start);
        assert!(is_over(&world), "{what}: after {} ms {:?} {:#?}", case.within, world.stalls().last(), world.progress());
        let is_done = |world: &World| world.is_synced() && world.resolved().last() == Some(&tip.tip());
        let synced = world.run_until(60, is_done);
        assert!(synced, "{what}: not synced, {:?} {:#?}", world.resolved(), world.progress());
        world.run_for(1);
        assert_eq!(world.progress().stall, None, "{what}");
        world.assert_stored(&tip, floor);
        assert_not_blamed(&world, HONEST..HONEST + 5);
    }
}

fn towards(chain: &Chain, target: SyncTarget, config: SyncConfig) -> World {
    let mut world = World::with(chain.spec(), config, Default::default());
    world.target(target);
    world
}

fn peers_tip(chain: &Chain) -> World {
    towards(chain, SyncTarget::PeersTip, config())
}

fn entered(world: World, tip: Chain) -> Entered {
    Entered { world, tip, floor: 0 }
}

/// Five honest peers come.
fn honest_come(entered: &mut Entered) {
    connect_honest(&mut entered.world, 5, &entered.tip, 20);
}

/// Five honest peers come, and everybody else leaves.
fn honest_come_and_others_leave(entered: &mut Entered) {
    honest_come(entered);
    others_leave(entered);
}

fn others_leave(entered: &mut Entered) {
    let others: Vec<u32> = entered.world.peers.keys().copied().filter(|id| *id < HONEST).collect();
    for id in others {
        entered.world.disconnect(id);
    }
}

/// Honest peers come, and the user names another target.
fn another_target(entered: &mut Entered) {
    honest_come(entered);
    entered.world.target(SyncTarget::Hash(entered.tip.tip().hash));
}

fn become_honest(entered: &mut Entered) {
    let ids: Vec<u32> = entered.world.peers.keys().copied().collect();
    for id in ids {
        entered.world.peer_mut(id).manner = Manner::Honest;
    }
}

const NO_PEERS: &[Case] = &[Case {
    what: "everybody left in the middle, and comes back",
    enter: || {
        let chain = Chain::new(6_000);
        let mut world = peers_tip(&chain);
        connect_honest(&mut world, 2, &chain, 20);
        assert!(world.run_until(10, |world| world.has_linked()));
        (HONEST..HONEST + 2).for_each(|id| world.disconnect(id));
        world.run_for(600);
        entered(world, chain)
    },
    change: |entered| (HONEST..HONEST + 2).for_each(|id| entered.world.reconnect(id)),
    within: AT_ONCE,
}];

fn all_send_garbage(close_banned: bool) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = peers_tip(&chain);
    world.close_banned = close_banned;
    for id in 1..=2 {
        world.connect(id, TestPeer::new(&chain).manner(Manner::Garbage));
    }
    world.run_for(10);
    entered(world, chain)
}

const NO_USABLE_PEER: &[Case] = &[
    Case { what: "all are banned; others come", enter: || all_send_garbage(false), change: honest_come, within: AT_ONCE },
    Case {
        what: "all are banned, and are well when their ban ends",
        enter: || all_send_garbage(false),
        change: become_honest,
        within: 600 * SECOND,
    },
    Case {
        what: "all are of another chain; others come",
        enter: || {
            let chain = Chain::new(LEN);
            let mut world = peers_tip(&chain);
            world.close_banned = false;
            world.connect(1, TestPeer { chain_id: 1, ..TestPeer::new(&chain) });
            world.run_for(10);
            entered(world, chain)
        },
        change: honest_come,
        within: AT_ONCE,
    },
];

/// Two that are right and two that are not.
fn two_and_two() -> Entered {
    let chain = Chain::new(LEN);
    let other = chain.fork(1_000, LEN + 9);
    let mut world = peers_tip(&chain);
    for id in 1..=2 {
        world.connect(id, TestPeer::new(&other));
    }
    for id in HONEST + 5..HONEST + 7 {
        world.connect(id, TestPeer::new(&chain));
    }
    world.run_for(60);
    entered(world, chain)
}

const TIPS_DISAGREE: &[Case] = &[
    Case { what: "two against two; more come", enter: two_and_two, change: honest_come, within: AT_ONCE },
    Case { what: "two against two; two leave", enter: two_and_two, change: others_leave, within: AT_ONCE },
    Case {
        what: "they parted after the sync, and agree again",
        enter: || {
            let chain = Chain::new(LEN);
            let (one, other) = (chain.branch(LEN - 9, LEN + 5, 2), chain.branch(LEN - 9, LEN + 7, 3));
            let mut world = peers_tip(&chain);
            connect_honest(&mut world, 2, &chain, 20);
            world.run_to_synced(10);
            announce(&mut world, HONEST, &one);
            announce(&mut world, HONEST + 1, &other);
            world.run_for(60);
            entered(world, other)
        },
        change: |entered| announce(&mut entered.world, HONEST, &entered.tip),
        within: AT_ONCE,
    },
    Case {
        what: "a number that two and two have differently; more come",
        enter: || {
            let Entered { mut world, tip, .. } = two_and_two();
            world.target(SyncTarget::Number(LEN - 1));
            world.run_for(60);
            entered(world, tip)
        },
        change: honest_come,
        within: AT_ONCE,
    },
];

fn too_few(target: SyncTarget) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, target, SyncConfig { tip_quorum: 3, ..config() });
    world.connect(1, TestPeer::new(&chain.fork(9, LEN + 9)));
    world.run_for(60);
    entered(world, chain)
}

const QUORUM_NOT_REACHED: &[Case] = &[
    Case { what: "too few", enter: || too_few(SyncTarget::PeersTip), change: honest_come, within: AT_ONCE },
    Case { what: "too few for a number", enter: || too_few(SyncTarget::Number(LEN - 1)), change: honest_come, within: AT_ONCE },
];

fn nobody_has(manner: Manner) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, SyncTarget::Hash(chain.tip().hash), config());
    for id in 1..=5 {
        world.connect(id, TestPeer::new(&chain.grown(3)).manner(manner));
    }
    world.run_for(600);
    entered(world, chain)
}

const TARGET_UNAVAILABLE: &[Case] = &[
    Case { what: "nobody has it; others do", enter: || nobody_has(Manner::Empty), change: honest_come, within: AT_ONCE },
    Case {
        what: "nobody has it, and they come to have it without saying so",
        enter: || nobody_has(Manner::Empty),
        change: become_honest,
        within: 40 * SECOND,
    },
    Case {
        what: "everybody left its chain, and comes back to it",
        enter: || {
            let chain = Chain::new(LEN);
            let other = chain.fork(500, LEN + 10);
            let mut world = towards(&chain, SyncTarget::Hash(chain.tip().hash), config());
            connect_honest(&mut world, 2, &chain, 200);
            world.run_to_resolved(10);
            (HONEST..HONEST + 2).for_each(|id| announce(&mut world, id, &other));
            world.run_for(60);
            entered(world, chain)
        },
        change: |entered| (HONEST..HONEST + 2).for_each(|id| announce(&mut entered.world, id, &entered.tip)),
        within: AT_ONCE,
    },
    Case {
        what: "a hash that no block has; the user names another",
        enter: || {
            let chain = Chain::new(LEN);
            let mut world = towards(&chain, SyncTarget::Hash(no_hash()), config());
            world.connect(1, TestPeer::new(&chain));
            world.run_for(60);
            entered(world, chain)
        },
        change: another_target,
        within: AT_ONCE,
    },
];

/// The first peer made up a high chain, of which it serves the upper part.
fn alone_with_a_high_top(stored: bool) -> Entered {
    let chain = Chain::new(LEN);
    let high = chain.fork(1, 6_100);
    let store = if stored { stored_with(&chain, config()) } else { Default::default() };
    let mut world = World::with(chain.spec(), config(), store);
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&high).range(6_000, 6_099));
    world.run_for(60);
    assert!(world.store.rows.contains_key(&6_099));
    entered(world, chain.grown(9))
}

const RANGE_UNAVAILABLE: &[Case] = &[
    Case {
        what: "all are pruned; others are not",
        enter: || {
            let chain = Chain::new(LEN);
            let mut world = peers_tip(&chain);
            (1..=2).for_each(|id| world.connect(id, TestPeer::new(&chain).range(900, LEN - 1)));
            world.run_for(600);
            entered(world, chain)
        },
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the only peer made up a high chain, of which it serves the upper part; others come, and it leaves",
        enter: || alone_with_a_high_top(false),
        change: honest_come_and_others_leave,
        within: AT_ONCE,
    },
    Case {
        what: "the same, and it stays",
        enter: || alone_with_a_high_top(false),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the same over a stored chain, and it stays",
        enter: || alone_with_a_high_top(true),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the same over a stored chain, and it leaves",
        enter: || alone_with_a_high_top(true),
        change: honest_come_and_others_leave,
        within: AT_ONCE,
    },
    Case {
        what: "in a search for the ancestor nobody serves the number in question; others come",
        enter: || {
            let old = Chain::new(4_000);
            let new = old.fork(1_000, 4_050);
            let mut world = World::with(old.spec(), config(), stored_with(&old, config()));
            world.target(SyncTarget::PeersTip);
            (1..=2).for_each(|id| world.connect(id, TestPeer::new(&new).range(2_500, 4_049)));
            world.run_for(60);
            entered(world, new)
        },
        change: honest_come,
        within: AT_ONCE,
    },
];

const FLOOR: u64 = 1_000;

fn under_the_floor(target: fn(&Chain) -> SyncTarget) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, target(&chain), SyncConfig { floor: FLOOR, ..config() });
    world.connect(1, TestPeer::new(&chain).range(0, 700));
    world.run_for(60);
    Entered { world, tip: chain, floor: FLOOR }
}

const FLOOR_ABOVE_TARGET: &[Case] = &[
    Case {
        what: "the tip of a lone peer; others are higher",
        enter: || under_the_floor(|_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "pinned; another is named",
        enter: || under_the_floor(|chain| SyncTarget::Hash(chain.hashes[500])),
        change: another_target,
        within: AT_ONCE,
    },
];

/// Two peers have a chain that is bad at 700 and `len` long.
fn bad(target: fn(&Chain) -> SyncTarget, len: u64) -> Entered {
    let chain = Chain::new(LEN);
    let bad = broken_at(&Chain::new(len), 700);
    let mut world = towards(&chain, target(&bad), config());
    (1..=2).for_each(|id| world.connect(id, TestPeer::new(&bad)));
    world.run_for(600);
    entered(world, chain)
}

const INVALID_TARGET: &[Case] = &[
    Case {
        what: "the tip of two; others come",
        enter: || bad(|_| SyncTarget::PeersTip, LEN + 99),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the tip of two, far above; others come",
        enter: || bad(|_| SyncTarget::PeersTip, LEN * 4),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "a number; others come",
        enter: || bad(|_| SyncTarget::Number(LEN - 1), LEN + 99),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "pinned; another is named",
        enter: || bad(|bad| SyncTarget::Hash(bad.tip().hash), LEN + 99),
        change: another_target,
        within: AT_ONCE,
    },
];

fn too_deep(target: fn(&Chain) -> SyncTarget, seconds: u64) -> Entered {
    let old = Chain::new(LEN);
    let lies = old.fork(1, LEN + 1);
    let config = SyncConfig { rollback_window: 500, ..config() };
    let mut world = World::with(old.spec(), config.clone(), stored_with(&old, config));
    world.target(target(&lies));
    world.connect(1, TestPeer::new(&lies));
    world.run_for(seconds);
    entered(world, old.grown(50))
}

const ROLLBACK_TOO_DEEP: &[Case] = &[
    Case {
        what: "the tip of a lone peer; others come, and it stays",
        enter: || too_deep(|_| SyncTarget::PeersTip, 4),
        change: honest_come,
        within: TOO_DEEP_RETRY.as_millis() as u64 + AT_ONCE,
    },
    Case {
        what: "the same after an hour",
        enter: || too_deep(|_| SyncTarget::PeersTip, 3_600),
        change: honest_come,
        within: 120 * SECOND,
    },
    Case {
        what: "the same, and it leaves",
        enter: || too_deep(|_| SyncTarget::PeersTip, 3_600),
        change: honest_come_and_others_leave,
        within: AT_ONCE,
    },
    Case {
        what: "pinned; another is named",
        enter: || too_deep(|lies| SyncTarget::Hash(lies.tip().hash), 3_600),
        change: another_target,
        within: AT_ONCE,
    },
];

fn with_unknown_field(rlp: &[u8]) -> Bytes {
    changed(rlp, |items| {
        items.extend([alloy_rlp::encode(B256::repeat_byte(1)), alloy_rlp::encode(7u64), alloy_rlp::encode(9u64)]);
    })
}

/// Peers have a made-up chain of `len` headers that differs from the true one from 400 on, and one of them, `unknown`, is of
/// no known fork.
fn of_unknown_fork(len: usize, unknown: u64, target: fn(&Chain) -> SyncTarget) -> Entered {
    let chain = chain_with(LEN as usize, |_, rlp| rlp);
    let made_up = chain_with(len, |number, rlp| {
        let header = Header::decode(&rlp).expect("decodes");
        match number {
            ..400 => rlp,
            number if number == unknown => with_unknown_field(&rlp),
            _ => encode(&Header { state_root: B256::repeat_byte(9), ..header }),
        }
    });
    let spec = spec_known_until(&chain, 300);
    let mut world = World::with(spec, SyncConfig { window: 128, ..config() }, Default::default());
    world.target(target(&made_up));
    (1..=2).for_each(|id| world.connect(id, TestPeer::new(&made_up)));
    world.run_for(60);
    assert_not_blamed(&world, 1..=2);
    entered(world, chain)
}

const UNKNOWN_FORK: &[Case] = &[
    Case {
        what: "the tip of two; others come",
        enter: || of_unknown_fork(LEN as usize + 10, LEN + 9, |_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "a header under the tip of two; others come",
        enter: || of_unknown_fork(LEN as usize + 10, 900, |_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "a header far above every true one; others come",
        enter: || of_unknown_fork(LEN as usize * 4, LEN * 3, |_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the same, and the two leave",
        enter: || of_unknown_fork(LEN as usize * 4, LEN * 3, |_| SyncTarget::PeersTip),
        change: honest_come_and_others_leave,
        within: AT_ONCE,
    },
    Case {
        what: "pinned; another is named",
        enter: || of_unknown_fork(LEN as usize * 4, LEN * 3, |made_up| SyncTarget::Hash(made_up.tip().hash)),
        change: another_target,
        within: AT_ONCE,
    },
];

const STORE: &[Case] = &[Case {
    what: "the store refuses, and works again",
    enter: || {
        let chain = Chain::new(LEN * 4);
        let mut world = peers_tip(&chain);
        connect_honest(&mut world, 2, &chain, 20);
        assert!(world.run_until(60, |world| world.store.batches == 1));
        world.store.failing = Some(StoreFailure::Full);
        world.run_for(3_600);
        entered(world, chain)
    },
    change: |entered| entered.world.store.failing = None,
    within: 10 * SECOND,
}];

fn silent(target: fn(&Chain) -> SyncTarget) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, target(&chain), config());
    (1..=2).for_each(|id| world.connect(id, TestPeer::new(&chain)));
    world.run_to_resolved(10);
    world.cut_ways();
    (1..=2).for_each(|id| world.peer_mut(id).manner = Manner::Silent);
    world.run_for(600);
    entered(world, chain)
}

const NO_PROGRESS: &[Case] = &[
    Case {
        what: "everybody is silent; others come",
        enter: || silent(|_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "everybody is silent, and answers again",
        enter: || silent(|_| SyncTarget::PeersTip),
        change: become_honest,
        within: 56 * SECOND,
    },
    Case {
        what: "the same with a pinned target",
        enter: || silent(|chain| SyncTarget::Hash(chain.tip().hash)),
        change: become_honest,
        within: 56 * SECOND,
    },
    Case {
        what: "sixteen name a tip that they never serve; others come, and they stay",
        enter: || {
            let chain = Chain::new(LEN);
            let mut world = peers_tip(&chain);
            let forged = chain.fork(700, LEN * 4);
            (1..=16).for_each(|id| world.connect(id, TestPeer::new(&forged).manner(Manner::Silent)));
            world.run_for(600);
            entered(world, chain)
        },
        change: honest_come,
        within: AT_ONCE,
    },
];

fn other_genesis(target: fn(&Chain) -> SyncTarget, len: u64) -> Entered {
    let chain = Chain::new(LEN);
    let other = chain.fork(0, len);
    let mut world = towards(&chain, target(&other), config());
    (1..=2).for_each(|id| connect_claiming(&mut world, id, TestPeer::new(&other), chain.genesis()));
    world.run_for(60);
    entered(world, chain)
}

const WRONG_GENESIS: &[Case] = &[
    Case {
        what: "the tip of two; others come",
        enter: || other_genesis(|_| SyncTarget::PeersTip, 5),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "the tip of two, far above; others come",
        enter: || other_genesis(|_| SyncTarget::PeersTip, LEN * 4),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "a number; others come",
        enter: || other_genesis(|_| SyncTarget::Number(LEN - 1), LEN * 2),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "pinned; another is named",
        enter: || other_genesis(|other| SyncTarget::Hash(other.tip().hash), LEN * 2),
        change: another_target,
        within: AT_ONCE,
    },
];

macro_rules! walks {
    ($($name:ident: $row:ident,)*) => {
        $(#[test] fn $name() { walk($row); })*
    };
}

walks! {
    no_peers_ends: NO_PEERS,
    no_usable_peer_ends: NO_USABLE_PEER,
    tips_disagree_ends: TIPS_DISAGREE,
    quorum_not_reached_ends: QUORUM_NOT_REACHED,
    target_unavailable_ends: TARGET_UNAVAILABLE,
    range_unavailable_ends: RANGE_UNAVAILABLE,
    floor_above_target_ends: FLOOR_ABOVE_TARGET,
    u06_invalid_target_ends: INVALID_TARGET,
    u04_rollback_too_deep_ends: ROLLBACK_TOO_DEEP,
    u06_unknown_fork_ends: UNKNOWN_FORK,
    store_ends: STORE,
    u06_no_progress_ends: NO_PROGRESS,
    u05_wrong_genesis_ends: WRONG_GENESIS,
}
