//! What may cross the worker's port, from the page's side: each message is understood, or refused with a typed error and
//! the id of its call. The page is as untrusted as a peer.
#![cfg(target_arch = "wasm32")]

use js_sys::{JSON, Reflect};
use sync_wasm::{
    message::{Call, HeaderKey, Hint},
    port::{self, Incoming, Port},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;
use web_sys::MessageChannel;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn object(json: &str) -> JsValue {
    JSON::parse(json).expect("JSON in a test")
}

/// The id and the code of the refusal.
fn refused(data: &JsValue) -> (Option<f64>, &'static str) {
    match port::read(data) {
        Ok(_) => panic!("{data:?} was understood"),
        Err(unreadable) => (unreadable.id, unreadable.error.info().code),
    }
}

fn call(method: &str, args: &str) -> JsValue {
    object(&format!(r#"{{"type":"call","id":7,"method":"{method}","args":{args}}}"#))
}

#[wasm_bindgen_test]
fn this_worker_has_a_port() {
    assert!(Port::of_this_worker().is_some());
}

#[wasm_bindgen_test]
fn calls_come_with_their_id_and_arguments() {
    let hash = format!("0x{}", "ab".repeat(32));
    for (data, expected) in [
        (call("getHeader", "[12]"), "number"),
        (call("getHeader", &format!("[\"{hash}\"]")), "hash"),
        (call("getHeaders", "[3,9]"), "headers"),
        (call("stop", "[]"), "stop"),
    ] {
        let Ok(Incoming::Call { id, call }) = port::read(&data) else { panic!("{expected} was refused") };
        assert_eq!(id, 7.0);
        let understood = match call {
            Call::GetHeader(HeaderKey::Number(12)) => "number",
            Call::GetHeader(HeaderKey::Hash(hash)) if hash.as_slice() == [0xab; 32] => "hash",
            Call::GetHeaders { from: 3, to: 9 } => "headers",
            Call::Stop => "stop",
            _ => "something else",
        };
        assert_eq!(understood, expected);
    }
    let Ok(Incoming::Hint(Hint::Online)) = port::read(&object(r#"{"type":"hint","hint":"online"}"#)) else {
        panic!("the hint was refused")
    };
}

#[wasm_bindgen_test]
fn a_call_that_makes_no_sense_is_refused_under_its_id() {
    for data in [
        call("dance", "[]"),
        call("getHeader", "[-1]"),
        call("getHeader", "[1.5]"),
        call("getHeader", "[1e300]"),
        call("getHeader", "[\"0x12\"]"),
        call("getHeader", "null"),
        call("getHeaders", "[3]"),
        call("addPeer", "[4]"),
    ] {
        assert_eq!(refused(&data), (Some(7.0), "bad-option"), "{data:?}");
    }
}

#[wasm_bindgen_test]
fn what_is_no_message_is_refused_and_breaks_nothing() {
    for data in [JsValue::NULL, JsValue::UNDEFINED, 4.into(), "start".into(), object("{}"), object("[]")] {
        assert_eq!(refused(&data), (None, "bad-option"), "{data:?}");
    }
    assert_eq!(refused(&object(r#"{"type":"call","method":"stop"}"#)), (None, "bad-option"), "a call needs an id");
}

#[wasm_bindgen_test]
fn a_start_needs_options_and_the_brokers_port() {
    let data = object(r#"{"type":"start","id":1,"options":{"chain":{"id":1},"peers":[],"storage":{"name":"port"}}}"#);
    assert_eq!(refused(&data), (Some(1.0), "bad-option"), "no port");
    let channel = MessageChannel::new().expect("channels exist here");
    Reflect::set(&data, &"rtcPort".into(), &channel.port1()).expect("a plain object");
    assert!(matches!(port::read(&data), Ok(Incoming::Start { id: 1.0, .. })));
    Reflect::set(&data, &"options".into(), &"mainnet".into()).expect("a plain object");
    assert_eq!(refused(&data), (Some(1.0), "bad-option"), "options are an object");
}
