//! The transports: the only module that knows which transports exist, their address formats and their errors. The rest
//! of the host uses a multiaddress unchanged, and a [`DialError`].
//!
//! A second transport would be one more file beside `webrtc_direct`, called from here. Addresses are untrusted: for one
//! that cannot be dialled the reason is returned. Error texts are written here and in the crates of the transports.

mod webrtc_direct;

use std::{io, net::SocketAddr};

use libp2p_core::{Multiaddr, transport::TransportError};
use libp2p_identity::PeerId as Libp2pPeerId;
use libp2p_swarm::DialError as SwarmError;

use super::dial_error::{DialError, DialErrorCode};

#[cfg(target_arch = "wasm32")]
pub use self::dialer::dialer;

/// Parses a multiaddress that a browser can dial, and splits off the identity; else returns the reason.
pub fn parse(text: &str) -> Result<(Libp2pPeerId, Multiaddr), String> {
    webrtc_direct::parse(text)
}

/// Host and port of a dial to this address; `None` if no transport supports it.
pub fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    webrtc_direct::socket_of(address)
}

/// Converts the swarm's error.
pub fn dial_error(error: &SwarmError) -> DialError {
    use DialErrorCode::{Closed, Limit, NotDialable, WrongPeerId};
    let (code, message) = match error {
        SwarmError::Transport(errors) => return of_addresses(errors),
        SwarmError::WrongPeerId { obtained, .. } => (WrongPeerId, format!("peer {obtained} answered")),
        SwarmError::LocalPeerId { .. } => (WrongPeerId, "this page's own identity answered".into()),
        SwarmError::NoAddresses => (NotDialable, "no address is known".into()),
        SwarmError::DialPeerConditionFalse(_) => (Closed, "an earlier connection to it has not ended yet".into()),
        SwarmError::Aborted => (Closed, "the dial was ended".into()),
        SwarmError::Denied { .. } => (Limit, "the connection was not allowed".into()),
    };
    DialError::new(code, message)
}

/// The addresses of a peer are dialled at once: returns the most informative error ([`DialErrorCode`]'s order); if
/// there are several, with its address.
fn of_addresses(errors: &[(Multiaddr, TransportError<io::Error>)]) -> DialError {
    let known = errors.iter().map(|(address, error)| (of_transport(error), address));
    let Some((told, address)) = known.min_by_key(|(error, _)| error.code) else {
        return DialError::new(DialErrorCode::NotDialable, "no address is known");
    };
    if errors.len() == 1 {
        return told;
    }
    // Only host and port: `/ip4/../udp/..`.
    let host: Multiaddr = address.iter().take(2).collect();
    DialError::new(told.code, format!("{host}: {}", told.message))
}

fn of_transport(error: &TransportError<io::Error>) -> DialError {
    match error {
        TransportError::MultiaddrNotSupported(_) => {
            DialError::new(DialErrorCode::NotDialable, webrtc_direct::NOT_SUPPORTED)
        }
        TransportError::Other(error) => match webrtc_direct::explain(error) {
            Some((code, message)) => DialError::new(code, message),
            // Each transport has one error type; an error of libp2p's own wrappers has another.
            None => DialError::new(DialErrorCode::Closed, error.to_string()),
        },
    }
}

#[cfg(target_arch = "wasm32")]
mod dialer {
    use std::time::Duration;

    use libp2p_core::{Transport as _, muxing::StreamMuxerBox, transport::Boxed};
    use libp2p_identity::{Keypair, PeerId};
    use web_sys::MessagePort;
    use webrtc_worker::{Broker, Config, Transport};

    /// The dialer of every address that [`parse`](super::parse) accepts. The page's broker of RTCPeerConnections is at
    /// the other end of `rtc_port`.
    pub fn dialer(keypair: &Keypair, rtc_port: MessagePort, dial_timeout: Duration) -> Boxed<(PeerId, StreamMuxerBox)> {
        let config = Config { dial_timeout, ..Config::default() };
        Transport::new(keypair, Broker::new(rtc_port), config)
            .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p_identity::PeerId;
    use webrtc_worker::{BrokerError, EndReason, Error as RtcError};

    use super::*;

    fn at(port: u16, error: RtcError) -> (Multiaddr, TransportError<io::Error>) {
        let address = format!("/ip4/203.0.113.7/udp/{port}").parse().expect("an address");
        (address, TransportError::Other(io::Error::other(error)))
    }

    fn told(errors: Vec<(Multiaddr, TransportError<io::Error>)>) -> DialError {
        dial_error(&SwarmError::Transport(errors))
    }

    #[test]
    fn each_error_of_the_transport_has_its_code() {
        use DialErrorCode::*;
        let (expected, got) = (PeerId::random(), PeerId::random());
        for (error, code) in [
            (RtcError::Ended(EndReason::Certificate), WrongCerthash),
            (RtcError::PeerId { expected, got }, WrongPeerId),
            (RtcError::DialTimeout(Duration::from_secs(8)), Timeout),
            (RtcError::Ended(EndReason::Failed), Timeout),
            (RtcError::Broker(BrokerError::Limit("500".into())), Limit),
            (RtcError::Broker(BrokerError::Unsupported("no transfer".into())), Unsupported),
            (RtcError::Broker(BrokerError::Rtc("munged".into())), Unsupported),
            (RtcError::Noise("end of file".into()), Refused),
            (RtcError::Ended(EndReason::Closed), Refused),
            (RtcError::Ended(EndReason::Local), Closed),
        ] {
            let told = told(vec![at(1, error.clone())]);
            assert_eq!((told.code, told.message), (code, error.to_string()));
        }
        let other = TransportError::MultiaddrNotSupported("/ip4/127.0.0.1/tcp/1".parse().expect("an address"));
        assert_eq!(told(vec![(Multiaddr::empty(), other)]).code, NotDialable);
        assert_eq!(dial_error(&SwarmError::NoAddresses).code, NotDialable);
    }

    #[test]
    fn of_several_addresses_the_one_that_tells_most_is_named() {
        let silence = || RtcError::DialTimeout(Duration::from_secs(8));
        let error = told(vec![at(1, silence()), at(2, RtcError::Ended(EndReason::Certificate)), at(3, silence())]);
        assert_eq!(error.code, DialErrorCode::WrongCerthash);
        assert!(error.message.starts_with("/ip4/203.0.113.7/udp/2: "), "{}", error.message);
    }

    #[test]
    fn an_address_is_split_into_who_answers_and_where_or_refused_with_a_reason() {
        let certhash = "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let address = format!("/ip6/2001:db8::7/udp/4001/webrtc-direct/certhash/{certhash}");
        let identity = PeerId::random();
        let parsed = parse(&format!("{address}/p2p/{identity}")).expect("an address");
        assert_eq!(parsed, (identity, address.parse().expect("a multiaddress")));
        assert_eq!(socket_of(&parsed.1), Some("[2001:db8::7]:4001".parse().expect("an address")));
        for (bad, reason) in [
            (address.as_str(), "it does not end with /p2p/<peer id>"),
            ("/ip4/203.0.113.7/tcp/4001", "not a WebRTC-direct address"),
            ("nonsense", "not a multiaddress"),
        ] {
            let told = parse(bad).expect_err("cannot be dialled");
            assert!(told.starts_with(reason), "{bad}: {told}");
        }
    }
}
