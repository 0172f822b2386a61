//! Calls of the page.

use std::rc::Rc;

use sync_core::{Input, progress::SyncStage, time::Instant};

use super::{Driver, view};
use crate::{
    browser_store::BrowserStore,
    command::Command,
    message::{Call, LISTED_PEERS_MAX},
    network::peers::Added,
};

impl<S: BrowserStore> Driver<S> {
    /// Executes a command. Returns the call that stops the sync.
    pub(super) fn handle_command(&mut self, now: Instant, command: Command) -> Option<f64> {
        match command {
            Command::Call { id, call } => return self.handle_call(now, id, call),
            Command::Hint(hint) => self.hint(now, hint),
            Command::Damaged(at) => self.store.damage_found(now, at),
            Command::FollowerJoined => self.report.changed_now(),
        }
        None
    }

    fn handle_call(&mut self, now: Instant, id: f64, call: Call) -> Option<f64> {
        match call {
            Call::GetHeader(key) => self.reader.header(id, key),
            Call::GetHeaders { from, to } => self.reader.headers(id, from, to),
            Call::Peers => {
                let measured = self.progress(now).map(|progress| progress.peers).unwrap_or_default();
                self.port.reply(id, &view::peers(&self.book, &measured));
            }
            Call::AddPeer(multiaddr) => match self.book.add(now, &multiaddr) {
                Ok(added) => {
                    if let Added::Redial(peer) = added {
                        self.close(peer);
                    }
                    self.report.changed_now();
                    self.port.reply_done(id);
                }
                Err(error) => self.port.reply_error(id, &error),
            },
            Call::AddListedPeers(multiaddrs) => {
                let added = self.book.add_listed(now, &multiaddrs);
                for peer in added.redial {
                    self.close(peer);
                }
                self.port.peers_skipped(added.skipped);
                self.configured(now, multiaddrs);
                self.report.changed_now();
                self.port.reply_done(id);
            }
            Call::Pause => self.pause(id, true),
            Call::Resume => self.pause(id, false),
            Call::Clear => self.clear(id),
            Call::Stats => {
                let memory = self.progress(now).map_or(0, |progress| progress.memory_bytes);
                let stats = self.report.stats(&self.counters, memory, self.book.connected());
                self.port.reply(id, &stats);
            }
            Call::Recording => self.port.reply_bytes(id, self.feed.recorder().file()),
            Call::Stop => return Some(id),
        }
        None
    }

    /// The list came after the start. The default quorum depends on how many peers are configured: while none of them
    /// was connected, the machine is recreated with the quorum for the list. Later it keeps its quorum.
    fn configured(&mut self, now: Instant, multiaddrs: Vec<String>) {
        let before = self.settings.config(self.seed);
        let listed = &mut Rc::make_mut(&mut self.settings).listed_peers;
        for multiaddr in multiaddrs {
            if listed.len() < LISTED_PEERS_MAX && !listed.contains(&multiaddr) {
                listed.push(multiaddr);
            }
        }
        let finds_peers = self.progress(now).is_some_and(|progress| progress.stage == SyncStage::FindingPeers);
        if finds_peers && self.outboxes.is_empty() && self.store.is_quiet() && before != self.settings.config(self.seed)
        {
            self.start_machine(now);
        }
    }

    fn pause(&mut self, id: f64, paused: bool) {
        self.paused = paused;
        self.feed.push(Input::Paused(paused));
        self.report.changed_now();
        self.port.reply_done(id);
    }
}
