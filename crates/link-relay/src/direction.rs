//! One direction of the relay: any thread adds packets, and one thread sends them when they are due.

use std::{
    collections::VecDeque,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    counters::DirectionCounters,
    link::{Fate, Link, LinkConfig},
};

/// Most payload in flight in one direction, in bytes: five seconds at 100 Mbit/s. More is dropped and counted.
pub const BYTES_UNDER_WAY_MAX: usize = 64 * 1024 * 1024;

/// Packets that are sent between two looks at the queue.
const BATCH_MAX: usize = 64;

/// A datagram in flight.
#[derive(Debug)]
pub struct Packet {
    /// Payload of the UDP datagram.
    pub payload: Vec<u8>,
    /// Socket that sends it.
    pub from: Arc<UdpSocket>,
    /// Destination; `None`: the peer of a connected socket.
    pub to: Option<SocketAddr>,
}

impl Packet {
    fn send(&self) -> bool {
        let sent = match self.to {
            Some(to) => self.from.send_to(&self.payload, to),
            None => self.from.send(&self.payload),
        };
        sent.is_ok()
    }
}

/// The model, the datagrams in flight, and the counters.
#[derive(Debug)]
pub struct Direction {
    begin: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    link: Link,
    /// Rising by time of arrival: the model keeps the order.
    under_way: VecDeque<(Duration, Packet)>,
    bytes_under_way: usize,
    counters: DirectionCounters,
    is_closed: bool,
}

impl Direction {
    /// A direction with no datagrams.
    pub fn new(config: LinkConfig, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            begin: Instant::now(),
            state: Mutex::new(State {
                link: Link::new(config, seed),
                under_way: VecDeque::new(),
                bytes_under_way: 0,
                counters: DirectionCounters::default(),
                is_closed: false,
            }),
            changed: Condvar::new(),
        })
    }

    /// Adds a packet that was received now.
    pub fn send(&self, packet: Packet) {
        let mut state = self.lock();
        let len = packet.payload.len();
        state.counters.packets += 1;
        state.counters.bytes += len as u64;
        if state.bytes_under_way + len > BYTES_UNDER_WAY_MAX {
            state.counters.overflow += 1;
            return;
        }
        match state.link.send(self.begin.elapsed(), len) {
            Fate::QueueFull => state.counters.queue_drops += 1,
            Fate::Lost => state.counters.lost += 1,
            Fate::Arrives(at) => {
                state.bytes_under_way += len;
                state.under_way.push_back((at, packet));
                // A thread that waits for an earlier packet needs no notice.
                if state.under_way.len() == 1 {
                    self.changed.notify_one();
                }
            }
        }
    }

    /// Delays the arrival of all later packets by this time; packets in flight are not delayed.
    pub fn hold(&self, time: Duration) {
        let mut state = self.lock();
        let now = self.begin.elapsed();
        state.link.hold(now, time);
    }

    /// Sends packets as they are due, until the direction is closed.
    pub fn run(&self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.take_due(&mut batch) {
            let (mut bytes, mut errors) = (0, 0);
            for packet in &batch {
                match packet.send() {
                    true => bytes += packet.payload.len() as u64,
                    false => errors += 1,
                }
            }
            let mut state = self.lock();
            state.counters.delivered += batch.len() as u64 - errors;
            state.counters.delivered_bytes += bytes;
            state.counters.send_errors += errors;
            drop(state);
            batch.clear();
        }
    }

    /// Waits until a packet is due and moves it to `batch`; `false` when the direction is closed.
    fn take_due(&self, batch: &mut Vec<Packet>) -> bool {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return false;
            }
            let now = self.begin.elapsed();
            while batch.len() < BATCH_MAX
                && let Some((_, packet)) = state.under_way.pop_front_if(|(due, _)| *due <= now)
            {
                state.bytes_under_way -= packet.payload.len();
                batch.push(packet);
            }
            if !batch.is_empty() {
                return true;
            }
            let due = state.under_way.front().map(|(due, _)| due.saturating_sub(now));
            state = match due {
                Some(wait) => self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The counters so far.
    pub fn counters(&self) -> DirectionCounters {
        self.lock().counters
    }

    /// Ends [`Direction::run`]; packets in flight are dropped.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock would be a bug here; the state is a queue and numbers, valid at any moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
