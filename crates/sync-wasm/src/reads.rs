//! Header look-ups for the page: each runs in its own task against the store, independent of the sync.
//!
//! The store verifies every header that it reads: a header whose hash does not match the index or its neighbours is
//! never returned. A session with a pinned target serves only the target and its ancestors; in any other session each
//! header is marked as one of these or not. At most [`READS_MAX`] look-ups run at once; up to [`READS_WAITING_MAX`]
//! wait; more are refused.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use alloy_primitives::{B256, keccak256};
use futures::{FutureExt, future::LocalBoxFuture};
use header_rules::range::{BlockNumber, BlockRange};
use sync_core::{BlockNumHash, SyncTarget, fault::StoreFailure};
use wasm_bindgen_futures::spawn_local;

use crate::{
    browser_store::{BrowserStore, Piece, StoreView, TargetScope},
    command::Command,
    error::HostError,
    mailbox::{CALLS_MAX, Sender},
    message::{HeaderKey, PackedHeaders, StoredHeader},
    port::Port,
};

/// Look-ups that run at once. Each holds one segment, some 700 KB.
const READS_MAX: usize = 16;

/// Queued look-ups: as many as a page may have outstanding. Each takes some 100 bytes in the queue.
const READS_WAITING_MAX: usize = CALLS_MAX;

/// The id of a call, and its look-up.
type Read = (f64, LocalBoxFuture<'static, Result<(), HostError>>);

#[derive(Default)]
struct Queue {
    /// Number of look-ups since the start.
    begun: u64,
    running: usize,
    waiting: VecDeque<Read>,
}

/// Serves the page's look-ups.
#[derive(Clone)]
pub struct Reader<S> {
    store: S,
    port: Port,
    scope: Rc<TargetScope>,
    queue: Rc<RefCell<Queue>>,
    /// Receives reports of damage that a look-up finds.
    commands: Sender<Command>,
}

impl<S: BrowserStore> Reader<S> {
    /// A reader of `store` that replies through `port`, in a session with this target. Damage is reported as a command.
    pub fn new(store: S, port: Port, target: SyncTarget, commands: Sender<Command>) -> Self {
        Self { store, port, scope: Rc::new(TargetScope::new(target)), queue: Rc::default(), commands }
    }

    /// Sets the target of the sync; `None` while the sync resolves another.
    pub fn resolve_target(&self, target: Option<BlockNumHash>) {
        self.scope.resolve(target);
    }

    /// The state of the store, relative to the session's target.
    pub async fn view(&self) -> Result<StoreView, StoreFailure> {
        self.store.view(&self.scope).await
    }

    /// The hash that the page pinned.
    pub fn pin(&self) -> Option<B256> {
        self.scope.pin()
    }

    /// Whether a look-up runs or waits.
    pub fn is_busy(&self) -> bool {
        self.queue.borrow().running > 0
    }

    /// Number of look-ups since the start. Two equal counts mean that no look-up began in between.
    pub fn reads_begun(&self) -> u64 {
        self.queue.borrow().begun
    }

    /// Replies to `getHeader`.
    pub fn header(&self, id: f64, key: HeaderKey) {
        self.spawn(id, move |reader| async move {
            let found = match key {
                HeaderKey::Number(number) => {
                    reader.checked(number, reader.store.stored_by_number(number, &reader.scope).await)?
                }
                HeaderKey::Hash(hash) => {
                    reader.checked(BlockNumber::MAX, reader.store.stored_by_hash(hash, &reader.scope).await)?
                }
            };
            let found =
                found.and_then(|Piece { headers, under_target }| Some((headers.into_iter().next()?, under_target)));
            let header = found.map(|((number, rlp), verified_under_target)| StoredHeader {
                number,
                hash: keccak256(&rlp),
                rlp,
                verified_under_target,
            });
            reader.port.reply_header(id, header);
            Ok(())
        });
    }

    /// Replies to `getHeaders` with one piece.
    pub fn headers(&self, id: f64, from: BlockNumber, to: BlockNumber) {
        self.spawn(id, move |reader| async move {
            let piece = match BlockRange::new(from, to) {
                Some(range) => reader.checked(from, reader.store.stored_in(range, &reader.scope).await)?,
                None => None,
            };
            reader.port.reply_headers(id, piece.and_then(packed));
            Ok(())
        });
    }

    fn spawn<F>(&self, id: f64, read: impl FnOnce(Self) -> F + 'static)
    where
        F: Future<Output = Result<(), HostError>> + 'static,
    {
        let read: Read = (id, read(self.clone()).boxed_local());
        let mut queue = self.queue.borrow_mut();
        queue.begun += 1;
        if queue.running < READS_MAX {
            queue.running += 1;
            spawn_local(self.clone().run(read));
        } else if queue.waiting.len() < READS_WAITING_MAX {
            queue.waiting.push_back(read);
        } else {
            self.port.reply_error(id, &HostError::Busy { limit: READS_MAX + READS_WAITING_MAX });
        }
    }

    /// Runs one look-up, then the queued ones.
    async fn run(self, first: Read) {
        let mut next = Some(first);
        while let Some((id, read)) = next {
            if let Err(error) = read.await {
                self.port.reply_error(id, &error);
            }
            let mut queue = self.queue.borrow_mut();
            next = queue.waiting.pop_front();
            if next.is_none() {
                queue.running -= 1;
            }
        }
    }

    /// Reports damage, so that it is repaired.
    fn checked<T>(&self, at: BlockNumber, read: Result<T, StoreFailure>) -> Result<T, HostError> {
        if let Err(StoreFailure::Damaged(_)) = &read {
            // Lost if the queue is full or this tab is a reader tab; then the next look-up or audit finds it again.
            let _ = self.commands.notify(Command::Damaged(at));
        }
        read.map_err(HostError::Store)
    }
}

fn packed(piece: Piece) -> Option<PackedHeaders> {
    let Piece { headers, under_target } = piece;
    let mut packed = PackedHeaders {
        first: headers.first()?.0,
        lengths: Vec::with_capacity(headers.len()),
        hashes: Vec::with_capacity(headers.len() * B256::len_bytes()),
        rlp: Vec::with_capacity(headers.iter().map(|(_, rlp)| rlp.len()).sum()),
        verified_under_target: under_target,
    };
    for (_, rlp) in &headers {
        // A header is at most header_wire's HEADER_BYTES_MAX long.
        packed.lengths.push(rlp.len() as u32);
        packed.hashes.extend_from_slice(keccak256(rlp).as_slice());
        packed.rlp.extend_from_slice(rlp);
    }
    Some(packed)
}
