//! The interface to a transport: accepted streams with the identity of the client.
//!
//! The rest of the peer uses only this trait, so another WebRTC implementation can be added.

use std::{fmt, future::Future, io::ErrorKind, net::SocketAddr, sync::Arc};

use futures::{AsyncRead, AsyncWrite, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, Transport as _,
    connection_limits::{self, ConnectionLimits},
    core::{muxing::StreamMuxerBox, transport::ListenerId},
    multiaddr::Protocol,
    swarm::{self, NetworkBehaviour, SwarmEvent},
};
use libp2p_stream::{Behaviour as Streams, IncomingStreams};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{identity::Identity, limits, log};

/// Accepts streams of the sync protocol.
pub trait Listener: Send {
    /// A stream to one client.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next stream and the identity of its client; `None` once the listener has ended.
    fn accept(&mut self) -> impl Future<Output = Option<(PeerId, Self::Stream)>> + Send;

    /// Addresses for clients, each with the peer's own identity; they change as interfaces come and go.
    fn addresses(&self) -> watch::Receiver<Vec<Multiaddr>>;

    /// Closes all connections, within [`limits::SHUTDOWN_TIMEOUT`].
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The listener cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on udp {address}: {reason}")]
pub struct ListenError {
    address: SocketAddr,
    reason: String,
}

/// WebRTC-direct by libp2p-webrtc.
///
/// A task drives the connections. Streams come to [`Listener::accept`] through libp2p's queue, which drops streams that
/// are not accepted at once: the caller must not wait for anything else between two calls.
pub struct WebRtcListener {
    streams: IncomingStreams,
    addresses: watch::Receiver<Vec<Multiaddr>>,
    stop: Arc<Notify>,
    driver: JoinHandle<()>,
}

impl fmt::Debug for WebRtcListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebRtcListener").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    streams: Streams,
}

impl WebRtcListener {
    /// Listens on `address`. Port 0 means the port of the identity's last run if it is free, else any port.
    ///
    /// # Errors
    ///
    /// The address is in use, or does not belong to this machine.
    pub async fn start(
        identity: &Identity,
        address: SocketAddr,
        connections_max: u32,
        protocol: &'static str,
    ) -> Result<Self, ListenError> {
        let failed = |reason: &dyn fmt::Display| ListenError { address, reason: reason.to_string() };
        let chosen = choose_port(address, identity.last_port).map_err(|error| failed(&bind_error(&error)))?;

        let behaviour = Behaviour {
            limits: connection_limits::Behaviour::new(
                ConnectionLimits::default()
                    .with_max_pending_incoming(Some(limits::CONNECTIONS_PENDING_MAX))
                    .with_max_established_incoming(Some(connections_max))
                    .with_max_established_per_peer(Some(limits::CONNECTIONS_PER_PEER_MAX)),
            ),
            streams: Streams::new(),
        };
        let streams =
            behaviour.streams.new_control().accept(StreamProtocol::new(protocol)).map_err(|error| failed(&error))?;

        let transport = libp2p_webrtc::tokio::Transport::new(identity.keypair.clone(), identity.certificate.clone())
            .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
            .boxed();
        let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(limits::CONNECTION_IDLE_TIMEOUT);
        let mut swarm = Swarm::new(transport, behaviour, identity.keypair.public().to_peer_id(), config);
        let listener = swarm.listen_on(multiaddr(chosen)).map_err(|error| failed(&error))?;

        let (sender, addresses) = watch::channel(Vec::new());
        let stop = Arc::new(Notify::new());
        let driver = tokio::spawn(drive(swarm, listener, sender, Arc::clone(&stop)));
        let mut started = Self { streams, addresses, stop, driver };
        // The first address comes, or the driver ends and drops the sender.
        started
            .addresses
            .wait_for(|addresses| !addresses.is_empty())
            .await
            .map(drop)
            .map_err(|_| failed(&"the listener ended"))?;
        if is_loopback_only() {
            log::line(
                "this machine has no address but loopback, over which alone WebRTC connects nobody (neither here nor in \
                 Chromium): connect a network, or give an interface an address",
            );
        }
        Ok(started)
    }
}

/// Has every interface only loopback addresses? ICE ignores those when it gathers candidates (RFC 8445, 5.1.1.1), and
/// cannot connect without a candidate. `false` if the interfaces cannot be listed.
fn is_loopback_only() -> bool {
    if_addrs::get_if_addrs().is_ok_and(|interfaces| interfaces.iter().all(|interface| interface.addr.is_loopback()))
}

impl Listener for WebRtcListener {
    type Stream = swarm::Stream;

    async fn accept(&mut self) -> Option<(PeerId, Self::Stream)> {
        self.streams.next().await
    }

    fn addresses(&self) -> watch::Receiver<Vec<Multiaddr>> {
        self.addresses.clone()
    }

    async fn close(self) {
        drop(self.streams);
        self.stop.notify_one();
        if let Err(error) = self.driver.await {
            log::line(format_args!("the listener ended badly: {error}"));
        }
    }
}

/// Runs the connections until the stop signal, or until the listener ends.
async fn drive(
    mut swarm: Swarm<Behaviour>,
    listener: ListenerId,
    addresses: watch::Sender<Vec<Multiaddr>>,
    stop: Arc<Notify>,
) {
    let own = Protocol::P2p(*swarm.local_peer_id());
    loop {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            () = stop.notified() => break,
        };
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                let mut found = vec![address.with(own.clone())];
                // An unspecified address gives one event per interface, all at the start.
                while let Some(Some(event)) = futures::FutureExt::now_or_never(swarm.next()) {
                    if let SwarmEvent::NewListenAddr { address, .. } = event {
                        found.push(address.with(own.clone()));
                    }
                }
                addresses.send_modify(|all| all.extend(found));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let gone = address.with(own.clone());
                addresses.send_modify(|all| all.retain(|known| *known != gone));
            }
            SwarmEvent::ListenerError { error, .. } => log::line(format_args!("udp: {error}")),
            SwarmEvent::ListenerClosed { listener_id, reason, .. } if listener_id == listener => {
                log::line(format_args!("the udp listener closed: {reason:?}"));
                return;
            }
            // A failed handshake, or a connection that comes or goes: nothing to do.
            _ => {}
        }
    }

    let connected: Vec<_> = swarm.connected_peers().copied().collect();
    for peer in connected {
        // An error means that the connection is gone already.
        let _ = swarm.disconnect_peer_id(peer);
    }
    let closed = async {
        while swarm.connected_peers().next().is_some() {
            swarm.select_next_some().await;
        }
    };
    if tokio::time::timeout(limits::SHUTDOWN_TIMEOUT, closed).await.is_err() {
        log::line("some connections did not close in time");
    }
}

/// `/ip4/../udp/../webrtc-direct`
fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Udp(address.port())).with(Protocol::WebRTCDirect)
}

/// Binds and releases the port: gives the system's error if the address is in use.
fn choose_port(address: SocketAddr, last: Option<u16>) -> std::io::Result<SocketAddr> {
    let remembered = last.filter(|_| address.port() == 0).map(|port| SocketAddr::new(address.ip(), port));
    if let Some(remembered) = remembered
        && std::net::UdpSocket::bind(remembered).is_ok()
    {
        return Ok(remembered);
    }
    std::net::UdpSocket::bind(address)?.local_addr()
}

/// The reason why an address cannot be used, with advice.
pub fn bind_error(error: &std::io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "; give another port, or port 0 for any that is free",
        ErrorKind::AddrNotAvailable => "; give an address of this machine, or 0.0.0.0 for all of them",
        ErrorKind::PermissionDenied => "; give a port from 1024 on",
        _ => "",
    };
    format!("{error}{advice}")
}

/// UDP port of a listen address.
pub fn udp_port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| if let Protocol::Udp(port) = part { Some(port) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_port_is_taken_when_it_is_free() {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let held = std::net::UdpSocket::bind(any).expect("a free port");
        let taken = held.local_addr().expect("bound");
        assert_ne!(choose_port(any, Some(taken.port())).expect("another").port(), taken.port());
        assert_eq!(choose_port(taken, None).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        drop(held);
        assert_eq!(choose_port(any, Some(taken.port())).expect("free again"), taken);
    }
}
