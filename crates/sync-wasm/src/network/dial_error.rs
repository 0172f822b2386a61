//! Why a dial failed, in the codes that the page knows.
//!
//! A peer has several addresses, dialled at once; of their errors the one is kept that tells most
//! ([`DialErrorCode`]'s order). Texts are made here and in `webrtc-worker`; nothing that a peer chose passes through.

use std::io;

use libp2p_core::{Multiaddr, transport::TransportError};
use libp2p_swarm::DialError as SwarmError;
use serde::Serialize;
use webrtc_worker::{BrokerError, EndReason, Error as RtcError};

/// Characters of a dial's message that the page gets.
const MESSAGE_CHARS_MAX: usize = 300;

/// Why a dial failed; the first tells most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialErrorCode {
    /// Whoever answers there has another certificate than the address says.
    WrongCerthash,
    /// Another peer answered.
    WrongPeerId,
    /// The browser has no room for one more connection, or the page has not.
    Limit,
    /// The browser cannot do what the dial needs, or the peer does not speak the protocol.
    Unsupported,
    /// The peer ended the connection while it was made.
    Refused,
    /// The connection ended while it was made, by this side.
    Closed,
    /// The address is not dialled from this page.
    NotDialable,
    /// Nobody answered in time.
    Timeout,
}

/// Why a dial failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DialError {
    /// For programs.
    pub code: DialErrorCode,
    /// One sentence.
    pub message: String,
}

impl DialError {
    /// An error with this code; a long message is cut.
    pub fn new(code: DialErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into().chars().take(MESSAGE_CHARS_MAX).collect() }
    }

    /// A dial that this host ended before it had a result.
    pub fn given_up() -> Self {
        Self::new(DialErrorCode::Timeout, "no answer yet, and other peers wait for their turn")
    }

    /// No address of the peer may be dialled.
    pub fn not_dialable() -> Self {
        let message = "the list names an address of a private network or of this machine, which this page does not dial; \
                       name it in `peers`, or serve the page from there";
        Self::new(DialErrorCode::NotDialable, message)
    }
}

impl From<&SwarmError> for DialError {
    fn from(error: &SwarmError) -> Self {
        use DialErrorCode::{Closed, Limit, NotDialable, WrongPeerId};
        match error {
            SwarmError::Transport(errors) => of_addresses(errors),
            SwarmError::WrongPeerId { obtained, .. } => Self::new(WrongPeerId, format!("peer {obtained} answered")),
            SwarmError::LocalPeerId { .. } => Self::new(WrongPeerId, "this page's own identity answered"),
            SwarmError::NoAddresses => Self::new(NotDialable, "no address is known"),
            SwarmError::DialPeerConditionFalse(_) => Self::new(Closed, "an earlier connection to it has not ended yet"),
            SwarmError::Aborted => Self::new(Closed, "the dial was ended"),
            SwarmError::Denied { .. } => Self::new(Limit, "the connection was not allowed"),
        }
    }
}

/// The error of the address that tells most; with the address, where there are several.
fn of_addresses(errors: &[(Multiaddr, TransportError<io::Error>)]) -> DialError {
    let known = errors.iter().map(|(address, error)| (of_transport(error), address));
    let Some((told, address)) = known.min_by_key(|(error, _)| error.code) else {
        return DialError::new(DialErrorCode::NotDialable, "no address is known");
    };
    if errors.len() == 1 {
        return told;
    }
    // What names the host is enough: `/ip4/…/udp/…`.
    let host: Multiaddr = address.iter().take(2).collect();
    DialError::new(told.code, format!("{host}: {}", told.message))
}

fn of_transport(error: &TransportError<io::Error>) -> DialError {
    match error {
        TransportError::MultiaddrNotSupported(_) => {
            DialError::new(DialErrorCode::NotDialable, "not a WebRTC-direct address")
        }
        TransportError::Other(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<RtcError>()) {
            Some(inner) => DialError::new(code_of(inner), inner.to_string()),
            // The transport has one error type; libp2p's own wrappers may come in between.
            None => DialError::new(DialErrorCode::Closed, error.to_string()),
        },
    }
}

fn code_of(error: &RtcError) -> DialErrorCode {
    match error {
        RtcError::Address(_) => DialErrorCode::NotDialable,
        RtcError::PeerId { .. } => DialErrorCode::WrongPeerId,
        RtcError::DialTimeout(_) | RtcError::ChannelTimeout(_) => DialErrorCode::Timeout,
        RtcError::Sdp(_) => DialErrorCode::Unsupported,
        // It holds the certificate, and does not end the handshake: it throws us out, or is no libp2p peer.
        RtcError::Noise(_) => DialErrorCode::Refused,
        RtcError::Broker(error) => of_broker(error),
        RtcError::Ended(reason) => match reason {
            EndReason::Certificate => DialErrorCode::WrongCerthash,
            EndReason::Failed | EndReason::Silent | EndReason::ChannelTimeout => DialErrorCode::Timeout,
            EndReason::Closed | EndReason::Aborted | EndReason::Breach(_) => DialErrorCode::Refused,
            EndReason::Local => DialErrorCode::Closed,
            EndReason::Broker(error) => of_broker(error),
        },
    }
}

fn of_broker(error: &BrokerError) -> DialErrorCode {
    match error {
        // WebRTC refuses a dial only for its session descriptions, which are ours: this browser has other rules.
        BrokerError::Unsupported(_) | BrokerError::Rtc(_) => DialErrorCode::Unsupported,
        BrokerError::Limit(_) => DialErrorCode::Limit,
        BrokerError::Protocol(_) | BrokerError::Closed => DialErrorCode::Closed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libp2p_identity::PeerId;

    use super::*;

    fn at(port: u16, error: RtcError) -> (Multiaddr, TransportError<io::Error>) {
        let address = format!("/ip4/203.0.113.7/udp/{port}").parse().expect("an address");
        (address, TransportError::Other(io::Error::other(error)))
    }

    fn told(errors: Vec<(Multiaddr, TransportError<io::Error>)>) -> DialError {
        DialError::from(&SwarmError::Transport(errors))
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
        assert_eq!(DialError::from(&SwarmError::NoAddresses).code, NotDialable);
    }

    #[test]
    fn of_several_addresses_the_one_that_tells_most_is_named() {
        let silence = || RtcError::DialTimeout(Duration::from_secs(8));
        let error = told(vec![at(1, silence()), at(2, RtcError::Ended(EndReason::Certificate)), at(3, silence())]);
        assert_eq!(error.code, DialErrorCode::WrongCerthash);
        assert!(error.message.starts_with("/ip4/203.0.113.7/udp/2: "), "{}", error.message);
    }

    #[test]
    fn a_long_message_is_cut() {
        let long = DialError::new(DialErrorCode::Timeout, "x".repeat(10_000));
        assert_eq!(long.message.len(), MESSAGE_CHARS_MAX);
    }
}
