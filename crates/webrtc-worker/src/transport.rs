//! The libp2p transport: it dials; a browser cannot listen.

use std::{
    future::Pending,
    pin::Pin,
    task::{Context, Poll},
};

use libp2p_core::{
    Multiaddr,
    transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};
use libp2p_identity::{Keypair, PeerId};

use crate::{AddressError, Broker, Connection, Dial, DialAddress, Error, config::Config};

/// Dials WebRTC-direct peers through the page's broker.
///
/// ```ignore
/// let transport = Transport::new(&keypair, Broker::new(port), Config::default())
///     .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
///     .boxed();
/// ```
pub struct Transport {
    keypair: Keypair,
    broker: Broker,
    config: Config,
}

impl Transport {
    /// `keypair` is our identity in the handshake.
    pub fn new(keypair: &Keypair, broker: Broker, config: Config) -> Self {
        Self { keypair: keypair.clone(), broker, config }
    }
}

impl libp2p_core::Transport for Transport {
    type Output = (PeerId, Connection);
    type Error = Error;
    type ListenerUpgrade = Pending<Result<Self::Output, Error>>;
    type Dial = Dial;

    fn listen_on(&mut self, _id: ListenerId, addr: Multiaddr) -> Result<(), TransportError<Error>> {
        Err(TransportError::MultiaddrNotSupported(addr))
    }

    fn remove_listener(&mut self, _id: ListenerId) -> bool {
        false
    }

    /// An address of another transport is not supported; an invalid WebRTC-direct address is an error.
    fn dial(&mut self, addr: Multiaddr, _opts: DialOpts) -> Result<Dial, TransportError<Error>> {
        match DialAddress::try_from(addr.clone()) {
            Ok(address) => Ok(Dial::new(self.broker.clone(), self.keypair.clone(), address, self.config)),
            Err(AddressError::NotWebRtcDirect) => Err(TransportError::MultiaddrNotSupported(addr)),
            Err(error) => Err(TransportError::Other(error.into())),
        }
    }

    /// Never ready: there is no listener.
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Poll::Pending
    }
}
