//! The stored record: packing and reading are inverse, and all damage is found.

use bytes::Bytes;
use header_rules::range::BlockRange;
use header_store::{SEGMENT_BYTES_MAX, SEGMENT_HEADERS, Segment, SegmentDamage, contract::TestChain};
use header_wire::limits::HEADER_BYTES_MAX;
use proptest::prelude::*;
use sync_core::{Checkpoint, checkpoint::Subchain};

fn range(first: u64, last: u64) -> BlockRange {
    BlockRange::new(first, last).expect("in order")
}

fn rising(chain: &TestChain, range: BlockRange) -> Vec<Bytes> {
    (range.first()..=range.last()).map(|number| chain.header(number).clone()).collect()
}

fn pack(chain: &TestChain, range: BlockRange) -> Segment {
    Segment::pack(range.first(), &rising(chain, range))
}

#[test]
fn a_record_comes_back() {
    let chain = TestChain::new(1_100, 1);
    for part in [range(0, 1_023), range(1_024, 1_099), range(700, 700)] {
        let packed = pack(&chain, part);
        let read = Segment::decode(packed.record().clone()).expect("its own form");
        assert_eq!(read, packed);
        assert_eq!(read.range(), part);
        for number in part.first()..=part.last() {
            assert_eq!(read.header(number).as_ref(), Some(chain.header(number)));
        }
        assert_eq!(read.header(part.last() + 1), None);
        let ends = read.verify().expect("holds together");
        assert_eq!((ends.first, ends.last, ends.last_hash), (part.first(), part.last(), chain.hash(part.last())));
        let below = part.first().checked_sub(1).map(|below| chain.hash(below));
        assert_eq!(ends.parent_hash, below.unwrap_or_default());
    }
}

#[test]
fn the_longest_headers_of_the_wire_fill_a_segment_that_is_read_again() {
    let longest = Bytes::from(vec![7; HEADER_BYTES_MAX]);
    let whole = Segment::pack(0, &vec![longest; SEGMENT_HEADERS as usize]);
    assert_eq!(whole.record().len(), SEGMENT_BYTES_MAX);
    assert_eq!(Segment::decode(whole.record().clone()), Ok(whole.clone()));
    let longer = Bytes::from([whole.record(), &[0][..]].concat());
    assert_eq!(Segment::decode(longer), Err(SegmentDamage::Form("too long")));
}

#[test]
fn a_batch_is_cut_at_the_multiples() {
    let cuts: Vec<_> = Segment::cuts(range(1_000, 3_100)).collect();
    assert_eq!(cuts, [range(1_000, 1_023), range(1_024, 2_047), range(2_048, 3_071), range(3_072, 3_100)]);
    assert_eq!(Segment::cuts(range(5, 5)).collect::<Vec<_>>(), [range(5, 5)]);
    let top = range(u64::MAX - 1, u64::MAX);
    assert_eq!(Segment::cuts(top).collect::<Vec<_>>(), [top]);
    let chain = TestChain::new(1_200, 2);
    let batch = chain.batches(range(900, 1_199), 8_192, &Checkpoint::new(1, 0)).remove(0);
    let segments: Vec<_> = Segment::pack_batch(&batch).collect();
    assert_eq!(segments, [pack(&chain, range(900, 1_023)), pack(&chain, range(1_024, 1_199))]);
}

#[test]
fn wrong_headers_are_named() {
    let chain = TestChain::new(100, 3);
    let other = chain.fork_above(50, 100, 33);
    let mut headers = rising(&chain, range(40, 59));
    headers[15] = other.header(55).clone();
    let (got, expected) = (other.hash(55), chain.hash(55));
    assert_eq!(Segment::pack(40, &headers).verify(), Err(SegmentDamage::BrokenLink { number: 55, got, expected }));
    let shifted = Segment::pack(41, &rising(&chain, range(40, 59)));
    assert_eq!(shifted.verify(), Err(SegmentDamage::Number { got: 59, expected: 60 }));
    headers[19] = Bytes::from_static(b"no header");
    assert!(matches!(Segment::pack(40, &headers).verify(), Err(SegmentDamage::Undecodable { number: 59, .. })));
}

#[test]
fn a_segment_is_held_against_its_run() {
    let chain = TestChain::new(200, 4);
    let branch = chain.fork_above(80, 200, 44);
    let run = |head: u64, tail: u64| Subchain {
        head,
        head_hash: chain.hash(head),
        tail,
        next: tail.checked_sub(1).map(|below| chain.hash(below)).unwrap_or_default(),
    };
    let segment = pack(&chain, range(50, 99));
    assert_eq!(segment.audit(&run(99, 0), None), Ok(range(50, 99)));
    assert_eq!(segment.audit(&run(99, 60), None), Ok(range(60, 99)));
    assert_eq!(segment.audit(&run(90, 0), None), Ok(range(50, 90)));
    assert_eq!(segment.audit(&run(150, 0), Some(chain.header(100))), Ok(range(50, 99)));
    // A consistent branch in the place of the range's own headers.
    let stranger = pack(&branch, range(50, 99));
    assert!(stranger.verify().is_ok());
    assert!(matches!(stranger.audit(&run(99, 0), None), Err(SegmentDamage::BrokenLink { number: 99, .. })));
    let above = Some(chain.header(100).as_ref());
    assert!(matches!(stranger.audit(&run(150, 0), above), Err(SegmentDamage::BrokenLink { number: 99, .. })));
    // The parent hash of its tail must match the checkpoint.
    let wrong_next = Subchain { next: chain.hash(1), ..run(99, 50) };
    assert!(matches!(segment.audit(&wrong_next, None), Err(SegmentDamage::BrokenLink { number: 49, .. })));
    assert!(segment.audit(&run(150, 120), None).is_err(), "outside its run");
}

#[test]
fn damaged_forms_are_refused() {
    let chain = TestChain::new(20, 5);
    let record = pack(&chain, range(10, 19)).record().to_vec();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = record.clone();
        change(&mut bytes);
        Segment::decode(bytes.into())
    };
    assert!(damaged(&|_| {}).is_ok());
    for (what, change) in [
        ("version", &(|bytes: &mut Vec<u8>| bytes[0] = 2) as &dyn Fn(&mut Vec<u8>)),
        ("no header", &|bytes| bytes[9..13].fill(0)),
        ("count over the slot", &|bytes| bytes[9..13].copy_from_slice(&(SEGMENT_HEADERS as u32).to_le_bytes())),
        ("count over everything", &|bytes| bytes[9..13].fill(0xff)),
        ("first at the end of numbers", &|bytes| bytes[1..9].fill(0xff)),
        ("offsets fall", &|bytes| bytes[13..17].fill(0xff)),
        ("a byte less", &|bytes| bytes.truncate(bytes.len() - 1)),
        ("a byte more", &|bytes| bytes.push(0)),
        ("empty", &|bytes| bytes.clear()),
    ] {
        assert!(matches!(damaged(change), Err(SegmentDamage::Form(_))), "{what}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_value(mut bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0u32..8) {
        if bytes.len() > 13 {
            bytes[0] = 1;
            bytes[1..9].fill(0);
            bytes[9..13].copy_from_slice(&count.to_le_bytes());
        }
        if let Ok(segment) = Segment::decode(bytes.into()) {
            prop_assert!(segment.verify().is_err());
            prop_assert_eq!(segment.headers().count() as u64, segment.range().len());
        }
    }

    /// A changed byte of a record is found by the audit against its range.
    #[test]
    fn any_changed_byte_is_found(at in any::<prop::sample::Index>(), change in 1u8..) {
        let chain = TestChain::new(6, 6);
        let whole = pack(&chain, range(1, 4));
        let run = Subchain { head: 4, head_hash: chain.hash(4), tail: 1, next: chain.hash(0) };
        let mut bytes = whole.record().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let found = Segment::decode(bytes.into()).and_then(|segment| segment.audit(&run, None));
        prop_assert_ne!(found, Ok(range(1, 4)));
    }
}
