//! The store of a world: all or nothing, with a moment before and a moment after each commit at which the process may die.
//!
//! It keeps no bytes: of each number it knows which branch of the [`Pool`] owns the header that was stored there, which is
//! the header itself, since a branch has one header at a number. Bytes and hashes are compared with the pool's when they
//! are written.

use bytes::Bytes;
use header_rules::{
    chain::GENERATED_CHAIN_ID,
    range::{BlockNumber, BlockRange},
};
use sync_core::{Checkpoint, checkpoint::Subchain, etl::HeaderBatch, fault::StoreFailure, id::BatchId};

use crate::chain::{BranchId, Pool, View};

/// No header is stored under this number.
const NOTHING: BranchId = BranchId::MAX;

/// What the machine asked the store to do.
#[derive(Clone, Debug)]
pub enum StoreOp {
    /// `Output::Persist`.
    Persist(HeaderBatch),
    /// `Output::Unwind`.
    Unwind {
        /// Highest block kept.
        to: BlockNumber,
        /// What holds afterwards.
        checkpoint: Checkpoint,
    },
}

/// What is told to the machine afterwards.
#[derive(Clone, Debug)]
pub enum StoreResponse {
    /// `Input::BatchPersisted`.
    Persisted(BatchId),
    /// `Input::PersistFailed`.
    Failed(BatchId, StoreFailure),
    /// `Input::Unwound`.
    Unwound(BlockNumber),
}

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct SimStore {
    rows: Vec<BranchId>,
    stored: u64,
    checkpoint: Option<Vec<u8>>,
    /// Transactions so far.
    pub commits: u64,
}

impl SimStore {
    /// A store that holds the view's headers from `floor` up.
    pub fn holding(pool: &Pool, view: View, floor: BlockNumber) -> Self {
        let mut store = Self::default();
        for number in floor..=view.tip {
            if let Some(owner) = pool.owner(view.branch, number) {
                store.set(number, owner);
            }
        }
        let tip = pool.tip(view);
        let next = floor.checked_sub(1).and_then(|below| pool.hash(view.branch, below)).unwrap_or_default();
        let mut checkpoint = Checkpoint::new(GENERATED_CHAIN_ID, floor);
        checkpoint.adopt(Subchain { head: tip.number, head_hash: tip.hash, tail: floor, next });
        store.write_checkpoint(&checkpoint);
        store
    }

    /// The checkpoint, read as a real store reads it: from bytes.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.checkpoint.as_deref().and_then(Checkpoint::decode)
    }

    /// The branch of the header that is stored at `number`.
    pub fn owner(&self, number: BlockNumber) -> Option<BranchId> {
        let row = usize::try_from(number).ok().and_then(|at| self.rows.get(at));
        row.copied().filter(|owner| *owner != NOTHING)
    }

    /// Headers stored.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Numbers and owners of everything stored, rising.
    pub fn rows(&self) -> impl Iterator<Item = (BlockNumber, BranchId)> + '_ {
        self.rows.iter().enumerate().filter(|(_, owner)| **owner != NOTHING).map(|(at, owner)| (at as u64, *owner))
    }

    /// Is every number of `range` stored as the view has it?
    pub fn holds(&self, pool: &Pool, view: View, range: BlockRange) -> bool {
        (range.first()..=range.last()).all(|number| {
            let owner = self.owner(number);
            owner.is_some() && owner == pool.owner(view.branch, number)
        })
    }

    /// Carries the operation out, whole. What cannot be true of any batch is an error: it breaks the safety of the store.
    pub fn commit(&mut self, pool: &Pool, op: &StoreOp) -> Result<StoreResponse, String> {
        self.commits += 1;
        match op {
            StoreOp::Persist(batch) => {
                self.write_headers(pool, batch)?;
                self.write_checkpoint(batch.checkpoint());
                Ok(StoreResponse::Persisted(batch.id()))
            }
            StoreOp::Unwind { to, checkpoint } => {
                // Headers that the checkpoint covers stay: after a reorg the new chain may be above the removed one.
                for at in (to.saturating_add(1) as usize)..self.rows.len() {
                    if !checkpoint.covers(at as u64) {
                        self.set(at as u64, NOTHING);
                    }
                }
                self.write_checkpoint(checkpoint);
                Ok(StoreResponse::Unwound(*to))
            }
        }
    }

    /// The half of a persist that must never be made alone; a deliberate bug makes it.
    pub fn write_checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.checkpoint = Some(checkpoint.encode());
    }

    /// The other half.
    pub fn write_headers(&mut self, pool: &Pool, batch: &HeaderBatch) -> Result<(), String> {
        let range = batch.range();
        let hashes = batch.hash_index();
        if batch.headers().len() as u64 != range.len() || hashes.len() as u64 != range.len() {
            let (headers, hashes) = (batch.headers().len(), hashes.len());
            return Err(format!("batch {range} has {headers} headers and {hashes} hashes"));
        }
        if !hashes.is_sorted() {
            return Err(format!("the hash index of batch {range} is not sorted"));
        }
        let mut by_number = vec![None; hashes.len()];
        for entry in hashes {
            if !range.contains(entry.number) {
                return Err(format!("the hash index of batch {range} names {}", entry.number));
            }
            by_number[(entry.number - range.first()) as usize] = Some(entry.hash);
        }
        let top = by_number.last().copied().flatten().and_then(|hash| pool.locate(hash));
        let Some((branch, _)) = top.filter(|(_, number)| *number == range.last()) else {
            return Err(format!("the highest header of batch {range} is of no chain"));
        };
        for ((number, rlp), hash) in (range.first()..=range.last()).zip(batch.headers()).zip(by_number) {
            let expected = pool.header(branch, number);
            if expected.is_none_or(|expected| !same(expected, rlp)) || hash != pool.hash(branch, number) {
                return Err(format!("header {number} of batch {range} is not the one its child descends from"));
            }
            let Some(owner) = pool.owner(branch, number) else { continue };
            self.set(number, owner);
        }
        Ok(())
    }

    /// What of the checkpoint is not true of what is stored: the first thing found.
    pub fn audit(&self, pool: &Pool) -> Result<(), String> {
        let Some(bytes) = &self.checkpoint else { return Ok(()) };
        let checkpoint = Checkpoint::decode(bytes).ok_or("the checkpoint does not decode")?;
        for run in &checkpoint.subchains {
            self.audit_run(pool, run)?;
        }
        Ok(())
    }

    fn audit_run(&self, pool: &Pool, run: &Subchain) -> Result<(), String> {
        let name = format!("run {}..={}", run.tail, run.head);
        let (branch, _) = pool
            .locate(run.head_hash)
            .filter(|(_, number)| *number == run.head)
            .ok_or_else(|| format!("the head of {name} is of no chain"))?;
        for number in run.tail..=run.head {
            match self.owner(number) {
                None => return Err(format!("{name} of the checkpoint: header {number} is not stored")),
                owner if owner != pool.owner(branch, number) => {
                    return Err(format!("{name} of the checkpoint: header {number} is of another chain"));
                }
                _ => {}
            }
        }
        let next = run.tail.checked_sub(1).map_or(Some(run.next), |below| pool.hash(branch, below));
        if next != Some(run.next) {
            return Err(format!("{name} of the checkpoint: what lies under it has another hash"));
        }
        Ok(())
    }

    fn set(&mut self, number: BlockNumber, owner: BranchId) {
        let at = number as usize;
        if at >= self.rows.len() {
            if owner == NOTHING {
                return;
            }
            self.rows.resize(at + 1, NOTHING);
        }
        let before = core::mem::replace(&mut self.rows[at], owner);
        self.stored += u64::from(owner != NOTHING);
        self.stored -= u64::from(before != NOTHING);
    }
}

fn same(one: &Bytes, other: &Bytes) -> bool {
    (one.as_ptr() == other.as_ptr() && one.len() == other.len()) || one == other
}
