//! What peers do not say or serve, and what the store does not take.

use sync_core::{SyncConfig, SyncTarget, fault::StoreFailure};

use super::{
    AT_ONCE, Case, Entered, LEN, SECOND, become_honest, entered, honest_come, honest_come_and_others_leave,
    others_leave, peers_tip, towards,
};
use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, config, stored_with},
    strangers::{HONEST, connect_honest},
};

pub const NO_PEERS: &[Case] = &[Case {
    what: "all peers left in the middle, and come back",
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
        world.connect(id, TestPeer::new(&chain).behavior(Behavior::Garbage));
    }
    world.run_for(10);
    entered(world, chain)
}

pub const NO_USABLE_PEER: &[Case] = &[
    Case {
        what: "all are banned; others come",
        enter: || all_send_garbage(false),
        change: honest_come,
        within: AT_ONCE,
    },
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

pub const TIPS_DISAGREE: &[Case] = &[
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

pub const QUORUM_NOT_REACHED: &[Case] = &[
    Case { what: "too few", enter: || too_few(SyncTarget::PeersTip), change: honest_come, within: AT_ONCE },
    Case {
        what: "too few for a number",
        enter: || too_few(SyncTarget::Number(LEN - 1)),
        change: honest_come,
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

pub const RANGE_UNAVAILABLE: &[Case] = &[
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
        what: "in a search for the ancestor no peer serves the number in question; others connect",
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

pub const STORE: &[Case] = &[Case {
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
    (1..=2).for_each(|id| world.peer_mut(id).behavior = Behavior::Silent);
    world.run_for(600);
    entered(world, chain)
}

pub const NO_PROGRESS: &[Case] = &[
    Case {
        what: "all peers are silent; others connect",
        enter: || silent(|_| SyncTarget::PeersTip),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "all peers are silent, and respond again",
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
            (1..=16).for_each(|id| world.connect(id, TestPeer::new(&forged).behavior(Behavior::Silent)));
            world.run_for(600);
            entered(world, chain)
        },
        change: honest_come,
        within: AT_ONCE,
    },
];
