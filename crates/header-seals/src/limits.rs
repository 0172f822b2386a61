//! Limits of an audit: memory, work per step, signers and votes. `CLIQUE_SIGNERS_MAX` is in `header_rules::chain`.

/// Highest supported ethash epoch: a cache of 151 MB, five hundred epochs above mainnet's last one (517, 85 MB). With a
/// higher limit the number of a header alone could request more memory (128 KiB per epoch).
pub const ETHASH_EPOCH_MAX: u32 = 1_023;

/// Caches of ethash in memory, complete or being built. An audit reads in rising order and never needs an older cache;
/// a second cache would help only a reader that goes back across an epoch border, for up to 151 MB.
pub const ETHASH_CACHES_MAX: usize = 1;

/// Work in one step of a seal audit, in hashes of about half a microsecond: some 10 ms natively, half a frame in a
/// worker. More work means fewer steps, and a longer delay for other tasks of the thread.
pub const SEAL_STEP_WORK: u32 = 16_384;

/// Headers provided to an audit and not audited yet: one segment of the store.
pub const SEAL_QUEUE_HEADERS_MAX: usize = 1_024;

/// Open votes of a clique chain. A header casts one vote and each epoch (30,000 headers) starts without any, so only a
/// chain with a longer epoch could have more. Each costs 60 bytes.
pub const CLIQUE_VOTES_MAX: usize = 32_768;
