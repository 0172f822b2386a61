//! The task that owns the libp2p swarm: it dials, starts a [`session`] for each connection, and reports closed
//! connections and failed dials.
//!
//! Bounds: one entry for each peer that was ever dialled ([`PEERS_MAX`](super::PEERS_MAX)), and [`COMMANDS_MAX`] queued
//! commands. When the driver drops [`SwarmHandle`], every connection is closed within [`CLOSE_TIMEOUT`], and the task
//! ends.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{Either, select},
};
use libp2p_core::Multiaddr;
use libp2p_identity::{Keypair, PeerId as Libp2pPeerId};
use libp2p_swarm::{
    Config, Swarm, SwarmEvent,
    dial_opts::{DialOpts, PeerCondition},
};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessagePort;

use super::{
    NetworkEvent, SessionKey, SharedCounters,
    conversation::Greeting,
    count,
    session::{self, SessionSetup},
    transport::{self, dial_error},
};
use crate::clock;

/// Queued commands: a dial and a close for each connection, twice.
const COMMANDS_MAX: usize = 4 * super::CONNECTIONS_MAX;

/// Time limit for closing all connections when the sync ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time after which a connection without a stream is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// From the driver to the swarm.
enum SwarmCommand {
    Dial { session: SessionKey, identity: Libp2pPeerId, addresses: Vec<Multiaddr> },
    Close { identity: Libp2pPeerId },
}

/// The driver's handle of the swarm task. Dropping it ends the task.
pub struct SwarmHandle {
    commands: mpsc::Sender<SwarmCommand>,
    ended: oneshot::Receiver<()>,
}

impl SwarmHandle {
    /// Dials a peer; an event reports the result. `false`: the command queue is full.
    pub fn dial(&mut self, session: SessionKey, identity: Libp2pPeerId, addresses: Vec<Multiaddr>) -> bool {
        self.commands.try_send(SwarmCommand::Dial { session, identity, addresses }).is_ok()
    }

    /// Closes the connection to a peer, in any state. `false`: the command queue is full.
    pub fn close(&mut self, identity: Libp2pPeerId) -> bool {
        self.commands.try_send(SwarmCommand::Close { identity }).is_ok()
    }

    /// Closes every connection and waits until the task ends.
    pub async fn shut_down(self) {
        drop(self.commands);
        // An error means that the task ended, too.
        let _ = self.ended.await;
    }
}

/// Starts the swarm with a new identity: no peer dials a browser, so no peer needs to recognize it.
pub fn start(
    rtc_port: MessagePort,
    dial_timeout: Duration,
    greeting: Rc<Greeting>,
    events: mpsc::Sender<NetworkEvent>,
    counters: SharedCounters,
) -> SwarmHandle {
    let keypair = Keypair::generate_ed25519();
    let local = keypair.public().to_peer_id();
    let transport = transport::dialer(&keypair, rtc_port, dial_timeout);
    let behaviour = libp2p_stream::Behaviour::new();
    let control = behaviour.new_control();
    let config = Config::with_wasm_executor().with_idle_connection_timeout(IDLE_TIMEOUT);
    let (commands, queue) = mpsc::channel(COMMANDS_MAX);
    let (end, ended) = oneshot::channel();
    let task = Task {
        swarm: Swarm::new(transport, behaviour, local, config),
        control,
        sessions: BTreeMap::new(),
        greeting,
        events,
        counters,
    };
    spawn_local(async move {
        task.run(queue).await;
        // The handle may be dropped already.
        let _ = end.send(());
    });
    SwarmHandle { commands, ended }
}

struct Task {
    swarm: Swarm<libp2p_stream::Behaviour>,
    control: libp2p_stream::Control,
    /// The newest dial of each peer.
    sessions: BTreeMap<Libp2pPeerId, SessionKey>,
    greeting: Rc<Greeting>,
    events: mpsc::Sender<NetworkEvent>,
    counters: SharedCounters,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<SwarmCommand>) {
        loop {
            match select(queue.next(), self.swarm.next()).await {
                Either::Left((Some(command), _)) => self.execute(command).await,
                Either::Left((None, _)) => break,
                Either::Right((Some(event), _)) => self.report(event).await,
                Either::Right((None, _)) => break,
            }
        }
        self.close_all().await;
    }

    async fn execute(&mut self, command: SwarmCommand) {
        match command {
            SwarmCommand::Dial { session, identity, addresses } => {
                count(&self.counters.dials, 1);
                self.sessions.insert(identity, session);
                let dial = DialOpts::peer_id(identity)
                    // A connection that is still closing would get the new session's stream.
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(addresses)
                    .build();
                if let Err(error) = self.swarm.dial(dial) {
                    self.send(NetworkEvent::DialFailed { session, error: dial_error(&error) }).await;
                }
            }
            SwarmCommand::Close { identity } => {
                // This also aborts a dial under way. It fails only if there is no connection.
                let _ = self.swarm.disconnect_peer_id(identity);
            }
        }
    }

    async fn report(&mut self, event: SwarmEvent<()>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                let Some(&session) = self.sessions.get(&peer_id) else { return };
                spawn_local(session::run(SessionSetup {
                    session,
                    identity: peer_id,
                    address: endpoint.get_remote_address().clone(),
                    control: self.control.clone(),
                    greeting: self.greeting.clone(),
                    events: self.events.clone(),
                    counters: self.counters.clone(),
                }));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                let Some(&session) = self.sessions.get(&peer_id) else { return };
                self.send(NetworkEvent::Closed { session, reason: super::CloseReason::Lost }).await;
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), error, .. } => {
                let Some(&session) = self.sessions.get(&peer_id) else { return };
                self.send(NetworkEvent::DialFailed { session, error: dial_error(&error) }).await;
            }
            _ => {}
        }
    }

    async fn send(&mut self, event: NetworkEvent) {
        // The driver is gone only when the worker ends.
        let _ = self.events.send(event).await;
    }

    /// Closes every connection, so that the peers are notified.
    async fn close_all(&mut self) {
        let connected: Vec<_> = self.sessions.keys().copied().collect();
        for identity in connected {
            let _ = self.swarm.disconnect_peer_id(identity);
        }
        let swarm = &mut self.swarm;
        let closed = async move {
            while swarm.network_info().connection_counters().num_connections() > 0 && swarm.next().await.is_some() {}
        };
        select(closed.boxed_local(), clock::sleep(CLOSE_TIMEOUT)).await;
    }
}
