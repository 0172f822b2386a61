//! Dial addresses: `/ip4/203.0.113.7/udp/9090/webrtc-direct/certhash/uEi…/p2p/12D3…`.
//!
//! Addresses come from users, web servers and peers. Each kind of mistake has its own error, which names the missing
//! part.

use std::{
    iter::Peekable,
    net::{IpAddr, SocketAddr},
};

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;
use libp2p_webrtc_utils::Fingerprint;

use crate::limits::ADDRESS_BYTES_MAX;

/// The parts of a WebRTC-direct address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialAddress {
    /// The whole address.
    pub multiaddr: Multiaddr,
    /// UDP address of the peer.
    pub socket: SocketAddr,
    /// SHA-256 of the peer's DTLS certificate.
    pub fingerprint: Fingerprint,
    /// Expected peer id. Without it, any peer with this certificate is accepted.
    pub peer: Option<PeerId>,
}

/// Why an address cannot be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Longer than [`ADDRESS_BYTES_MAX`].
    #[error("{got} bytes, at most {limit}")]
    TooLong {
        /// Its bytes.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// Not a multiaddress; the text gives the position of the mistake.
    #[error("not a multiaddress: {0}")]
    Malformed(String),
    /// A multiaddress of another transport.
    #[error("not a WebRTC-direct address: /ip4 or /ip6, /udp, /webrtc-direct are needed in this order")]
    NotWebRtcDirect,
    /// No `/certhash` after `/webrtc-direct`.
    #[error("/certhash is missing: without it the peer cannot be verified")]
    NoCertHash,
    /// There is a certificate hash, but none is SHA-256, the only algorithm that peers use.
    #[error("no /certhash is a SHA-256 multihash")]
    CertHashNotSha256,
    /// An unexpected protocol after the certificate hashes.
    #[error("unexpected /{0} after /certhash")]
    Unexpected(String),
    /// Nothing listens at this address or port (0.0.0.0, ::, multicast, port 0).
    #[error("{0} cannot be reached")]
    Unreachable(SocketAddr),
}

/// Parses an address.
///
/// ```
/// use webrtc_worker::{AddressError, parse_dial_addr};
/// assert_eq!(parse_dial_addr("/ip4/127.0.0.1/tcp/1").unwrap_err(), AddressError::NotWebRtcDirect);
/// ```
pub fn parse_dial_addr(text: &str) -> Result<DialAddress, AddressError> {
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(AddressError::TooLong { got: text.len(), limit: ADDRESS_BYTES_MAX });
    }
    let multiaddr: Multiaddr = text.trim().parse().map_err(|error| AddressError::Malformed(format!("{error}")))?;
    DialAddress::try_from(multiaddr)
}

impl TryFrom<Multiaddr> for DialAddress {
    type Error = AddressError;

    fn try_from(multiaddr: Multiaddr) -> Result<Self, AddressError> {
        if multiaddr.len() > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong { got: multiaddr.len(), limit: ADDRESS_BYTES_MAX });
        }
        let mut parts = multiaddr.iter().peekable();
        let ip = match parts.next() {
            Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
            Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
            _ => return Err(AddressError::NotWebRtcDirect),
        };
        let Some(Protocol::Udp(port)) = parts.next() else { return Err(AddressError::NotWebRtcDirect) };
        let Some(Protocol::WebRTCDirect) = parts.next() else { return Err(AddressError::NotWebRtcDirect) };
        let fingerprint = certificate_hash(&mut parts)?;
        let peer = match parts.next() {
            Some(Protocol::P2p(peer)) => Some(peer),
            Some(unexpected) => return Err(AddressError::Unexpected(unexpected.tag().to_owned())),
            None => None,
        };
        if let Some(more) = parts.next() {
            return Err(AddressError::Unexpected(more.tag().to_owned()));
        }
        let socket = SocketAddr::new(ip, port);
        if socket.port() == 0 || socket.ip().is_unspecified() || socket.ip().is_multicast() {
            return Err(AddressError::Unreachable(socket));
        }
        Ok(Self { multiaddr, socket, fingerprint, peer })
    }
}

/// Reads every `/certhash`. An address may name the same certificate by several hash algorithms; the first SHA-256 is
/// used, which is the algorithm of the fingerprint in the session description.
fn certificate_hash<'a>(parts: &mut Peekable<impl Iterator<Item = Protocol<'a>>>) -> Result<Fingerprint, AddressError> {
    let mut found = Err(AddressError::NoCertHash);
    // Bounded by ADDRESS_BYTES_MAX.
    while let Some(Protocol::Certhash(hash)) = parts.next_if(|part| matches!(part, Protocol::Certhash(_))) {
        if found.is_err() {
            found = Fingerprint::try_from_multihash(hash).ok_or(AddressError::CertHashNotSha256);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "/ip4/127.0.0.1/udp/39901/webrtc-direct";
    const CERT: &str = "/certhash/uEiDikp5KVUgkLta1EjUN-IKbHk-dUBg8VzKgf5nXxLK46w";
    const PEER: &str = "/p2p/12D3KooWNpDk9w6WrEEcdsEH1y47W71S36yFjw4sd3j7omzgCSMS";

    #[test]
    fn takes_an_address_apart() {
        let address = parse_dial_addr(&format!(" {HOST}{CERT}{PEER}\n")).unwrap();
        assert_eq!(address.socket, "127.0.0.1:39901".parse().unwrap());
        assert_eq!(address.peer.unwrap().to_string(), PEER["/p2p/".len()..]);
        assert_eq!(address.multiaddr.to_string(), format!("{HOST}{CERT}{PEER}"));
        assert_eq!(&address.fingerprint.to_sdp_format()[..11], "E2:92:9E:4A");
    }

    #[test]
    fn peer_id_may_be_absent_and_ip6_is_fine() {
        let address = parse_dial_addr(&format!("/ip6/::1/udp/9/webrtc-direct{CERT}")).unwrap();
        assert_eq!(address.peer, None);
        assert_eq!(address.socket, "[::1]:9".parse().unwrap());
    }

    #[test]
    fn of_several_certificate_hashes_the_sha_256_is_used_wherever_it_stands() {
        let sha1 = "/certhash/uERQLxjlBGbmf9tHCkTSK2UBRLsUGKw";
        let single = parse_dial_addr(&format!("{HOST}{CERT}{PEER}")).unwrap();
        for hashes in [format!("{CERT}{sha1}"), format!("{sha1}{CERT}"), format!("{sha1}{CERT}{sha1}")] {
            let text = format!("{HOST}{hashes}{PEER}");
            let address = parse_dial_addr(&text).unwrap();
            assert_eq!((address.fingerprint, address.peer), (single.fingerprint, single.peer), "{text}");
            assert_eq!(address.multiaddr.to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        use AddressError::*;
        let sha1 = "/certhash/uERQLxjlBGbmf9tHCkTSK2UBRLsUGKw";
        for (text, expected) in [
            ("/ip4/127.0.0.1/tcp/80".to_owned(), NotWebRtcDirect),
            (format!("/dns4/example.org/udp/1/webrtc-direct{CERT}"), NotWebRtcDirect),
            ("/ip4/127.0.0.1/udp/1/quic-v1".to_owned(), NotWebRtcDirect),
            (HOST.to_owned(), NoCertHash),
            (format!("{HOST}{PEER}"), NoCertHash),
            (format!("{HOST}{sha1}"), CertHashNotSha256),
            (format!("{HOST}{sha1}{sha1}{PEER}"), CertHashNotSha256),
            (format!("{HOST}{CERT}/webrtc-direct"), Unexpected("webrtc-direct".to_owned())),
            (format!("{HOST}{CERT}{PEER}/p2p-circuit"), Unexpected("p2p-circuit".to_owned())),
            (format!("/ip4/127.0.0.1/udp/0/webrtc-direct{CERT}"), Unreachable("127.0.0.1:0".parse().unwrap())),
            (format!("/ip4/0.0.0.0/udp/1/webrtc-direct{CERT}"), Unreachable("0.0.0.0:1".parse().unwrap())),
            ("/".repeat(513), TooLong { got: 513, limit: 512 }),
        ] {
            assert_eq!(parse_dial_addr(&text).unwrap_err(), expected, "{text}");
        }
        for text in ["", "hello", "/ip4/300.0.0.1", "/ip4/1.2.3.4/udp/99999", &format!("{HOST}/certhash/@@"), "🦀"] {
            assert!(
                matches!(parse_dial_addr(text), Err(Malformed(_) | NotWebRtcDirect)),
                "{text}: {:?}",
                parse_dial_addr(text)
            );
        }
    }
}
