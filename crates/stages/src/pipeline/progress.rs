//! How far the stages are: the lowest and the highest checkpoint of a pass, and for each stage what a page can draw.

use core::time::Duration;

use super::stage::StageId;
use header_rules::range::BlockNumber;
use sync_core::progress::eta;

/// Checkpoints of the stages of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipelineProgress {
    /// Of the stage that was looked at last.
    pub last: Option<BlockNumber>,
    /// The lowest; `None` while there is none, and when a stage has done nothing yet.
    pub min: Option<BlockNumber>,
    /// The highest.
    pub max: Option<BlockNumber>,
    noted: bool,
}

impl PipelineProgress {
    /// A stage of this pass stands here.
    pub fn note(&mut self, block: Option<BlockNumber>) {
        self.last = block;
        self.min = if self.noted { self.min.min(block) } else { block };
        self.max = self.max.max(block);
        self.noted = true;
    }
}

/// How far one stage is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageProgress {
    /// Which.
    pub stage: StageId,
    /// Its checkpoint.
    pub block: Option<BlockNumber>,
    /// Blocks that are done, from the lowest block of the store on.
    pub processed: u64,
    /// Blocks that there are up to the target; never less than `processed`.
    pub total: u64,
    /// Blocks a second, over the last seconds.
    pub per_second: f64,
    /// Time left at this rate.
    pub eta: Option<Duration>,
}

impl StageProgress {
    /// Of a stage at `block` on the way from `first` to `target`.
    pub fn new(
        stage: StageId,
        first: BlockNumber,
        block: Option<BlockNumber>,
        target: Option<BlockNumber>,
        per_second: f64,
    ) -> Self {
        let count = |last: Option<BlockNumber>| last.map_or(0, |last| last.saturating_add(1).saturating_sub(first));
        let processed = count(block);
        let total = count(target).max(processed);
        Self { stage, block, processed, total, per_second, eta: eta(total - processed, per_second) }
    }
}
