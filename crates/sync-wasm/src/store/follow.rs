//! Broadcasts from the writer tab to reader tabs: a `BroadcastChannel` of the origin.
//!
//! A reader tab could poll the checkpoint; the channel delivers the writer's progress and events at once. Any script of
//! the origin may send a message here: so a reader tab reads what is stored, and how far, from the database itself. The
//! browser stores no message for a tab that does not listen.

use js_sys::Function;
use sync_core::fault::StoreFailure;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BroadcastChannel, MessageEvent};

use super::error::js_text;

/// Prefix of our channel names, so that they match no other channel of the page.
const CHANNEL_PREFIX: &str = "headlight-progress:";

/// One end of the channel of a store. A message reaches every other end, never its sender. Closed on drop.
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

    /// Sends a plain object to the other tabs. Fails for values that cannot be cloned.
    pub fn post(&self, message: &JsValue) -> Result<(), StoreFailure> {
        self.channel.post_message(message).map_err(|error| StoreFailure::Other(js_text(&error)))
    }

    /// Calls `heard` with each message of other tabs. Replaces an earlier listener.
    pub fn listen(&mut self, mut heard: impl FnMut(JsValue) + 'static) {
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| heard(event.data()));
        self.channel.set_onmessage(Some(listener.as_ref().unchecked_ref::<Function>()));
        self.listener = Some(listener);
    }
}

impl Drop for ProgressChannel {
    fn drop(&mut self) {
        // Before the listener is dropped: a late message must not call a dropped closure.
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
