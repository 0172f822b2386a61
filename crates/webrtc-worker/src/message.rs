//! The messages between this worker and the page's broker.
//!
//! ```text
//!  worker -> page                                           page -> worker, for the same request
//!  { type: 'open', request, connection }                    channel (negotiated id 0), then result with `offer`
//!  { type: 'negotiate', request, connection, offer, answer }    result
//!  { type: 'channel', request, connection }                 channel, then result
//!  { type: 'close', connection }                            nothing
//!
//!  page -> worker
//!  { type: 'result', request, ok: true, offer?: string }
//!  { type: 'result', request, ok: false, code: string, message: string }
//!  { type: 'channel', connection, request: number, channel: RTCDataChannel }
//!  { type: 'state', connection, state: RTCPeerConnectionState, cause?: 'dtls' | 'channels' }
//!  { type: 'broken', message: string }                                            a command was invalid
//! ```
//!
//! The worker numbers requests and connections. A message of any other shape is an error with a text: page and worker
//! are of different builds.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::RtcDataChannel;

use crate::{
    BrokerError,
    limits::{ERROR_TEXT_CHARS_MAX, SDP_BYTES_MAX},
};

/// A command to the page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command<'a> {
    /// Create a connection, its handshake channel, and an offer.
    Open,
    /// Set both descriptions.
    Negotiate { offer: &'a str, answer: &'a str },
    /// Create another channel.
    Channel,
}

impl Command<'_> {
    /// The command as a JavaScript object.
    pub(crate) fn to_js(self, request: u32, connection: u32) -> JsValue {
        let object = Object::new();
        let kind = match self {
            Command::Open => "open",
            Command::Negotiate { offer, answer } => {
                put(&object, "offer", offer);
                put(&object, "answer", answer);
                "negotiate"
            }
            Command::Channel => "channel",
        };
        put(&object, "type", kind);
        put(&object, "request", request);
        put(&object, "connection", connection);
        object.into()
    }
}

/// The message that frees a connection; it has no result.
pub(crate) fn close(connection: u32) -> JsValue {
    let object = Object::new();
    put(&object, "type", "close");
    put(&object, "connection", connection);
    object.into()
}

/// A message of the page.
#[derive(Debug)]
pub(crate) enum Report {
    /// Result of a command. `Ok` holds the offer, if one was requested.
    Result { request: u32, outcome: Result<Option<String>, BrokerError> },
    /// A channel, for the request with this id.
    Channel { connection: u32, request: u32, channel: RtcDataChannel },
    /// `connectionState` of a connection changed.
    State { connection: u32, state: RtcState },
    /// The page could not understand a command.
    Broken(String),
}

/// The states of `RTCPeerConnectionState` that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RtcState {
    /// new, connecting.
    Young,
    /// connected.
    Connected,
    /// disconnected: may come back.
    Disconnected,
    /// failed.
    Failed(Option<FailureCause>),
    /// closed.
    Closed,
}

/// Cause of a failed connection, if there was a response at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureCause {
    /// ICE succeeded, and DTLS failed.
    Dtls,
    /// The peer opened too many channels.
    Channels,
}

impl Report {
    /// Reads a message of the page; the error is the reason why it is invalid.
    pub(crate) fn from_js(message: &JsValue) -> Result<Self, String> {
        match text(message, "type")?.as_str() {
            "result" => {
                let request = number(message, "request")?;
                let ok = get(message, "ok").as_bool().ok_or("`ok` is no boolean")?;
                let outcome = if ok { Ok(offer(message)?) } else { Err(failure(message)?) };
                Ok(Self::Result { request, outcome })
            }
            "channel" => Ok(Self::Channel {
                connection: number(message, "connection")?,
                request: number(message, "request")?,
                channel: get(message, "channel").dyn_into().map_err(|_| "`channel` is no RTCDataChannel")?,
            }),
            "state" => {
                let state = match text(message, "state")?.as_str() {
                    "new" | "connecting" => RtcState::Young,
                    "connected" => RtcState::Connected,
                    "disconnected" => RtcState::Disconnected,
                    "failed" => RtcState::Failed(cause(message)?),
                    "closed" => RtcState::Closed,
                    other => return Err(format!("unknown connection state {}", shorten(other))),
                };
                Ok(Self::State { connection: number(message, "connection")?, state })
            }
            "broken" => Ok(Self::Broken(shorten(&text(message, "message")?))),
            other => Err(format!("unknown message {}", shorten(other))),
        }
    }
}

fn cause(message: &JsValue) -> Result<Option<FailureCause>, String> {
    if get(message, "cause").is_undefined() {
        return Ok(None);
    }
    match text(message, "cause")?.as_str() {
        "dtls" => Ok(Some(FailureCause::Dtls)),
        "channels" => Ok(Some(FailureCause::Channels)),
        other => Err(format!("unknown cause of a failure {}", shorten(other))),
    }
}

fn offer(message: &JsValue) -> Result<Option<String>, String> {
    if get(message, "offer").is_undefined() {
        return Ok(None);
    }
    let offer = text(message, "offer")?;
    if offer.len() > SDP_BYTES_MAX { Err(format!("offer of {} bytes", offer.len())) } else { Ok(Some(offer)) }
}

fn failure(message: &JsValue) -> Result<BrokerError, String> {
    let what = shorten(&text(message, "message")?);
    Ok(match text(message, "code")?.as_str() {
        "unsupported" => BrokerError::Unsupported(what),
        "limit" => BrokerError::Limit(what),
        "rtc" => BrokerError::Rtc(what),
        "closed" => BrokerError::Closed,
        _ => BrokerError::Protocol(what),
    })
}

/// The first characters of a foreign text.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(ERROR_TEXT_CHARS_MAX).collect()
}

fn put(object: &Object, name: &str, value: impl Into<JsValue>) {
    // Fails only for a non-object or a frozen object.
    let set = Reflect::set(object, &name.into(), &value.into());
    debug_assert!(set.is_ok(), "{name} cannot be set");
}

/// A property; `undefined` if there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(object: &JsValue, name: &str) -> Result<String, String> {
    get(object, name).as_string().ok_or_else(|| format!("`{name}` is no string"))
}

fn number(object: &JsValue, name: &str) -> Result<u32, String> {
    let value = get(object, name).as_f64().ok_or_else(|| format!("`{name}` is no number"))?;
    if value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value) {
        return Err(format!("`{name}` is {value}"));
    }
    // In range and an integer: exact.
    Ok(value as u32)
}
