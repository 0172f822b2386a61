//! Which strategy is in use, and what follows from it for the next request.
//!
//! This file combines the parts into the [`View`] that the selector decides by, once a second and whenever a gap opens or
//! a peer turns out to be on another branch, and reports each change in [`Event::StrategyChanged`].

use core::time::Duration;

use super::HeaderSync;
use crate::{
    headers::{Purpose, Strategy, strategy::View},
    io::{Event, Output},
    peers::{Peer, Rank},
    time::Instant,
};
use header_rules::range::BlockRange;

/// Interval between two evaluations, where nothing asks for one before.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl HeaderSync {
    /// Evaluates whether another strategy is better now.
    pub(super) fn poll_strategy(&mut self, now: Instant) -> bool {
        let Some(run) = self.phase.run() else { return false };
        let (front, bottom) = (run.anchor.number, run.bottom);
        let opened = self.strategy.gap.is_none();
        if opened {
            self.strategy.gap = Some(BlockRange::new(bottom, front).map_or(0, BlockRange::len));
        }
        let rested = self.strategy.looked_at.is_none_or(|at| now >= at + LOOK_EVERY);
        if run.complete || !(opened || rested || self.strategy.dirty) {
            return false;
        }
        self.strategy.looked_at = Some(now);
        self.strategy.dirty = false;
        let view = self.view(now);
        let Some((to, why)) = self.strategy.selector.decide(now, &view) else { return false };
        self.out.push_back(Output::Event(Event::StrategyChanged { to, why }));
        true
    }

    /// When another strategy, or a peer that refused, may be tried although nothing happens.
    pub(super) fn strategy_wakeup(&self, now: Instant) -> Option<Instant> {
        if self.phase.run().is_none() || self.host.is_paused {
            return None;
        }
        let looked = self.strategy.looked_at.map_or(now, |at| at + LOOK_EVERY);
        let change = self.strategy.selector.next_wakeup(now).map(|at| at.max(looked));
        let asked_again = Some(self.strategy.refused.until).filter(|until| *until > now);
        [change, asked_again].into_iter().flatten().min()
    }

    /// What the selector sees.
    fn view(&self, now: Instant) -> View {
        let Some(run) = self.phase.run() else { return View::default() };
        let front = run.anchor.number;
        let could = |peer: &Peer| peer.serves(now).is_some_and(|range| range.contains(front));
        // Peers without verified headers count only where no verified peer serves the front.
        let is_verified = |peer: &Peer| peer.rank() == Rank::Verified;
        let has_verified = self.peers.usable(now).any(|(_, peer)| could(peer) && is_verified(peer));
        let could = self.peers.usable(now).filter(|(_, peer)| could(peer) && (!has_verified || is_verified(peer)));
        let (mut peers, mut disagreeing) = (0, 0);
        let mut may_agree = false;
        for (_, peer) in could {
            peers += 1;
            let agrees = peer.numbers(now).is_some_and(|numbers| numbers.contains(front));
            disagreeing += usize::from(!agrees);
            may_agree |= agrees && peer.may_ask(now) && (has_verified || self.strategy.stats.linked == 0);
        }
        let in_flight = self.downloader.requests.piece_at(front).and_then(|(_, request)| match &request.purpose {
            Purpose::Piece { failures, .. } => Some(failures),
            _ => None,
        });
        let failures = self.downloader.plan.failures_at(front).or(in_flight);
        View {
            front,
            gap: self.strategy.gap.unwrap_or(u64::MAX),
            peers,
            // One verified peer that agrees brings more by number, with many requests at a time, than all others by
            // hash; before anything is linked, one peer that may agree is enough.
            disagreeing: if may_agree { 0 } else { disagreeing },
            hash_unknown: self.is_front_refused(now),
            front_failures: failures.map_or(0, |failures| failures.attempts()),
        }
    }

    /// Have all peers that serve the anchor's number responded that they do not have its hash?
    pub(super) fn is_front_refused(&self, now: Instant) -> bool {
        let Some(run) = self.phase.run() else { return false };
        let anchor = run.anchor;
        let could = |peer: &Peer| peer.serves(now).is_some_and(|range| range.contains(anchor.number));
        let mut asked = self.peers.usable(now).filter(|(_, peer)| could(peer)).peekable();
        asked.peek().is_some() && asked.all(|(id, _)| self.strategy.refused.contains(now, anchor.hash, id))
    }

    /// Headers in one request to this peer: as many as its byte window holds, at most its request size.
    pub(super) fn request_headers(&self, peer: &Peer, header_bytes: u64) -> u64 {
        debug_assert!(header_bytes > 0, "a header of no bytes");
        (peer.window.request_bytes() / header_bytes).clamp(1, u64::from(peer.batch.limit()))
    }

    /// The strategy in use.
    pub fn strategy(&self) -> Strategy {
        self.strategy.selector.current()
    }
}
