//! The writes: store a batch, replace the checkpoint. Each is one durable transaction.
//!
//! Headers of a subchain that a batch's checkpoint drops stay until they are overwritten: the sync fetches their
//! numbers again. Older segments that a write cuts or joins are read first, in their own transactions, because a failed
//! read would abort the write. The lock ensures that no other tab writes in between.

use std::cell::Cell;

use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::{
    header::HeaderLink,
    range::{BlockNumber, BlockRange},
};
use header_store::Segment;
use indexed_db_futures::KeyRange;
use sync_core::{
    checkpoint::Checkpoint,
    etl::{HashEntry, HeaderBatch},
    fault::StoreFailure,
};

use super::{
    connection::Connection,
    fence::Fence,
    index::{self, IndexShape, IndexState, NUMBER_MAX},
    rows::{HEADER_TABLES, META_CHECKPOINT, Table, number_key, numbers, to_js},
    segments::{self, SegmentCache},
    transaction::Tx,
};

/// Stores the segments, the index rows and the checkpoint of a batch.
///
/// `known` is the state of the index, if the writer has it from the last batch. It is updated to the state after this
/// batch.
///
/// A batch that begins or ends inside a slot joins the segment beside it, if they link: at the head of a chain headers
/// come one by one, and each would otherwise stay a record.
pub(super) async fn persist(
    db: &Connection,
    fence: &Fence,
    cache: &SegmentCache,
    shape: IndexShape,
    known: &Cell<Option<IndexState>>,
    batch: &HeaderBatch,
) -> Result<(), StoreFailure> {
    let (range, headers, after) = (batch.range(), batch.headers(), batch.checkpoint());
    if range.last() > NUMBER_MAX {
        return Err(StoreFailure::Other(format!("block number {} is over {NUMBER_MAX}", range.last())));
    }
    let mut sides = Sides::of(db, cache, range, None).await?;

    let tx = begin(db, fence, cache, &HEADER_TABLES).await?;
    tx.delete(Table::Segments, numbers(range)).await?;
    let below = sides.below.take_if(|below| links(top(below), headers.first()));
    let above = sides.above.take_if(|above| links(headers.last().cloned(), bottom(above).as_ref()));
    if let Some(above) = &above {
        tx.delete(Table::Segments, KeyRange::Only(number_key(above.range().first()))).await?;
    }
    for cut in Segment::cuts(range) {
        let at = |number: BlockNumber| (number - range.first()) as usize;
        let below = below.as_ref().filter(|_| cut.first() == range.first());
        let above = above.as_ref().filter(|_| cut.last() == range.last());
        put(&tx, &join(below, cut.first(), &headers[at(cut.first())..=at(cut.last())], above)).await?;
    }
    sides.put(&tx).await?;
    // The state is unknown until this transaction is durable.
    let state = match known.take() {
        Some(state) => Some(state),
        None => IndexState::load(&tx).await?,
    };
    let state = index::append(&tx, shape, state, batch.hash_index(), |number| after.covers(number)).await?;
    state.save(&tx).await?;
    put_checkpoint(&tx, after).await?;
    commit(tx, cache).await?;
    known.set(Some(state));
    Ok(())
}

/// Stores a checkpoint that drops stored headers, and removes these headers. Records in `also` are removed regardless
/// of the checkpoint.
pub(super) async fn shrink(
    db: &Connection,
    fence: &Fence,
    cache: &SegmentCache,
    before: Option<&Checkpoint>,
    after: &Checkpoint,
    also: &[BlockRange],
) -> Result<(), StoreFailure> {
    let given_up = GivenUp::between(db, cache, before, after).await?;
    let mut others = Vec::with_capacity(also.len());
    for range in also {
        others.push((*range, Sides::of(db, cache, *range, Some(after)).await?));
    }
    let others = GivenUp(others);

    let tx = begin(db, fence, cache, &HEADER_TABLES).await?;
    others.remove(&tx).await?;
    given_up.remove(&tx).await?;
    put_checkpoint(&tx, after).await?;
    commit(tx, cache).await
}

/// Writes the index rows of a stored segment again. After the last segment the index is complete.
pub(super) async fn reindex(
    db: &Connection,
    fence: &Fence,
    shape: IndexShape,
    checkpoint: &Checkpoint,
    part: BlockRange,
    segment: &Segment,
    is_last: bool,
) -> Result<(), StoreFailure> {
    let headers = segment.headers().filter(|(number, _)| part.contains(*number));
    let mut entries: Vec<_> = headers.map(|(number, rlp)| HashEntry { hash: keccak256(rlp), number }).collect();
    entries.sort_unstable();
    let tx = fence.write(db, &[Table::Index, Table::Meta]).await?;
    let state = IndexState::load(&tx).await?;
    let mut state = index::append(&tx, shape, state, &entries, |number| checkpoint.covers(number)).await?;
    state.rebuild &= !is_last;
    state.save(&tx).await?;
    tx.commit().await
}

/// Empties these tables, in one transaction.
pub(super) async fn clear(
    db: &Connection,
    fence: &Fence,
    cache: &SegmentCache,
    tables: &[Table],
) -> Result<(), StoreFailure> {
    let tx = begin(db, fence, cache, tables).await?;
    for table in tables {
        tx.clear(*table).await?;
    }
    fence.put(&tx).await?;
    commit(tx, cache).await
}

/// Parts of segments that stay beside a range, in the slots that its ends cut.
#[derive(Debug, Default)]
struct Sides {
    below: Option<Segment>,
    above: Option<Segment>,
}

impl Sides {
    /// Reads them. Skips damaged segments, and headers that `stays`, if given, does not cover; the audit finds the gap.
    async fn of(
        db: &Connection,
        cache: &SegmentCache,
        range: BlockRange,
        stays: Option<&Checkpoint>,
    ) -> Result<Self, StoreFailure> {
        let beside = async |number: Option<BlockNumber>, cut: BlockNumber| {
            let slot = Segment::slot(cut);
            let Some(number) = number.filter(|number| slot.contains(*number)) else { return Ok(None) };
            let covered = match stays {
                Some(stays) => stays.run_at(number).and_then(|run| run.range()),
                None => Some(slot),
            };
            let (below, above) = covered.map_or((None, None), |covered| covered.without(range));
            let part = [below, above].into_iter().flatten().find(|part| part.contains(number));
            match segments::proven(db, Some(cache), number).await {
                Ok(segment) => Ok(segment.zip(part).and_then(|(segment, part)| segment.part(part))),
                Err(StoreFailure::Damaged(_)) => Ok(None),
                Err(failure) => Err(failure),
            }
        };
        Ok(Self {
            below: beside(range.first().checked_sub(1), range.first()).await?,
            above: beside(range.last().checked_add(1), range.last()).await?,
        })
    }

    async fn put(&self, tx: &Tx<'_>) -> Result<(), StoreFailure> {
        for segment in [&self.below, &self.above].into_iter().flatten() {
            put(tx, segment).await?;
        }
        Ok(())
    }
}

/// Subchains, or parts of them, that one checkpoint has and the next has not.
#[derive(Debug, Default)]
struct GivenUp(Vec<(BlockRange, Sides)>);

impl GivenUp {
    async fn between(
        db: &Connection,
        cache: &SegmentCache,
        before: Option<&Checkpoint>,
        after: &Checkpoint,
    ) -> Result<Self, StoreFailure> {
        let runs = before.iter().flat_map(|before| &before.subchains).filter_map(|run| run.range());
        let mut parts = Vec::new();
        for range in runs.flat_map(|run| after.missing_in(run)) {
            parts.push((range, Sides::of(db, cache, range, Some(after)).await?));
        }
        Ok(Self(parts))
    }

    async fn remove(&self, tx: &Tx<'_>) -> Result<(), StoreFailure> {
        for (range, sides) in &self.0 {
            tx.delete(Table::Segments, numbers(*range)).await?;
            sides.put(tx).await?;
        }
        Ok(())
    }
}

/// Packs headers together with the segments beside them.
fn join(below: Option<&Segment>, first: BlockNumber, headers: &[Bytes], above: Option<&Segment>) -> Segment {
    if below.is_none() && above.is_none() {
        return Segment::pack(first, headers);
    }
    let of =
        |side: Option<&Segment>| side.into_iter().flat_map(Segment::headers).map(|(_, rlp)| rlp).collect::<Vec<_>>();
    let all = [of(below), headers.to_vec(), of(above)].concat();
    Segment::pack(below.map_or(first, |below| below.range().first()), &all)
}

/// Is `lower` the parent of `upper`?
fn links(lower: Option<Bytes>, upper: Option<&Bytes>) -> bool {
    let (Some(lower), Some(upper)) = (lower, upper) else { return false };
    HeaderLink::decode(upper).is_ok_and(|upper| upper.parent_hash == keccak256(&lower))
}

fn top(segment: &Segment) -> Option<Bytes> {
    segment.header(segment.range().last())
}

fn bottom(segment: &Segment) -> Option<Bytes> {
    segment.header(segment.range().first())
}

/// Begins a transaction that may change cached data. Reads that begin later wait for it, so the cache is dropped.
async fn begin<'db>(
    db: &'db Connection,
    fence: &Fence,
    cache: &SegmentCache,
    tables: &[Table],
) -> Result<Tx<'db>, StoreFailure> {
    cache.forget();
    fence.write(db, tables).await
}

/// Commits and drops the cache: a look-up may have cached a segment while the transaction waited for its turn.
async fn commit(tx: Tx<'_>, cache: &SegmentCache) -> Result<(), StoreFailure> {
    let outcome = tx.commit().await;
    cache.forget();
    outcome
}

async fn put(tx: &Tx<'_>, segment: &Segment) -> Result<(), StoreFailure> {
    tx.put(Table::Segments, number_key(segment.range().first()), to_js(segment.record())).await
}

async fn put_checkpoint(tx: &Tx<'_>, checkpoint: &Checkpoint) -> Result<(), StoreFailure> {
    tx.put(Table::Meta, META_CHECKPOINT, to_js(&checkpoint.encode())).await
}
