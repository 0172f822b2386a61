//! Segments at an unwind: the removed and the kept part.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use header_rules::range::BlockRange;
use header_store::{HeaderStore, MemoryStore, SEGMENT_HEADERS, Segment, contract::TestChain};
use sync_core::Checkpoint;

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory has nothing to wait for"),
    }
}

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("rising")
}

/// A segment has 1,024 headers and not half a million, because one header is read with its whole segment. The store is
/// not append-only, so an unwind may remove even the first segment.
#[test]
fn s12_a_cut_removes_whole_segments_and_of_one_the_upper_part() {
    let chain = TestChain::new(3_500, 2);
    let whole = Checkpoint::new(chain.spec().id(), 0);
    for to in [3_498, 3_072, 3_071, 2_048, 1_500, 1_023, 1, 0] {
        let mut store = MemoryStore::new();
        for batch in chain.batches(range(0, 3_499), 1_024, &whole) {
            ready(store.persist(&batch)).expect("room in memory");
        }
        ready(store.unwind(to, &whole)).expect("room in memory");
        assert_eq!(ready(store.header_by_number(to)), Ok(Some(chain.header(to).clone())), "the highest kept is there");
        assert_eq!(ready(store.header_by_number(to + 1)), Ok(None));
        assert_eq!(ready(store.header_by_hash(chain.hash(to + 1))), Ok(None));
        let rest = ready(store.headers(range(0, 3_499))).expect("what is kept holds together");
        assert_eq!(rest.len() as u64, (to + 1).min(SEGMENT_HEADERS), "a read ends with its segment");
        // The removed headers can be stored again.
        let refill = chain.batches(range(to + 1, 3_499), 1_024, &whole);
        refill.iter().for_each(|batch| ready(store.persist(batch)).expect("room in memory"));
        for number in [0, to, to + 1, 3_499] {
            assert_eq!(ready(store.header_by_number(number)), Ok(Some(chain.header(number).clone())), "{number}");
        }
    }
}

#[test]
fn s12_segments_never_cross_their_multiple() {
    for (first, last) in [(0, 0), (0, 1_023), (0, 1_024), (1_000, 5_000), (1_023, 1_024), (2_048, 4_095)] {
        let cuts: Vec<BlockRange> = Segment::cuts(range(first, last)).collect();
        assert_eq!((cuts[0].first(), cuts[cuts.len() - 1].last()), (first, last));
        assert!(cuts.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()), "without a hole");
        for cut in cuts {
            assert_eq!(cut.first() / SEGMENT_HEADERS, cut.last() / SEGMENT_HEADERS, "{cut}");
        }
    }
}
