//! Headers of other chains: whatever else is in them, they are linked by hash, number and time.

use alloy_primitives::{B64, B256, U256};
use bytes::Bytes;
use header_rules::{
    header::{Header, encode},
    rules::UnknownFork,
};
use sync_core::{StallReason, SyncConfig, SyncTarget};

use crate::support::{
    Chain, TestPeer, World,
    future::{chain_with, changed},
};

const LEN: usize = 600;

/// A header in the form of some chain.
type Form = fn(u64, &[u8]) -> Bytes;

/// AuRa: a step and a signature where Ethereum has mix hash and nonce.
fn aura(number: u64, rlp: &[u8]) -> Bytes {
    changed(rlp, |items| {
        items.truncate(13);
        items.extend([alloy_rlp::encode(number * 3), alloy_rlp::encode([7u8; 65].as_slice())]);
    })
}

/// A root that is not there.
fn absent_roots(_: u64, rlp: &[u8]) -> Bytes {
    changed(rlp, |items| items[3..6].fill(vec![0x80]))
}

/// Validators in the extra data, fields of its own behind the last one, one of them a list.
fn more_fields(number: u64, rlp: &[u8]) -> Bytes {
    changed(rlp, |items| {
        items[12] = alloy_rlp::encode(vec![number as u8; 4_000].as_slice());
        items.extend([alloy_rlp::encode(B256::ZERO), vec![0xc2, 0x01, 0x02], vec![0x80], vec![0x80]]);
    })
}

/// A base fee of more than 64 bits, and blob gas of more.
fn wide_fees(_: u64, rlp: &[u8]) -> Bytes {
    changed(rlp, |items| {
        items[15] = alloy_rlp::encode(U256::from(1) << 90);
        items[17] = alloy_rlp::encode(U256::MAX);
    })
}

/// Difficulty 0 and 1 in turn, by a nonce that counts.
fn turns(number: u64, rlp: &[u8]) -> Bytes {
    let header = Header::decode(rlp).expect("decodes");
    encode(&Header { difficulty: U256::from(number % 2), nonce: B64::from(number), ..header })
}

/// Integers with leading zeros, where no type is known.
fn fixed_width_integers(_: u64, rlp: &[u8]) -> Bytes {
    changed(rlp, |items| items[9] = alloy_rlp::encode([0u8, 0, 1, 0].as_slice()))
}

const FORMS: [(&str, Form); 6] = [
    ("aura", aura),
    ("absent roots", absent_roots),
    ("more fields", more_fields),
    ("wide fees", wide_fees),
    ("turns", turns),
    ("fixed width", fixed_width_integers),
];

fn other_chain(form: Form) -> Chain {
    chain_with(LEN, |number, rlp| form(number, &rlp))
}

fn config() -> SyncConfig {
    SyncConfig { seed: 7, tip_quorum: 2, window: 128, ..SyncConfig::default() }
}

#[test]
fn every_form_is_synced_and_no_peer_penalized() {
    for (name, form) in FORMS {
        let chain = other_chain(form);
        for target in [SyncTarget::Hash(chain.tip().hash), SyncTarget::PeersTip, SyncTarget::Number(400)] {
            let mut world = World::with(chain.spec(), config(), Default::default());
            world.target(target);
            world.connect(1, TestPeer::new(&chain));
            world.connect(2, TestPeer::new(&chain));
            world.run_to_synced(60);
            assert_eq!((world.penalties.len(), world.stalls().len()), (0, 0), "{name}");
        }
    }
}

/// Two branches of one chain, and a restart in between: what is stored is read again.
#[test]
fn a_reorg_of_a_chain_of_another_form() {
    for (name, form) in FORMS {
        let chain = other_chain(form);
        let longer = chain_with(LEN + 5, |number, rlp| {
            let header = Header::decode(&rlp).expect("decodes");
            let other = encode(&Header { mix_hash: B256::repeat_byte(9), gas_limit: 7, ..header });
            form(number, if number > 500 { &other } else { &rlp })
        });
        let mut world = World::with(chain.spec(), config(), Default::default());
        world.target(SyncTarget::PeersTip);
        (1..=2).for_each(|id| world.connect(id, TestPeer::new(&chain)));
        world.run_to_synced(60);
        let mut world = world.reopened();
        world.target(SyncTarget::PeersTip);
        (1..=2).for_each(|id| world.connect(id, TestPeer::new(&longer)));
        assert!(world.store_complete_within(60, &longer), "{name}: {:?}", world.stalls());
        world.assert_stored(&longer, 0);
        assert_eq!(world.penalties, [], "{name}");
    }
}

/// Below some height the headers have a form in which nothing can be found: the headers above are kept, no peer is
/// penalized.
#[test]
fn a_form_that_cannot_be_read_is_reported_and_no_fault() {
    // A chain that had its own list of fields until it became like the others.
    let own = |rlp: &[u8]| {
        changed(rlp, |items| {
            items.remove(1);
            items.truncate(10);
        })
    };
    let chain = chain_with(LEN, |number, rlp| if number < 300 { own(&rlp) } else { rlp });
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(SyncTarget::PeersTip);
    (1..=3).for_each(|id| world.connect(id, TestPeer::new(&chain)));
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    world.run_for(30);
    assert_eq!(world.penalties, []);
    let [StallReason::UnknownFork { number: Some(299), why, .. }] = &world.stalls()[..] else {
        panic!("{:?}", world.stalls());
    };
    assert!(matches!(**why, UnknownFork::Undecodable(_)));
    assert_eq!(world.store.rows.len(), LEN - 300);
}

/// Time goes back: the target's fault on any chain.
#[test]
fn time_does_not_go_back_on_any_chain() {
    let chain = chain_with(LEN, |number, rlp| {
        let late = Header::decode(&rlp).expect("decodes");
        if number == 200 { aura(200, &encode(&Header { timestamp: late.timestamp + 60, ..late })) } else { rlp }
    });
    let mut world = World::with(chain.spec(), config(), Default::default());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&chain));
    assert!(world.run_until(60, |world| !world.stalls().is_empty()));
    assert!(matches!(world.stalls()[..], [StallReason::InvalidTarget { number: 201, .. }]), "{:?}", world.stalls());
    assert_eq!(world.penalties, []);
}
