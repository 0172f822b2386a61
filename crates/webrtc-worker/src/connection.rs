//! A connection to a peer: opens streams, and detects its own end.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{Either, LocalBoxFuture, select},
    stream::FuturesUnordered,
};
use gloo_timers::future::TimeoutFuture;
use libp2p_core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p_webrtc_utils::DropListener;
use send_wrapper::SendWrapper;

use crate::{
    BrokerError, ChannelEnd, EndReason, Error, Stream, config::Config, data_channel::DataChannel, link::Link,
    message::Command,
};

/// A WebRTC-direct connection whose channels are streams. Dropping or closing it frees the page's `RTCPeerConnection`,
/// and its streams end with an error.
pub struct Connection {
    // libp2p wants `Send`; a worker has one thread.
    inner: SendWrapper<Inner>,
}

struct Inner {
    link: Rc<Link>,
    config: Config,
    /// Channel 0 stays open: it reports a dead association even without an open stream.
    _handshake: DataChannel,
    opening: Option<LocalBoxFuture<'static, Result<DataChannel, Error>>>,
    /// Streams that may have to send a reset.
    listeners: FuturesUnordered<DropListener<DataChannel>>,
    /// Runs while the browser cannot reach the peer.
    disconnected: Option<TimeoutFuture>,
}

impl Connection {
    pub(crate) fn new(link: Rc<Link>, handshake: DataChannel, config: Config) -> Self {
        let inner = Inner {
            link,
            config,
            _handshake: handshake,
            opening: None,
            listeners: FuturesUnordered::new(),
            disconnected: None,
        };
        Self { inner: SendWrapper::new(inner) }
    }
}

impl Inner {
    fn stream(&mut self, channel: DataChannel) -> Stream {
        let (stream, listener) = Stream::new(channel);
        self.listeners.push(listener);
        self.link.wake_watcher();
        stream
    }

    /// Completes when the connection has ended.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        if let Some(reason) = self.link.ended() {
            return Poll::Ready(reason);
        }
        self.link.watch(cx);
        if !self.link.is_disconnected() {
            self.disconnected = None;
            return Poll::Pending;
        }
        let timer = self.disconnected.get_or_insert_with(|| timeout(self.config.disconnected_max));
        ready!(timer.poll_unpin(cx));
        self.link.end(EndReason::Silent);
        Poll::Ready(EndReason::Silent)
    }
}

/// Requests a channel from the page and waits until it is open.
async fn open_channel(link: Rc<Link>, limit: Duration) -> Result<DataChannel, Error> {
    let open = Box::pin(async {
        let reply = link.ask(Command::Channel).await?;
        let channel = reply.channel.ok_or_else(|| BrokerError::Protocol("result without a channel".to_owned()))?;
        channel.opened().await.map_err(|end| ended(&link, end))?;
        Ok(channel)
    });
    match select(open, timeout(limit)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => {
            link.end(EndReason::ChannelTimeout);
            Err(Error::ChannelTimeout(limit))
        }
    }
}

/// Why a channel did not open.
pub(crate) fn ended(link: &Link, end: ChannelEnd) -> Error {
    match (link.ended(), end) {
        (Some(reason), _) | (None, ChannelEnd::Connection(reason)) => reason.into(),
        (None, end) => BrokerError::Rtc(end.to_string()).into(),
    }
}

/// A timer that is cleared when it is dropped.
pub(crate) fn timeout(after: Duration) -> TimeoutFuture {
    TimeoutFuture::new(u32::try_from(after.as_millis()).unwrap_or(u32::MAX))
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Error;

    /// Peers open no streams to a browser: this future only reports the end of the connection.
    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let reason = ready!(self.inner.link.poll_inbound(cx));
        Poll::Ready(Err(reason.into()))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let inner = &mut *self.inner;
        if let Some(reason) = inner.link.ended() {
            return Poll::Ready(Err(reason.into()));
        }
        let opening = inner.opening.get_or_insert_with(|| {
            open_channel(Rc::clone(&inner.link), inner.config.channel_open_timeout).boxed_local()
        });
        let opened = ready!(opening.as_mut().poll(cx));
        inner.opening = None;
        Poll::Ready(opened.map(|channel| inner.stream(channel)))
    }

    /// Frees the connection at once.
    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.link.end(EndReason::Local);
        Poll::Ready(Ok(()))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Error>> {
        if let Poll::Ready(reason) = self.inner.poll_end(cx) {
            return Poll::Ready(Err(reason.into()));
        }
        // An error means that the channel, and with it the stream, is gone.
        while let Poll::Ready(Some(_)) = self.inner.listeners.poll_next_unpin(cx) {}
        Poll::Pending
    }
}
