//! One writer: the lock of a store is held by one, refused to the second, taken over when the first lets go.
#![cfg(target_arch = "wasm32")]

use futures::{FutureExt, future::poll_immediate};
use sync_wasm::store::{Acquired, WriteLock};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn acquire(name: &str) -> Option<WriteLock> {
    match WriteLock::try_acquire(name).await.expect("locks exist here") {
        Acquired::Held(lock) => Some(lock),
        Acquired::Busy => None,
    }
}

#[wasm_bindgen_test]
async fn the_second_finds_it_busy() {
    let first = acquire("busy").await.expect("free");
    assert!(first.is_held());
    assert!(acquire("busy").await.is_none());
    assert!(acquire("busy-other-name").await.is_some(), "each store has a lock of its own");
}

#[wasm_bindgen_test]
async fn who_waits_takes_over_when_the_first_closes() {
    let first = acquire("takeover").await.expect("free");
    let mut waiting = WriteLock::wait("takeover").expect("locks exist here");
    assert!(poll_immediate(&mut waiting).await.is_none(), "the first holds it");
    assert!(acquire("takeover").await.is_none());
    drop(first);
    let second = waiting.await.expect("the lock is ours");
    assert!(second.is_held());
    assert!(acquire("takeover").await.is_none(), "the second holds it now");
    drop(second);
    // The queue is in order: a request that waits is granted after the release, so no pause is needed.
    assert!(WriteLock::wait("takeover").expect("locks exist here").await.is_ok());
}

#[wasm_bindgen_test]
async fn who_gives_up_waiting_does_not_block_the_next() {
    let first = acquire("withdrawn").await.expect("free");
    let withdrawn = WriteLock::wait("withdrawn").expect("locks exist here");
    let patient = WriteLock::wait("withdrawn").expect("locks exist here");
    drop(withdrawn);
    drop(first);
    assert!(patient.map(|lock| lock.is_ok()).await);
}

#[wasm_bindgen_test]
async fn who_is_robbed_notices() {
    let mut first = acquire("stolen").await.expect("free");
    let mut lost = first.lost();
    let patient = WriteLock::wait("stolen").expect("locks exist here");
    assert!(poll_immediate(&mut lost).await.is_none(), "it is still ours");
    let second = WriteLock::steal("stolen").await.expect("a lock can be stolen");
    lost.await;
    assert!(!first.is_held() && second.is_held());
    drop(first);
    assert!(acquire("stolen").await.is_none(), "the second holds it, whatever the first gives back");
    drop(second);
    assert!(patient.await.expect("the next in line").is_held());
}

#[wasm_bindgen_test]
async fn a_lock_that_is_given_back_is_not_lost() {
    let mut lock = acquire("given-back").await.expect("free");
    let mut lost = lock.lost();
    drop(lock);
    drop(WriteLock::wait("given-back").expect("locks exist here").await.expect("free again"));
    assert!(poll_immediate(&mut lost).await.is_none());
}
