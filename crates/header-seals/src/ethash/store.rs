//! The current cache, complete or being built: at most [`ETHASH_CACHES_MAX`](crate::limits::ETHASH_CACHES_MAX), so that
//! the memory is that of one.
//!
//! A reader in rising order needs the cache of each header's epoch. At the border of an epoch the old cache is freed
//! before the new one is reserved.

use super::{
    cache::{Cache, CacheBuilder, NoMemory},
    epoch::{Epoch, ITEM_BYTES},
};
use crate::limits::ETHASH_CACHES_MAX;

/// Holds one cache.
#[derive(Clone, Debug, Default)]
pub struct CacheStore {
    held: Option<Held>,
}

#[derive(Clone, Debug)]
enum Held {
    Building(CacheBuilder),
    Ready(Cache),
}

// The store has one slot; a higher limit would need more slots.
const _: () = assert!(ETHASH_CACHES_MAX == 1);

impl CacheStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cache of `epoch`, if it is complete.
    pub fn get(&self, epoch: Epoch) -> Option<&Cache> {
        match &self.held {
            Some(Held::Ready(cache)) if cache.epoch() == epoch => Some(cache),
            _ => None,
        }
    }

    /// Continues the cache of `epoch` by at most `hashes` hashes, and returns the number of hashes. Frees the cache of
    /// another epoch first.
    pub fn build(&mut self, epoch: Epoch, hashes: u32) -> Result<u32, NoMemory> {
        let mut builder = match self.held.take() {
            Some(Held::Ready(cache)) if cache.epoch() == epoch => {
                self.held = Some(Held::Ready(cache));
                return Ok(0);
            }
            Some(Held::Building(builder)) if builder.epoch() == epoch => builder,
            other => {
                drop(other);
                CacheBuilder::new(epoch)?
            }
        };
        let before = builder.progress().done;
        let done = builder.step(hashes).done - before;
        self.held = Some(builder.finish().map_or_else(Held::Building, Held::Ready));
        // At most the requested number, which fits.
        Ok(done as u32)
    }

    /// Frees the memory.
    pub fn clear(&mut self) {
        self.held = None;
    }

    /// Bytes of the cache, complete or not.
    pub fn bytes(&self) -> u64 {
        match &self.held {
            None => 0,
            Some(Held::Building(builder)) => builder.progress().total / 4 * ITEM_BYTES,
            Some(Held::Ready(cache)) => cache.bytes(),
        }
    }
}
