//! A transferred `RTCDataChannel` as bytes in and bytes out.
//!
//! ```text
//!  browser --onmessage--> inbox (whole messages) --poll_read--> reader
//!  writer --poll_write--> send(), until the browser holds OUTBOX_BYTES_MAX; goes on at OUTBOX_BYTES_LOW
//! ```
//!
//! * A message is copied once, from the browser's buffer into the [`Inbox`]; a message that does not fit is not copied,
//!   and ends the channel.
//! * A flush is done when the browser has the bytes. Waiting for the network would cost a round trip and tell nothing:
//!   only a response shows that the peer has received a message.
//! * Closed by the peer: a reader gets the remaining bytes, then the end of the stream. Ended otherwise: the remaining
//!   bytes, then an error, except after a violation, which drops them. Every end wakes reader and writer.
//! * Closed by us: when the last clone is dropped. The browser still sends its buffer; its `close` event, which may
//!   never come, is not awaited.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use futures::{AsyncRead, AsyncWrite};
use js_sys::{ArrayBuffer, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use crate::{
    ChannelEnd, EndReason, Inbox, Unread,
    handlers::Handlers,
    limits::{INBOX_BYTES_MAX, MESSAGE_BYTES_MAX, OUTBOX_BYTES_LOW, OUTBOX_BYTES_MAX},
    link::Link,
    message::{get, shorten},
};

/// A handle to a channel; clones share it.
#[derive(Clone)]
pub(crate) struct DataChannel {
    // libp2p wants `Send`; a worker has one thread.
    shared: SendWrapper<Rc<Shared>>,
}

pub(crate) struct Shared {
    channel: RtcDataChannel,
    handlers: Cell<Option<Handlers>>,
    link: Weak<Link>,
    /// Id of the channel in its link.
    key: u32,
    state: RefCell<State>,
}

struct State {
    open: bool,
    end: Option<ChannelEnd>,
    /// Messages are stored, until [`DataChannel::stop_reading`].
    reading: bool,
    inbox: Inbox<Message>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl DataChannel {
    /// Attaches the handlers; call this in the task that brought the channel.
    pub(crate) fn new(channel: RtcDataChannel, link: Weak<Link>, key: u32) -> Self {
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        channel.set_buffered_amount_low_threshold(OUTBOX_BYTES_LOW);
        let state = State {
            open: channel.ready_state() == RtcDataChannelState::Open,
            end: None,
            reading: true,
            inbox: Inbox::new(INBOX_BYTES_MAX),
            reader: None,
            writer: None,
        };
        let shared = Rc::new(Shared { channel, handlers: Cell::new(None), link, key, state: RefCell::new(state) });
        shared.handlers.set(Some(handlers(&shared)));
        if matches!(shared.channel.ready_state(), RtcDataChannelState::Closing | RtcDataChannelState::Closed) {
            shared.end(ChannelEnd::Closed);
        }
        Self { shared: SendWrapper::new(shared) }
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Rc::downgrade(&self.shared)
    }

    /// Waits until it is open.
    pub(crate) async fn opened(&self) -> Result<(), ChannelEnd> {
        poll_fn(|cx| {
            let mut state = self.shared.state.borrow_mut();
            match &state.end {
                Some(end) => Poll::Ready(Err(end.clone())),
                None if state.open => Poll::Ready(Ok(())),
                None => {
                    state.writer = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Reason of the end, if it has ended.
    pub(crate) fn ended(&self) -> Option<ChannelEnd> {
        self.shared.state.borrow().end.clone()
    }

    /// Drops unread and future messages.
    pub(crate) fn stop_reading(&self) {
        let mut state = self.shared.state.borrow_mut();
        state.reading = false;
        state.inbox.clear();
    }
}

/// The handlers of a channel. They hold weak references: events of a dropped channel do nothing.
fn handlers(shared: &Rc<Shared>) -> Handlers {
    fn on(shared: &Rc<Shared>, handle: impl Fn(&Shared, JsValue) + 'static) -> impl Fn(JsValue) + 'static {
        let shared = Rc::downgrade(shared);
        move |event| {
            if let Some(shared) = shared.upgrade() {
                handle(&shared, event);
            }
        }
    }
    Handlers::new(&shared.channel)
        .on("onmessage", on(shared, |shared, event| shared.on_message(&event.unchecked_into::<MessageEvent>().data())))
        .on("onopen", on(shared, |shared, _| shared.on_open()))
        .on("onbufferedamountlow", on(shared, |shared, _| shared.wake_writer()))
        // `closing` comes after all messages of a peer that closed the channel; `close` may never follow.
        .on("onclosing", on(shared, |shared, _| shared.end(ChannelEnd::Closed)))
        .on("onclose", on(shared, |shared, _| shared.end(ChannelEnd::Closed)))
        .on("onerror", on(shared, |shared, event| shared.on_error(&get(&event, "error"))))
}

impl Shared {
    fn on_message(&self, data: &JsValue) {
        let reader = {
            let mut state = self.state.borrow_mut();
            if !state.reading {
                return;
            }
            match take_message(&mut state.inbox, data) {
                Ok(()) => state.reader.take(),
                Err(end) => {
                    drop(state);
                    return self.end(end);
                }
            }
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn on_open(&self) {
        self.state.borrow_mut().open = true;
        self.wake_writer();
    }

    fn wake_writer(&self) {
        let writer = self.state.borrow_mut().writer.take();
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// `error` is an `RTCError`. A lost association means a lost connection, whatever state the browser reports.
    fn on_error(&self, error: &JsValue) {
        if get(error, "errorDetail").as_string().as_deref() == Some("sctp-failure")
            && let Some(link) = self.link.upgrade()
        {
            link.end(EndReason::Aborted);
        }
        self.end(ChannelEnd::Failed(shorten(&get(error, "message").as_string().unwrap_or_default())));
    }

    /// The first reason is kept.
    pub(crate) fn end(&self, end: ChannelEnd) {
        let wakers = {
            let mut state = self.state.borrow_mut();
            if state.end.is_some() {
                return;
            }
            if matches!(end, ChannelEnd::Overflow(_) | ChannelEnd::Text) {
                state.reading = false;
                state.inbox.clear();
            }
            state.end = Some(end);
            [state.reader.take(), state.writer.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn poll_read(&self, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state.borrow_mut();
        if !state.inbox.is_empty() {
            return Poll::Ready(Ok(state.inbox.read(target)));
        }
        match &state.end {
            Some(ChannelEnd::Closed) => Poll::Ready(Ok(0)),
            Some(end) => Poll::Ready(Err(end.clone().into())),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        {
            let mut state = self.state.borrow_mut();
            if let Some(end) = &state.end {
                return Poll::Ready(Err(end.clone().into()));
            }
            if !state.open || self.channel.buffered_amount() >= OUTBOX_BYTES_MAX {
                state.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let message = &bytes[..bytes.len().min(MESSAGE_BYTES_MAX)];
        match self.channel.send_with_u8_array(message) {
            Ok(()) => Poll::Ready(Ok(message.len())),
            Err(error) => {
                // The channel closed between two events, or the browser's own queue is full, which our limit prevents.
                let text = get(&error, "message").as_string().unwrap_or_default();
                let end = ChannelEnd::Failed(shorten(&text));
                self.end(end.clone());
                Poll::Ready(Err(end.into()))
            }
        }
    }

    fn check_alive(&self) -> io::Result<()> {
        match &self.state.borrow().end {
            Some(end) => Err(end.clone().into()),
            None => Ok(()),
        }
    }
}

/// Puts a message into the inbox, if there is room.
fn take_message(inbox: &mut Inbox<Message>, data: &JsValue) -> Result<(), ChannelEnd> {
    let buffer = data.dyn_ref::<ArrayBuffer>().ok_or(ChannelEnd::Text)?;
    let bytes = Uint8Array::new(buffer);
    inbox.push(Message { len: bytes.length() as usize, bytes })?;
    Ok(())
}

/// A message, in the buffer that the browser made for it. Nobody else has that buffer, so it keeps its length.
struct Message {
    bytes: Uint8Array,
    len: usize,
}

impl Unread for Message {
    fn byte_len(&self) -> usize {
        self.len
    }

    // Copy 1 of 3 of a header's bytes in this code: out of the browser's buffer into wasm memory, to whoever reads the
    // channel. (libp2p's framing copies three times before its reader has them.) The others: `Segment::pack`, `to_js`.
    fn copy_to(&self, from: usize, target: &mut [u8]) {
        if from == 0 && target.len() == self.len {
            return self.bytes.copy_to(target);
        }
        // An inbox never holds 4 GiB.
        self.bytes.subarray(from as u32, (from + target.len()) as u32).copy_to(target);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.handlers.take();
        self.channel.close();
        if let Some(link) = self.link.upgrade() {
            link.detach(self.key);
        }
    }
}

impl AsyncRead for DataChannel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        self.shared.poll_read(cx, target)
    }
}

impl AsyncWrite for DataChannel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.shared.poll_write(cx, bytes)
    }

    /// Complete once the browser has the bytes, which is at the write.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shared.check_alive())
    }

    /// The channel closes with its last clone; the stream above signals the end with a flag.
    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
