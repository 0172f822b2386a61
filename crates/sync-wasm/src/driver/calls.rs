//! What the page calls.

use sync_core::{Input, time::Instant};

use super::{Driver, view};
use crate::{command::Command, message::Call, network::peers::Added};

impl Driver {
    /// Does what is called for; gives the call that stops the sync.
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
            Call::Stop => return Some(id),
        }
        None
    }

    fn pause(&mut self, id: f64, paused: bool) {
        self.paused = paused;
        self.feed.push(Input::Paused(paused));
        self.report.changed_now();
        self.port.reply_done(id);
    }
}
