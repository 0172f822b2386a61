//! What may cross the worker's port, from the page's side: each message is understood, or refused with a typed error and
//! the id of its call. The page is as untrusted as a peer.
#![cfg(target_arch = "wasm32")]

mod page;

use alloy_primitives::B256;
use bytes::Bytes;
use js_sys::{JSON, Reflect};
use page::Page;
use sync_wasm::{
    error::HostError,
    message::{Call, HeaderKey, Hint, LISTED_PEERS_MAX, StoredHeader},
    options::FIGURES,
    port::{self, Incoming, Port},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

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
async fn what_is_posted_arrives_and_buffers_are_transferred() {
    let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>().expect("a dedicated worker has a port");
    // The page of this worker is the test runner, which listens to no message of ours.
    let _ = Port::of_worker(&scope);
    let (mut page, port) = Page::new();
    let rlp = Bytes::from_static(&[0xC0, 1, 2]);
    let header = StoredHeader { number: 7, hash: B256::ZERO, rlp: rlp.clone(), verified_under_target: true };
    port.reply_header(1.0, Some(header));
    port.reply_header(2.0, None);
    port.reply_error(3.0, &HostError::Stopped);
    let header = page.reply(1.0).await.expect("a header");
    assert_eq!((page::number(&header, "number"), page::bytes(&header, "rlp")), (7, rlp.to_vec()));
    assert!(page.reply(2.0).await.expect("nothing is stored").is_undefined());
    assert_eq!(page.reply(3.0).await, Err("stopped".into()));
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

/// Code, option and message of the refusal.
fn refused_option(data: &JsValue) -> (&'static str, Option<String>, String) {
    match port::read(data) {
        Ok(_) => panic!("{data:?} was understood"),
        Err(unreadable) => {
            let info = unreadable.error.info();
            (info.code, info.details.and_then(|details| details.option), info.message)
        }
    }
}

#[wasm_bindgen_test]
fn a_figure_that_javascript_rounds_is_refused_by_name() {
    for figure in FIGURES {
        let path: Vec<_> = figure.name.split('.').collect();
        let bigint = |value: u64| JsValue::from(js_sys::BigInt::from(value));
        let values: [JsValue; 7] = [
            9_007_199_254_740_992.0.into(),
            (u64::MAX as f64).into(),
            0.5.into(),
            (-1.0).into(),
            f64::NAN.into(),
            bigint((1 << 53) + 1),
            bigint(u64::MAX),
        ];
        for value in values {
            let data = object(r#"{"type":"start","id":1,"options":{"chain":{"id":1},"tuning":{}}}"#);
            let mut owner = Reflect::get(&data, &"options".into()).expect("a plain object");
            for name in &path[..path.len() - 1] {
                owner = Reflect::get(&owner, &(*name).into()).expect("a plain object");
            }
            Reflect::set(&owner, &path[path.len() - 1].into(), &value).expect("a plain object");
            let (code, option, message) = refused_option(&data);
            assert_eq!((code, option.as_deref()), ("bad-option", Some(figure.name)), "{value:?}: {message}");
        }
    }
}

#[wasm_bindgen_test]
fn a_list_of_peers_is_a_bounded_list_of_strings() {
    let entries = |count: usize| format!("[[{}]]", vec!["\"/ip4\""; count].join(","));
    let good = call("addListedPeers", &entries(LISTED_PEERS_MAX));
    let Ok(Incoming::Call { call: Call::AddListedPeers(taken), .. }) = port::read(&good) else { panic!("was refused") };
    assert_eq!(taken.len(), LISTED_PEERS_MAX);
    for bad in [entries(LISTED_PEERS_MAX + 1), "[]".to_owned(), "[[1]]".to_owned(), "[\"/ip4\"]".to_owned()] {
        assert_eq!(refused_option(&call("addListedPeers", &bad)).1.as_deref(), Some("multiaddrs"));
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
