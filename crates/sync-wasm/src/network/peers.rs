//! The address book: every known peer, with its addresses, the state of its connection, and the time of its next dial.
//!
//! No clock and no I/O. The driver asks [`AddressBook::due`] for the next peer to dial, and reports the result. A peer
//! is one libp2p identity; its [`PeerId`], which the machine uses, is its index in the address book and never changes.
//! Addresses of one identity are merged. [`kept`] restores the peers of an earlier session; [`rotation`] selects the
//! connections that end to make room for other peers; [`dialling`] selects the next peer to dial.
//!
//! Only the page adds peers, so an attacker on the network cannot grow the address book; a peer that it controls is
//! dialled at the rate of the back-off ([`super::dial`]) and no faster. A list that the page fetches is untrusted: its
//! peers are dialled ever less while they do not respond, within one budget, and never at an address nearer to the
//! browser than the page ([`super::reach`]). The address book has room for [`PEERS_MAX`] peers that the page or its
//! list names, and as many from earlier sessions.
//!
//! At most [`CONNECTIONS_MAX`] peers are connected. While no peer is connected, slow dials do not delay the others: up
//! to [`ADDRESSES_DIALLED_MAX`](super::ADDRESSES_DIALLED_MAX) addresses are then dialled at a time.

mod dialling;
mod kept;
mod listed;
mod peer;
mod rotation;

use std::time::Duration;

use libp2p_core::Multiaddr;
use libp2p_identity::PeerId as Libp2pPeerId;
use sorted::sort_long_by;
use sync_core::{PeerStatus, id::PeerId, time::Instant};

use self::peer::{Ending, Link, Role, Trouble, Use};
pub use self::{
    kept::{SPARES_AFTER, SPARES_MAX},
    listed::{AddedListed, SkippedPeer},
    peer::{Peer, Source},
    rotation::{Need, Worth},
};
use super::{
    CONNECTIONS_MAX, PEERS_MAX, SessionKey,
    allowance::Allowance,
    dial::{Chance, dials_in_all},
    dial_error::{DialError, DialErrorCode},
    place::place_of,
    reach::Reach,
    transport,
};
use crate::{
    error::{HostError, NoPeer},
    message::ErrorInfo,
};

/// Characters of a bad multiaddress in an error message.
const SHOWN_MAX: usize = 120;

/// Timeouts in a row, without a response in between, until a connection counts as dead. One may be due to a slow link;
/// a restarted peer responds to no request.
const TIMEOUTS_MAX: u32 = 2;

/// Pause until a peer on another chain is dialled again: its operator may have corrected it.
const WRONG_CHAIN_PAUSE: Duration = Duration::from_secs(120);

/// Result of [`AddressBook::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The address is in the address book.
    Noted(PeerId),
    /// As `Noted`; but a dial of the peer without this address is under way.
    Redial(PeerId),
}

/// Every known peer.
#[derive(Debug)]
pub struct AddressBook {
    peers: Vec<Peer>,
    chance: Chance,
    /// Since when no peer is connected.
    alone_since: Instant,
    /// Reach of the page's own address.
    page: Reach,
    /// Budget of all dials, in addresses.
    dials: Allowance,
    /// When [`Self::replace`] was last called.
    looked_at: Instant,
}

impl AddressBook {
    /// An empty address book of a page from the internet; `seed` is for jitter.
    pub fn new(seed: u64) -> Self {
        Self {
            peers: Vec::new(),
            chance: Chance::new(seed),
            alone_since: Instant::ZERO,
            page: Reach::Public,
            dials: dials_in_all(),
            looked_at: Instant::ZERO,
        }
    }

    /// Sets the reach of the page's own address.
    pub fn of_page(self, page: Reach) -> Self {
        Self { page, ..self }
    }

    /// Every peer with its id, in the order of addition.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        // The address book has at most twice PEERS_MAX peers.
        self.peers.iter().enumerate().map(|(index, peer)| (PeerId(index as u32), peer))
    }

    /// One peer.
    pub fn get(&self, peer: PeerId) -> Option<&Peer> {
        self.peers.get(peer.0 as usize)
    }

    /// Number of connected peers: statuses were exchanged.
    pub fn connected(&self) -> usize {
        self.peers.iter().filter(|peer| peer.status().is_some()).count()
    }

    /// The reason, if no peer can be used.
    pub fn no_peer(&self) -> NoPeer {
        let is = |trouble| move |peer: &Peer| peer.trouble == Some(trouble);
        let shown = || self.peers.iter().filter(|peer| peer.is_shown());
        let wrong_chain = shown().any(is(Trouble::WrongChain));
        let banned = shown().any(is(Trouble::Banned));
        match (wrong_chain, banned || self.connected() > 0) {
            (true, false) => NoPeer::OtherChain,
            (false, false) => NoPeer::Unreachable,
            (_, true) => NoPeer::Unusable,
        }
    }

    /// The libp2p identity of a peer, as text.
    pub fn name(&self, peer: PeerId) -> String {
        self.get(peer).map_or_else(|| peer.to_string(), |known| known.identity.to_string())
    }

    /// Adds a peer that the page names, or an address of one; it is dialled at once. [`Added::Redial`]: a dial without
    /// this address is under way; the driver should end that dial.
    pub fn add(&mut self, now: Instant, multiaddr: &str) -> Result<Added, HostError> {
        self.add_from(now, multiaddr, Source::Page)
    }

    /// As [`add`](Self::add), for a peer of a list. A known address does not cause an immediate dial.
    pub fn add_from_list(&mut self, now: Instant, multiaddr: &str) -> Result<Added, HostError> {
        self.add_from(now, multiaddr, Source::List)
    }

    fn add_from(&mut self, now: Instant, multiaddr: &str, source: Source) -> Result<Added, HostError> {
        let (identity, address) = transport::parse(multiaddr).map_err(|reason| HostError::BadMultiaddr {
            multiaddr: multiaddr.chars().take(SHOWN_MAX).collect(),
            reason,
        })?;
        let known = self.index_of(identity);
        let named = self.peers.iter().filter(|peer| peer.role == Role::Named).count();
        if known.is_none_or(|index| self.peers[index].role != Role::Named) && named >= PEERS_MAX {
            return Err(HostError::TooManyPeers { limit: PEERS_MAX });
        }
        let index = known.unwrap_or_else(|| self.push(now, identity, Role::Named));
        let (id, page) = (PeerId(index as u32), self.page);
        let peer = &mut self.peers[index];
        peer.role = Role::Named;
        let is_new = peer.note_address(address, source);
        if peer.dialable(page).next().is_none() {
            peer.trouble = peer.trouble.or(Some(Trouble::Unreachable));
            peer.last_dial_error = Some(DialError::not_dialable());
            return Ok(Added::Noted(id));
        }
        if is_new && peer.last_dial_error.as_ref().is_some_and(|error| error.code == DialErrorCode::NotDialable) {
            peer.last_dial_error = None;
        }
        if is_new || source == Source::Page {
            peer.dial_now(now);
        }
        if is_new && matches!(peer.link, Link::Dialing { .. }) {
            peer.link = Link::Closing { dial_at: None };
            peer.backoff.reset();
            return Ok(Added::Redial(id));
        }
        Ok(Added::Noted(id))
    }

    fn index_of(&self, identity: Libp2pPeerId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.identity == identity)
    }

    fn push(&mut self, now: Instant, identity: Libp2pPeerId, role: Role) -> usize {
        self.peers.push(Peer::new(now, identity, role));
        self.peers.len() - 1
    }

    /// The network is back, or the page is visible again: every disconnected peer is dialled at once.
    pub fn dial_all_now(&mut self, now: Instant) {
        for peer in &mut self.peers {
            peer.dial_now(now);
        }
    }

    /// Whether this is the peer's current session.
    pub fn is_current(&self, session: SessionKey) -> bool {
        self.get(session.peer).is_some_and(|peer| peer.dial == session.dial && peer.is_busy())
    }

    /// Statuses were exchanged, over a connection to `address`. `false`: the connection is not used, because the dial
    /// was cancelled meanwhile or [`CONNECTIONS_MAX`] peers are connected.
    pub fn greeted(&mut self, now: Instant, session: SessionKey, status: PeerStatus, address: &Multiaddr) -> bool {
        let is_full = self.connected() >= CONNECTIONS_MAX;
        let Some(peer) = self.current(session) else { return false };
        if !matches!(peer.link, Link::Dialing { .. }) {
            return false;
        }
        peer.trouble = None;
        peer.last_dial_error = None;
        peer.place = place_of(address);
        peer.was_reached = true;
        if is_full {
            self.rest(now, session.peer);
            return false;
        }
        peer.link = Link::Up { status, use_of: Use::new(now) };
        true
    }

    /// The peer announced a new range. That is not a response: a peer that only announces counts as silent.
    pub fn announced(&mut self, session: SessionKey, served: sync_core::ServedRange) {
        if let Some(Link::Up { status, .. }) = self.current(session).map(|peer| &mut peer.link) {
            status.served = served;
        }
    }

    /// The peer sent a response: its connection is alive.
    pub fn responded(&mut self, session: SessionKey) {
        let Some(peer) = self.current(session) else { return };
        peer.timeouts = 0;
        if let Link::Up { use_of, .. } = &mut peer.link {
            use_of.responded = true;
        }
    }

    /// A request timed out. `true`: the connection counts as dead and must be closed.
    pub fn timed_out(&mut self, peer: PeerId) -> bool {
        let Some(peer) = self.peers.get_mut(peer.0 as usize) else { return false };
        peer.timeouts += 1;
        peer.timeouts >= TIMEOUTS_MAX && matches!(peer.link, Link::Up { .. })
    }

    /// The dial failed, or the connection ended before statuses were exchanged.
    pub fn dial_failed(&mut self, session: SessionKey, error: DialError) {
        let Some(peer) = self.current(session) else { return };
        // A connection that is being closed already has a reason.
        if matches!(peer.link, Link::Dialing { .. }) {
            peer.last_dial_error = Some(error);
        }
    }

    /// The peers that could not be dialled, each with its error.
    pub fn dial_errors(&self) -> impl Iterator<Item = (&Peer, &DialError)> {
        self.peers.iter().filter(|peer| peer.is_shown()).filter_map(|peer| Some((peer, peer.last_dial_error.as_ref()?)))
    }

    /// Stores the last fault of a peer.
    pub fn fault(&mut self, peer: PeerId, fault: ErrorInfo) {
        if let Some(peer) = self.peers.get_mut(peer.0 as usize) {
            peer.last_fault = Some(fault);
        }
    }

    /// The peer is banned for `ban`; its connection, if any, is being closed.
    pub fn banned(&mut self, now: Instant, peer: PeerId, ban: Duration) {
        self.give_up(now, peer, Some(now + ban), Some(Trouble::Banned), Ending::Breach);
    }

    /// The peer serves another chain; its connection, if any, is being closed.
    pub fn on_wrong_chain(&mut self, now: Instant, peer: PeerId) {
        self.give_up(now, peer, Some(now + WRONG_CHAIN_PAUSE), Some(Trouble::WrongChain), Ending::Ours);
    }

    /// The peer is silent; its connection is being closed.
    pub fn silent(&mut self, now: Instant, peer: PeerId) {
        self.give_up(now, peer, None, None, Ending::Silence);
    }

    /// The peer broke the protocol; its connection is being closed, and its back-off continues to grow.
    pub fn breached(&mut self, now: Instant, peer: PeerId) {
        self.give_up(now, peer, None, None, Ending::Breach);
    }

    fn give_up(
        &mut self,
        now: Instant,
        peer: PeerId,
        dial_at: Option<Instant>,
        trouble: Option<Trouble>,
        ending: Ending,
    ) {
        let was_connected = self.connected();
        let Some(peer) = self.peers.get_mut(peer.0 as usize) else { return };
        peer.judge_connection(now, ending);
        peer.link = match peer.link {
            Link::Down { dial_at: before } => Link::Down { dial_at: dial_at.unwrap_or(before) },
            _ => Link::Closing { dial_at },
        };
        peer.trouble = trouble.or(peer.trouble);
        self.note_alone(now, was_connected);
    }

    /// Updates `alone_since` if the last connection ended.
    fn note_alone(&mut self, now: Instant, was_connected: usize) {
        if was_connected > 0 && self.connected() == 0 {
            self.alone_since = now;
        }
    }

    /// The connection ended, or was never established.
    pub fn down(&mut self, now: Instant, session: SessionKey) {
        let was_connected = self.connected();
        let chance = self.chance.next();
        let Some(peer) = self.current(session) else { return };
        let hope = peer.hope(was_connected == 0);
        peer.judge_connection(now, Ending::Lost);
        let dial_at = match peer.link {
            // After a ban and the like the time is fixed; after a dead connection the back-off decides.
            Link::Closing { dial_at: Some(dial_at) } => dial_at,
            Link::Closing { dial_at: None } | Link::Up { .. } => now + peer.backoff.next(hope, chance),
            Link::Dialing { .. } => {
                peer.trouble = Some(Trouble::Unreachable);
                now + peer.backoff.next(hope, chance)
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

/// Number of distinct identities in these multiaddresses. Addresses that cannot be dialled do not count.
pub fn distinct_identities<'a>(multiaddrs: impl IntoIterator<Item = &'a str>) -> usize {
    let mut identities: Vec<_> =
        multiaddrs.into_iter().filter_map(|text| Some(transport::parse(text).ok()?.0)).collect();
    sort_long_by(&mut identities, Ord::cmp);
    identities.dedup();
    identities.len()
}

#[cfg(test)]
pub(crate) mod tests;
