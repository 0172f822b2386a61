//! The in-memory store passes the contract tests.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use header_rules::range::BlockNumber;
use header_store::{
    MemoryStore,
    contract::{self, StoreFactory},
};

struct InMemory;

impl StoreFactory for InMemory {
    type Store = MemoryStore;

    async fn create(&mut self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn reopen(&mut self, store: MemoryStore) -> MemoryStore {
        store
    }

    async fn corrupt(&mut self, store: &mut MemoryStore, number: BlockNumber) {
        store.corrupt(number);
    }

    async fn garble_checkpoint(&mut self, store: &mut MemoryStore, bytes: &[u8]) {
        store.garble_checkpoint(bytes);
    }

    async fn set_full(&mut self, store: &mut MemoryStore, full: bool) -> bool {
        store.set_full(full);
        true
    }
}

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory has nothing to wait for"),
    }
}

macro_rules! case {
    ($name:ident) => {
        #[test]
        fn $name() {
            ready(contract::$name(&mut InMemory));
        }
    };
}

header_store::store_contract_cases!(case);
