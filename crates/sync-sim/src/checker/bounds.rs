//! Bounds: memory, requests in flight, outputs for one input, timers; nothing grows without a limit and nothing spins.

use std::collections::BTreeMap;

use header_rules::range::BlockRange;
use sync_core::{
    Event, Input, Output,
    config::{LATE_REQUESTS_MAX, REQUESTS_IN_FLIGHT_MAX, STALL_EVENTS_BURST, STALL_EVENTS_EVERY},
    id::{PeerId, RequestId},
    time::Instant,
};

use super::{Check, Checker};
use crate::{
    network::{Micros, SECOND},
    state::State,
};

/// Outputs that one input may cause. A cancel of everything in flight and everything asked for anew is the most.
pub const POLLS_MAX: usize = 4 * REQUESTS_IN_FLIGHT_MAX;
/// Questions about the target, besides the requests for headers.
const QUESTIONS_MAX: usize = 4;
/// What one of them may take.
const QUESTION_BYTES: u64 = 1_024;
/// Progress events a second: one in `progress_every`, whatever happens.
const PROGRESS_A_SECOND_MAX: usize = 10;
/// Requests for one header that go to a peer in a second which announces all the time: what it says is looked at four times
/// a second, and each time it may be asked what it has at two numbers, and where it stands.
const QUESTIONS_A_SECOND_MAX: usize = 12;
/// Changes of the stall that may be reported in a second.
const STALLS_A_SECOND_MAX: usize = STALL_EVENTS_BURST as usize + 1_000 / STALL_EVENTS_EVERY.as_millis() as usize;
/// Timers that may fire at one moment of the clock.
const TIMERS_AT_ONCE_MAX: u32 = 3;
/// Questions to the store at one moment of the clock: a search for a common ancestor halves the chain.
const LOOKUPS_AT_ONCE_MAX: u32 = 64;

#[derive(Debug, Default)]
pub(super) struct Bounds {
    in_flight: BTreeMap<RequestId, PeerId>,
    response_bytes_max: u64,
    progress_second: (Micros, usize),
    stalls_second: (Micros, usize),
    questions_second: BTreeMap<PeerId, (Micros, usize)>,
    timers: (Micros, u32),
    lookups: (Micros, u32),
}

impl Checker for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn on_session(&mut self, _state: &State<'_>) -> Check {
        self.in_flight.clear();
        // Each process has its own limit.
        self.progress_second = (0, 0);
        self.stalls_second = (0, 0);
        self.questions_second.clear();
        Ok(())
    }

    fn on_input(&mut self, state: &State<'_>, input: &Input) -> Check {
        match input {
            Input::HeadersReceived { request, headers } => {
                let bytes: usize = headers.iter().map(bytes::Bytes::len).sum();
                self.response_bytes_max = self.response_bytes_max.max(bytes as u64);
                self.in_flight.remove(request);
            }
            Input::RequestFailed { request, .. } => {
                self.in_flight.remove(request);
            }
            Input::PeerDisconnected { peer } | Input::PeerConnected { peer, .. } => {
                self.in_flight.retain(|_, other| other != peer);
            }
            Input::Timeout => {
                let (at, count) = self.timers;
                self.timers = if at == state.now { (at, count + 1) } else { (state.now, 1) };
                if self.timers.1 > TIMERS_AT_ONCE_MAX {
                    return Err("timers spin".into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Request(request) => {
                self.in_flight.insert(request.id, request.peer);
                // A request that was reassigned to a quicker peer is still in flight.
                let most = REQUESTS_IN_FLIGHT_MAX + LATE_REQUESTS_MAX + QUESTIONS_MAX;
                if self.in_flight.len() > most {
                    return Err(format!("{} requests in flight", self.in_flight.len()));
                }
                let floods = state.peers.get(request.peer.0 as usize).is_some_and(|peer| peer.plan.behavior.floods());
                if floods && request.limit == 1 {
                    let count = count_in(self.questions_second.entry(request.peer).or_default(), state.now);
                    if count > QUESTIONS_A_SECOND_MAX {
                        return Err(format!("{count} questions in a second to {}, which floods", request.peer));
                    }
                }
                let theirs = self.in_flight.values().filter(|peer| **peer == request.peer).count();
                let most = 2 * state.options.config.requests_per_peer_max + QUESTIONS_MAX;
                if theirs > most {
                    return Err(format!("{theirs} requests in flight to {}", request.peer));
                }
            }
            Output::Cancel(id) => {
                self.in_flight.remove(id);
            }
            Output::Persist(batch) => {
                let range: BlockRange = batch.range();
                if range.len() > state.options.config.window {
                    return Err(format!("batch {range} is longer than a window"));
                }
            }
            Output::Event(Event::Progress(progress)) => {
                let count = count_in(&mut self.progress_second, state.now);
                if count > PROGRESS_A_SECOND_MAX {
                    return Err(format!("{count} progress events in a second"));
                }
                if progress.stored > progress.total || progress.percent > 100.0 {
                    return Err(format!("{} of {} stored", progress.stored, progress.total));
                }
            }
            Output::Lookup { .. } => {
                let (at, count) = self.lookups;
                self.lookups = if at == state.now { (at, count + 1) } else { (state.now, 1) };
                if self.lookups.1 > LOOKUPS_AT_ONCE_MAX {
                    return Err(format!("{} questions to the store at one moment", self.lookups.1));
                }
            }
            Output::Event(Event::Stalled(_) | Event::Resumed) => {
                let count = count_in(&mut self.stalls_second, state.now);
                if count > STALLS_A_SECOND_MAX {
                    return Err(format!("{count} changes of the stall in a second"));
                }
            }
            Output::Timeout(Some(wakeup)) if wakeup.at <= Instant::from_micros(state.machine_now()) => {
                return Err(format!("a timer in the past: {wakeup:?}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn on_drained(&mut self, state: &State<'_>, polls: usize) -> Check {
        if polls > POLLS_MAX {
            return Err(format!("not drained after {polls} polls"));
        }
        // A question of one header to each peer goes out whatever is in memory.
        let questions = (state.peers.len() as u64 + QUESTIONS_MAX as u64) * QUESTION_BYTES;
        let most = state.options.config.staged_bytes_max + self.response_bytes_max + questions;
        if state.memory_bytes > most {
            return Err(format!("{} bytes of headers in memory, at most {most}", state.memory_bytes));
        }
        Ok(())
    }
}

/// One more in the second that runs, or the first of a new one.
fn count_in(second: &mut (Micros, usize), now: Micros) -> usize {
    let (since, count) = *second;
    *second = if count > 0 && now < since + SECOND { (since, count + 1) } else { (now, 1) };
    second.1
}
