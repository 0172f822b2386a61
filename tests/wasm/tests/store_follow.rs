//! Two tabs on one store: the second reads what the first stores, writes nothing, hears its progress, takes over.
#![cfg(target_arch = "wasm32")]

mod support;

use futures::StreamExt;
use futures::channel::mpsc;
use header_rules::range::BlockRange;
use header_store::{HeaderStore, StoreOpening, contract::TestChain};
use support::{delete, writer};
use sync_core::{Checkpoint, fault::StoreFailure};
use sync_wasm::store::{IdbStore, ProgressChannel, WriteLock, storage_quota};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn a_follower_reads_and_takes_over() {
    let name = "follow";
    delete(name).await;
    let chain = TestChain::new(2_048, 61);
    let range = BlockRange::new(0, 2_047).expect("a range");
    let batches = chain.batches(range, 1_024, &Checkpoint::new(chain.spec().id(), 0));
    let [first, second] = batches.as_slice() else { panic!("two batches") };

    let mut leader = writer(name).await;
    leader.open().await.expect("opens");
    let mut follower = IdbStore::connect(name).await.expect("opens beside the leader");
    assert!(leader.is_writer() && !follower.is_writer());
    assert_eq!(follower.open().await, Ok(StoreOpening::default()));
    leader.persist(first).await.expect("stores");
    assert_eq!(follower.checkpoint().await, Ok(Some(first.checkpoint().clone())));
    assert_eq!(follower.header_by_number(2_000).await, Ok(Some(chain.header(2_000).clone())));
    assert_eq!(follower.header_by_hash(chain.hash(1_024)).await, Ok(Some((1_024, chain.header(1_024).clone()))));
    for refused in
        [follower.persist(second).await, follower.clear().await, follower.unwind(0, second.checkpoint()).await]
    {
        assert_eq!(refused, Err(StoreFailure::Locked));
    }

    let waiting = WriteLock::wait(name).expect("locks exist here");
    drop(leader);
    follower.grant(waiting.await.expect("the lock comes"));
    let opening = follower.open().await.expect("opens");
    assert_eq!(opening, StoreOpening { checkpoint: Some(first.checkpoint().clone()), dropped: Vec::new() });
    follower.persist(second).await.expect("it leads now");
    assert_eq!(follower.header_by_number(3).await, Ok(Some(chain.header(3).clone())));
    assert_eq!(follower.checkpoint().await, Ok(Some(second.checkpoint().clone())));
}

/// A writer that was suspended wakes and writes before it hears that its lock is gone: the database itself refuses.
#[wasm_bindgen_test]
async fn a_writer_that_was_replaced_writes_nothing() {
    let name = "fence";
    delete(name).await;
    let chain = TestChain::new(2_048, 61);
    let range = BlockRange::new(0, 2_047).expect("a range");
    let batches = chain.batches(range, 1_024, &Checkpoint::new(chain.spec().id(), 0));
    let [first, second] = batches.as_slice() else { panic!("two batches") };
    let mut old = writer(name).await;
    old.open().await.expect("opens");
    old.persist(first).await.expect("stores");

    // Its lock is another one, so that the old writer still holds its own: as if it had not heard yet.
    let mut new = IdbStore::connect(name).await.expect("opens");
    new.grant(WriteLock::wait("fence-of-another").expect("locks exist here").await.expect("free"));
    new.open().await.expect("opens");
    assert!(old.is_writer() && new.is_writer());
    let after = first.checkpoint();
    for refused in [old.persist(second).await, old.unwind(0, after).await, old.clear().await] {
        assert_eq!(refused, Err(StoreFailure::Locked));
    }
    assert_eq!(new.checkpoint().await, Ok(Some(after.clone())), "nothing changed");
    new.persist(second).await.expect("the new one writes");
    new.clear().await.expect("empties");
    assert_eq!(old.persist(first).await, Err(StoreFailure::Locked), "an emptied store still has its writer");
    new.persist(first).await.expect("the new one writes on");
}

#[wasm_bindgen_test]
async fn progress_reaches_the_other_tabs() {
    let leader = ProgressChannel::open("follow-progress").expect("opens");
    let mut follower = ProgressChannel::open("follow-progress").expect("opens");
    let (sender, mut heard) = mpsc::unbounded();
    follower.listen(move |message| sender.unbounded_send(message).expect("the test listens"));
    leader.post(&"half way".into()).expect("posts");
    assert_eq!(heard.next().await.and_then(|message| message.as_string()).as_deref(), Some("half way"));
    drop(follower);
    leader.post(&"nobody hears".into()).expect("posts");
    assert_eq!(heard.next().await, None, "a closed channel is silent");
}

#[wasm_bindgen_test]
async fn the_quota_can_be_asked_in_a_worker() {
    let quota = storage_quota().await.expect("answers").expect("a secure context");
    assert!(quota.quota_bytes > 0 && quota.usage_bytes < quota.quota_bytes, "{quota:?}");
}
