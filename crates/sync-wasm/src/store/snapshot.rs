//! Reads of the page: checkpoint, index and segments as of one moment, and which stored headers lie under the session's
//! target.
//!
//! A header counts as stored when the checkpoint covers its number. Headers of a dropped chain stay in the tables until
//! they are overwritten; they are not served. One call reads in one transaction, so that a reorg between two reads
//! cannot mix two chains.
//!
//! A stored subchain is linked by its hashes. So where a subchain holds the session's target, its headers from the
//! target down are the target's ancestors. No other stored header is known to be one.

use std::rc::Rc;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_rules::range::{BlockNumber, BlockRange};
use header_store::Segment;
use sync_core::{Checkpoint, checkpoint::Subchain, fault::StoreFailure};

use super::{
    IdbStore,
    connection::Connection,
    index::{self, NUMBER_MAX},
    rows::{META_CHECKPOINT, Table, bytes_of, number_key, number_of, numbers},
    segments::{Record, SegmentCache, damaged, decode},
    transaction::Tx,
};
use crate::browser_store::{Piece, StoreView, TargetScope};

impl IdbStore {
    /// The stored checkpoint, the target, and the range under it.
    pub async fn view(&self, scope: &TargetScope) -> Result<StoreView, StoreFailure> {
        let connection = self.live().await?;
        let snapshot = Snapshot::begin(self, &connection, scope).await?;
        let Snapshot { checkpoint, under_target, .. } = snapshot;
        let checkpoint = checkpoint.map(Rc::unwrap_or_clone);
        Ok(StoreView { checkpoint, target: scope.target(), under_target })
    }

    /// The stored header with this number.
    pub async fn stored_by_number(
        &self,
        number: BlockNumber,
        scope: &TargetScope,
    ) -> Result<Option<Piece>, StoreFailure> {
        let connection = self.live().await?;
        let snapshot = Snapshot::begin(self, &connection, scope).await?;
        match snapshot.part_at(scope, number) {
            Some((_, under_target)) => {
                let rlp = snapshot.header(number).await?;
                Ok(Some(Piece { headers: vec![(number, rlp)], under_target }))
            }
            None => Ok(None),
        }
    }

    /// The stored header with this hash.
    pub async fn stored_by_hash(&self, hash: B256, scope: &TargetScope) -> Result<Option<Piece>, StoreFailure> {
        let connection = self.live().await?;
        let snapshot = Snapshot::begin(self, &connection, scope).await?;
        let candidates = index::candidates(&snapshot.tx, hash).await?;
        for number in candidates.numbers {
            let Some((_, under_target)) = snapshot.part_at(scope, number) else { continue };
            let rlp = snapshot.header(number).await?;
            // Otherwise the entry is stale, or another hash has the same first bytes.
            if keccak256(&rlp) == hash {
                return Ok(Some(Piece { headers: vec![(number, rlp)], under_target }));
            }
        }
        match candidates.damaged {
            true => Err(StoreFailure::Damaged("a row of the hash index".into())),
            false => Ok(None),
        }
    }

    /// Stored headers of the range, rising, from its first stored number on: at most one segment, of one subchain, all
    /// under the target or none. `None` when no header of the range is stored.
    pub async fn stored_in(&self, range: BlockRange, scope: &TargetScope) -> Result<Option<Piece>, StoreFailure> {
        let connection = self.live().await?;
        let snapshot = Snapshot::begin(self, &connection, scope).await?;
        let Some((part, under_target)) = snapshot.first_part(scope, range) else { return Ok(None) };
        let segment = snapshot.segment(part.first()).await?;
        let headers: Vec<_> = segment.headers().filter(|(number, _)| part.contains(*number)).collect();
        Ok(Some(Piece { headers, under_target }))
    }
}

/// One read transaction and its first reads.
struct Snapshot<'a> {
    tx: Tx<'a>,
    /// The writer's cache: no other tab can change the store.
    cache: Option<&'a SegmentCache>,
    /// Epoch of the cache when the transaction began. The cache is valid for it until the next write.
    epoch: u64,
    checkpoint: Option<Rc<Checkpoint>>,
    under_target: Option<BlockRange>,
}

impl<'a> Snapshot<'a> {
    async fn begin(store: &'a IdbStore, db: &'a Connection, scope: &TargetScope) -> Result<Self, StoreFailure> {
        let mut snapshot = Self::read_checkpoint(db, store.cache()).await?;
        match snapshot.find_target(scope).await {
            Ok(under_target) => snapshot.under_target = under_target,
            // The target cannot be read, so no header is known to lie under it; the audit finds the damage. A failed
            // read ends its transaction.
            Err(StoreFailure::Damaged(_)) => snapshot = Self::read_checkpoint(db, store.cache()).await?,
            Err(failure) => return Err(failure),
        }
        Ok(snapshot)
    }

    async fn read_checkpoint(db: &'a Connection, cache: Option<&'a SegmentCache>) -> Result<Self, StoreFailure> {
        let tx = Tx::read(db, &[Table::Meta, Table::Index, Table::Segments])?;
        let epoch = cache.map_or(0, SegmentCache::epoch);
        let mut checkpoint = cache.and_then(SegmentCache::checkpoint);
        if checkpoint.is_none() {
            let stored = tx.get(Table::Meta, META_CHECKPOINT).await?.and_then(bytes_of);
            checkpoint = stored.as_deref().and_then(Checkpoint::decode).map(Rc::new);
            if let (Some(cache), Some(checkpoint)) = (cache.filter(|cache| cache.epoch() == epoch), &checkpoint) {
                cache.keep_checkpoint(checkpoint.clone());
            }
        }
        Ok(Self { tx, epoch, cache, checkpoint, under_target: None })
    }

    /// The stored numbers from the target down.
    async fn find_target(&self, scope: &TargetScope) -> Result<Option<BlockRange>, StoreFailure> {
        if let (Some(pin), None) = (scope.pin(), scope.target()) {
            for number in index::candidates(&self.tx, pin).await?.numbers {
                if self.run_at(number).is_some() && keccak256(self.header(number).await?) == pin {
                    scope.pin_found(number);
                }
            }
        }
        let Some(target) = scope.target() else { return Ok(None) };
        let Some(run) = self.run_at(target.number) else { return Ok(None) };
        let holds = if run.head == target.number {
            run.head_hash == target.hash
        } else {
            scope.has_met(run.head_hash, target.hash) || keccak256(self.header(target.number).await?) == target.hash
        };
        if holds {
            scope.note_met(run.head_hash, target.hash);
        }
        Ok(BlockRange::new(run.tail, target.number).filter(|_| holds))
    }

    fn run_at(&self, number: BlockNumber) -> Option<&Subchain> {
        self.checkpoint.as_ref()?.run_at(number).filter(|run| run.head <= NUMBER_MAX)
    }

    /// The stored numbers that may be served with `number`, including it, and whether they lie under the target.
    fn part_at(&self, scope: &TargetScope, number: BlockNumber) -> Option<(BlockRange, bool)> {
        match self.under_target.filter(|under| under.contains(number)) {
            Some(under) => Some((under, true)),
            None if scope.pin().is_some() => None,
            None => {
                let run = self.run_at(number)?.range()?;
                // Above the target, if it is in this subchain.
                let above = self.under_target.and_then(|under| run.without(under).1);
                Some((above.filter(|above| above.contains(number)).unwrap_or(run), false))
            }
        }
    }

    /// The lowest numbers of `range` that may be served and lie in one record.
    fn first_part(&self, scope: &TargetScope, range: BlockRange) -> Option<(BlockRange, bool)> {
        let runs = self.checkpoint.as_ref()?.subchains.iter().filter_map(Subchain::range);
        let parts = runs.filter_map(|run| run.intersection(range));
        let first = parts.map(BlockRange::first).filter(|first| self.part_at(scope, *first).is_some()).min()?;
        let (part, under_target) = self.part_at(scope, first)?;
        let record = Segment::slot(first);
        Some((part.intersection(range)?.intersection(record)?, under_target))
    }

    async fn header(&self, number: BlockNumber) -> Result<Bytes, StoreFailure> {
        self.segment(number).await?.header(number).ok_or_else(|| missing(number))
    }

    /// The segment that holds `number`, which the checkpoint covers; verified against itself.
    async fn segment(&self, number: BlockNumber) -> Result<Segment, StoreFailure> {
        let cache = self.cache.filter(|cache| cache.epoch() == self.epoch);
        if let Some(segment) = cache.and_then(|cache| cache.find(number)) {
            return Ok(segment);
        }
        let slot = Segment::slot(number).first();
        let mut record = self.record(slot).await?;
        // Nearly always the slot is whole, and one read is enough.
        let is_whole = matches!(&record, Record::Unproven(segment) if segment.range().contains(number));
        if let (false, Some(above_slot)) = (is_whole, BlockRange::new(slot + 1, number))
            && let Some(key) = self.tx.last_key(Table::Segments, numbers(above_slot)).await?
        {
            record = self.record(number_of(key)).await?;
        }
        let segment = match record {
            Record::Unproven(segment) if segment.range().contains(number) => segment,
            Record::Unproven(_) | Record::Missing => return Err(missing(number)),
            Record::Damaged { first, why } => return Err(damaged(first, why)),
        };
        segment.verify().map_err(|damage| damaged(segment.range().first(), damage))?;
        if let Some(cache) = self.cache.filter(|cache| cache.epoch() == self.epoch) {
            cache.keep(segment.clone());
        }
        Ok(segment)
    }

    async fn record(&self, first: BlockNumber) -> Result<Record, StoreFailure> {
        let Some(value) = self.tx.get(Table::Segments, number_key(first)).await? else { return Ok(Record::Missing) };
        Ok(match decode(first, bytes_of(value)) {
            Ok(segment) => Record::Unproven(segment),
            Err(why) => Record::Damaged { first, why },
        })
    }
}

fn missing(number: BlockNumber) -> StoreFailure {
    StoreFailure::Damaged(format!("no record holds header {number}"))
}
