//! The address book: every peer that is known, where it is dialled, how we stand with it, when it is dialled next.
//!
//! Pure: it reads no clock and opens nothing. The driver asks [`AddressBook::due`] whom to dial, and reports back what
//! became of it. A peer is one libp2p identity; its number, which the machine knows, is its place in the book and never
//! changes. Addresses of one identity are merged. What an earlier session knew is taken in by [`kept`].
//!
//! Only the page adds peers, so an attacker on the network can make the book no longer; a peer that it controls is dialled
//! at the pace of the back-off ([`super::dial`]) and no faster. The book holds [`PEERS_MAX`] peers that the page names,
//! and as many that it remembers.

mod kept;
mod listed;

use std::time::Duration;

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId as Libp2pPeerId;
use sync_core::{PeerAddress, PeerStatus, id::PeerId, time::Instant};

pub use self::{
    kept::{SPARES_AFTER, SPARES_MAX},
    listed::{AddedListed, SkippedPeer},
};
use super::{
    ADDRESSES_PER_PEER_MAX, CONNECTIONS_MAX, PEERS_MAX, SessionKey,
    dial::{Backoff, Chance, STABLE_AFTER},
    place::place_of,
};
use crate::{
    error::{HostError, Nobody},
    message::{ErrorInfo, PeerState},
};

/// Characters of a bad multiaddress that an error message repeats.
const SHOWN_MAX: usize = 120;

/// Requests that a peer may leave unanswered, with nothing at all heard from it between, until its connection counts as
/// dead. One may be an accident of a slow link; a peer that restarted answers none.
const TIMEOUTS_MAX: u32 = 2;

/// Pause until a peer on another chain is dialled again: its operator may have set it right.
const WRONG_CHAIN_PAUSE: Duration = Duration::from_secs(120);

/// One peer.
#[derive(Debug)]
pub struct Peer {
    /// Its libp2p identity.
    pub identity: Libp2pPeerId,
    /// Where it is dialled, the newest last, without the identity.
    pub addresses: Vec<Multiaddr>,
    /// Its last fault.
    pub last_fault: Option<ErrorInfo>,
    /// Where it was reached last, for bans that hold for a place.
    pub place: Option<PeerAddress>,
    role: Role,
    link: Link,
    trouble: Option<Trouble>,
    backoff: Backoff,
    dial: u32,
    timeouts: u32,
}

/// Why the book holds a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The page named it.
    Named,
    /// An earlier session knew it. Dialled when nobody else is reached.
    Spare,
    /// An earlier session knew it. Not dialled.
    Remembered,
}

/// The life of a connection.
#[derive(Clone, Debug)]
enum Link {
    /// None; the next is made at this moment.
    Down { dial_at: Instant },
    /// Being made, or waiting for the peer's status.
    Dialing,
    /// Statuses were exchanged.
    Up { since: Instant, status: PeerStatus },
    /// We are done with it; waits for the end of the connection, then `dial_at`.
    Closing { dial_at: Instant },
}

/// Why a connection is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Unreachable,
    WrongChain,
    Banned,
}

impl Peer {
    /// How we stand with it.
    pub fn state(&self) -> PeerState {
        match (&self.link, self.trouble) {
            (_, Some(Trouble::Banned)) => PeerState::Banned,
            (_, Some(Trouble::WrongChain)) => PeerState::WrongChain,
            (Link::Up { .. }, _) => PeerState::Connected,
            (Link::Dialing, None) => PeerState::Dialing,
            (_, Some(Trouble::Unreachable)) => PeerState::Unreachable,
            (Link::Down { .. } | Link::Closing { .. }, None) => PeerState::Disconnected,
        }
    }

    /// What it said, while it is connected.
    pub fn status(&self) -> Option<PeerStatus> {
        match &self.link {
            Link::Up { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The address to show: the newest, with the identity.
    pub fn multiaddr(&self) -> String {
        let Some(address) = self.addresses.last() else { return String::new() };
        address.clone().with(Protocol::P2p(self.identity)).to_string()
    }

    /// Is the page told of it? Not of whom it did not name, unless it was dialled.
    pub fn is_shown(&self) -> bool {
        self.role == Role::Named || self.dial > 0
    }

    fn is_busy(&self) -> bool {
        !matches!(self.link, Link::Down { .. })
    }
}

/// What [`AddressBook::add`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The address is in the book.
    Noted(PeerId),
    /// And the dial that is under way knows nothing of it.
    Redial(PeerId),
}

/// Every peer that is known.
#[derive(Debug)]
pub struct AddressBook {
    peers: Vec<Peer>,
    chance: Chance,
    /// Since when nobody is connected.
    alone_since: Instant,
}

impl AddressBook {
    /// An empty book; `seed` is for jitter.
    pub fn new(seed: u64) -> Self {
        Self { peers: Vec::new(), chance: Chance::new(seed), alone_since: Instant::ZERO }
    }

    /// Every peer with its number, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        // The book holds at most twice PEERS_MAX peers.
        self.peers.iter().enumerate().map(|(index, peer)| (PeerId(index as u32), peer))
    }

    /// One peer.
    pub fn get(&self, peer: PeerId) -> Option<&Peer> {
        self.peers.get(peer.0 as usize)
    }

    /// Peers with which statuses were exchanged.
    pub fn connected(&self) -> usize {
        self.peers.iter().filter(|peer| peer.status().is_some()).count()
    }

    /// What is wrong with the peers, when none of them can be used.
    pub fn nobody(&self) -> Nobody {
        let is = |trouble| move |peer: &Peer| peer.trouble == Some(trouble);
        let shown = || self.peers.iter().filter(|peer| peer.is_shown());
        let wrong_chain = shown().any(is(Trouble::WrongChain));
        let banned = shown().any(is(Trouble::Banned));
        match (wrong_chain, banned || self.connected() > 0) {
            (true, false) => Nobody::OnOurChain,
            (false, false) => Nobody::Reached,
            (_, true) => Nobody::Usable,
        }
    }

    /// Adds a peer, or an address of one; it is dialled at once. [`Added::Redial`]: it is being dialled already, but not
    /// at this address; the driver should end that dial.
    pub fn add(&mut self, now: Instant, multiaddr: &str) -> Result<Added, HostError> {
        let (identity, address) = parse(multiaddr)?;
        let known = self.index_of(identity);
        let named = self.peers.iter().filter(|peer| peer.role == Role::Named).count();
        if known.is_none_or(|index| self.peers[index].role != Role::Named) && named >= PEERS_MAX {
            return Err(HostError::TooManyPeers { limit: PEERS_MAX });
        }
        let index = known.unwrap_or_else(|| self.push(now, identity, address.clone(), Role::Named));
        let peer = &mut self.peers[index];
        peer.role = Role::Named;
        let is_new = !peer.addresses.contains(&address);
        peer.addresses.retain(|other| *other != address);
        if peer.addresses.len() >= ADDRESSES_PER_PEER_MAX {
            peer.addresses.remove(0);
        }
        peer.addresses.push(address);
        peer.dial_now(now);
        if is_new && matches!(peer.link, Link::Dialing) {
            peer.link = Link::Closing { dial_at: now };
            peer.backoff.reset();
            return Ok(Added::Redial(PeerId(index as u32)));
        }
        Ok(Added::Noted(PeerId(index as u32)))
    }

    fn index_of(&self, identity: Libp2pPeerId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.identity == identity)
    }

    fn push(&mut self, now: Instant, identity: Libp2pPeerId, address: Multiaddr, role: Role) -> usize {
        self.peers.push(Peer {
            identity,
            addresses: vec![address],
            last_fault: None,
            place: None,
            role,
            link: Link::Down { dial_at: now },
            trouble: None,
            backoff: Backoff::default(),
            dial: 0,
            timeouts: 0,
        });
        self.peers.len() - 1
    }

    /// The network is back, or the page is visible again: every peer that is down is dialled at once.
    pub fn dial_all_now(&mut self, now: Instant) {
        for peer in &mut self.peers {
            peer.dial_now(now);
        }
    }

    /// The next peer to dial, if one is due and a connection is free. It counts as dialled from here on.
    pub fn due(&mut self, now: Instant) -> Option<SessionKey> {
        if self.peers.iter().filter(|peer| peer.is_busy()).count() >= CONNECTIONS_MAX {
            return None;
        }
        let (dial_at, index) = self.next_down()?;
        if dial_at > now {
            return None;
        }
        let peer = &mut self.peers[index];
        peer.link = Link::Dialing;
        peer.dial = peer.dial.wrapping_add(1);
        peer.timeouts = 0;
        Some(SessionKey { peer: PeerId(index as u32), dial: peer.dial })
    }

    /// When [`due`](Self::due) should be asked again.
    pub fn next_dial_at(&self) -> Option<Instant> {
        if self.peers.iter().filter(|peer| peer.is_busy()).count() >= CONNECTIONS_MAX {
            return None;
        }
        self.next_down().map(|(dial_at, _)| dial_at)
    }

    fn next_down(&self) -> Option<(Instant, usize)> {
        let spares_from = (self.connected() == 0).then_some(self.alone_since + SPARES_AFTER);
        let downs = self.peers.iter().enumerate().filter_map(|(index, peer)| match (&peer.link, peer.role) {
            (Link::Down { dial_at }, Role::Named) => Some((*dial_at, index)),
            (Link::Down { dial_at }, Role::Spare) => Some(((*dial_at).max(spares_from?), index)),
            _ => None,
        });
        downs.min()
    }

    /// Is this the peer's present connection?
    pub fn is_current(&self, session: SessionKey) -> bool {
        self.get(session.peer).is_some_and(|peer| peer.dial == session.dial && peer.is_busy())
    }

    /// Statuses were exchanged, over a connection to `address`. `false`: we gave the connection up meanwhile.
    pub fn greeted(&mut self, now: Instant, session: SessionKey, status: PeerStatus, address: &Multiaddr) -> bool {
        let Some(peer) = self.current(session) else { return false };
        if !matches!(peer.link, Link::Dialing) {
            return false;
        }
        peer.link = Link::Up { since: now, status };
        peer.trouble = None;
        peer.place = place_of(address);
        true
    }

    /// The peer announced a new range, or answered: it lives.
    pub fn heard(&mut self, session: SessionKey, served: Option<sync_core::ServedRange>) {
        let Some(peer) = self.current(session) else { return };
        peer.timeouts = 0;
        if let (Link::Up { status, .. }, Some(served)) = (&mut peer.link, served) {
            status.served = served;
        }
    }

    /// A request was not answered in time. `true`: the connection counts as dead and must be closed.
    pub fn timed_out(&mut self, peer: PeerId) -> bool {
        let Some(peer) = self.peers.get_mut(peer.0 as usize) else { return false };
        peer.timeouts += 1;
        peer.timeouts >= TIMEOUTS_MAX && matches!(peer.link, Link::Up { .. })
    }

    /// The peer did something wrong.
    pub fn fault(&mut self, peer: PeerId, fault: ErrorInfo) {
        if let Some(peer) = self.peers.get_mut(peer.0 as usize) {
            peer.last_fault = Some(fault);
        }
    }

    /// It is banned for so long; its connection, if any, is being closed.
    pub fn banned(&mut self, now: Instant, peer: PeerId, ban: Duration) {
        self.give_up(now, peer, now + ban, Some(Trouble::Banned));
    }

    /// It serves another chain; its connection, if any, is being closed.
    pub fn on_wrong_chain(&mut self, now: Instant, peer: PeerId) {
        self.give_up(now, peer, now + WRONG_CHAIN_PAUSE, Some(Trouble::WrongChain));
    }

    /// We close its connection; it is dialled again soon.
    pub fn closing(&mut self, now: Instant, peer: PeerId) {
        self.give_up(now, peer, now, None);
    }

    fn give_up(&mut self, now: Instant, peer: PeerId, dial_at: Instant, trouble: Option<Trouble>) {
        let was_connected = self.connected();
        let Some(peer) = self.peers.get_mut(peer.0 as usize) else { return };
        peer.link = if peer.is_busy() { Link::Closing { dial_at } } else { Link::Down { dial_at } };
        peer.trouble = trouble.or(peer.trouble);
        self.note_alone(now, was_connected);
    }

    /// Somebody may be gone: was that the last one?
    fn note_alone(&mut self, now: Instant, was_connected: usize) {
        if was_connected > 0 && self.connected() == 0 {
            self.alone_since = now;
        }
    }

    /// The connection is gone, or was never made.
    pub fn down(&mut self, now: Instant, session: SessionKey) {
        let was_connected = self.connected();
        let alone = was_connected == 0;
        let chance = self.chance.next();
        let Some(peer) = self.current(session) else { return };
        let dial_at = match peer.link {
            // Banned and the like have their own moment; a dead connection follows the back-off.
            Link::Closing { dial_at } if dial_at > now => dial_at,
            Link::Closing { .. } => now + peer.backoff.next(alone, chance),
            Link::Up { since, .. } => {
                if now.saturating_since(since) >= STABLE_AFTER {
                    peer.backoff.reset();
                }
                now + peer.backoff.next(alone, chance)
            }
            Link::Dialing => {
                peer.trouble = Some(Trouble::Unreachable);
                now + peer.backoff.next(alone, chance)
            }
            Link::Down { dial_at } => dial_at,
        };
        peer.link = Link::Down { dial_at };
        self.note_alone(now, was_connected);
    }

    fn current(&mut self, session: SessionKey) -> Option<&mut Peer> {
        self.peers.get_mut(session.peer.0 as usize).filter(|peer| peer.dial == session.dial && peer.is_busy())
    }
}

impl Peer {
    /// Dialled at once if it is down for no fault of its own.
    fn dial_now(&mut self, now: Instant) {
        if matches!(self.trouble, None | Some(Trouble::Unreachable))
            && let Link::Down { dial_at } = &mut self.link
        {
            *dial_at = now.min(*dial_at);
            self.backoff.reset();
        }
    }
}

/// Reads a multiaddress that a browser can dial, and splits the identity from it.
pub(super) fn parse(text: &str) -> Result<(Libp2pPeerId, Multiaddr), HostError> {
    let bad = |reason| HostError::BadMultiaddr { multiaddr: text.chars().take(SHOWN_MAX).collect(), reason };
    let parsed = webrtc_worker::parse_dial_addr(text).map_err(|error| bad(error.to_string()))?;
    let identity = parsed.peer.ok_or_else(|| bad("it does not end with /p2p/<peer id>".to_owned()))?;
    let address = parsed.multiaddr.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
    Ok((identity, address))
}

#[cfg(test)]
pub(super) mod tests;
