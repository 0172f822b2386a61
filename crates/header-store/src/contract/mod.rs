//! The contract tests that every store passes: one function per case, and
//! [`store_contract_cases!`](crate::store_contract_cases) to make a test of each.
//!
//! ```text
//! macro_rules! case {
//!     ($name:ident) => {
//!         #[wasm_bindgen_test]
//!         async fn $name() {
//!             header_store::contract::$name(&mut MyFactory::new()).await;
//!         }
//!     };
//! }
//! header_store::store_contract_cases!(case);
//! ```
//!
//! A case panics if the store breaks its contract. Each case makes its own small chains.

mod chain;
mod damage;
mod plain;

use alloc::vec::Vec;
use bytes::Bytes;

use crate::HeaderStore;
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::checkpoint::Checkpoint;

pub use chain::TestChain;
pub use damage::*;
pub use header_rules::header::encode;
pub use plain::*;

/// Creates stores for the tests, and damages them.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait StoreFactory {
    /// The store under test.
    type Store: HeaderStore;

    /// A new, empty store.
    async fn create(&mut self) -> Self::Store;

    /// Closes a store and opens another on the same data, like a reload of the page.
    async fn reopen(&mut self, store: Self::Store) -> Self::Store;

    /// Damages the stored header with this number behind the store's back, together with its record. The other records
    /// stay.
    async fn corrupt(&mut self, store: &mut Self::Store, number: BlockNumber);

    /// Replaces the stored checkpoint by these bytes.
    async fn garble_checkpoint(&mut self, store: &mut Self::Store, bytes: &[u8]);

    /// Makes every write fail with [`StoreFailure::Full`](sync_core::fault::StoreFailure::Full) from now on, or stops
    /// doing so. `false`: this store cannot do it, and the case is skipped.
    async fn set_full(&mut self, store: &mut Self::Store, full: bool) -> bool {
        let _ = (store, full);
        false
    }
}

/// Calls a macro with the name of each case.
#[macro_export]
macro_rules! store_contract_cases {
    ($case:ident) => {
        $case!(opens_empty);
        $case!(stores_and_reads);
        $case!(survives_reopening);
        $case!(takes_falling_batches);
        $case!(takes_batches_that_share_a_segment);
        $case!(keeps_gaps);
        $case!(unwinds_within_a_segment);
        $case!(unwinds_under_a_newer_run);
        $case!(looks_up_what_is_there);
        $case!(rewrites_a_range);
        $case!(clears);
        $case!(changes_nothing_when_full);
        $case!(starts_afresh_on_a_garbled_checkpoint);
        $case!(drops_a_damaged_head_at_opening);
        $case!(never_hands_out_a_damaged_header);
        $case!(audit_drops_what_is_damaged);
        $case!(fills_a_dropped_range_again);
    };
}

/// `first..=last`.
fn range(first: BlockNumber, last: BlockNumber) -> BlockRange {
    BlockRange::new(first, last).expect("a case names its ranges in order")
}

/// The checkpoint of an empty store of this chain.
fn nothing(chain: &TestChain) -> Checkpoint {
    Checkpoint::new(chain.spec().id(), 0)
}

/// Stores a range on top of `base`, in batches of `window`; returns the new checkpoint.
async fn fill<S: HeaderStore>(
    store: &mut S,
    chain: &TestChain,
    range: BlockRange,
    window: u64,
    base: &Checkpoint,
) -> Checkpoint {
    let mut checkpoint = base.clone();
    for batch in chain.batches(range, window, base) {
        store.persist(&batch).await.expect("a batch is stored");
        checkpoint = batch.checkpoint().clone();
    }
    checkpoint
}

/// Reads a range in several calls, each from the end of the previous result.
async fn read<S: HeaderStore>(store: &S, range: BlockRange) -> Vec<(BlockNumber, Bytes)> {
    let mut all: Vec<(BlockNumber, Bytes)> = Vec::new();
    let mut rest = Some(range);
    while let Some(open) = rest {
        let part = store.headers(open).await.expect("a range is read");
        let Some((last, _)) = part.last() else { break };
        assert!(part.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0), "an answer rises without a gap");
        assert!(part.iter().all(|(number, _)| open.contains(*number)), "an answer stays inside its range");
        rest = last.checked_add(1).and_then(|first| BlockRange::new(first, range.last()));
        all.extend(part);
    }
    all
}

/// Every header of the range is stored: by number, by hash, and in a range.
async fn assert_holds<S: HeaderStore>(store: &S, chain: &TestChain, range: BlockRange) {
    let all = read(store, range).await;
    assert_eq!(all.len() as u64, range.len(), "all of {range} is there");
    for ((got, rlp), number) in all.iter().zip(range.first()..) {
        assert_eq!((*got, rlp), (number, chain.header(number)), "in a row");
    }
    // Reading one header verifies its segment, so both ends and a few between are enough.
    let step = (range.len() / 5).max(1) as usize;
    for number in (range.first()..=range.last()).step_by(step).chain([range.last()]) {
        let rlp = chain.header(number).clone();
        let by_number = store.header_by_number(number).await.expect("a header is read");
        assert_eq!(by_number.as_ref(), Some(&rlp), "{number} by number");
        let by_hash = store.header_by_hash(chain.hash(number)).await.expect("a header is read");
        assert_eq!(by_hash, Some((number, rlp)), "{number} by hash");
    }
}

/// No header of the range is stored.
async fn assert_lacks<S: HeaderStore>(store: &S, chain: &TestChain, range: BlockRange) {
    let step = (range.len() / 5).max(1) as usize;
    for number in (range.first()..=range.last()).step_by(step).chain([range.last()]) {
        assert_eq!(store.header_by_number(number).await, Ok(None), "{number} by number");
        assert_eq!(store.header_by_hash(chain.hash(number)).await, Ok(None), "{number} by hash");
    }
}
