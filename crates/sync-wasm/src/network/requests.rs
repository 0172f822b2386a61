//! Outstanding responses: maps request ids on the wire to the machine's ids.
//!
//! Ids on the wire rise over the life of the worker and are never reused. So a response to a cancelled request, or to a
//! request of an earlier machine, is distinguished from an unsolicited one. A response counts only from the peer that
//! received the request. At most [`OWED_MAX`] outstanding responses are stored for each peer; above this the oldest is
//! dropped (if its response arrives, it is late).

use sorted::SortedMap;
use sync_core::id::{PeerId, RequestId};

/// Outstanding responses stored for one peer: a few times the machine's in-flight limit, to include cancelled requests.
const OWED_MAX: usize = 256;

/// The kind of a received response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Response to this request.
    Wanted(RequestId),
    /// Response to a request that was cancelled or dropped: no fault.
    Late,
    /// Response to a request that was never sent: a breach.
    Unsolicited,
}

/// Requests on the wire.
#[derive(Debug, Default)]
pub struct RequestTable {
    next_wire_id: u64,
    /// For each peer: id on the wire -> the machine's id, `None` once cancelled.
    owed: SortedMap<PeerId, SortedMap<u64, Option<RequestId>>>,
    /// The machine's id -> peer, and id on the wire.
    sent: SortedMap<RequestId, (PeerId, u64)>,
}

impl RequestTable {
    /// Adds a request to `peer`; returns its id on the wire.
    pub fn send(&mut self, peer: PeerId, request: RequestId) -> u64 {
        let wire_id = self.next_wire_id;
        self.next_wire_id += 1;
        let owed = self.owed.get_or_insert_with(peer, SortedMap::new);
        if owed.len() >= OWED_MAX
            && let Some((_, Some(forgotten))) = owed.pop_first()
        {
            self.sent.remove(&forgotten);
        }
        owed.insert(wire_id, Some(request));
        self.sent.insert(request, (peer, wire_id));
        wire_id
    }

    /// The machine cancelled the request.
    pub fn cancel(&mut self, request: RequestId) {
        if let Some((peer, wire_id)) = self.sent.remove(&request)
            && let Some(owed) = self.owed.get_mut(&peer)
        {
            owed.insert(wire_id, None);
        }
    }

    /// A response was received from `peer`.
    pub fn answer(&mut self, peer: PeerId, wire_id: u64) -> Answer {
        match self.owed.get_mut(&peer).and_then(|owed| owed.remove(&wire_id)) {
            Some(Some(request)) => {
                self.sent.remove(&request);
                Answer::Wanted(request)
            }
            Some(None) => Answer::Late,
            None if wire_id < self.next_wire_id => Answer::Late,
            None => Answer::Unsolicited,
        }
    }

    /// The oldest outstanding request to `peer`.
    pub fn any_of(&self, peer: PeerId) -> Option<RequestId> {
        self.owed.get(&peer)?.values().copied().flatten().next()
    }

    /// The connection to `peer` ended: no more responses follow.
    pub fn peer_gone(&mut self, peer: PeerId) {
        for request in
            self.owed.remove(&peer).into_iter().flat_map(SortedMap::into_iter).filter_map(|(_, request)| request)
        {
            self.sent.remove(&request);
        }
    }

    /// The machine was recreated: its old ids are invalid, but the responses may still arrive.
    pub fn cancel_all(&mut self) {
        self.sent.clear();
        for request in self.owed.values_mut().flat_map(SortedMap::values_mut) {
            *request = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(1);
    const OTHER: PeerId = PeerId(2);

    #[test]
    fn an_answer_counts_once_and_only_from_the_peer_that_was_asked() {
        let mut table = RequestTable::default();
        let wire_id = table.send(PEER, RequestId(7));
        assert_eq!(table.answer(OTHER, wire_id), Answer::Late);
        assert_eq!(table.answer(PEER, wire_id), Answer::Wanted(RequestId(7)));
        assert_eq!(table.answer(PEER, wire_id), Answer::Late);
        assert_eq!(table.answer(PEER, wire_id + 1), Answer::Unsolicited);
    }

    #[test]
    fn cancelled_requests_and_those_of_an_older_machine_are_late() {
        let mut table = RequestTable::default();
        let cancelled = table.send(PEER, RequestId(0));
        let old = table.send(PEER, RequestId(1));
        table.cancel(RequestId(0));
        table.cancel_all();
        let new = table.send(PEER, RequestId(0));
        assert_eq!(table.answer(PEER, cancelled), Answer::Late);
        assert_eq!(table.answer(PEER, old), Answer::Late);
        assert_eq!(table.answer(PEER, new), Answer::Wanted(RequestId(0)));
        assert!(table.sent.is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_empties_with_the_peer() {
        let mut table = RequestTable::default();
        for id in 0..2 * OWED_MAX as u64 {
            table.send(PEER, RequestId(id));
        }
        assert_eq!(table.sent.len(), OWED_MAX);
        table.peer_gone(PEER);
        assert!(table.sent.is_empty() && table.owed.is_empty());
    }
}
