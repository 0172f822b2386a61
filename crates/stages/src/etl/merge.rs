//! Merges sorted runs: one block of each run in memory, the lowest key first.
//!
//! A heap of runs, ordered by the current key and, for equal keys, by age: an earlier run comes first, so that the
//! order of insertion holds over all runs. The next entry is copied into a reused buffer, so that a merge allocates
//! nothing per entry.
//!
//! A failed read loses nothing: the part of the next entry that was read is kept, and the call can be repeated.

use alloc::vec::Vec;

use super::{
    buffer::{Buffer, EqualKeys},
    run::{Run, RunReader},
    spill::{EtlError, Spill},
};

/// Key and value of one entry.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// A merge. Call [`next`](Self::next) until it returns `None`.
#[derive(Debug)]
pub struct Merge<'a, S> {
    source: Source,
    load: u64,
    buffer: &'a Buffer,
    spill: &'a S,
    /// Set when all entries were returned.
    consumed: &'a mut bool,
}

/// A paused merge, which does not borrow its collector: see [`Merge::pause`].
#[derive(Debug)]
pub struct PausedMerge {
    pub(super) source: Source,
    /// Load of the paused merge; a collector that was cleared since then has another.
    pub(super) load: u64,
}

#[derive(Debug)]
pub(super) enum Source {
    /// No run was spilled: the next entry in the sorted buffer.
    Memory(usize),
    Runs(RunsMerge),
}

impl<'a, S: Spill> Merge<'a, S> {
    pub(super) fn new(paused: PausedMerge, buffer: &'a Buffer, spill: &'a S, consumed: &'a mut bool) -> Self {
        Self { source: paused.source, load: paused.load, buffer, spill, consumed }
    }

    /// Releases the collector; [`SpillCollector::resume`](super::SpillCollector::resume) continues.
    pub fn pause(self) -> PausedMerge {
        PausedMerge { source: self.source, load: self.load }
    }

    /// Key and value of the next entry, rising by key; `None` at the end.
    #[allow(clippy::should_implement_trait, reason = "an iterator can lend nothing, and cannot fail and go on")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, EtlError> {
        let next = match &mut self.source {
            Source::Memory(at) => {
                *at += 1;
                self.buffer.get(*at - 1)
            }
            Source::Runs(runs) => runs.next(self.spill)?,
        };
        *self.consumed |= next.is_none();
        Ok(next)
    }

    /// The entry that [`next`](Self::next) will return.
    pub fn peek(&mut self) -> Result<Option<Entry<'_>>, EtlError> {
        match &mut self.source {
            Source::Memory(at) => Ok(self.buffer.get(*at)),
            Source::Runs(runs) => runs.peek(self.spill),
        }
    }

    /// Skips all entries up to `key`, included: where an earlier load of the same entries stopped.
    pub fn skip_through(&mut self, key: &[u8]) -> Result<(), EtlError> {
        while self.peek()?.is_some_and(|(next, _)| next <= key) {
            self.next()?;
        }
        Ok(())
    }

    /// Allocated bytes: a block of each run, and one entry.
    pub fn allocated(&self) -> usize {
        match &self.source {
            Source::Memory(_) => 0,
            Source::Runs(runs) => runs.allocated(),
        }
    }
}

/// State of the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    /// A part of an entry; its key may be incomplete.
    Begun,
    /// A complete entry.
    Whole,
}

/// The merge without the spill, which each call passes in.
#[derive(Debug)]
pub(super) struct RunsMerge {
    rule: EqualKeys,
    readers: Vec<RunReader>,
    /// Readers with a current entry; a heap, the lowest key first.
    heap: Vec<usize>,
    /// Readers that must load their next entry: all at the start, then the one that was popped last.
    unsettled: Vec<usize>,
    key: Vec<u8>,
    value: Vec<u8>,
    state: State,
}

impl RunsMerge {
    pub(super) fn new(runs: &[Run], rule: EqualKeys) -> Self {
        let readers: Vec<RunReader> = runs.iter().map(|run| RunReader::new(*run)).collect();
        let unsettled = (0..readers.len()).collect();
        let heap = Vec::with_capacity(runs.len());
        Self { rule, readers, heap, unsettled, key: Vec::new(), value: Vec::new(), state: State::Nothing }
    }

    pub(super) fn next(&mut self, spill: &impl Spill) -> Result<Option<Entry<'_>>, EtlError> {
        self.fill(spill)?;
        let is_whole = self.state == State::Whole;
        self.state = State::Nothing;
        Ok(is_whole.then_some((&self.key, &self.value)))
    }

    fn peek(&mut self, spill: &impl Spill) -> Result<Option<Entry<'_>>, EtlError> {
        self.fill(spill)?;
        Ok((self.state == State::Whole).then_some((&self.key, &self.value)))
    }

    fn allocated(&self) -> usize {
        let blocks: usize = self.readers.iter().map(RunReader::allocated).sum();
        blocks + self.key.capacity() + self.value.capacity()
    }

    /// Loads the next entry, if there is one.
    fn fill(&mut self, spill: &impl Spill) -> Result<(), EtlError> {
        while self.state != State::Whole {
            self.settle(spill)?;
            let begun = self.state == State::Begun;
            let Some((key, value)) = self.heap.first().and_then(|index| self.readers[*index].entry()) else {
                self.state = if begun { State::Whole } else { State::Nothing };
                return Ok(());
            };
            if begun && (self.rule == EqualKeys::All || key != self.key) {
                self.state = State::Whole;
                return Ok(());
            }
            if !begun {
                copy(key, &mut self.key);
            }
            if !begun || self.rule == EqualKeys::Last {
                copy(value, &mut self.value);
            }
            self.state = State::Begun;
            self.pop();
        }
        Ok(())
    }

    /// Every reader has a current entry, in the heap, or is at its end.
    fn settle(&mut self, spill: &impl Spill) -> Result<(), EtlError> {
        while let Some(&index) = self.unsettled.last() {
            self.readers[index].load(spill)?;
            self.unsettled.pop();
            if self.readers[index].entry().is_some() {
                self.heap.push(index);
                self.sift_up();
            }
        }
        Ok(())
    }

    /// Advances past the lowest entry.
    fn pop(&mut self) {
        if self.heap.is_empty() {
            return;
        }
        let index = self.heap.swap_remove(0);
        self.sift_down();
        self.readers[index].advance();
        self.unsettled.push(index);
    }

    /// Does the entry at index `a` of the heap come before the one at `b`?
    fn before(&self, a: usize, b: usize) -> bool {
        let rank = |place: usize| {
            let index = self.heap[place];
            (self.readers[index].entry().map(|(key, _)| key), index)
        };
        rank(a) < rank(b)
    }

    fn sift_up(&mut self) {
        let mut at = self.heap.len() - 1;
        while at > 0 && self.before(at, (at - 1) / 2) {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let children = [2 * at + 1, 2 * at + 2].into_iter().filter(|child| *child < self.heap.len());
            let Some(least) = children.reduce(|a, b| if self.before(b, a) { b } else { a }) else { return };
            if !self.before(least, at) {
                return;
            }
            self.heap.swap(least, at);
            at = least;
        }
    }
}

fn copy(from: &[u8], to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(from);
}
