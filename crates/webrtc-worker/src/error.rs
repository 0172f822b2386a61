//! What goes wrong, and what it means for whoever dialled.

use std::{io, time::Duration};

use libp2p_identity::PeerId;

use crate::{AddressError, InboxFull, sdp::SdpError};

/// Why a dial failed or a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is for this transport, but cannot be dialled.
    #[error("bad address: {0}")]
    Address(#[from] AddressError),
    /// The page did not do what it was asked.
    #[error("page: {0}")]
    Broker(#[from] BrokerError),
    /// The browser's offer is not what we can work with.
    #[error(transparent)]
    Sdp(#[from] SdpError),
    /// No connection within the time that it may take.
    #[error("no connection within {} s", seconds(.0))]
    DialTimeout(Duration),
    /// The connection stands, but a new channel did not open in time: it is dead.
    #[error("channel not open within {} s", seconds(.0))]
    ChannelTimeout(Duration),
    /// The Noise handshake failed: not the peer that holds the certificate, or not a libp2p peer.
    #[error("noise handshake: {0}")]
    Noise(String),
    /// Somebody else answered.
    #[error("expected peer {expected}, got {got}")]
    PeerId {
        /// Who was dialled.
        expected: PeerId,
        /// Who answered.
        got: PeerId,
    },
    /// The connection is over, for any reason but the broker's, which is an error of its own.
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

/// Why the page's broker could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// This browser cannot transfer a data channel to a worker.
    #[error("the browser cannot transfer a data channel to a worker: {0}")]
    Unsupported(String),
    /// A limit on connections, channels or commands, ours or the page's.
    #[error("limit reached: {0}")]
    Limit(String),
    /// WebRTC refused.
    #[error("WebRTC: {0}")]
    Rtc(String),
    /// Page and worker do not speak the same language: a broken build.
    #[error("protocol: {0}")]
    Protocol(String),
    /// The page's end of the port is gone.
    #[error("the broker is closed")]
    Closed,
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// We closed or dropped it.
    #[error("closed by us")]
    Local,
    /// The browser says `closed`: the other side closed it, or the page did.
    #[error("closed by the other side")]
    Closed,
    /// The browser says `failed`: ICE found nobody, or lost whom it had.
    #[error("failed")]
    Failed,
    /// Somebody answered, and DTLS failed: the certificate is not the one whose hash the address has.
    #[error("the certificate is not the one in the address (/certhash)")]
    Certificate,
    /// The peer did what no peer may do.
    #[error("breach: {0}")]
    Breach(String),
    /// The browser said `disconnected`, and it did not come back.
    #[error("no answer from the peer for too long")]
    Silent,
    /// The SCTP association was aborted: the peer's process ended or threw us out.
    #[error("aborted by the peer")]
    Aborted,
    /// A new channel did not open in time.
    #[error("a new channel did not open in time")]
    ChannelTimeout,
    /// The broker is gone, and the page's connections with it.
    #[error("{0}")]
    Broker(BrokerError),
}

/// `30`, `0.25`: to the millisecond. Formatting a float brings more wasm.
fn seconds(time: &Duration) -> String {
    let text = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Why a channel carries nothing any more; becomes the error that readers and writers of its stream see. What the peer did
/// wrong is [`io::ErrorKind::InvalidData`], and nothing else is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelEnd {
    /// The other side closed it. Readers get what is left, then the end of the stream.
    #[error("channel closed by the peer")]
    Closed,
    /// The channel reported an error.
    #[error("channel failed: {0}")]
    Failed(String),
    /// The peer sent more than may wait.
    #[error("peer sent too much: {0}")]
    Overflow(#[from] InboxFull),
    /// The peer sent text where the protocol has bytes.
    #[error("peer sent text")]
    Text,
    /// The whole connection is over.
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
