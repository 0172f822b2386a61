//! Executes the machine's outputs; creates and recreates the machine.

use header_wire::{GetBlockHeaders, HashOrNumber, Message};
use sync_core::{
    Event, HeaderSync, HeadersRequest, Input, Output, StartBlock, SyncConfig,
    fault::{PeerFault, RequestFailure, Verdict},
    id::PeerId,
    progress::Progress,
    time::Instant,
};

use super::Driver;
use crate::{
    browser_store::BrowserStore, error::fault_info, message::ErrorInfo, network::Outgoing, store_queue::StoreOp,
};

impl<S: BrowserStore> Driver<S> {
    /// Creates a machine that resumes from the stored checkpoint. Passes it the peer data, target, pause state and
    /// connected peers.
    pub(super) fn start_machine(&mut self, now: Instant) {
        self.requests.cancel_all();
        self.store.machine_replaced();
        let config = self.settings.config(self.seed);
        let known = self.peers_known(now);
        let (chain, checkpoint) = (self.settings.chain(), self.store.checkpoint());
        self.feed.recorder_mut().start(now, &config, &chain, checkpoint, known.as_ref());
        let mut machine = HeaderSync::new(config, chain, checkpoint.cloned());
        if let Some(known) = known {
            machine.restore_peers(now, &known);
        }
        self.feed.replace(Some(machine));
        self.reader.resolve_target(None);
        self.feed.push(Input::TargetChanged(self.settings.target));
        if let Some(pinned) = self.pinned.clone() {
            self.feed.push(Input::TargetStored(pinned));
        }
        if self.paused {
            self.feed.push(Input::Paused(true));
        }
        let connected: Vec<_> = self.outboxes.keys().copied().collect();
        connected.into_iter().for_each(|peer| self.introduce(peer));
        self.report.changed();
    }

    /// The machine's progress, computed now.
    pub(super) fn progress(&self, now: Instant) -> Option<Progress> {
        self.feed.machine().map(|machine| machine.progress(now))
    }

    /// Executes one output of the machine.
    pub(super) fn execute(&mut self, now: Instant, output: Output) {
        match output {
            Output::Request(request) => self.send_request(request),
            Output::Cancel(request) => self.requests.cancel(request),
            Output::Penalize { peer, fault, verdict } => self.penalize(now, peer, &fault, verdict),
            Output::Persist(batch) => self.store.push(StoreOp::Persist(batch)),
            Output::Lookup { id, numbers } => self.store.push(StoreOp::Lookup { id, numbers }),
            Output::Unwind { to, checkpoint } => self.store.push(StoreOp::Unwind { to, checkpoint }),
            Output::Event(event) => self.show(now, event),
            // The feed stores it.
            Output::Timeout(_) => {}
        }
    }

    fn send_request(&mut self, request: HeadersRequest) {
        let wire_id = self.requests.send(request.peer, request.id);
        let message = Message::GetBlockHeaders(GetBlockHeaders {
            request_id: wire_id,
            start: match request.start {
                StartBlock::Hash(hash) => HashOrNumber::Hash(hash),
                StartBlock::Number(number) => HashOrNumber::Number(number),
            },
            limit: u64::from(request.limit),
            skip: 0,
            reverse: true,
        });
        let outbox = self.outboxes.get_mut(&request.peer);
        let sent = outbox.is_some_and(|(_, outbox)| outbox.try_send(Outgoing::Message(message)).is_ok());
        if sent {
            self.requests_waiting = true;
            self.report.stats.requests_sent += 1.0;
        } else {
            // The session is ending or does not read; its end is reported separately.
            self.requests.cancel(request.id);
            let failed = Input::RequestFailed { request: request.id, failure: RequestFailure::Disconnected };
            self.feed.push(failed);
        }
    }

    fn penalize(&mut self, now: Instant, peer: PeerId, fault: &PeerFault, verdict: Verdict) {
        let banned = verdict == Verdict::Banned;
        self.show_fault(peer, fault_info(fault), banned);
        if matches!(fault, PeerFault::WrongChain { .. }) {
            self.book.on_wrong_chain(now, peer);
            self.close(peer);
        } else if banned {
            let left = self.ban_left(now, peer).unwrap_or(SyncConfig::default().ban);
            self.hold_ban(now, peer, left);
            self.hold_bans(now);
        } else if matches!(fault, PeerFault::Timeout) && self.book.timed_out(peer) {
            // A peer that restarted leaves a connection that looks open and never responds.
            self.book.silent(now, peer);
            self.close(peer);
        }
    }

    /// Reports a peer's fault to the page.
    pub(super) fn show_fault(&mut self, peer: PeerId, fault: ErrorInfo, banned: bool) {
        self.keeper.changed();
        self.book.fault(peer, fault.clone());
        if let Some(known) = self.book.get(peer) {
            self.report.fault(known, fault, banned);
        }
    }

    fn show(&mut self, now: Instant, event: Event) {
        match event {
            // Linked headers are part of the progress.
            Event::HeadersLinked { .. } => {}
            Event::Progress(_) => self.report.changed(),
            Event::TargetResolved(target) => {
                self.reader.resolve_target(Some(target));
                self.report.changed_now();
            }
            Event::Stalled(_) | Event::Resumed => self.report.changed_now(),
            // The page sees peers in the progress. The direction of requests in the gap is internal to the machine.
            Event::PeerHealth(_) | Event::StrategyChanged { .. } => {}
            Event::DetachedHead { local, expected } => self.report.detached_head(local, expected),
            Event::Reorg { reverted, adopted } => self.report.reorg(reverted, adopted),
            Event::Synced { head } => {
                // The progress with the last header is sent before the end of the sync.
                self.report_now(now);
                self.report.synced(head);
            }
        }
    }
}
