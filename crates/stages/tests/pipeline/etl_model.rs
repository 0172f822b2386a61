//! The collector against a B-tree, for any insertions and any aborted load.

use std::collections::BTreeMap;

use crate::spills::FailingSpill;
use proptest::prelude::*;
use stages::etl::{EqualKeys, MemorySpill, SpillCollector};

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>, Vec<u8>),
    /// Merge, and stop after this many entries.
    Peek(usize),
    /// Abort the load: its entries must not appear afterwards.
    Abort,
    /// The call to the spill after this many more fails.
    Fail(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let key = prop::collection::vec(0u8..4, 0..4);
    let value = prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        40 => (key, value).prop_map(|(key, value)| Op::Insert(key, value)),
        1 => (0usize..20).prop_map(Op::Peek),
        1 => Just(Op::Abort),
        2 => (0usize..30).prop_map(Op::Fail),
    ]
}

type Collector = SpillCollector<FailingSpill<MemorySpill>>;

fn drained(collector: &mut Collector, most: usize) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut merge = loop {
        // Writing the rest of the buffer may fail once.
        if collector.merge().is_ok() {
            break collector.merge().expect("the rest is written");
        }
    };
    let mut attempts = 0;
    while out.len() < most {
        match merge.next() {
            Ok(Some((key, value))) => assert_eq!(out.insert(key.to_vec(), value.to_vec()), None, "each key once"),
            Ok(None) => break,
            Err(_) => attempts += 1,
        }
        assert!(attempts < 3, "only one call fails");
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn e05_i01_i05_equals_a_map_whatever_was_given_up_before(
        ops in prop::collection::vec(op(), 0..200),
        capacity in 32usize..600,
    ) {
        let mut model = BTreeMap::new();
        let mut collector = SpillCollector::new(capacity, EqualKeys::Last, FailingSpill::new(MemorySpill::new()));
        let mut inserted = 0;
        for op in ops {
            match op {
                Op::Insert(key, value) => {
                    // The spill failed and nothing was added, so the entry is inserted again.
                    if collector.insert(&key, &value).is_err() {
                        prop_assert_eq!(collector.len(), inserted);
                        prop_assert!(collector.insert(&key, &value).is_ok(), "only one call fails");
                    }
                    inserted += 1;
                    model.insert(key, value);
                    prop_assert_eq!(collector.len(), inserted);
                    prop_assert!(collector.allocated() <= capacity);
                }
                Op::Peek(most) => {
                    let most = most.min(model.len());
                    let some = drained(&mut collector, most);
                    prop_assert_eq!(some, model.iter().take(most).map(|(k, v)| (k.clone(), v.clone())).collect());
                }
                Op::Abort => {
                    if collector.clear().is_err() {
                        prop_assert!(collector.clear().is_ok(), "only one call fails");
                    }
                    prop_assert!(collector.spill().inner.is_empty(), "no run stays behind");
                    model.clear();
                    inserted = 0;
                }
                Op::Fail(after) => collector.spill().fail_after(after),
            }
        }
        prop_assert_eq!(drained(&mut collector, usize::MAX), model);
        collector.spill().heal();
        prop_assert!(collector.clear().is_ok());
        prop_assert!(collector.spill().inner.is_empty());
    }
}
