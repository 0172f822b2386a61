//! The sort buffer of a [`SpillCollector`](super::SpillCollector): the bytes of all entries, and a list of their
//! positions, which is sorted.
//!
//! Bounded by its capacity, which counts the allocated memory (bytes and list). An entry that needs more is not added.

use alloc::vec::Vec;

/// Which entries with the same key are returned. The order is that of insertion, over all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EqualKeys {
    /// The last one inserted: a later write replaces an earlier one.
    #[default]
    Last,
    /// The first one inserted.
    First,
    /// All of them, in the order of insertion.
    All,
}

/// Position of an entry in the bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    at: u32,
    key: u32,
    value: u32,
}

const SLOT_BYTES: usize = size_of::<Slot>();
/// Bytes of the first allocation.
const START_BYTES: usize = 256;
/// Beyond this part of the capacity the whole capacity is allocated.
const SMALL_PART: usize = 8;

#[derive(Debug)]
pub(super) struct Buffer {
    capacity: usize,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    /// The whole capacity is allocated.
    is_whole: bool,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        // Offsets have 32 bits on every target, so that a run is the same everywhere.
        Self { capacity: capacity.min(u32::MAX as usize), bytes: Vec::new(), slots: Vec::new(), is_whole: false }
    }

    /// Allocated bytes; never more than the capacity.
    pub(super) fn allocated(&self) -> usize {
        self.bytes.capacity() + self.slots.capacity() * SLOT_BYTES
    }

    /// Longest entry that fits into the empty buffer.
    pub(super) fn entry_max(&self) -> usize {
        self.capacity.saturating_sub(SLOT_BYTES)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds an entry; `false`, without a change, if there is no room.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        if !self.make_room(key.len() + value.len()) {
            return false;
        }
        // Lengths and offsets are under the capacity, which is under 2^32.
        self.slots.push(Slot { at: self.bytes.len() as u32, key: key.len() as u32, value: value.len() as u32 });
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        true
    }

    fn make_room(&mut self, entry: usize) -> bool {
        let fits = |it: &Self| it.slots.len() < it.slots.capacity() && it.bytes.len() + entry <= it.bytes.capacity();
        if fits(self) {
            return true;
        }
        if self.is_empty() {
            // An empty buffer accepts every entry that can fit, even if earlier entries divided the memory differently.
            self.release();
        }
        self.grow(entry);
        fits(self)
    }

    /// Allocates more memory: twice the used size, and beyond an eighth of the capacity all of it at once, so that the
    /// old and the new allocation together are not much more than the capacity. List and bytes share it in the
    /// proportion of the entries so far.
    fn grow(&mut self, entry: usize) {
        let (slots, bytes) = (self.slots.len() + 1, self.bytes.len() + entry);
        let used = bytes + slots * SLOT_BYTES;
        if used > self.capacity || self.is_whole {
            return;
        }
        let goal = (2 * used).max(START_BYTES).min(self.capacity);
        self.is_whole = goal > self.capacity / SMALL_PART;
        let goal = if self.is_whole { self.capacity } else { goal };
        let more_slots = (goal - used) as u64 * slots as u64 / used as u64;
        let slots_goal = slots + more_slots as usize;
        let bytes_goal = (goal - slots_goal * SLOT_BYTES).max(self.bytes.capacity());
        let slots_goal = slots_goal.min((self.capacity - bytes_goal) / SLOT_BYTES);
        self.bytes.reserve_exact(bytes_goal - self.bytes.len());
        self.slots.reserve_exact(slots_goal.saturating_sub(self.slots.len()));
    }

    /// Sorts by key, entries of the same key by insertion, and keeps of these the ones that the rule selects.
    pub(super) fn sort(&mut self, rule: EqualKeys) {
        let Self { bytes, slots, .. } = self;
        let key = |slot: &Slot| &bytes[slot.at as usize..][..slot.key as usize];
        // The position in the bytes is the order of insertion, except for entries without any byte, which are all
        // equal.
        slots.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.at.cmp(&b.at)).then(a.value.cmp(&b.value)));
        match rule {
            EqualKeys::All => {}
            EqualKeys::First => slots.dedup_by(|later, kept| key(later) == key(kept)),
            EqualKeys::Last => slots.dedup_by(|later, kept| {
                let same = key(later) == key(kept);
                if same {
                    *kept = *later;
                }
                same
            }),
        }
    }

    /// Key and value of the entry at `index`, in the order of the last sort.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let slot = self.slots.get(index)?;
        let (key, value) = self.bytes[slot.at as usize..].split_at(slot.key as usize);
        Some((key, &value[..slot.value as usize]))
    }

    /// Removes the entries and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.slots.clear();
    }

    /// Removes the entries and frees the memory.
    pub(super) fn release(&mut self) {
        self.bytes = Vec::new();
        self.slots = Vec::new();
        self.is_whole = false;
    }
}
