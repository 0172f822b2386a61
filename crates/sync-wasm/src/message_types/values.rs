//! One value of each message: with every field set, and with whatever may be absent absent.

use std::time::Duration;

use alloy_primitives::B256;
use header_rules::{block::BlockNumHash, range::BlockRange};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sync_core::{
    ServedRange, StallReason,
    id::PeerId,
    progress::{self, PeerProgress, RangeProgress, RangeState, SyncStage, TipClaim},
    time::Instant,
};

use crate::{
    message::{
        BlockRef, ChainOption, Details, ErrorInfo, PeerDialError, Progress, RangeRef, StartOptions, Started, Stats,
        StorageOption, SyncState, TipRef, Tuning, WorkerEvent,
    },
    network::{
        dial_error::{DialError, DialErrorCode},
        peers::AddressBook,
    },
    view,
};

const CERTHASH: &str = "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g";
const IDENTITY: &str = "12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE";

/// One event of each kind. A list that lacks one does not compile.
macro_rules! events {
    ($($variant:ident: $event:expr,)*) => {{
        let _ = |event: &WorkerEvent| match event { $(WorkerEvent::$variant { .. } => {})* };
        [$({
            let event = $event;
            assert!(matches!(event, WorkerEvent::$variant { .. }));
            event
        }),*]
    }};
}

/// Where the one peer is dialled.
pub(super) fn multiaddr() -> String {
    format!("/ip4/203.0.113.7/udp/4001/webrtc-direct/certhash/{CERTHASH}/p2p/{IDENTITY}")
}

pub(super) fn hash() -> B256 {
    B256::repeat_byte(0xab)
}

fn block() -> BlockRef {
    BlockRef { number: 9.0, hash: hash().to_string() }
}

fn dial_error() -> DialError {
    DialError { code: DialErrorCode::Timeout, message: "m".into() }
}

/// A book with one peer that was not reached, and so is not connected.
fn book(error: Option<DialError>, fault: Option<ErrorInfo>) -> AddressBook {
    let mut book = AddressBook::new(7);
    book.add(Instant::ZERO, &multiaddr()).expect("a good address");
    let session = book.due(Instant::ZERO).expect("a new peer is dialled at once");
    if let Some(error) = error {
        book.dial_failed(session, error);
    }
    if let Some(fault) = fault {
        book.fault(session.peer, fault);
    }
    book
}

/// Every detail that there is.
fn details() -> Details {
    let text = || Some("t".to_owned());
    Details {
        option: text(),
        got: text(),
        expected: text(),
        hash: text(),
        multiaddr: text(),
        from: Some(1.0),
        to: Some(2.0),
        have: Some(3.0),
        need: Some(4.0),
        asked: Some(5.0),
        tips: Some(vec![TipRef { peer: "p".into(), number: 6.0, hash: "h".into() }]),
        dial_errors: Some(vec![PeerDialError {
            peer: "p".into(),
            multiaddr: "a".into(),
            code: DialErrorCode::Timeout,
            message: "m".into(),
        }]),
    }
}

/// The machine's progress with every figure set.
pub(super) fn core_progress(peer: PeerId) -> progress::Progress {
    let (Some(range), target) = (BlockRange::new(1, 2), BlockNumHash { number: 9, hash: hash() }) else {
        panic!("1 is not above 2")
    };
    let measured = PeerProgress {
        peer,
        connected: true,
        served: ServedRange { earliest: 1, latest: 9, latest_hash: hash() },
        requests_in_flight: 1,
        bytes_in_flight: 2,
        window_bytes: 3,
        round_trip: Some(Duration::from_millis(4)),
        headers: 5,
        bytes: 6,
        faults: 7,
        score: 8,
        banned_for: Some(Duration::from_secs(9)),
        other_branch_from: Some(10),
    };
    progress::Progress {
        stage: SyncStage::Headers,
        target: Some(target),
        floor: 1,
        total: 2,
        stored: 3,
        staged: 4,
        percent: 5.0,
        headers_per_second: 6.0,
        bytes_received: 7,
        bytes_per_second: 8.0,
        eta: Some(Duration::from_secs(9)),
        memory_bytes: 10,
        ranges: vec![RangeProgress { range, state: RangeState::Stored }],
        peers: vec![measured],
        stall: Some(StallReason::TipsDisagree { need: 2, claims: vec![TipClaim { peer, tip: target }] }),
        paused: false,
    }
}

/// A progress with every field set, as it is made of the machine's.
pub(super) fn full_progress() -> Progress {
    let error = ErrorInfo { code: "timeout", message: "m".into(), details: Some(details()) };
    let book = book(Some(dial_error()), Some(error.clone()));
    let peer = book.iter().map(|(id, _)| id).next().expect("the book has one peer");
    let progress = view::running(&core_progress(peer), &book, 0);
    Progress { stall: Some(ErrorInfo { code: "no-peers", ..error }), ..progress }
}

/// A progress in which what may be absent is absent.
pub(super) fn least_progress() -> Progress {
    Progress { peers: view::peers(&book(None, None), &[]), ..view::idle(SyncState::Opening) }
}

/// One event of each kind, by its type.
fn event_values(progress: Progress, stall: Option<ErrorInfo>, details: Option<Details>) -> Map<String, Value> {
    let range = || RangeRef { from: 1.0, to: 2.0 };
    let (text, hash) = (|| "t".to_owned(), || hash().to_string());
    let events = events! {
        Progress: WorkerEvent::Progress { progress },
        Fault: WorkerEvent::Fault {
            peer: text(), multiaddr: text(), code: "timeout", message: text(), banned: true
        },
        PeerSkipped: WorkerEvent::PeerSkipped { multiaddr: text(), reason: text() },
        State: WorkerEvent::State { state: SyncState::Stalled, stall },
        Synced: WorkerEvent::Synced { number: 9.0, hash: hash() },
        Reorg: WorkerEvent::Reorg { reverted: range(), adopted: range() },
        DetachedHead: WorkerEvent::DetachedHead { local: block(), expected: hash() },
        SegmentDropped: WorkerEvent::SegmentDropped { from: 1.0, to: 2.0 },
        LockLost: WorkerEvent::LockLost,
        Error: WorkerEvent::Error { code: "internal", message: text(), details },
    };
    events.iter().map(|event| (value(event)["type"].as_str().expect("a type").to_owned(), value(event))).collect()
}

pub(super) fn value(message: &impl Serialize) -> Value {
    serde_json::to_value(message).expect("plain data")
}

/// Every message with every field.
pub(super) fn full() -> Value {
    let progress = full_progress();
    let stall = progress.stall.clone();
    let started = Started { follower: true, stored: 1.0, storage: "s".into() };
    json!({
        "events": event_values(progress.clone(), stall, Some(details())),
        "replies": {
            "start": value(&started),
            "peers": value(&progress.peers),
            "stats": value(&stats()),
            "error": value(&ErrorInfo { code: "internal", message: "m".into(), details: Some(details()) }),
        },
    })
}

/// The same, without what may be absent.
pub(super) fn least() -> Value {
    let progress = least_progress();
    let mut messages = full();
    messages["events"] = Value::Object(event_values(progress.clone(), None, None));
    messages["replies"]["peers"] = value(&progress.peers);
    messages["replies"]["error"] = value(&ErrorInfo { code: "internal", message: "m".into(), details: None });
    messages
}

fn stats() -> Stats {
    Stats {
        wasm_memory_bytes: 1.0,
        memory_bytes: 2.0,
        wire_bytes_received: 3.0,
        wire_bytes_sent: 4.0,
        messages_received: 5.0,
        requests_sent: 6.0,
        batches_persisted: 7.0,
        persist_ms: 8.0,
        core_ms: 9.0,
        yields: 10.0,
        segments_audited: 11.0,
        dials: 12.0,
        connections: 13.0,
        open_ms: 14.0,
    }
}

/// What the page may ask for, all of it.
pub(super) fn start_options() -> StartOptions {
    StartOptions {
        chain: ChainOption { id: 1, genesis: Some(hash().to_string()) },
        peers: vec!["p".into()],
        listed_peers: vec!["l".into()],
        target: Some(hash().to_string()),
        forks: Some("{}".into()),
        storage: StorageOption { name: Some("n".into()) },
        tuning: Tuning {
            tip_quorum: Some(1),
            floor: Some(2),
            seed: Some(3),
            request_timeout_ms: Some(4),
            memory_bytes_max: Some(5),
            stall_ms: Some(6),
            dial_timeout_ms: Some(7),
            recording_bytes_max: Some(8),
            audit: Some(false),
        },
        paused: true,
    }
}
