//! The reach of an IP address, and whether a page may dial it.
//!
//! A peer list that a page fetches is untrusted. Its author could make every browser that reads it send STUN packets
//! into the browser's own network: to its router, its printer, to services on its own machine. So an address of a list
//! is dialled only if it is not nearer to the browser than the page itself: a page from the internet may dial public
//! addresses, a page from a private network also private addresses, a page from this machine all. Addresses that the
//! page names itself are not restricted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p_core::Multiaddr;

use super::{
    place::{is_public_4, is_public_6},
    transport::socket_of,
};

/// The reach of an address, from far to near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// One host for the whole internet.
    Public,
    /// The network of a home, office, provider or link; and reserved addresses.
    Private,
    /// This machine.
    Loopback,
}

impl Reach {
    /// Reach of a multiaddress; `None` if it has no IP address and UDP port.
    pub fn of_address(address: &Multiaddr) -> Option<Self> {
        socket_of(address).map(|socket| Self::of_ip(socket.ip()))
    }

    /// Reach of a page with this origin (`https://example.org`, `http://[::1]:8080`). A host name does not show its
    /// address, so all names but `localhost` count as public, and so does an opaque origin (`null`).
    pub fn of_origin(origin: &str) -> Self {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((ip, _)) => ip,
            None => host.split(':').next().unwrap_or_default(),
        };
        match host.parse::<IpAddr>() {
            Ok(ip) => Self::of_ip(ip),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Self::Loopback,
            Err(_) => Self::Public,
        }
    }

    fn of_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // 0.0.0.0/8 is "this host on this network" (RFC 1122 3.2.1.3); Linux treats 0.0.0.0 as loopback.
            IpAddr::V4(ip) if ip.is_loopback() || ip.octets()[0] == 0 => Self::Loopback,
            IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => Self::Loopback,
            IpAddr::V4(ip) if is_public_4(ip) && !is_reserved_4(ip) => Self::Public,
            IpAddr::V6(ip) if is_public_6(ip) && !embeds_4(ip) => Self::Public,
            _ => Self::Private,
        }
    }
}

/// IETF protocol assignments, benchmarking, multicast and above (RFC 6890).
fn is_reserved_4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    first >= 224 || (first, second, third) == (192, 0, 0) || (first == 198 && second & 0xfe == 18)
}

/// 6to4 (2002::/16) embeds an IPv4 address, which may be private.
fn embeds_4(ip: Ipv6Addr) -> bool {
    ip.segments()[0] == 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_public_private_or_of_this_machine() {
        let reach = |ip: &str| Reach::of_ip(ip.parse().expect("an address"));
        for ip in ["8.8.8.8", "203.0.113.7", "2a01:4f8::1", "::ffff:8.8.8.8"] {
            assert_eq!(reach(ip), Reach::Public, "{ip}");
        }
        for ip in ["10.0.0.1", "192.168.1.1", "172.31.0.1", "169.254.169.254", "100.64.0.1", "255.255.255.255"] {
            assert_eq!(reach(ip), Reach::Private, "{ip}");
        }
        for ip in ["fe80::1", "fd00::1", "64:ff9b::a00:1", "2002:a00:1::1", "::ffff:10.0.0.1", "198.19.0.1"] {
            assert_eq!(reach(ip), Reach::Private, "{ip}");
        }
        for ip in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1"] {
            assert_eq!(reach(ip), Reach::Loopback, "{ip}");
        }
    }

    #[test]
    fn a_page_is_as_near_as_the_host_it_comes_from() {
        for (origin, reach) in [
            ("https://example.org", Reach::Public),
            ("https://localhost.example.org", Reach::Public),
            ("null", Reach::Public),
            ("", Reach::Public),
            ("http://127.0.0.1:8080", Reach::Loopback),
            ("http://localhost:5173", Reach::Loopback),
            ("https://app.localhost", Reach::Loopback),
            ("http://[::1]:8080", Reach::Loopback),
            ("http://192.168.1.5", Reach::Private),
            ("http://[fd00::2]", Reach::Private),
            ("http://203.0.113.7:80", Reach::Public),
        ] {
            assert_eq!(Reach::of_origin(origin), reach, "{origin}");
        }
    }
}
