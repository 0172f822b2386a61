//! Sizes: what the machine believes of the length of a header follows from headers that were linked, and those are real
//! ones. And in worlds that are made for it, a peer of which nothing was linked holds no more than its share, and a peer
//! that sent a header that no block of the chain can have is not asked for more by number there.

use std::collections::BTreeMap;

use sync_core::{
    Event, HeadersRequest, Input, Output, StartBlock,
    config::{ANNOUNCEMENTS_EVERY, STRANGER_SHARE},
    id::{PeerId, RequestId},
};

use super::{Check, Checker};
use crate::{attack::Attack, network::Micros, state::State};

/// Bytes that a header is believed to have, at most: the longest of the rules that every pool obeys, and a thirty-second
/// for what may be longer.
const HEADER_BYTES_MAX: u64 = 760 + 760 / 32;

#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Requests in flight.
    in_flight: BTreeMap<RequestId, HeadersRequest>,
    /// Bytes that came of each peer while nothing of it was linked.
    came: BTreeMap<PeerId, u64>,
    linked: Vec<PeerId>,
    /// Peers that sent a header that is too long: its number, and when.
    oversized: BTreeMap<PeerId, (u64, Micros)>,
    /// When each announced its range last. The machine looks at that a little later, and then forgets what was too long.
    announced: BTreeMap<PeerId, Micros>,
}

impl Checker for Sizes {
    fn name(&self) -> &'static str {
        "sizes"
    }

    fn on_session(&mut self, _state: &State<'_>) -> Check {
        *self = Self::default();
        Ok(())
    }

    fn on_input(&mut self, state: &State<'_>, input: &Input) -> Check {
        match input {
            Input::HeadersReceived { request, headers } => {
                let Some(request) = self.in_flight.remove(request) else { return Ok(()) };
                let peer = request.peer;
                if let (StartBlock::Number(start), true) = (request.start, is_kind(state, Attack::Fat)) {
                    let longest = state.options.spec(state.pool).header_bytes_max().unwrap_or(usize::MAX);
                    let found = headers.iter().position(|header| header.len() > longest);
                    let number = found.map(|at| start.saturating_sub(at as u64));
                    let pause = ANNOUNCEMENTS_EVERY.as_micros() as Micros;
                    let is_settled = self.announced.get(&peer).is_none_or(|at| state.now > at + pause);
                    let number = number.filter(|_| is_settled);
                    self.oversized.extend(number.map(|number| (peer, (number, state.now))));
                }
                let came = self.came.entry(peer).or_default();
                *came += headers.iter().map(|header| header.len() as u64).sum::<u64>();
                let most = share(state);
                let is_stranger = !self.linked.contains(&peer);
                // What hoarders send is right, and stays in memory until the anchor has come down to it.
                if is_kind(state, Attack::Hoarders) && is_stranger && *came > most {
                    return Err(format!("{peer}, without linked headers, has {came} bytes here, at most {most}"));
                }
            }
            Input::RequestFailed { request, .. } => {
                self.in_flight.remove(request);
            }
            Input::PeerDisconnected { peer } | Input::PeerConnected { peer, .. } => {
                self.in_flight.retain(|_, request| request.peer != *peer);
                self.came.remove(peer);
                self.oversized.remove(peer);
            }
            Input::PeerUpdated { peer, .. } => {
                self.oversized.remove(peer);
                self.announced.insert(*peer, state.now);
            }
            _ => {}
        }
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Request(request) => {
                self.in_flight.insert(request.id, *request);
                let oversized = self.oversized.get(&request.peer);
                // The next requests go out before a response is looked at. A single header is a vote, or a check.
                if let (Some((number, at)), StartBlock::Number(start), 2..) = (oversized, request.start, request.limit)
                    && start >= *number
                    && state.now > *at
                    && state.now < at + state.options.config.cool_down.as_micros() as Micros
                {
                    let peer = request.peer;
                    return Err(format!("{peer} is asked for {start} after a header of it at {number} was too long"));
                }
            }
            Output::Cancel(id) => {
                self.in_flight.remove(id);
            }
            Output::Penalize { peer, .. } => {
                self.came.remove(peer);
            }
            Output::Event(Event::TargetResolved(_)) => {
                self.came.clear();
                self.oversized.clear();
            }
            Output::Event(Event::HeadersLinked { peer, .. }) if !self.linked.contains(peer) => self.linked.push(*peer),
            Output::Event(Event::Progress(progress)) => {
                for peer in &progress.peers {
                    let theirs = self.in_flight.values().filter(|request| request.peer == peer.peer);
                    let headers: u64 = theirs.map(|request| u64::from(request.limit)).sum();
                    let (id, bytes) = (peer.peer, peer.bytes_in_flight);
                    if bytes > headers * HEADER_BYTES_MAX {
                        return Err(format!("{headers} headers asked of {id} count for {bytes} bytes"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Is it a world under this attack?
fn is_kind(state: &State<'_>, kind: Attack) -> bool {
    state.options.attack.as_ref().is_some_and(|attack| attack.kind == kind)
}

/// The share of a peer of which nothing was linked, twice, because responses may be longer than expected, and two
/// responses.
fn share(state: &State<'_>) -> u64 {
    let config = &state.options.config;
    2 * (config.staged_bytes_max / STRANGER_SHARE + config.request_bytes)
}
