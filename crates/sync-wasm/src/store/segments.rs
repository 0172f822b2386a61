//! Reads segments. Each is verified before use.
//!
//! A segment is found by its first number: the slot's first, or, where the slot is not whole, the greatest key at or
//! below the number. Each segment is verified against itself ([`Segment::verify`]). The last [`CACHE_SEGMENTS_MAX`]
//! verified ones are cached, so that a walk over all headers verifies each segment once. Only the writer caches: no
//! other tab can change the store then.
//!
//! Software that can write to the browser's disk can put anything here. The result is [`StoreFailure::Damaged`], or
//! headers that link among themselves; the audit checks whether they link to the chain.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use bytes::Bytes;
use header_rules::range::{BlockNumber, BlockRange};
use header_store::Segment;
use sync_core::{Checkpoint, fault::StoreFailure};

use super::{
    connection::Connection,
    rows::{Table, bytes_of, number_key, number_of, numbers},
    transaction::Tx,
};

/// Verified segments cached for the next read; 600 KB each on today's chains.
const CACHE_SEGMENTS_MAX: usize = 4;

/// Keys per read: all of a chain of eight million headers.
const KEYS_AT_ONCE: u32 = 8_192;

/// The record of a block number.
#[derive(Clone, Debug)]
pub(super) enum Record {
    /// A segment that holds the number. Its format is valid, its contents are not verified.
    Unproven(Segment),
    /// A record that may have held the number.
    Damaged {
        /// Key of the record.
        first: BlockNumber,
        /// Description of the damage.
        why: String,
    },
    /// No record.
    Missing,
}

impl Record {
    /// Does the record hold `number`, or may it have?
    fn reaches(&self, number: BlockNumber) -> bool {
        match self {
            Self::Unproven(segment) => segment.range().contains(number),
            Self::Damaged { first, .. } => *first <= number,
            Self::Missing => false,
        }
    }
}

/// The last verified segments, newest first, and the checkpoint beside them.
#[derive(Debug, Default)]
pub(super) struct SegmentCache {
    kept: RefCell<VecDeque<Segment>>,
    checkpoint: RefCell<Option<Rc<Checkpoint>>>,
    epoch: Cell<u64>,
}

impl SegmentCache {
    /// Rises with each write: a reader that began before a write must not use data cached after it.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.get()
    }

    pub(super) fn find(&self, number: BlockNumber) -> Option<Segment> {
        let mut kept = self.kept.borrow_mut();
        let at = kept.iter().position(|segment| segment.range().contains(number))?;
        let segment = kept.remove(at)?;
        kept.push_front(segment.clone());
        Some(segment)
    }

    pub(super) fn keep(&self, segment: Segment) {
        let mut kept = self.kept.borrow_mut();
        kept.push_front(segment);
        kept.truncate(CACHE_SEGMENTS_MAX);
    }

    pub(super) fn checkpoint(&self) -> Option<Rc<Checkpoint>> {
        self.checkpoint.borrow().clone()
    }

    pub(super) fn keep_checkpoint(&self, checkpoint: Rc<Checkpoint>) {
        self.checkpoint.replace(Some(checkpoint));
    }

    /// Empties the cache, because of a write.
    pub(super) fn forget(&self) {
        self.kept.borrow_mut().clear();
        self.checkpoint.take();
        self.epoch.set(self.epoch.get() + 1);
    }
}

/// The verified segment that holds `number`. `cache` is the writer's.
pub(super) async fn proven(
    db: &Connection,
    cache: Option<&SegmentCache>,
    number: BlockNumber,
) -> Result<Option<Segment>, StoreFailure> {
    if let Some(segment) = cache.and_then(|cache| cache.find(number)) {
        return Ok(Some(segment));
    }
    let segment = match read(db, number).await? {
        Record::Missing => return Ok(None),
        Record::Damaged { first, why } => return Err(damaged(first, why)),
        Record::Unproven(segment) => segment,
    };
    segment.verify().map_err(|damage| damaged(segment.range().first(), damage))?;
    if let Some(cache) = cache {
        cache.keep(segment.clone());
    }
    Ok(Some(segment))
}

/// The record at `number`, unverified.
pub(super) async fn read(db: &Connection, number: BlockNumber) -> Result<Record, StoreFailure> {
    let slot = Segment::slot(number).first();
    let mut record = fetch(db, slot).await?;
    // Nearly always the slot is whole, and one read is enough.
    let is_whole = matches!(&record, Record::Unproven(segment) if segment.range().contains(number));
    if let (false, Some(above_slot)) = (is_whole, BlockRange::new(slot + 1, number)) {
        let key = Tx::read(db, &[Table::Segments])?.last_key(Table::Segments, numbers(above_slot)).await?;
        if let Some(key) = key {
            record = fetch(db, number_of(key)).await?;
        }
    }
    Ok(if record.reaches(number) { record } else { Record::Missing })
}

/// The lowest number in the range at which a segment begins.
pub(super) async fn first_key(db: &Connection, range: BlockRange) -> Result<Option<BlockNumber>, StoreFailure> {
    let keys = Tx::read(db, &[Table::Segments])?.keys(Table::Segments, numbers(range), 1).await?;
    Ok(keys.first().copied().map(number_of))
}

/// Keys of the records that may hold numbers of the range, rising. 8 bytes for each 1,024 headers.
pub(super) async fn keys_of(db: &Connection, range: BlockRange) -> Result<Vec<BlockNumber>, StoreFailure> {
    let mut keys = Vec::new();
    let mut open = BlockRange::new(Segment::slot(range.first()).first(), range.last());
    while let Some(range) = open {
        let some = Tx::read(db, &[Table::Segments])?.keys(Table::Segments, numbers(range), KEYS_AT_ONCE).await?;
        keys.extend(some.iter().copied().map(number_of));
        let is_last = some.len() < KEYS_AT_ONCE as usize;
        open = keys.last().filter(|_| !is_last).and_then(|last| BlockRange::new(last + 1, range.last()));
    }
    Ok(keys)
}

/// Reads the record with this key. A failed read ends its transaction, so each read has its own.
async fn fetch(db: &Connection, first: BlockNumber) -> Result<Record, StoreFailure> {
    let value = match Tx::read(db, &[Table::Segments])?.get(Table::Segments, number_key(first)).await {
        Ok(Some(value)) => value,
        Ok(None) => return Ok(Record::Missing),
        // The file of the record is gone.
        Err(StoreFailure::Damaged(why)) => return Ok(Record::Damaged { first, why }),
        Err(failure) => return Err(failure),
    };
    Ok(match decode(first, bytes_of(value)) {
        Ok(segment) => Record::Unproven(segment),
        Err(why) => Record::Damaged { first, why },
    })
}

pub(super) fn decode(first: BlockNumber, record: Option<Vec<u8>>) -> Result<Segment, String> {
    let record = record.ok_or("no byte array")?;
    let segment = Segment::decode(Bytes::from(record)).map_err(|damage| damage.to_string())?;
    let range = segment.range();
    if range.first() == first { Ok(segment) } else { Err(format!("holds {range}")) }
}

pub(super) fn damaged(first: BlockNumber, why: impl std::fmt::Display) -> StoreFailure {
    StoreFailure::Damaged(format!("segment at {first}: {why}"))
}
