//! Targets that cannot be synced.

use alloy_primitives::B256;
use bytes::Bytes;
use header_rules::header::{Header, encode};
use sync_core::{SyncConfig, SyncTarget, config::TOO_DEEP_RETRY};

use super::{
    AT_ONCE, Case, Entered, LEN, SECOND, another_target, become_honest, entered, honest_come,
    honest_come_and_others_leave, towards,
};
use crate::support::{
    Behavior, Chain, TestPeer, World,
    ancestor::{announce, broken_at, config, stored_with},
    future::{chain_with, changed, spec_known_until},
    no_hash,
    strangers::{HONEST, assert_not_blamed, connect_claiming, connect_honest},
};

fn no_peer_has(behavior: Behavior) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, SyncTarget::Hash(chain.tip().hash), config());
    for id in 1..=5 {
        world.connect(id, TestPeer::new(&chain.grown(3)).behavior(behavior));
    }
    world.run_for(600);
    entered(world, chain)
}

pub const TARGET_UNAVAILABLE: &[Case] = &[
    Case {
        what: "no connected peer has it; others do",
        enter: || no_peer_has(Behavior::Empty),
        change: honest_come,
        within: AT_ONCE,
    },
    Case {
        what: "no peer has it, and they get it without an announcement",
        enter: || no_peer_has(Behavior::Empty),
        change: become_honest,
        within: 40 * SECOND,
    },
    Case {
        what: "all peers left its chain, and come back to it",
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

const FLOOR: u64 = 1_000;

fn under_the_floor(target: fn(&Chain) -> SyncTarget) -> Entered {
    let chain = Chain::new(LEN);
    let mut world = towards(&chain, target(&chain), SyncConfig { floor: FLOOR, ..config() });
    world.connect(1, TestPeer::new(&chain).range(0, 700));
    world.run_for(60);
    Entered { world, tip: chain, floor: FLOOR }
}

pub const FLOOR_ABOVE_TARGET: &[Case] = &[
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

pub const INVALID_TARGET: &[Case] = &[
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

pub const ROLLBACK_TOO_DEEP: &[Case] = &[
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

pub const UNKNOWN_FORK: &[Case] = &[
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

fn other_genesis(target: fn(&Chain) -> SyncTarget, len: u64) -> Entered {
    let chain = Chain::new(LEN);
    let other = chain.fork(0, len);
    let mut world = towards(&chain, target(&other), config());
    (1..=2).for_each(|id| connect_claiming(&mut world, id, TestPeer::new(&other), chain.genesis()));
    world.run_for(60);
    entered(world, chain)
}

pub const WRONG_GENESIS: &[Case] = &[
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
