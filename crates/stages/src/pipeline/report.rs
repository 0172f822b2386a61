//! Counters of the stages: sums and percentiles, in bounded memory.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{fmt, time::Duration};

use super::stage::StageId;

/// Bits of a value that select its bucket: a percentile is at most a sixteenth too low.
const BUCKET_BITS: u32 = 4;

/// A histogram. At most 976 buckets: sixteen for each power of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: BTreeMap<u16, u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        *self.buckets.entry(bucket(value)).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exact.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that this percentage of all values does not exceed, at most a sixteenth too low; 0 without values.
    pub fn percentile(&self, percent: u8) -> u64 {
        let rank = (u128::from(self.count) * u128::from(percent.min(100))).div_ceil(100).max(1) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return floor_of(*bucket);
            }
        }
        0
    }
}

/// Index of a bucket: position of the highest bit, then the bits after it.
fn bucket(value: u64) -> u16 {
    let bits = u64::BITS - value.leading_zeros();
    if bits <= BUCKET_BITS {
        return value as u16;
    }
    let shift = bits - BUCKET_BITS - 1;
    (((shift + 1) << BUCKET_BITS) as u64 + ((value >> shift) - (1 << BUCKET_BITS))) as u16
}

/// Lowest value of a bucket.
fn floor_of(bucket: u16) -> u64 {
    let (power, rest) = (u32::from(bucket) >> BUCKET_BITS, u64::from(bucket) & ((1 << BUCKET_BITS) - 1));
    match power.checked_sub(1) {
        None => rest,
        Some(shift) => (rest + (1 << BUCKET_BITS)) << shift,
    }
}

/// Counters of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReport {
    /// The stage.
    pub stage: StageId,
    /// Blocks executed.
    pub blocks: u64,
    /// Blocks unwound.
    pub blocks_unwound: u64,
    /// Stored steps of passes.
    pub runs: u64,
    /// Stored steps of unwinds.
    pub unwinds: u64,
    /// Errors of the stage.
    pub errors: u64,
    /// Errors that were followed by a retry.
    pub retries: u64,
    /// Busy time, including reads and writes, without waiting for news.
    pub busy: Duration,
    /// Blocks per second of each step.
    pub blocks_per_second: Histogram,
    /// Microseconds from sending a write until it was durable.
    pub commit_micros: Histogram,
}

impl StageReport {
    /// Counters of a stage that has done nothing yet.
    pub fn new(stage: StageId) -> Self {
        Self {
            stage,
            blocks: 0,
            blocks_unwound: 0,
            runs: 0,
            unwinds: 0,
            errors: 0,
            retries: 0,
            busy: Duration::ZERO,
            blocks_per_second: Histogram::default(),
            commit_micros: Histogram::default(),
        }
    }

    /// Blocks per second over the busy time.
    pub fn mean_per_second(&self) -> Option<f64> {
        (!self.busy.is_zero()).then(|| self.blocks as f64 / self.busy.as_secs_f64())
    }

    pub(super) fn note_commit(&mut self, took: Duration) {
        self.commit_micros.add(took.as_micros() as u64);
    }

    pub(super) fn note_run(&mut self, blocks: u64, took: Duration) {
        self.busy += took;
        if blocks == 0 {
            return;
        }
        self.blocks += blocks;
        self.runs += 1;
        // Without elapsed time there is no rate.
        if let Some(rate) = (u128::from(blocks) * 1_000_000).checked_div(took.as_micros()) {
            self.blocks_per_second.add(u64::try_from(rate).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn note_unwind(&mut self, blocks: u64) {
        self.blocks_unwound += blocks;
        self.unwinds += 1;
    }
}

/// Counters of a pipeline. Displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineReport {
    /// Time since the first poll.
    pub elapsed: Duration,
    /// The stages, in order.
    pub stages: Vec<StageReport>,
}

impl fmt::Display for PipelineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:12} {:>10} {:>8} {:>8} {:>10} {:>26} {:>26}",
            "stage", "blocks", "unwound", "errors", "mean/s", "blocks/s p50 p90 p99", "commit us p50 p90 p99"
        )?;
        for stage in &self.stages {
            let (rate, commit) = (&stage.blocks_per_second, &stage.commit_micros);
            // The 90th percentile of a rate shows the slowest tenth of the steps, so they are counted from above.
            let rates = [50, 10, 1].map(|percent| rate.percentile(percent));
            let commits = [50, 90, 99].map(|percent| commit.percentile(percent));
            writeln!(
                f,
                "{:12} {:>10} {:>8} {:>8} {:>10.0} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
                stage.stage.0,
                stage.blocks,
                stage.blocks_unwound,
                stage.errors,
                stage.mean_per_second().unwrap_or_default(),
                rates[0],
                rates[1],
                rates[2],
                commits[0],
                commits[1],
                commits[2],
            )?;
        }
        write!(f, "in {:.3} s", self.elapsed.as_secs_f64())
    }
}
