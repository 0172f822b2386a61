//! Correlation: every request has an id of its own and ends once, in one way; the store is asked for one thing at a
//! time; no peer is asked that is disconnected or banned; no request is sent while the user pauses the sync; events
//! come in pairs where they should.

use std::collections::BTreeMap;

use sync_core::{
    Event, Input, Output,
    fault::Verdict,
    id::{BatchId, PeerId, RequestId},
};

use super::{Check, Checker};
use crate::{network::Micros, state::State};

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Open(PeerId),
    Responded,
    Lost,
    Cancelled,
}

#[derive(Debug, Default)]
pub(super) struct Correlation {
    requests: BTreeMap<RequestId, Stand>,
    next_request: u64,
    writing: bool,
    last_batch: Option<BatchId>,
    refused: Option<BatchId>,
    banned: BTreeMap<PeerId, Micros>,
    stalled: bool,
}

impl Checker for Correlation {
    fn name(&self) -> &'static str {
        "correlation"
    }

    fn on_session(&mut self, _state: &State<'_>) -> Check {
        *self = Self::default();
        Ok(())
    }

    fn on_input(&mut self, _state: &State<'_>, input: &Input) -> Check {
        match input {
            Input::HeadersReceived { request, .. } => self.end(*request, Stand::Responded),
            Input::RequestFailed { request, .. } => self.end(*request, Stand::Lost),
            Input::PeerDisconnected { peer } | Input::PeerConnected { peer, .. } => {
                for stand in self.requests.values_mut().filter(|stand| **stand == Stand::Open(*peer)) {
                    *stand = Stand::Lost;
                }
            }
            Input::BatchPersisted { .. } | Input::Unwound { .. } => self.writing = false,
            Input::PersistFailed { batch, .. } => (self.writing, self.refused) = (false, Some(*batch)),
            _ => {}
        }
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Request(request) => {
                if request.id.0 != self.next_request {
                    return Err(format!("{} follows request {}", request.id, self.next_request));
                }
                self.next_request += 1;
                self.requests.insert(request.id, Stand::Open(request.peer));
                if !(1..=1_024).contains(&request.limit) {
                    return Err(format!("{} asks for {} headers", request.id, request.limit));
                }
                if state.peers.get(request.peer.0 as usize).is_none_or(|peer| !peer.connected) {
                    return Err(format!("{} goes to {}, which is not connected", request.id, request.peer));
                }
                if self.banned.get(&request.peer).is_some_and(|until| state.now < *until) {
                    return Err(format!("{} goes to {}, which is banned", request.id, request.peer));
                }
                if state.paused {
                    return Err(format!("{} goes out while the sync is held", request.id));
                }
                Ok(())
            }
            Output::Cancel(id) => match self.requests.insert(*id, Stand::Cancelled) {
                Some(Stand::Open(_)) => Ok(()),
                before => Err(format!("{id} is cancelled, but it stands {before:?}")),
            },
            Output::Persist(batch) => {
                let again = self.refused.take() == Some(batch.id());
                if !again && self.last_batch.is_some_and(|last| last >= batch.id()) {
                    return Err(format!("{} comes after {:?}", batch.id(), self.last_batch));
                }
                self.last_batch = Some(batch.id());
                self.write(state)
            }
            Output::Unwind { .. } => self.write(state),
            Output::Penalize { peer, verdict: Verdict::Banned, .. } => {
                let ban = state.options.config.ban.as_micros() as Micros;
                self.banned.insert(*peer, state.now + ban);
                Ok(())
            }
            Output::Event(Event::Stalled(_)) => {
                self.stalled = true;
                Ok(())
            }
            Output::Event(Event::Resumed) if !core::mem::take(&mut self.stalled) => {
                Err("resumed, although nothing was stalled".into())
            }
            _ => Ok(()),
        }
    }
}

impl Correlation {
    /// The first end counts; a late or doubled response is from the world, not from the machine.
    fn end(&mut self, id: RequestId, how: Stand) {
        if let Some(stand) = self.requests.get_mut(&id)
            && matches!(stand, Stand::Open(_))
        {
            *stand = how;
        }
    }

    fn write(&mut self, state: &State<'_>) -> Check {
        if core::mem::replace(&mut self.writing, true) || state.store_is_busy {
            return Err("the store is asked for a second thing before it responded".into());
        }
        Ok(())
    }
}
