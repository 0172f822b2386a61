//! One stream: both sides send their status, then requests are served one after another until the stream ends.
//!
//! The session reads nothing while it builds, delays or writes a response, so one client has at most one response in
//! memory. A client that sends anything but requests, is silent for too long, or does not read its response, loses its
//! stream; other streams are not affected.

use std::{fmt, io, sync::Arc, time::Instant};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use header_wire::{Decoder, ETH_VERSION, GetBlockHeaders, Message, ResponseBuilder, Status, WireError, encode};
use libp2p::PeerId;
use tokio::time::{sleep, timeout};

use crate::{
    budget::{Budgets, Share},
    fault::Fault,
    limits, response,
    source::HeaderSource,
    stats::Stats,
};

/// Shared state of all sessions.
pub struct Service {
    /// Source of the headers.
    pub source: Arc<dyn HeaderSource>,
    /// Status of this peer.
    pub status: Status,
    /// Bytes of headers at which a response ends.
    pub response_bytes_max: usize,
    /// Fault for tests.
    pub fault: Option<Fault>,
    /// Request budgets of the identities.
    pub budgets: Arc<Budgets>,
    /// Counters.
    pub stats: Stats,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("status", &self.status).field("fault", &self.fault).finish_non_exhaustive()
    }
}

/// Why a session ended before its client closed the stream.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The identity has too many streams already.
    #[error("too many streams of one identity")]
    TooManyStreams,
    /// The stream broke.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The client violated the protocol.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The stream ended inside a message.
    #[error("cut off inside a message")]
    CutOff,
    /// A valid message that a client may not send.
    #[error("message {0:#04x} out of place")]
    OutOfPlace(u8),
    /// The client uses another version.
    #[error("version {0}, expected {ETH_VERSION}")]
    Version(u32),
    /// Nothing was received, or nothing could be sent, in time.
    #[error("timed out while {0}")]
    TimedOut(&'static str),
}

/// Serves one stream until its client closes it.
///
/// # Errors
///
/// The reason of any other end. Other streams are not affected.
pub async fn run<S>(service: &Service, peer: PeerId, stream: S) -> Result<(), SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let share = service.budgets.join(peer, Instant::now()).ok_or(SessionError::TooManyStreams)?;
    let _counted = service.stats.connected();
    let mut session = Session {
        service,
        share,
        stream,
        decoder: Decoder::new(limits::REQUEST_BYTES_MAX),
        builder: ResponseBuilder::new(),
        responses: 0,
    };
    let result = session.serve().await;
    // The client may be gone: errors of closing are ignored, but closing has a timeout.
    let _ = timeout(limits::SHUTDOWN_TIMEOUT, session.stream.close()).await;
    result
}

struct Session<'a, S> {
    service: &'a Service,
    share: Share,
    stream: S,
    decoder: Decoder,
    builder: ResponseBuilder,
    /// Responses sent so far.
    responses: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<'_, S> {
    async fn serve(&mut self) -> Result<(), SessionError> {
        let status = encode(&Message::Status(self.service.status));
        write(&mut self.stream, &status).await?;
        let first = timeout(limits::STATUS_TIMEOUT, self.next_message())
            .await
            .map_err(|_| SessionError::TimedOut("waiting for its status"))??;
        match first {
            None => return Ok(()),
            Some(Message::Status(status)) if status.version == ETH_VERSION => {}
            Some(Message::Status(status)) => return Err(SessionError::Version(status.version)),
            Some(other) => return Err(SessionError::OutOfPlace(other.id())),
        }
        let Service { status, source, fault, .. } = self.service;
        if let Some((message, times)) = fault.and_then(|fault| fault.unasked(status, &**source)) {
            let message = encode(&message);
            for _ in 0..times {
                write(&mut self.stream, &message).await?;
            }
        }
        loop {
            let message = timeout(limits::SESSION_IDLE_TIMEOUT, self.next_message())
                .await
                .map_err(|_| SessionError::TimedOut("waiting for a request"))??;
            match message {
                None => return Ok(()),
                Some(Message::GetBlockHeaders(request)) => self.respond(request).await?,
                // A client that serves nothing may announce this, as often as it may request.
                Some(Message::BlockRangeUpdate(_)) => sleep(self.share.spend(Instant::now())).await,
                Some(other) => return Err(SessionError::OutOfPlace(other.id())),
            }
        }
    }

    /// The next message; `None` if the client has closed the stream.
    async fn next_message(&mut self) -> Result<Option<Message>, SessionError> {
        let mut chunk = [0; limits::READ_BYTES];
        loop {
            if let Some(message) = self.decoder.next()? {
                return Ok(Some(message));
            }
            match self.stream.read(&mut chunk).await? {
                0 if self.decoder.is_mid_message() => return Err(SessionError::CutOff),
                0 => return Ok(None),
                read => self.decoder.push(&chunk[..read]),
            }
        }
    }

    async fn respond(&mut self, request: GetBlockHeaders) -> Result<(), SessionError> {
        let Service { source, response_bytes_max, fault, stats, .. } = self.service;
        let source = &**source;
        stats.requested();
        sleep(self.share.spend(Instant::now())).await;

        let mut response;
        match fault {
            None => response = response::build(source, &request, *response_bytes_max, &mut self.builder),
            Some(fault) => {
                let Some(delay) = fault.delay() else { return Ok(()) };
                sleep(delay).await;
                let twisted = fault.twist(request, source, self.responses);
                response = response::build(source, &twisted, *response_bytes_max, &mut self.builder);
                fault.spoil(&mut response, &mut self.builder, source, self.responses);
            }
        }
        let more = u32::try_from(response.made / limits::HEADERS_MADE_PER_REQUEST).unwrap_or(u32::MAX);
        self.share.spend_many(Instant::now(), more);
        let bytes = self.builder.payload_len();
        write(&mut self.stream, self.builder.finish()).await?;
        self.responses += 1;
        stats.served(response.headers, bytes);
        Ok(())
    }
}

/// One write for the whole message and one flush: the transport may send two writes as one packet that is too long.
async fn write<S: AsyncWrite + Unpin>(stream: &mut S, message: &[u8]) -> Result<(), SessionError> {
    let written = async {
        stream.write_all(message).await?;
        stream.flush().await
    };
    timeout(limits::WRITE_TIMEOUT, written).await.map_err(|_| SessionError::TimedOut("writing"))??;
    Ok(())
}
