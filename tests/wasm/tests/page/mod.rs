//! The page's end of the worker's port, played by a test: what the worker posts comes over a real `MessageChannel`.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{collections::VecDeque, future::Future, pin::pin, rc::Rc};

use futures::{
    StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use gloo_timers::future::TimeoutFuture;
use header_rules::range::BlockRange;
use header_store::contract::TestChain;
use js_sys::{Reflect, Uint8Array};
use sync_core::{Checkpoint, etl::HeaderBatch};
use sync_wasm::{
    message::{ChainOption, StartOptions, StorageOption},
    options::Settings,
    port::Port,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageChannel, MessageEvent, MessagePort};

/// What an event may take here; a test that waits longer has failed.
const DEADLINE_MS: u32 = 20_000;

/// Awaits it, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match select(pin!(future), TimeoutFuture::new(DEADLINE_MS)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("waited in vain for {what}"),
    }
}

/// A field, by a path of names.
pub(crate) fn field(value: &JsValue, path: &str) -> JsValue {
    path.split('.')
        .fold(value.clone(), |object, name| Reflect::get(&object, &name.into()).unwrap_or(JsValue::UNDEFINED))
}

pub(crate) fn text(value: &JsValue, path: &str) -> String {
    field(value, path).as_string().unwrap_or_else(|| panic!("{path} is no text in {value:?}"))
}

pub(crate) fn number(value: &JsValue, path: &str) -> u64 {
    field(value, path).as_f64().unwrap_or_else(|| panic!("{path} is no number in {value:?}")) as u64
}

pub(crate) fn bytes(value: &JsValue, path: &str) -> Vec<u8> {
    field(value, path).dyn_into::<Uint8Array>().unwrap_or_else(|_| panic!("{path} holds no bytes")).to_vec()
}

/// Everything that the worker posts.
pub(crate) struct Page {
    port: MessagePort,
    posted: mpsc::UnboundedReceiver<JsValue>,
    /// What was posted and is not asked for yet.
    waiting: VecDeque<JsValue>,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Page {
    /// A page, and the port that leads to it.
    pub(crate) fn new() -> (Self, Port) {
        let channel = MessageChannel::new().expect("channels exist here");
        let (sender, posted) = mpsc::unbounded();
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            // The page is gone when the test has ended.
            let _ = sender.unbounded_send(event.data());
        });
        let port = channel.port2();
        port.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        let page = Self { port, posted, waiting: VecDeque::new(), _listener: listener };
        (page, Port::of_channel(&channel.port1()))
    }

    /// The first message that is wanted, in the order in which they were posted; the others stay.
    async fn first(&mut self, what: &str, wanted: impl Fn(&JsValue) -> bool) -> JsValue {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).expect("it is there");
        }
        soon(what, async {
            loop {
                let message = self.posted.next().await.expect("the port is open");
                if wanted(&message) {
                    return message;
                }
                self.waiting.push_back(message);
            }
        })
        .await
    }

    /// The reply to a call: its value, or the code of its error.
    pub(crate) async fn reply(&mut self, id: f64) -> Result<JsValue, String> {
        let is_it = |message: &JsValue| field(message, "type") == "reply" && field(message, "id") == id;
        let reply = self.first(&format!("the reply to {id}"), is_it).await;
        if field(&reply, "ok") == JsValue::TRUE { Ok(field(&reply, "value")) } else { Err(text(&reply, "error.code")) }
    }

    /// The next event for which this holds.
    pub(crate) async fn event(&mut self, what: &str, wanted: impl Fn(&JsValue) -> bool) -> JsValue {
        let message = self.first(what, |message| wanted(&field(message, "event"))).await;
        field(&message, "event")
    }

    /// The next event of a kind.
    pub(crate) async fn event_of(&mut self, kind: &str) -> JsValue {
        self.event(kind, |event| is_of(event, kind)).await
    }

    /// Forgets what came before the last message that was asked for.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Before the listener is dropped: a message on its way must not call what is gone.
        self.port.set_onmessage(None);
        self.port.close();
    }
}

pub(crate) fn is_of(event: &JsValue, kind: &str) -> bool {
    field(event, "type") == kind
}

/// What a page without peers asks for.
pub(crate) fn settings(name: &str, chain: &TestChain, pin: Option<u64>) -> Rc<Settings> {
    let options = StartOptions {
        chain: ChainOption { id: chain.spec().id(), genesis: Some(chain.hash(0).to_string()) },
        target: pin.map(|number| chain.hash(number).to_string()),
        storage: StorageOption { name: Some(name.into()) },
        ..StartOptions::default()
    };
    Rc::new(Settings::new(options).expect("good options"))
}

/// Batches of 1,024 headers that hold `0..=last`, the lowest first.
pub(crate) fn rising_batches(chain: &TestChain, last: u64) -> Vec<HeaderBatch> {
    let mut base = Checkpoint::new(chain.spec().id(), 0);
    let mut batches = Vec::new();
    for first in (0..=last).step_by(1_024) {
        let range = BlockRange::new(first, last.min(first + 1_023)).expect("a range");
        batches.extend(chain.batches(range, 1_024, &base));
        base = batches.last().map(|batch: &HeaderBatch| batch.checkpoint().clone()).expect("a batch");
    }
    batches
}
