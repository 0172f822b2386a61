//! One peer of the address book: where it is dialled, and the life of its connection.
//!
//! ```text
//!  Down --due--> Dialing --statuses--> Up --ended by either end--> Down
//!   ^               |                   |
//!   |               +---- given up -----+----> Closing --its end is reported--+
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
    /// Its libp2p identity.
    pub identity: Libp2pPeerId,
    /// Its last fault.
    pub last_fault: Option<ErrorInfo>,
    /// Why it could not be dialled last; `None` once it was reached.
    pub last_dial_error: Option<DialError>,
    /// Where it was reached last, for bans that hold for a place.
    pub place: Option<PeerAddress>,
    /// Without the identity, the newest last.
    addresses: Vec<Known>,
    pub(super) role: Role,
    pub(super) link: Link,
    pub(super) trouble: Option<Trouble>,
    pub(super) backoff: Backoff,
    pub(super) dial: u32,
    pub(super) timeouts: u32,
    /// It was connected once in this session.
    pub(super) was_reached: bool,
    /// Verified headers of it, when they were counted last.
    pub(super) headers: u64,
    /// How often it made room for another without having been of use.
    pub(super) rests: u32,
}

/// Who named an address.
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
    /// May it be dialled from a page that is so near?
    fn is_dialable(&self, page: Reach) -> bool {
        self.source == Source::Page || Reach::of_address(&self.address).is_some_and(|reach| reach <= page)
    }
}

/// Why the book holds a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The page named it, or its list.
    Named,
    /// An earlier session knew it. Dialled when nobody else is reached.
    Spare,
    /// An earlier session knew it. Not dialled.
    Remembered,
}

/// The life of a connection.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// None; the next is made at this moment.
    Down { dial_at: Instant },
    /// Being made, or waiting for the peer's status.
    Dialing { since: Instant },
    /// Statuses were exchanged.
    Up { status: PeerStatus, use_of: Use },
    /// We are done with it; waits for the end of the connection. Then it is dialled at this moment, or at the pace of the
    /// back-off.
    Closing { dial_at: Option<Instant> },
}

/// What a connection was good for so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) since: Instant,
    /// Did any response come?
    pub(super) responded: bool,
    /// When more headers of the peer were verified than before; at first, when it was connected.
    pub(super) useful_at: Instant,
}

impl Use {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, responded: false, useful_at: now }
    }
}

/// How a connection that stood came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The other end closed, or cannot be reached any more.
    Lost,
    /// It is silent, and we close.
    Silence,
    /// It broke the protocol.
    Breach,
    /// Nothing is wrong with it.
    Ours,
}

/// Why a connection is down.
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

    /// How we stand with it.
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

    /// What it said, while it is connected.
    pub fn status(&self) -> Option<PeerStatus> {
        match &self.link {
            Link::Up { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The address to show: the newest, with the identity.
    pub fn multiaddr(&self) -> String {
        let Some(known) = self.addresses.last() else { return String::new() };
        known.address.clone().with(Protocol::P2p(self.identity)).to_string()
    }

    /// Is the page told of it? Not of whom it did not name, unless it was dialled.
    pub fn is_shown(&self) -> bool {
        self.role == Role::Named || self.dial > 0
    }

    /// Addresses that a page which is so near may have dialled.
    pub(super) fn dialable(&self, page: Reach) -> impl Iterator<Item = &Multiaddr> {
        self.addresses.iter().filter(move |known| known.is_dialable(page)).map(|known| &known.address)
    }

    /// Notes an address, as the newest one if it is new or newly named by the page; `true` when it was not known.
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

    /// What the pause before its next dial depends on.
    pub(super) fn hope(&self, alone: bool) -> Hope {
        let named = || self.addresses.iter().any(|known| known.source == Source::Page);
        Hope { alone, known: self.was_reached || named() }
    }

    /// Dialled at once if it is down for no fault of its own.
    pub(super) fn dial_now(&mut self, now: Instant) {
        if matches!(self.trouble, None | Some(Trouble::Unreachable))
            && let Link::Down { dial_at } = &mut self.link
        {
            *dial_at = now.min(*dial_at);
            self.backoff.reset();
        }
    }

    /// A connection that stood ends: one that was of use for a while was a success, and the next failure is the first
    /// again. What broke the protocol, or never responded, is a failure however long it lasted.
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
