//! A store in memory: the same records in a B-tree. For tests, for a host without storage, and as the shortest example
//! of an implementation.
//!
//! Bounded only by the length of the chain.

use alloc::{collections::BTreeMap, format, string::ToString, vec::Vec};
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;

use super::{AuditStep, HeaderStore, Segment, SegmentDamage, StoreOpening};
use header_rules::{
    header::HeaderLink,
    range::{BlockNumber, BlockRange},
};
use sync_core::{
    checkpoint::{Checkpoint, Subchain},
    etl::HeaderBatch,
    fault::StoreFailure,
};

/// Headers in memory, in the records that a database would hold.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// Records by the number of their first header.
    segments: BTreeMap<BlockNumber, Bytes>,
    hash_index: BTreeMap<B256, BlockNumber>,
    checkpoint: Option<Vec<u8>>,
    full: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every write fail with [`StoreFailure::Full`] from now on, or stops doing so.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Damages the stored header with this number: flips one bit of its state root.
    pub fn corrupt(&mut self, number: BlockNumber) {
        let found = self.segments.range(Segment::slot(number).first()..=number).next_back();
        let Some((&first, record)) = found else { return };
        let Some(segment) = Segment::decode(record.clone()).ok().filter(|it| it.range().contains(number)) else {
            return;
        };
        let headers: Vec<Bytes> =
            segment.headers().map(|(at, rlp)| if at == number { flip(&rlp) } else { rlp }).collect();
        self.segments.insert(first, Segment::pack(first, &headers).record().clone());
    }

    /// Replaces the checkpoint by these bytes.
    pub fn garble_checkpoint(&mut self, bytes: &[u8]) {
        self.checkpoint = Some(bytes.to_vec());
    }

    fn writable(&self) -> Result<(), StoreFailure> {
        if self.full { Err(StoreFailure::Full) } else { Ok(()) }
    }

    fn read_checkpoint(&self) -> Option<Checkpoint> {
        Checkpoint::decode(self.checkpoint.as_deref()?)
    }

    /// The segment that holds `number`; an error if its record does not decode.
    fn segment_at(&self, number: BlockNumber) -> Result<Option<Segment>, SegmentDamage> {
        let found = self.segments.range(Segment::slot(number).first()..=number).next_back();
        let Some((_, record)) = found else { return Ok(None) };
        let segment = Segment::decode(record.clone())?;
        Ok(segment.range().contains(number).then_some(segment))
    }

    /// RLP of a header, not verified.
    fn raw(&self, number: BlockNumber) -> Option<Bytes> {
        self.segment_at(number).ok()??.header(number)
    }

    /// Removes the headers of a range; records on its edges keep the rest.
    fn remove(&mut self, range: BlockRange) {
        let from = Segment::slot(range.first()).first();
        let touched: Vec<_> = self.segments.range(from..=range.last()).map(|(at, it)| (*at, it.clone())).collect();
        for (first, record) in touched {
            let Ok(segment) = Segment::decode(record) else {
                self.segments.remove(&first);
                continue;
            };
            let Some(gone) = segment.range().intersection(range) else { continue };
            self.segments.remove(&first);
            for (number, rlp) in segment.headers().filter(|(number, _)| gone.contains(*number)) {
                let hash = keccak256(&rlp);
                if self.hash_index.get(&hash) == Some(&number) {
                    self.hash_index.remove(&hash);
                }
            }
            let (under, over) = segment.range().without(gone);
            for rest in [under, over].into_iter().flatten().filter_map(|rest| segment.part(rest)) {
                self.segments.insert(rest.range().first(), rest.record().clone());
            }
        }
    }

    /// Audits the part of `run` in the segment of `number`: returns the intact numbers, or the damaged ones.
    fn judge(&self, run: &Subchain, number: BlockNumber) -> Result<BlockRange, BlockRange> {
        let whole = run.range().and_then(|run| run.intersection(Segment::slot(number)));
        let whole = whole.unwrap_or_else(|| Segment::slot(number));
        match self.segment_at(number) {
            Ok(Some(segment)) => {
                let above = segment.range().last().checked_add(1).and_then(|above| self.raw(above));
                segment.audit(run, above.as_deref()).map_err(|_| segment.range().intersection(whole).unwrap_or(whole))
            }
            // The extent of the damage is unknown, so the whole slot is damaged.
            Ok(None) | Err(_) => Err(whole),
        }
    }

    /// Removes damaged numbers and carves them out of the checkpoint.
    fn drop_damaged(&mut self, checkpoint: &mut Checkpoint, hole: BlockRange) {
        let upper_next = hole.last().checked_add(1).and_then(|above| {
            let rlp = self.raw(above)?;
            HeaderLink::decode(&rlp).ok().map(|above| above.parent_hash)
        });
        let lower_head = hole.first().checked_sub(1).and_then(|below| self.raw(below)).map(keccak256);
        checkpoint.carve(hole, upper_next, lower_head);
        self.remove(hole);
        self.checkpoint = Some(checkpoint.encode());
    }
}

impl HeaderStore for MemoryStore {
    async fn open(&mut self) -> Result<StoreOpening, StoreFailure> {
        let Some(mut checkpoint) = self.read_checkpoint() else { return Ok(StoreOpening::default()) };
        let mut dropped = Vec::new();
        // Each turn removes a segment or ends; an intact store is read once.
        while let Some(newest) = checkpoint.newest().copied() {
            let Err(hole) = self.judge(&newest, newest.head) else { break };
            self.drop_damaged(&mut checkpoint, hole);
            dropped.push(hole);
        }
        Ok(StoreOpening { checkpoint: Some(checkpoint), dropped })
    }

    async fn persist(&mut self, batch: &HeaderBatch) -> Result<(), StoreFailure> {
        self.writable()?;
        self.remove(batch.range());
        for segment in Segment::pack_batch(batch) {
            self.segments.insert(segment.range().first(), segment.record().clone());
        }
        self.hash_index.extend(batch.hash_index().iter().map(|entry| (entry.hash, entry.number)));
        self.checkpoint = Some(batch.checkpoint().encode());
        Ok(())
    }

    async fn unwind(&mut self, to: BlockNumber, checkpoint: &Checkpoint) -> Result<(), StoreFailure> {
        self.writable()?;
        if let Some(above) = to.checked_add(1).and_then(|first| BlockRange::new(first, u64::MAX)) {
            for gone in checkpoint.missing_in(above) {
                self.remove(gone);
            }
        }
        self.checkpoint = Some(checkpoint.encode());
        Ok(())
    }

    async fn header_by_number(&self, number: BlockNumber) -> Result<Option<Bytes>, StoreFailure> {
        let Some(segment) = self.segment_at(number).map_err(damaged)? else { return Ok(None) };
        segment.verify().map_err(damaged)?;
        Ok(segment.header(number))
    }

    async fn header_by_hash(&self, hash: B256) -> Result<Option<(BlockNumber, Bytes)>, StoreFailure> {
        let Some(&number) = self.hash_index.get(&hash) else { return Ok(None) };
        let Some(rlp) = self.header_by_number(number).await? else { return Ok(None) };
        let got = keccak256(&rlp);
        if got != hash {
            return Err(StoreFailure::Damaged(format!("header {number} has hash {got}, indexed as {hash}")));
        }
        Ok(Some((number, rlp)))
    }

    async fn headers(&self, range: BlockRange) -> Result<Vec<(BlockNumber, Bytes)>, StoreFailure> {
        let from = Segment::slot(range.first()).first();
        for record in self.segments.range(from..=range.last()).map(|(_, record)| record) {
            let segment = Segment::decode(record.clone()).map_err(damaged)?;
            if segment.range().intersection(range).is_some() {
                segment.verify().map_err(damaged)?;
                return Ok(segment.headers().filter(|(number, _)| range.contains(*number)).collect());
            }
        }
        Ok(Vec::new())
    }

    async fn audit(&mut self, from: BlockNumber) -> Result<AuditStep, StoreFailure> {
        let Some(mut checkpoint) = self.read_checkpoint() else { return Ok(AuditStep::Sound { next: None }) };
        let Some(run) = checkpoint.subchains.iter().find(|run| run.tail <= from).copied() else {
            return Ok(AuditStep::Sound { next: None });
        };
        match self.judge(&run, run.head.min(from)) {
            Ok(sound) => Ok(AuditStep::Sound { next: sound.first().checked_sub(1) }),
            Err(range) => {
                self.drop_damaged(&mut checkpoint, range);
                Ok(AuditStep::Dropped { range, checkpoint, next: range.first().checked_sub(1) })
            }
        }
    }

    async fn clear(&mut self) -> Result<(), StoreFailure> {
        *self = Self { full: self.full, ..Self::default() };
        Ok(())
    }
}

fn damaged(damage: SegmentDamage) -> StoreFailure {
    StoreFailure::Damaged(damage.to_string())
}

/// One bit of the state root (after the list prefix, two hashes and an address); no length depends on it.
fn flip(rlp: &Bytes) -> Bytes {
    const STATE_ROOT_AT: usize = 100;
    let mut bytes = rlp.to_vec();
    if let Some(byte) = bytes.get_mut(STATE_ROOT_AT) {
        *byte ^= 1;
    }
    bytes.into()
}
