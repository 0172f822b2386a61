//! Progress of the stages: the lowest and the highest checkpoint of a pass, and figures for a page.

use core::time::Duration;

use super::stage::StageId;
use header_rules::range::BlockNumber;
use sync_core::progress::eta;

/// Checkpoints of the stages in one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PipelineProgress {
    /// Of the last stage that was polled.
    pub last: Option<BlockNumber>,
    /// The lowest; `None` if a stage has no checkpoint.
    pub min: Option<BlockNumber>,
    /// The highest.
    pub max: Option<BlockNumber>,
    noted: bool,
}

impl PipelineProgress {
    /// Adds the checkpoint of a stage.
    pub fn note(&mut self, block: Option<BlockNumber>) {
        self.last = block;
        self.min = if self.noted { self.min.min(block) } else { block };
        self.max = self.max.max(block);
        self.noted = true;
    }
}

/// Progress of one stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageProgress {
    /// The stage.
    pub stage: StageId,
    /// Its checkpoint.
    pub block: Option<BlockNumber>,
    /// Processed blocks, from the lowest block of the store on.
    pub processed: u64,
    /// Blocks up to the target; never less than `processed`.
    pub total: u64,
    /// Blocks per second, over the last seconds.
    pub per_second: f64,
    /// Estimated time left at this rate.
    pub eta: Option<Duration>,
}

impl StageProgress {
    /// Progress of a stage at `block`, from `first` to `target`.
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
