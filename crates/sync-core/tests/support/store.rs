//! A store in memory. What a checkpoint promises is checked with each write: it must be there, and have the hashes that
//! the checkpoint says.

use std::collections::BTreeMap;

use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::header::HeaderLink;
use sync_core::{Checkpoint, etl::HeaderBatch, fault::StoreFailure};

/// A store that holds every batch to its promises.
#[derive(Clone, Default)]
pub struct TestStore {
    pub rows: BTreeMap<u64, Bytes>,
    pub checkpoint: Option<Checkpoint>,
    pub batches: usize,
    pub failing: Option<StoreFailure>,
    pub delay_ms: u64,
    /// It misreported: its headers need no longer link.
    pub misreported: bool,
}

impl TestStore {
    pub(super) fn persist(&mut self, batch: &HeaderBatch) {
        let numbers = batch.range().first()..=batch.range().last();
        assert_eq!(batch.headers().len() as u64, batch.range().len());
        for (number, header) in numbers.zip(batch.headers()) {
            self.rows.insert(number, header.clone());
        }
        assert!(batch.hash_index().is_sorted());
        for entry in batch.hash_index() {
            assert_eq!(keccak256(&self.rows[&entry.number]), entry.hash);
        }
        self.batches += 1;
        self.checkpoint = Some(batch.checkpoint().clone());
        self.check();
    }

    pub(super) fn unwind(&mut self, to: u64, checkpoint: Checkpoint) {
        self.rows.retain(|number, _| *number <= to || checkpoint.covers(*number));
        self.checkpoint = Some(checkpoint);
        self.check();
    }

    /// Everything that the checkpoint speaks of is here, and its ends are what it says.
    fn check(&self) {
        let checkpoint = self.checkpoint.as_ref().expect("just written");
        if self.misreported {
            return;
        }
        assert!(checkpoint.is_sound(), "{checkpoint:?}");
        for run in &checkpoint.subchains {
            assert_eq!(self.rows.range(run.tail..=run.head).count() as u64, run.head - run.tail + 1, "{run:?}");
            assert_eq!(keccak256(&self.rows[&run.head]), run.head_hash);
            let lowest = HeaderLink::decode(&self.rows[&run.tail]).expect("a stored header decodes");
            assert_eq!(lowest.parent_hash, run.next);
        }
    }
}
