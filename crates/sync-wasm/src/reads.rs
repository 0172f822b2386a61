//! Header look-ups for the page, beside everything else: each runs in its own task against the store.
//!
//! The store verifies what it reads; a header whose hash is not what the index or its neighbours say never gets here. In
//! a session that pins its target nothing but the target and its ancestors is served; in any other each header says whether
//! it is one. At most [`READS_MAX`] run at once; others wait their turn, up to [`READS_WAITING_MAX`], and what comes
//! beyond is refused.

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

/// Look-ups that run at once; each holds one segment, some 700 KB.
const READS_MAX: usize = 16;

/// Look-ups that wait: as many as a page may have open. Each costs some 100 bytes until its turn.
const READS_WAITING_MAX: usize = CALLS_MAX;

/// A look-up and the call that it answers.
type Read = (f64, LocalBoxFuture<'static, Result<(), HostError>>);

#[derive(Default)]
struct Queue {
    /// Look-ups since the start.
    begun: u64,
    running: usize,
    waiting: VecDeque<Read>,
}

/// Answers the page's look-ups.
#[derive(Clone)]
pub struct Reader<S> {
    store: S,
    port: Port,
    scope: Rc<TargetScope>,
    queue: Rc<RefCell<Queue>>,
    /// Hears of damage that a look-up finds.
    commands: Sender<Command>,
}

impl<S: BrowserStore> Reader<S> {
    /// A reader of `store` that answers through `port`, in a session with this target; damage that it finds is reported
    /// as a command.
    pub fn new(store: S, port: Port, target: SyncTarget, commands: Sender<Command>) -> Self {
        Self { store, port, scope: Rc::new(TargetScope::new(target)), queue: Rc::default(), commands }
    }

    /// The sync has found its target, or looks for another.
    pub fn resolve_target(&self, target: Option<BlockNumHash>) {
        self.scope.resolve(target);
    }

    /// What is stored now, beside the session's target.
    pub async fn view(&self) -> Result<StoreView, StoreFailure> {
        self.store.view(&self.scope).await
    }

    /// The hash that the page pinned.
    pub fn pin(&self) -> Option<B256> {
        self.scope.pin()
    }

    /// A look-up runs or waits.
    pub fn is_busy(&self) -> bool {
        self.queue.borrow().running > 0
    }

    /// Look-ups since the start: who compares two counts knows whether one came between.
    pub fn reads_begun(&self) -> u64 {
        self.queue.borrow().begun
    }

    /// Answers `getHeader`.
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

    /// Answers `getHeaders` with one piece.
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

    /// Does one look-up, then whatever waits.
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

    /// Notes damage, so that it is repaired.
    fn checked<T>(&self, at: BlockNumber, read: Result<T, StoreFailure>) -> Result<T, HostError> {
        if let Err(StoreFailure::Damaged(_)) = &read {
            // When the queue is full, or nobody writes here (a follower), the next look-up or audit finds it again.
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
