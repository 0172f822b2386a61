//! The stream of one connection, in a browser: opens it, exchanges statuses, and runs a [`Conversation`] until it ends.

use std::{rc::Rc, time::Duration};

use futures::{
    AsyncReadExt, SinkExt,
    channel::mpsc,
    future::{Either, select},
    pin_mut,
};
use header_wire::PROTOCOL;
use libp2p_core::Multiaddr;
use libp2p_identity::PeerId as Libp2pPeerId;
use libp2p_stream::{Control, OpenStreamError};
use libp2p_swarm::StreamProtocol;

use super::{
    CloseReason, NetworkEvent, OUTBOX_MAX, SessionKey, SharedCounters,
    conversation::{Clock, Conversation, Greeting, Reader, Writer, greet},
};
use crate::clock;

/// Time limit from the connection to the peer's status.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The parameters of a session.
pub struct SessionSetup {
    /// Key of the session, repeated in its events.
    pub session: SessionKey,
    /// libp2p identity of the peer.
    pub identity: Libp2pPeerId,
    /// Address of the connection.
    pub address: Multiaddr,
    /// Opens the stream.
    pub control: Control,
    /// Data of our own status.
    pub greeting: Rc<Greeting>,
    /// Queue of events to the driver.
    pub events: mpsc::Sender<NetworkEvent>,
    /// Traffic counters of the worker.
    pub counters: SharedCounters,
}

/// The worker's clock.
struct WorkerClock;

impl Clock for WorkerClock {
    fn now_ms(&self) -> f64 {
        clock::now_ms()
    }

    fn sleep_ms(&self, ms: f64) -> impl Future<Output = ()> {
        // Rounded up: the timer never fires early.
        clock::sleep(Duration::from_millis(ms.ceil() as u64))
    }
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
        let greeted = open_and_greet(setup);
        pin_mut!(greeted);
        match select(greeted, clock::sleep(HANDSHAKE_TIMEOUT)).await {
            Either::Left((greeted, _)) => greeted,
            Either::Right(_) => Err(CloseReason::HandshakeTimeout),
        }
    };
    let (reader, writer, status) = match greeted {
        Ok(greeted) => greeted,
        Err(reason) => return reason,
    };
    let (outbox, outgoing) = mpsc::channel(OUTBOX_MAX);
    let replies = outbox.clone();
    let conversation = Conversation::new(setup.session, &status, &WorkerClock);
    let ready = NetworkEvent::Ready { session: setup.session, status, address: setup.address.clone(), outbox };
    if setup.events.send(ready).await.is_err() {
        return CloseReason::Lost;
    }
    conversation.run(reader, writer, outgoing, replies, setup.events.clone()).await
}

/// Opens the stream and exchanges statuses.
async fn open_and_greet(
    setup: &mut SessionSetup,
) -> Result<
    (
        Reader<impl futures::AsyncRead + Unpin + use<>>,
        Writer<impl futures::AsyncWrite + Unpin + use<>>,
        sync_core::PeerStatus,
    ),
    CloseReason,
> {
    let stream = match setup.control.open_stream(setup.identity, StreamProtocol::new(PROTOCOL)).await {
        Ok(stream) => stream,
        Err(OpenStreamError::UnsupportedProtocol(_)) => return Err(CloseReason::UnsupportedProtocol),
        Err(_) => return Err(CloseReason::Lost),
    };
    let (read, write) = stream.split();
    let mut reader = Reader::new(read, setup.counters.clone());
    let mut writer = Writer::new(write, setup.counters.clone());
    let status = greet(&mut reader, &mut writer, &setup.greeting).await?;
    Ok((reader, writer, status))
}
