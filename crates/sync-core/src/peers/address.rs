//! Addresses of peers: opaque bytes that are equal for the same place.
//!
//! A malicious peer evades a ban by peer id with one new key pair. So a ban holds for the address too: no peer at it is
//! asked until the ban ends. The host decides what a place is (an address with its port, say), and whether to tell
//! ([`Input::PeerAddress`](crate::Input::PeerAddress)); several honest peers behind one place share its fate, so it
//! should be as narrow as the host can name it.
//!
//! Bounded: [`ADDRESS_BYTES_MAX`] an address, [`BANNED_ADDRESSES_MAX`] bans; of more, the one that ends first is
//! dropped.

use bytes::Bytes;

use crate::{
    config::{ADDRESS_BYTES_MAX, BANNED_ADDRESSES_MAX},
    time::Instant,
};
use sorted::SortedMap;

/// A place where a peer is reached, in the host's own words. 1 to [`ADDRESS_BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(into = "Bytes", try_from = "Bytes"))]
pub struct PeerAddress(Bytes);

impl From<PeerAddress> for Bytes {
    fn from(address: PeerAddress) -> Self {
        address.0
    }
}

impl TryFrom<Bytes> for PeerAddress {
    type Error = &'static str;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        Self::new(bytes).ok_or("an address is empty or too long")
    }
}

impl PeerAddress {
    /// An address; `None` when it is empty or too long to be one.
    pub fn new(bytes: impl Into<Bytes>) -> Option<Self> {
        let bytes = bytes.into();
        (1..=ADDRESS_BYTES_MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The host's own words.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Addresses that are banned, and until when.
#[derive(Clone, Debug, Default)]
pub struct AddressBans(SortedMap<PeerAddress, Instant>);

impl AddressBans {
    /// No peer at `address` is asked until then.
    pub fn ban(&mut self, address: PeerAddress, until: Instant) {
        if !self.0.contains_key(&address) && self.0.len() >= BANNED_ADDRESSES_MAX {
            let first = self.0.iter().min_by_key(|(_, until)| **until).map(|(address, _)| address.clone());
            if let Some(first) = first {
                self.0.remove(&first);
            }
        }
        self.0.insert(address, until);
        debug_assert!(self.0.len() <= BANNED_ADDRESSES_MAX, "{} addresses are banned", self.0.len());
    }

    /// Until when the address is banned, if it is.
    pub fn until(&self, now: Instant, address: &PeerAddress) -> Option<Instant> {
        self.0.get(address).copied().filter(|until| *until > now)
    }

    /// Forgets bans that are over.
    pub fn refresh(&mut self, now: Instant) {
        self.0.retain(|_, until| *until > now);
    }

    /// Every ban, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&PeerAddress, Instant)> + '_ {
        self.0.iter().map(|(address, until)| (address, *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_bounded_and_end() {
        let mut bans = AddressBans::default();
        let at = |n: usize| PeerAddress::new(alloc::format!("10.0.0.{n}:9000").into_bytes()).expect("short");
        for n in 0..BANNED_ADDRESSES_MAX + 5 {
            bans.ban(at(n), Instant::from_millis(1_000 + n as u64));
        }
        assert_eq!(bans.iter().count(), BANNED_ADDRESSES_MAX);
        assert_eq!(bans.until(Instant::ZERO, &at(0)), None, "the one that ends first made room");
        assert!(bans.until(Instant::ZERO, &at(9)).is_some());
        bans.refresh(Instant::from_millis(60_000));
        assert_eq!(bans.iter().count(), 0);
        assert_eq!(PeerAddress::new(alloc::vec![]), None);
        assert_eq!(PeerAddress::new(alloc::vec![0; ADDRESS_BYTES_MAX + 1]), None);
    }
}
