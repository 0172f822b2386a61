//! The peer store, as bytes: the machine's [`PeerBook`], the multiaddress of each record, and the time of writing.
//!
//! The machine assigns new peer ids in each session and counts time from its own start. So each record is stored with
//! the multiaddress (which contains the identity) of its peer, and all of them with the wall-clock time of writing. A
//! ban is stored as its remaining time: [`KeptPeers::decode`] subtracts the time since then. A clock that was set back
//! does not help a malicious peer, and extends no ban beyond the length of a new one.
//!
//! The stored bytes are untrusted (the browser, other scripts of the origin, a failing disk): they are decoded
//! strictly, within [`KEPT_BYTES_MAX`] and [`PEERS_MAX`]; one wrong byte of the format makes all of them damaged. A
//! forged store can ban a peer for one ban's time, or raise its score; a peer that it adds is used only if the page
//! names it too, or pins the target ([`super::peers`]).

use std::time::Duration;

use alloy_rlp::{Decodable, Encodable, Header};
use sync_core::{
    PeerAddress, PeerBook, PeerRecord,
    config::{PEER_BOOK_BYTES_MAX, PEERS_MAX},
};

use super::transport::parse;

/// Longest stored multiaddress, in bytes: the limit for one that can be dialled.
const MULTIADDR_BYTES_MAX: usize = 512;

/// Most bytes of the peer store: the machine's records and one multiaddress for each peer, each at its longest. In
/// practice some 200 bytes for each peer.
pub const KEPT_BYTES_MAX: usize = PEER_BOOK_BYTES_MAX + PEERS_MAX * (MULTIADDR_BYTES_MAX + 8);

/// Version of the format that this code writes.
const VERSION: u64 = 1;

/// The stored peer records. See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptPeers {
    /// For each peer its multiaddress with identity, and the machine's record. At most [`PEERS_MAX`].
    pub peers: Vec<(String, PeerRecord)>,
    /// Banned addresses, with the remaining time.
    pub banned_addresses: Vec<(PeerAddress, Duration)>,
}

impl KeptPeers {
    /// Encodes the records. `now`: wall-clock time, milliseconds since 1970.
    pub fn encode(self, now: u64) -> Vec<u8> {
        let mut multiaddrs = Vec::new();
        let mut peers = Vec::new();
        for (multiaddr, record) in self.peers.into_iter().take(PEERS_MAX) {
            multiaddr.as_bytes().encode(&mut multiaddrs);
            peers.push(record);
        }
        let book = PeerBook { peers, banned_addresses: self.banned_addresses }.encode();
        let mut rows = Vec::new();
        VERSION.encode(&mut rows);
        now.encode(&mut rows);
        multiaddrs[..].encode(&mut rows);
        book[..].encode(&mut rows);
        rows
    }

    /// Decodes the output of [`encode`](Self::encode), with the bans that remain at the wall-clock time `now`. `None`
    /// for any other input.
    pub fn decode(mut bytes: &[u8], now: u64) -> Option<Self> {
        if bytes.len() > KEPT_BYTES_MAX {
            return None;
        }
        let (version, written_at) = (u64::decode(&mut bytes).ok()?, u64::decode(&mut bytes).ok()?);
        let mut multiaddrs = string(&mut bytes)?;
        let mut book = PeerBook::read(string(&mut bytes)?)?;
        if !bytes.is_empty() || version != VERSION {
            return None;
        }
        let mut peers = Vec::with_capacity(book.peers.len());
        book.age(Duration::from_millis(now.saturating_sub(written_at)));
        for record in book.peers {
            let text = std::str::from_utf8(string(&mut multiaddrs)?).ok()?;
            parse(text).ok().filter(|_| text.len() <= MULTIADDR_BYTES_MAX)?;
            peers.push((text.to_owned(), record));
        }
        multiaddrs.is_empty().then_some(Self { peers, banned_addresses: book.banned_addresses })
    }
}

fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    Header::decode_bytes(bytes, false).ok()
}

#[cfg(test)]
mod tests {
    use sync_core::id::PeerId;

    use super::{
        super::peers::tests::{ONE, TWO, multiaddr},
        *,
    };

    const NOW: u64 = 1_800_000_000_000;

    fn record(peer: u32, port: u16, banned_secs: u64) -> PeerRecord {
        PeerRecord {
            peer: PeerId(peer),
            address: PeerAddress::new(format!("127.0.0.1:{port}").into_bytes()),
            score: if banned_secs > 0 { 0 } else { 96 },
            faults: 2,
            headers: 7_000,
            banned_for: Duration::from_secs(banned_secs),
            round_trip: Some(Duration::from_millis(12)),
        }
    }

    fn kept() -> KeptPeers {
        let liar = record(3, 4_001, 600);
        let banned_addresses = vec![(liar.address.clone().expect("short"), Duration::from_secs(600))];
        let peers = vec![(multiaddr(4_001, ONE), liar), (multiaddr(4_002, TWO), record(9, 4_002, 0))];
        KeptPeers { peers, banned_addresses }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let bytes = kept().encode(NOW);
        assert!(bytes.len() < 600, "{}", bytes.len());
        assert_eq!(KeptPeers::decode(&bytes, NOW), Some(kept()));
        assert_eq!(KeptPeers::decode(&KeptPeers::default().encode(NOW), NOW), Some(KeptPeers::default()));
    }

    #[test]
    fn a_ban_ends_by_the_wall_clock() {
        let bytes = kept().encode(NOW);
        let later = KeptPeers::decode(&bytes, NOW + 90_000).expect("sound");
        assert_eq!(later.peers[0].1.banned_for, Duration::from_secs(510));
        assert_eq!(later.banned_addresses[0].1, Duration::from_secs(510));
        let over = KeptPeers::decode(&bytes, NOW + 600_000).expect("sound");
        assert!(over.peers.iter().all(|(_, record)| record.banned_for.is_zero()));
        assert_eq!(over.banned_addresses, []);
        let set_back = KeptPeers::decode(&bytes, NOW - 86_400_000).expect("sound");
        assert_eq!(set_back.peers[0].1.banned_for, Duration::from_secs(600), "no longer than it was");
    }

    #[test]
    fn anything_else_is_damage() {
        let bytes = kept().encode(NOW);
        for cut in 0..bytes.len() {
            assert_eq!(KeptPeers::decode(&bytes[..cut], NOW), None);
        }
        assert_eq!(KeptPeers::decode(&[&bytes[..], &[0]].concat(), NOW), None);
        assert_eq!(KeptPeers::decode(&vec![0xc0; KEPT_BYTES_MAX + 1], NOW), None);
        let (one, two) = (multiaddr(4_001, ONE), multiaddr(4_002, TWO));
        let book = PeerBook { peers: vec![record(3, 4_001, 600), record(9, 4_002, 0)], ..PeerBook::default() };
        let written = |version: u64, texts: &[&str], book: &[u8]| {
            let (mut multiaddrs, mut out) = (Vec::new(), Vec::new());
            texts.iter().for_each(|text| text.as_bytes().encode(&mut multiaddrs));
            version.encode(&mut out);
            NOW.encode(&mut out);
            multiaddrs[..].encode(&mut out);
            book.encode(&mut out);
            KeptPeers::decode(&out, NOW)
        };
        let book = book.encode();
        assert!(written(VERSION, &[&one, &two], &book).is_some());
        assert_eq!(written(VERSION + 1, &[&one, &two], &book), None);
        assert_eq!(written(VERSION, &[&one], &book), None);
        assert_eq!(written(VERSION, &[&one, &two, &two], &book), None);
        assert_eq!(written(VERSION, &[&one, "/ip4/127.0.0.1/tcp/4001"], &book), None);
        assert_eq!(written(VERSION, &[&one, &(two.clone() + &" ".repeat(MULTIADDR_BYTES_MAX))], &book), None);
        assert_eq!(written(VERSION, &[&one, &two], &book[1..]), None);
    }

    #[test]
    fn no_more_than_the_limit_is_kept_and_at_its_longest_it_is_read() {
        let longest =
            format!("{}{}", multiaddr(4_001, ONE), " ".repeat(MULTIADDR_BYTES_MAX - multiaddr(4_001, ONE).len()));
        let peers = (0..PEERS_MAX as u32 + 9).map(|number| (longest.clone(), record(number, 4_001, 600))).collect();
        let bytes = KeptPeers { peers, banned_addresses: Vec::new() }.encode(NOW);
        assert!(bytes.len() <= KEPT_BYTES_MAX);
        assert_eq!(KeptPeers::decode(&bytes, NOW).expect("sound").peers.len(), PEERS_MAX);
    }
}
