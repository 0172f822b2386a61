//! What a writing tab tells the tabs that follow it: a `BroadcastChannel` of the origin.
//!
//! A reader tab could read the checkpoint again and again; this way it hears of the writer's progress and events in the
//! moment they happen. Any script of the origin may send a message here: what is stored, and how far it reaches, a
//! reader tab reads from the database itself. The browser keeps no message for a tab that does not listen.

use js_sys::Function;
use sync_core::fault::StoreFailure;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BroadcastChannel, MessageEvent};

use super::error::js_text;

/// Begins the name of every channel of ours, so that it meets no other channel of the page.
const CHANNEL_PREFIX: &str = "headlight-progress:";

/// One end of the channel of a store. A message reaches every other end, never its sender. Closed when it is dropped.
#[derive(Debug)]
pub struct ProgressChannel {
    channel: BroadcastChannel,
    listener: Option<Closure<dyn FnMut(MessageEvent)>>,
}

impl ProgressChannel {
    /// Joins the channel of the store `name`.
    pub fn open(name: &str) -> Result<Self, StoreFailure> {
        let channel = BroadcastChannel::new(&format!("{CHANNEL_PREFIX}{name}"))
            .map_err(|error| StoreFailure::Other(js_text(&error)))?;
        Ok(Self { channel, listener: None })
    }

    /// Sends a plain object to the other tabs. Fails for what cannot be cloned.
    pub fn post(&self, message: &JsValue) -> Result<(), StoreFailure> {
        self.channel.post_message(message).map_err(|error| StoreFailure::Other(js_text(&error)))
    }

    /// Calls `heard` with each message of other tabs, in place of an earlier listener.
    pub fn listen(&mut self, mut heard: impl FnMut(JsValue) + 'static) {
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| heard(event.data()));
        self.channel.set_onmessage(Some(listener.as_ref().unchecked_ref::<Function>()));
        self.listener = Some(listener);
    }
}

impl Drop for ProgressChannel {
    fn drop(&mut self) {
        // Before the listener is dropped: a message on its way must not call what is gone.
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
