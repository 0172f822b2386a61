//! What follows when a peer announced something new ([`announcements`](crate::peers::announcements)).

use super::HeaderSync;
use crate::{id::PeerId, peers::announcements::News, time::Instant};

impl HeaderSync {
    /// A peer announced a range or a tip, connected, or disconnected.
    pub(super) fn announce(&mut self, now: Instant, peer: PeerId, news: News) {
        if self.peers.get(peer).is_some() {
            self.peers.announcements.note(now, peer, news);
        }
    }

    /// Evaluates the announcements of one peer, when they are due.
    pub(super) fn poll_announcements(&mut self, now: Instant) -> bool {
        let Some((peer, news)) = self.peers.announcements.pop_due(now) else { return false };
        if news == News::Tip {
            if let Some(known) = self.peers.get_mut(peer) {
                known.cooldowns.forget_branch();
            }
            self.strategy.refused.forget(peer);
        }
        self.target.dirty = true;
        self.update_floor(now);
        true
    }
}
