//! WebRTC-direct (`webrtc-worker`): its addresses and its errors.

use std::{io, net::SocketAddr};

use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId as Libp2pPeerId;
use webrtc_worker::{BrokerError, EndReason, Error as RtcError, parse_dial_addr};

use crate::network::dial_error::DialErrorCode;

/// Error message for an address of another transport.
pub(super) const NOT_SUPPORTED: &str = "not a WebRTC-direct address";

/// See [`parse`](super::parse).
pub(super) fn parse(text: &str) -> Result<(Libp2pPeerId, Multiaddr), String> {
    let parsed = parse_dial_addr(text).map_err(|error| error.to_string())?;
    let identity = parsed.peer.ok_or("it does not end with /p2p/<peer id>")?;
    let address = parsed.multiaddr.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
    Ok((identity, address))
}

/// See [`socket_of`](super::socket_of).
pub(super) fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let Protocol::Udp(port) = parts.next()? else { return None };
    Some(SocketAddr::new(ip, port))
}

/// Code and message of an error of this transport; `None` for another error.
pub(super) fn explain(error: &io::Error) -> Option<(DialErrorCode, String)> {
    let error = error.get_ref()?.downcast_ref::<RtcError>()?;
    Some((code_of(error), error.to_string()))
}

fn code_of(error: &RtcError) -> DialErrorCode {
    match error {
        RtcError::Address(_) => DialErrorCode::NotDialable,
        RtcError::PeerId { .. } => DialErrorCode::WrongPeerId,
        RtcError::DialTimeout(_) | RtcError::ChannelTimeout(_) => DialErrorCode::Timeout,
        RtcError::Sdp(_) => DialErrorCode::Unsupported,
        // The certificate is right, but the handshake fails: the peer refuses us, or is not a libp2p peer.
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
        // WebRTC rejects a dial only for its session descriptions, which we write: this browser has other rules.
        BrokerError::Unsupported(_) | BrokerError::Rtc(_) => DialErrorCode::Unsupported,
        BrokerError::Limit(_) => DialErrorCode::Limit,
        BrokerError::Protocol(_) | BrokerError::Closed => DialErrorCode::Closed,
    }
}
