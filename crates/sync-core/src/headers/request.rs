//! Requests in flight: peer, purpose, deadline. An entry lives from the send to the response, the deadline, the loss of
//! the connection or a cancel; after that the id is unknown and a response to it is ignored.
//!
//! Bounded by [`REQUESTS_IN_FLIGHT_MAX`](crate::config::REQUESTS_IN_FLIGHT_MAX) (kept by the caller) and, for requests
//! that were cancelled or reassigned, by [`LATE_REQUESTS_MAX`]: a late response still teaches how slow its peer is.
//!
//! A request that was *reassigned* (to a quicker peer, or to others when its peer is late) stays *outstanding* at the
//! peer that was asked first. A response before that time is over is late, and is used where no other peer has served
//! the numbers meanwhile; no response until then is silence. Otherwise a peer that never responds would never be
//! reported.
//!
//! Bytes of a response move the deadlines of all requests to the peer. A request that was *passed*, because the
//! response to a later one came first, has a deadline that does not move any more.

use alloc::{collections::VecDeque, vec::Vec};
use alloy_primitives::B256;
use core::time::Duration;

use super::Failures;
use crate::{
    config::{HEADERS_PER_REQUEST_MAX, LATE_REQUESTS_MAX},
    id::{PeerId, RequestId},
    time::Instant,
};
use header_rules::range::{BlockNumber, BlockRange};
use sorted::{SortedMap, SortedSet};

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A borrowed piece of the plan.
    Piece {
        /// The numbers, asked for falling.
        range: BlockRange,
        /// Failures of these numbers so far.
        failures: Failures,
        /// The hash that the highest of them must have, when it was asked for by hash.
        by_hash: Option<B256>,
    },
    /// Is there a header with this hash, and what is its number?
    Target(B256),
    /// Which header has the peer at this number? Its hash is a vote for a tip.
    Vote(BlockNumber),
    /// Which header has the peer at the height of the target? Its hash tells whether it is on the target's chain.
    ForkCheck(BlockNumber),
    /// Which header has the target's chain at this number? Asked while the common ancestor is sought.
    Ancestor(BlockNumber),
}

/// One request in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The peer that is asked.
    pub peer: PeerId,
    /// The purpose of the request.
    pub purpose: Purpose,
    /// Headers asked for.
    pub limit: u16,
    /// When it went out.
    pub sent: Instant,
    /// When it is overdue.
    pub deadline: Instant,
    /// Bytes that the response is expected to have.
    pub bytes: u64,
    /// Bytes in flight to this peer when it went out, this request included.
    pub window_used: u64,
    /// Did the response to a later request of the same peer come before this one?
    pub passed: bool,
}

/// A request that was cancelled or reassigned, and whose response may still come.
#[derive(Clone, Debug)]
struct Late {
    id: RequestId,
    request: InFlight,
    /// May its response still be used? Not once it was cancelled, the gap was closed, or its peer was found to be on
    /// another chain.
    usable: bool,
}

/// All requests in flight. See the [module](self).
#[derive(Debug, Default)]
pub struct Requests {
    next_id: u64,
    in_flight: SortedMap<RequestId, InFlight>,
    deadlines: SortedSet<(Instant, RequestId)>,
    /// Pieces in flight by their highest number.
    pieces: SortedMap<BlockNumber, RequestId>,
    late: VecDeque<Late>,
    /// Requests that were reassigned, by the moment at which their peer counts as silent; a subset of `late`.
    outstanding: SortedMap<(Instant, RequestId), PeerId>,
    bytes: u64,
}

impl Requests {
    /// Notes a request and gives it its id.
    pub fn send(&mut self, request: InFlight) -> RequestId {
        let limit = request.limit;
        debug_assert!((1..=HEADERS_PER_REQUEST_MAX).contains(&limit), "a request for {limit} headers");
        debug_assert!(request.deadline >= request.sent, "the deadline of a request is before it was sent");
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.bytes += request.bytes;
        self.deadlines.insert((request.deadline, id));
        if let Purpose::Piece { range, .. } = &request.purpose {
            let twice = self.pieces.insert(range.last(), id);
            debug_assert!(twice.is_none(), "{range} is borrowed twice");
            debug_assert_eq!(range.len(), u64::from(limit), "a piece is as long as its request");
        }
        self.in_flight.insert(id, request);
        debug_assert_eq!(self.deadlines.len(), self.in_flight.len(), "one deadline for each request in flight");
        id
    }

    /// Requests that were cancelled or reassigned, and whose responses may still come.
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// The request ended; `None` when the id is unknown (late, cancelled, never given out).
    pub fn finish(&mut self, id: RequestId) -> Option<InFlight> {
        let request = self.in_flight.remove(&id)?;
        debug_assert!(request.bytes <= self.bytes, "{} bytes leave of {} expected", request.bytes, self.bytes);
        self.bytes -= request.bytes;
        self.deadlines.remove(&(request.deadline, id));
        debug_assert_eq!(self.deadlines.len(), self.in_flight.len(), "one deadline for each request in flight");
        if let Purpose::Piece { range, .. } = &request.purpose {
            self.pieces.remove(&range.last());
        }
        Some(request)
    }

    /// Ends the request and remembers it: a late response teaches the round trip.
    pub fn cancel(&mut self, id: RequestId) -> Option<InFlight> {
        let request = self.finish(id)?;
        if self.late.len() == LATE_REQUESTS_MAX
            && let Some(forgotten) = self.late.pop_front()
        {
            self.outstanding.retain(|(_, id), _| *id != forgotten.id);
        }
        self.late.push_back(Late { id, request: request.clone(), usable: false });
        debug_assert!(self.late.len() <= LATE_REQUESTS_MAX, "{} late requests", self.late.len());
        Some(request)
    }

    /// Ends the request so that other peers may be asked; its response stays outstanding, and can be used, until
    /// `outstanding_until`.
    pub fn reassign(&mut self, id: RequestId, outstanding_until: Instant) -> Option<InFlight> {
        let request = self.cancel(id)?;
        if let Some(late) = self.late.back_mut() {
            late.usable = true;
        }
        self.outstanding.insert((outstanding_until, id), request.peer);
        debug_assert!(self.outstanding.len() <= self.late.len(), "a request is outstanding and not remembered");
        Some(request)
    }

    /// A peer whose outstanding response is overdue.
    pub fn overdue_peer(&self, now: Instant) -> Option<PeerId> {
        self.outstanding.first_key_value().filter(|((until, _), _)| *until <= now).map(|(_, peer)| *peer)
    }

    /// Takes out one outstanding request of the peer: its response is not awaited any more.
    pub fn pop_outstanding(&mut self, peer: PeerId) -> Option<RequestId> {
        let key = self.outstanding.iter().find(|(_, other)| **other == peer).map(|(key, _)| *key)?;
        self.outstanding.remove(&key);
        self.stop_using(|late| late.peer == peer);
        Some(key.1)
    }

    /// The connection is gone, and with it all outstanding responses.
    pub fn forget_outstanding(&mut self, peer: PeerId) {
        self.outstanding.retain(|_, other| *other != peer);
        self.stop_using(|late| late.peer == peer);
    }

    /// A reassigned request failed: returns its peer and when it was sent, if its response was still outstanding.
    pub fn take_outstanding(&mut self, id: RequestId) -> Option<(PeerId, Instant)> {
        let at = self.outstanding.keys().find(|(_, outstanding)| *outstanding == id).copied()?;
        let sent = self.late.iter().find(|late| late.id == id).map(|late| late.request.sent);
        Some((self.outstanding.remove(&at)?, sent.unwrap_or_default()))
    }

    /// Late responses to such requests are not used any more.
    pub fn stop_using(&mut self, which: impl Fn(&InFlight) -> bool) {
        self.late.iter_mut().filter(|late| which(&late.request)).for_each(|late| late.usable = false);
    }

    /// A response under an unknown id: the request, and whether the response may be used, once.
    pub fn take_late(&mut self, id: RequestId) -> Option<(InFlight, bool)> {
        let at = self.late.iter().position(|late| late.id == id)?;
        self.outstanding.retain(|(_, outstanding), _| *outstanding != id);
        self.late.remove(at).map(|late| (late.request, late.usable))
    }

    /// Bytes of a response came from this peer: none of its requests is overdue before `deadline`, and no outstanding one
    /// before `outstanding_until`. Of a whole response, `responded` is the request: requests sent before it are passed,
    /// and wait until `outstanding_until` at most.
    pub fn heard(&mut self, peer: PeerId, deadline: Instant, outstanding_until: Instant, responded: Option<RequestId>) {
        let is_passed = |id: RequestId| responded.is_some_and(|responded| id < responded);
        for (id, request) in self.in_flight.iter_mut().filter(|(_, request)| request.peer == peer && !request.passed) {
            self.deadlines.remove(&(request.deadline, *id));
            request.passed = is_passed(*id);
            request.deadline = request.deadline.max(if request.passed { outstanding_until } else { deadline });
            self.deadlines.insert((request.deadline, *id));
        }
        debug_assert_eq!(self.deadlines.len(), self.in_flight.len(), "one deadline for each request in flight");
        let theirs: Vec<_> =
            self.outstanding.iter().filter(|(_, other)| **other == peer).map(|(key, _)| *key).collect();
        for (until, id) in theirs.into_iter().filter(|(_, id)| !is_passed(*id)) {
            self.outstanding.remove(&(until, id));
            self.outstanding.insert((until.max(outstanding_until), id), peer);
        }
    }

    /// A request whose deadline has passed.
    pub fn expired(&self, now: Instant) -> Option<RequestId> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, id)| *id)
    }

    /// The next deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        let outstanding = self.outstanding.first_key_value().map(|((deadline, _), _)| *deadline);
        self.deadlines.first().map(|(deadline, _)| *deadline).into_iter().chain(outstanding).min()
    }

    /// When the oldest open or outstanding request of this peer was sent.
    pub fn oldest_of(&self, peer: PeerId) -> Option<Instant> {
        let outstanding = |id: RequestId| self.outstanding.keys().any(|(_, outstanding)| *outstanding == id);
        let late = self.late.iter().filter(|late| late.request.peer == peer && outstanding(late.id));
        let late = late.map(|late| late.request.sent);
        let open = self.in_flight.values().filter(|request| request.peer == peer).map(|request| request.sent);
        late.chain(open).min()
    }

    /// Any request to this peer.
    pub fn of_peer(&self, peer: PeerId) -> Option<RequestId> {
        self.in_flight.iter().find(|(_, request)| request.peer == peer).map(|(id, _)| *id)
    }

    /// The request, while it is in flight.
    pub fn get(&self, id: RequestId) -> Option<&InFlight> {
        self.in_flight.get(&id)
    }

    /// The requests in flight, in the order in which they went out.
    pub fn iter(&self) -> impl Iterator<Item = &InFlight> + '_ {
        self.in_flight.values()
    }

    /// A request with this purpose.
    pub fn find(&self, wanted: impl Fn(&InFlight) -> bool) -> Option<RequestId> {
        self.in_flight.iter().find(|(_, request)| wanted(request)).map(|(id, _)| *id)
    }

    /// How many requests have this purpose.
    pub fn count(&self, wanted: impl Fn(&InFlight) -> bool) -> usize {
        self.in_flight.values().filter(|request| wanted(request)).count()
    }

    /// The request whose piece ends, above, at `last`.
    pub fn piece_at(&self, last: BlockNumber) -> Option<(RequestId, &InFlight)> {
        let id = self.pieces.get(&last)?;
        Some((*id, self.in_flight.get(id)?))
    }

    /// The pieces in flight, from the top down.
    pub fn ranges(&self) -> impl Iterator<Item = BlockRange> + '_ {
        self.pieces.values().rev().filter_map(|id| match &self.in_flight.get(id)?.purpose {
            Purpose::Piece { range, .. } => Some(*range),
            Purpose::Target(_) | Purpose::Vote(_) | Purpose::ForkCheck(_) | Purpose::Ancestor(_) => None,
        })
    }

    /// Moves all sends and deadlines by `by`: the host slept for `by`. None is before `not_before`, so that what waits
    /// unread can be read.
    pub fn shift(&mut self, by: Duration, not_before: Instant) {
        self.deadlines.clear();
        for (id, request) in self.in_flight.iter_mut() {
            request.sent = request.sent + by;
            request.deadline = (request.deadline + by).max(not_before);
            self.deadlines.insert((request.deadline, *id));
        }
        self.late.iter_mut().for_each(|late| late.request.sent = late.request.sent + by);
        let outstanding = core::mem::take(&mut self.outstanding);
        self.outstanding
            .extend(outstanding.into_iter().map(|((at, id), peer)| (((at + by).max(not_before), id), peer)));
    }

    /// Bytes that are expected.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Requests in flight.
    pub fn total(&self) -> usize {
        self.in_flight.len()
    }
}
