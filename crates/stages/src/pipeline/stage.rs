//! A stage: one kind of work over the chain, block by block upwards, that can be taken back.
//!
//! A stage does no I/O. It is asked for its next step and answers with one: read these headers, wait, or write these
//! changes. What it writes and how far it came ([`StageCheckpoint`]) travel together and are stored in one transaction, so
//! a stop between any two writes leaves a store from which the stage goes on.
//!
//! Between two writes a stage may gather what it likes, within a limit of its own; [`Stage::reset`] makes it forget it.

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

/// Name of a stage, under which its checkpoint is stored; each once in a pipeline.
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

/// How far a stage came, stored with what it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageCheckpoint {
    /// Highest block of which the stage has stored something; `None` before the first.
    pub block: Option<BlockNumber>,
    /// The blocks up to `block` are not all whole: the stage stopped in the middle of a step that takes several writes.
    /// It is neither skipped nor built upon.
    pub is_partial: bool,
    /// What else the stage must know to go on; at most [`STAGE_DATA_BYTES_MAX`] bytes that only the stage understands.
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
    /// The form that this version of the code writes.
    pub const VERSION: u8 = 1;

    /// A checkpoint at a block, whole and without data.
    pub fn at(block: BlockNumber) -> Self {
        Self { block: Some(block), ..Self::default() }
    }

    /// As bytes (RLP).
    pub fn encode(&self) -> Vec<u8> {
        let next = self.block.map_or(0, |block| block.saturating_add(1));
        let stored =
            StoredCheckpoint { version: Self::VERSION, next, is_partial: self.is_partial, data: self.data.clone() };
        let mut out = Vec::with_capacity(stored.length());
        stored.encode(&mut out);
        out
    }

    /// Reads a checkpoint; `None` for anything that [`encode`](Self::encode) would not write. The stage then starts afresh.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let stored = StoredCheckpoint::decode(&mut bytes).ok()?;
        let is_known = bytes.is_empty() && stored.version == Self::VERSION && stored.data.len() <= STAGE_DATA_BYTES_MAX;
        let block = stored.next.checked_sub(1);
        is_known.then_some(Self { block, is_partial: stored.is_partial, data: stored.data })
    }
}

/// Headers that were read, rising: number and RLP.
pub type HeaderRows = Vec<(BlockNumber, Bytes)>;

/// What a stage is told when it is asked to go on.
#[derive(Debug)]
pub struct ExecInput<'a> {
    /// Now.
    pub now: Instant,
    /// Lowest block of the store.
    pub first: BlockNumber,
    /// How far the stage may go; `None` for the first stage, which knows its own end.
    pub target: Option<BlockNumber>,
    /// How far it came.
    pub checkpoint: &'a StageCheckpoint,
    /// The answer to [`Step::Read`]; may be shorter than what was asked for, or empty.
    pub read: Option<HeaderRows>,
}

impl ExecInput<'_> {
    /// The block to begin with.
    pub fn next_block(&self) -> BlockNumber {
        self.checkpoint.block.map_or(self.first, |block| block.saturating_add(1))
    }

    /// Is there nothing left to do? Never without a target.
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

/// What a stage is told when it is asked to take back.
#[derive(Debug)]
pub struct UnwindInput<'a> {
    /// Now.
    pub now: Instant,
    /// Lowest block of the store.
    pub first: BlockNumber,
    /// Highest block that is kept. Below `first`: nothing is.
    pub to: BlockNumber,
    /// How far the stage came; above `to`.
    pub checkpoint: &'a StageCheckpoint,
    /// The block that made it necessary, when one did.
    pub bad_block: Option<BlockNumHash>,
    /// The answer to [`Step::Read`].
    pub read: Option<HeaderRows>,
}

impl UnwindInput<'_> {
    /// The highest blocks that are to go, at most `most`; `None` when all are gone.
    pub fn unwind_block_range(&self, most: u64) -> Option<BlockRange> {
        let last = self.checkpoint.block?;
        let lowest = self.to.checked_add(1)?.max(self.first);
        BlockRange::new(lowest.max(last.saturating_sub(most.checked_sub(1)?)), last)
    }
}

/// How far a stage came by a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// Stored with the changes.
    pub checkpoint: StageCheckpoint,
    /// The stage has nothing to do until its target moves.
    pub done: bool,
}

/// How far a stage was taken back by a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwindOutput {
    /// Stored with the changes. The stage is asked again while it is above the block to keep.
    pub checkpoint: StageCheckpoint,
}

/// A stage's next step.
#[derive(Debug)]
pub enum Step<Output> {
    /// Read these headers and ask again. The answer may stop earlier.
    Read(BlockRange),
    /// A bounded piece of work was done and there is more: ask again, at once or after a breath.
    Working,
    /// Nothing can be done before the next [`News`].
    Waiting,
    /// Store the changes and the checkpoint in one transaction.
    Commit {
        /// In this order. Empty with an unchanged checkpoint: nothing is stored.
        changes: Vec<Change>,
        /// What holds afterwards.
        output: Output,
    },
}

/// Key and value of a row.
pub type Row = (Vec<u8>, Vec<u8>);

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put rows, rising by key; a row that is there is replaced.
    Put {
        /// Where.
        table: Table,
        /// Key and value.
        rows: Vec<Row>,
    },
    /// Delete rows, rising by key; one that is not there is none.
    Delete {
        /// Where.
        table: Table,
        /// The keys.
        keys: Vec<Vec<u8>>,
    },
    /// Remove every header above `to` and store what the sync machine's checkpoint is afterwards
    /// (`HeaderStore::unwind` of `header-store`, in the same transaction).
    TruncateHeaders {
        /// Highest block kept.
        to: BlockNumber,
        /// The machine's checkpoint that holds afterwards.
        checkpoint: Checkpoint,
    },
}

/// What happened outside, for stages that care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Where the chain ends, above.
    Target(BlockNumHash),
    /// What the store holds: the machine's checkpoint, after each batch that became durable and once at the start.
    Durable(Checkpoint),
    /// The machine gives headers up and this is its checkpoint afterwards; the unwind follows.
    Abandoned(Checkpoint),
    /// Nothing more will come.
    Closed,
}

/// Why a stage cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// The chain under the target does not meet what is stored.
    #[error("detached head: {} has hash {}, the chain above expects {expected}", local.number, local.hash)]
    DetachedHead {
        /// The stored head.
        local: BlockNumHash,
        /// What the new chain has at its number.
        expected: B256,
    },
    /// A block is invalid.
    #[error("block {} ({}) is invalid: {reason}", block.number, block.hash)]
    InvalidBlock {
        /// Which.
        block: BlockNumHash,
        /// What is wrong with it.
        reason: String,
    },
    /// What the stages before should have stored of this block is not there.
    #[error("data of block {block} is missing")]
    MissingData {
        /// The lowest block of which something is missing.
        block: BlockNumber,
    },
    /// The store, or the stage's spill, failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// Nothing more will come, and the stage is not done.
    #[error("nothing more will come")]
    ChannelClosed,
    /// May go better the next time.
    #[error("{0}")]
    Recoverable(String),
    /// Cannot go on.
    #[error("{0}")]
    Fatal(String),
}

/// One kind of work over the chain. See the [module](self).
///
/// Between two calls a stage keeps what it gathered. A bounded piece of work a call: a browser's worker goes back to its
/// event loop between two.
pub trait Stage: fmt::Debug {
    /// Its name.
    fn id(&self) -> StageId;

    /// The next step upwards, from the checkpoint towards the target. Called again after each answer, commit and news;
    /// a call that changes nothing (it waits) must gather nothing.
    fn execute(&mut self, input: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError>;

    /// The next step downwards. What was gathered upwards was forgotten before ([`Stage::reset`]).
    fn unwind(&mut self, input: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError>;

    /// Something happened outside.
    fn notice(&mut self, _news: &News) {}

    /// The last [`Step::Commit`] is durable.
    fn committed(&mut self) -> Result<(), StageError> {
        Ok(())
    }

    /// Forget everything that was gathered and not stored: the stage was interrupted (an error, an unwind, a stop).
    fn reset(&mut self) -> Result<(), StageError>;

    /// Where the stage will end, as far as it knows by itself; asked of the first stage, for progress.
    fn target(&self) -> Option<BlockNumber> {
        None
    }
}
