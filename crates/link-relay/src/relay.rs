//! Sockets and threads: one listening socket per target, one socket per client.
//!
//! A client is a source address. Its packets reach the target from a socket of their own, so that the target sees each
//! client as a peer; packets of the target to that socket go back to the client.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    counters::{Counters, socket_drops},
    direction::{Direction, Packet},
    link::LinkConfig,
};

/// Most clients of one target; the one that was silent for longest is dropped for a new one.
pub const FLOWS_MAX: usize = 256;

/// Requested size of a socket's buffers, in bytes: the relay itself must not lose packets. The system may grant less.
const SOCKET_BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// Longest datagram, bytes.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Time after which a waiting thread checks whether it should end.
const LOOK_UP_EVERY: Duration = Duration::from_millis(200);

/// Configuration of a relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Targets, with one listening socket each.
    pub targets: Vec<SocketAddr>,
    /// Address of the listening sockets.
    pub listen: IpAddr,
    /// From clients to targets.
    pub up: LinkConfig,
    /// From targets to clients.
    pub down: LinkConfig,
    /// Seed of all random choices.
    pub seed: u64,
}

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Shared {
    up: Arc<Direction>,
    down: Arc<Direction>,
    is_closed: AtomicBool,
    flows: AtomicU64,
    sockets: Mutex<Sockets>,
}

/// State of all sockets that were ever opened.
#[derive(Debug, Default)]
struct Sockets {
    ports: Vec<u16>,
    receive_buffer_bytes: Option<u64>,
}

/// A client of one target.
#[derive(Debug)]
struct Flow {
    client: SocketAddr,
    /// Socket that the client sends to and receives from.
    listener: Arc<UdpSocket>,
    /// Connected to the target.
    upstream: Arc<UdpSocket>,
    is_closed: AtomicBool,
}

impl Relay {
    /// Opens the sockets and starts.
    ///
    /// # Errors
    ///
    /// The system grants no socket or no thread.
    pub fn start(config: &RelayConfig) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            up: Direction::new(config.up, config.seed),
            // Another random stream than the other direction.
            down: Direction::new(config.down, !config.seed),
            is_closed: AtomicBool::new(false),
            flows: AtomicU64::new(0),
            sockets: Mutex::default(),
        });
        let mut relay = Self { shared: Arc::clone(&shared), addresses: Vec::new() };
        for (name, direction) in [("up", &shared.up), ("down", &shared.down)] {
            let direction = Arc::clone(direction);
            spawn(name, move || direction.run())?;
        }
        for target in &config.targets {
            let listener = Arc::new(shared.open(config.listen)?);
            relay.addresses.push(listener.local_addr()?);
            let (shared, target) = (Arc::clone(&shared), *target);
            spawn("listener", move || shared.listen(&listener, target))?;
        }
        Ok(relay)
    }

    /// Addresses of the listening sockets, in the order of the targets.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Nothing arrives during this time, either way; everything arrives after it.
    pub fn hold(&self, time: Duration) {
        self.shared.up.hold(time);
        self.shared.down.hold(time);
    }

    /// The counters so far.
    pub fn counters(&self) -> Counters {
        let sockets = self.shared.sockets();
        Counters {
            up: self.shared.up.counters(),
            down: self.shared.down.counters(),
            flows: self.shared.flows.load(Ordering::Relaxed),
            socket_drops: socket_drops(&sockets.ports),
            receive_buffer_bytes: sockets.receive_buffer_bytes.unwrap_or(0),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        self.shared.up.close();
        self.shared.down.close();
    }
}

impl Shared {
    /// A bound socket with large buffers.
    fn open(&self, address: IpAddr) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_read_timeout(Some(LOOK_UP_EVERY))?;
        let buffers = socket2::SockRef::from(&socket);
        buffers.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
        buffers.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
        let given = buffers.recv_buffer_size()? as u64;
        let mut sockets = self.sockets();
        sockets.ports.push(socket.local_addr()?.port());
        sockets.receive_buffer_bytes = Some(sockets.receive_buffer_bytes.map_or(given, |least| least.min(given)));
        drop(sockets);
        Ok(socket)
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives packets of clients for one target.
    fn listen(self: &Arc<Self>, listener: &Arc<UdpSocket>, target: SocketAddr) {
        let mut flows: HashMap<SocketAddr, (Arc<Flow>, Instant)> = HashMap::new();
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        while !self.is_closed.load(Ordering::Relaxed) {
            // The read timed out, or an ICMP message reports a client that is gone.
            let Ok((len, client)) = listener.recv_from(&mut buffer) else { continue };
            let now = Instant::now();
            let upstream = match flows.get_mut(&client) {
                Some((flow, used)) => {
                    *used = now;
                    Arc::clone(&flow.upstream)
                }
                None => {
                    // Without a socket or a thread the packet is lost, as on a real link; the client retries.
                    let Ok(flow) = self.open_flow(listener, client, target) else { continue };
                    if flows.len() == FLOWS_MAX
                        && let Some(oldest) = flows.iter().min_by_key(|(_, (_, used))| *used).map(|(client, _)| *client)
                        && let Some((flow, _)) = flows.remove(&oldest)
                    {
                        flow.is_closed.store(true, Ordering::Relaxed);
                    }
                    let upstream = Arc::clone(&flow.upstream);
                    flows.insert(client, (flow, now));
                    upstream
                }
            };
            self.up.send(Packet { payload: buffer[..len].to_vec(), from: upstream, to: None });
        }
    }

    fn open_flow(
        self: &Arc<Self>,
        listener: &Arc<UdpSocket>,
        client: SocketAddr,
        target: SocketAddr,
    ) -> io::Result<Arc<Flow>> {
        let any: IpAddr = match target {
            SocketAddr::V4(_) => [0; 4].into(),
            SocketAddr::V6(_) => [0_u16; 8].into(),
        };
        let upstream = self.open(any)?;
        upstream.connect(target)?;
        let flow = Arc::new(Flow {
            client,
            listener: Arc::clone(listener),
            upstream: Arc::new(upstream),
            is_closed: AtomicBool::new(false),
        });
        let (shared, back) = (Arc::clone(self), Arc::clone(&flow));
        spawn("flow", move || shared.answer(&back))?;
        self.flows.fetch_add(1, Ordering::Relaxed);
        Ok(flow)
    }

    /// Receives packets of the target for one client.
    fn answer(&self, flow: &Flow) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        while !self.is_closed.load(Ordering::Relaxed) && !flow.is_closed.load(Ordering::Relaxed) {
            // The read timed out, or an ICMP message: the target may be back later.
            let Ok(len) = flow.upstream.recv(&mut buffer) else { continue };
            let payload = buffer[..len].to_vec();
            self.down.send(Packet { payload, from: Arc::clone(&flow.listener), to: Some(flow.client) });
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}
