//! Is what is stored still what was verified? One segment at a time, from the top down.
//!
//! A segment must hold together, hang on the one above it (or on the checkpoint, where a run begins), and end where the
//! checkpoint says that its run ends. What does not is a hole: its headers are removed and carved out of the
//! checkpoint, and the sync fetches them again. At opening the keys of all records and the newest segment of the chain are
//! audited, so that opening costs nearly the same at any length; the host audits the rest in the background.

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

/// What the audit of one segment found.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    /// These numbers of the run are sound.
    Sound {
        /// The numbers.
        part: BlockRange,
        /// Where they lie.
        segment: Segment,
    },
    /// These numbers of the run are lost.
    Damaged {
        /// The numbers.
        hole: BlockRange,
        /// Records that begin here go with them.
        records: BlockRange,
    },
}

/// Numbers of the checkpoint's runs that no record can hold, newest first. Only the keys are read: some 23,000 for
/// mainnet, 20 ms, where the records are 13 GB. What is wrong inside a record is found when the record is read.
pub(super) async fn without_record(db: &Connection, checkpoint: &Checkpoint) -> Result<Vec<BlockRange>, StoreFailure> {
    let mut missing = Vec::new();
    for run in checkpoint.subchains.iter().filter_map(Subchain::range) {
        let keys = segments::keys_of(db, run).await?;
        let first_of_run = missing.len();
        // The lowest number that no key seen so far reaches; a record never reaches over the end of its slot.
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

/// Audits the part of `run` that lies in the segment of `number`, a number of the run.
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
        // Nothing tells where the damage ends, so the slot goes as a whole.
        Record::Damaged { first, .. } => {
            Finding::Damaged { hole: in_slot, records: BlockRange::new(first, in_slot.last()).unwrap_or(in_slot) }
        }
        Record::Missing => Finding::Damaged { hole: in_slot, records: in_slot },
    })
}

/// A hole with sound segments on both sides, and the hashes that it leaves as the ends of their runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole {
    /// The numbers that are lost.
    pub(super) range: BlockRange,
    /// Parent hash of the header above it; `None` where the run ends with it.
    upper_next: Option<B256>,
    /// Hash of the header under it; `None` where the run ends with it.
    lower_head: Option<B256>,
}

impl Hole {
    /// Cuts it out of the checkpoint.
    pub(super) fn carve(self, checkpoint: &Checkpoint) -> Checkpoint {
        let mut carved = checkpoint.clone();
        carved.carve(self.range, self.upper_next, self.lower_head);
        carved
    }
}

/// Widens a hole in `run` until a segment that holds together lies on either side of it. Disks lose neighbours
/// together; without the hash of a header beside it a hole would take the whole side of the run with it. Costs one
/// segment for each that is lost, and two more.
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
    // What the lost header at `first` says of its parent, if its record still says anything. A segment whose highest
    // header was changed holds together all the same; this tells it.
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

/// What the header at `number` says of its parent.
fn parent_hash(segment: &Segment, number: BlockNumber) -> Option<B256> {
    HeaderLink::decode(&segment.header(number)?).ok().map(|header| header.parent_hash)
}

/// The header at `number`, unproven.
async fn header_at(db: &Connection, number: BlockNumber) -> Result<Option<bytes::Bytes>, StoreFailure> {
    Ok(match segments::read(db, number).await? {
        Record::Unproven(segment) => segment.header(number),
        Record::Damaged { .. } | Record::Missing => None,
    })
}
