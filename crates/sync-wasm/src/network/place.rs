//! The ban key of an address: the bytes of a [`PeerAddress`].
//!
//! A malicious peer evades a ban by peer id with a new key pair, and a ban by address and port with another port of
//! the same machine. So on the public internet the ban key is the IP address; of IPv6 the first 64 bits, the smallest
//! allocation of one customer, else a malicious peer would have 2^64 ban keys. Any other address does not identify a
//! machine, or several peers may run on its machine (loopback, a home or office network, a provider's shared addresses,
//! tunnels): there the ban key is address and port, so that a ban does not affect the neighbours.
//!
//! A ban does affect honest peers behind the same public address, for the time of one ban. Only the page names peers,
//! so an attacker cannot share an honest peer's address unless the page lists it there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p_core::Multiaddr;
use sync_core::PeerAddress;

use super::transport::socket_of;

/// The ban key of a dialled multiaddress; `None` if it has no host and port.
pub fn place_of(address: &Multiaddr) -> Option<PeerAddress> {
    let socket = socket_of(address)?;
    // An IPv4-mapped IPv6 address has the ban key of the IPv4 address.
    let ip = socket.ip().to_canonical();
    // The four kinds of ban key have different lengths.
    let mut place = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    match ip {
        IpAddr::V4(ip) if is_public_4(ip) => {}
        IpAddr::V6(ip) if is_public_6(ip) => place.truncate(8),
        _ => place.extend(socket.port().to_be_bytes()),
    }
    PeerAddress::new(place)
}

/// Whether the address identifies one machine, or one site, on the whole internet.
pub(super) fn is_public_4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    // 100.64.0.0/10 is shared by the customers of a provider (RFC 6598).
    let shared = first == 100 && (64..128).contains(&second);
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared)
}

/// As [`is_public_4`]: global unicast is 2000::/3. In 2001::/32 (Teredo) the first 64 bits identify a shared relay.
pub(super) fn is_public_6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    first >> 13 == 0b001 && (first, second) != (0x2001, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<Vec<u8>> {
        place_of(&text.parse().expect("a multiaddress")).map(|place| place.as_bytes().to_vec())
    }

    #[test]
    fn a_public_address_is_one_place_whatever_the_port() {
        let public = Some(vec![203, 0, 113, 7]);
        assert_eq!(place("/ip4/203.0.113.7/udp/4001/webrtc-direct"), public);
        assert_eq!(place("/ip4/203.0.113.7/udp/4002"), public);
        assert_eq!(place("/ip6/::ffff:203.0.113.7/udp/1"), public);
        assert_eq!(place("/ip4/100.128.0.1/udp/1"), Some(vec![100, 128, 0, 1]));
        let customer = Some(vec![0x2a, 0x01, 0x04, 0xf8, 0, 1, 0, 2]);
        assert_eq!(place("/ip6/2a01:4f8:1:2:3:4:5:6/udp/1"), customer);
        assert_eq!(place("/ip6/2a01:4f8:1:2::9/udp/2"), customer);
        assert_ne!(place("/ip6/2a01:4f8:1:3::9/udp/2"), customer);
    }

    #[test]
    fn peers_side_by_side_on_one_host_or_behind_a_shared_address_are_places_of_their_own() {
        for ip in ["127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.5", "169.254.3.4", "100.64.0.1", "100.127.0.1"] {
            assert_eq!(place(&format!("/ip4/{ip}/udp/4001")).map(|place| place.len()), Some(6));
            assert_ne!(place(&format!("/ip4/{ip}/udp/4001")), place(&format!("/ip4/{ip}/udp/4002")));
        }
        for ip in ["::1", "fe80::1", "fd00::7", "64:ff9b::1", "2001:0:1:2:3::4"] {
            assert_ne!(place(&format!("/ip6/{ip}/udp/4001")), place(&format!("/ip6/{ip}/udp/4002")), "{ip}");
        }
        assert_eq!(place("/ip6/::ffff:127.0.0.1/udp/9"), Some(vec![127, 0, 0, 1, 0, 9]));
    }

    #[test]
    fn what_is_no_address_with_a_port_is_no_place() {
        for text in ["/dns4/peer.example/udp/1", "/ip4/203.0.113.7/tcp/1", "/ip4/203.0.113.7", "/udp/1"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
