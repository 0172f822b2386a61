//! Whole sessions: known faults, one by one, and worlds drawn from seeds.

use std::{rc::Rc, sync::OnceLock, time::Duration};

use header_store::{MemoryStore, contract::TestChain};

use super::{CHAIN_LEN, store::Disk, world::World};

/// Number of random worlds.
const SEEDS: u64 = 30;
/// Actions in each.
const ACTIONS: u32 = 160;

fn chain() -> &'static TestChain {
    static CHAIN: OnceLock<TestChain> = OnceLock::new();
    CHAIN.get_or_init(|| TestChain::new(CHAIN_LEN, 11))
}

/// A store that holds the whole chain.
fn filled() -> Rc<Disk> {
    static FILLED: OnceLock<MemoryStore> = OnceLock::new();
    let data = FILLED.get_or_init(|| {
        let mut world = World::new(chain(), Rc::default(), 0);
        world.run_to_the_end();
        world.assert_whole();
        world.disk.data.borrow().clone()
    });
    let disk = Disk::default();
    *disk.data.borrow_mut() = data.clone();
    Rc::new(disk)
}

#[test]
fn a_batch_that_waits_behind_an_audit_does_not_undo_its_drop() {
    let disk = filled();
    // Opening drops the newest segment: it is fetched again, and its batch arrives while the audit works below.
    disk.data.borrow_mut().corrupt(5_400);
    let mut world = World::new(chain(), disk, 1);
    world.disk.data.borrow_mut().corrupt(3_500);
    world.damage_found(3_500);
    assert!(world.disk.waits(), "the audit has begun");
    for _ in 0..20 {
        world.answer();
        world.wait(Duration::from_millis(1));
    }
    assert!(world.control.waiting() > 0, "a batch waits behind it");
    world.let_on();
    world.let_on();
    assert!(world.dropped.iter().any(|range| range.contains(3_500)), "{:?}", world.dropped);
    world.run_to_the_end();
    world.assert_whole();
}

#[test]
fn clear_in_a_step_of_the_audit_leaves_the_audit_on() {
    let mut world = World::new(chain(), filled(), 2);
    world.damage_found(2_500);
    assert!(world.disk.waits(), "the audit has begun");
    world.clear(1.0);
    world.run_to_the_end();
    assert_eq!(world.cleared, [1.0]);
    world.assert_whole();
    world.disk.data.borrow_mut().corrupt(2_500);
    world.damage_found(2_500);
    world.run_to_the_end();
    assert!(world.dropped.iter().any(|range| range.contains(2_500)), "{:?}", world.dropped);
    world.assert_whole();
}

#[test]
fn a_lost_store_is_opened_again_and_filled() {
    for everything in [false, true] {
        for before in [0, 3, 40] {
            let mut world = World::new(chain(), Rc::default(), 3);
            for _ in 0..before {
                world.answer();
                world.let_on();
            }
            world.lose(everything);
            assert!(!world.is_synced());
            world.run_to_the_end();
            world.assert_whole();
            world.lose(everything);
            assert!(!world.is_synced(), "not synced over a store that nobody has read");
            world.run_to_the_end();
            world.assert_whole();
        }
    }
}

#[test]
fn a_store_that_cannot_be_opened_again_ends_the_sync() {
    let mut world = World::new(chain(), filled(), 4);
    world.disk.failures.set(u32::MAX);
    world.lose(false);
    world.clear(7.0);
    for _ in 0..200 {
        world.let_on();
        world.wait(Duration::from_secs(1));
    }
    assert!(world.failed.is_some());
    assert_eq!(world.control.take_clear_calls(), [7.0], "the host answers them at the end");
}

#[test]
fn a_store_that_is_lost_again_and_again_ends_the_sync() {
    let mut world = World::new(chain(), filled(), 5);
    for _ in 0..400 {
        if world.failed.is_some() {
            return;
        }
        if world.control.is_open() {
            world.lose(false);
        }
        world.let_on();
        world.wait(Duration::from_secs(1));
    }
    panic!("it goes on for ever");
}

/// Operations end in any order, while the page clears, the browser closes the connection and the disk fails.
#[test]
fn whatever_the_order_nothing_is_lost_and_everything_is_answered() {
    for seed in 0..SEEDS {
        let disk = if seed % 3 == 0 { Rc::default() } else { filled() };
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = |below: u64| {
            // xorshift64
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % below
        };
        for _ in 0..draw(4) {
            disk.data.borrow_mut().corrupt(draw(CHAIN_LEN as u64));
        }
        let mut world = World::new(chain(), disk, seed);
        let mut call = 0.0;
        for _ in 0..ACTIONS {
            match draw(100) {
                0..40 => world.answer(),
                40..75 => world.let_on(),
                75..90 => world.wait(Duration::from_millis(1 + draw(2_000))),
                90..92 => {
                    let at = draw(CHAIN_LEN as u64);
                    world.disk.data.borrow_mut().corrupt(at);
                    world.damage_found(if draw(4) == 0 { u64::MAX } else { at });
                }
                92..94 => world.disk.failures.set(1),
                94..96 => world.page_reads(draw(2) == 0),
                96 => {
                    call += 1.0;
                    world.clear(call);
                }
                97 => world.lose(draw(2) == 0),
                98 => world.replace_machine(),
                _ => {}
            }
            assert_eq!(world.failed, None, "seed {seed}");
        }
        world.page_reads(false);
        world.disk.failures.set(0);
        world.run_to_the_end();
        assert_eq!(world.cleared, world.clear_calls, "seed {seed}");
        // The audit still runs: it finds new damage.
        world.disk.data.borrow_mut().corrupt(1_500);
        world.damage_found(1_500);
        world.run_to_the_end();
        for at in (0..CHAIN_LEN as u64).step_by(1_024) {
            world.damage_found(at);
            world.run_to_the_end();
        }
        world.assert_whole();
    }
}
