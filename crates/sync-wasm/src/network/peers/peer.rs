//! One peer of the address book: its addresses, and the states of its connection.
//!
//! ```text
//!  Down --due--> Dialing --statuses--> Up --ended by either end--> Down
//!   ^               |                   |
//!   |               +---- cancelled ----+----> Closing --its end is reported--+
//!   +-------------------------------------------------------------------------+
//! ```

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId as Libp2pPeerId;
use sync_core::{PeerAddress, PeerStatus, time::Instant};

use crate::{
    message::{ErrorInfo, PeerState},
    network::{
        ADDRESSES_PER_PEER_MAX,
        dial::{Backoff, Hope, STABLE_AFTER},
        dial_error::DialError,
        reach::Reach,
    },
};

/// One peer.
#[derive(Debug)]
pub struct Peer {
    /// libp2p identity.
    pub identity: Libp2pPeerId,
    /// Its last fault in this session.
    pub last_fault: Option<ErrorInfo>,
    /// Error of the last dial; `None` once the peer was reached.
    pub last_dial_error: Option<DialError>,
    /// Ban key of the address of the last connection.
    pub place: Option<PeerAddress>,
    /// Without the identity, the newest last.
    addresses: Vec<Known>,
    pub(super) role: Role,
    pub(super) link: Link,
    pub(super) trouble: Option<Trouble>,
    pub(super) backoff: Backoff,
    pub(super) dial: u32,
    pub(super) timeouts: u32,
    /// Whether it was connected in this session.
    pub(super) was_reached: bool,
    /// Number of its verified headers at the last count.
    pub(super) headers: u64,
    /// How often it made room for another peer, since it was last useful.
    pub(super) rests: u32,
}

/// Source of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The page itself.
    Page,
    /// A list that the page fetched, or an earlier session.
    List,
}

#[derive(Clone, Debug)]
struct Known {
    address: Multiaddr,
    source: Source,
}

impl Known {
    /// Whether a page with the reach `page` may dial it.
    fn is_dialable(&self, page: Reach) -> bool {
        self.source == Source::Page || Reach::of_address(&self.address).is_some_and(|reach| reach <= page)
    }
}

/// Why the address book has a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The page or its list names it.
    Named,
    /// An earlier session stored it. Dialled when no other peer is reached.
    Spare,
    /// An earlier session stored it. Not dialled.
    Remembered,
}

/// The state of a connection.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// No connection; the next dial is at `dial_at`.
    Down { dial_at: Instant },
    /// Being dialled, or waiting for the peer's status.
    Dialing { since: Instant },
    /// Statuses were exchanged.
    Up { status: PeerStatus, use_of: Use },
    /// Being closed by us, until the end of the connection is reported. The next dial is at `dial_at`, or after the
    /// back-off.
    Closing { dial_at: Option<Instant> },
}

/// The usefulness of a connection so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) since: Instant,
    /// Whether any response was received.
    pub(super) responded: bool,
    /// When the number of verified headers of the peer last rose; at first, when it was connected.
    pub(super) useful_at: Instant,
}

impl Use {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, responded: false, useful_at: now }
    }
}

/// How an established connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The remote end closed, or is unreachable.
    Lost,
    /// We closed it: the peer was silent.
    Silence,
    /// We closed it: the peer broke the protocol.
    Breach,
    /// We closed it without a fault of the peer.
    Ours,
}

/// Why a peer is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Unreachable,
    WrongChain,
    Banned,
}

impl Peer {
    pub(super) fn new(now: Instant, identity: Libp2pPeerId, role: Role) -> Self {
        Self {
            identity,
            last_fault: None,
            last_dial_error: None,
            place: None,
            addresses: Vec::new(),
            role,
            link: Link::Down { dial_at: now },
            trouble: None,
            backoff: Backoff::default(),
            dial: 0,
            timeouts: 0,
            was_reached: false,
            headers: 0,
            rests: 0,
        }
    }

    /// The state of the peer for the page.
    pub fn state(&self) -> PeerState {
        match (&self.link, self.trouble) {
            (_, Some(Trouble::Banned)) => PeerState::Banned,
            (_, Some(Trouble::WrongChain)) => PeerState::WrongChain,
            (Link::Up { .. }, _) => PeerState::Connected,
            (Link::Dialing { .. }, None) => PeerState::Dialing,
            (_, Some(Trouble::Unreachable)) => PeerState::Unreachable,
            (Link::Down { .. } | Link::Closing { .. }, None) => PeerState::Disconnected,
        }
    }

    /// Its status, while it is connected.
    pub fn status(&self) -> Option<PeerStatus> {
        match &self.link {
            Link::Up { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The newest address, with the identity; empty without an address.
    pub fn multiaddr(&self) -> String {
        let Some(known) = self.addresses.last() else { return String::new() };
        known.address.clone().with(Protocol::P2p(self.identity)).to_string()
    }

    /// Whether the page sees the peer: the page or its list names it, or it was dialled.
    pub fn is_shown(&self) -> bool {
        self.role == Role::Named || self.dial > 0
    }

    /// Addresses that a page with the reach `page` may dial.
    pub(super) fn dialable(&self, page: Reach) -> impl Iterator<Item = &Multiaddr> {
        self.addresses.iter().filter(move |known| known.is_dialable(page)).map(|known| &known.address)
    }

    /// Adds an address, as the newest if it is new or newly named by the page; `true` if the address or its source is
    /// new.
    pub(super) fn note_address(&mut self, address: Multiaddr, source: Source) -> bool {
        let before = self.addresses.iter().position(|known| known.address == address);
        match before.map(|at| (at, self.addresses[at].source)) {
            Some((_, Source::Page | Source::List)) if source == Source::List => return false,
            Some((at, known)) => {
                self.addresses.remove(at);
                self.addresses.push(Known { address, source });
                return known != source;
            }
            None => {}
        }
        if self.addresses.len() >= ADDRESSES_PER_PEER_MAX {
            self.addresses.remove(0);
        }
        self.addresses.push(Known { address, source });
        true
    }

    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.link, Link::Down { .. })
    }

    /// The inputs of the pause before its next dial.
    pub(super) fn hope(&self, alone: bool) -> Hope {
        let named = || self.addresses.iter().any(|known| known.source == Source::Page);
        Hope { alone, known: self.was_reached || named() }
    }

    /// Makes it due now, if it is down and neither banned nor on another chain.
    pub(super) fn dial_now(&mut self, now: Instant) {
        if matches!(self.trouble, None | Some(Trouble::Unreachable))
            && let Link::Down { dial_at } = &mut self.link
        {
            *dial_at = now.min(*dial_at);
            self.backoff.reset();
        }
    }

    /// An established connection ends. One that was useful for at least [`STABLE_AFTER`] is a success and resets the
    /// back-off. After a breach, or silence without any response, it is a failure, however long it lasted.
    pub(super) fn judge_connection(&mut self, now: Instant, ending: Ending) {
        let Link::Up { use_of, .. } = &self.link else { return };
        let lasted = now.saturating_since(use_of.since) >= STABLE_AFTER;
        let success = match ending {
            Ending::Lost | Ending::Ours => lasted,
            Ending::Silence => lasted && use_of.responded,
            Ending::Breach => false,
        };
        if success {
            self.backoff.reset();
        }
    }
}
