//! What a reader tab takes over from the tab that writes: figures, peers and events, copied field by field.
//!
//! Any script of the origin may post on the channel. So nothing is handed on as it came: of each message the known fields
//! are copied if they have the right kind, texts up to [`TEXT_MAX`] and lists up to [`LIST_MAX`]; a message that lacks a
//! needed field is dropped. How many events come through in a second: [`Throttle`](crate::pace::Throttle).

use alloy_primitives::B256;
use js_sys::{Array, JsString, Object, Reflect};
use sync_core::BlockNumHash;
use wasm_bindgen::{JsCast, JsValue};

use crate::{error::parse_hash, message::NUMBER_MAX};

/// Longest text that is copied, in characters; messages of ours have some hundred.
const TEXT_MAX: u32 = 1_024;

/// Longest list that is copied: as many peers as there may be, and more than a progress has ranges.
const LIST_MAX: u32 = 256;

/// What a field may be.
pub(crate) enum Kind {
    /// A finite number, 0 or more.
    Number,
    Text,
    Flag,
    Fields(&'static [Field]),
    List(&'static Kind),
}

/// A field: its name, whether it must be there, what it is.
pub(crate) type Field = (&'static str, bool, Kind);

use Kind::{Fields, Flag, List, Number, Text};

const RANGE: [Field; 2] = [("from", true, Number), ("to", true, Number)];

/// The tip that a peer names.
const TIP: [Field; 3] = [("peer", true, Text), ("number", true, Number), ("hash", true, Text)];

/// Why a peer could not be dialled.
const DIAL_ERROR: [Field; 4] =
    [("peer", true, Text), ("multiaddr", true, Text), ("code", true, Text), ("message", true, Text)];

const DETAILS: [Field; 12] = [
    ("got", false, Text),
    ("expected", false, Text),
    ("hash", false, Text),
    ("multiaddr", false, Text),
    ("from", false, Number),
    ("to", false, Number),
    ("have", false, Number),
    ("need", false, Number),
    ("asked", false, Number),
    ("option", false, Text),
    ("tips", false, List(&Fields(&TIP))),
    ("dialErrors", false, List(&Fields(&DIAL_ERROR))),
];

const FAILURE: [Field; 3] = [("code", true, Text), ("message", true, Text), ("details", false, Fields(&DETAILS))];

/// Why the last dial of a peer failed.
const LAST_DIAL_ERROR: [Field; 2] = [("code", true, Text), ("message", true, Text)];

const SERVED: [Field; 3] = [("earliest", true, Number), ("latest", true, Number), ("latestHash", true, Text)];

const PEER: [Field; 16] = [
    ("id", true, Text),
    ("multiaddr", true, Text),
    ("state", true, Text),
    ("served", false, Fields(&SERVED)),
    ("requestsInFlight", true, Number),
    ("bytesInFlight", true, Number),
    ("windowBytes", true, Number),
    ("latencyMs", false, Number),
    ("headers", true, Number),
    ("bytes", true, Number),
    ("faults", true, Number),
    ("lastFault", false, Fields(&FAILURE)),
    ("lastDialError", false, Fields(&LAST_DIAL_ERROR)),
    ("score", true, Number),
    ("bannedForSeconds", false, Number),
    ("otherBranchFrom", false, Number),
];

/// Figures of a progress that concern the work of the other tab. What is stored the reader tab reads itself.
pub(crate) const FIGURES: [Field; 7] = [
    ("staged", true, Number),
    ("headersPerSecond", true, Number),
    ("bytesReceived", true, Number),
    ("bytesPerSecond", true, Number),
    ("etaSeconds", false, Number),
    ("memoryBytes", true, Number),
    ("peers", true, List(&Fields(&PEER))),
];

const FAULT: [Field; 5] = [
    ("peer", true, Text),
    ("multiaddr", true, Text),
    ("code", true, Text),
    ("message", true, Text),
    ("banned", true, Flag),
];

const REORG: [Field; 2] = [("reverted", true, Fields(&RANGE)), ("adopted", true, Fields(&RANGE))];

const BLOCK: [Field; 2] = [("number", true, Number), ("hash", true, Text)];

const DETACHED: [Field; 2] = [("local", true, Fields(&BLOCK)), ("expected", true, Text)];

/// Events that are handed on, and what each carries. `state` and `synced` a reader tab has of its own.
pub(crate) const EVENTS: [(&str, &[Field]); 5] = [
    ("fault", &FAULT),
    ("reorg", &REORG),
    ("detached-head", &DETACHED),
    ("segment-dropped", &RANGE),
    ("error", &FAILURE),
];

/// What the writing tab says of itself.
#[derive(Clone, Debug)]
pub struct Word {
    /// Its state.
    pub state: String,
    /// Its target.
    pub target: Option<BlockNumHash>,
    /// Its state and why nothing moves, as the page gets it: `{ state, stall? }`.
    pub leader: JsValue,
    /// Fields of a progress to set in place of our own.
    pub figures: JsValue,
}

/// A message of the writing tab.
pub enum Heard {
    /// Its progress.
    Progress(Word),
    /// Something happened; the event for the page.
    Event(JsValue),
    /// It lives, and what it says is not of use here.
    Other,
}

/// Reads a message of the channel. `None` for what no writing tab sends: a greeting of another reader tab, or a stranger's
/// message.
pub fn read(message: &JsValue) -> Option<Heard> {
    let kind = text(&field(message, "type"))?;
    if kind == "progress" {
        let progress = field(message, "progress");
        let state = text(&field(&progress, "state"))?;
        let leader = Object::new();
        set(&leader, "state", &state.as_str().into());
        if let Some(stall) = fields(&field(&progress, "stall"), &FAILURE) {
            set(&leader, "stall", &stall);
        }
        let figures = fields(&progress, &FIGURES)?;
        let target = block(&field(&progress, "target"));
        return Some(Heard::Progress(Word { state, target, leader: leader.into(), figures: figures.into() }));
    }
    let Some((name, shape)) = EVENTS.iter().find(|(name, _)| *name == kind) else {
        return matches!(kind.as_str(), "state" | "synced").then_some(Heard::Other);
    };
    let event = fields(message, shape)?;
    set(&event, "type", &(*name).into());
    Some(Heard::Event(event.into()))
}

/// Copies the fields of `from` into `to`, plain objects that were made here.
pub fn merge(to: &JsValue, from: &JsValue) {
    if let (Some(to), Some(from)) = (to.dyn_ref::<Object>(), from.dyn_ref::<Object>()) {
        Object::assign(to, from);
    }
}

fn block(value: &JsValue) -> Option<BlockNumHash> {
    let number = number(&field(value, "number")).filter(|number| number.fract() == 0.0)?;
    let hash: B256 = parse_hash("hash", &text(&field(value, "hash"))?).ok()?;
    (number <= NUMBER_MAX as f64).then_some(BlockNumHash { number: number as u64, hash })
}

fn fields(from: &JsValue, shape: &[Field]) -> Option<Object> {
    let to = Object::new();
    for (name, needed, kind) in shape {
        match copy(&field(from, name), kind) {
            Some(value) => set(&to, name, &value),
            None if *needed => return None,
            None => {}
        }
    }
    Some(to)
}

fn copy(value: &JsValue, kind: &Kind) -> Option<JsValue> {
    match kind {
        Number => number(value).map(JsValue::from_f64),
        Text => text(value).map(JsValue::from),
        Flag => value.as_bool().map(JsValue::from_bool),
        Fields(shape) => value.is_object().then(|| fields(value, shape)).flatten().map(JsValue::from),
        List(kind) => {
            let list = value.dyn_ref::<Array>().filter(|list| list.length() <= LIST_MAX)?;
            let items: Option<Array> = list.iter().map(|item| copy(&item, kind)).collect();
            items.map(JsValue::from)
        }
    }
}

fn number(value: &JsValue) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite() && *number >= 0.0)
}

fn text(value: &JsValue) -> Option<String> {
    let text = value.dyn_ref::<JsString>().filter(|text| text.length() <= TEXT_MAX)?;
    text.as_string()
}

/// A field of what may be no object at all.
fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Sets a field of an object that was made here: it is neither frozen nor a proxy, so this cannot fail.
fn set(object: &Object, name: &str, value: &JsValue) {
    let set = Reflect::set(object, &name.into(), value);
    debug_assert!(set.is_ok(), "a plain object takes every field");
}
