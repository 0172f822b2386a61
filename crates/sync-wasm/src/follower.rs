//! A tab that follows: another one holds the write lock. This one reads the store, shows what the leader says of its
//! progress, and waits for the lock; then it leads.
//!
//! Nothing here is decided by what the leader says: its progress is shown as it comes, under the state `follower`, and
//! every header that is served was read from the store and proven. Peers that the page adds are kept for the day when
//! this tab leads.

use futures::channel::mpsc;
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    clock,
    command::{Command, Stopped, next_command, show_progress},
    driver::view,
    error::HostError,
    message::{Call, Progress, Stats, SyncState, number},
    network::peers::AddressBook,
    port::Port,
    reads::Reader,
    store::ProgressChannel,
};

/// What a follower sends to hear how far the leader is.
pub const HELLO: &str = "hello";

/// Answers the page until it says stop.
pub async fn follow(
    port: &Port,
    channel: &mut ProgressChannel,
    reader: &Reader,
    book: &mut AddressBook,
    commands: &mut mpsc::Receiver<Command>,
    stored: u64,
) -> Stopped {
    show_progress(port, Progress { stored: number(stored), ..view::idle(SyncState::Follower) });
    let page = port.clone();
    channel.listen(move |message| {
        if let Some(event) = of_the_leader(&message) {
            page.event_value(&event);
        }
    });
    // A leader of another version may not understand; then its next progress is the first that we show.
    let _ = channel.post(&HELLO.into());

    loop {
        match next_command(commands).await {
            Command::Hint(_) | Command::FollowerJoined | Command::Damaged(_) => {}
            Command::Call { id, call } => match call {
                Call::GetHeader(key) => reader.header(id, key),
                Call::GetHeaders { from, to } => reader.headers(id, from, to),
                Call::Peers => port.reply(id, &view::peers(book, &[])),
                Call::AddPeer(multiaddr) => match book.add(clock::now(), &multiaddr) {
                    Ok(_) => port.reply_done(id),
                    Err(error) => port.reply_error(id, &error),
                },
                Call::AddListedPeers(multiaddrs) => {
                    port.peers_skipped(book.add_listed(clock::now(), &multiaddrs).skipped);
                    port.reply_done(id);
                }
                Call::Stats => {
                    port.reply(id, &Stats { wasm_memory_bytes: view::wasm_memory_bytes(), ..Stats::default() });
                }
                // Only the leader can do these.
                Call::Pause | Call::Resume | Call::Clear => port.reply_error(id, &HostError::Follower),
                Call::Stop => return Stopped { id: Some(id), progress: view::idle(SyncState::Stopped) },
            },
        }
    }
}

/// The leader's progress event, as ours: same figures, state `follower`. Any script of the origin may post here, so what
/// does not look like one is dropped.
fn of_the_leader(message: &JsValue) -> Option<JsValue> {
    let kind = Reflect::get(message, &"type".into()).ok()?;
    if kind.as_string().as_deref() != Some("progress") {
        return None;
    }
    let progress: Object = Reflect::get(message, &"progress".into()).ok()?.dyn_into().ok()?;
    let state = serde_wasm_bindgen::to_value(&SyncState::Follower).ok()?;
    // A clone of the leader's plain object is a plain object.
    Reflect::set(&progress, &"state".into(), &state).ok()?;
    Reflect::delete_property(&progress, &"stall".into()).ok()?;
    Reflect::set(&progress, &"wasmMemoryBytes".into(), &view::wasm_memory_bytes().into()).ok()?;
    Some(message.clone())
}
