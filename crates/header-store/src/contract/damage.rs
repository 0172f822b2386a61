//! Cases with damaged data.

use alloc::vec::Vec;

use super::{StoreFactory, TestChain, assert_holds, assert_lacks, fill, nothing, range};
use crate::{AuditStep, HeaderStore, StoreOpening};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{checkpoint::Checkpoint, io::BlockNumHash};

/// A checkpoint that does not decode, or of another version, means a fresh sync, and never a panic.
pub async fn starts_afresh_on_a_garbled_checkpoint<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(1_200, 20);
    let mut other_form = nothing(&chain);
    other_form.version += 1;
    for garbage in [b"".as_slice(), b"\xc0", b"no checkpoint", &other_form.encode()] {
        let mut store = factory.create().await;
        store.open().await.expect("opens");
        fill(&mut store, &chain, range(0, 1_099), 8_192, &nothing(&chain)).await;
        factory.garble_checkpoint(&mut store, garbage).await;
        let mut store = factory.reopen(store).await;
        assert_eq!(store.open().await.expect("opens").checkpoint, None);
        let checkpoint = fill(&mut store, &chain, range(600, 1_199), 8_192, &nothing(&chain)).await;
        let mut store = factory.reopen(store).await;
        assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
        assert_holds(&store, &chain, range(600, 1_199)).await;
    }
}

/// The newest segment is verified at each opening; a damaged one is removed, and the checkpoint changes with it.
pub async fn drops_a_damaged_head_at_opening<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2_500, 21);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 2_499), 8_192, &nothing(&chain)).await;
    factory.corrupt(&mut store, 2_300).await;
    let mut store = factory.reopen(store).await;
    let opening = store.open().await.expect("opens");
    let checkpoint = opening.checkpoint.expect("the rest is sound");
    let newest = *checkpoint.newest().expect("the rest is sound");
    assert!(opening.dropped.iter().any(|range| range.contains(2_300)), "the damaged range is named");
    assert!((1_000..2_300).contains(&newest.head), "what was sound and apart from it is kept, up to {}", newest.head);
    assert_eq!(newest.head_hash, chain.hash(newest.head));
    assert_eq!(newest.tail, 0);
    assert_lacks(&store, &chain, range(newest.head + 1, 2_499)).await;
    assert_holds(&store, &chain, range(0, newest.head)).await;
    let mut store = factory.reopen(store).await;
    let again = StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() };
    assert_eq!(store.open().await, Ok(again), "the drop was durable");
}

/// Even before an audit, a damaged header is an error or absent, but is never returned.
pub async fn never_hands_out_a_damaged_header<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(2_500, 22);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 2_499), 8_192, &nothing(&chain)).await;
    factory.corrupt(&mut store, 500).await;
    assert!(!matches!(store.header_by_number(500).await, Ok(Some(_))), "by number");
    assert!(!matches!(store.header_by_hash(chain.hash(500)).await, Ok(Some(_))), "by hash");
    let row = store.headers(range(499, 501)).await.unwrap_or_default();
    assert!(row.iter().all(|(number, rlp)| rlp == chain.header(*number)), "in a row");
    assert_holds(&store, &chain, range(1_500, 2_499)).await;
}

/// Audits the whole store from `from` down; returns the removed ranges and the last checkpoint.
async fn audit_all<S: HeaderStore>(store: &mut S, from: BlockNumber) -> (Vec<BlockRange>, Option<Checkpoint>) {
    let (mut dropped, mut last, mut next) = (Vec::new(), None, Some(from));
    while let Some(from) = next {
        next = match store.audit(from).await.expect("audits") {
            AuditStep::Sound { next } => next,
            AuditStep::Dropped { range, checkpoint, next } => {
                dropped.push(range);
                last = Some(checkpoint);
                next
            }
        };
        assert!(next.is_none_or(|next| next < from), "an audit moves down");
    }
    (dropped, last)
}

/// The audit finds a damaged segment further down and carves it out of the checkpoint; both sides stay.
pub async fn audit_drops_what_is_damaged<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(5_000, 23);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 4_999), 8_192, &nothing(&chain)).await;
    assert_eq!(audit_all(&mut store, 4_999).await, (Vec::new(), None), "a sound store passes");
    factory.corrupt(&mut store, 2_500).await;
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await.expect("opens").dropped, Vec::new(), "opening proves the newest alone");
    let (dropped, checkpoint) = audit_all(&mut store, 4_999).await;
    assert_eq!(dropped.len(), 1, "one segment is damaged: {dropped:?}");
    let (hole, checkpoint) = (dropped[0], checkpoint.expect("a drop tells what is left"));
    assert!(hole.contains(2_500));
    let [upper, lower] = checkpoint.subchains.as_slice() else { panic!("two runs are left: {checkpoint:?}") };
    assert_eq!((upper.head, upper.tail), (4_999, hole.last() + 1));
    assert_eq!((lower.head, lower.tail), (hole.first() - 1, 0));
    assert_eq!((upper.next, lower.head_hash), (chain.hash(hole.last()), chain.hash(hole.first() - 1)));
    assert_lacks(&store, &chain, hole).await;
    let mut store = factory.reopen(store).await;
    assert_eq!(store.open().await, Ok(StoreOpening { checkpoint: Some(checkpoint), dropped: Vec::new() }));
    assert_eq!(audit_all(&mut store, 4_999).await, (Vec::new(), None), "what is left is sound");
}

/// The gap is downloaded again, and everything is one range.
pub async fn fills_a_dropped_range_again<F: StoreFactory>(factory: &mut F) {
    let chain = TestChain::new(4_000, 24);
    let mut store = factory.create().await;
    store.open().await.expect("opens");
    fill(&mut store, &chain, range(0, 3_999), 8_192, &nothing(&chain)).await;
    factory.corrupt(&mut store, 1_500).await;
    let (dropped, checkpoint) = audit_all(&mut store, 3_999).await;
    let checkpoint = checkpoint.expect("the damage is found");
    let checkpoint = fill(&mut store, &chain, dropped[0], 8_192, &checkpoint).await;
    assert!(checkpoint.is_complete(BlockNumHash { number: 3_999, hash: chain.hash(3_999) }), "{checkpoint:?}");
    assert_holds(&store, &chain, range(0, 3_999)).await;
}
