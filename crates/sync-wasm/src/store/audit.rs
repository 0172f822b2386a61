//! Checks that stored headers are still those that were verified. One segment at a time, from the top down.
//!
//! A segment must be linked, must link to the one above it (or to the checkpoint, where a subchain begins), and must
//! end where the checkpoint says that its subchain ends. A segment that fails is a hole: its headers are removed and
//! carved out of the checkpoint, and the sync fetches them again. At opening, the keys of all records and the newest
//! segment of the chain are audited, so that opening costs nearly the same at any length; the host audits the rest in
//! the background.

use alloy_primitives::{B256, keccak256};
use header_rules::{
    header::HeaderLink,
    range::{BlockNumber, BlockRange},
};
use header_store::Segment;
use sync_core::{
    checkpoint::{Checkpoint, Subchain},
    fault::StoreFailure,
};

use super::{
    connection::Connection,
    segments::{self, Record},
};

/// Result of the audit of one segment.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    /// These numbers of the subchain are sound.
    Sound {
        /// Sound block numbers.
        part: BlockRange,
        /// The segment that holds them.
        segment: Segment,
    },
    /// These numbers of the subchain are lost.
    Damaged {
        /// Lost block numbers.
        hole: BlockRange,
        /// Records that begin here are removed with them.
        records: BlockRange,
    },
}

/// Numbers of the checkpoint's subchains that no record can hold, newest first. Reads only the keys: some 23,000 for
/// mainnet, 20 ms, while the records are 13 GB. Damage inside a record is found when the record is read.
pub(super) async fn without_record(db: &Connection, checkpoint: &Checkpoint) -> Result<Vec<BlockRange>, StoreFailure> {
    let mut missing = Vec::new();
    for run in checkpoint.subchains.iter().filter_map(Subchain::range) {
        let keys = segments::keys_of(db, run).await?;
        let first_of_run = missing.len();
        // The lowest number that no key so far covers; a record never extends past the end of its slot.
        let mut next = Some(run.first());
        for key in keys {
            let Some(open) = next else { break };
            missing.extend(key.checked_sub(1).and_then(|last| BlockRange::new(open, last)));
            next = Segment::slot(key).last().checked_add(1).map(|end| end.max(open));
        }
        missing.extend(next.and_then(|open| BlockRange::new(open, run.last())));
        missing[first_of_run..].reverse();
    }
    Ok(missing)
}

/// Audits the part of `run` in the segment of `number`, a number of `run`.
pub(super) async fn judge(db: &Connection, run: &Subchain, number: BlockNumber) -> Result<Finding, StoreFailure> {
    let slot = Segment::slot(number);
    let in_slot = run.range().and_then(|run| run.intersection(slot)).unwrap_or(slot);
    Ok(match segments::read(db, number).await? {
        Record::Unproven(segment) => {
            let range = segment.range();
            let above = match range.last().checked_add(1).filter(|above| *above <= run.head) {
                Some(above) => header_at(db, above).await?,
                None => None,
            };
            match segment.audit(run, above.as_deref()) {
                Ok(part) => Finding::Sound { part, segment },
                Err(_) => Finding::Damaged { hole: range.intersection(in_slot).unwrap_or(in_slot), records: range },
            }
        }
        // The extent of the damage is unknown, so the whole slot is dropped.
        Record::Damaged { first, .. } => {
            Finding::Damaged { hole: in_slot, records: BlockRange::new(first, in_slot.last()).unwrap_or(in_slot) }
        }
        Record::Missing => Finding::Damaged { hole: in_slot, records: in_slot },
    })
}

/// A hole with sound segments on both sides, and the hashes at the new ends of the subchains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole {
    /// The numbers that are lost.
    pub(super) range: BlockRange,
    /// Parent hash of the header above it; `None` where the subchain ends with the hole.
    upper_next: Option<B256>,
    /// Hash of the header below it; `None` where the subchain ends with the hole.
    lower_head: Option<B256>,
}

impl Hole {
    /// Cuts the hole out of the checkpoint.
    pub(super) fn carve(self, checkpoint: &Checkpoint) -> Checkpoint {
        let mut carved = checkpoint.clone();
        carved.carve(self.range, self.upper_next, self.lower_head);
        carved
    }
}

/// Widens a hole in `run` until a segment that verifies against itself is on either side. Disks lose adjacent data
/// together; without the hash of a header beside it, a hole would remove that whole side of the subchain. Costs one
/// segment read for each lost one, and two more.
pub(super) async fn widen(db: &Connection, run: &Subchain, hole: BlockRange) -> Result<Hole, StoreFailure> {
    let (mut first, mut last) = (hole.first(), hole.last());
    let upper_next = loop {
        let Some(above) = last.checked_add(1).filter(|above| *above <= run.head) else { break None };
        let segment = match segments::read(db, above).await? {
            Record::Unproven(segment) => segment,
            Record::Damaged { .. } | Record::Missing => {
                last = Segment::slot(above).last().min(run.head);
                continue;
            }
        };
        match (segment.verify(), parent_hash(&segment, above)) {
            (Ok(_), Some(next)) => break Some(next),
            _ => last = segment.range().last().min(run.head),
        }
    };
    // Parent hash in the lost header at `first`, if its record is still readable. A segment whose highest header was
    // changed still verifies against itself; this hash detects the change.
    let mut expected = child_of_hole(db, first).await?;
    let lower_head = loop {
        let Some(below) = first.checked_sub(1).filter(|below| run.tail <= *below) else { break None };
        let segment = match segments::read(db, below).await? {
            Record::Unproven(segment) => segment,
            Record::Damaged { .. } | Record::Missing => {
                (first, expected) = (Segment::slot(below).first().max(run.tail), None);
                continue;
            }
        };
        let hash = segment.header(below).map(keccak256);
        if segment.verify().is_ok() && (expected.is_none() || expected == hash) {
            break hash;
        }
        first = segment.range().first().max(run.tail);
        expected = parent_hash(&segment, first);
    };
    let range = BlockRange::new(first, last).unwrap_or(hole);
    Ok(Hole { range, upper_next, lower_head })
}

async fn child_of_hole(db: &Connection, first: BlockNumber) -> Result<Option<B256>, StoreFailure> {
    Ok(match segments::read(db, first).await? {
        Record::Unproven(segment) => parent_hash(&segment, first),
        Record::Damaged { .. } | Record::Missing => None,
    })
}

/// The parent hash field of the header at `number`.
fn parent_hash(segment: &Segment, number: BlockNumber) -> Option<B256> {
    HeaderLink::decode(&segment.header(number)?).ok().map(|header| header.parent_hash)
}

/// The header at `number`, unverified.
async fn header_at(db: &Connection, number: BlockNumber) -> Result<Option<bytes::Bytes>, StoreFailure> {
    Ok(match segments::read(db, number).await? {
        Record::Unproven(segment) => segment.header(number),
        Record::Damaged { .. } | Record::Missing => None,
    })
}
