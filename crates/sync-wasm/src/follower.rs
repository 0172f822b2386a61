//! A reader tab: another tab holds the write lock. This one reads the store, shows how far it is, and waits for the lock;
//! then it leads.
//!
//! What is stored, and whether all of it is, comes from the checkpoint that this tab reads itself ([`Coverage`]). Messages
//! of the writing tab say when to read again and add figures and events that are only shown ([`relay`]). A reader tab is
//! synced when its own target is stored down to the floor; where it pins none, the newest stored head is its target once
//! the writing tab says that it is synced to it. Peers that the page adds are kept for the day when this tab leads.
//!
//! **A writing tab that is suspended** keeps the lock and is silent: then this tab takes the lock ([`Liveness`]).

use std::{cell::RefCell, future::poll_fn, pin::Pin, rc::Rc, task::Poll, time::Duration};

use futures::{FutureExt, StreamExt, future::LocalBoxFuture, task::AtomicWaker};
use gloo_timers::future::TimeoutFuture;
use header_rules::range::BlockNumber;
use js_sys::{Object, Reflect};
use sync_core::{fault::StoreFailure, time::Instant};
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    browser_store::{BrowserStore, StoreView},
    clock,
    command::{Command, Stopped, show_progress},
    coverage::Coverage,
    error::HostError,
    liveness::{Liveness, Ping},
    mailbox::Receiver,
    message::{BlockRef, Call, Details, ErrorInfo, Hint, Progress, Stats, SyncState, WorkerEvent, hex, number},
    network::peers::AddressBook,
    options::Settings,
    pace::Throttle,
    port::Port,
    reads::Reader,
    relay::{self, Heard, Word},
    store::{LockError, LockWait, ProgressChannel, WriteLock},
    view,
};

/// What a reader tab sends to hear how far the writing tab is, and whether it lives.
pub const HELLO: &str = "hello";

/// Between two readings of the checkpoint, and between two progress events.
const SHOW_PAUSE: Duration = Duration::from_millis(250);

/// How a reader tab's time ended.
pub enum Followed {
    /// The page stopped it.
    Stopped(Stopped),
    /// The lock is ours: free, or taken from a tab that gave no sign of life.
    Leads(WriteLock),
}

/// What a reader tab works with.
pub struct Follower<'a, S> {
    /// To the page.
    pub port: &'a Port,
    /// From the writing tab.
    pub channel: &'a mut ProgressChannel,
    /// Reads the store.
    pub reader: &'a Reader<S>,
    /// The page's peers.
    pub book: &'a mut AddressBook,
    /// Calls of the page.
    pub commands: &'a mut Receiver<Command>,
    /// What the page asked for.
    pub settings: &'a Settings,
    /// Headers that were found in the store.
    pub stored: u64,
}

/// What came over the channel since it was looked at.
#[derive(Default)]
struct Inbox {
    word: Option<Word>,
    /// The writing tab gave a sign of life.
    lives: bool,
    waker: AtomicWaker,
}

enum Wake {
    Command(Command),
    Heard,
    Viewed(Result<StoreView, StoreFailure>),
    Lock(Result<WriteLock, LockError>),
    Timer,
}

/// How far the store is, and what was told of it.
struct Watch {
    word: Option<Word>,
    view: StoreView,
    reading: Option<LocalBoxFuture<'static, Result<StoreView, StoreFailure>>>,
    /// When the store is to be read again.
    read_at: Option<Instant>,
    last_read: Instant,
    /// The last reading failed, and the page was told.
    failing: bool,
    /// The target that was told to be synced.
    synced: Option<sync_core::BlockNumHash>,
    stalled: bool,
    writer: Liveness,
}

/// Answers the page until it says stop, or until the lock is ours.
pub async fn follow<S: BrowserStore>(mut tab: Follower<'_, S>) -> Result<Followed, LockError> {
    let mut wait = WriteLock::wait(&tab.settings.storage)?;
    let inbox = Rc::new(RefCell::new(Inbox::default()));
    listen(tab.channel, tab.port.clone(), inbox.clone());
    let now = clock::now();
    let mut watch = Watch {
        word: None,
        view: StoreView::default(),
        reading: None,
        read_at: Some(now),
        last_read: now,
        failing: false,
        synced: None,
        stalled: false,
        writer: Liveness::new(now),
    };
    show_progress(tab.port, Progress { stored: number(tab.stored), ..view::idle(SyncState::Follower) });
    loop {
        if watch.ping(clock::now(), tab.channel) {
            // Ours would be the next request in line, behind a holder that never lets go.
            drop(wait);
            return WriteLock::steal(&tab.settings.storage).await.map(Followed::Leads);
        }
        watch.read(clock::now(), tab.reader);
        match wake(tab.commands, &inbox, &mut watch, &mut wait).await {
            Wake::Lock(lock) => return lock.map(Followed::Leads),
            Wake::Command(command) => {
                if let Some(id) = tab.obey(&mut watch, command) {
                    let progress = Box::new(view::idle(SyncState::Stopped));
                    return Ok(Followed::Stopped(Stopped { id: Some(id), progress }));
                }
            }
            Wake::Heard => watch.heard(&inbox),
            Wake::Viewed(Ok(view)) => {
                watch.failing = false;
                watch.view = view;
                tab.show(&mut watch);
            }
            Wake::Viewed(Err(failure)) => {
                // Read again with the next sign of life; told once.
                if !std::mem::replace(&mut watch.failing, true) {
                    let ErrorInfo { code, message, details } = HostError::Store(failure).info();
                    tab.port.event(&WorkerEvent::Error { code, message, details });
                }
            }
            Wake::Timer => {}
        }
    }
}

/// Notes what the writing tab says, and hands its events to the page.
fn listen(channel: &mut ProgressChannel, port: Port, inbox: Rc<RefCell<Inbox>>) {
    let mut throttle = Throttle::default();
    channel.listen(move |message| {
        let Some(heard) = relay::read(&message) else { return };
        let mut inbox = inbox.borrow_mut();
        inbox.lives = true;
        match heard {
            Heard::Progress(word) => inbox.word = Some(word),
            Heard::Event(event) if throttle.admits(clock::now()) => port.event_value(&event),
            Heard::Event(_) | Heard::Other => {}
        }
        inbox.waker.wake();
    });
}

/// Waits for the next thing to do.
async fn wake(
    commands: &mut Receiver<Command>,
    inbox: &Rc<RefCell<Inbox>>,
    watch: &mut Watch,
    wait: &mut LockWait,
) -> Wake {
    let due =
        watch.read_at.filter(|_| watch.reading.is_none()).map_or(watch.writer.due(), |at| at.min(watch.writer.due()));
    let mut timer: TimeoutFuture = clock::timer(due);
    poll_fn(|context| {
        if let Poll::Ready(lock) = Pin::new(&mut *wait).poll(context) {
            return Poll::Ready(Wake::Lock(lock));
        }
        if let Poll::Ready(Some(command)) = commands.poll_next_unpin(context) {
            return Poll::Ready(Wake::Command(command));
        }
        let inbox = inbox.borrow();
        inbox.waker.register(context.waker());
        if inbox.lives {
            return Poll::Ready(Wake::Heard);
        }
        if let Some(reading) = &mut watch.reading
            && let Poll::Ready(view) = reading.poll_unpin(context)
        {
            watch.reading = None;
            return Poll::Ready(Wake::Viewed(view));
        }
        timer.poll_unpin(context).map(|()| Wake::Timer)
    })
    .await
}

impl Watch {
    /// Asks for a sign of life if it is time. `true`: there was none for long, and this tab should lead.
    fn ping(&mut self, now: Instant, channel: &ProgressChannel) -> bool {
        match self.writer.poll(now) {
            Ping::Wait => return false,
            Ping::Suspended => return true,
            Ping::Ask => {}
        }
        // What the store holds may change without a word, too.
        self.changed();
        // A plain text can be posted; it fails only for a closed channel.
        let _ = channel.post(&HELLO.into());
        false
    }

    fn heard(&mut self, inbox: &Rc<RefCell<Inbox>>) {
        let mut inbox = inbox.borrow_mut();
        inbox.lives = false;
        self.writer.heard();
        if let Some(word) = inbox.word.take() {
            self.word = Some(word);
            self.changed();
        }
    }

    /// The store is to be read again, soon.
    fn changed(&mut self) {
        self.read_at.get_or_insert(self.last_read + SHOW_PAUSE);
    }

    fn read(&mut self, now: Instant, reader: &Reader<impl BrowserStore>) {
        if self.reading.is_none() && self.read_at.is_some_and(|at| at <= now) {
            self.read_at = None;
            self.last_read = now;
            let reader = reader.clone();
            self.reading = Some(async move { reader.view().await }.boxed_local());
        }
    }
}

impl<S: BrowserStore> Follower<'_, S> {
    /// Does what is called for; gives the call that stops the sync.
    fn obey(&mut self, watch: &mut Watch, command: Command) -> Option<f64> {
        match command {
            Command::Hint(hint) => watch.writer.page_changed(match hint {
                Hint::Visible => Some(true),
                Hint::Hidden => Some(false),
                Hint::Online => None,
            }),
            Command::FollowerJoined | Command::Damaged(_) => {}
            Command::Call { id, call } => match call {
                Call::GetHeader(key) => self.reader.header(id, key),
                Call::GetHeaders { from, to } => self.reader.headers(id, from, to),
                Call::Peers => self.port.reply(id, &view::peers(self.book, &[])),
                Call::AddPeer(multiaddr) => match self.book.add(clock::now(), &multiaddr) {
                    Ok(_) => self.port.reply_done(id),
                    Err(error) => self.port.reply_error(id, &error),
                },
                Call::AddListedPeers(multiaddrs) => {
                    self.port.peers_skipped(self.book.add_listed(clock::now(), &multiaddrs).skipped);
                    self.port.reply_done(id);
                }
                Call::Stats => {
                    let stats = Stats { wasm_memory_bytes: view::wasm_memory_bytes(), ..Stats::default() };
                    self.port.reply(id, &stats);
                }
                // The machine runs in the leader's tab.
                Call::Recording => self.port.reply_done(id),
                // Only the leader can do these.
                Call::Pause | Call::Resume | Call::Clear => self.port.reply_error(id, &HostError::Follower),
                Call::Stop => return Some(id),
            },
        }
        None
    }

    /// Tells the page how far the store is, and when it is whole.
    fn show(&self, watch: &mut Watch) {
        let StoreView { checkpoint, target, under_target } = &watch.view;
        let floor: Option<BlockNumber> = self.settings.tuning.floor;
        let word = watch.word.as_ref();
        let rests = word.is_some_and(|word| word.state == "synced");
        let coverage = match self.reader.pin() {
            Some(_) => Coverage::of_pin(checkpoint.as_ref(), *target, *under_target, floor),
            None => Coverage::of_head(checkpoint.as_ref(), word.and_then(|word| word.target), floor),
        };
        if self.reader.pin().is_none() {
            self.reader.resolve_target(coverage.target);
        }
        let stall = self.reader.pin().filter(|_| rests && !coverage.complete).map(other_target);
        let stored = match coverage.target {
            Some(_) => coverage.stored,
            None => view::headers_in(checkpoint.as_ref()),
        };
        let total = coverage.total();
        let progress = Progress {
            target: coverage.target.map(|target| BlockRef { number: number(target.number), hash: hex(target.hash) }),
            floor: number(coverage.floor),
            total: number(total),
            stored: number(stored),
            percent: if total == 0 { 0.0 } else { stored as f64 * 100.0 / total as f64 },
            ranges: coverage
                .target
                .map(|target| view::stored_ranges(checkpoint.as_ref(), coverage.floor, target.number))
                .unwrap_or_default(),
            peers: view::peers(self.book, &[]),
            stall: stall.clone(),
            ..view::idle(SyncState::Follower)
        };
        self.post(progress, word);
        if watch.stalled != stall.is_some() {
            watch.stalled = stall.is_some();
            self.port.event(&WorkerEvent::State { state: SyncState::Follower, stall });
        }
        // Without a pin the newest head may be one that the writing tab goes on from.
        let synced = coverage.target.filter(|_| coverage.complete && (rests || self.reader.pin().is_some()));
        if let Some(head) = synced.filter(|head| watch.synced != Some(*head)) {
            self.port.event(&WorkerEvent::Synced { number: number(head.number), hash: hex(head.hash) });
        }
        watch.synced = synced;
    }

    /// Posts a progress, with the figures of the writing tab in it.
    fn post(&self, progress: Progress, word: Option<&Word>) {
        // Plain data always serializes.
        let event = serde_wasm_bindgen::to_value(&WorkerEvent::Progress { progress }).unwrap_or(JsValue::UNDEFINED);
        let inner = Reflect::get(&event, &"progress".into()).unwrap_or(JsValue::UNDEFINED);
        if let (Some(word), Some(_)) = (word, inner.dyn_ref::<Object>()) {
            relay::merge(&inner, &word.figures);
            // An object that was made here takes every field.
            let _ = Reflect::set(&inner, &"leader".into(), &word.leader);
        }
        self.port.event_value(&event);
    }
}

/// The writing tab rests, and what this tab pins is not stored down to the floor.
fn other_target(pin: alloy_primitives::B256) -> ErrorInfo {
    ErrorInfo {
        code: "other-target",
        message: "the tab that writes this store syncs to another target than the one pinned here".into(),
        details: Some(Details { hash: Some(hex(pin)), ..Details::default() }),
    }
}
