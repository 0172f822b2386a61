//! The worker's end of the port: parses messages of the page, posts replies and events.
//!
//! No received message can make the worker fail. For an unknown message or bad arguments the page receives an error
//! reply if the message has an `id`; otherwise the message is dropped. Large buffers are transferred to the page, not
//! copied. Message types: [`crate::message`].

use js_sys::{Array, Object, Reflect, Uint8Array, Uint32Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{DedicatedWorkerGlobalScope, MessagePort};

use crate::{
    error::{HostError, parse_hash},
    message::{
        Call, HeaderKey, Hint, LISTED_PEERS_MAX, NUMBER_MAX, PackedHeaders, StartOptions, StoredHeader, WorkerEvent,
    },
    network::peers::SkippedPeer,
    options::FIGURES,
};

/// Longest accepted string argument, in UTF-16 code units (a multiaddress has some 200 characters).
const TEXT_MAX: u32 = 4_096;

/// One message of the page.
pub enum Incoming {
    /// `start`.
    Start {
        /// Id of the call; repeated in the reply.
        id: f64,
        /// Options, not yet checked.
        options: StartOptions,
        /// The page's broker of RTCPeerConnections listens at the other end.
        rtc_port: MessagePort,
    },
    /// `call`.
    Call {
        /// Id of the call; repeated in the reply.
        id: f64,
        /// Method and arguments.
        call: Call,
    },
    /// `hint`.
    Hint(Hint),
}

/// A message of the page that could not be parsed.
pub struct Unreadable {
    /// Id of the call, if the message has one.
    pub id: Option<f64>,
    /// What is wrong with the message.
    pub error: HostError,
}

/// Parses one message of the page.
pub fn read(data: &JsValue) -> Result<Incoming, Unreadable> {
    let id = field(data, "id").as_f64();
    let bad = |error| Unreadable { id, error };
    let kind = text(&field(data, "type")).unwrap_or_default();
    let needed = || id.ok_or_else(|| bad(option("id", "is no number")));
    match kind.as_str() {
        "start" => {
            let options = field(data, "options");
            check_figures(&options).map_err(bad)?;
            let options =
                serde_wasm_bindgen::from_value(options).map_err(|error| bad(option("options", &error.to_string())))?;
            let rtc_port =
                field(data, "rtcPort").dyn_into().map_err(|_| bad(option("rtcPort", "is no MessagePort")))?;
            Ok(Incoming::Start { id: needed()?, options, rtc_port })
        }
        "call" => {
            let method = text(&field(data, "method")).unwrap_or_default();
            let call = read_call(&method, &field(data, "args")).map_err(bad)?;
            Ok(Incoming::Call { id: needed()?, call })
        }
        "hint" => match text(&field(data, "hint")).as_deref() {
            Some("online") => Ok(Incoming::Hint(Hint::Online)),
            Some("visible") => Ok(Incoming::Hint(Hint::Visible)),
            Some("hidden") => Ok(Incoming::Hint(Hint::Hidden)),
            _ => Err(bad(option("hint", "is not known"))),
        },
        _ => Err(bad(option("type", "is not known"))),
    }
}

/// Numbers must be integers that JavaScript represents exactly; they are not rounded afterwards.
/// [`Settings::new`](crate::options::Settings::new) checks the bounds.
fn check_figures(options: &JsValue) -> Result<(), HostError> {
    for figure in FIGURES {
        let value = figure.name.split('.').fold(options.clone(), |object, name| field(&object, name));
        let exact = |number: &f64| number.fract() == 0.0 && (0.0..=NUMBER_MAX as f64).contains(number);
        // The parser of the options reports missing values.
        if !value.is_undefined() && value.as_f64().filter(exact).is_none() {
            return Err(figure.refuse(&shown(&value)));
        }
    }
    Ok(())
}

/// A wrong value, for an error message: a number itself, of any other value the type.
fn shown(value: &JsValue) -> String {
    match value.as_f64() {
        Some(number) => number.to_string(),
        None => value.js_typeof().as_string().unwrap_or_default(),
    }
}

fn read_call(method: &str, args: &JsValue) -> Result<Call, HostError> {
    let arg = |index: u32| Reflect::get_u32(args, index).unwrap_or(JsValue::UNDEFINED);
    Ok(match method {
        "getHeader" => Call::GetHeader(match text(&arg(0)) {
            Some(hash) => HeaderKey::Hash(parse_hash("hash", &hash)?),
            None => HeaderKey::Number(block_number("number", &arg(0))?),
        }),
        "getHeaders" => Call::GetHeaders { from: block_number("from", &arg(0))?, to: block_number("to", &arg(1))? },
        "peers" => Call::Peers,
        "addPeer" => Call::AddPeer(text(&arg(0)).ok_or_else(|| option("multiaddr", "is no string"))?),
        "addListedPeers" => Call::AddListedPeers(texts("multiaddrs", &arg(0), LISTED_PEERS_MAX)?),
        "pause" => Call::Pause,
        "resume" => Call::Resume,
        "stop" => Call::Stop,
        "clear" => Call::Clear,
        "stats" => Call::Stats,
        "recording" => Call::Recording,
        _ => return Err(option("method", "is not known")),
    })
}

fn option(name: &'static str, reason: &str) -> HostError {
    HostError::BadOption { name, reason: reason.to_owned() }
}

/// A field of `data`; undefined if `data` is not an object.
fn field(data: &JsValue, name: &str) -> JsValue {
    Reflect::get(data, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A string; empty if it is longer than [`TEXT_MAX`].
fn text(value: &JsValue) -> Option<String> {
    let string = value.dyn_ref::<js_sys::JsString>()?;
    if string.length() <= TEXT_MAX { string.as_string() } else { Some(String::new()) }
}

/// A list of at most `count_max` strings.
fn texts(name: &'static str, value: &JsValue, count_max: usize) -> Result<Vec<String>, HostError> {
    let list = value.dyn_ref::<Array>().ok_or_else(|| option(name, "is no list"))?;
    if list.length() as usize > count_max {
        return Err(option(name, &format!("has more than {count_max} entries")));
    }
    list.iter().map(|entry| text(&entry).ok_or_else(|| option(name, "holds what is no string"))).collect()
}

fn block_number(name: &'static str, value: &JsValue) -> Result<u64, HostError> {
    match value.as_f64() {
        Some(number) if number >= 0.0 && number <= NUMBER_MAX as f64 && number.fract() == 0.0 => Ok(number as u64),
        _ => Err(option(name, "is no block number")),
    }
}

#[wasm_bindgen]
extern "C" {
    /// The scope of a dedicated worker, or one end of a `MessageChannel`: both have the same `postMessage`.
    #[derive(Clone)]
    type PostTarget;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &PostTarget, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
}

/// The worker's port to the page. Clones share it.
#[derive(Clone)]
pub struct Port {
    target: PostTarget,
}

impl Port {
    /// A port to the page of the worker with this scope.
    pub fn of_worker(scope: &DedicatedWorkerGlobalScope) -> Self {
        Self { target: scope.clone().unchecked_into() }
    }

    /// A port to the other end of a channel.
    pub fn of_channel(end: &MessagePort) -> Self {
        Self { target: end.clone().unchecked_into() }
    }

    /// Replies to the call `id` with `undefined`.
    pub fn reply_done(&self, id: f64) {
        self.reply_value(id, &JsValue::UNDEFINED, None);
    }

    /// Replies to the call `id`.
    pub fn reply(&self, id: f64, value: &impl Serialize) {
        match serde_wasm_bindgen::to_value(value) {
            Ok(value) => self.reply_value(id, &value, None),
            Err(error) => self.reply_error(id, &HostError::WorkerFailed(error.to_string())),
        }
    }

    /// Replies to the call `id` with a copy of `bytes`, which is transferred, or with `undefined`.
    pub fn reply_bytes(&self, id: f64, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return self.reply_done(id) };
        let bytes = Uint8Array::from(bytes);
        self.reply_value(id, &bytes, Some(&Array::of1(&bytes.buffer())));
    }

    /// Replies to `getHeader`; the RLP is transferred.
    pub fn reply_header(&self, id: f64, header: Option<StoredHeader>) {
        let Some(header) = header else { return self.reply_done(id) };
        let [number, hash, rlp_name, verified] = StoredHeader::FIELDS;
        let rlp = Uint8Array::from(&header.rlp[..]);
        let value = Object::new();
        set(&value, number, &JsValue::from_f64(crate::message::number(header.number)));
        set(&value, hash, &crate::message::hex(header.hash).into());
        set(&value, rlp_name, &rlp);
        set(&value, verified, &header.verified_under_target.into());
        self.reply_value(id, &value, Some(&Array::of1(&rlp.buffer())));
    }

    /// Replies to `getHeaders`; all buffers are transferred.
    pub fn reply_headers(&self, id: f64, headers: Option<PackedHeaders>) {
        let Some(headers) = headers else { return self.reply_done(id) };
        let [first, lengths_name, hashes_name, rlp_name, verified] = PackedHeaders::FIELDS;
        let lengths = Uint32Array::from(&headers.lengths[..]);
        let hashes = Uint8Array::from(&headers.hashes[..]);
        let rlp = Uint8Array::from(&headers.rlp[..]);
        let value = Object::new();
        set(&value, first, &JsValue::from_f64(crate::message::number(headers.first)));
        set(&value, lengths_name, &lengths);
        set(&value, hashes_name, &hashes);
        set(&value, rlp_name, &rlp);
        set(&value, verified, &headers.verified_under_target.into());
        self.reply_value(id, &value, Some(&Array::of3(&lengths.buffer(), &hashes.buffer(), &rlp.buffer())));
    }

    /// Replies to the call `id` with an error.
    pub fn reply_error(&self, id: f64, error: &HostError) {
        let reply = reply_object(id, false);
        set(&reply, "error", &serde_wasm_bindgen::to_value(&error.info()).unwrap_or(JsValue::UNDEFINED));
        self.post(&reply, None);
    }

    /// Posts an event. Returns it as the JS value that the page receives.
    pub fn event(&self, event: &WorkerEvent) -> JsValue {
        // Plain data always serializes: all map keys are strings, no integer has more than 53 bits.
        let event = serde_wasm_bindgen::to_value(event).unwrap_or(JsValue::UNDEFINED);
        self.event_value(&event);
        event
    }

    /// Reports the unusable entries of a peer list.
    pub fn peers_skipped(&self, skipped: Vec<SkippedPeer>) {
        for SkippedPeer { multiaddr, reason } in skipped {
            self.event(&WorkerEvent::PeerSkipped { multiaddr, reason });
        }
    }

    /// Posts an event that is already a JS object.
    pub fn event_value(&self, event: &JsValue) {
        let message = Object::new();
        set(&message, "type", &"event".into());
        set(&message, "event", event);
        self.post(&message, None);
    }

    fn reply_value(&self, id: f64, value: &JsValue, transfer: Option<&Array>) {
        let reply = reply_object(id, true);
        set(&reply, "value", value);
        self.post(&reply, transfer);
    }

    fn post(&self, message: &Object, transfer: Option<&Array>) {
        let posted = match transfer {
            Some(transfer) => self.target.post_message(message, transfer),
            None => self.target.post_message(message, &Array::new()),
        };
        // `postMessage` fails only on values that cannot be cloned; plain objects and new buffers always can.
        debug_assert!(posted.is_ok(), "a message that does not clone");
    }
}

fn reply_object(id: f64, ok: bool) -> Object {
    let reply = Object::new();
    set(&reply, "type", &"reply".into());
    set(&reply, "id", &JsValue::from_f64(id));
    set(&reply, "ok", &JsValue::from_bool(ok));
    reply
}

/// Sets a field of an object created here: it is neither frozen nor a proxy, so this cannot fail.
fn set(object: &Object, name: &str, value: &JsValue) {
    let set = Reflect::set(object, &name.into(), value);
    debug_assert!(set.is_ok(), "a plain object takes every field");
}
