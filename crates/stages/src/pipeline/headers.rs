//! The first stage: the highest block up to which the stored headers are contiguous from the floor.
//!
//! The machine downloads from the top down, so this stage waits until the gap below is closed. It reads the machine's
//! durable checkpoint (a few ranges), and advances to the head of the range that contains the floor. It is done when
//! that head is the target, in number and hash.
//!
//! It holds two hashes. A pass writes only the stage's checkpoint, because the machine has stored the headers. An
//! unwind removes headers, together with the machine's new checkpoint, in one transaction.
//!
//! | problem | error | what follows |
//! |---|---|---|
//! | the target, or the run above, does not meet the stored run | [`StageError::DetachedHead`] | the machine searches the common ancestor, then requests the unwind |
//! | stored headers are gone, for example after damage | [`StageError::MissingData`] | later stages are unwound, the headers are fetched again |
//! | the store holds another chain than the one under the stage's checkpoint | [`StageError::MissingData`] of the lowest block | every stage starts again: the old headers are gone, so the common ancestor is not known |
//! | the download has ended | [`StageError::ChannelClosed`] | the pipeline ends |

use alloc::vec;
use alloy_primitives::{B256, keccak256};
use bytes::Bytes;

use super::stage::{
    Change, ExecInput, ExecOutput, HeaderRows, News, Stage, StageCheckpoint, StageError, StageId, Step, UnwindInput,
    UnwindOutput,
};
use header_rules::{
    block::BlockNumHash,
    range::{BlockNumber, BlockRange},
};
use sync_core::checkpoint::{Checkpoint, Subchain};

/// Id of this stage.
pub const HEADERS: StageId = StageId("headers");

/// The stage of the stored headers. See the [module](self).
#[derive(Debug, Default)]
pub struct HeadersStage {
    target: Option<BlockNumHash>,
    durable: Option<Checkpoint>,
    is_closed: bool,
    /// Hashes read since the last change of the store: at the checkpoint of the stage, and at its end.
    known: [Option<BlockNumHash>; 2],
    /// Number of the header that is being read.
    asked: Option<BlockNumber>,
    /// Checkpoint of the machine after the unwind that it requested.
    abandoned: Option<Checkpoint>,
    /// Checkpoint of the machine once the truncation is durable.
    truncated: Option<Checkpoint>,
}

/// A hash, or the header to read for it.
enum Lookup {
    Hash(B256),
    Read(BlockRange),
}

impl HeadersStage {
    /// A stage without data: it waits for its [`News`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of a block of `run`.
    fn hash_at(&self, run: &Subchain, number: BlockNumber) -> Lookup {
        if number == run.head {
            return Lookup::Hash(run.head_hash);
        }
        match self.known.iter().flatten().find(|known| known.number == number) {
            Some(known) => Lookup::Hash(known.hash),
            None => Lookup::Read(BlockRange::new(number, number).expect("one number")),
        }
    }

    /// Takes the rows of a read of one header. Returns the requested number if the store does not have it.
    fn learn(&mut self, read: Option<HeaderRows>) -> Option<BlockNumber> {
        let rows = read?;
        let asked = self.asked.take()?;
        let Some((number, rlp)) = rows.into_iter().find(|(number, _)| *number == asked) else { return Some(asked) };
        self.known = [Some(BlockNumHash { number, hash: keccak256(&rlp) }), self.known[0]];
        None
    }

    fn ask<T>(&mut self, range: BlockRange) -> Result<Step<T>, StageError> {
        self.asked = Some(range.first());
        Ok(Step::Read(range))
    }

    /// Waits, or ends with an error if the download has ended.
    fn idle<T>(&self) -> Result<Step<T>, StageError> {
        if self.is_closed { Err(StageError::ChannelClosed) } else { Ok(Step::Waiting) }
    }

    /// The hash that the range above expects at `run.head`, if the two are adjacent and do not meet.
    fn detached(durable: &Checkpoint, run: &Subchain) -> Option<B256> {
        let touches = |upper: &&Subchain| upper.tail.checked_sub(1) == Some(run.head);
        durable.subchains.iter().find(touches).map(|upper| upper.next).filter(|next| *next != run.head_hash)
    }
}

fn at(block: BlockNumHash) -> StageCheckpoint {
    StageCheckpoint {
        block: Some(block.number),
        is_partial: false,
        data: Bytes::copy_from_slice(block.hash.as_slice()),
    }
}

impl Stage for HeadersStage {
    fn id(&self) -> StageId {
        HEADERS
    }

    fn execute(&mut self, input: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError> {
        if let Some(block) = self.learn(input.read) {
            return Err(StageError::MissingData { block });
        }
        let Some(durable) = &self.durable else { return self.idle() };
        let base = durable.run_at(input.first).copied();
        let stands = input.checkpoint.block;
        let Some(run) = base else {
            return match stands {
                Some(_) => Err(StageError::MissingData { block: input.first }),
                None => self.idle(),
            };
        };
        // Is the block of the stage's checkpoint still stored, with the same hash?
        if let Some(number) = stands {
            if run.head < number {
                return Err(StageError::MissingData { block: run.head.saturating_add(1) });
            }
            match self.hash_at(&run, number) {
                Lookup::Read(range) => return self.ask(range),
                Lookup::Hash(hash) if hash.as_slice() != &input.checkpoint.data[..] => {
                    if number > 0 {
                        return Err(StageError::MissingData { block: input.first });
                    }
                    let was = B256::try_from(&input.checkpoint.data[..]).unwrap_or_default();
                    let local = BlockNumHash { number, hash: was };
                    return Err(StageError::DetachedHead { local, expected: hash });
                }
                Lookup::Hash(_) => {}
            }
        }
        // The end: the target, or the last block of the pipeline.
        let Some(end) = self.target.map(|target| target.number).into_iter().chain(input.target).min() else {
            return self.advance(&input.checkpoint.clone(), run.head, run.head_hash, false);
        };
        if run.head < end {
            if let Some(expected) = Self::detached(durable, &run) {
                let local = BlockNumHash { number: run.head, hash: run.head_hash };
                return Err(StageError::DetachedHead { local, expected });
            }
            return self.advance(&input.checkpoint.clone(), run.head, run.head_hash, false);
        }
        let hash = match self.hash_at(&run, end) {
            Lookup::Read(range) => return self.ask(range),
            Lookup::Hash(hash) => hash,
        };
        match self.target {
            Some(target) if target.number == end && target.hash != hash => {
                Err(StageError::DetachedHead { local: BlockNumHash { number: end, hash }, expected: target.hash })
            }
            _ => self.advance(&input.checkpoint.clone(), end, hash, true),
        }
    }

    fn unwind(&mut self, input: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError> {
        let is_missing = self.learn(input.read).is_some();
        let Some(durable) = &self.durable else { return Ok(Step::Waiting) };
        let kept = durable.run_at(input.to).filter(|_| input.to >= input.first).copied();
        let hash = match kept.map(|run| self.hash_at(&run, input.to)) {
            Some(Lookup::Read(range)) if !is_missing => return self.ask(range),
            Some(Lookup::Hash(hash)) => Some(hash),
            // Not stored, or not readable: the range that is cut is dropped from the checkpoint as a whole.
            _ => None,
        };
        let mut after = self.abandoned.clone().unwrap_or_else(|| durable.clone());
        after.trim_above(input.to, hash);
        // The stage's new checkpoint is the contiguous rest, if there is one.
        let base = after.run_at(input.first);
        let checkpoint = base.map(|run| at(BlockNumHash { number: run.head, hash: run.head_hash })).unwrap_or_default();
        let checkpoint = if checkpoint.block > input.checkpoint.block { input.checkpoint.clone() } else { checkpoint };
        self.truncated = Some(after.clone());
        let changes = vec![Change::TruncateHeaders { to: input.to, checkpoint: after }];
        Ok(Step::Commit { changes, output: UnwindOutput { checkpoint } })
    }

    fn notice(&mut self, news: &News) {
        match news {
            News::Target(target) => {
                self.target = Some(*target);
                self.is_closed = false;
            }
            News::Durable(checkpoint) => {
                self.durable = Some(checkpoint.clone());
                self.known = [None; 2];
            }
            News::Abandoned(checkpoint) => self.abandoned = Some(checkpoint.clone()),
            News::Closed => self.is_closed = true,
        }
    }

    fn committed(&mut self) -> Result<(), StageError> {
        if let Some(truncated) = self.truncated.take() {
            self.durable = Some(truncated);
            self.abandoned = None;
            self.known = [None; 2];
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), StageError> {
        self.known = [None; 2];
        self.truncated = None;
        Ok(())
    }

    fn target(&self) -> Option<BlockNumber> {
        self.target.map(|target| target.number)
    }
}

impl HeadersStage {
    fn advance(
        &self,
        before: &StageCheckpoint,
        number: BlockNumber,
        hash: B256,
        done: bool,
    ) -> Result<Step<ExecOutput>, StageError> {
        let checkpoint = at(BlockNumHash { number, hash });
        // A target below the stage's checkpoint, on the same chain, is reached already.
        let checkpoint = if before.block > checkpoint.block { before.clone() } else { checkpoint };
        if !done && checkpoint == *before {
            return self.idle();
        }
        Ok(Step::Commit { changes: vec![], output: ExecOutput { checkpoint, done } })
    }
}
