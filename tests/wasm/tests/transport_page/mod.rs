//! The page's end of the transport's port, played by a test; and the peer at the far end of its channels.
//!
//! Commands travel over a real `MessagePort`. A worker can make no `RTCPeerConnection`, so the channels are stand-ins: objects
//! with `RTCDataChannel.prototype` whose properties the test holds, so that it decides what fits, what opens and what
//! fails. The real thing is used by the tests of the whole page.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(unreachable_pub, reason = "several test programs hold it, each in a private module")]
#![allow(clippy::unwrap_used, reason = "a test, though not every function in it is marked as one")]

use std::{
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    AsyncRead, AsyncWrite, FutureExt, StreamExt,
    channel::mpsc,
    future::{Either, join, select},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use libp2p_core::{
    Endpoint, Transport as _,
    transport::{DialOpts, PortUse},
};
use libp2p_identity::{Keypair, PeerId};
use libp2p_webrtc_utils::{Fingerprint, noise};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageChannel, MessageEvent, MessagePort};
use webrtc_worker::{Broker, Config, Connection, Error, Transport};

/// What an event may take here; a test that waits longer has failed.
const DEADLINE_MS: u32 = 10_000;

const OUR_DIGEST: [u8; 32] = [0xA5; 32];
const PEER_DIGEST: [u8; 32] = [0x3C; 32];

/// Awaits it, but not for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match select(Box::pin(future), TimeoutFuture::new(DEADLINE_MS)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("waited in vain for {what}"),
    }
}

pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

pub fn set(object: &JsValue, name: &str, value: impl Into<JsValue>) {
    Reflect::set(object, &name.into(), &value.into()).unwrap();
}

pub fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        set(&object, name, value);
    }
    object.into()
}

/// A command as the page got it.
#[derive(Debug)]
pub struct Command {
    pub kind: String,
    pub request: Option<u32>,
    pub connection: u32,
    pub message: JsValue,
}

impl Command {
    pub fn text(&self, name: &str) -> String {
        get(&self.message, name).as_string().unwrap_or_else(|| panic!("no text `{name}` in {}", self.kind))
    }
}

/// The page.
pub struct Page {
    port: MessagePort,
    /// The port that the broker listens to: a stand-in cannot be transferred, so it is handed over by calling the handler.
    workers_port: MessagePort,
    commands: mpsc::UnboundedReceiver<JsValue>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl Page {
    pub fn new() -> (Self, Broker) {
        let channel = MessageChannel::new().unwrap();
        let (port, workers_port) = (channel.port1(), channel.port2());
        let (sender, commands) = mpsc::unbounded();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            // The test may have ended.
            let _ = sender.unbounded_send(event.data());
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let broker = Broker::new(workers_port.clone());
        (Self { port, workers_port, commands, _on_message: on_message }, broker)
    }

    /// The next command, which has to be of this kind.
    pub async fn command(&mut self, kind: &str) -> Command {
        let message = soon(kind, self.commands.next()).await.expect("the port is open");
        let command = Command {
            kind: get(&message, "type").as_string().unwrap(),
            request: get(&message, "request").as_f64().map(|n| n as u32),
            connection: get(&message, "connection").as_f64().unwrap() as u32,
            message,
        };
        assert_eq!(command.kind, kind);
        command
    }

    pub fn say(&self, message: &JsValue) {
        self.port.post_message(message).unwrap();
    }

    pub fn done(&self, command: &Command) {
        let request = command.request.unwrap().into();
        self.say(&object([("type", "result".into()), ("request", request), ("ok", true.into())]));
    }

    pub fn offer(&self, command: &Command, offer: &str) {
        let request = command.request.unwrap().into();
        let ok = ("ok", true.into());
        self.say(&object([("type", "result".into()), ("request", request), ok, ("offer", offer.into())]));
    }

    pub fn refuse(&self, command: &Command, code: &str, message: &str) {
        let request = command.request.unwrap().into();
        let (code, message) = (("code", code.into()), ("message", message.into()));
        self.say(&object([("type", "result".into()), ("request", request), ("ok", false.into()), code, message]));
    }

    pub fn state(&self, connection: u32, state: &str) {
        self.say(&object([("type", "state".into()), ("connection", connection.into()), ("state", state.into())]));
    }

    /// Gives a channel to the worker, as if it had been transferred.
    pub fn hand_over(&self, connection: u32, request: Option<u32>, channel: &Channel) {
        let request = request.map_or(JsValue::UNDEFINED, JsValue::from);
        let channel = ("channel", channel.0.clone());
        let data =
            object([("type", "channel".into()), ("connection", connection.into()), ("request", request), channel]);
        let handler: Function = get(&self.workers_port, "onmessage").dyn_into().expect("the broker listens");
        handler.call1(&self.workers_port, &object([("data", data)])).unwrap();
    }

    /// Answers a `channel` command with a channel that is open.
    pub async fn open_channel(&mut self) -> Channel {
        let command = self.command("channel").await;
        let channel = Channel::new();
        self.hand_over(command.connection, command.request, &channel);
        self.done(&command);
        channel.open();
        channel
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}

/// A stand-in for an `RTCDataChannel`.
#[derive(Clone, Debug)]
pub struct Channel(pub JsValue);

const NEW_CHANNEL: &str = "
    const own = { readyState: 'connecting', binaryType: 'blob', bufferedAmount: 0, bufferedAmountLowThreshold: 0,
        onmessage: null, onopen: null, onbufferedamountlow: null, onclosing: null, onclose: null, onerror: null,
        sent: [], onsent: null, closes: 0,
        send(data) {
            if (this.readyState !== 'open') throw new DOMException('not open', 'InvalidStateError');
            this.sent.push(new Uint8Array(data));
            this.bufferedAmount += data.byteLength;
            this.onsent?.();
        },
        close() { this.closes += 1; this.readyState = 'closing'; } };
    const channel = Object.create(RTCDataChannel.prototype);
    for (const [name, value] of Object.entries(own)) Object.defineProperty(channel, name, { value, writable: true });
    return channel;";

const HANDLERS: [&str; 6] = ["onmessage", "onopen", "onbufferedamountlow", "onclosing", "onclose", "onerror"];

impl Channel {
    pub fn new() -> Self {
        Self(Function::new_no_args(NEW_CHANNEL).call0(&JsValue::NULL).unwrap())
    }

    /// Calls a handler, if there is one.
    pub fn event(&self, name: &str, event: &JsValue) {
        if let Ok(handler) = get(&self.0, name).dyn_into::<Function>() {
            handler.call1(&self.0, event).unwrap();
        }
    }

    pub fn open(&self) {
        set(&self.0, "readyState", "open");
        self.event("onopen", &JsValue::NULL);
    }

    /// The peer has closed.
    pub fn close_by_peer(&self) {
        set(&self.0, "readyState", "closing");
        self.event("onclosing", &JsValue::NULL);
    }

    pub fn fail(&self, detail: &str) {
        let error = object([("errorDetail", detail.into()), ("message", "it broke".into())]);
        self.event("onerror", &object([("error", error)]));
    }

    /// A message from the peer.
    pub fn deliver(&self, bytes: &[u8]) {
        self.event("onmessage", &object([("data", Uint8Array::from(bytes).buffer().into())]));
    }

    /// A data frame from the peer, as the WebRTC specification of libp2p frames it (protobuf, field 2).
    pub fn deliver_frame(&self, bytes: &[u8]) {
        let mut body = vec![0x12];
        varint(bytes.len(), &mut body);
        body.extend_from_slice(bytes);
        let mut frame = Vec::new();
        varint(body.len(), &mut frame);
        frame.extend(body);
        self.deliver(&frame);
    }

    /// The browser has sent everything.
    pub fn drain(&self) {
        set(&self.0, "bufferedAmount", 0);
        self.event("onbufferedamountlow", &JsValue::NULL);
    }

    pub fn buffered(&self) -> u32 {
        get(&self.0, "bufferedAmount").as_f64().unwrap() as u32
    }

    pub fn closes(&self) -> u32 {
        get(&self.0, "closes").as_f64().unwrap() as u32
    }

    pub fn has_handlers(&self) -> bool {
        HANDLERS.iter().any(|name| get(&self.0, name).is_function())
    }

    /// What was sent and not taken yet.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        let sent: Array = get(&self.0, "sent").unchecked_into();
        let messages = sent.iter().map(|message| message.unchecked_into::<Uint8Array>().to_vec()).collect();
        sent.set_length(0);
        messages
    }
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The peer at the far end of a channel: what the worker sends it reads, what it writes is delivered.
#[derive(Clone)]
struct Far(SendWrapper<Rc<FarEnd>>);

struct FarEnd {
    channel: Channel,
    received: std::cell::RefCell<std::collections::VecDeque<u8>>,
    waker: Rc<futures::task::AtomicWaker>,
    _on_sent: Closure<dyn Fn()>,
}

impl Far {
    fn new(channel: &Channel) -> Self {
        let waker = Rc::new(futures::task::AtomicWaker::new());
        let on_sent = Closure::<dyn Fn()>::new({
            let waker = Rc::clone(&waker);
            move || waker.wake()
        });
        set(&channel.0, "onsent", on_sent.as_ref().clone());
        let received = Default::default();
        Self(SendWrapper::new(Rc::new(FarEnd { channel: channel.clone(), received, waker, _on_sent: on_sent })))
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        set(&self.channel.0, "onsent", JsValue::NULL);
    }
}

impl AsyncRead for Far {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.waker.register(cx.waker());
        let mut received = self.0.received.borrow_mut();
        received.extend(self.0.channel.sent().concat());
        if received.is_empty() {
            return Poll::Pending;
        }
        let n = received.len().min(target.len());
        target.iter_mut().zip(received.drain(..n)).for_each(|(to, from)| *to = from);
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Far {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.channel.deliver(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

pub fn offer() -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
         a=ice-ufrag:q3Zw\r\na=ice-pwd:0o2wQJLmwkY1nYXvlVoUZb2v\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\n",
        Fingerprint::raw(OUR_DIGEST).to_sdp_format()
    )
}

/// The peer that `peer` would be, at a made-up place.
pub fn address(peer: PeerId) -> String {
    let certhash = libp2p_core::multiaddr::Protocol::Certhash(Fingerprint::raw(PEER_DIGEST).to_multihash());
    format!("/ip4/192.0.2.7/udp/4242/webrtc-direct{certhash}/p2p/{peer}")
}

pub fn dial(broker: Broker, address: &str, config: Config) -> webrtc_worker::Dial {
    let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::Reuse };
    Transport::new(&Keypair::generate_ed25519(), broker, config).dial(address.parse().unwrap(), opts).unwrap()
}

/// Deadlines that a test can wait out.
pub fn quick() -> Config {
    let short = Duration::from_millis(150);
    Config { dial_timeout: Duration::from_secs(5), channel_open_timeout: short, disconnected_max: short }
}

/// A connection, and what the page and the peer have of it.
pub struct Connected {
    pub page: Page,
    pub broker: Broker,
    pub connection: Connection,
    pub id: u32,
    pub handshake: Channel,
    /// The command that described both sides.
    pub negotiated: Command,
}

/// The whole handshake with a peer that answers with `answers`, dialled as `dialled`.
pub async fn try_connect(dialled: PeerId, answers: Keypair) -> Result<Connected, Error> {
    let (mut page, broker) = Page::new();
    let handshake = Channel::new();
    let dialling = dial(broker.clone(), &address(dialled), quick());
    let answering = async {
        let open = page.command("open").await;
        page.hand_over(open.connection, open.request, &handshake);
        page.offer(&open, &offer());
        let negotiate = page.command("negotiate").await;
        page.done(&negotiate);
        handshake.open();
        let (stream, _listener) = libp2p_webrtc_utils::Stream::new(Far::new(&handshake));
        let (client, server) = (Fingerprint::raw(OUR_DIGEST), Fingerprint::raw(PEER_DIGEST));
        noise::inbound(answers.clone(), stream, client, server).await.expect("the worker speaks noise");
        negotiate
    };
    let (dialled, negotiated) = soon("the handshake", join(dialling, answering.boxed_local())).await;
    let (peer, connection) = dialled?;
    assert_eq!(peer, answers.public().to_peer_id());
    Ok(Connected { page, broker, connection, id: negotiated.connection, handshake, negotiated })
}

/// The same, with the right peer.
pub async fn connect() -> Connected {
    let keypair = Keypair::generate_ed25519();
    try_connect(keypair.public().to_peer_id(), keypair).await.expect("an honest handshake")
}
