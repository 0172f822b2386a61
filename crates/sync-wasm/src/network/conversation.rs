//! The protocol on one stream, over any pair of byte streams and any clock: statuses are exchanged, then requests are
//! sent and responses received until either end closes.
//!
//! Both directions run concurrently in one task. Each message is one write and one flush (a peer's transport may join
//! separate writes to a packet that is too long). Input goes through [`header_wire::Decoder`], which bounds it. An
//! unsolicited response, a message over a limit ([`conduct`](super::conduct)) and an invalid message are breaches.
//!
//! Back-pressure: nothing is read while [`EVENTS_MAX`](super::EVENTS_MAX) events wait for the driver. The conversation
//! runs until the stream fails, the driver drops the outbox, the peer is silent ([`probe`](super::probe)), or a breach;
//! then it returns the reason.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::{Poll, Waker},
};

use alloy_primitives::B256;
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use header_wire::{BlockHeaders, Decoder, ETH_VERSION, ForkId, Message, Status, WireError, limits};
use sync_core::{PeerStatus, ServedRange};

use super::{
    CloseReason, NetworkEvent, Outgoing, SessionKey, SharedCounters,
    conduct::Conduct,
    count,
    probe::{PROBE_ID, Probe, Response, Step},
};

/// Bytes of an incomplete message that count as progress of a response: no other message of the protocol is so long.
const PROGRESS_BYTES_MIN: usize = 256;

/// Milliseconds between two reports of progress. The machine's shortest deadline is many times longer.
const PROGRESS_PAUSE_MS: f64 = 250.0;

/// The clock of a conversation.
pub trait Clock {
    /// Milliseconds since any fixed time.
    fn now_ms(&self) -> f64;
    /// Ready after `ms` milliseconds.
    fn sleep_ms(&self, ms: f64) -> impl Future<Output = ()>;
}

/// The data of our own status.
#[derive(Debug)]
pub struct Greeting {
    /// Id of our chain.
    pub chain_id: u64,
    /// Hash of block 0, if known; else we send [`Status::GENESIS_UNKNOWN`].
    pub genesis: Option<B256>,
}

impl Greeting {
    /// The status of a client that serves no headers. `fork_id` is not compared: each header is verified anyway.
    fn status(&self) -> Status {
        let genesis = self.genesis.unwrap_or(Status::GENESIS_UNKNOWN);
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

/// The read half of a stream, with the decoder of messages.
pub struct Reader<R> {
    stream: R,
    decoder: Decoder,
    counters: SharedCounters,
}

/// The result of a read.
enum Read {
    Message(Message),
    /// A part of a long message.
    Part,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads from `stream`.
    pub fn new(stream: R, counters: SharedCounters) -> Self {
        let decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
        Self { stream, decoder, counters }
    }

    /// The next message, or a part of one. Calls `heard` after each read that returned bytes. Cancellation-safe.
    async fn next(&mut self, heard: impl Fn()) -> Result<Read, CloseReason> {
        loop {
            if let Some(message) = self.decoder.next().map_err(breach)? {
                count(&self.counters.messages_received, 1);
                return Ok(Read::Message(message));
            }
            match self.stream.read(self.decoder.space()).await {
                Ok(0) => return Err(CloseReason::Lost),
                Err(error) => return Err(ended(&error)),
                Ok(len) => {
                    heard();
                    count(&self.counters.bytes_received, len as u64);
                    self.decoder.filled(len);
                    if self.decoder.is_mid_message() && len >= PROGRESS_BYTES_MIN {
                        return Ok(Read::Part);
                    }
                }
            }
        }
    }
}

/// The write half of a stream.
pub struct Writer<W> {
    stream: W,
    counters: SharedCounters,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes to `stream`.
    pub fn new(stream: W, counters: SharedCounters) -> Self {
        Self { stream, counters }
    }

    async fn send(&mut self, message: &Message) -> Result<(), CloseReason> {
        let bytes = header_wire::encode(message);
        self.stream.write_all(&bytes).await.map_err(|error| ended(&error))?;
        self.stream.flush().await.map_err(|error| ended(&error))?;
        count(&self.counters.bytes_sent, bytes.len() as u64);
        Ok(())
    }
}

/// Exchanges statuses; returns the peer's.
pub async fn greet<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut Reader<R>,
    writer: &mut Writer<W>,
    greeting: &Greeting,
) -> Result<PeerStatus, CloseReason> {
    writer.send(&Message::Status(greeting.status())).await?;
    let Read::Message(Message::Status(status)) = reader.next(|| ()).await? else {
        return Err(CloseReason::Protocol("the first message is no status".into()));
    };
    if status.version != ETH_VERSION {
        return Err(CloseReason::Protocol(format!("speaks version {}, expected {ETH_VERSION}", status.version)));
    }
    Ok(peer_status(&status))
}

/// One conversation, after the statuses.
pub struct Conversation<'a, C> {
    session: SessionKey,
    clock: &'a C,
    probe: RefCell<Probe>,
    /// Waker of the sending half: received data may change when its next probe is due.
    sender: Cell<Option<Waker>>,
}

impl<'a, C: Clock> Conversation<'a, C> {
    /// A conversation with a peer that sent `status`.
    pub fn new(session: SessionKey, status: &PeerStatus, clock: &'a C) -> Self {
        let probe = RefCell::new(Probe::new(clock.now_ms(), status.served.latest));
        Self { session, clock, probe, sender: Cell::new(None) }
    }

    /// Runs until it ends. `outgoing` has the driver's messages; `replies` sends to the same queue.
    pub async fn run<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &self,
        reader: Reader<R>,
        writer: Writer<W>,
        outgoing: mpsc::Receiver<Outgoing>,
        replies: mpsc::Sender<Outgoing>,
        events: mpsc::Sender<NetworkEvent>,
    ) -> CloseReason {
        let receive = pin!(self.receive(reader, replies, events));
        let send = pin!(self.send(writer, outgoing));
        // The receiving half is polled first: it has the more precise reason why a stream ended.
        match select(receive, send).await {
            Either::Left((reason, _)) | Either::Right((reason, _)) => reason,
        }
    }

    /// Reads until the stream ends or the peer breaks the protocol.
    async fn receive<R: AsyncRead + Unpin>(
        &self,
        mut reader: Reader<R>,
        mut replies: mpsc::Sender<Outgoing>,
        mut events: mpsc::Sender<NetworkEvent>,
    ) -> CloseReason {
        let session = self.session;
        let mut conduct = Conduct::default();
        let mut progress_at = f64::NEG_INFINITY;
        loop {
            let message = {
                let next = pin!(reader.next(|| self.probe.borrow_mut().heard(self.clock.now_ms())));
                let update = pin!(self.wait_until(conduct.due()));
                match select(next, update).await {
                    Either::Left((message, _)) => Some(message),
                    Either::Right(_) => None,
                }
            };
            let now = self.clock.now_ms();
            let event = match message {
                None => None,
                Some(Ok(Read::Part)) if now < progress_at + PROGRESS_PAUSE_MS => None,
                Some(Ok(Read::Part)) => {
                    progress_at = now;
                    Some(NetworkEvent::Progress { session })
                }
                Some(Ok(Read::Message(Message::BlockHeaders(response)))) => {
                    let kind = self.probe.borrow_mut().responded(now, response.request_id);
                    self.wake_sender();
                    match kind {
                        Response::ToProbe => continue,
                        Response::ToRequest => Some(NetworkEvent::Headers {
                            session,
                            wire_id: response.request_id,
                            headers: response.headers,
                        }),
                        Response::Unsolicited => {
                            return CloseReason::Protocol("sends headers that were not requested".into());
                        }
                    }
                }
                Some(Ok(Read::Message(Message::BlockRangeUpdate(update)))) => {
                    let served = ServedRange {
                        earliest: update.earliest,
                        latest: update.latest,
                        latest_hash: update.latest_hash,
                    };
                    if let Err(reason) = conduct.update(now, served) {
                        return reason;
                    }
                    None
                }
                Some(Ok(Read::Message(Message::GetBlockHeaders(request)))) => {
                    if let Err(reason) = conduct.request(now) {
                        return reason;
                    }
                    let response = BlockHeaders { request_id: request.request_id, headers: Vec::new() };
                    if replies.try_send(Outgoing::Message(Message::BlockHeaders(response))).is_err() {
                        return CloseReason::Protocol("requests faster than it reads responses".into());
                    }
                    continue;
                }
                Some(Ok(Read::Message(Message::Status(_)))) => return CloseReason::Protocol("a second status".into()),
                Some(Err(reason)) => return reason,
            };
            let update = conduct.take_update(now).map(|served| NetworkEvent::Range { session, served });
            for event in event.into_iter().chain(update) {
                if events.send(event).await.is_err() {
                    return CloseReason::Lost;
                }
            }
        }
    }

    /// Writes the driver's messages and the probes that are due, until the driver drops the outbox or the stream fails.
    async fn send<W: AsyncWrite + Unpin>(
        &self,
        mut writer: Writer<W>,
        mut outgoing: mpsc::Receiver<Outgoing>,
    ) -> CloseReason {
        loop {
            let next = {
                let silence = pin!(self.silence());
                match select(outgoing.next(), silence).await {
                    Either::Left((Some(next), _)) => Some(next),
                    Either::Left((None, _)) => return CloseReason::Lost,
                    Either::Right(_) => None,
                }
            };
            let now = self.clock.now_ms();
            let message = match next {
                Some(Outgoing::Message(message)) => {
                    if let Message::GetBlockHeaders(request) = &message {
                        debug_assert_ne!(request.request_id, PROBE_ID, "ids of requests rise from 0");
                        self.probe.borrow_mut().sent(now, request);
                    }
                    message
                }
                Some(Outgoing::Probe) => {
                    self.probe.borrow_mut().hint(now);
                    continue;
                }
                None => match self.probe.borrow_mut().step(now) {
                    Step::Ask(question) => Message::GetBlockHeaders(question),
                    Step::Dead => return CloseReason::Silent,
                    // Data was received in the meantime.
                    Step::Wait => continue,
                },
            };
            if let Err(reason) = writer.send(&message).await {
                return reason;
            }
        }
    }

    /// Ready when a probe step is due; checks again after each response.
    async fn silence(&self) {
        let mut sleep: Option<(f64, _)> = None;
        poll_fn(|context| {
            self.sender.set(Some(context.waker().clone()));
            let due = self.probe.borrow().due();
            if !due.is_finite() {
                sleep = None;
                return Poll::Pending;
            }
            let (_, timer) = match &mut sleep {
                Some(sleep) if sleep.0 == due => sleep,
                stale => {
                    let left = (due - self.clock.now_ms()).max(1.0);
                    stale.insert((due, Box::pin(self.clock.sleep_ms(left))))
                }
            };
            timer.poll_unpin(context)
        })
        .await;
    }

    fn wake_sender(&self) {
        if let Some(waker) = self.sender.take() {
            waker.wake();
        }
    }

    async fn wait_until(&self, due: Option<f64>) {
        match due {
            Some(due) => self.clock.sleep_ms((due - self.clock.now_ms()).max(0.0)).await,
            None => std::future::pending().await,
        }
    }
}

fn breach(error: WireError) -> CloseReason {
    CloseReason::Protocol(error.to_string())
}

/// The transport reports a peer's breach as invalid data: too much unread data, text, invalid frames.
fn ended(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::InvalidData => CloseReason::Protocol(error.to_string()),
        _ => CloseReason::Lost,
    }
}

fn peer_status(status: &Status) -> PeerStatus {
    PeerStatus {
        chain_id: status.network_id,
        genesis: status.known_genesis(),
        served: ServedRange { earliest: status.earliest, latest: status.latest, latest_hash: status.latest_hash },
    }
}

#[cfg(test)]
mod tests;
