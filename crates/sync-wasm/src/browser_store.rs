//! What the host needs of a store, whatever the browser keeps it in, and what the page is told of what is stored.
//!
//! ```text
//!   header_store::HeaderStore     headers: written, read, audited               the contract suite
//!     SyncStore                   lost and opened again, place of the audit     the queue in front of it
//!       BrowserStore              one writer, look-ups of the page, peers       driver, reader, worker
//! ```
//!
//! The worker names one implementation; everything else takes the trait. A store verifies what it reads, because other
//! programs can write to the browser's disk.

use std::cell::Cell;

use alloy_primitives::B256;
use bytes::Bytes;
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{BlockNumHash, Checkpoint, SyncTarget, fault::StoreFailure};

use crate::store_queue::SyncStore;

/// A store of the browser's host. Clones are handles of the same store, so that look-ups run beside the writes.
#[allow(async_fn_in_trait, reason = "used through generics only, never as an object")]
pub trait BrowserStore: SyncStore {
    /// What its one writer holds, over all tabs of the origin.
    type Lock;

    /// From now on this store writes. What was read before belonged to another writer: it is opened next.
    fn grant(&mut self, lock: Self::Lock);

    /// Releases the lock, although clones of this store exist; from now on they only read.
    fn release(&mut self);

    /// The checkpoint, as it is stored now, by whichever tab. `None` for an empty store, and for what does not decode.
    async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreFailure>;

    /// What is stored now.
    async fn view(&self, scope: &TargetScope) -> Result<StoreView, StoreFailure>;

    /// The stored header with this number.
    async fn stored_by_number(&self, number: BlockNumber, scope: &TargetScope) -> Result<Option<Piece>, StoreFailure>;

    /// The stored header with this hash.
    async fn stored_by_hash(&self, hash: B256, scope: &TargetScope) -> Result<Option<Piece>, StoreFailure>;

    /// Stored headers of the range, rising, from its first stored number on: at most one segment's worth, of one stored
    /// run, all under the target or none. `None` when nothing of the range is stored.
    async fn stored_in(&self, range: BlockRange, scope: &TargetScope) -> Result<Option<Piece>, StoreFailure>;

    /// What [`write_peers`](Self::write_peers) wrote last; `None` if nothing.
    async fn read_peers(&self) -> Result<Option<Vec<u8>>, StoreFailure>;

    /// Replaces what is known of peers. Only the writer may. Losing it costs little, so it need not be durable.
    async fn write_peers(&self, bytes: &[u8]) -> Result<(), StoreFailure>;
}

/// What a session may call verified: its target, as far as it is known. Remembers what was once read of it.
#[derive(Debug, Default)]
pub struct TargetScope {
    /// The hash that the page pinned. Then nothing else is served than this header and its ancestors.
    pin: Option<B256>,
    /// The target that the sync has resolved, where none is pinned.
    resolved: Cell<Option<BlockNumHash>>,
    /// Number of the pinned header, once it was found.
    pin_number: Cell<Option<BlockNumber>>,
    /// Head of a stored run and a target that was found in it: the head's hash commits to all headers below.
    met: Cell<Option<(B256, B256)>>,
}

impl TargetScope {
    /// The scope of a session with this target.
    pub fn new(target: SyncTarget) -> Self {
        let pin = match target {
            SyncTarget::Hash(hash) => Some(hash),
            SyncTarget::PeersTip | SyncTarget::Number(_) => None,
        };
        Self { pin, ..Self::default() }
    }

    /// The pinned hash.
    pub fn pin(&self) -> Option<B256> {
        self.pin
    }

    /// The sync found its target, or looks for another. A pinned one is not replaced.
    pub fn resolve(&self, target: Option<BlockNumHash>) {
        self.resolved.set(target);
        if let Some(target) = target.filter(|target| Some(target.hash) == self.pin) {
            self.pin_number.set(Some(target.number));
        }
    }

    /// The store found the pinned header under this number.
    pub fn pin_found(&self, number: BlockNumber) {
        self.pin_number.set(Some(number));
    }

    /// This target was read in the run with this head once ([`note_met`](Self::note_met)).
    pub fn has_met(&self, head: B256, target: B256) -> bool {
        self.met.get() == Some((head, target))
    }

    /// This target was read, or is the head itself, in the run with this head.
    pub fn note_met(&self, head: B256, target: B256) {
        self.met.set(Some((head, target)));
    }

    /// The target, if its number is known.
    pub fn target(&self) -> Option<BlockNumHash> {
        match self.pin {
            Some(hash) => self.pin_number.get().map(|number| BlockNumHash { number, hash }),
            None => self.resolved.get(),
        }
    }
}

/// One or more consecutive stored headers, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Number and RLP of each.
    pub headers: Vec<(BlockNumber, Bytes)>,
    /// They are the session's target, or ancestors of it.
    pub under_target: bool,
}

/// What is stored, as a session sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreView {
    /// The stored checkpoint; `None` for an empty store.
    pub checkpoint: Option<Checkpoint>,
    /// The target, if its number is known.
    pub target: Option<BlockNumHash>,
    /// Stored numbers from the target down, if the target is stored.
    pub under_target: Option<BlockRange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: BlockNumber) -> BlockNumHash {
        BlockNumHash { number, hash: B256::with_last_byte(number as u8) }
    }

    #[test]
    fn a_pin_is_the_target_once_its_number_is_known_and_stays_it() {
        let scope = TargetScope::new(SyncTarget::Hash(block(7).hash));
        assert_eq!((scope.pin(), scope.target()), (Some(block(7).hash), None));
        scope.resolve(Some(block(9)));
        assert_eq!(scope.target(), None, "another block than the pinned one");
        scope.resolve(Some(block(7)));
        scope.resolve(None);
        assert_eq!(scope.target(), Some(block(7)));
    }

    #[test]
    fn without_a_pin_the_target_is_what_the_sync_resolved_last() {
        for target in [SyncTarget::PeersTip, SyncTarget::Number(7)] {
            let scope = TargetScope::new(target);
            assert_eq!((scope.pin(), scope.target()), (None, None));
            scope.resolve(Some(block(7)));
            assert_eq!(scope.target(), Some(block(7)));
            scope.resolve(None);
            assert_eq!(scope.target(), None);
        }
    }
}
