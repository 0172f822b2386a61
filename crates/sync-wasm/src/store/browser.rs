//! The store trait of the host: each method calls the one of the same name.

use alloy_primitives::B256;
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{Checkpoint, fault::StoreFailure};

use super::{IdbStore, WriteLock};
use crate::browser_store::{BrowserStore, Piece, StoreView, TargetScope};

// No `async fn`: the futures are passed on unchanged.
impl BrowserStore for IdbStore {
    type Lock = WriteLock;

    fn grant(&mut self, lock: WriteLock) {
        Self::grant(self, lock);
    }

    fn release(&mut self) {
        Self::release(self);
    }

    fn checkpoint(&self) -> impl Future<Output = Result<Option<Checkpoint>, StoreFailure>> {
        Self::checkpoint(self)
    }

    fn view(&self, scope: &TargetScope) -> impl Future<Output = Result<StoreView, StoreFailure>> {
        Self::view(self, scope)
    }

    fn stored_by_number(
        &self,
        number: BlockNumber,
        scope: &TargetScope,
    ) -> impl Future<Output = Result<Option<Piece>, StoreFailure>> {
        Self::stored_by_number(self, number, scope)
    }

    fn stored_by_hash(
        &self,
        hash: B256,
        scope: &TargetScope,
    ) -> impl Future<Output = Result<Option<Piece>, StoreFailure>> {
        Self::stored_by_hash(self, hash, scope)
    }

    fn stored_in(
        &self,
        range: BlockRange,
        scope: &TargetScope,
    ) -> impl Future<Output = Result<Option<Piece>, StoreFailure>> {
        Self::stored_in(self, range, scope)
    }

    fn read_peers(&self) -> impl Future<Output = Result<Option<Vec<u8>>, StoreFailure>> {
        Self::read_peers(self)
    }

    fn write_peers(&self, bytes: &[u8]) -> impl Future<Output = Result<(), StoreFailure>> {
        Self::write_peers(self, bytes)
    }
}
