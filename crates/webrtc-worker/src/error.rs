//! Errors of the transport.

use std::{io, time::Duration};

use libp2p_identity::PeerId;

use crate::{AddressError, InboxFull, sdp::SdpError};

/// Why a dial failed or a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A WebRTC-direct address that cannot be dialled.
    #[error("bad address: {0}")]
    Address(#[from] AddressError),
    /// A command to the page failed.
    #[error("page: {0}")]
    Broker(#[from] BrokerError),
    /// The browser's offer cannot be used.
    #[error(transparent)]
    Sdp(#[from] SdpError),
    /// The dial timed out.
    #[error("no connection within {} s", seconds(.0))]
    DialTimeout(Duration),
    /// A new channel did not open in time: the connection is dead.
    #[error("channel not open within {} s", seconds(.0))]
    ChannelTimeout(Duration),
    /// The Noise handshake failed: another peer than the owner of the certificate, or not a libp2p peer.
    #[error("noise handshake: {0}")]
    Noise(String),
    /// Another peer than expected.
    #[error("expected peer {expected}, got {got}")]
    PeerId {
        /// Peer id of the address.
        expected: PeerId,
        /// Peer id of the connection.
        got: PeerId,
    },
    /// The connection ended, for any reason but the broker's, which is an error of its own.
    #[error("connection ended: {0}")]
    Ended(EndReason),
}

impl From<EndReason> for Error {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Broker(error) => Self::Broker(error),
            reason => Self::Ended(reason),
        }
    }
}

/// Why a command to the page's broker failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// This browser cannot transfer a data channel to a worker.
    #[error("the browser cannot transfer a data channel to a worker: {0}")]
    Unsupported(String),
    /// A limit on connections, channels or commands is reached, here or in the page.
    #[error("limit reached: {0}")]
    Limit(String),
    /// WebRTC threw an error.
    #[error("WebRTC: {0}")]
    Rtc(String),
    /// An invalid message: page and worker are of different builds.
    #[error("protocol: {0}")]
    Protocol(String),
    /// The page's end of the port is closed.
    #[error("the broker is closed")]
    Closed,
}

/// Reason of a connection's end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// This side closed or dropped the connection.
    #[error("closed by us")]
    Local,
    /// The browser reports `closed`: the other side or the page closed it.
    #[error("closed by the other side")]
    Closed,
    /// The browser reports `failed`: ICE could not reach the peer, or lost it.
    #[error("failed")]
    Failed,
    /// There was a response, and DTLS failed: the certificate is not the one in the address.
    #[error("the certificate is not the one in the address (/certhash)")]
    Certificate,
    /// The peer violated the protocol.
    #[error("violation: {0}")]
    Breach(String),
    /// The browser reported `disconnected`, and the connection did not recover.
    #[error("no response from the peer for too long")]
    Silent,
    /// The SCTP association was aborted: the peer's process ended, or it closed the connection.
    #[error("aborted by the peer")]
    Aborted,
    /// A new channel did not open in time.
    #[error("a new channel did not open in time")]
    ChannelTimeout,
    /// The broker is gone, and with it the page's connections.
    #[error("{0}")]
    Broker(BrokerError),
}

/// `30`, `0.25`: to the millisecond. Formatting a float needs more wasm.
fn seconds(time: &Duration) -> String {
    let text = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reason of a channel's end, as the error of its stream's readers and writers. Only violations by the peer are
/// [`io::ErrorKind::InvalidData`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelEnd {
    /// The other side closed the channel. Readers get the remaining bytes, then the end of the stream.
    #[error("channel closed by the peer")]
    Closed,
    /// The channel reported an error.
    #[error("channel failed: {0}")]
    Failed(String),
    /// The peer sent more than the inbox holds.
    #[error("peer sent too much: {0}")]
    Overflow(#[from] InboxFull),
    /// The peer sent text where the protocol has bytes.
    #[error("peer sent text")]
    Text,
    /// The whole connection ended.
    #[error("connection ended: {0}")]
    Connection(EndReason),
}

impl From<ChannelEnd> for io::Error {
    fn from(end: ChannelEnd) -> Self {
        let kind = match &end {
            ChannelEnd::Closed => io::ErrorKind::BrokenPipe,
            ChannelEnd::Failed(_) => io::ErrorKind::ConnectionReset,
            ChannelEnd::Overflow(_) | ChannelEnd::Text | ChannelEnd::Connection(EndReason::Breach(_)) => {
                io::ErrorKind::InvalidData
            }
            ChannelEnd::Connection(_) => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_as_short_as_they_can_be() {
        for (ms, text) in [(0, "0"), (5, "0.005"), (250, "0.25"), (1_500, "1.5"), (30_000, "30"), (100_000, "100")] {
            assert_eq!(seconds(&Duration::from_millis(ms)), text);
        }
    }
}
