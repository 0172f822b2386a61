//! What an audit may use: memory, work in one step, signers and votes. `CLIQUE_SIGNERS_MAX` is in `header_rules::chain`.

/// Highest ethash epoch whose cache is built: 151 MB, half a thousand epochs above mainnet's last one (517, 85 MB).
/// Raising it lets a header's number alone ask for more memory (128 KiB an epoch).
pub const ETHASH_EPOCH_MAX: u32 = 1_023;

/// Caches of ethash in memory, finished or being built. An audit walks up and never needs an older one again; a second
/// would save a rebuild only to a reader that goes back over an epoch's border, for up to 151 MB.
pub const ETHASH_CACHES_MAX: usize = 1;

/// Work in one step of a seal audit, in hashes of about half a microsecond: some 10 ms natively, half a frame's time in
/// a worker. More means fewer steps and a longer wait for whoever else has something to do there.
pub const SEAL_STEP_WORK: u32 = 16_384;

/// Headers handed to a seal audit and not looked at yet: one segment of the store.
pub const SEAL_QUEUE_HEADERS_MAX: usize = 1_024;

/// Votes of a clique chain that wait for a majority. A header casts one and each epoch (30,000 headers) begins without
/// any, so only a chain with a longer epoch could have more. Raising it costs 60 bytes a vote.
pub const CLIQUE_VOTES_MAX: usize = 32_768;
