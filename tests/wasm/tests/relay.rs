//! What a reader tab takes over from the channel: known fields of the right kind, and nothing else.
#![cfg(target_arch = "wasm32")]

use js_sys::JSON;
use sync_wasm::relay::{self, Heard};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const FIGURES: &str =
    r#""staged":1,"headersPerSecond":2,"bytesReceived":3,"bytesPerSecond":4,"memoryBytes":5,"peers":[]"#;

fn object(json: &str) -> JsValue {
    JSON::parse(json).expect("JSON in a test")
}

fn json(value: &JsValue) -> String {
    String::from(JSON::stringify(value).expect("plain data"))
}

#[wasm_bindgen_test]
fn events_are_copied_field_by_field() {
    for (message, copied) in [
        (
            r#"{"type":"reorg","reverted":{"from":1,"to":2,"x":0},"adopted":{"from":1,"to":3},"more":1}"#,
            r#"{"reverted":{"from":1,"to":2},"adopted":{"from":1,"to":3},"type":"reorg"}"#,
        ),
        (
            r#"{"type":"error","code":"storage-failed","message":"m","details":{"from":1,"to":"x"}}"#,
            r#"{"code":"storage-failed","message":"m","details":{"from":1},"type":"error"}"#,
        ),
    ] {
        let Some(Heard::Event(event)) = relay::read(&object(message)) else { panic!("{message} is an event") };
        assert_eq!(json(&event), copied);
    }
}

#[wasm_bindgen_test]
fn a_progress_gives_its_figures_and_not_what_is_stored() {
    let target = format!(r#"{{"number":9,"hash":"0x{}"}}"#, "ab".repeat(32));
    let message = format!(
        r#"{{"type":"progress","progress":{{"state":"synced","target":{target},"stored":9,"percent":100,{FIGURES}}}}}"#
    );
    let Some(Heard::Progress(word)) = relay::read(&object(&message)) else { panic!("a progress") };
    assert_eq!((word.state.as_str(), word.target.map(|target| target.number)), ("synced", Some(9)));
    assert_eq!(json(&word.figures), format!("{{{FIGURES}}}"));
    assert_eq!(json(&word.leader), r#"{"state":"synced"}"#);
}

#[wasm_bindgen_test]
fn what_no_writing_tab_sends_is_dropped() {
    let long = "x".repeat(2_000);
    let many = vec!["0"; 300].join(",");
    for message in [
        "null".to_owned(),
        "7".into(),
        r#""hello""#.into(),
        "[]".into(),
        "{}".into(),
        r#"{"type":"progress"}"#.into(),
        r#"{"type":"progress","progress":{"state":"synced"}}"#.into(),
        format!(r#"{{"type":"progress","progress":{{"state":7,{FIGURES}}}}}"#),
        format!(r#"{{"type":"progress","progress":{{"state":"{long}",{FIGURES}}}}}"#),
        FIGURES.replace("[]", &format!("[{many}]")),
        format!(r#"{{"type":"progress","progress":{{"state":"synced",{}}}}}"#, FIGURES.replace("[]", "[{}]")),
        format!(r#"{{"type":"progress","progress":{{"state":"synced",{}}}}}"#, FIGURES.replace(":2", ":-2")),
        r#"{"type":"segment-dropped","from":1}"#.into(),
        r#"{"type":"fault","peer":"p","multiaddr":"m","code":"timeout","message":"m","banned":1}"#.into(),
        r#"{"type":"lock-lost"}"#.into(),
    ] {
        let value = JSON::parse(&message).unwrap_or(JsValue::UNDEFINED);
        assert!(relay::read(&value).is_none(), "{message}");
    }
    // A target that is none is none; the rest is shown.
    let odd = format!(r#"{{"type":"progress","progress":{{"state":"synced","target":{{"number":1.5}},{FIGURES}}}}}"#);
    assert!(matches!(relay::read(&object(&odd)), Some(Heard::Progress(word)) if word.target.is_none()));
}
