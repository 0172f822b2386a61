//! Peer data for the next session: when it is written, and how failures are handled.
//!
//! It is written at most [`BAN_PAUSE`] after a ban, every [`PAUSE`] while anything changes, and at the end. One write
//! runs at a time, in its own task and table, so that no header waits for it. A failed write is reported and retried
//! with the next change; the sync continues. Unreadable data is reported and replaced.

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

/// Between two writes. A tab that is closed without `stop` loses the changes of this time.
const PAUSE: Duration = Duration::from_secs(60);

/// Between two writes after a ban: a storm of bans costs one write a second, and each ban outlives the tab.
const BAN_PAUSE: Duration = Duration::from_secs(1);

/// Schedules the writes of the peer data.
pub struct Keeper<S> {
    store: S,
    /// When the last write began, or the session.
    last: Instant,
    due: Option<Instant>,
    writing: Option<oneshot::Receiver<Result<(), StoreFailure>>>,
    /// Peer data of an earlier session and when it was read, until a machine restores it.
    restored: Option<(Instant, PeerBook)>,
}

impl<S: BrowserStore> Keeper<S> {
    /// No write is due yet.
    pub fn new(store: S, now: Instant) -> Self {
        Self { store, last: now, due: None, writing: None, restored: None }
    }

    /// Peer data changed.
    pub fn changed(&mut self) {
        self.due.get_or_insert(self.last + PAUSE);
    }

    /// A change that the next session must know: a ban, or damaged stored data.
    pub fn changed_now(&mut self) {
        let soon = self.last + BAN_PAUSE;
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    /// When the next write is due.
    pub fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.writing.is_none())
    }

    /// The outcome of the running write.
    pub fn poll_kept(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StoreFailure>> {
        let Some(writing) = &mut self.writing else { return Poll::Pending };
        let Poll::Ready(outcome) = Pin::new(writing).poll_unpin(context) else { return Poll::Pending };
        self.writing = None;
        // The task of a write always sends an outcome.
        Poll::Ready(outcome.unwrap_or(Ok(())))
    }

    /// The store is being emptied, and the peer data with it, including a running write.
    pub fn forget(&mut self) {
        self.due = None;
        self.restored = None;
        self.writing = None;
    }

    /// The connection of the store is lost. The next machine restores `book`, and it is written again.
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

/// Reads the peer data of an earlier session. A failure loses this data only.
pub async fn read(store: &impl BrowserStore) -> Result<Option<KeptPeers>, HostError> {
    let Some(bytes) = store.read_peers().await.map_err(HostError::PeersNotRead)? else { return Ok(None) };
    let damaged = || HostError::PeersNotRead(StoreFailure::Damaged("not in the form that is written here".into()));
    KeptPeers::decode(&bytes, clock::wall_ms()).map(Some).ok_or_else(damaged)
}

impl<S: BrowserStore> Driver<S> {
    /// Restores the peer data of an earlier session, before the first dial.
    pub(super) fn restore_peers(&mut self, now: Instant, kept: Result<Option<KeptPeers>, HostError>) {
        match kept {
            Ok(kept) => {
                // Peers that are not trusted with the tip may still serve headers under a pinned target.
                let spares = matches!(self.settings.target, sync_core::SyncTarget::Hash(_));
                self.keeper.restored = kept.map(|kept| (now, self.book.restore(now, kept, spares)));
            }
            Err(error) => {
                self.report.error(&error);
                // Damaged data is replaced at once; data that could not be read may be sound.
                if matches!(error, HostError::PeersNotRead(StoreFailure::Damaged(_))) {
                    self.keeper.changed_now();
                }
            }
        }
    }

    /// Peer data for the next machine: of the machine before it, or of an earlier session.
    pub(super) fn peers_known(&mut self, now: Instant) -> Option<PeerBook> {
        if let Some(machine) = self.feed.machine() {
            return Some(machine.export_peers(now));
        }
        let (read_at, mut book) = self.keeper.restored.take()?;
        book.age(now.saturating_since(read_at));
        Some(book)
    }

    /// Begins a write if one is due.
    pub(super) fn keep_due(&mut self, now: Instant) {
        if self.keeper.due().is_none_or(|due| due > now) {
            return;
        }
        match self.kept() {
            Some(bytes) => self.keeper.write(now, bytes),
            // Without a machine there is no peer data.
            None => self.keeper.due = Some(now + PAUSE),
        }
    }

    /// The last write. It runs after a write that is still under way.
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
