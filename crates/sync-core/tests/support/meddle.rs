//! What comes in another order than it was sent, or never, and a store that says what is not so.

use bytes::Bytes;
use sync_core::{
    Input, StartBlock,
    fault::{RequestFailure, StoreFailure},
};

use super::{Behavior, Chain, World, WorldEvent};

/// What a store may say about what it has not done.
#[derive(Clone, Copy, Debug)]
pub enum StoreReport {
    /// It is done.
    Done,
    /// It failed, and yet it will be done.
    Failed,
    /// Something else is stored; nothing, for an even number.
    Other(u64),
}

impl World {
    /// The `nth` event in flight (a response, a write, a lookup) arrives now, whatever was to come before.
    pub fn hasten(&mut self, nth: usize) {
        if let Some(key) = self.nth_of_queue(nth) {
            let event = self.queue.remove(&key).expect("just seen");
            self.handle_event(event);
        }
    }

    /// The `nth` event in flight never arrives, if it is a response; the machine is told at most that it failed.
    pub fn lose(&mut self, nth: usize) {
        if let Some(key) = self.nth_of_queue(nth)
            && matches!(self.queue[&key], WorldEvent::Response(..))
        {
            self.queue.remove(&key);
        }
    }

    /// The store says something about the `nth` of what is on its way, before it is done. From then on what is stored need
    /// not hold together.
    pub fn report(&mut self, nth: usize, report: StoreReport) {
        let Some(key) = self.nth_of_queue(nth) else { return };
        let input = match (&self.queue[&key], report) {
            (WorldEvent::Response(..), _) => return,
            (WorldEvent::Stored(batch), StoreReport::Failed) => {
                Input::PersistFailed { batch: batch.id(), failure: StoreFailure::Locked }
            }
            (WorldEvent::Stored(batch), _) => Input::BatchPersisted { batch: batch.id() },
            (WorldEvent::Unwound(to, _), StoreReport::Done) => Input::Unwound { to: *to },
            (WorldEvent::Unwound(to, _), _) => Input::Unwound { to: to + 1 },
            (WorldEvent::Looked(id, numbers), report) => {
                let other = |number: &u64| match report {
                    StoreReport::Other(by) if by % 2 == 1 => self.store.rows.get(&(number + by)).cloned(),
                    StoreReport::Failed => Some(Bytes::from_static(b"no header")),
                    _ => None,
                };
                Input::Stored { id: *id, headers: numbers.iter().map(|number| (*number, other(number))).collect() }
            }
        };
        self.store.misreported = true;
        self.input(input);
    }

    /// The process ends, whatever it was doing, and a new one opens the same store; all peers must connect again.
    pub fn restart(&mut self) {
        let fresh = Self::with(self.spec.clone(), self.config.clone(), self.store.clone());
        let (lenient, memory_peak) = (self.lenient, self.memory_peak);
        *self = Self { lenient, memory_peak, ..fresh };
    }

    fn nth_of_queue(&self, nth: usize) -> Option<(u64, u64)> {
        self.queue.keys().nth(nth % self.queue.len().max(1)).copied()
    }
}

/// So many times the stream breaks over which this peer is asked for `number`; it responds to everything else. Returns
/// how many headers it was asked for each time.
pub fn break_streams_at(world: &mut World, peer: u32, chain: &Chain, number: u64, times: usize) -> Vec<u16> {
    world.peer_mut(peer).behavior = Behavior::Skips(number);
    let mut seen = world.requests.len();
    let mut sizes = Vec::new();
    while sizes.len() < times {
        assert!(world.run_until(300, |world| world.requests.len() > seen), "asked {} times", sizes.len());
        let request = world.requests[seen];
        seen += 1;
        let top = match request.start {
            StartBlock::Number(top) => Some(top),
            StartBlock::Hash(hash) => chain.number_of(hash),
        };
        if top.is_some_and(|top| number <= top && top < number + u64::from(request.limit)) {
            sizes.push(request.limit);
            world.input(Input::RequestFailed { request: request.id, failure: RequestFailure::Disconnected });
        }
    }
    sizes
}
