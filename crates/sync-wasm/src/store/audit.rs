//! Is what is stored still what was proven? One segment at a time, from the top down.
//!
//! A segment must hold together, hang on the one above it (or on the checkpoint, where a run begins), and end where the
//! checkpoint says that its run ends. What does not is a hole: its headers are removed and carved out of the checkpoint,
//! and the sync fetches them again. At opening only the newest segment of the chain is audited, so that opening costs the
//! same at any length; the host audits the rest in the background.

use alloy_primitives::{B256, keccak256};
use indexed_db_futures::database::Database;
use sync_core::{
    checkpoint::{Checkpoint, Subchain},
    fault::StoreFailure,
    header::Header,
    range::{BlockNumber, BlockRange},
    store::Segment,
};

use super::segments::{self, Record};

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

/// Audits the part of `run` that lies in the segment of `number`, a number of the run.
pub(super) async fn judge(db: &Database, run: &Subchain, number: BlockNumber) -> Result<Finding, StoreFailure> {
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
        Record::Damaged { .. } | Record::Missing => Finding::Damaged { hole: in_slot, records: in_slot },
    })
}

/// Cuts the hole out of the checkpoint. The hashes on both sides of it are read from the segments that lie there; they are
/// the new ends of their runs, and the next audit holds the segments to them.
pub(super) async fn carve(
    db: &Database,
    checkpoint: &Checkpoint,
    hole: BlockRange,
) -> Result<Checkpoint, StoreFailure> {
    let upper_next: Option<B256> = match hole.last().checked_add(1) {
        Some(above) => header_at(db, above).await?.and_then(|rlp| Some(Header::decode(&rlp).ok()?.parent_hash)),
        None => None,
    };
    let lower_head = match hole.first().checked_sub(1) {
        Some(below) => header_at(db, below).await?.map(keccak256),
        None => None,
    };
    let mut carved = checkpoint.clone();
    carved.carve(hole, upper_next, lower_head);
    Ok(carved)
}

/// The header at `number`, unproven.
async fn header_at(db: &Database, number: BlockNumber) -> Result<Option<bytes::Bytes>, StoreFailure> {
    Ok(match segments::read(db, number).await? {
        Record::Unproven(segment) => segment.header(number),
        Record::Damaged { .. } | Record::Missing => None,
    })
}
