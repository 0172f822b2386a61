//! A stream: a data channel with the flags of the WebRTC specification around its bytes, so that each direction closes
//! independently.
//!
//! Write a whole message with one write, then flush: some peers reject a packet of more than 16 KiB, and two writes
//! without a flush between them become such a packet.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p_webrtc_utils::{DropListener, Stream as Flagged};

use crate::{ChannelEnd, data_channel::DataChannel};

/// A stream of a [`Connection`](crate::Connection). Dropping it without `close` resets it.
///
/// An error of reading or writing holds the [`ChannelEnd`] if the channel is the reason.
pub struct Stream {
    inner: Flagged<DataChannel>,
    channel: DataChannel,
}

impl Stream {
    /// The listener of a drop sends the reset; it must be polled.
    pub(crate) fn new(channel: DataChannel) -> (Self, DropListener<DataChannel>) {
        let (inner, listener) = Flagged::new(channel.clone());
        (Self { inner, channel }, listener)
    }

    /// The codec reports every error as invalid data; the channel knows the real reason. While the channel is open, the
    /// data is invalid.
    fn explain(&self, error: io::Error) -> io::Error {
        match self.channel.ended() {
            None => error,
            Some(ChannelEnd::Closed) if error.kind() == io::ErrorKind::InvalidData => {
                io::Error::new(io::ErrorKind::UnexpectedEof, error)
            }
            Some(ChannelEnd::Closed) => error,
            Some(end) => end.into(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, target);
        polled.map_err(|error| self.explain(error))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        polled.map_err(|error| self.explain(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        polled.map_err(|error| self.explain(error))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_close(cx);
        polled.map_err(|error| self.explain(error))
    }
}
