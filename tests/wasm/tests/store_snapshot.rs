//! What the page is served: what the checkpoint covers, of one chain, and how it lies to the session's target.
#![cfg(target_arch = "wasm32")]

mod support;

use header_rules::range::{BlockNumber, BlockRange};
use header_store::{HeaderStore, contract::TestChain};
use support::{delete, writer};
use sync_core::{BlockNumHash, Checkpoint, SyncTarget};
use sync_wasm::{browser_store::TargetScope, store::IdbStore};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const COUNT: u64 = 3_000;

async fn stored(name: &str, chain: &TestChain, range: BlockRange) -> IdbStore {
    let mut store = writer(name).await;
    store.open().await.expect("opens");
    for batch in chain.batches(range, 1_024, &Checkpoint::new(chain.spec().id(), 0)) {
        store.persist(&batch).await.expect("stores");
    }
    store
}

fn range(first: BlockNumber, last: BlockNumber) -> BlockRange {
    BlockRange::new(first, last).expect("a range")
}

/// First number, last number and flag of each piece of a walk.
async fn walk(store: &IdbStore, scope: &TargetScope, whole: BlockRange) -> Vec<(u64, u64, bool)> {
    let mut pieces = Vec::new();
    let mut next = Some(whole);
    while let Some(rest) = next {
        let Some(piece) = store.stored_in(rest, scope).await.expect("reads") else { break };
        let (first, last) = (piece.headers[0].0, piece.headers[piece.headers.len() - 1].0);
        pieces.push((first, last, piece.under_target));
        next = BlockRange::new(last + 1, whole.last());
    }
    pieces
}

async fn by_number(store: &IdbStore, scope: &TargetScope, number: BlockNumber) -> Option<bool> {
    store.stored_by_number(number, scope).await.expect("reads").map(|piece| piece.under_target)
}

#[wasm_bindgen_test]
async fn a_pin_is_served_with_its_ancestors_and_nothing_else() {
    delete("snapshot-pin").await;
    let chain = TestChain::new(COUNT as usize, 61);
    let store = stored("snapshot-pin", &chain, range(0, COUNT - 1)).await;
    let pin = chain.hash(1_500);
    let scope = TargetScope::new(SyncTarget::Hash(pin));
    for (number, served) in [(0, Some(true)), (1_500, Some(true)), (1_501, None), (COUNT - 1, None)] {
        assert_eq!(by_number(&store, &scope, number).await, served, "{number}");
        let by_hash = store.stored_by_hash(chain.hash(number), &scope).await.expect("reads");
        assert_eq!(by_hash.map(|piece| piece.under_target), served, "hash of {number}");
    }
    assert_eq!(walk(&store, &scope, range(100, COUNT)).await, [(100, 1_023, true), (1_024, 1_500, true)]);
    assert_eq!(walk(&store, &scope, range(1_501, COUNT)).await, []);
    let view = store.view(&scope).await.expect("reads");
    assert_eq!(view.target, Some(BlockNumHash { number: 1_500, hash: pin }));
    assert_eq!(view.under_target, BlockRange::new(0, 1_500));
    // A pin that is not stored covers nothing.
    let scope = TargetScope::new(SyncTarget::Hash(TestChain::new(COUNT as usize, 62).hash(1_500)));
    assert_eq!((by_number(&store, &scope, 7).await, walk(&store, &scope, range(0, COUNT)).await), (None, Vec::new()));
}

#[wasm_bindgen_test]
async fn without_a_pin_everything_is_served_and_says_whether_it_lies_under_the_target() {
    delete("snapshot-tip").await;
    let chain = TestChain::new(COUNT as usize, 61);
    let store = stored("snapshot-tip", &chain, range(0, COUNT - 1)).await;
    let scope = TargetScope::new(SyncTarget::PeersTip);
    assert_eq!(by_number(&store, &scope, 7).await, Some(false), "no target is known yet");
    scope.resolve(Some(BlockNumHash { number: 1_500, hash: chain.hash(1_500) }));
    let pieces = [(1_000, 1_023, true), (1_024, 1_500, true), (1_501, 2_047, false), (2_048, 2_999, false)];
    assert_eq!(walk(&store, &scope, range(1_000, COUNT)).await, pieces);
    // Another block at the same number: the stored chain is not its chain.
    scope.resolve(Some(BlockNumHash { number: 1_500, hash: chain.hash(1_501) }));
    assert_eq!(by_number(&store, &scope, 7).await, Some(false));
    scope.resolve(Some(BlockNumHash { number: COUNT - 1, hash: chain.hash(COUNT - 1) }));
    assert_eq!(by_number(&store, &scope, 7).await, Some(true));
}

/// Headers of a run that a checkpoint gave up lie there until they are overwritten.
#[wasm_bindgen_test]
async fn what_the_checkpoint_gave_up_is_not_served() {
    delete("snapshot-given-up").await;
    let chain = TestChain::new(COUNT as usize, 61);
    let mut store = stored("snapshot-given-up", &chain, range(0, COUNT - 1)).await;
    let only_upper = chain.batches(range(2_048, COUNT - 1), 1_024, &Checkpoint::new(chain.spec().id(), 0));
    for batch in only_upper {
        store.persist(&batch).await.expect("stores");
    }
    assert!(store.header_by_number(7).await.expect("reads").is_some(), "it lies there");
    let scope = TargetScope::new(SyncTarget::PeersTip);
    assert_eq!(by_number(&store, &scope, 7).await, None);
    assert_eq!(store.stored_by_hash(chain.hash(7), &scope).await, Ok(None));
    assert_eq!(walk(&store, &scope, range(0, COUNT)).await, [(2_048, 2_999, false)]);
}
