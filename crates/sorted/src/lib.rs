//! Maps and sets that are sorted vectors.
//!
//! The tables of a sync are small, need a defined order, and are part of a wasm download. A B-tree adds 5 to 10 KB of
//! wasm per pair of types; a sorted vector adds some hundred bytes and is as fast up to some hundred entries. So every
//! table with a named limit is one of these. (Flat maps of other crates have no range queries and cannot remove from
//! their ends.)
//!
//! The methods have the names and the meaning of those of [`alloc::collections::BTreeMap`]. Insertion and removal move
//! all later entries: linear in the number of entries, which the owner bounds.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::{
    borrow::Borrow,
    cmp::Ordering,
    mem,
    ops::{Bound, RangeBounds},
    slice,
};

/// Sorts at most some hundred entries in place; equal entries keep their order. An insertion sort: each use of the
/// standard library's sorts adds 4 to 7 KB of wasm.
pub fn sort_short_by<T>(list: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && compare(&list[at], &list[at - 1]) == Ordering::Less {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Sorts a list of any length in place; the order of equal entries is not defined. A heap sort, smaller in wasm than
/// the standard library's sorts.
pub fn sort_long_by<T>(list: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    // Entries before `heap` form a heap or are not in it yet; entries after `end` are sorted.
    let (mut heap, mut end) = (list.len() / 2, list.len());
    while end > 1 {
        if heap > 0 {
            heap -= 1;
        } else {
            end -= 1;
            list.swap(0, end);
        }
        let mut parent = heap;
        loop {
            let mut child = 2 * parent + 1;
            if child + 1 < end && compare(&list[child], &list[child + 1]) == Ordering::Less {
                child += 1;
            }
            if child >= end || compare(&list[parent], &list[child]) != Ordering::Less {
                break;
            }
            list.swap(parent, child);
            parent = child;
        }
    }
}

/// A map with rising keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> SortedMap<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Has the map no entries?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// All entries, keys rising.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// All entries, keys rising, with mutable values.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> + ExactSizeIterator {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// All keys, rising.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// All values, by rising key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// All values, by rising key, mutable.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> + ExactSizeIterator {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The entry with the lowest key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.entries.first().map(|(key, value)| (key, value))
    }

    /// The entry with the highest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.entries.last().map(|(key, value)| (key, value))
    }

    /// Removes the entry with the lowest key.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        if self.entries.is_empty() { None } else { Some(self.entries.remove(0)) }
    }

    /// Removes the entry with the highest key.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.entries.pop()
    }

    /// Keeps the entries for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// The value at `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.entries[at].1)
    }

    /// The value at `key`, mutable.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &mut self.entries[at].1)
    }

    /// Does the map contain `key`?
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Inserts a value at `key` and returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(mem::replace(&mut self.entries[at].1, value)),
            Err(at) => {
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes the value at `key`.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| self.entries.remove(at).1)
    }

    /// The value at `key`; inserts a new one if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (key, make()));
                at
            }
        };
        &mut self.entries[at].1
    }

    /// The entries with keys in `range`, rising.
    pub fn range(&self, range: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.slice(range).iter().map(|(key, value)| (key, value))
    }

    /// Removes the entries from `key` on and returns them.
    pub fn split_off(&mut self, key: &K) -> Self {
        let at = self.entries.partition_point(|(other, _)| other < key);
        Self { entries: self.entries.split_off(at) }
    }

    fn slice(&self, range: impl RangeBounds<K>) -> &[(K, V)] {
        let from = match range.start_bound() {
            Bound::Included(first) => self.entries.partition_point(|(key, _)| key < first),
            Bound::Excluded(before) => self.entries.partition_point(|(key, _)| key <= before),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => self.entries.partition_point(|(key, _)| key <= last),
            Bound::Excluded(after) => self.entries.partition_point(|(key, _)| key < after),
            Bound::Unbounded => self.entries.len(),
        };
        self.entries.get(from..to).unwrap_or_default()
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.entries.binary_search_by(|(other, _)| other.borrow().cmp(key))
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = alloc::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

/// A set with rising members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedSet<K> {
    keys: Vec<K>,
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> SortedSet<K> {
    /// An empty set.
    pub const fn new() -> Self {
        Self { keys: Vec::new() }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Has the set no members?
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Removes all members.
    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// All members, rising.
    pub fn iter(&self) -> slice::Iter<'_, K> {
        self.keys.iter()
    }

    /// The lowest member.
    pub fn first(&self) -> Option<&K> {
        self.keys.first()
    }

    /// The highest member.
    pub fn last(&self) -> Option<&K> {
        self.keys.last()
    }

    /// Removes the lowest member.
    pub fn pop_first(&mut self) -> Option<K> {
        if self.keys.is_empty() { None } else { Some(self.keys.remove(0)) }
    }

    /// Keeps the members for which `keep` is true.
    pub fn retain(&mut self, keep: impl FnMut(&K) -> bool) {
        self.keys.retain(keep);
    }
}

impl<K: Ord> SortedSet<K> {
    /// Is this a member?
    pub fn contains(&self, key: &K) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// Adds a member; `false` if it is one already.
    pub fn insert(&mut self, key: K) -> bool {
        match self.keys.binary_search(&key) {
            Ok(_) => false,
            Err(at) => {
                self.keys.insert(at, key);
                true
            }
        }
    }

    /// Removes a member; `false` if it was none.
    pub fn remove(&mut self, key: &K) -> bool {
        self.keys.binary_search(key).is_ok_and(|at| {
            self.keys.remove(at);
            true
        })
    }
}

impl<K> IntoIterator for SortedSet<K> {
    type Item = K;
    type IntoIter = alloc::vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter()
    }
}

impl<'a, K> IntoIterator for &'a SortedSet<K> {
    type Item = &'a K;
    type IntoIter = slice::Iter<'a, K>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.iter()
    }
}

impl<K: Ord> Extend<K> for SortedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut set = Self::new();
        set.extend(keys);
        set
    }
}
