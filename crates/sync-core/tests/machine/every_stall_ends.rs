//! Every reason why nothing moves, and what ends it: honest peers that come, malicious ones that leave, a store that works
//! again; for a pinned target, another one that the user names. No reload is ever needed. The table is the one of
//! `sync::stall`.

mod peers;
mod targets;

use std::mem::discriminant;

use sync_core::{Event, StallReason, SyncConfig, SyncTarget};

use self::{
    peers::{NO_PEERS, NO_PROGRESS, NO_USABLE_PEER, QUORUM_NOT_REACHED, RANGE_UNAVAILABLE, STORE, TIPS_DISAGREE},
    targets::{FLOOR_ABOVE_TARGET, INVALID_TARGET, ROLLBACK_TOO_DEEP, TARGET_UNAVAILABLE, UNKNOWN_FORK, WRONG_GENESIS},
};
use crate::support::{
    Behavior, Chain, World,
    ancestor::config,
    strangers::{HONEST, assert_not_blamed, connect_honest},
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

/// Time for a response and for the budget of stall events.
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
        assert_eq!(entered.world.stalls().last().map(discriminant), Some(discriminant(&stall)), "{what}: reported");
        let before = entered.world.events.len();
        (case.change)(&mut entered);
        let Entered { mut world, tip, floor } = entered;
        let is_end = |event: &Event| matches!(event, Event::Resumed | Event::Synced { .. });
        let is_over = |world: &World| world.events[before..].iter().any(is_end);
        let start = world.now_ms;
        world.run_until_ms(start + case.within, is_over);
        assert!(
            is_over(&world),
            "{what}: after {} ms {:?} {:#?}",
            case.within,
            world.stalls().last(),
            world.progress()
        );
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

/// Five honest peers connect, and all other peers leave.
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
        entered.world.peer_mut(id).behavior = Behavior::Honest;
    }
}

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
