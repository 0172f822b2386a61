//! Limits of stages and of their collectors, and the configuration of a pipeline.

use core::time::Duration;

use header_rules::range::BlockNumber;

/// Most sorted runs of one ETL load. At the limit all runs are merged into one, which costs a pass over the spilled
/// data; a higher limit costs one read buffer per run during the merge.
pub const ETL_RUNS_MAX: usize = 64;

/// Bytes of one block of a spilled run, the unit of a merge's reads. Smaller buffers use smaller blocks, so that the
/// read buffers of [`ETL_RUNS_MAX`] runs together are no larger than the sort buffer.
pub const ETL_BLOCK_BYTES: usize = 16 * 1024;

/// Longest key with its value of one ETL entry, in bytes. A row of the hash index has 40; a longer length in a spilled
/// block is damage, and a higher maximum lets damage ask for more memory.
pub const ETL_ENTRY_BYTES_MAX: usize = 64 * 1024;

/// Longest data of a stage in its checkpoint, in bytes. Every step writes it; a higher limit makes each write longer.
pub const STAGE_DATA_BYTES_MAX: usize = 64 * 1024;

/// Headers that a stage reads at once: one segment of the store, which is the most that one read returns.
pub const STAGE_READ_HEADERS_MAX: u64 = 1_024;

/// Most blocks whose hashes are sorted at once for the hash index. With more, the rows of an empty index are written in
/// rising order; this costs spilled bytes (50 a block), not memory.
pub const HASH_INDEX_RANGE_MAX: u64 = 2_000_000;

/// Most rows in one transaction of the hash index.
pub const HASH_INDEX_ROWS_PER_COMMIT: usize = 8_192;

/// Rows in the first transactions of the hash index, before a measurement ([`StepSize`](crate::pipeline::StepSize)).
pub const HASH_INDEX_ROWS_START: usize = 1_024;

/// Most memory for the rows of one transaction of the hash index, in bytes: 88 bytes per row, natively.
pub const HASH_INDEX_COMMIT_BYTES_MAX: u64 = 1024 * 1024;

/// Configuration of a [`Pipeline`](crate::pipeline::Pipeline).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Lowest block of every stage: the floor of the sync. Fixed for the life of the store.
    pub first: BlockNumber,
    /// The pipeline ends when every stage has reached this block; `None`: it follows the target without end.
    pub max_block: Option<BlockNumber>,
    /// An unwind is an error, for a host that does not want its data removed.
    pub fail_on_unwind: bool,
    /// Below this block a stage has pruned the data that an unwind needs; an unwind below it is refused.
    pub pruned_below: Option<BlockNumber>,
    /// First pause before a stage or a write is retried; doubles each time.
    pub retry_start: Duration,
    /// Longest pause before a retry.
    pub retry_max: Duration,
    /// Most retries of one step in a row; then the pipeline ends with the error. (A full or locked store waits for the
    /// user, so its writes are retried without a limit.)
    pub retries_max: u32,
    /// Shortest time between two progress events.
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
