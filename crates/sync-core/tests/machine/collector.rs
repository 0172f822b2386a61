//! Windows: where they are cut, what a batch holds, and what the checkpoint says after each.

use bytes::Bytes;
use header_rules::range::BlockRange;
use header_store::contract::TestChain;
use proptest::prelude::*;
use sync_core::{
    Checkpoint,
    etl::{Collector, HeaderBatch},
    id::BatchId,
};

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("in order")
}

/// Feeds a range into a collector and takes every batch as soon as it is complete; what is left stays in the collector.
fn collect(chain: &TestChain, whole: BlockRange, window: u64, base: &Checkpoint) -> (Vec<HeaderBatch>, Collector) {
    let mut collector = Collector::new(window);
    let mut base = base.clone();
    let mut batches = Vec::new();
    for verified in chain.verified(whole) {
        collector.push(verified);
        while let Some(batch) = collector.take_batch(BatchId(batches.len() as u64), &base) {
            base = batch.checkpoint().clone();
            batches.push(batch);
        }
    }
    (batches, collector)
}

fn assert_holds(batch: &HeaderBatch, chain: &TestChain) {
    let numbers = batch.range().first()..=batch.range().last();
    let expected: Vec<Bytes> = numbers.map(|number| chain.header(number).clone()).collect();
    assert_eq!(batch.headers(), expected, "rising");
    assert!(batch.hash_index().windows(2).all(|pair| pair[0].hash < pair[1].hash), "sorted by hash");
    assert_eq!(batch.hash_index().len(), expected.len());
    assert!(batch.hash_index().iter().all(|entry| chain.hash(entry.number) == entry.hash));
    assert_eq!(batch.bytes(), expected.iter().map(|rlp| rlp.len() as u64).sum::<u64>());
}

#[test]
fn windows_are_cut_at_their_multiples_and_at_the_floor() {
    let chain = TestChain::new(1_000, 1);
    let base = Checkpoint::new(1, 100);
    let (batches, collector) = collect(&chain, range(100, 999), 256, &base);
    let ranges: Vec<_> = batches.iter().map(HeaderBatch::range).collect();
    assert_eq!(ranges, [range(768, 999), range(512, 767), range(256, 511), range(100, 255)]);
    batches.iter().for_each(|batch| assert_holds(batch, &chain));
    assert!(collector.is_empty() && collector.bytes() == 0);
    for batch in &batches {
        let [run] = batch.checkpoint().subchains.as_slice() else { panic!("one run grows") };
        assert_eq!((run.head, run.tail), (999, batch.range().first()));
        assert_eq!((run.head_hash, run.next), (chain.hash(999), chain.hash(run.tail - 1)));
    }
}

#[test]
fn an_older_run_ends_a_window_and_is_taken_in() {
    let chain = TestChain::new(1_000, 2);
    let base = Checkpoint::new(1, 0);
    let (older, _) = collect(&chain, range(0, 600), 256, &base);
    let base = older.last().expect("down to the floor").checkpoint();
    let (batches, collector) = collect(&chain, range(601, 999), 256, base);
    let ranges: Vec<_> = batches.iter().map(HeaderBatch::range).collect();
    assert_eq!(ranges, [range(768, 999), range(601, 767)]);
    assert_eq!(batches[0].checkpoint().subchains.len(), 2);
    let [run] = batches[1].checkpoint().subchains.as_slice() else { panic!("the runs meet") };
    assert_eq!((run.head, run.tail), (999, 0));
    assert!(collector.is_empty());
}

#[test]
fn another_chain_below_is_not_taken_in() {
    let chain = TestChain::new(1_000, 3);
    let branch = chain.fork_above(100, 700, 33);
    let base = Checkpoint::new(1, 0);
    let (older, _) = collect(&branch, range(0, 600), 1_024, &base);
    let base = older.last().expect("down to the floor").checkpoint();
    let (batches, _) = collect(&chain, range(601, 999), 1_024, base);
    let checkpoint = batches.last().expect("down to the older run").checkpoint();
    assert_eq!(checkpoint.subchains.len(), 2, "they touch and do not meet");
    assert!(checkpoint.is_sound());
}

#[test]
fn a_partial_batch_is_taken_on_demand() {
    let chain = TestChain::new(600, 4);
    let base = Checkpoint::new(1, 0);
    let (batches, mut collector) = collect(&chain, range(300, 599), 512, &base);
    assert_eq!(batches.len(), 1);
    let base = batches[0].checkpoint();
    assert!(collector.take_batch(BatchId(1), base).is_none(), "the window is not complete");
    assert_eq!(collector.range(), Some(range(300, 511)));
    let partial = collector.take_partial(BatchId(1), base).expect("something waits");
    assert_eq!(partial.range(), range(300, 511));
    assert_holds(&partial, &chain);
    assert!(collector.take_partial(BatchId(2), base).is_none(), "nothing waits");
    assert_eq!(partial.checkpoint().newest().expect("stored").tail, 300);
}

#[test]
#[should_panic(expected = "continue the collected run")]
fn what_does_not_continue_is_a_broken_invariant() {
    let chain = TestChain::new(100, 5);
    let mut collector = Collector::new(64);
    for first in [50, 20] {
        chain.verified(range(first, first + 9)).into_iter().for_each(|verified| collector.push(verified));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the window, the floor and the moments of partial cuts: every header is in exactly one batch, in order,
    /// and the last checkpoint is one run.
    #[test]
    fn nothing_is_lost_and_nothing_twice(
        window in 1u64..300,
        floor in 0u64..200,
        partial_every in 1usize..5,
    ) {
        let chain = TestChain::new(500, 6);
        let mut collector = Collector::new(window);
        let mut checkpoint = Checkpoint::new(1, floor);
        let mut next = 500;
        for (turn, verified) in chain.verified(range(floor, 499)).into_iter().enumerate() {
            collector.push(verified);
            let mut cut = Vec::new();
            while let Some(batch) = collector.take_batch(BatchId(0), cut.last().map_or(&checkpoint, HeaderBatch::checkpoint)) {
                cut.push(batch);
            }
            if turn % partial_every == 0 {
                cut.extend(collector.take_partial(BatchId(0), cut.last().map_or(&checkpoint, HeaderBatch::checkpoint)));
            }
            for batch in cut {
                prop_assert_eq!(batch.range().last() + 1, next);
                next = batch.range().first();
                prop_assert_eq!(batch.range().first() / window, batch.range().last() / window);
                assert_holds(&batch, &chain);
                checkpoint = batch.checkpoint().clone();
            }
        }
        prop_assert_eq!(next, floor);
        prop_assert_eq!(checkpoint.subchains.len(), 1);
        prop_assert_eq!(collector.bytes(), 0);
    }
}
