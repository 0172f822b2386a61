//! Index from hash to number: sorted rows in buckets, never whole in memory.
//!
//! A row holds entries of 14 bytes, eight of the hash and six of the number, sorted. Its key is `(level, bucket,
//! sequence)` in one number. The bucket is the top bits of the hash, two at level 0 and four more at each level below:
//!
//! ```text
//! level   buckets   entries a row   rows a bucket      puts for a batch of 8,192 headers
//! 0             4           2,048   at most ~24        4, with each batch
//! 1            64           2,048   at most ~24        4 on average, merged from level 0
//! 2         1,024           2,048   at most ~24        4 on average, from level 1
//! 3        16,384           2,048   headers / 33 M     4 on average, from level 2
//! ```
//!
//! The cost is per put (65 to 150 us), not per byte, so a batch writes few rows. The bytes that a look-up reads must
//! not grow with the chain (some 0.7 MB), so rows are merged as they accumulate. Each bucket of level 0 has its turn
//! once in sixteen batches: its rows are merged and, when they are many entries, move one level down, split by four
//! more bits. This keeps the cost of every batch equal, and the memory at one bucket's rows (about 1 MB). (With 32
//! narrow buckets at level 0, best for look-ups: 5 to 6 ms a batch for the index in place of 1, a fifth of the whole
//! write.) A row of 2,048 entries is 28 KB: over 64 KB the browser would make a file of each.
//!
//! An entry is a hint, never evidence: the look-up hashes the header that the hint names. So a stale entry (its header
//! was unwound or replaced) is harmless; the next merge removes it. A damaged row is removed too, and requests a
//! rebuild ([`IndexState::rebuild`]) that the background audit does segment by segment. An attacker may grind headers
//! whose hashes share eight bytes (2^32 work for a pair, each valid in its chain): the look-up then reads each of them,
//! at most [`CANDIDATES_MAX`].

mod row;

use alloy_primitives::B256;
use header_rules::range::BlockNumber;
use indexed_db_futures::KeyRange;
use sync_core::{etl::HashEntry, fault::StoreFailure};

use self::row::Entry;
use super::{
    rows::{META_INDEX, Table, bytes_of, to_js},
    transaction::Tx,
};

pub(super) use self::row::NUMBER_MAX;

/// Number of levels; see the module's table.
const LEVELS: u32 = 4;
/// Bits of the hash that select a bucket of level 0.
const BUCKET_BITS: u32 = 2;
/// Additional bits at each level below.
const SPLIT_BITS: u32 = 4;
/// Most rows that one merge reads; rows above wait for the next turn.
const MERGE_ROWS_MAX: u32 = 32;
/// Most rows of one bucket that a look-up reads. Level 3 reaches it at 2 billion headers.
const LOOKUP_ROWS_MAX: u32 = 64;
/// Most numbers that one look-up returns.
const CANDIDATES_MAX: usize = 16;

/// Bits of the sequence in a row's key, then bits of the bucket; three more are for the level.
const SEQUENCE_BITS: u32 = 35;
const KEY_BUCKET_BITS: u32 = 15;

const _: () = assert!(BUCKET_BITS + SPLIT_BITS * (LEVELS - 1) < KEY_BUCKET_BITS, "a bucket fits its place in the key");
const _: () = assert!(3 + KEY_BUCKET_BITS + SEQUENCE_BITS == f64::MANTISSA_DIGITS, "a key is exact in JavaScript");

/// When rows are merged and split. [`IndexShape::SHIPPED`] is the one of the module's table; tests use smaller ones, to
/// reach every level with few headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexShape {
    /// A bucket of level 0 has its turn once in this many batches, a multiple of four; a bucket of another level is
    /// merged at this many rows. A turn with less than half as many rows is skipped: batches of one header, at the head
    /// of the chain, must not rewrite a row each time.
    pub merge_rows: u32,
    /// Merged entries move one level down from this count on; fewer stay one row in place.
    pub split_entries: usize,
}

impl IndexShape {
    /// Full batches bring 32,768 entries to a turn. A row that stays in place is under the 64 KB from which a record is
    /// a file of its own.
    pub const SHIPPED: Self = Self { merge_rows: 16, split_entries: 4096 };

    /// The bucket of level 0 that is merged with this batch; turns are spread evenly.
    fn whose_turn(self, sequence: u64) -> Option<u32> {
        let pause = u64::from(self.merge_rows >> BUCKET_BITS).max(1);
        sequence.is_multiple_of(pause).then_some((sequence / pause % (1 << BUCKET_BITS)) as u32)
    }
}

/// State of the index from one batch to the next; a row of the meta table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IndexState {
    /// Rises with each batch.
    pub(super) sequence: u64,
    /// Rows are missing; the background audit writes them again.
    pub(super) rebuild: bool,
}

impl IndexState {
    /// Nine bytes: the sequence, big-endian, then the flag.
    pub(super) fn encode(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        bytes[..8].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[8] = u8::from(self.rebuild);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (sequence, [rebuild @ (0 | 1)]) = bytes.split_first_chunk::<8>()? else { return None };
        let sequence = u64::from_be_bytes(*sequence);
        (sequence >> SEQUENCE_BITS == 0).then_some(Self { sequence, rebuild: *rebuild == 1 })
    }

    /// Reads the state. `None` when it is damaged.
    pub(super) async fn load(tx: &Tx<'_>) -> Result<Option<Self>, StoreFailure> {
        Ok(match tx.get(Table::Meta, META_INDEX).await? {
            None => Some(Self::default()),
            Some(value) => bytes_of(value).as_deref().and_then(Self::decode),
        })
    }

    /// Writes the state.
    pub(super) async fn save(self, tx: &Tx<'_>) -> Result<(), StoreFailure> {
        tx.put(Table::Meta, META_INDEX, to_js(&self.encode())).await
    }
}

/// Result of a look-up.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Numbers whose header may have the hash; no number twice, at most [`CANDIDATES_MAX`].
    pub(super) numbers: Vec<BlockNumber>,
    /// A row of the bucket was damaged: a hash that is not found may still be stored.
    pub(super) damaged: bool,
}

/// Writes the rows of one batch, and merges older rows whose turn it is. `entries` are sorted by hash; `stored` tells
/// whether a number is in the store after this batch. Returns the state that the caller must save.
pub(super) async fn append(
    tx: &Tx<'_>,
    shape: IndexShape,
    state: Option<IndexState>,
    entries: &[HashEntry],
    stored: impl Fn(BlockNumber) -> bool,
) -> Result<IndexState, StoreFailure> {
    let mut state = match state {
        Some(state) => state,
        None => {
            // Without the sequence no key is known to be free: start over, and let the audit fill the index.
            tx.clear(Table::Index).await?;
            IndexState { sequence: 0, rebuild: true }
        }
    };
    if let Some(bucket) = shape.whose_turn(state.sequence) {
        state.rebuild |= merge(tx, shape, bucket, state.sequence, &stored).await?;
    }
    for entries in
        entries.chunk_by(|a, b| bucket_of(0, row::fingerprint(a.hash)) == bucket_of(0, row::fingerprint(b.hash)))
    {
        let bucket = bucket_of(0, row::fingerprint(entries[0].hash));
        let row = row::encode(entries.iter().map(Entry::of));
        tx.put(Table::Index, key(0, bucket, state.sequence), to_js(&row)).await?;
    }
    state.sequence = (state.sequence + 1) % (1 << SEQUENCE_BITS);
    Ok(state)
}

/// Numbers whose header may have this hash.
pub(super) async fn candidates(tx: &Tx<'_>, hash: B256) -> Result<Candidates, StoreFailure> {
    let wanted = row::fingerprint(hash);
    let mut candidates = Candidates::default();
    for level in 0..LEVELS {
        let bucket = bucket_of(level, wanted);
        for value in tx.get_all(Table::Index, keys_of(level, bucket, bucket), LOOKUP_ROWS_MAX).await? {
            let found = |number| {
                if candidates.numbers.len() < CANDIDATES_MAX && !candidates.numbers.contains(&number) {
                    candidates.numbers.push(number);
                }
            };
            candidates.damaged |= bytes_of(value).and_then(|row| row::find(&row, wanted, found)).is_none();
        }
    }
    Ok(candidates)
}

/// Merges the rows of one bucket of level 0, and of those below that become full. Returns whether a row was damaged.
async fn merge(
    tx: &Tx<'_>,
    shape: IndexShape,
    bucket: u32,
    sequence: u64,
    stored: &impl Fn(BlockNumber) -> bool,
) -> Result<bool, StoreFailure> {
    let mut damaged = false;
    // Depth first; at most the children of one bucket per level wait here.
    let mut due = vec![(0, bucket)];
    while let Some((level, bucket)) = due.pop() {
        let keys = tx.keys(Table::Index, keys_of(level, bucket, bucket), MERGE_ROWS_MAX).await?;
        let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else { continue };
        if keys.len() < shape.merge_rows as usize / 2 {
            continue;
        }
        let rows = KeyRange::Bound(first, false, last, false);
        let mut entries = Vec::new();
        for value in tx.get_all(Table::Index, rows, MERGE_ROWS_MAX).await? {
            let row = bytes_of(value);
            match row.as_deref().and_then(row::entries) {
                Some(of_row) => entries.extend(of_row),
                None => damaged = true,
            }
        }
        entries.retain(|entry| stored(entry.number));
        // `change` uses the same sort; a stable one adds 2 KB of wasm (gzip).
        entries.sort_unstable();
        entries.dedup();
        tx.delete(Table::Index, KeyRange::Bound(first, false, last, false)).await?;

        if entries.len() < shape.split_entries {
            if !entries.is_empty() {
                tx.put(Table::Index, first, to_js(&row::encode(entries.iter().copied()))).await?;
            }
            continue;
        }
        let below = level + 1;
        for entries in entries.chunk_by(|a, b| bucket_of(below, a.fingerprint) == bucket_of(below, b.fingerprint)) {
            let child = bucket_of(below, entries[0].fingerprint);
            let row = row::encode(entries.iter().copied());
            tx.put(Table::Index, key(below, child, sequence), to_js(&row)).await?;
        }
        if below + 1 < LEVELS {
            due.extend(full_children(tx, shape, below, bucket).await?.map(|child| (below, child)));
        }
    }
    Ok(damaged)
}

/// The buckets of `level` below `parent` with enough rows for a merge.
async fn full_children(
    tx: &Tx<'_>,
    shape: IndexShape,
    level: u32,
    parent: u32,
) -> Result<impl Iterator<Item = u32>, StoreFailure> {
    let first = parent << SPLIT_BITS;
    let last = first + (1 << SPLIT_BITS) - 1;
    let keys = tx.keys(Table::Index, keys_of(level, first, last), MERGE_ROWS_MAX << SPLIT_BITS).await?;
    Ok((first..=last).filter(move |&child| {
        let (low, high) = (key(level, child, 0), key(level, child + 1, 0));
        keys.iter().filter(|&&key| low <= key && key < high).count() >= shape.merge_rows as usize
    }))
}

/// Bucket number: the top bits of the hash.
fn bucket_of(level: u32, fingerprint: u64) -> u32 {
    (fingerprint >> (u64::BITS - BUCKET_BITS - SPLIT_BITS * level)) as u32
}

/// Key of a row.
fn key(level: u32, bucket: u32, sequence: u64) -> f64 {
    let place = u64::from(level) << KEY_BUCKET_BITS | u64::from(bucket);
    (place << SEQUENCE_BITS | sequence) as f64
}

/// Keys of all rows of the buckets `first..=last`.
fn keys_of(level: u32, first: u32, last: u32) -> KeyRange<f64> {
    KeyRange::Bound(key(level, first, 0), false, key(level, last + 1, 0), true)
}
