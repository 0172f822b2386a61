//! Sizes: what the machine believes of the length of a header follows from headers that were linked, and those are real
//! ones. And in worlds that are made for it, a peer of which nothing was linked holds no more than its share.

use std::collections::BTreeMap;

use sync_core::{
    Event, Input, Output,
    config::STRANGER_SHARE,
    id::{PeerId, RequestId},
};

use super::{Check, Checker};
use crate::{attack::Attack, state::State};

/// Bytes that a header is believed to have, at most: the longest of the rules that every pool obeys, and a thirty-second
/// for what may be longer.
const HEADER_BYTES_MAX: u64 = 760 + 760 / 32;

#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Requests in flight: whose, and for how many headers.
    in_flight: BTreeMap<RequestId, (PeerId, u64)>,
    /// Bytes that came of each peer while nothing of it was linked.
    came: BTreeMap<PeerId, u64>,
    linked: Vec<PeerId>,
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
                let Some((peer, _)) = self.in_flight.remove(request) else { return Ok(()) };
                let came = self.came.entry(peer).or_default();
                *came += headers.iter().map(|header| header.len() as u64).sum::<u64>();
                let most = share(state);
                let is_stranger = !self.linked.contains(&peer);
                if is_hoarded(state) && is_stranger && *came > most {
                    return Err(format!("{peer}, without linked headers, has {came} bytes here, at most {most}"));
                }
            }
            Input::RequestFailed { request, .. } => {
                self.in_flight.remove(request);
            }
            Input::PeerDisconnected { peer } | Input::PeerConnected { peer, .. } => {
                self.in_flight.retain(|_, (other, _)| other != peer);
                self.came.remove(peer);
            }
            _ => {}
        }
        Ok(())
    }

    fn on_output(&mut self, _state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Request(request) => {
                self.in_flight.insert(request.id, (request.peer, u64::from(request.limit)));
            }
            Output::Cancel(id) => {
                self.in_flight.remove(id);
            }
            Output::Penalize { peer, .. } => {
                self.came.remove(peer);
            }
            Output::Event(Event::TargetResolved(_)) => self.came.clear(),
            Output::Event(Event::HeadersLinked { peer, .. }) if !self.linked.contains(peer) => self.linked.push(*peer),
            Output::Event(Event::Progress(progress)) => {
                for peer in &progress.peers {
                    let theirs = self.in_flight.values().filter(|(id, _)| *id == peer.peer);
                    let headers: u64 = theirs.map(|(_, headers)| headers).sum();
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

/// Here what comes of malicious peers is right, and stays in memory until the anchor has come down to it.
fn is_hoarded(state: &State<'_>) -> bool {
    state.options.attack.as_ref().is_some_and(|attack| attack.kind == Attack::Hoarders)
}

/// The share of a peer of which nothing was linked, twice, because responses may be longer than expected, and two
/// responses.
fn share(state: &State<'_>) -> u64 {
    let config = &state.options.config;
    2 * (config.staged_bytes_max / STRANGER_SHARE + config.request_bytes)
}
