//! Limits of stages and of their collectors, and how a host tunes a pipeline.

use core::time::Duration;

use header_rules::range::BlockNumber;

/// Sorted runs of one ETL load. At the limit all runs are merged into one, which costs a pass over what was spilled;
/// raising it costs one read buffer a run while a load is merged.
pub const ETL_RUNS_MAX: usize = 64;

/// Bytes of one block of a spilled run: what a merge reads at once and holds of each run. Smaller buffers use smaller
/// blocks, so that the read buffers of [`ETL_RUNS_MAX`] runs together are no more than the buffer that was sorted.
pub const ETL_BLOCK_BYTES: usize = 16 * 1024;

/// Longest key with its value of one ETL entry, in bytes. A row of the hash index has 40; a longer length in a spilled
/// block is damage, and a higher maximum lets damage ask for more memory.
pub const ETL_ENTRY_BYTES_MAX: usize = 64 * 1024;

/// A stage's own data in its checkpoint. It is written with every step of the stage; raising it makes each longer.
pub const STAGE_DATA_BYTES_MAX: usize = 64 * 1024;

/// Headers that a stage reads at once: one segment of the store, which is the most that one read returns.
pub const STAGE_READ_HEADERS_MAX: u64 = 1_024;

/// Blocks whose hashes are sorted at once for the hash index. More makes the rows of an index that is empty rise from end
/// to end, and costs spilled bytes (50 a block), not memory.
pub const HASH_INDEX_RANGE_MAX: u64 = 2_000_000;

/// Rows in one transaction of the hash index, at most.
pub const HASH_INDEX_ROWS_PER_COMMIT: usize = 8_192;

/// Rows in the first transactions of the hash index, before any was measured ([`StepSize`](crate::pipeline::StepSize)).
pub const HASH_INDEX_ROWS_START: usize = 1_024;

/// Memory of the rows of one transaction of the hash index: 88 bytes each, natively.
pub const HASH_INDEX_COMMIT_BYTES_MAX: u64 = 1024 * 1024;

/// How a host tunes a [`Pipeline`](crate::pipeline::Pipeline).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Lowest block of every stage: the floor of the sync. Fixed for the life of the store.
    pub first: BlockNumber,
    /// The pipeline ends when every stage has come so far; `None`: it follows the target for ever.
    pub max_block: Option<BlockNumber>,
    /// An unwind that becomes necessary is an error, for a host that will not have its data removed.
    pub fail_on_unwind: bool,
    /// Under this block a stage gave up what an unwind needs; an unwind below it is refused.
    pub pruned_below: Option<BlockNumber>,
    /// First pause before a stage, or a write, is tried again; doubles each time.
    pub retry_start: Duration,
    /// Longest such pause.
    pub retry_max: Duration,
    /// So many tries of one step in a row; then the pipeline ends with the reason. (A store that is full or locked waits
    /// for its user and is tried for ever.)
    pub retries_max: u32,
    /// Time between two progress events.
    pub progress_every: Duration,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            first: 0,
            max_block: None,
            fail_on_unwind: false,
            pruned_below: None,
            retry_start: Duration::from_secs(1),
            retry_max: Duration::from_secs(10),
            retries_max: 5,
            progress_every: Duration::from_millis(100),
        }
    }
}
