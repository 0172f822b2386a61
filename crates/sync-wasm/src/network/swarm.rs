//! The task that owns the libp2p swarm: it dials, starts a [`session`] for each connection, and reports what ended.
//!
//! Bounds: it keeps one entry for each peer that was ever dialled ([`PEERS_MAX`](super::PEERS_MAX)), and
//! [`COMMANDS_MAX`] commands wait for it. When the driver drops [`SwarmHandle`] every connection is closed, within
//! [`CLOSE_TIMEOUT`], and the task ends.

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

/// Commands that wait for the swarm: a dial and a close for each connection, with room to spare.
const COMMANDS_MAX: usize = 4 * super::CONNECTIONS_MAX;

/// Time that closing all connections may take when the sync ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection without a stream is closed after this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// What the driver asks of the swarm.
enum SwarmCommand {
    Dial { session: SessionKey, identity: Libp2pPeerId, addresses: Vec<Multiaddr> },
    Close { identity: Libp2pPeerId },
}

/// Takes commands. Dropping it ends the swarm.
pub struct SwarmHandle {
    commands: mpsc::Sender<SwarmCommand>,
    ended: oneshot::Receiver<()>,
}

impl SwarmHandle {
    /// Dials a peer; an event tells what became of it. `false`: too many commands wait.
    pub fn dial(&mut self, session: SessionKey, identity: Libp2pPeerId, addresses: Vec<Multiaddr>) -> bool {
        self.commands.try_send(SwarmCommand::Dial { session, identity, addresses }).is_ok()
    }

    /// Closes the connection to a peer, whatever its state. `false`: too many commands wait.
    pub fn close(&mut self, identity: Libp2pPeerId) -> bool {
        self.commands.try_send(SwarmCommand::Close { identity }).is_ok()
    }

    /// Closes every connection and waits for the end.
    pub async fn shut_down(self) {
        drop(self.commands);
        // Ends with the task, however it ends.
        let _ = self.ended.await;
    }
}

/// Starts the swarm with a fresh identity: a browser is dialled by nobody, so nobody needs to know it again.
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
        // Nobody may wait for it.
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
                // A dial under way is aborted by this too; what is not there needs no closing.
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

    /// Lets every connection say good-bye.
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
