//! Are the fields of all messages the same in Rust, in the relay to reader tabs, and in TypeScript?
//!
//! [`full`] makes one value of each message with every field set, [`least`] one without the fields that may be absent.
//! They are written to `web/message-types/values.ts`, where the TypeScript compiler compares them with the types of
//! `web/src`: the test here fails when that file is not what Rust sends, `npm test -- types` when it is not what
//! TypeScript expects. The struct expressions below name every field, so a new one does not compile before it is here.

mod values;

use std::{fs, path::Path};

use serde::Serialize;
use serde_json::{Value, json};
use sync_core::{PeerStatus, ServedRange, time::Instant};

use self::values::{core_progress, full, full_progress, hash, least, least_progress, multiaddr, start_options, value};
use crate::{
    message::{PackedHeaders, PeerState, StoredHeader, SyncState},
    network::{dial_error::DialErrorCode, peers::AddressBook},
    relay::{EVENTS, FIGURES, Field, Kind},
    view,
};

/// Fields of a progress that a reader tab does not take from the tab that writes: it reads the store itself, and the wasm
/// memory is its own. Each of the other fields is in `FIGURES` of [`crate::relay`].
const OWN_FIGURES: [&str; 9] =
    ["state", "target", "floor", "total", "stored", "percent", "wasmMemoryBytes", "ranges", "stall"];

/// Events that a reader tab does not take from the tab that writes: it has its own of these, or they concern one worker
/// alone. Each of the other events is in `EVENTS` of [`crate::relay`].
const OWN_EVENTS: [&str; 5] = ["progress", "state", "synced", "peer-skipped", "lock-lost"];

/// All variants of an enum without fields. A list that lacks one does not compile.
macro_rules! variants {
    ($kind:ident: $($variant:ident)*) => {{
        let _ = |value: $kind| match value { $($kind::$variant => {})* };
        [$($kind::$variant),*]
    }};
}

/// `{ "name": true }` for each of the names.
fn names(all: &[impl Serialize]) -> Value {
    let name = |one| value(one).as_str().expect("a name").to_owned();
    Value::Object(all.iter().map(|one| (name(one), true.into())).collect())
}

#[test]
fn typescript_has_the_fields_that_rust_has() {
    let all_names = json!({
        "SyncState": names(&variants!(SyncState: Opening FindingPeers ResolvingTarget Syncing Synced Stalled Paused Follower Stopped Failed)),
        "PeerState": names(&variants!(PeerState: Dialing Connected Disconnected Banned Unreachable WrongChain)),
        "HeaderRecord": names(&StoredHeader::FIELDS),
        "PackedHeaders": names(&PackedHeaders::FIELDS),
        "DialErrorCode": names(&variants!(DialErrorCode: WrongCerthash WrongPeerId Limit Unsupported Refused Closed NotDialable Timeout)),
    });
    let blocks = [
        ("full", full(), "Full<Sent>"),
        ("least", least(), "Sent"),
        ("start", value(&start_options()), "Full<StartOptions>"),
        ("names", all_names, "Names"),
    ];
    let mut made =
        "// Written by `HEADLIGHT_WRITE=1 cargo test -p sync-wasm message_types`; do not edit. See types.ts.\n\n\
        import type { Full, Names, Sent, StartOptions } from './types.js';\n"
            .to_owned();
    for (name, value, type_name) in blocks {
        let literal = serde_json::to_string_pretty(&value).expect("plain data");
        made += &format!("\nexport const {name} = {literal} satisfies {type_name};\n");
    }

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/message-types/values.ts");
    if std::env::var_os("HEADLIGHT_WRITE").is_some() {
        fs::write(&file, &made).expect("the file can be written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let (line, lines) = first_difference(&kept, &made);
    assert!(
        kept == made,
        "{}, line {line}: {lines:?}. `HEADLIGHT_WRITE=1 cargo test -p sync-wasm message_types` writes it again; then \
         `npm run lint:web` names what web/src lacks",
        file.display()
    );
}

/// Number of the first line that differs, what it is and what it should be.
fn first_difference<'a>(kept: &'a str, made: &'a str) -> (usize, Option<(&'a str, &'a str)>) {
    let mut pairs = kept.lines().chain(std::iter::repeat("")).zip(made.lines()).enumerate();
    pairs.find(|(_, (kept, made))| kept != made).map_or((0, None), |(at, lines)| (at + 1, Some(lines)))
}

#[test]
fn every_figure_of_the_machine_is_sent() {
    let (sent, idle) = (value(&full_progress()), value(&view::idle(SyncState::Stalled)));
    for (name, value) in sent.as_object().expect("an object") {
        // The same for both by their nature: the state that was asked for, and the memory of a worker.
        let is_same = ["state", "wasmMemoryBytes"].contains(&name.as_str());
        assert_eq!(idle.get(name) == Some(value), is_same, "{name}: {value}");
    }
    let (full, least) = (value(&full_progress().peers[0]), value(&least_progress().peers[0]));
    for (name, value) in full.as_object().expect("an object") {
        let is_same = ["id", "multiaddr", "state"].contains(&name.as_str());
        assert_eq!(least.get(name) == Some(value), is_same, "{name}: {value}");
    }
}

#[test]
fn what_a_connected_peer_serves_comes_from_its_status() {
    let mut book = AddressBook::new(7);
    book.add(Instant::ZERO, &multiaddr()).expect("a good address");
    let session = book.due(Instant::ZERO).expect("a new peer is dialled at once");
    let served = ServedRange { earliest: 3, latest: 4, latest_hash: hash() };
    let status = PeerStatus { chain_id: 1, genesis: None, served };
    let address = "/ip4/203.0.113.7/udp/4001".parse().expect("an address");
    assert!(book.greeted(Instant::ZERO, session, status, &address));
    // The machine measured another range: an older one.
    let measured = core_progress(session.peer).peers;
    for peers in [view::peers(&book, &[]), view::peers(&book, &measured)] {
        assert_eq!(peers[0].served.as_ref().map(|served| (served.earliest, served.latest)), Some((3.0, 4.0)));
    }
}

#[test]
fn the_relay_has_the_fields_that_are_sent() {
    let (full, least) = (full(), least());
    let mut wrong = Vec::new();

    let progress = &full["events"]["progress"]["progress"];
    let figures = without(progress, &OWN_FIGURES);
    compare("progress", &FIGURES, &figures, &least["events"]["progress"]["progress"], &mut wrong);
    for own in OWN_FIGURES {
        assert!(progress.get(own).is_some(), "{own} is no field of a progress");
    }

    for (kind, event) in full["events"].as_object().expect("an object") {
        match EVENTS.iter().find(|(name, _)| name == kind) {
            Some((_, shape)) => compare(kind, shape, &without(event, &["type"]), &least["events"][kind], &mut wrong),
            None if OWN_EVENTS.contains(&kind.as_str()) => {}
            None => wrong.push(format!("{kind} is neither in EVENTS nor an event of each tab's own")),
        }
    }
    // A stall, in what a reader tab says of the writing one, has the shape of an error.
    assert_eq!(keys(&progress["stall"]), keys(&full["replies"]["error"]));
    assert_eq!(wrong, [""; 0]);
}

fn without(object: &Value, names: &[&str]) -> Value {
    let mut object = object.as_object().expect("an object").clone();
    names.iter().for_each(|name| drop(object.remove(*name)));
    object.into()
}

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().map(|object| object.keys().collect()).unwrap_or_default()
}

/// What is different between a shape of the relay and an object that is sent. A field that the shape needs is in `least`.
fn compare(at: &str, shape: &[Field], full: &Value, least: &Value, wrong: &mut Vec<String>) {
    for name in keys(full).into_iter().filter(|name| shape.iter().all(|(known, ..)| known != name)) {
        wrong.push(format!("{at}.{name} is sent, and crates/sync-wasm/src/relay.rs does not copy it"));
    }
    for (name, needed, kind) in shape {
        let at = format!("{at}.{name}");
        let Some(value) = full.get(name) else {
            wrong.push(format!("{at} is copied, and it is not sent"));
            continue;
        };
        // Where the parent is absent, nothing is known of its fields.
        if !least.is_null() && *needed != least.get(name).is_some() {
            wrong.push(format!("{at}: the relay needs it ({needed}), it may be absent ({})", !needed));
        }
        compare_kind(&at, kind, value, least.get(name).unwrap_or(&Value::Null), wrong);
    }
}

fn compare_kind(at: &str, kind: &Kind, full: &Value, least: &Value, wrong: &mut Vec<String>) {
    let fits = match kind {
        Kind::Number => full.is_number(),
        Kind::Text => full.is_string(),
        Kind::Flag => full.is_boolean(),
        Kind::Fields(shape) => {
            compare(at, shape, full, least, wrong);
            full.is_object()
        }
        Kind::List(kind) => {
            let first = full.get(0).unwrap_or(&Value::Null);
            compare_kind(at, kind, first, least.get(0).unwrap_or(&Value::Null), wrong);
            full.is_array()
        }
    };
    if !fits {
        wrong.push(format!("{at} is sent as {full}"));
    }
}
