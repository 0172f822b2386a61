//! What is known of peers, kept for the next session: when it is written, and what becomes of it.
//!
//! It is written [`BAN_PAUSE`] after a ban at the latest, every [`PAUSE`] while anything changes, and at the end; one
//! write at a time, in a task and a table of its own, so that no header waits for it. A write that fails is reported and
//! comes again with the next change; the sync goes on. What cannot be read is reported, and replaced.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, channel::oneshot};
use sync_core::{PeerBook, fault::StoreFailure, time::Instant};
use wasm_bindgen_futures::spawn_local;

use super::Driver;
use crate::{browser_store::BrowserStore, clock, error::HostError, network::kept::KeptPeers};

/// Between two writes. What is lost with a tab that is closed without `stop` is what happened in this time.
const PAUSE: Duration = Duration::from_secs(60);

/// Between two writes when somebody was banned: a storm of bans costs one write a second, and each ban outlives the tab.
const BAN_PAUSE: Duration = Duration::from_secs(1);

/// Writes, seldom.
pub struct Keeper<S> {
    store: S,
    /// When a write was begun last, or the session.
    last: Instant,
    due: Option<Instant>,
    writing: Option<oneshot::Receiver<Result<(), StoreFailure>>>,
    /// What an earlier session knew, until there is a machine to take it in, and when it was read.
    restored: Option<(Instant, PeerBook)>,
}

impl<S: BrowserStore> Keeper<S> {
    /// One that has nothing to write yet.
    pub fn new(store: S, now: Instant) -> Self {
        Self { store, last: now, due: None, writing: None, restored: None }
    }

    /// Something changed.
    pub fn changed(&mut self) {
        self.due.get_or_insert(self.last + PAUSE);
    }

    /// Something changed that the next session must know: somebody was banned, or what is stored is damaged.
    pub fn changed_now(&mut self) {
        let soon = self.last + BAN_PAUSE;
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    /// When the next write is to begin.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.writing.is_none())
    }

    /// The outcome of the write that is under way.
    pub fn poll_kept(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StoreFailure>> {
        let Some(writing) = &mut self.writing else { return Poll::Pending };
        let Poll::Ready(outcome) = Pin::new(writing).poll_unpin(context) else { return Poll::Pending };
        self.writing = None;
        // A write's task always ends with an outcome.
        Poll::Ready(outcome.unwrap_or(Ok(())))
    }

    /// The store is being emptied, and this with it; what is being written goes the same way.
    pub fn forget(&mut self) {
        self.due = None;
        self.restored = None;
        self.writing = None;
    }

    /// The connection of the store is lost. What the machine knew is for the next one, and is written again.
    pub fn store_lost(&mut self, now: Instant, book: Option<PeerBook>) {
        self.writing = None;
        self.due = None;
        if let Some(book) = book {
            self.restored = Some((now, book));
        }
    }

    fn write(&mut self, now: Instant, bytes: Vec<u8>) {
        self.due = None;
        self.last = now;
        let (end, writing) = oneshot::channel();
        let store = self.store.clone();
        spawn_local(async move {
            let outcome = store.write_peers(&bytes).await;
            // The driver may have ended.
            let _ = end.send(outcome);
        });
        self.writing = Some(writing);
    }
}

/// Reads what an earlier session kept. A failure costs this alone.
pub async fn read(store: &impl BrowserStore) -> Result<Option<KeptPeers>, HostError> {
    let Some(bytes) = store.read_peers().await.map_err(HostError::PeersNotRead)? else { return Ok(None) };
    let damaged = || HostError::PeersNotRead(StoreFailure::Damaged("not in the form that is written here".into()));
    KeptPeers::decode(&bytes, clock::wall_ms()).map(Some).ok_or_else(damaged)
}

impl<S: BrowserStore> Driver<S> {
    /// Takes in what an earlier session kept, before anybody is dialled.
    pub(super) fn restore_peers(&mut self, now: Instant, kept: Result<Option<KeptPeers>, HostError>) {
        match kept {
            Ok(kept) => {
                // Who is not trusted with the tip may still serve headers under a pinned target.
                let spares = matches!(self.settings.target, sync_core::SyncTarget::Hash(_));
                self.keeper.restored = kept.map(|kept| (now, self.book.restore(now, kept, spares)));
            }
            Err(error) => {
                self.report.error(&error);
                // What is damaged is replaced at once; what could not be read may be sound.
                if matches!(error, HostError::PeersNotRead(StoreFailure::Damaged(_))) {
                    self.keeper.changed_now();
                }
            }
        }
    }

    /// What the next machine is told of peers: what the one before it knew, or an earlier session.
    pub(super) fn peers_known(&mut self, now: Instant) -> Option<PeerBook> {
        if let Some(machine) = self.feed.machine() {
            return Some(machine.export_peers(now));
        }
        let (read_at, mut book) = self.keeper.restored.take()?;
        book.age(now.saturating_since(read_at));
        Some(book)
    }

    /// Begins a write if it is time.
    pub(super) fn keep_due(&mut self, now: Instant) {
        if self.keeper.due().is_none_or(|due| due > now) {
            return;
        }
        match self.kept() {
            Some(bytes) => self.keeper.write(now, bytes),
            // Nothing is known while there is no machine.
            None => self.keeper.due = Some(now + PAUSE),
        }
    }

    /// The last write; it comes after the one that may be under way.
    pub(super) async fn keep_last(&mut self) {
        let Some(bytes) = self.kept() else { return };
        self.keeper.write(clock::now(), bytes);
        if let Err(failure) = poll_fn(|context| self.keeper.poll_kept(context)).await {
            self.report.error(&HostError::PeersNotKept(failure));
        }
    }

    fn kept(&self) -> Option<Vec<u8>> {
        let book = self.feed.machine()?.export_peers(clock::now());
        Some(self.book.keep(book).encode(clock::wall_ms()))
    }
}
