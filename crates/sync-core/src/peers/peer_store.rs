//! The peer store: scores, bans and addresses of peers, in a form that outlives the session.
//!
//! The host takes a [`PeerBook`] out ([`HeaderSync::export_peers`](crate::HeaderSync::export_peers)), stores its bytes
//! wherever it likes, and hands it to the next session before any peer connects
//! ([`HeaderSync::restore_peers`](crate::HeaderSync::restore_peers)). Moments are kept as what remains of them, because
//! each session counts time from its own start. A host that has a wall clock takes off the time between the sessions
//! ([`PeerBook::age`]); for one that has none it does not shorten a ban.
//!
//! A record is found again by its id, when the host numbers peers the same way again (it may renumber
//! [`PeerRecord::peer`]), or by its address, when a peer connects there under a new id.
//!
//! The bytes may be damaged or forged: they are decoded strictly, within limits, and invalid bytes give an empty book.
//! A forged book can at most ban peers for the time of one ban, or raise scores.

use alloc::vec::Vec;
use alloy_rlp::{Decodable, Encodable, Header};
use bytes::Bytes;
use core::time::Duration;

use super::{Peers, address::PeerAddress, reputation::SCORE_MAX};
use crate::{
    config::{BANNED_ADDRESSES_MAX, PEER_BOOK_BYTES_MAX, PEERS_MAX},
    id::PeerId,
    time::Instant,
};

/// The record of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// Its id in the session that wrote the book, or the one that the host gave it since.
    pub peer: PeerId,
    /// Its address, if the host named one.
    pub address: Option<PeerAddress>,
    /// 0 (banned) to 100.
    pub score: u8,
    /// Faults so far.
    pub faults: u32,
    /// Headers of it that were verified.
    pub headers: u64,
    /// How much longer it is banned; whole milliseconds.
    pub banned_for: Duration,
    /// Its smoothed round trip, if it was measured; whole microseconds.
    pub round_trip: Option<Duration>,
}

/// The records of all peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerBook {
    /// Peers, by id.
    pub peers: Vec<PeerRecord>,
    /// Banned addresses, and for how much longer.
    pub banned_addresses: Vec<(PeerAddress, Duration)>,
}

impl PeerBook {
    /// The form that this version of the code writes.
    pub const VERSION: u64 = 1;

    /// The book as bytes (RLP).
    pub fn encode(&self) -> Vec<u8> {
        let (mut peers, mut bans) = (Vec::new(), Vec::new());
        for record in self.peers.iter().take(PEERS_MAX) {
            let mut row = Vec::new();
            put(&mut row, record.peer.0.into());
            put_bytes(&mut row, record.address.as_ref().map_or(&[], PeerAddress::as_bytes));
            put(&mut row, record.score.into());
            put(&mut row, record.faults.into());
            put(&mut row, record.headers);
            put(&mut row, millis(record.banned_for));
            let round_trip = record.round_trip.map_or(0, |trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX));
            put(&mut row, round_trip);
            put_list(&mut peers, &row);
        }
        for (address, left) in self.banned_addresses.iter().take(BANNED_ADDRESSES_MAX) {
            let mut row = Vec::new();
            put_bytes(&mut row, address.as_bytes());
            put(&mut row, millis(*left));
            put_list(&mut bans, &row);
        }
        let (mut rows, mut out) = (Vec::new(), Vec::new());
        put(&mut rows, Self::VERSION);
        put_list(&mut rows, &peers);
        put_list(&mut rows, &bans);
        put_list(&mut out, &rows);
        debug_assert!(out.len() <= PEER_BOOK_BYTES_MAX, "a peer store of {} bytes is not read back", out.len());
        out
    }

    /// Reads a book. Anything that this code would not write (another version, bytes after the book, too many records,
    /// a value out of its bounds) gives an empty one.
    pub fn decode(bytes: &[u8]) -> Self {
        Self::read(bytes).unwrap_or_default()
    }

    /// The same, for a host that wants to say that a book was damaged: then `None`.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() > PEER_BOOK_BYTES_MAX {
            return None;
        }
        let mut rows = list(&mut bytes)?;
        let version = number(&mut rows)?;
        let (mut records, mut bans) = (list(&mut rows)?, list(&mut rows)?);
        if !bytes.is_empty() || !rows.is_empty() || version != Self::VERSION {
            return None;
        }
        let (mut peers, mut banned_addresses) = (Vec::new(), Vec::new());
        while !records.is_empty() {
            let record = read_record(list(&mut records)?).filter(|_| peers.len() < PEERS_MAX)?;
            peers.push(record);
        }
        while !bans.is_empty() {
            let mut row = list(&mut bans)?;
            let ban = (PeerAddress::new(string(&mut row)?)?, Duration::from_millis(number(&mut row)?));
            if !row.is_empty() || banned_addresses.len() >= BANNED_ADDRESSES_MAX {
                return None;
            }
            banned_addresses.push(ban);
        }
        let rising = peers.windows(2).all(|pair| pair[0].peer < pair[1].peer);
        rising.then_some(Self { peers, banned_addresses })
    }

    /// Time went by since the book was made: bans are shorter by it, and those that are over are gone. For a host that
    /// knows how long it was away.
    pub fn age(&mut self, by: Duration) {
        for record in &mut self.peers {
            record.banned_for = record.banned_for.saturating_sub(by);
        }
        self.banned_addresses.retain_mut(|(_, left)| {
            *left = left.saturating_sub(by);
            !left.is_zero()
        });
    }

    /// How much longer the peer of this record is banned, itself or its address.
    pub fn banned_for(&self, record: &PeerRecord) -> Option<Duration> {
        let own = Some(record.banned_for).filter(|left| !left.is_zero());
        let there = self.banned_addresses.iter().find(|(address, _)| Some(address) == record.address.as_ref());
        own.max(there.map(|(_, left)| *left))
    }
}

fn read_record(mut row: &[u8]) -> Option<PeerRecord> {
    let peer = PeerId(u32::try_from(number(&mut row)?).ok()?);
    let address = string(&mut row)?;
    let address = if address.is_empty() { None } else { Some(PeerAddress::new(address)?) };
    let score = u8::try_from(number(&mut row)?).ok().filter(|score| *score <= SCORE_MAX)?;
    let faults = u32::try_from(number(&mut row)?).ok()?;
    let headers = number(&mut row)?;
    let banned_for = Duration::from_millis(number(&mut row)?);
    let round_trip = Some(number(&mut row)?).filter(|micros| *micros > 0).map(Duration::from_micros);
    row.is_empty().then_some(PeerRecord { peer, address, score, faults, headers, banned_for, round_trip })
}

// One copy of each in the code: a book is read and written seldom, and a page downloads what is inlined.

#[inline(never)]
fn number(row: &mut &[u8]) -> Option<u64> {
    u64::decode(row).ok()
}

#[inline(never)]
fn string(row: &mut &[u8]) -> Option<Bytes> {
    Header::decode_bytes(row, false).ok().map(Bytes::copy_from_slice)
}

#[inline(never)]
fn list<'a>(row: &mut &'a [u8]) -> Option<&'a [u8]> {
    Header::decode_bytes(row, true).ok()
}

#[inline(never)]
fn put(row: &mut Vec<u8>, number: u64) {
    number.encode(row);
}

#[inline(never)]
fn put_bytes(row: &mut Vec<u8>, bytes: &[u8]) {
    bytes.encode(row);
}

#[inline(never)]
fn put_list(out: &mut Vec<u8>, payload: &[u8]) {
    Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(payload);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Peers {
    /// Everything that is worth keeping.
    pub fn export(&self, now: Instant) -> PeerBook {
        let record = |(peer, known): (PeerId, &super::Peer)| PeerRecord {
            peer,
            address: known.address.clone(),
            score: known.reputation.score(),
            faults: known.reputation.faults(),
            headers: known.headers_before.saturating_add(known.headers),
            banned_for: known.reputation.banned_for(now).unwrap_or_default(),
            round_trip: known.window.round_trip(),
        };
        let left = |(address, until): (&PeerAddress, Instant)| (address.clone(), until.saturating_since(now));
        PeerBook { peers: self.iter().map(record).collect(), banned_addresses: self.bans.iter().map(left).collect() }
    }

    /// Takes in what an earlier session knew. A peer that is known already keeps what this session knows of it.
    pub fn restore(&mut self, now: Instant, book: &PeerBook) {
        let ban = self.config.ban;
        for record in &book.peers {
            if self.table.len() >= PEERS_MAX || self.table.contains_key(&record.peer) {
                continue;
            }
            let mut peer = self.stranger(now);
            // No ban lasts longer than a new one would.
            let banned_until = (!record.banned_for.is_zero()).then(|| now + record.banned_for.min(ban));
            peer.reputation.restore(record.score, record.faults, banned_until);
            peer.headers_before = record.headers;
            if record.headers > 0 {
                peer.evidence.responded();
            }
            peer.address = record.address.clone();
            if let Some(round_trip) = record.round_trip {
                peer.window.expect_round_trip(round_trip);
            }
            self.table.insert(record.peer, peer);
            debug_assert!(self.table.len() <= PEERS_MAX, "{} peers are restored", self.table.len());
        }
        for (address, left) in &book.banned_addresses {
            let until = now + (*left).min(ban);
            self.bans.ban(address.clone(), until);
            for peer in self.table.values_mut().filter(|peer| peer.address.as_ref() == Some(address)) {
                peer.address_banned_until = Some(until);
            }
        }
    }
}
