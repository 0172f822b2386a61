//! A conversation over an in-memory stream and a clock that the test moves.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{TryStreamExt, future::LocalBoxFuture, task::noop_waker};
use header_wire::{BlockRangeUpdate, GetBlockHeaders, HashOrNumber};
use sync_core::id::PeerId;

use super::*;
use crate::network::{Counters, EVENTS_MAX, OUTBOX_MAX};

const SESSION: SessionKey = SessionKey { peer: PeerId(3), dial: 1 };

#[derive(Default)]
struct TestClock(Cell<f64>);

impl Clock for TestClock {
    fn now_ms(&self) -> f64 {
        self.0.get()
    }

    async fn sleep_ms(&self, ms: f64) {
        let until = self.now_ms() + ms;
        poll_fn(|_| if self.now_ms() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// The written bytes, readable as messages.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl AsyncWrite for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Written {
    fn messages(&self) -> Vec<Message> {
        let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
        decoder.push(&self.0.take());
        std::iter::from_fn(|| decoder.next().expect("our own messages")).collect()
    }
}

/// One conversation, with the peer's and the driver's end.
struct Talk {
    clock: &'static TestClock,
    future: LocalBoxFuture<'static, CloseReason>,
    peer: mpsc::UnboundedSender<io::Result<Vec<u8>>>,
    written: Written,
    outbox: mpsc::Sender<Outgoing>,
    events: mpsc::Receiver<NetworkEvent>,
}

fn served(latest: u64) -> ServedRange {
    ServedRange { earliest: 0, latest, latest_hash: B256::ZERO }
}

impl Talk {
    fn new() -> Self {
        // Leaked: the clock lives as long as the test process.
        let clock: &'static TestClock = Box::leak(Box::default());
        let counters = SharedCounters::new(Counters::default());
        let (peer, stream) = mpsc::unbounded::<io::Result<Vec<u8>>>();
        let written = Written::default();
        let (outbox, outgoing) = mpsc::channel(OUTBOX_MAX);
        let (events_in, events) = mpsc::channel(EVENTS_MAX);
        let reader = Reader::new(stream.into_async_read(), counters.clone());
        let writer = Writer::new(written.clone(), counters);
        let replies = outbox.clone();
        let future = async move {
            let status = PeerStatus { chain_id: 1, genesis: None, served: served(900) };
            let conversation = Conversation::new(SESSION, &status, clock);
            conversation.run(reader, writer, outgoing, replies, events_in).await
        };
        Self { clock, future: future.boxed_local(), peer, written, outbox, events }
    }

    /// Polls until the conversation waits. Returns the reason if it ended.
    fn poll(&mut self) -> Option<CloseReason> {
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        // Each poll runs both halves; the work of one may wake the other.
        (0..8).find_map(|_| match self.future.as_mut().poll(&mut context) {
            Poll::Ready(reason) => Some(reason),
            Poll::Pending => None,
        })
    }

    fn says(&self, message: &Message) {
        self.peer.unbounded_send(Ok(header_wire::encode(message).to_vec())).expect("it reads");
    }

    fn responds(&self, request_id: u64) {
        self.says(&Message::BlockHeaders(BlockHeaders { request_id, headers: vec![Bytes::from_static(&[0xc0])] }));
    }

    fn announces(&self, latest: u64) {
        let update = BlockRangeUpdate { earliest: 0, latest, latest_hash: B256::ZERO };
        self.says(&Message::BlockRangeUpdate(update));
    }

    fn requests(&mut self, request_id: u64) {
        let start = HashOrNumber::Number(request_id);
        let request = GetBlockHeaders { request_id, start, limit: 8, skip: 0, reverse: true };
        self.outbox.try_send(Outgoing::Message(Message::GetBlockHeaders(request))).expect("there is room");
    }

    fn at(&mut self, ms: f64) -> Option<CloseReason> {
        self.clock.0.set(ms);
        self.poll()
    }

    fn events(&mut self) -> Vec<NetworkEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    fn probes(&self) -> usize {
        let is_probe = |message: &Message| {
            matches!(message, Message::GetBlockHeaders(GetBlockHeaders { request_id: PROBE_ID, .. }))
        };
        self.written.messages().iter().filter(|message| is_probe(message)).count()
    }
}

fn breach_of(reason: Option<CloseReason>) -> String {
    match reason {
        Some(CloseReason::Protocol(what)) => what,
        other => panic!("a breach, not {other:?}"),
    }
}

#[test]
fn a_response_reaches_the_driver_once_and_a_second_one_is_a_breach() {
    let mut talk = Talk::new();
    talk.requests(7);
    assert_eq!(talk.poll(), None);
    assert_eq!(talk.written.messages().len(), 1);
    talk.responds(7);
    assert_eq!(talk.poll(), None);
    assert!(matches!(talk.events()[..], [NetworkEvent::Headers { session: SESSION, wire_id: 7, .. }]));
    talk.responds(7);
    assert!(breach_of(talk.poll()).contains("not requested"));
    assert_eq!(talk.events().len(), 0);
}

#[test]
fn unsolicited_headers_are_a_breach() {
    for id in [0, 7, PROBE_ID] {
        let mut talk = Talk::new();
        talk.responds(id);
        assert!(breach_of(talk.poll()).contains("not requested"), "{id}");
    }
}

#[test]
fn what_the_transport_calls_invalid_is_a_breach_and_a_lost_connection_is_none() {
    for (kind, is_breach) in [(io::ErrorKind::InvalidData, true), (io::ErrorKind::ConnectionAborted, false)] {
        let mut talk = Talk::new();
        talk.peer.unbounded_send(Err(io::Error::new(kind, "the peer sent text"))).expect("it reads");
        let reason = talk.poll();
        assert_eq!(matches!(reason, Some(CloseReason::Protocol(_))), is_breach, "{reason:?}");
        assert!(reason.is_some());
    }
    let mut talk = Talk::new();
    talk.peer.close_channel();
    assert_eq!(talk.poll(), Some(CloseReason::Lost));
}

#[test]
fn announcements_are_handed_on_once_a_second_and_a_flood_of_them_is_a_breach() {
    let mut talk = Talk::new();
    (1..=20).for_each(|latest| talk.announces(latest));
    assert_eq!(talk.poll(), None);
    let first = talk.events();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(talk.at(999.0), None);
    assert_eq!(talk.events().len(), 0);
    assert_eq!(talk.at(1_001.0), None);
    assert!(matches!(talk.events()[..], [NetworkEvent::Range { served: ServedRange { latest: 20, .. }, .. }]));

    (0..200).for_each(|latest| talk.announces(latest));
    assert!(breach_of(talk.poll()).contains("announces"));
    assert!(talk.events().len() <= 1);
}

#[test]
fn a_peers_requests_get_empty_responses_up_to_a_limit() {
    let request =
        |request_id| GetBlockHeaders { request_id, start: HashOrNumber::Number(1), limit: 1, skip: 0, reverse: true };
    let mut talk = Talk::new();
    talk.says(&Message::GetBlockHeaders(request(5)));
    assert_eq!(talk.poll(), None);
    let written = talk.written.messages();
    assert!(
        matches!(&written[..], [Message::BlockHeaders(response)] if response.request_id == 5 && response.headers.is_empty())
    );
    (0..1_000).for_each(|id| talk.says(&Message::GetBlockHeaders(request(id))));
    assert!(breach_of(talk.poll()).contains("requests"));
}

#[test]
fn a_quiet_connection_is_probed_and_without_a_response_it_is_dead() {
    let mut talk = Talk::new();
    assert_eq!(talk.at(0.0), None);
    assert_eq!(talk.at(14_000.0), None);
    assert_eq!(talk.probes(), 0);
    assert_eq!(talk.at(15_001.0), None);
    assert_eq!(talk.probes(), 1);
    talk.responds(PROBE_ID);
    assert_eq!(talk.at(15_100.0), None);
    assert_eq!(talk.events().len(), 0, "the response to a probe is no event");
    assert_eq!(talk.at(30_101.0), None);
    assert_eq!(talk.probes(), 1);
    // Announcements are no responses.
    for second in 31..60 {
        talk.announces(second);
        assert_eq!(talk.at(f64::from(second as u32) * 1_000.0), None, "{second}");
    }
    assert_eq!(talk.at(60_200.0), Some(CloseReason::Silent));
}

#[test]
fn the_page_asks_for_a_probe() {
    let mut talk = Talk::new();
    assert_eq!(talk.at(2_000.0), None);
    talk.outbox.try_send(Outgoing::Probe).expect("there is room");
    assert_eq!(talk.poll(), None);
    assert_eq!(talk.at(2_001.0), None);
    assert_eq!(talk.probes(), 1);
    assert_eq!(talk.at(13_000.0), None);
    assert_eq!(talk.at(14_100.0), Some(CloseReason::Silent));
}

#[test]
fn the_driver_ends_it_by_dropping_the_outbox_and_the_stream_by_its_end() {
    let mut talk = Talk::new();
    assert_eq!(talk.poll(), None);
    talk.outbox.close_channel();
    assert_eq!(talk.poll(), Some(CloseReason::Lost));
}
