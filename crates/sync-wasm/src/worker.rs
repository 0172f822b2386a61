//! The worker's life: waits for `start`, opens the store, follows or leads, ends when the page says so.
//!
//! ```text
//!  (nothing) --start--> opening --lock free--> leader: the driver syncs --stop--> stopped
//!                          \----lock taken---> follower: look-ups only --lock free, or its holder is silent--> leader
//! ```
//!
//! What the page sends after `start` waits in one queue of [`CALLS_MAX`] until the present phase takes it; further calls
//! are refused. One worker runs one sync. A leader whose lock another tab has taken (this one was suspended and gave no sign
//! of life) does nothing more and says so; the page then ends this worker and starts another, which follows.

use std::{cell::RefCell, pin::pin, rc::Rc};

use alloy_primitives::B256;
use bytes::Bytes;
use futures::{
    FutureExt,
    future::{Either, select},
};
use header_store::StoreOpening;
use sync_core::{SyncTarget, fault::StoreFailure};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, MessagePort};

use crate::{
    browser_store::BrowserStore,
    clock::{self, Turns},
    command::{Command, Ended, Stopped, show_progress},
    driver::{Driver, DriverSetup, kept},
    error::HostError,
    follower::{self, Followed, Follower},
    mailbox::{CALLS_MAX, Receiver, Refused, Sender, mailbox},
    message::{Call, ErrorInfo, Started, SyncState, WorkerEvent, number},
    network::{peers::AddressBook, reach::Reach},
    options::Settings,
    port::{self, Incoming, Port},
    reads::Reader,
    store::{Acquired, IdbStore, LockError, LockLost, ProgressChannel, WriteLock},
    view,
};

/// What headers are kept in. Nothing else names it: the rest of the host takes any [`BrowserStore`].
type Store = IdbStore;

/// The worker, as the message handler sees it.
struct Worker {
    scope: DedicatedWorkerGlobalScope,
    port: Port,
    /// Set while a sync is there.
    commands: RefCell<Option<Sender<Command>>>,
}

/// Installs the message handler. In anything but a dedicated worker it does nothing.
pub fn install() {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let port = Port::of_worker(&scope);
    report_panics();
    let worker = Rc::new(Worker { scope: scope.clone(), port, commands: RefCell::new(None) });
    let onmessage = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| worker.handle(&event.data()));
    scope.set_onmessage(Some(onmessage.as_ref().unchecked_ref()));
    // The handler lives as long as the worker.
    onmessage.forget();
}

/// A broken invariant ends the worker; the page hears which, not only "unreachable executed".
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
        let port = Port::of_worker(&scope);
        port.event(&WorkerEvent::Error { code: "worker-failed", message: panic.to_string(), details: None });
        show(&port, SyncState::Failed);
    }));
}

/// Tells the page a state that has no figures.
fn show(port: &Port, state: SyncState) {
    show_progress(port, view::idle(state));
}

impl Worker {
    fn handle(self: &Rc<Self>, data: &JsValue) {
        match port::read(data) {
            Ok(Incoming::Start { id, options, rtc_port }) => {
                if self.commands.borrow().is_some() {
                    return self.port.reply_error(id, &HostError::AlreadyStarted);
                }
                match Settings::new(options) {
                    Ok(settings) => self.start(id, settings, rtc_port),
                    Err(error) => self.port.reply_error(id, &error),
                }
            }
            Ok(Incoming::Call { id, call }) => self.call(id, call),
            Ok(Incoming::Hint(hint)) => {
                // A hint that finds the queue full is one of many; before the start it is of no use.
                if let Some(sender) = &*self.commands.borrow() {
                    let _ = sender.notify(Command::Hint(hint));
                }
            }
            Err(unreadable) => {
                if let Some(id) = unreadable.id {
                    self.port.reply_error(id, &unreadable.error);
                }
            }
        }
    }

    fn call(&self, id: f64, call: Call) {
        let stop = matches!(call, Call::Stop);
        let taken = match &*self.commands.borrow() {
            Some(sender) => sender.call(Command::Call { id, call }).map_err(|refused| match refused {
                Refused::Full => HostError::Busy { limit: CALLS_MAX },
                Refused::Closed => HostError::Stopped,
            }),
            None => Err(HostError::NotStarted),
        };
        match taken {
            Ok(()) => {}
            // There is nothing to end, or it ends already.
            Err(HostError::NotStarted | HostError::Stopped) if stop => self.port.reply_done(id),
            Err(error) => self.port.reply_error(id, &error),
        }
    }

    fn start(self: &Rc<Self>, id: f64, settings: Settings, rtc_port: MessagePort) {
        let (sender, commands) = mailbox();
        *self.commands.borrow_mut() = Some(sender.clone());
        let worker = self.clone();
        spawn_local(async move {
            let origin = Reach::of_origin(&worker.scope.origin());
            let life = Life { port: worker.port.clone(), origin, settings: Rc::new(settings), sender, commands };
            match life.run(id, rtc_port).await {
                Ok(Ended::Stopped(stopped)) => worker.end(stopped),
                Ok(Ended::LockLost) => {
                    worker.port.event(&WorkerEvent::LockLost);
                }
                Err(Failure { replied, error }) => {
                    worker.commands.borrow_mut().take();
                    if !replied {
                        worker.port.reply_error(id, &error);
                        return;
                    }
                    let ErrorInfo { code, message, details } = error.info();
                    worker.port.event(&WorkerEvent::Error { code, message, details });
                    show(&worker.port, SyncState::Failed);
                }
            }
        });
    }

    /// Everything is closed: says so, and ends the worker.
    fn end(&self, stopped: Stopped) {
        show_progress(&self.port, *stopped.progress);
        if let Some(id) = stopped.id {
            self.port.reply_done(id);
        }
        self.scope.close();
    }
}

/// Why a sync ended that should not have, and whether `start` was answered before.
struct Failure {
    replied: bool,
    error: HostError,
}

/// One sync, from `start` to `stop`.
struct Life {
    port: Port,
    /// How near the page is.
    origin: Reach,
    settings: Rc<Settings>,
    sender: Sender<Command>,
    commands: Receiver<Command>,
}

impl Life {
    async fn run(mut self, id: f64, rtc_port: MessagePort) -> Result<Ended, Failure> {
        let begun = clock::now_ms();
        let early = |error: HostError| Failure { replied: false, error };
        let late = |error: HostError| Failure { replied: true, error };
        let seed = (js_sys::Math::random() * 9.0e15) as u64;
        let mut book = AddressBook::new(seed).of_page(self.origin);
        for multiaddr in &self.settings.peers {
            book.add(clock::now(), multiaddr).map_err(early)?;
        }
        let listed = book.add_listed(clock::now(), &self.settings.listed_peers);
        show(&self.port, SyncState::Opening);

        let name = self.settings.storage.clone();
        let acquired = WriteLock::try_acquire(&name).await.map_err(|error| early(lock_error(error)))?;
        let mut store = Store::connect(&name).await.map_err(|error| early(error.into()))?;
        let mut channel = ProgressChannel::open(&name).map_err(|error| early(error.into()))?;
        let reader = Reader::new(store.clone(), self.port.clone(), self.settings.target, self.sender.clone());

        let acquired = match acquired {
            Acquired::Held(lock) => Some(lock),
            Acquired::Busy => None,
        };
        let follows = acquired.is_none();
        let mut lead = Lead::default();
        let opening = match acquired {
            Some(lock) => lead.open(&mut store, lock).await.map_err(|error| early(error.into()))?,
            None => {
                let checkpoint = store.checkpoint().await.map_err(|error| early(error.into()))?;
                StoreOpening { checkpoint, dropped: Vec::new() }
            }
        };
        let stored = view::headers_in(opening.checkpoint.as_ref());
        self.port.reply(id, &Started { follower: follows, stored: number(stored), storage: name.clone() });
        // After the reply: the page can listen for events from then on.
        self.port.peers_skipped(listed.skipped);

        let opening = if follows {
            let followed = follower::follow(Follower {
                port: &self.port,
                channel: &mut channel,
                reader: &reader,
                book: &mut book,
                commands: &mut self.commands,
                settings: &self.settings,
                stored,
            });
            let lock = match followed.await.map_err(|error| late(lock_error(error)))? {
                Followed::Stopped(stopped) => return Ok(Ended::Stopped(stopped)),
                Followed::Leads(lock) => lock,
            };
            show(&self.port, SyncState::Opening);
            lead.open(&mut store, lock).await.map_err(|error| late(error.into()))?
        } else {
            opening
        };

        let pinned = match self.settings.target {
            SyncTarget::Hash(hash) => stored_pin(&store, hash).await.map_err(|error| late(error.into()))?,
            SyncTarget::PeersTip | SyncTarget::Number(_) => None,
        };
        let kept = kept::read(&store).await;
        listen_for_followers(&mut channel, self.sender.clone());
        let mut driver = Driver::new(DriverSetup {
            pinned,
            settings: self.settings,
            port: self.port,
            turns: Turns::new().map_err(|_| late(HostError::WorkerFailed("no MessageChannel".into())))?,
            rtc_port,
            store,
            opening,
            channel,
            reader,
            commands: self.commands,
            seed,
            book,
            kept,
            open_ms: clock::now_ms() - begun,
        });
        let ended = match select(pin!(driver.run()), lead.lost).await {
            Either::Left((ended, _)) => Some(ended),
            Either::Right(((), _)) => None,
        };
        let Some(ended) = ended else { return Ok(Ended::LockLost) };
        let progress = Box::new(driver.last_progress());
        driver.shut_down().await;
        ended.map(|id| Ended::Stopped(Stopped { id, progress })).map_err(late)
    }
}

/// What a leading tab keeps beside its store.
struct Lead {
    /// Ends when the lock is stolen.
    lost: LockLost,
}

impl Default for Lead {
    fn default() -> Self {
        Self { lost: std::future::pending().boxed_local() }
    }
}

impl Lead {
    /// Opens the store to write it.
    async fn open(
        &mut self,
        store: &mut impl BrowserStore<Lock = WriteLock>,
        mut lock: WriteLock,
    ) -> Result<StoreOpening, StoreFailure> {
        self.lost = lock.lost();
        store.grant(lock);
        store.open().await
    }
}

/// RLP of the pinned header, if it is stored: then its number is known without a peer.
async fn stored_pin(store: &impl BrowserStore, pin: B256) -> Result<Option<Bytes>, StoreFailure> {
    match store.header_by_hash(pin).await {
        Ok(found) => Ok(found.map(|(_, rlp)| rlp)),
        // Damage is found, named and mended by the audit; until then the pin is asked of the peers.
        Err(StoreFailure::Damaged(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Followers that join ask how far we are.
pub fn listen_for_followers(channel: &mut ProgressChannel, sender: Sender<Command>) {
    channel.listen(move |message| {
        if message.as_string().as_deref() == Some(follower::HELLO) {
            // When the queue is full the follower hears at the next change.
            let _ = sender.notify(Command::FollowerJoined);
        }
    });
}

fn lock_error(error: LockError) -> HostError {
    match error {
        LockError::Unsupported => HostError::UnsupportedBrowser(error.to_string()),
        LockError::Failed(_) => HostError::StorageUnavailable(error.to_string()),
    }
}
