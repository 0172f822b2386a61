//! Cases without damage.

use alloc::vec::Vec;

use super::{StoreFactory, TestChain, assert_holds, assert_lacks, fill, nothing, range, read};
use crate::{AuditStep, HeaderStore, StoreOpening, stored_headers};
use sync_core::{
    checkpoint::{Checkpoint, Subchain},
    fault::StoreFailure,
};

/// A new store is empty.
pub async fn opens_empty<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2, 1);
    let mut store = factory.create().await;
    assert_eq!(store.open().await, Ok(StoreOpening::default()));
    assert_lacks(&store, &chain, range(0, 1)).await;
    assert_eq!(store.headers(range(0, 100)).await, Ok(Vec::new()));
    assert_eq!(store.audit(100).await, Ok(AuditStep::Sound { next: None }));
}

/// Stored headers are found by number, by hash, and by range.
pub async fn stores_and_reads<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(3_001, 2);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 2_999), 8_192, &nothing(&chain)).await;
    assert_holds(&store, &chain, range(0, 2_999)).await;
    assert_lacks(&store, &chain, range(3_000, 3_000)).await;
}

/// A reload finds the headers and the checkpoint, and reports no damage.
pub async fn survives_reopening<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2_500, 3);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let checkpoint = fill(&mut store, &chain, range(500, 2_499), 1_024, &nothing(&chain)).await;
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
    assert_holds(&store, &chain, range(500, 2_499)).await;
}

/// Batches are stored from the top down; after each the store holds exactly what its checkpoint names.
pub async fn takes_falling_batches<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(4_000, 4);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    for batch in chain.batches(range(0, 3_999), 1_024, &nothing(&chain)) {
        store.persist(&batch).await.expect("a batch is stored");
        store = factory.reopen(store).await;
        let opening = store.open().await.expect("opens");
        assert_eq!(opening.checkpoint.as_ref(), Some(batch.checkpoint()), "headers and checkpoint move together");
        assert_eq!(opening.dropped, Vec::new());
    }
    assert_holds(&store, &chain, range(0, 3_999)).await;
}

/// Batches that end inside a segment; the next batch continues there.
pub async fn takes_batches_that_share_a_segment<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(1_100, 5);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let mut checkpoint = nothing(&chain);
    for part in [range(900, 1_099), range(899, 899), range(300, 898), range(0, 299)] {
        checkpoint = fill(&mut store, &chain, part, 8_192, &checkpoint).await;
    }
    assert_eq!(checkpoint.subchains.len(), 1, "they meet");
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
    assert_holds(&store, &chain, range(0, 1_099)).await;
}

/// Two ranges with a gap between them: a read stops at the gap, and a read from inside the gap finds the headers above
/// it.
pub async fn keeps_gaps<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(3_000, 6);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let checkpoint = fill(&mut store, &chain, range(0, 700), 8_192, &nothing(&chain)).await;
    let checkpoint = fill(&mut store, &chain, range(1_500, 2_999), 8_192, &checkpoint).await;
    assert_eq!(checkpoint.subchains.len(), 2);
    assert_holds(&store, &chain, range(0, 700)).await;
    assert_holds(&store, &chain, range(1_500, 2_999)).await;
    assert_lacks(&store, &chain, range(701, 1_499)).await;
    assert_eq!(store.headers(range(701, 1_499)).await, Ok(Vec::new()));
    let over = store.headers(range(690, 1_510)).await.expect("reads");
    assert!(over.iter().all(|(number, _)| *number <= 700), "stops at the gap");
    let from_gap = store.headers(range(1_000, 1_510)).await.expect("reads");
    assert_eq!(from_gap.first().map(|(number, _)| *number), Some(1_500), "begins at the first stored number");
}

/// An unwind removes everything above a number, in the middle of a segment, and stores the new checkpoint.
pub async fn unwinds_within_a_segment<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(3_000, 7);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let mut checkpoint = fill(&mut store, &chain, range(0, 2_999), 8_192, &nothing(&chain)).await;
    checkpoint.trim_above(1_500, Some(chain.hash(1_500)));
    store.unwind(1_500, &checkpoint).await.expect("unwinds");
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint.clone()), dropped: Vec::new() }));
    assert_holds(&store, &chain, range(0, 1_500)).await;
    assert_lacks(&store, &chain, range(1_501, 2_999)).await;
    // Sync continues on another branch.
    let branch = chain.fork_above(1_500, 2_000, 77);
    let checkpoint = fill(&mut store, &branch, range(1_501, 1_999), 8_192, &checkpoint).await;
    assert_eq!(checkpoint.subchains.len(), 1, "the branch meets what stayed");
    assert_holds(&store, &branch, range(0, 1_999)).await;
}

/// A reorg: the new branch is already stored above the old head, and stays when the old branch is removed; the two
/// share segments.
pub async fn unwinds_under_a_newer_run<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2_500, 14);
    let branch = chain.fork_above(1_900, 4_000, 144);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let checkpoint = fill(&mut store, &chain, range(0, 2_499), 8_192, &nothing(&chain)).await;
    let mut checkpoint = fill(&mut store, &branch, range(2_500, 3_999), 8_192, &checkpoint).await;
    assert_eq!(checkpoint.subchains.len(), 2, "they do not meet");
    let old = checkpoint.subchains.pop().expect("the old branch");
    checkpoint.subchains.push(Subchain { head: 1_900, head_hash: chain.hash(1_900), ..old });
    store.unwind(1_900, &checkpoint).await.expect("unwinds");
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint.clone()), dropped: Vec::new() }));
    assert_holds(&store, &branch, range(0, 1_900)).await;
    assert_lacks(&store, &chain, range(1_901, 2_499)).await;
    assert_holds(&store, &branch, range(2_500, 3_999)).await;
    let checkpoint = fill(&mut store, &branch, range(1_901, 2_499), 8_192, &checkpoint).await;
    assert_eq!(checkpoint.subchains.len(), 1, "the branch meets what stayed");
    assert_holds(&store, &branch, range(0, 3_999)).await;
}

/// A look-up returns the header for each number, or that it is absent.
pub async fn looks_up_what_is_there<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(3_000, 15);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(1_000, 2_999), 8_192, &nothing(&chain)).await;
    let there = |number| (number, Some(chain.header(number).clone()));
    let expected = [(7, None), there(1_000), there(2_047), there(2_048), there(2_999), (3_000, None)];
    assert_eq!(stored_headers(&store, &[7, 1_000, 2_047, 2_048, 2_999, 3_000]).await, expected);
    factory.corrupt(&mut store, 1_500).await;
    let mut store = factory.reopen(store).await;
    store.open().await.expect("opens");
    assert_eq!(stored_headers(&store, &[1_500]).await, [(1_500, None)], "what is damaged is not there");
}

/// The same numbers with other headers: the last write wins, and the old hashes are removed.
pub async fn rewrites_a_range<F: StoreFactory>(factory: &mut F) {
    let (old, new) = (TestChain::new(2_000, 8), TestChain::new(2_000, 88));
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &old, range(300, 1_999), 8_192, &nothing(&old)).await;
    let checkpoint = fill(&mut store, &new, range(300, 1_999), 8_192, &nothing(&new)).await;
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
    assert_holds(&store, &new, range(300, 1_999)).await;
    for number in [300, 1_023, 1_024, 1_999] {
        assert_eq!(store.header_by_hash(old.hash(number)).await, Ok(None), "{number} of the old branch");
    }
    // A part of it, across a segment boundary.
    let third = new.fork_above(900, 1_200, 888);
    fill(&mut store, &third, range(901, 1_199), 8_192, &nothing(&third)).await;
    assert_holds(&store, &third, range(300, 1_199)).await;
    assert_eq!(store.header_by_hash(new.hash(1_100)).await, Ok(None), "overwritten");
    assert_eq!(read(&store, range(1_200, 1_999)).await.len(), 800, "what lies above stays");
}

/// After `clear` the store is empty, also after a reload, and can be used again.
pub async fn clears<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(1_500, 9);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 1_499), 8_192, &nothing(&chain)).await;
    store.clear().await.expect("clears");
    assert_lacks(&store, &chain, range(0, 1_499)).await;
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening::default()));
    fill(&mut store, &chain, range(0, 1_499), 8_192, &nothing(&chain)).await;
    assert_holds(&store, &chain, range(0, 1_499)).await;
}

/// A failed batch changes nothing; once there is room, the same batch is stored.
pub async fn changes_nothing_when_full<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2_000, 10);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    let checkpoint = fill(&mut store, &chain, range(1_000, 1_999), 8_192, &nothing(&chain)).await;
    if !factory.set_full(&mut store, true).await {
        return;
    }
    let batch = chain.batches(range(0, 999), 8_192, &checkpoint).remove(0);
    assert_eq!(store.persist(&batch).await, Err(StoreFailure::Full));
    assert_eq!(store.unwind(0, &Checkpoint::new(1, 0)).await, Err(StoreFailure::Full));
    assert_holds(&store, &chain, range(1_000, 1_999)).await;
    assert_lacks(&store, &chain, range(0, 999)).await;
    factory.set_full(&mut store, false).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
    store.persist(&batch).await.expect("there is room again");
    assert_holds(&store, &chain, range(0, 1_999)).await;
}
