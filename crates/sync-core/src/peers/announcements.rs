//! Announcements of peers: noted at once, and evaluated a few times a second.
//!
//! A peer may announce as often as it likes, and connect again as often. What it serves is noted each time, because it
//! must never be asked for more. The consequences (which tip has a majority, whether a peer is asked again) cost work
//! and requests, and are evaluated once in [`ANNOUNCEMENTS_EVERY`] for each peer: the first time at once, and then the
//! last announcement counts.

use core::time::Duration;

use crate::{
    config::{ANNOUNCEMENTS_EVERY, PEERS_MAX},
    id::PeerId,
    time::Instant,
};
use sorted::{SortedMap, SortedSet};

/// The announcement of a peer that was not evaluated yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing.
    #[default]
    None,
    /// It serves another range, or it came or left.
    Range,
    /// Its highest block is another one.
    Tip,
}

#[derive(Debug, Default)]
struct Record {
    /// When it last announced another highest block in this connection.
    tip_at: Option<Instant>,
    looked_at: Option<Instant>,
    waiting: News,
}

/// Peers that connected in this session, until they are a fair sample: more than half of those configured, or all that
/// came in a while.
#[derive(Debug, Default)]
pub struct FairSample {
    /// At most half of those configured, and one.
    peers: SortedSet<PeerId>,
    /// When the first of them connected.
    since: Option<Instant>,
}

impl FairSample {
    /// A peer announced its range, for the first time in this session or again.
    pub fn note(&mut self, now: Instant, peer: PeerId, expected: usize) {
        self.since.get_or_insert(now);
        // More than half is all that is asked for; so the set is bounded.
        if self.peers.len() * 2 <= expected.min(PEERS_MAX) {
            self.peers.insert(peer);
        }
        debug_assert!(self.peers.len() <= PEERS_MAX / 2 + 1, "a sample of {} peers", self.peers.len());
    }

    /// Did more than half of so many speak?
    pub fn is_most_of(&self, expected: usize) -> bool {
        self.peers.len() * 2 > expected
    }

    /// When the first spoke.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Moves the time that it counts from.
    pub fn shift(&mut self, moved: impl Fn(Instant) -> Instant) {
        self.since = self.since.map(moved);
    }
}

/// Announcements of all peers: one record for each peer that is remembered.
#[derive(Debug, Default)]
pub struct Announcements {
    /// Peers that announced a range.
    pub sample: FairSample,
    records: SortedMap<PeerId, Record>,
    /// When the next of those that wait is looked at.
    due_at: Option<Instant>,
}

impl Announcements {
    /// When the peer last announced another highest block.
    pub fn tip_at(&self, peer: PeerId) -> Option<Instant> {
        self.records.get(&peer).and_then(|record| record.tip_at)
    }

    /// Does an announcement of the peer wait to be evaluated? Then it gets no vote request, which the announcement may
    /// make unnecessary.
    pub fn is_waiting(&self, peer: PeerId) -> bool {
        self.records.get(&peer).is_some_and(|record| record.waiting != News::None)
    }

    /// The connection is gone, or another one.
    pub fn forget_tip(&mut self, peer: PeerId) {
        if let Some(record) = self.records.get_mut(&peer) {
            record.tip_at = None;
        }
    }

    /// When the next of them is looked at.
    pub fn due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// What was announced counts as announced so much later.
    pub fn shift(&mut self, by: Duration) {
        for record in self.records.values_mut() {
            record.tip_at = record.tip_at.map(|at| at + by);
        }
    }

    /// Forgets peers that are not remembered.
    pub fn keep_only(&mut self, known: impl Fn(PeerId) -> bool) {
        self.records.retain(|peer, _| known(*peer));
    }

    /// A peer says something new, or comes, or leaves.
    pub fn note(&mut self, now: Instant, peer: PeerId, news: News) {
        let record = self.records.get_or_insert_with(peer, Record::default);
        if news == News::Tip {
            record.tip_at = Some(now);
        }
        record.waiting = record.waiting.max(news);
        let at = record.next_look().unwrap_or(now);
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }

    /// What is to be looked at now, of one peer.
    pub fn pop_due(&mut self, now: Instant) -> Option<(PeerId, News)> {
        if self.due_at.is_none_or(|at| at > now) {
            return None;
        }
        let is_due = |record: &Record| record.waiting != News::None && record.next_look().is_none_or(|at| at <= now);
        let due = self.records.iter_mut().find(|(_, record)| is_due(record));
        let due = due.map(|(peer, record)| (*peer, record.look(now)));
        if due.is_none() {
            let waiting = self.records.values().filter(|record| record.waiting != News::None);
            self.due_at = waiting.filter_map(Record::next_look).min();
        }
        due
    }
}

impl Record {
    fn next_look(&self) -> Option<Instant> {
        self.looked_at.map(|at| at + ANNOUNCEMENTS_EVERY)
    }

    fn look(&mut self, now: Instant) -> News {
        self.looked_at = Some(now);
        core::mem::take(&mut self.waiting)
    }
}
