//! The worker's end of the port: reads what the page posts, posts what the page gets.
//!
//! Nothing that arrives can make the worker fail: what is no message of ours, or has bad arguments, becomes an error
//! reply when it carries an `id`, and is dropped when it does not. Large buffers are transferred, not copied, on their
//! way out. Shapes: [`crate::message`].

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

/// Longest string that is taken as one argument (a multiaddress has some 200 characters).
const TEXT_MAX: u32 = 4_096;

/// One message of the page.
pub enum Incoming {
    /// `start`.
    Start {
        /// Comes back in the reply.
        id: f64,
        /// What to sync.
        options: StartOptions,
        /// The page's broker of RTCPeerConnections listens at the other end.
        rtc_port: MessagePort,
    },
    /// `call`.
    Call {
        /// Comes back in the reply.
        id: f64,
        /// What is asked.
        call: Call,
    },
    /// `hint`.
    Hint(Hint),
}

/// What could not be read, and the call that it answers, if it names one.
pub struct Unreadable {
    /// Of the call.
    pub id: Option<f64>,
    /// Why.
    pub error: HostError,
}

/// Reads one message of the page.
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

/// Figures must be whole numbers that JavaScript holds exactly: from there on nothing is rounded. The bounds are checked
/// with the other options, by [`Settings::new`](crate::options::Settings::new).
fn check_figures(options: &JsValue) -> Result<(), HostError> {
    for figure in FIGURES {
        let value = figure.name.split('.').fold(options.clone(), |object, name| field(&object, name));
        let exact = |number: &f64| number.fract() == 0.0 && (0.0..=NUMBER_MAX as f64).contains(number);
        // What is absent and must not be is named by the parser of the options.
        if !value.is_undefined() && value.as_f64().filter(exact).is_none() {
            return Err(figure.refuse(&shown(&value)));
        }
    }
    Ok(())
}

/// A wrong value, for an error message: numbers as they are, of everything else the type.
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

/// A field of what may be no object at all.
fn field(data: &JsValue, name: &str) -> JsValue {
    Reflect::get(data, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A string of bearable length.
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
    /// The scope of a dedicated worker, or one end of a `MessageChannel`: both post in the same way.
    #[derive(Clone)]
    type PostTarget;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &PostTarget, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
}

/// Where the worker posts to the page. Clones are the same port.
#[derive(Clone)]
pub struct Port {
    target: PostTarget,
}

impl Port {
    /// The port of the worker with this scope.
    pub fn of_worker(scope: &DedicatedWorkerGlobalScope) -> Self {
        Self { target: scope.clone().unchecked_into() }
    }

    /// A port to whoever listens at the other end of a channel.
    pub fn of_channel(end: &MessagePort) -> Self {
        Self { target: end.clone().unchecked_into() }
    }

    /// Answers the call `id` with nothing, `undefined`.
    pub fn reply_done(&self, id: f64) {
        self.reply_value(id, &JsValue::UNDEFINED, None);
    }

    /// Answers the call `id`.
    pub fn reply(&self, id: f64, value: &impl Serialize) {
        match serde_wasm_bindgen::to_value(value) {
            Ok(value) => self.reply_value(id, &value, None),
            Err(error) => self.reply_error(id, &HostError::WorkerFailed(error.to_string())),
        }
    }

    /// Answers the call `id` with a copy of these bytes, which is transferred, or with `undefined`.
    pub fn reply_bytes(&self, id: f64, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return self.reply_done(id) };
        let bytes = Uint8Array::from(bytes);
        self.reply_value(id, &bytes, Some(&Array::of1(&bytes.buffer())));
    }

    /// Answers `getHeader`; the RLP is transferred.
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

    /// Answers `getHeaders`; all buffers are transferred.
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

    /// Answers the call `id` with an error.
    pub fn reply_error(&self, id: f64, error: &HostError) {
        let reply = reply_object(id, false);
        set(&reply, "error", &serde_wasm_bindgen::to_value(&error.info()).unwrap_or(JsValue::UNDEFINED));
        self.post(&reply, None);
    }

    /// Tells the page what happened. Returns the event as the page gets it.
    pub fn event(&self, event: &WorkerEvent) -> JsValue {
        // Plain data always serializes: no map with other keys than strings, no integer over 53 bits.
        let event = serde_wasm_bindgen::to_value(event).unwrap_or(JsValue::UNDEFINED);
        self.event_value(&event);
        event
    }

    /// Names the entries of a peer list that cannot be used.
    pub fn peers_skipped(&self, skipped: Vec<SkippedPeer>) {
        for SkippedPeer { multiaddr, reason } in skipped {
            self.event(&WorkerEvent::PeerSkipped { multiaddr, reason });
        }
    }

    /// Hands on an event that is a JS object already.
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
        // Plain objects and fresh buffers always clone; `postMessage` fails on nothing else.
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

/// Sets a field of an object that we made: it is neither frozen nor a proxy, so this cannot fail.
fn set(object: &Object, name: &str, value: &JsValue) {
    let set = Reflect::set(object, &name.into(), value);
    debug_assert!(set.is_ok(), "a plain object takes every field");
}
