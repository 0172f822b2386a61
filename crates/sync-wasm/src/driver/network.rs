//! What the network reports, and whom it is to dial.

use std::time::Duration;

use sync_core::{
    Input, PeerStatus,
    fault::{PeerFault, RequestFailure},
    id::PeerId,
    time::Instant,
};

use super::Driver;
use crate::{
    error::fault_info,
    message::Hint,
    network::{CloseReason, NetworkEvent, SessionKey, requests::Answer},
};

impl Driver {
    /// Dials whoever is due.
    pub(super) fn dial_due(&mut self, now: Instant) {
        while let Some(session) = self.book.due(now) {
            let Some(peer) = self.book.get(session.peer) else { break };
            if !self.swarm.dial(session, peer.identity, peer.addresses.clone()) {
                self.book.down(now, session);
                break;
            }
            self.report.changed();
        }
    }

    /// The page saw that dialling may succeed now.
    pub(super) fn hint(&mut self, now: Instant, hint: Hint) {
        match hint {
            Hint::Online | Hint::Visible => self.book.dial_all_now(now),
        }
    }

    /// Closes the connection to a peer; its end is reported as an event.
    pub(super) fn close(&mut self, peer: PeerId) {
        if let Some(known) = self.book.get(peer) {
            // When the queue of the swarm is full, dropping the outbox below ends the session, and with it the connection.
            let _ = self.swarm.close(known.identity);
        }
        self.disconnected(peer);
        self.report.changed_now();
    }

    /// What one event means.
    pub(super) fn handle_network(&mut self, now: Instant, event: NetworkEvent) {
        match event {
            NetworkEvent::DialFailed { session } => {
                self.book.down(now, session);
                self.report.changed_now();
            }
            NetworkEvent::Ready { session, status, address, outbox } => {
                if self.book.greeted(now, session, status, &address) {
                    self.outboxes.insert(session.peer, (session, outbox));
                    self.connected(now, session.peer, status);
                }
            }
            NetworkEvent::Range { session, served } => {
                if self.is_connected(session) {
                    self.book.heard(session, Some(served));
                    self.input(now, Input::PeerUpdated { peer: session.peer, served });
                }
            }
            NetworkEvent::Headers { session, wire_id, headers } => {
                if !self.is_connected(session) {
                    return;
                }
                self.book.heard(session, None);
                match self.requests.answer(session.peer, wire_id) {
                    Answer::Wanted(request) => self.input(now, Input::HeadersReceived { request, headers }),
                    Answer::Late => {}
                    Answer::Unsolicited => {
                        self.breach(now, session.peer, "answers a request that was never sent".into());
                    }
                }
            }
            NetworkEvent::Closed { session, reason } => self.closed(now, session, reason),
        }
    }

    fn is_connected(&self, session: SessionKey) -> bool {
        self.outboxes.get(&session.peer).is_some_and(|(current, _)| *current == session)
    }

    fn connected(&mut self, now: Instant, peer: PeerId, status: PeerStatus) {
        self.report.changed_now();
        self.keeper.changed();
        if self.machine.is_some() {
            if let Some(address) = self.book.get(peer).and_then(|known| known.place.clone()) {
                self.input(now, Input::PeerAddress { peer, address });
            }
            // A peer of another chain is told of that, whatever else is held against it.
            let left = self.ban_left(now, peer).filter(|_| status.chain_id == self.settings.chain_id);
            match left {
                Some(left) => self.hold_ban(now, peer, left),
                None => self.input(now, Input::PeerConnected { peer, status }),
            }
        }
        // While the store is being cleared: the machine that comes after hears of every connected peer.
    }

    /// How much longer the peer is banned, itself or its address, if it is.
    pub(super) fn ban_left(&self, now: Instant, peer: PeerId) -> Option<Duration> {
        let progress = self.progress(now)?;
        progress.peers.iter().find(|measured| measured.peer == peer)?.banned_for
    }

    /// Closes the connection to a banned peer; it is not dialled before the ban is over.
    pub(super) fn hold_ban(&mut self, now: Instant, peer: PeerId, left: Duration) {
        self.book.banned(now, peer, left);
        self.close(peer);
    }

    /// Somebody was banned, and the address with it: whoever else is connected there goes too.
    pub(super) fn hold_bans(&mut self, now: Instant) {
        self.keeper.changed_now();
        let peers = self.progress(now).map(|progress| progress.peers).unwrap_or_default();
        for measured in peers {
            if let Some(left) = measured.banned_for.filter(|_| self.outboxes.contains_key(&measured.peer)) {
                self.hold_ban(now, measured.peer, left);
            }
        }
    }

    fn closed(&mut self, now: Instant, session: SessionKey, reason: CloseReason) {
        if !self.book.is_current(session) {
            return;
        }
        match reason {
            CloseReason::Lost | CloseReason::HandshakeTimeout => {}
            CloseReason::Protocol(_) | CloseReason::UnsupportedProtocol => {
                self.breach(now, session.peer, reason.to_string());
            }
        }
        self.keeper.changed();
        // When only the stream ended, the connection must go too.
        self.close(session.peer);
        self.book.down(now, session);
    }

    /// A peer broke the protocol: the machine judges it by its request, if it has one; the connection is of no use.
    fn breach(&mut self, now: Instant, peer: PeerId, what: String) {
        match self.requests.any_of(peer) {
            Some(request) => {
                self.requests.cancel(request);
                let failure = RequestFailure::Protocol(what);
                self.input(now, Input::RequestFailed { request, failure });
            }
            None => self.show_fault(peer, fault_info(&PeerFault::Protocol(what)), false),
        }
        self.book.closing(now, peer);
        self.close(peer);
    }

    /// Forgets what hung on the connection, and tells the machine.
    fn disconnected(&mut self, peer: PeerId) {
        self.requests.peer_gone(peer);
        if self.outboxes.remove(&peer).is_some() {
            self.follow_up.push_back(Input::PeerDisconnected { peer });
        }
    }
}
