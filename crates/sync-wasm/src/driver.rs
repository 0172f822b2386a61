//! The event loop: feeds events to the machine and executes its outputs.
//!
//! ```text
//!   page ---- commands ---+                              +--> requests: outboxes of the sessions
//!   peers --- network ----+--> Input --> HeaderSync --> Output --> writes: one task at a time
//!   store --- ended ------+      (one input, then drained)   +--> events, progress: the page
//!   clock --- one timer --+
//! ```
//!
//! One task owns the machine. After each input the machine is drained ([`Feed`]). After every [`SLICE`] of work the
//! driver yields to the event loop, so that channels are emptied and look-ups served meanwhile. Requests reach the wire
//! before the next input is processed.
//!
//! The driver makes no sync decisions. It decides host matters only: when to dial a peer ([`AddressBook`]), when a
//! connection is dead, when to audit stored segments and reopen a lost store ([`StoreControl`]), how often to report to
//! the page ([`report`]), when to write the peer data ([`kept`]).

mod calls;
pub mod kept;
mod network;
mod outputs;
mod report;
mod storing;

use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, channel::mpsc, future::select};
use gloo_timers::future::TimeoutFuture;
use header_store::StoreOpening;
use recording::Recorder;
use sorted::SortedMap;
use sync_core::{Input, fault::StoreFailure, id::PeerId, time::Instant};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessagePort;

use self::{kept::Keeper, report::Reporter};
use crate::{
    browser_store::BrowserStore,
    clock::{self, Turns},
    command::Command,
    error::HostError,
    feed::{Feed, Work},
    mailbox,
    network::{
        Counters, EVENTS_MAX, NetworkEvent, Outgoing, SessionKey, SharedCounters,
        conversation::Greeting,
        kept::KeptPeers,
        peers::AddressBook,
        requests::RequestTable,
        swarm::{self, SwarmHandle},
    },
    options::Settings,
    port::Port,
    reads::Reader,
    store::ProgressChannel,
    store_queue::{QueueHost, audit::Audit, control::StoreControl, news::StoreEvent},
    view,
};

/// Longest work without a yield to the event loop: half a frame. Less costs turns, more delays look-ups.
const SLICE: Duration = Duration::from_millis(8);

/// Longest wait for a running write when the sync stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A running sync: machine, network, store and page.
pub struct Driver<S> {
    settings: Rc<Settings>,
    /// RLP of the pinned target, if it was stored before ([`DriverSetup::pinned`]).
    pinned: Option<Bytes>,
    port: Port,
    turns: Turns,
    seed: u64,

    /// Its machine is `None` while the store is not open.
    feed: Feed,
    paused: bool,

    book: AddressBook,
    requests: RequestTable,
    /// Connected peers and their message queues.
    outboxes: SortedMap<PeerId, (SessionKey, mpsc::Sender<Outgoing>)>,
    swarm: SwarmHandle,
    counters: SharedCounters,

    store: StoreControl<S>,
    reader: Reader<S>,
    /// Look-ups of the page at the last audit check.
    reads_seen: u64,
    keeper: Keeper<S>,
    report: Reporter,

    network: mpsc::Receiver<NetworkEvent>,
    commands: mailbox::Receiver<Command>,
    timer: Option<(Instant, TimeoutFuture)>,
    slice_begun: Instant,
    requests_waiting: bool,
}

/// Inputs of [`Driver::new`].
pub struct DriverSetup<S> {
    /// Options of the page.
    pub settings: Rc<Settings>,
    /// RLP of the pinned target, if it is stored: then no peer is asked for its number.
    pub pinned: Option<Bytes>,
    /// Port to the page.
    pub port: Port,
    /// Yields to the event loop.
    pub turns: Turns,
    /// Port to the page's broker of RTCPeerConnections.
    pub rtc_port: MessagePort,
    /// Open, and granted the write lock.
    pub store: S,
    /// Result of opening the store.
    pub opening: StoreOpening,
    /// Broadcasts to reader tabs.
    pub channel: ProgressChannel,
    /// Serves look-ups.
    pub reader: Reader<S>,
    /// Calls of the page.
    pub commands: mailbox::Receiver<Command>,
    /// Random seed, for jitter and for the machine.
    pub seed: u64,
    /// Validated peers of the page.
    pub book: AddressBook,
    /// Peer data of an earlier session, or why it was not read.
    pub kept: Result<Option<KeptPeers>, HostError>,
    /// Milliseconds from `start` to the open store.
    pub open_ms: f64,
}

/// An event that the driver waits for.
enum Wake {
    Command(Option<Command>),
    Store(StoreEvent),
    Kept(Result<(), StoreFailure>),
    Network(Option<NetworkEvent>),
    Timer,
}

impl<S: BrowserStore> Driver<S> {
    /// Starts the network and the machine.
    pub fn new(setup: DriverSetup<S>) -> Self {
        let settings = setup.settings;
        let seed = settings.tuning.seed.unwrap_or(setup.seed);
        let greeting = Rc::new(Greeting { chain_id: settings.chain_id, genesis: settings.genesis });
        let counters = SharedCounters::new(Counters::default());
        let (events, network) = mpsc::channel(EVENTS_MAX);
        let swarm = swarm::start(setup.rtc_port, settings.dial_timeout(), greeting, events, counters.clone());
        let now = clock::now();
        let audit = Audit::new(now, setup.opening.checkpoint.as_ref(), settings.tuning.audit.unwrap_or(true), seed);
        let queue_host = QueueHost { spawn: Rc::new(spawn_local), now: clock::now };
        let mut driver = Self {
            book: setup.book,
            feed: Feed::new(Recorder::new(settings.recording_bytes_max())),
            paused: settings.paused,
            requests: RequestTable::default(),
            outboxes: SortedMap::new(),
            swarm,
            counters,
            keeper: Keeper::new(setup.store.clone(), now),
            store: StoreControl::new(now, setup.store, queue_host, audit, setup.opening.checkpoint),
            reader: setup.reader,
            reads_seen: 0,
            report: Reporter::new(setup.port.clone(), setup.channel, setup.open_ms, now),
            network,
            commands: setup.commands,
            timer: None,
            slice_begun: now,
            requests_waiting: false,
            settings,
            pinned: setup.pinned,
            port: setup.port,
            turns: setup.turns,
            seed,
        };
        for range in setup.opening.dropped {
            driver.report.segment_dropped(range);
        }
        driver.restore_peers(now, setup.kept);
        driver.start_machine(now);
        driver
    }

    /// Runs until the page stops it. Returns the `stop` call, to reply to once everything is closed.
    ///
    /// # Errors
    ///
    /// When the database was closed and cannot be reopened.
    pub async fn run(&mut self) -> Result<Option<f64>, HostError> {
        loop {
            self.drain().await;
            let now = clock::now();
            self.dial_due(now);
            self.store_due(now);
            self.keep_due(now);
            self.report_due(now);
            self.give_way(now).await;
            match self.wake().await {
                Wake::Command(None) => return Ok(None),
                Wake::Command(Some(command)) => {
                    if let Some(stop) = self.handle_command(clock::now(), command) {
                        return Ok(Some(stop));
                    }
                }
                Wake::Store(event) => self.handle_store(clock::now(), event)?,
                Wake::Kept(outcome) => {
                    if let Err(failure) = outcome {
                        self.report.error(&HostError::PeersNotKept(failure));
                        self.keeper.changed();
                    }
                }
                // The swarm ends only with the driver.
                Wake::Network(None) => return Ok(None),
                Wake::Network(Some(event)) => self.handle_network(clock::now(), event),
                Wake::Timer => {
                    if self.feed.due().is_some_and(|due| due <= clock::now()) {
                        self.feed.push(Input::Timeout);
                    }
                }
            }
        }
    }

    /// Closes every connection, stores the peer data, and waits for the running write.
    pub async fn shut_down(mut self) {
        for call in self.store.take_clear_calls() {
            self.port.reply_error(call, &HostError::Stopped);
        }
        select(pin!(self.keep_last()), clock::sleep(STOP_TIMEOUT)).await;
        // First, so that no session waits for room in a queue that is no longer read.
        drop(self.network);
        self.outboxes.clear();
        self.swarm.shut_down().await;
        let mut store = self.store;
        select(poll_fn(|context| store.poll_idle(context)), clock::sleep(STOP_TIMEOUT)).await;
        // A look-up that still runs must not keep the lock from the next tab.
        store.store().clone().release();
    }

    /// Feeds waiting inputs to the machine and executes its outputs until none is left.
    async fn drain(&mut self) {
        while let Some(work) = self.poll_machine() {
            let now = clock::now();
            match work {
                Work::Output(output) => self.execute(now, output),
                Work::Admit(peer) => self.admit(now, peer),
            }
            self.give_way(now).await;
        }
        if std::mem::take(&mut self.requests_waiting) {
            // The sessions write the contents of their outboxes before the next input is processed.
            clock::let_others_run().await;
        }
    }

    /// The next work of the machine; `None` when it is drained and no input waits.
    fn poll_machine(&mut self) -> Option<Work> {
        let begun = clock::now();
        let work = self.feed.poll(begun);
        self.report.stats.core_ms += clock::now().saturating_since(begun).as_secs_f64() * 1_000.0;
        work
    }

    /// Yields to the event loop when this turn was long.
    async fn give_way(&mut self, now: Instant) {
        if now.saturating_since(self.slice_begun) < SLICE {
            return;
        }
        self.report.stats.yields += 1.0;
        self.turns.turn().await;
        self.slice_begun = clock::now();
    }

    /// Waits for the next event: the page first, then the store, the network, the timer.
    async fn wake(&mut self) -> Wake {
        self.set_timer();
        let mut waited = false;
        let wake = poll_fn(|context| {
            if let Poll::Ready(command) = self.commands.poll_next_unpin(context) {
                return Poll::Ready(Wake::Command(command));
            }
            if let Poll::Ready(event) = self.store.poll(context) {
                return Poll::Ready(Wake::Store(event));
            }
            if let Poll::Ready(outcome) = self.keeper.poll_kept(context) {
                return Poll::Ready(Wake::Kept(outcome));
            }
            if let Poll::Ready(event) = self.network.poll_next_unpin(context) {
                return Poll::Ready(Wake::Network(event));
            }
            if let Some((when, timer)) = &mut self.timer
                && (*when <= clock::now() || timer.poll_unpin(context).is_ready())
            {
                self.timer = None;
                return Poll::Ready(Wake::Timer);
            }
            waited = true;
            Poll::Pending
        })
        .await;
        if waited {
            self.slice_begun = clock::now();
        }
        wake
    }

    /// One timer for the earliest deadline; recreated only when the deadline changes.
    fn set_timer(&mut self) {
        let (machine, dial, store) = (self.feed.due(), self.next_dial_at(), self.store.due());
        let dues = [machine, dial, store, self.keeper.due(), Some(self.report.due())];
        let next = dues.into_iter().flatten().min();
        if self.timer.as_ref().map(|(when, _)| *when) != next {
            self.timer = next.map(|when| (when, clock::timer(when)));
        }
    }
}
