//! A stage: work over the chain in rising block order, which can be unwound.
//!
//! A stage does no I/O. Each call returns its next step: read these headers, wait, or write these changes. The changes
//! and the checkpoint ([`StageCheckpoint`]) are stored in one transaction, so a stop between any two writes leaves a
//! store from which the stage continues.
//!
//! Between two writes a stage may gather data, within a limit of its own; [`Stage::reset`] drops it.

use alloc::{string::String, vec::Vec};
use core::fmt;

use alloy_primitives::B256;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use bytes::Bytes;

use crate::config::STAGE_DATA_BYTES_MAX;
use header_rules::{
    block::BlockNumHash,
    range::{BlockNumber, BlockRange},
};
use sync_core::{checkpoint::Checkpoint, fault::StoreFailure, time::Instant};

/// Name of a stage, the key of its stored checkpoint; unique in a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub &'static str);

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A table of the host's store that belongs to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub &'static str);

/// Position of a stage, stored with its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageCheckpoint {
    /// Highest block for which the stage has stored data; `None` before the first.
    pub block: Option<BlockNumber>,
    /// The data of the blocks up to `block` is incomplete: the stage stopped inside a step that takes several writes.
    /// Such a checkpoint is neither skipped nor used by later stages.
    pub is_partial: bool,
    /// Further data that the stage needs to continue; at most [`STAGE_DATA_BYTES_MAX`] bytes in a format of the stage.
    pub data: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredCheckpoint {
    version: u8,
    /// `block + 1`; 0 for none.
    next: u64,
    is_partial: bool,
    data: Bytes,
}

impl StageCheckpoint {
    /// Version of the stored format.
    pub const VERSION: u8 = 1;

    /// A complete checkpoint at a block, without data.
    pub fn at(block: BlockNumber) -> Self {
        Self { block: Some(block), ..Self::default() }
    }

    /// Encodes the checkpoint as RLP.
    pub fn encode(&self) -> Vec<u8> {
        let next = self.block.map_or(0, |block| block.saturating_add(1));
        let stored =
            StoredCheckpoint { version: Self::VERSION, next, is_partial: self.is_partial, data: self.data.clone() };
        let mut out = Vec::with_capacity(stored.length());
        stored.encode(&mut out);
        out
    }

    /// Reads a checkpoint; `None` for bytes that [`encode`](Self::encode) would not write. The stage then starts again.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let stored = StoredCheckpoint::decode(&mut bytes).ok()?;
        let is_known = bytes.is_empty() && stored.version == Self::VERSION && stored.data.len() <= STAGE_DATA_BYTES_MAX;
        let block = stored.next.checked_sub(1);
        is_known.then_some(Self { block, is_partial: stored.is_partial, data: stored.data })
    }
}

/// Headers in rising order: number and RLP.
pub type HeaderRows = Vec<(BlockNumber, Bytes)>;

/// Arguments of [`Stage::execute`].
#[derive(Debug)]
pub struct ExecInput<'a> {
    /// The current time.
    pub now: Instant,
    /// Lowest block of the store.
    pub first: BlockNumber,
    /// Highest block for this stage; `None` for the first stage, which knows its own end.
    pub target: Option<BlockNumber>,
    /// Checkpoint of the stage.
    pub checkpoint: &'a StageCheckpoint,
    /// Result of [`Step::Read`]; may be shorter than requested, or empty.
    pub read: Option<HeaderRows>,
}

impl ExecInput<'_> {
    /// First block to process.
    pub fn next_block(&self) -> BlockNumber {
        self.checkpoint.block.map_or(self.first, |block| block.saturating_add(1))
    }

    /// Has the stage reached its target? Never without a target.
    pub fn is_target_reached(&self) -> bool {
        self.target.is_some_and(|target| self.checkpoint.block.is_some_and(|block| block >= target))
    }

    /// The next blocks up to the target, at most `most`; `None` at the target, and without one.
    pub fn next_block_range(&self, most: u64) -> Option<BlockRange> {
        let first = self.next_block();
        let last = self.target?.min(first.saturating_add(most.checked_sub(1)?));
        BlockRange::new(first, last)
    }
}

/// Arguments of [`Stage::unwind`].
#[derive(Debug)]
pub struct UnwindInput<'a> {
    /// The current time.
    pub now: Instant,
    /// Lowest block of the store.
    pub first: BlockNumber,
    /// Highest block kept; below `first` none is kept.
    pub to: BlockNumber,
    /// Checkpoint of the stage; above `to`.
    pub checkpoint: &'a StageCheckpoint,
    /// The block that caused the unwind, if a block did.
    pub bad_block: Option<BlockNumHash>,
    /// Result of [`Step::Read`].
    pub read: Option<HeaderRows>,
}

impl UnwindInput<'_> {
    /// The highest blocks to remove, at most `most`; `None` if none are left.
    pub fn unwind_block_range(&self, most: u64) -> Option<BlockRange> {
        let last = self.checkpoint.block?;
        let lowest = self.to.checked_add(1)?.max(self.first);
        BlockRange::new(lowest.max(last.saturating_sub(most.checked_sub(1)?)), last)
    }
}

/// Result of a step of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// Checkpoint that is stored with the changes.
    pub checkpoint: StageCheckpoint,
    /// The stage has no work until its target moves.
    pub done: bool,
}

/// Result of a step of an unwind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwindOutput {
    /// Checkpoint that is stored with the changes. The stage is called again while it is above the block to keep.
    pub checkpoint: StageCheckpoint,
}

/// Next step of a stage.
#[derive(Debug)]
pub enum Step<Output> {
    /// Read these headers and call again. The store may return fewer.
    Read(BlockRange),
    /// A bounded piece of work is done and there is more: call again, at once or after a pause.
    Working,
    /// The stage waits for the next [`News`].
    Waiting,
    /// Store the changes and the checkpoint in one transaction.
    Commit {
        /// Applied in this order. Empty with an unchanged checkpoint: nothing is stored.
        changes: Vec<Change>,
        /// Checkpoint afterwards, and whether the stage is done.
        output: Output,
    },
}

/// Key and value of a row.
pub type Row = (Vec<u8>, Vec<u8>);

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put rows, rising by key; existing rows are replaced.
    Put {
        /// The table.
        table: Table,
        /// Keys and values.
        rows: Vec<Row>,
    },
    /// Delete rows, rising by key; missing rows are ignored.
    Delete {
        /// The table.
        table: Table,
        /// The keys.
        keys: Vec<Vec<u8>>,
    },
    /// Remove every header above `to` and store the sync machine's checkpoint, in the same transaction, like
    /// `HeaderStore::unwind` of `header-store`.
    TruncateHeaders {
        /// Highest block kept.
        to: BlockNumber,
        /// The machine's checkpoint afterwards.
        checkpoint: Checkpoint,
    },
}

/// Changes outside the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The target of the sync.
    Target(BlockNumHash),
    /// The machine's checkpoint: at the start, and after each durable batch.
    Durable(Checkpoint),
    /// The machine drops headers, and this is its checkpoint afterwards; the unwind follows.
    Abandoned(Checkpoint),
    /// The download has ended.
    Closed,
}

/// Error of a stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// The target's chain and the stored chain do not meet.
    #[error("detached head: {} has hash {}, the chain above expects {expected}", local.number, local.hash)]
    DetachedHead {
        /// The stored block.
        local: BlockNumHash,
        /// Hash of the target's chain at the same number.
        expected: B256,
    },
    /// A block is invalid.
    #[error("block {} ({}) is invalid: {reason}", block.number, block.hash)]
    InvalidBlock {
        /// The block.
        block: BlockNumHash,
        /// The broken rule.
        reason: String,
    },
    /// Data that an earlier stage should have stored is missing.
    #[error("data of block {block} is missing")]
    MissingData {
        /// The lowest block with missing data.
        block: BlockNumber,
    },
    /// The store, or the spill of the stage, failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The download has ended, and the stage is not done.
    #[error("the download has ended")]
    ChannelClosed,
    /// The stage can be retried.
    #[error("{0}")]
    Recoverable(String),
    /// The stage cannot continue.
    #[error("{0}")]
    Fatal(String),
}

/// The interface of a stage. See the [module](self).
///
/// A stage keeps its gathered data between calls. A call does a bounded piece of work, so that a browser's worker can
/// return to its event loop in between.
pub trait Stage: fmt::Debug {
    /// Id of the stage.
    fn id(&self) -> StageId;

    /// The next step of a pass, from the checkpoint towards the target. Called again after each result, commit and
    /// news; a call that returns [`Step::Waiting`] must gather nothing.
    fn execute(&mut self, input: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError>;

    /// The next step of an unwind. The stage was reset before ([`Stage::reset`]).
    fn unwind(&mut self, input: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError>;

    /// Receives news.
    fn notice(&mut self, _news: &News) {}

    /// The last [`Step::Commit`] is durable.
    fn committed(&mut self) -> Result<(), StageError> {
        Ok(())
    }

    /// Drops all data that is gathered and not stored, after an error, an unwind or a stop.
    fn reset(&mut self) -> Result<(), StageError>;

    /// Highest block that the stage will reach, as far as it knows; asked of the first stage, for progress.
    fn target(&self) -> Option<BlockNumber> {
        None
    }
}
