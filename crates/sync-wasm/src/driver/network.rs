//! Network events, and which peers to dial.

use std::time::Duration;

use sync_core::{Input, fault::PeerFault, id::PeerId, time::Instant};

use super::{Driver, view};
use crate::{
    browser_store::BrowserStore,
    error::fault_info,
    message::Hint,
    network::{
        CloseReason, NetworkEvent, Outgoing, SessionKey,
        dial_error::{DialError, DialErrorCode},
        peers::{Need, Peer},
        requests::Answer,
    },
};

impl<S: BrowserStore> Driver<S> {
    /// Closes connections that are of no use and slow dials, then dials the peers that are due.
    pub(super) fn dial_due(&mut self, now: Instant) {
        if self.book.next_look_at().is_some_and(|at| at <= now) {
            self.make_room(now);
        }
        if let Some(slow) = self.book.give_up_slow_dial(now) {
            self.close(slow);
        }
        while let Some(session) = self.book.due(now) {
            let Some(peer) = self.book.get(session.peer) else { break };
            if !self.swarm.dial(session, peer.identity, self.book.addresses(session.peer)) {
                self.book.down(now, session);
                break;
            }
            self.report.changed();
        }
    }

    /// When [`dial_due`](Self::dial_due) may have something to do.
    pub(super) fn next_dial_at(&self) -> Option<Instant> {
        let book = &self.book;
        [book.next_dial_at(), book.next_slow_dial_at(), book.next_look_at()].into_iter().flatten().min()
    }

    /// All connection slots are taken and other peers wait: closes the connections that are of no use.
    fn make_room(&mut self, now: Instant) {
        let (need, worth) = match self.progress(now) {
            Some(progress) => {
                let floor = self.settings.tuning.floor.unwrap_or(0);
                (view::need(&progress, floor), view::worth(&progress, floor))
            }
            // The store is being emptied.
            None => (Need::Nothing, Vec::new()),
        };
        for peer in self.book.replace(now, need, &worth) {
            self.close(peer);
        }
    }

    /// The page reports that dialling may succeed now, and that connections may be gone.
    pub(super) fn hint(&mut self, now: Instant, hint: Hint) {
        match hint {
            Hint::Online | Hint::Visible => {
                self.book.dial_all_now(now);
                for (_, outbox) in self.outboxes.values_mut() {
                    // A full outbox holds requests, which probe the connection as well.
                    let _ = outbox.try_send(Outgoing::Probe);
                }
            }
            Hint::Hidden => {}
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

    /// Handles one network event.
    pub(super) fn handle_network(&mut self, now: Instant, event: NetworkEvent) {
        match event {
            NetworkEvent::DialFailed { session, error } => {
                self.book.dial_failed(session, error);
                self.book.down(now, session);
                self.report.changed_now();
            }
            NetworkEvent::Ready { session, status, address, outbox } => {
                if self.book.greeted(now, session, status, &address) {
                    self.outboxes.insert(session.peer, (session, outbox));
                    self.connected(session.peer);
                }
            }
            NetworkEvent::Range { session, served } => {
                if self.is_connected(session) {
                    self.book.announced(session, served);
                    self.feed.push(Input::PeerUpdated { peer: session.peer, served });
                }
            }
            NetworkEvent::Progress { session } => {
                if self.is_connected(session) {
                    self.feed.push(Input::ResponseProgress { peer: session.peer });
                }
            }
            NetworkEvent::Headers { session, wire_id, headers } => {
                if !self.is_connected(session) {
                    return;
                }
                self.book.responded(session);
                match self.requests.answer(session.peer, wire_id) {
                    Answer::Wanted(request) => self.feed.push(Input::HeadersReceived { request, headers }),
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

    fn connected(&mut self, peer: PeerId) {
        self.report.changed_now();
        self.keeper.changed();
        // While the store is not open there is no machine; the next one is told of every connected peer.
        self.introduce(peer);
    }

    /// Tells the machine the address of a connected peer. After that, [`admit`](Self::admit) decides on the peer.
    pub(super) fn introduce(&mut self, peer: PeerId) {
        if let Some(address) = self.book.get(peer).and_then(|known| known.place.clone()) {
            self.feed.push(Input::PeerAddress { peer, address });
        }
        self.feed.push_admit(peer);
    }

    /// Tells the machine of a connected peer, unless the peer or its address is banned.
    pub(super) fn admit(&mut self, now: Instant, peer: PeerId) {
        let status = self.book.get(peer).and_then(Peer::status).filter(|_| self.outboxes.contains_key(&peer));
        let Some(status) = status else { return };
        // A wrong chain is reported even for a banned peer.
        match self.ban_left(now, peer).filter(|_| status.chain_id == self.settings.chain_id) {
            Some(left) => self.hold_ban(now, peer, left),
            None => self.feed.push(Input::PeerConnected { peer, status }),
        }
    }

    /// Remaining ban of the peer or of its address; `None` without a ban.
    pub(super) fn ban_left(&self, now: Instant, peer: PeerId) -> Option<Duration> {
        let progress = self.progress(now)?;
        progress.peers.iter().find(|measured| measured.peer == peer)?.banned_for
    }

    /// Closes the connection to a banned peer; it is not dialled before the ban ends.
    pub(super) fn hold_ban(&mut self, now: Instant, peer: PeerId, left: Duration) {
        self.book.banned(now, peer, left);
        self.close(peer);
    }

    /// Closes the connections of all peers at banned addresses.
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
        let code = match &reason {
            CloseReason::HandshakeTimeout | CloseReason::Silent => DialErrorCode::Timeout,
            CloseReason::UnsupportedProtocol => DialErrorCode::Unsupported,
            CloseReason::Lost | CloseReason::Protocol(_) => DialErrorCode::Refused,
        };
        self.book.dial_failed(session, DialError::new(code, reason.to_string()));
        match reason {
            CloseReason::Lost | CloseReason::HandshakeTimeout => {}
            CloseReason::Silent => self.book.silent(now, session.peer),
            // An honest peer that serves another protocol.
            CloseReason::UnsupportedProtocol => {
                self.show_fault(session.peer, fault_info(&PeerFault::Protocol(reason.to_string())), false);
            }
            CloseReason::Protocol(what) => self.breach(now, session.peer, what),
        }
        self.keeper.changed();
        // If only the stream ended, the connection must be closed too.
        self.close(session.peer);
        self.book.down(now, session);
    }

    /// A peer violated the protocol: the machine judges it, and the connection is closed. Its outstanding requests are
    /// released with the connection.
    fn breach(&mut self, now: Instant, peer: PeerId, what: String) {
        if self.feed.machine().is_some() && self.outboxes.contains_key(&peer) {
            self.feed.push(Input::PeerMisbehaved { peer, what });
        } else {
            self.show_fault(peer, fault_info(&PeerFault::Protocol(what)), false);
        }
        self.book.breached(now, peer);
        self.close(peer);
    }

    /// Drops the state of the connection, and tells the machine.
    fn disconnected(&mut self, peer: PeerId) {
        self.requests.peer_gone(peer);
        if self.outboxes.remove(&peer).is_some() {
            self.feed.push(Input::PeerDisconnected { peer });
        }
    }
}
