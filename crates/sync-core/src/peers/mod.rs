//! Peers: the range that each serves, its limits in flight, and its score.
//!
//! [`Peers`] knows nothing of headers or ranges to fetch; it lists the peers that may be asked now ([`scheduler`]) and
//! keeps the state of each: its window ([`budget`]), how many headers it gives at once ([`batch_size`]), its last round
//! trips ([`round_trips`]), whether it is late ([`liveness`]), what it has shown ([`evidence`]), what was verified of
//! it lately ([`rate`]), its record ([`reputation`]), what it is not asked for ([`cooldowns`]), where it is reached
//! ([`address`]). [`peer_store`] keeps the part that outlives a session, [`health`] shows all of it. At most
//! [`PEERS_MAX`] peers are remembered; a new one takes the place of the one that is gone for longest, and is not taken
//! in when all are connected. An attacker with many identities gains a place in the table for each connection that the
//! host accepts, and no more.

pub mod address;
pub mod announcements;
pub mod batch_size;
pub mod budget;
pub mod cooldowns;
pub mod evidence;
pub mod health;
pub mod liveness;
mod peer;
pub mod peer_store;
pub mod rate;
pub mod reputation;
pub mod round_trips;
pub mod scheduler;

use alloc::vec::Vec;
use core::time::Duration;

pub use address::PeerAddress;
pub use batch_size::BatchSize;
pub use budget::ByteWindow;
pub use evidence::{Evidence, Rank};
pub use health::PeerHealth;
pub use liveness::Liveness;
pub use peer::Peer;
pub use peer_store::{PeerBook, PeerRecord};
pub use reputation::Reputation;

use self::{
    address::AddressBans,
    announcements::Announcements,
    cooldowns::Cooldowns,
    liveness::{DEADLINE_ROUND_TRIPS, SILENCE_MIN},
    rate::Rate,
    round_trips::RoundTrips,
    scheduler::Scheduler,
};

use crate::{
    config::{PEERS_MAX, SyncConfig},
    fault::{PeerFault, Verdict},
    id::PeerId,
    time::Instant,
};
use header_rules::{
    block::{PeerStatus, ServedRange},
    range::BlockNumber,
};
use sorted::SortedMap;

/// Interval at which the median of the peers is measured: it moves slowly, and measuring costs a sort.
const MEDIAN_EVERY: Duration = Duration::from_millis(100);

/// All peers. See the [module](self).
#[derive(Debug)]
pub struct Peers {
    config: SyncConfig,
    table: SortedMap<PeerId, Peer>,
    bans: AddressBans,
    /// The deadline that the median peer needs: the shortest deadline of any peer.
    fair_deadline: Option<Duration>,
    measured_at: Option<Instant>,
    scheduler: Scheduler,
    /// What they announced.
    pub announcements: Announcements,
}

impl Peers {
    /// No peers.
    pub fn new(config: &SyncConfig) -> Self {
        Self {
            config: config.clone(),
            table: SortedMap::new(),
            bans: AddressBans::default(),
            fair_deadline: None,
            measured_at: None,
            scheduler: Scheduler::new(config.seed),
            announcements: Announcements::default(),
        }
    }

    /// Forgets what was announced by peers that are not remembered.
    pub fn forget_unknown_announcements(&mut self) {
        let table = &self.table;
        self.announcements.keep_only(|peer| table.contains_key(&peer));
    }

    /// The peer finished the handshake. `false` when there is no place for it.
    pub fn connect(&mut self, now: Instant, id: PeerId, status: &PeerStatus, same_chain: bool) -> bool {
        if !self.table.contains_key(&id) && self.table.len() >= PEERS_MAX {
            let gone =
                self.table.iter().filter(|(_, peer)| !peer.connected).min_by_key(|(id, peer)| (peer.since, **id));
            let Some(gone) = gone.map(|(id, _)| *id) else { return false };
            self.table.remove(&gone);
        }
        if !self.table.contains_key(&id) {
            let stranger = self.stranger(now);
            self.table.insert(id, stranger);
        }
        let start = self.config.window_bytes_start;
        let Some(peer) = self.table.get_mut(&id) else { return false };
        if !peer.connected {
            peer.window.reconnected(start);
            peer.reputation.reconnected();
            peer.liveness = Liveness::Responsive;
            peer.responded_at = None;
            peer.responded_sent = None;
            peer.since = now;
        }
        peer.connected = true;
        peer.announce(status.served);
        peer.same_chain = same_chain;
        debug_assert!(self.table.len() <= PEERS_MAX, "{} peers are remembered", self.table.len());
        true
    }

    /// A new record, not connected.
    fn stranger(&self, now: Instant) -> Peer {
        Peer {
            connected: false,
            served: ServedRange::NOTHING,
            same_chain: true,
            window: ByteWindow::new(&self.config),
            batch: BatchSize::default(),
            trips: RoundTrips::default(),
            evidence: Evidence::default(),
            liveness: Liveness::default(),
            failed_at: None,
            responded_at: None,
            responded_sent: None,
            rate: Rate::default(),
            cooldowns: Cooldowns::default(),
            reputation: Reputation::new(&self.config),
            address: None,
            address_banned_until: None,
            headers: 0,
            headers_before: 0,
            linked_at: None,
            bytes: 0,
            since: now,
        }
    }

    /// The host names the peer's address. A ban of the address holds for the peer; and a new peer takes over the record
    /// of a disconnected peer with the same address: it is the same one under another id.
    pub fn note_address(&mut self, now: Instant, id: PeerId, address: PeerAddress) {
        let banned_until = self.bans.until(now, &address);
        let gone = self
            .table
            .iter()
            .find(|(other, peer)| **other != id && !peer.connected && peer.address.as_ref() == Some(&address));
        let gone = gone.map(|(other, _)| *other);
        let is_new = self
            .table
            .get(&id)
            .is_none_or(|peer| peer.headers == 0 && peer.headers_before == 0 && peer.reputation.faults() == 0);
        if !self.table.contains_key(&id) && self.table.len() < PEERS_MAX {
            let stranger = self.stranger(now);
            self.table.insert(id, stranger);
        }
        debug_assert!(self.table.len() <= PEERS_MAX, "{} peers are remembered", self.table.len());
        let before = if is_new { gone.and_then(|gone| self.table.remove(&gone)) } else { None };
        if before.is_some() {
            self.forget_unknown_announcements();
        }
        let Some(peer) = self.table.get_mut(&id) else { return };
        if let Some(before) = before {
            peer.headers_before = before.headers_before.saturating_add(before.headers);
            peer.reputation = before.reputation;
            peer.evidence.inherit(before.evidence);
        }
        peer.address_banned_until = banned_until;
        peer.address = Some(address);
    }

    /// How long to wait for a response of this peer: what its own round trips ask for, and never less than the median
    /// peer needs, so that neither one quick peer nor its own quick past dooms it.
    pub fn deadline(&self, peer: &Peer) -> Duration {
        let fair = self.fair_deadline.map_or(Duration::ZERO, |fair| fair + self.config.deadline_min);
        peer.window.deadline().max(fair.min(self.config.deadline_max))
    }

    /// How long nothing must come of this peer, while responses are awaited, until that is a fault.
    pub fn silence(&self, peer: &Peer) -> Duration {
        let trips = peer.window.round_trip().unwrap_or_default() * DEADLINE_ROUND_TRIPS;
        let (deadline, silence) = (self.deadline(peer), (self.deadline(peer) * 2).max(trips + SILENCE_MIN));
        debug_assert!(silence > deadline, "a peer is silent after {silence:?} and late after {deadline:?}");
        silence
    }

    /// A late peer that counts as silent now.
    pub fn silent(&self, now: Instant) -> Option<PeerId> {
        let due = |peer: &Peer| peer.liveness.fault_at().is_some_and(|at| at <= now);
        self.table.iter().find(|(_, peer)| due(peer)).map(|(id, _)| *id)
    }

    /// The host slept for `by`: moves the moments that count against peers.
    pub fn shift(&mut self, by: Duration, not_before: Instant) {
        for peer in self.table.values_mut() {
            peer.liveness.shift(by, not_before);
            peer.responded_at = peer.responded_at.map(|at| at + by);
            peer.responded_sent = peer.responded_sent.map(|at| at + by);
            peer.window.shift(by);
        }
    }

    /// The connection is gone.
    pub fn disconnect(&mut self, now: Instant, id: PeerId) {
        if let Some(peer) = self.table.get_mut(&id) {
            debug_assert_eq!(peer.window.requests(), 0, "requests in flight to {id}, whose connection is gone");
            peer.connected = false;
            peer.since = now;
        }
    }

    /// The peer, if it is known.
    pub fn get(&self, id: PeerId) -> Option<&Peer> {
        self.table.get(&id)
    }

    /// The peer, if it is known.
    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.table.get_mut(&id)
    }

    /// Every peer that is remembered, by id.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> + '_ {
        self.table.iter().map(|(id, peer)| (*id, peer))
    }

    /// Connected peers on our chain that are not banned, by id.
    pub fn usable(&self, now: Instant) -> impl Iterator<Item = (PeerId, &Peer)> + '_ {
        self.iter().filter(move |(_, peer)| peer.is_usable(now))
    }

    /// See [`Scheduler::candidates`].
    pub fn candidates(&mut self, now: Instant) -> Vec<PeerId> {
        let mut scheduler = self.scheduler;
        let ordered = scheduler.candidates(self.usable(now), now);
        self.scheduler = scheduler;
        ordered
    }

    /// See [`Scheduler::shuffled`].
    pub fn shuffled(&mut self, now: Instant) -> Vec<PeerId> {
        let mut scheduler = self.scheduler;
        let ordered = scheduler.shuffled(self.usable(now), now);
        self.scheduler = scheduler;
        ordered
    }

    /// See [`Scheduler::askable`].
    pub fn askable(&mut self, now: Instant) -> Vec<PeerId> {
        let mut scheduler = self.scheduler;
        let ordered = scheduler.askable(self.usable(now), now);
        self.scheduler = scheduler;
        ordered
    }

    /// The usable peers with a vote; all of them when no peer responds.
    pub fn voters(&self, now: Instant) -> impl Iterator<Item = (PeerId, &Peer)> + '_ {
        let no_vote = !self.usable(now).any(|(_, peer)| peer.has_vote());
        self.usable(now).filter(move |(_, peer)| no_vote || peer.has_vote())
    }

    /// Notes a fault; `None` when the peer is not known any more. A ban holds for its address too, but for a peer of
    /// another chain: that is no malicious response, and the same operator may serve our chain at the same address.
    pub fn fault(&mut self, now: Instant, id: PeerId, fault: &PeerFault) -> Option<Verdict> {
        let verdict = self.table.get_mut(&id)?.reputation.fault(now, fault);
        if !matches!(fault, PeerFault::WrongChain { .. }) {
            self.ban_address(now, id, verdict);
        }
        Some(verdict)
    }

    /// The peer has another branch at `number`: it is not asked for these numbers for a while. No fault.
    pub fn other_branch(&mut self, now: Instant, id: PeerId, number: BlockNumber) {
        let until = now + self.config.cool_down;
        if let Some(peer) = self.table.get_mut(&id) {
            peer.cooldowns.note_branch(now, number, until);
        }
    }

    fn ban_address(&mut self, now: Instant, id: PeerId, verdict: Verdict) {
        if verdict != Verdict::Banned {
            return;
        }
        let until = now + self.config.ban;
        let Some(address) = self.table.get(&id).and_then(|peer| peer.address.clone()) else { return };
        for peer in self.table.values_mut().filter(|peer| peer.address.as_ref() == Some(&address)) {
            peer.address_banned_until = Some(until);
        }
        self.bans.ban(address, until);
    }

    /// Lifts bans and pauses whose time is over, and measures the median anew.
    pub fn refresh(&mut self, now: Instant) {
        self.bans.refresh(now);
        for peer in self.table.values_mut() {
            peer.reputation.refresh(now);
        }
        if self.measured_at.is_some_and(|at| now < at + MEDIAN_EVERY) {
            return;
        }
        self.measured_at = Some(now);
        let measured = self.table.values().filter(|peer| peer.connected).filter_map(|peer| peer.window.round_trip());
        self.fair_deadline = round_trips::deadline_of_median(measured.collect());
    }

    /// Another target: what was known of branches says nothing of it.
    pub fn forget_branches(&mut self) {
        for peer in self.table.values_mut() {
            peer.cooldowns.forget_branch();
        }
    }

    /// The next moment at which a ban, a pause or a cool-down of a connected peer ends, or its lateness becomes a fault.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        let connected = self.table.values().filter(|peer| peer.connected);
        let ends = connected.flat_map(|peer| {
            let address = peer.address_banned_until.filter(|until| *until > now);
            let late = peer.liveness.fault_at();
            [peer.reputation.next_wakeup(now), peer.cooldowns.next_wakeup(now), address, late]
        });
        ends.flatten().filter(|at| *at > now).min()
    }
}
