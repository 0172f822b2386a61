//! The worker's life: waits for `start`, opens the store, follows or leads, ends when the page says so.
//!
//! ```text
//!  (nothing) --start--> opening --lock free--> leader: the driver syncs --stop--> stopped
//!                          \----lock taken---> follower: look-ups only --lock free--> leader
//! ```
//!
//! What the page sends after `start` waits in one queue of [`CALLS_MAX`] until the present phase takes it; further calls
//! are refused. One worker runs one sync.

use std::{cell::RefCell, rc::Rc};

use futures::{
    channel::mpsc,
    future::{Either, select},
};
use sync_core::{
    Checkpoint, SyncTarget,
    fault::StoreFailure,
    store::{HeaderStore, StoreOpening},
};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, MessagePort};

use crate::{
    clock::{self, Turns},
    command::{CALLS_MAX, Command, Stopped, show_progress},
    driver::{Driver, DriverSetup, kept, view},
    error::HostError,
    follower,
    message::{Call, ErrorInfo, Started, SyncState, WorkerEvent, number},
    network::{peers::AddressBook, reach::Reach},
    options::Settings,
    port::{self, Incoming, Port},
    reads::Reader,
    store::{Acquired, IdbStore, LockError, ProgressChannel, WriteLock},
};

/// The worker, as the message handler sees it.
struct Worker {
    port: Port,
    /// Set while a sync is there.
    commands: RefCell<Option<mpsc::Sender<Command>>>,
}

/// Installs the message handler. In anything but a dedicated worker it does nothing.
pub fn install() {
    let Some(port) = Port::of_this_worker() else { return };
    report_panics();
    let scope = port.scope().clone();
    let worker = Rc::new(Worker { port, commands: RefCell::new(None) });
    let onmessage = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| worker.handle(&event.data()));
    scope.set_onmessage(Some(onmessage.as_ref().unchecked_ref()));
    // The handler lives as long as the worker.
    onmessage.forget();
}

/// A broken invariant ends the worker; the page hears which, not only "unreachable executed".
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let Some(port) = Port::of_this_worker() else { return };
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
                // A hint that finds the queue full is one of many.
                let _ = self.send(Command::Hint(hint));
            }
            Err(unreadable) => {
                if let Some(id) = unreadable.id {
                    self.port.reply_error(id, &unreadable.error);
                }
            }
        }
    }

    fn send(&self, command: Command) -> Result<(), HostError> {
        let mut commands = self.commands.borrow_mut();
        let sender = commands.as_mut().ok_or(HostError::NotStarted)?;
        sender.try_send(command).map_err(|error| match error.is_full() {
            true => HostError::Busy { limit: CALLS_MAX },
            false => HostError::Stopped,
        })
    }

    fn call(&self, id: f64, call: Call) {
        let stop = matches!(call, Call::Stop);
        match self.send(Command::Call { id, call }) {
            Ok(()) => {}
            // There is nothing to end, or it ends already.
            Err(HostError::NotStarted | HostError::Stopped) if stop => self.port.reply_done(id),
            Err(error) => self.port.reply_error(id, &error),
        }
    }

    fn start(self: &Rc<Self>, id: f64, settings: Settings, rtc_port: MessagePort) {
        let (sender, commands) = mpsc::channel(CALLS_MAX);
        *self.commands.borrow_mut() = Some(sender.clone());
        let worker = self.clone();
        spawn_local(async move {
            let life = Life { port: worker.port.clone(), settings: Rc::new(settings), sender, commands };
            match life.run(id, rtc_port).await {
                Ok(stopped) => worker.end(stopped),
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
        show_progress(&self.port, stopped.progress);
        if let Some(id) = stopped.id {
            self.port.reply_done(id);
        }
        self.port.scope().close();
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
    settings: Rc<Settings>,
    sender: mpsc::Sender<Command>,
    commands: mpsc::Receiver<Command>,
}

impl Life {
    async fn run(mut self, id: f64, rtc_port: MessagePort) -> Result<Stopped, Failure> {
        let begun = clock::now_ms();
        let early = |error: HostError| Failure { replied: false, error };
        let late = |error: HostError| Failure { replied: true, error };
        let seed = (js_sys::Math::random() * 9.0e15) as u64;
        let mut book = AddressBook::new(seed).of_page(Reach::of_origin(&self.port.scope().origin()));
        for multiaddr in &self.settings.peers {
            book.add(clock::now(), multiaddr).map_err(early)?;
        }
        for multiaddr in &self.settings.listed_peers {
            // A list is outside data: what is of no use in it is left out, and so is what finds no room.
            let _ = book.add_from_list(clock::now(), multiaddr);
        }
        show(&self.port, SyncState::Opening);

        let name = self.settings.storage.clone();
        let acquired = WriteLock::try_acquire(&name).await.map_err(|error| early(lock_error(error)))?;
        let mut store = IdbStore::connect(&name).await.map_err(|error| early(error.into()))?;
        let mut channel = ProgressChannel::open(&name).map_err(|error| early(error.into()))?;
        let reader = Reader::new(store.clone(), self.port.clone(), self.sender.clone());

        let follows = matches!(acquired, Acquired::Busy);
        let opening = match acquired {
            Acquired::Held(lock) => {
                store.grant(lock);
                store.open().await.map_err(|error| early(error.into()))?
            }
            Acquired::Busy => {
                let checkpoint = store.checkpoint().await.map_err(|error| early(error.into()))?;
                StoreOpening { checkpoint, dropped: Vec::new() }
            }
        };
        let stored = view::headers_in(opening.checkpoint.as_ref());
        self.port.reply(id, &Started { follower: follows, stored: number(stored), storage: name.clone() });

        let opening = if follows {
            let wait = WriteLock::wait(&name).map_err(|error| late(lock_error(error)))?;
            let followed = follower::follow(&self.port, &mut channel, &reader, &mut book, &mut self.commands, stored);
            let followed = std::pin::pin!(followed);
            let lock = match select(followed, wait).await {
                Either::Left((stopped, _)) => return Ok(stopped),
                Either::Right((lock, _)) => lock.map_err(|error| late(lock_error(error)))?,
            };
            show(&self.port, SyncState::Opening);
            store.grant(lock);
            store.open().await.map_err(|error| late(error.into()))?
        } else {
            opening
        };

        let target = stored_target(&store, &opening, self.settings.target).await.map_err(|error| late(error.into()))?;
        let kept = kept::read(&store).await;
        listen_for_followers(&mut channel, self.sender.clone());
        let mut driver = Driver::new(DriverSetup {
            target,
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
        let ended = driver.run().await;
        let progress = driver.last_progress();
        driver.shut_down().await;
        ended.map(|id| Stopped { id, progress }).map_err(late)
    }
}

/// A pinned header that lies *inside* the newest stored run was proven by the run's head: then that head is the target,
/// or the sync would read the pin as a reorg to a shorter chain and remove what lies above it.
async fn stored_target(
    store: &IdbStore,
    opening: &StoreOpening,
    target: SyncTarget,
) -> Result<SyncTarget, StoreFailure> {
    let newest =
        opening.checkpoint.as_ref().and_then(Checkpoint::newest).and_then(|newest| Some((newest, newest.range()?)));
    let (SyncTarget::Hash(pinned), Some((newest, range))) = (target, newest) else { return Ok(target) };
    match store.header_by_hash(pinned).await {
        Ok(Some((number, _))) if range.contains(number) => Ok(SyncTarget::Hash(newest.head_hash)),
        // Damage is found, named and mended by the audit; until then the pin is asked of the peers.
        Ok(_) | Err(StoreFailure::Damaged(_)) => Ok(target),
        Err(failure) => Err(failure),
    }
}

/// Followers that join ask how far we are.
fn listen_for_followers(channel: &mut ProgressChannel, mut sender: mpsc::Sender<Command>) {
    channel.listen(move |message| {
        if message.as_string().as_deref() == Some(follower::HELLO) {
            // When the queue is full the follower hears at the next change.
            let _ = sender.try_send(Command::FollowerJoined);
        }
    });
}

fn lock_error(error: LockError) -> HostError {
    match error {
        LockError::Unsupported => HostError::UnsupportedBrowser(error.to_string()),
        LockError::Failed(_) => HostError::StorageUnavailable(error.to_string()),
    }
}
