//! The sorted tables behave like the B-trees of the standard library for any sequence of calls; the sorts behave like
//! its sorts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sorted::{SortedMap, SortedSet, sort_long_by, sort_short_by};

proptest! {
    #[test]
    fn like_a_b_tree(steps in proptest::collection::vec((0u8..8, 0u8..24, 0u8..24), 0..120)) {
        let (mut map, mut model) = (SortedMap::new(), BTreeMap::new());
        let (mut set, mut members) = (SortedSet::new(), BTreeSet::new());
        for (step, a, b) in steps {
            match step {
                0..=2 => {
                    prop_assert_eq!(map.insert(a, b), model.insert(a, b));
                    prop_assert_eq!(set.insert(a), members.insert(a));
                }
                3 => {
                    prop_assert_eq!(map.remove(&a), model.remove(&a));
                    prop_assert_eq!(set.remove(&a), members.remove(&a));
                }
                4 => {
                    prop_assert_eq!(map.pop_first(), model.pop_first());
                    prop_assert_eq!(map.pop_last(), model.pop_last());
                    prop_assert_eq!(set.pop_first(), members.pop_first());
                }
                5 => {
                    let upper = map.split_off(&a);
                    prop_assert!(upper.into_iter().eq(model.split_off(&a)));
                }
                6 => *map.get_or_insert_with(a, || b) = *model.entry(a).and_modify(|it| *it ^= 1).or_insert(b),
                _ => {
                    map.retain(|key, _| key % 3 != a % 3);
                    model.retain(|key, _| key % 3 != a % 3);
                    set.retain(|key| key % 3 != a % 3);
                    members.retain(|key| key % 3 != a % 3);
                }
            }
            prop_assert!(map.iter().eq(model.iter()) && set.iter().eq(members.iter()));
            prop_assert_eq!((map.get(&b), set.contains(&b)), (model.get(&b), members.contains(&b)));
            if a <= b {
                prop_assert!(map.range(a..=b).eq(model.range(a..=b)) && map.range(a..b).eq(model.range(a..b)));
            }
        }
    }

    #[test]
    fn a_short_sort_is_stable(mut list in proptest::collection::vec((0u8..8, 0u8..8), 0..60)) {
        let mut model = list.clone();
        model.sort_by_key(|(key, _)| *key);
        sort_short_by(&mut list, |a, b| a.0.cmp(&b.0));
        prop_assert_eq!(list, model);
    }
    #[test]
    fn a_long_sort_sorts(mut list in proptest::collection::vec(0u16..200, 0..300)) {
        let mut model = list.clone();
        model.sort_unstable();
        sort_long_by(&mut list, Ord::cmp);
        prop_assert_eq!(list, model);
    }
}
