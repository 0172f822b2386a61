//! The loop that turns the world into inputs and outputs into deeds.
//!
//! ```text
//!   page ---- commands ---+                              +--> requests: outboxes of the sessions
//!   peers --- network ----+--> Input --> HeaderSync --> Output --> writes: one task at a time
//!   store --- written ----+      (one input, then drained)   +--> events, progress: the page
//!   clock --- one timer --+
//! ```
//!
//! One task owns the machine. After each input the machine is drained; every [`SLICE`] of work the driver gives way to
//! the event loop, so that channels are emptied and look-ups answered meanwhile. Requests reach the wire before the next
//! input is looked at.
//!
//! The driver decides nothing about the sync. What it decides is the host's own: when a peer is dialled
//! ([`AddressBook`]), that a connection is dead, when stored segments are audited ([`audit`]), how often the page hears
//! ([`report`]), when what is known of peers is written down ([`kept`]).

mod audit;
mod calls;
pub mod kept;
mod network;
mod outputs;
mod report;
pub mod view;
mod writes;

use std::{collections::VecDeque, future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, channel::mpsc, future::select};
use gloo_timers::future::TimeoutFuture;
use sync_core::{
    Checkpoint, HeaderSync, Input, Output, fault::StoreFailure, id::PeerId, sorted::SortedMap, store::StoreOpening,
    time::Instant,
};
use web_sys::MessagePort;

use self::{
    audit::Audit,
    kept::Keeper,
    report::Reporter,
    writes::{Write, WriteQueue, Written},
};
use crate::{
    clock::{self, Turns},
    command::Command,
    error::HostError,
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
    store::{IdbStore, ProgressChannel},
};

/// Work at one stretch before the event loop has its turn: half a frame. Less costs turns, more delays look-ups.
const SLICE: Duration = Duration::from_millis(8);

/// Time that a write under way may take to end when the sync is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything that a running sync consists of.
pub struct Driver {
    settings: Rc<Settings>,
    /// RLP of the pinned target, if it was stored before ([`DriverSetup::pinned`]).
    pinned: Option<Bytes>,
    port: Port,
    turns: Turns,
    seed: u64,

    /// `None` while the store is being cleared.
    machine: Option<HeaderSync>,
    /// What the next machine goes on from.
    checkpoint: Option<Checkpoint>,
    /// When the machine wants to hear of the time.
    machine_due: Option<Instant>,
    /// Inputs that came up while the machine was being drained; at most one for each output.
    follow_up: VecDeque<Input>,
    paused: bool,

    book: AddressBook,
    requests: RequestTable,
    /// Connected peers, and what takes messages for them.
    outboxes: SortedMap<PeerId, (SessionKey, mpsc::Sender<Outgoing>)>,
    swarm: SwarmHandle,
    counters: SharedCounters,

    writes: WriteQueue,
    /// An unwind that failed, and when it is tried again.
    unwind_again: Option<(Instant, Write)>,
    audit: Audit,
    reader: Reader,
    keeper: Keeper,
    /// Calls that wait until the store is empty.
    clearing: Vec<f64>,
    report: Reporter,

    network: mpsc::Receiver<NetworkEvent>,
    commands: mailbox::Receiver<Command>,
    timer: Option<(Instant, TimeoutFuture)>,
    slice_begun: Instant,
    requests_waiting: bool,
}

/// What a driver is made of.
pub struct DriverSetup {
    /// What the page asked for.
    pub settings: Rc<Settings>,
    /// RLP of the pinned target, if the store has it: then no peer need be asked for its number.
    pub pinned: Option<Bytes>,
    /// To the page.
    pub port: Port,
    /// To the event loop.
    pub turns: Turns,
    /// To the page's broker of RTCPeerConnections.
    pub rtc_port: MessagePort,
    /// Opened, and ours to write.
    pub store: IdbStore,
    /// What was found in it.
    pub opening: StoreOpening,
    /// To tabs that follow.
    pub channel: ProgressChannel,
    /// Answers look-ups.
    pub reader: Reader,
    /// Calls of the page.
    pub commands: mailbox::Receiver<Command>,
    /// Chance, for jitter and for the machine.
    pub seed: u64,
    /// The page's peers, checked.
    pub book: AddressBook,
    /// What an earlier session kept of peers, or why that was not read.
    pub kept: Result<Option<KeptPeers>, HostError>,
    /// Milliseconds from `start` to the open store.
    pub open_ms: f64,
}

/// Something that the driver waits for.
enum Wake {
    Command(Option<Command>),
    Written(Written),
    Kept(Result<(), StoreFailure>),
    Network(Option<NetworkEvent>),
    Timer,
}

impl Driver {
    /// Starts the network and the machine.
    pub fn new(setup: DriverSetup) -> Self {
        let settings = setup.settings;
        let seed = settings.tuning.seed.unwrap_or(setup.seed);
        let greeting = Rc::new(Greeting { chain_id: settings.chain_id, genesis: settings.genesis });
        let counters = SharedCounters::new(Counters::default());
        let (events, network) = mpsc::channel(EVENTS_MAX);
        let swarm = swarm::start(setup.rtc_port, settings.dial_timeout(), greeting, events, counters.clone());
        let now = clock::now();
        let audit = Audit::new(now, setup.opening.checkpoint.as_ref(), settings.tuning.audit.unwrap_or(true));
        let mut driver = Self {
            book: setup.book,
            machine: None,
            checkpoint: setup.opening.checkpoint,
            machine_due: None,
            follow_up: VecDeque::new(),
            paused: settings.paused,
            requests: RequestTable::default(),
            outboxes: SortedMap::new(),
            swarm,
            counters,
            keeper: Keeper::new(setup.store.clone(), now),
            writes: WriteQueue::new(setup.store),
            unwind_again: None,
            audit,
            reader: setup.reader,
            clearing: Vec::new(),
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

    /// Runs until the page stops it; gives the call to answer once everything is closed.
    ///
    /// # Errors
    ///
    /// When the database is gone for good.
    pub async fn run(&mut self) -> Result<Option<f64>, HostError> {
        loop {
            self.drain().await;
            let now = clock::now();
            self.dial_due(now);
            self.audit_due(now);
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
                Wake::Written(written) => {
                    self.handle_written(clock::now(), written);
                    if self.writes.store_is_gone() {
                        let reason = "another tab upgraded or deleted the database; reload the page";
                        return Err(HostError::StorageUnavailable(reason.into()));
                    }
                }
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
                    let now = clock::now();
                    if let Some((_, unwind)) = self.unwind_again.take_if(|(when, _)| *when <= now) {
                        self.writes.push(unwind);
                    }
                    if self.machine_due.is_some_and(|due| due <= now) {
                        self.input(now, Input::Timeout);
                    }
                }
            }
        }
    }

    /// Closes every connection, keeps what is known of peers, and lets the write that is under way end.
    pub async fn shut_down(mut self) {
        select(pin!(self.keep_last()), clock::sleep(STOP_TIMEOUT)).await;
        // First, so that nobody waits for room in a queue that is read no more.
        drop(self.network);
        self.outboxes.clear();
        self.swarm.shut_down().await;
        let mut writes = self.writes;
        writes.forget_waiting();
        let ended = poll_fn(|context| {
            while !writes.is_idle() {
                if writes.poll_written(context).is_pending() && !writes.is_idle() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        });
        select(ended, clock::sleep(STOP_TIMEOUT)).await;
    }

    /// Gives the machine one input; it is drained before the next.
    fn input(&mut self, now: Instant, input: Input) {
        if let Some(machine) = &mut self.machine {
            let begun = clock::now_ms();
            machine.handle_input(now, input);
            self.machine_due = Some(now);
            self.report.stats.core_ms += clock::now_ms() - begun;
        }
    }

    /// Does what the machine wants until it wants nothing more.
    async fn drain(&mut self) {
        loop {
            while let Some(output) = self.poll_machine() {
                let now = clock::now();
                self.execute(now, output);
                self.give_way(now).await;
            }
            let Some(input) = self.follow_up.pop_front() else { break };
            self.input(clock::now(), input);
        }
        if std::mem::take(&mut self.requests_waiting) {
            // The sessions write what was put into their outboxes, before the next input is looked at.
            clock::let_others_run().await;
        }
    }

    /// The next output, `None` when the machine is drained.
    fn poll_machine(&mut self) -> Option<Output> {
        let machine = self.machine.as_mut()?;
        let begun = clock::now();
        let output = machine.poll_output(begun);
        self.report.stats.core_ms += clock::now().saturating_since(begun).as_secs_f64() * 1_000.0;
        match output {
            Output::Timeout(due) => {
                self.machine_due = due;
                None
            }
            output => Some(output),
        }
    }

    /// Lets the event loop have its turn when this one was long.
    async fn give_way(&mut self, now: Instant) {
        if now.saturating_since(self.slice_begun) < SLICE {
            return;
        }
        self.report.stats.yields += 1.0;
        self.turns.turn().await;
        self.slice_begun = clock::now();
    }

    /// Waits for the next thing to do: the page first, then the store, then the network, then the time.
    async fn wake(&mut self) -> Wake {
        self.set_timer();
        let mut waited = false;
        let wake = poll_fn(|context| {
            if let Poll::Ready(command) = self.commands.poll_next_unpin(context) {
                return Poll::Ready(Wake::Command(command));
            }
            if let Poll::Ready(written) = self.writes.poll_written(context) {
                return Poll::Ready(Wake::Written(written));
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

    /// One timer for whatever comes first; it is kept while it is right.
    fn set_timer(&mut self) {
        let unwind = self.unwind_again.as_ref().map(|(when, _)| *when);
        let (machine, dial, audit) = (self.machine_due, self.next_dial_at(), self.audit.due());
        let dues = [machine, dial, audit, self.keeper.due(), Some(self.report.due()), unwind];
        let next = dues.into_iter().flatten().min();
        if self.timer.as_ref().map(|(when, _)| *when) != next {
            self.timer = next.map(|when| (when, clock::timer(when)));
        }
    }
}
