//! One connection's stream: statuses are exchanged, then requests go out and answers come in until either end closes.
//!
//! Both directions run at once in one task. Each message goes out by one write and one flush (a peer's transport may
//! join separate writes to a packet that is too long). What comes in passes [`header_wire::Decoder`], which bounds it; a
//! message that the client has no use for is a breach, except a request, which gets an empty answer: a browser serves
//! nothing.
//!
//! Back-pressure: the task stops reading while the driver has [`EVENTS_MAX`](super::EVENTS_MAX) events to work off. It
//! lives until the stream fails, the driver drops the outbox, or a breach; then it reports why, once.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    time::Duration,
};

use alloy_primitives::B256;
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{Either, select},
    pin_mut,
};
use header_wire::{BlockHeaders, Decoder, ETH_VERSION, ForkId, Message, PROTOCOL, Status, WireError, limits};
use libp2p_core::Multiaddr;
use libp2p_identity::PeerId as Libp2pPeerId;
use libp2p_stream::{Control, OpenStreamError};
use libp2p_swarm::StreamProtocol;
use sync_core::{PeerStatus, ServedRange};

use super::{
    CloseReason, NetworkEvent, OUTBOX_MAX, SessionKey, SharedCounters, count,
    nudge::{NUDGE_ID, Nudge},
};
use crate::clock;

/// Time from the connection to the peer's status.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes taken from the stream at once: more than one default answer.
const READ_BYTES: usize = 64 * 1024;

/// Bytes of an unfinished message that are progress of a response: no other message of the protocol is so long.
const PROGRESS_BYTES_MIN: usize = 256;

/// Between two reports of progress. The machine's shortest deadline is many times longer.
const PROGRESS_PAUSE_MS: f64 = 250.0;

/// What we say of ourselves.
#[derive(Debug)]
pub struct Greeting {
    /// Our chain.
    pub chain_id: u64,
    /// Its genesis, once it is known. While it is not, the peer speaks first, and we repeat what it says.
    pub genesis: Cell<Option<B256>>,
}

impl Greeting {
    /// A status of one who serves nothing. `fork_id` is not compared: each header is proven, whatever a peer says.
    fn status(&self, genesis: B256) -> Status {
        Status {
            version: ETH_VERSION,
            network_id: self.chain_id,
            genesis,
            fork_id: ForkId::default(),
            earliest: 0,
            latest: 0,
            latest_hash: genesis,
        }
    }
}

/// Everything that a session needs.
pub struct SessionSetup {
    /// Which.
    pub session: SessionKey,
    /// Whom to speak to.
    pub identity: Libp2pPeerId,
    /// Where it was reached.
    pub address: Multiaddr,
    /// Opens the stream.
    pub control: Control,
    /// What we say.
    pub greeting: Rc<Greeting>,
    /// Takes what happens.
    pub events: mpsc::Sender<NetworkEvent>,
    /// Counts what goes over the wire.
    pub counters: SharedCounters,
}

/// Runs the session to its end.
pub async fn run(mut setup: SessionSetup) {
    let session = setup.session;
    let mut events = setup.events.clone();
    let reason = talk(&mut setup).await;
    // The driver is gone only when the worker ends.
    let _ = events.send(NetworkEvent::Closed { session, reason }).await;
}

async fn talk(setup: &mut SessionSetup) -> CloseReason {
    let greeted = {
        let greet = greet(setup);
        pin_mut!(greet);
        match select(greet, clock::sleep(HANDSHAKE_TIMEOUT)).await {
            Either::Left((greeted, _)) => greeted,
            Either::Right(_) => Err(CloseReason::HandshakeTimeout),
        }
    };
    let (reader, writer, status) = match greeted {
        Ok(greeted) => greeted,
        Err(reason) => return reason,
    };
    let (outbox, messages) = mpsc::channel(OUTBOX_MAX);
    let replies = outbox.clone();
    let (status, address) = (peer_status(&status), setup.address.clone());
    let ready = NetworkEvent::Ready { session: setup.session, status, address, outbox };
    if setup.events.send(ready).await.is_err() {
        return CloseReason::Lost;
    }
    let nudge = RefCell::new(Nudge::default());
    let receive = receive(reader, replies, &nudge, setup);
    let send = send(writer, messages, &nudge);
    pin_mut!(receive, send);
    match select(receive, send).await {
        Either::Left((reason, _)) | Either::Right((reason, _)) => reason,
    }
}

/// The half of a stream that is read, cut into messages.
struct Reader<R> {
    stream: R,
    decoder: Decoder,
    buffer: Vec<u8>,
    counters: SharedCounters,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next message; `heard` is told of every read that brought something.
    async fn next(&mut self, heard: impl Fn()) -> Result<Message, CloseReason> {
        loop {
            if let Some(message) = self.step(&heard).await? {
                return Ok(message);
            }
        }
    }

    /// The same, or `None` after a read that brought a part of a long message.
    async fn step(&mut self, heard: impl Fn()) -> Result<Option<Message>, CloseReason> {
        loop {
            if let Some(message) = self.decoder.next().map_err(breach)? {
                count(&self.counters.messages_received, 1);
                return Ok(Some(message));
            }
            match self.stream.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(CloseReason::Lost),
                Ok(len) => {
                    heard();
                    count(&self.counters.bytes_received, len as u64);
                    self.decoder.push(&self.buffer[..len]);
                    // Only responses are longer than a read now and then; what is short is whole with the next.
                    if self.decoder.is_mid_message() && len >= PROGRESS_BYTES_MIN {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// The half that is written.
struct Writer<W> {
    stream: W,
    counters: SharedCounters,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    async fn send(&mut self, message: &Message) -> Result<(), CloseReason> {
        let bytes = header_wire::encode(message);
        self.stream.write_all(&bytes).await.map_err(|_| CloseReason::Lost)?;
        self.stream.flush().await.map_err(|_| CloseReason::Lost)?;
        count(&self.counters.bytes_sent, bytes.len() as u64);
        Ok(())
    }
}

/// Opens the stream and exchanges statuses.
async fn greet(
    setup: &mut SessionSetup,
) -> Result<(Reader<impl AsyncRead + Unpin + use<>>, Writer<impl AsyncWrite + Unpin + use<>>, Status), CloseReason> {
    let stream = match setup.control.open_stream(setup.identity, StreamProtocol::new(PROTOCOL)).await {
        Ok(stream) => stream,
        Err(OpenStreamError::UnsupportedProtocol(_)) => return Err(CloseReason::UnsupportedProtocol),
        Err(_) => return Err(CloseReason::Lost),
    };
    let (read, write) = stream.split();
    let counters = setup.counters.clone();
    let mut reader = Reader {
        stream: read,
        decoder: Decoder::new(limits::MESSAGE_BYTES_MAX),
        buffer: vec![0; READ_BYTES],
        counters: counters.clone(),
    };
    let mut writer = Writer { stream: write, counters };
    let known = setup.greeting.genesis.get();
    if let Some(genesis) = known {
        writer.send(&Message::Status(setup.greeting.status(genesis))).await?;
    }
    let Message::Status(status) = reader.next(|| ()).await? else {
        return Err(CloseReason::Protocol("the first message is no status".into()));
    };
    if known.is_none() {
        writer.send(&Message::Status(setup.greeting.status(status.genesis))).await?;
    }
    if status.version != ETH_VERSION {
        return Err(CloseReason::Protocol(format!("speaks version {}, expected {ETH_VERSION}", status.version)));
    }
    Ok((reader, writer, status))
}

/// Reads until the stream ends or the peer breaks the protocol.
async fn receive<R: AsyncRead + Unpin>(
    mut reader: Reader<R>,
    mut replies: mpsc::Sender<Message>,
    nudge: &RefCell<Nudge>,
    setup: &SessionSetup,
) -> CloseReason {
    let session = setup.session;
    let mut events = setup.events.clone();
    let mut progress_at = f64::MIN;
    loop {
        let event = match reader.step(|| nudge.borrow_mut().heard(clock::now_ms())).await.transpose() {
            None if clock::now_ms() < progress_at + PROGRESS_PAUSE_MS => continue,
            None => {
                progress_at = clock::now_ms();
                NetworkEvent::Progress { session }
            }
            Some(Ok(Message::BlockHeaders(answer))) => {
                if !nudge.borrow_mut().answered(clock::now_ms(), answer.request_id) {
                    continue;
                }
                NetworkEvent::Headers { session, wire_id: answer.request_id, headers: answer.headers }
            }
            Some(Ok(Message::BlockRangeUpdate(update))) => {
                let served =
                    ServedRange { earliest: update.earliest, latest: update.latest, latest_hash: update.latest_hash };
                NetworkEvent::Range { session, served }
            }
            Some(Ok(Message::GetBlockHeaders(request))) => {
                let answer = BlockHeaders { request_id: request.request_id, headers: Vec::new() };
                if replies.try_send(Message::BlockHeaders(answer)).is_err() {
                    return CloseReason::Protocol("asks faster than it reads answers".into());
                }
                continue;
            }
            Some(Ok(Message::Status(_))) => return CloseReason::Protocol("a second status".into()),
            Some(Err(reason)) => return reason,
        };
        if events.send(event).await.is_err() {
            return CloseReason::Lost;
        }
    }
}

/// Writes what the driver hands over, until it drops the outbox or the stream fails; and a small question when the peer
/// has been silent for too long.
async fn send<W: AsyncWrite + Unpin>(
    mut writer: Writer<W>,
    mut messages: mpsc::Receiver<Message>,
    nudge: &RefCell<Nudge>,
) -> CloseReason {
    loop {
        let due = nudge.borrow().due();
        let silence = async {
            match due {
                Some(due) => clock::sleep(Duration::from_secs_f64((due - clock::now_ms()).max(1.0) / 1_000.0)).await,
                None => pending().await,
            }
        };
        pin_mut!(silence);
        let message = match select(messages.next(), silence).await {
            Either::Left((Some(message), _)) => message,
            Either::Left((None, _)) => return CloseReason::Lost,
            Either::Right(_) => match nudge.borrow_mut().ask(clock::now_ms()) {
                Some(question) => Message::GetBlockHeaders(question),
                // Something came meanwhile.
                None => continue,
            },
        };
        if let Message::GetBlockHeaders(request) = &message
            && request.request_id != NUDGE_ID
        {
            nudge.borrow_mut().sent(clock::now_ms(), request);
        }
        if let Err(reason) = writer.send(&message).await {
            return reason;
        }
    }
}

fn breach(error: WireError) -> CloseReason {
    CloseReason::Protocol(error.to_string())
}

fn peer_status(status: &Status) -> PeerStatus {
    PeerStatus {
        chain_id: status.network_id,
        genesis: status.genesis,
        served: ServedRange { earliest: status.earliest, latest: status.latest, latest_hash: status.latest_hash },
    }
}
