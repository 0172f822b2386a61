//! Who serves us: what each peer says it has, how much may be in flight to it, and what it is worth.
//!
//! [`Peers`] knows nothing of headers or ranges to fetch; it answers "who may be asked now" ([`scheduler`]), keeps each
//! peer's window ([`budget`]) and record ([`reputation`]). At most [`PEERS_MAX`] peers are remembered; a new one takes
//! the place of the one that is gone for longest, and is not taken in when all are connected. An attacker with many
//! identities gains a place in the table for each connection that the host accepts, and no more.

pub mod budget;
pub mod reputation;
pub mod scheduler;

use alloc::collections::BTreeMap;

pub use budget::ByteWindow;
pub use reputation::Reputation;

use crate::{
    block::{PeerStatus, ServedRange},
    config::{PEERS_MAX, SyncConfig},
    fault::{PeerFault, Verdict},
    id::PeerId,
    range::BlockRange,
    time::Instant,
};

/// One peer that is or was connected.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Is it connected?
    pub connected: bool,
    /// What it says it serves.
    pub served: ServedRange,
    /// Is it on our chain?
    pub same_chain: bool,
    /// Does its chain seem to be another than the target's? Then it is asked by hash only, for what everything waits for,
    /// and only when nobody else can be. No fault: a peer may be on another side of a reorg. Taken back when headers of
    /// it are proven, when it announces another range, and with each new target.
    pub off_chain: bool,
    /// What may be in flight.
    pub window: ByteWindow,
    /// What it is worth.
    pub reputation: Reputation,
    /// Headers of this peer that were proven.
    pub headers: u64,
    /// Bytes of headers received from it.
    pub bytes: u64,
    /// When the connection was last made or lost.
    pub since: Instant,
}

impl Peer {
    /// The numbers that it says it serves; `None` for a peer that serves nothing (an empty client says 0 to 0 too, but
    /// then genesis is all that it is asked for).
    pub fn range(&self) -> Option<BlockRange> {
        BlockRange::new(self.served.earliest, self.served.latest)
    }

    /// Connected, on our chain, not banned.
    pub fn is_usable(&self, now: Instant) -> bool {
        self.connected && self.same_chain && !self.reputation.is_banned(now)
    }
}

/// All peers. See the [module](self).
#[derive(Debug)]
pub struct Peers {
    config: SyncConfig,
    table: BTreeMap<PeerId, Peer>,
}

impl Peers {
    /// Nobody.
    pub fn new(config: &SyncConfig) -> Self {
        Self { config: config.clone(), table: BTreeMap::new() }
    }

    /// The peer finished the handshake. `false` when there is no place for it.
    pub fn connect(&mut self, now: Instant, id: PeerId, status: &PeerStatus, same_chain: bool) -> bool {
        if !self.table.contains_key(&id) && self.table.len() >= PEERS_MAX {
            let gone =
                self.table.iter().filter(|(_, peer)| !peer.connected).min_by_key(|(id, peer)| (peer.since, **id));
            let Some(gone) = gone.map(|(id, _)| *id) else { return false };
            self.table.remove(&gone);
        }
        let config = &self.config;
        let peer = self.table.entry(id).or_insert_with(|| Peer {
            connected: false,
            served: status.served,
            same_chain,
            off_chain: false,
            window: ByteWindow::new(config),
            reputation: Reputation::new(config),
            headers: 0,
            bytes: 0,
            since: now,
        });
        if !peer.connected {
            peer.window.reconnected(config.window_bytes_start);
            peer.reputation.reconnected();
            peer.since = now;
        }
        peer.connected = true;
        // A new connection alone is no other chain.
        peer.off_chain &= peer.served == status.served;
        peer.served = status.served;
        peer.same_chain = same_chain;
        true
    }

    /// The connection is gone.
    pub fn disconnect(&mut self, now: Instant, id: PeerId) {
        if let Some(peer) = self.table.get_mut(&id) {
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

    /// The target is another: on whose chain it lies is to be seen.
    pub fn forget_sides(&mut self) {
        for peer in self.table.values_mut() {
            peer.off_chain = false;
        }
    }

    /// Notes a fault; `None` when the peer is not known any more.
    pub fn fault(&mut self, now: Instant, id: PeerId, fault: &PeerFault) -> Option<Verdict> {
        Some(self.table.get_mut(&id)?.reputation.fault(now, fault))
    }

    /// Lifts bans and pauses whose time is over.
    pub fn refresh(&mut self, now: Instant) {
        for peer in self.table.values_mut() {
            peer.reputation.refresh(now);
        }
    }

    /// The next moment at which a ban or a pause of a connected peer ends.
    pub fn next_wakeup(&self, now: Instant) -> Option<Instant> {
        self.table.values().filter(|peer| peer.connected).filter_map(|peer| peer.reputation.next_wakeup(now)).min()
    }
}
