//! Session descriptions of the WebRTC-direct handshake.
//!
//! No signalling happens before the first packet: the dialler writes both descriptions. It takes the browser's own
//! offer, replaces the user name fragment by a random one (the listener learns it from the first STUN packet, and the
//! password is the same), and makes the answer from the address.

use std::net::SocketAddr;

use libp2p_webrtc_utils::{Fingerprint, SHA256};

use crate::limits::SDP_BYTES_MAX;

const UFRAG: &str = "a=ice-ufrag:";
const PWD: &str = "a=ice-pwd:";
const FINGERPRINT: &str = "a=fingerprint:";

/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Why the browser's offer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Longer than [`SDP_BYTES_MAX`].
    #[error("session description of {got} bytes, at most {limit}")]
    TooLong {
        /// Its bytes.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// There must be exactly one such line.
    #[error("session description has {got} lines `{line}`, expected 1")]
    LineCount {
        /// Start of the line.
        line: &'static str,
        /// Number of such lines.
        got: usize,
    },
    /// The fingerprint is not the SHA-256 of a certificate in hexadecimal.
    #[error("session description has no SHA-256 fingerprint")]
    Fingerprint,
}

/// The offer with `ufrag` as user name fragment and as password; the rest is unchanged.
pub fn munge_offer(offer: &str, ufrag: &str) -> Result<String, SdpError> {
    if offer.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLong { got: offer.len(), limit: SDP_BYTES_MAX });
    }
    for line in [UFRAG, PWD] {
        let got = offer.lines().filter(|l| l.starts_with(line)).count();
        if got != 1 {
            return Err(SdpError::LineCount { line, got });
        }
    }
    let mut munged = String::with_capacity(offer.len() + 2 * ufrag.len());
    for line in offer.lines() {
        match [UFRAG, PWD].into_iter().find(|name| line.starts_with(name)) {
            Some(name) => munged.extend([name, ufrag]),
            None => munged.push_str(line),
        }
        munged.push_str("\r\n");
    }
    Ok(munged)
}

/// The SDP answer of the listener at `addr` whose certificate has this fingerprint; `ufrag` is also the password.
///
/// The text is that of `libp2p_webrtc_utils::sdp::answer`, which would add a template engine and JSON to the wasm: 14
/// KB (gzip).
pub fn answer(addr: SocketAddr, fingerprint: Fingerprint, ufrag: &str) -> String {
    let version = if addr.is_ipv4() { "IP4" } else { "IP6" };
    let (ip, port) = (addr.ip(), addr.port());
    let digest = fingerprint.to_sdp_format();
    format!(
        "v=0\n\
         o=- 0 0 IN {version} {ip}\n\
         s=-\n\
         t=0 0\n\
         a=ice-lite\n\
         m=application {port} UDP/DTLS/SCTP webrtc-datachannel\n\
         c=IN {version} {ip}\n\
         a=mid:0\n\
         a=ice-options:ice2\n\
         {UFRAG}{ufrag}\n\
         {PWD}{ufrag}\n\
         {FINGERPRINT}{SHA256} {digest}\n\
         a=setup:passive\n\
         a=sctp-port:5000\n\
         a=max-message-size:16384\n\
         a=candidate:1467250027 1 UDP 1467250027 {ip} {port} typ host\n\
         a=end-of-candidates\n"
    )
}

/// The fingerprint of our certificate, from the offer.
pub fn fingerprint(offer: &str) -> Result<Fingerprint, SdpError> {
    if offer.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLong { got: offer.len(), limit: SDP_BYTES_MAX });
    }
    let mut lines = offer.lines().filter_map(|line| line.strip_prefix(FINGERPRINT));
    let (Some(value), rest) = (lines.next(), lines.count()) else {
        return Err(SdpError::LineCount { line: FINGERPRINT, got: 0 });
    };
    if rest > 0 {
        return Err(SdpError::LineCount { line: FINGERPRINT, got: rest + 1 });
    }
    let (algorithm, digest) = value.trim().split_once(' ').ok_or(SdpError::Fingerprint)?;
    if !algorithm.eq_ignore_ascii_case(SHA256) {
        return Err(SdpError::Fingerprint);
    }
    let mut bytes = [0; DIGEST_BYTES];
    let mut pairs = digest.split(':');
    for byte in &mut bytes {
        let pair = pairs.next().ok_or(SdpError::Fingerprint)?;
        if pair.len() != 2 || !pair.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(SdpError::Fingerprint);
        }
        *byte = u8::from_str_radix(pair, 16).map_err(|_| SdpError::Fingerprint)?;
    }
    if pairs.next().is_some() {
        return Err(SdpError::Fingerprint);
    }
    Ok(Fingerprint::raw(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str =
        "7D:E3:D8:3F:81:A6:80:59:2A:47:1E:6B:6A:BB:07:47:AB:D3:53:85:A8:09:3F:DF:E1:12:C1:EE:BB:6C:C6:AC";

    /// In the form of a browser's offer.
    fn offer() -> String {
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:q3Zw\r\n\
             a=ice-pwd:0o2wQJLmwkY1nYXvlVoUZb2v\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {DIGEST}\r\n\
             a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
        )
    }

    #[test]
    fn munging_changes_two_lines_and_nothing_else() {
        let offer = offer();
        let munged = munge_offer(&offer, "libp2p+webrtc+v1/abc").unwrap();
        let changed: Vec<_> = offer.lines().zip(munged.lines()).filter(|(a, b)| a != b).map(|(_, b)| b).collect();
        assert_eq!(changed, ["a=ice-ufrag:libp2p+webrtc+v1/abc", "a=ice-pwd:libp2p+webrtc+v1/abc"]);
        assert_eq!(offer.lines().count(), munged.lines().count());
        assert!(munged.ends_with("\r\n"));
    }

    #[test]
    fn munging_refuses_what_it_does_not_understand() {
        let twice = offer() + "a=ice-pwd:another\r\n";
        assert_eq!(munge_offer(&twice, "u"), Err(SdpError::LineCount { line: PWD, got: 2 }));
        assert_eq!(munge_offer("v=0\r\n", "u"), Err(SdpError::LineCount { line: UFRAG, got: 0 }));
        let long = "x".repeat(SDP_BYTES_MAX + 1);
        let expected = SdpError::TooLong { got: SDP_BYTES_MAX + 1, limit: SDP_BYTES_MAX };
        assert_eq!(munge_offer(&long, "u").unwrap_err(), expected);
        assert_eq!(fingerprint(&long).unwrap_err(), expected);
    }

    #[test]
    fn the_answer_is_that_of_libp2p() {
        let certificate = Fingerprint::raw(std::array::from_fn(|i| i as u8 * 8));
        for addr in ["192.0.2.7:30303", "[2001:db8::7]:9", "[::ffff:192.0.2.7]:65535", "[::1]:1"] {
            let addr = addr.parse().unwrap();
            let ufrag = libp2p_webrtc_utils::sdp::random_ufrag();
            let expected = libp2p_webrtc_utils::sdp::answer(addr, certificate, &ufrag);
            assert_eq!(answer(addr, certificate, &ufrag), expected);
        }
    }

    #[test]
    fn reads_the_fingerprint() {
        assert_eq!(fingerprint(&offer()).unwrap().to_sdp_format(), DIGEST);
        let lower = offer().replace(DIGEST, &DIGEST.to_lowercase());
        assert_eq!(fingerprint(&lower).unwrap().to_sdp_format(), DIGEST);
    }

    #[test]
    fn refuses_a_fingerprint_that_is_none() {
        for wrong in
            ["", "7D", &DIGEST[3..], &format!("{DIGEST}:00"), &DIGEST.replace("7D", "+D"), &DIGEST.replace("7D", "ZZ")]
        {
            assert_eq!(fingerprint(&offer().replace(DIGEST, wrong)), Err(SdpError::Fingerprint), "{wrong}");
        }
        assert_eq!(fingerprint(&offer().replace("sha-256", "sha-1")), Err(SdpError::Fingerprint));
        assert_eq!(fingerprint("v=0\r\n"), Err(SdpError::LineCount { line: FINGERPRINT, got: 0 }));
        let twice = format!("{0}a=fingerprint:sha-256 {DIGEST}\r\n", offer());
        assert_eq!(fingerprint(&twice), Err(SdpError::LineCount { line: FINGERPRINT, got: 2 }));
    }
}
