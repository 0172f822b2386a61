//! The worker's view of one connection: its state, its channels, and the tasks that wait for it.
//!
//! ```text
//!  made --states--> alive <--> disconnected --timer--> ended(reason)
//!                     +--------- failed, closed, aborted, dropped ---^
//! ```
//!
//! A link ends once. Its end wakes all tasks that wait for it or for one of its channels, and tells the page to free
//! the `RTCPeerConnection`. A strong reference keeps the connection open; channels hold weak ones.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::Future,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use web_sys::RtcDataChannel;

use crate::{
    BrokerError, ChannelEnd, EndReason, Error,
    broker::{self, Reply},
    data_channel::{self, DataChannel},
    limits::CHANNELS_MAX,
    message::{Command, FailureCause, RtcState},
};

pub(crate) struct Link {
    id: u32,
    broker: Rc<broker::Shared>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    end: Option<EndReason>,
    disconnected: bool,
    channels: BTreeMap<u32, Weak<data_channel::Shared>>,
    next_channel: u32,
    /// Waits for the end, in place of channels of the peer, which do not exist.
    acceptor: Option<Waker>,
    /// Waits for any change.
    watcher: Option<Waker>,
}

impl State {
    fn wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        [self.acceptor.take(), self.watcher.take()].into_iter().flatten()
    }
}

impl Link {
    pub(crate) fn new(id: u32, broker: Rc<broker::Shared>) -> Rc<Self> {
        Rc::new(Self { id, broker, state: RefCell::default() })
    }

    /// Sends a command to the page. Ends with the link's reason if the link ends first.
    pub(crate) fn ask(self: &Rc<Self>, command: Command<'_>) -> impl Future<Output = Result<Reply, Error>> + use<> {
        let reply = self.broker.ask(self.id, command);
        let link = Rc::downgrade(self);
        async move {
            reply.await.map_err(|error| match link.upgrade().and_then(|link| link.ended()) {
                Some(reason) => reason.into(),
                None => error,
            })
        }
    }

    pub(crate) fn ended(&self) -> Option<EndReason> {
        self.state.borrow().end.clone()
    }

    /// The browser cannot reach the peer at the moment.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.state.borrow().disconnected
    }

    /// Ends the connection and all its channels. The first reason is kept.
    pub(crate) fn end(&self, reason: EndReason) {
        let (channels, wakers) = {
            let mut state = self.state.borrow_mut();
            if state.end.is_some() {
                return;
            }
            state.end = Some(reason.clone());
            let wakers: Vec<_> = state.wakers().collect();
            (std::mem::take(&mut state.channels), wakers)
        };
        self.broker.forget(self.id);
        for channel in channels.values().filter_map(Weak::upgrade) {
            channel.end(ChannelEnd::Connection(reason.clone()));
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn on_state(&self, rtc: RtcState) {
        match rtc {
            RtcState::Failed(cause) => {
                return self.end(match cause {
                    None => EndReason::Failed,
                    Some(FailureCause::Dtls) => EndReason::Certificate,
                    Some(FailureCause::Channels) => {
                        EndReason::Breach("opened more channels than a peer may".to_owned())
                    }
                });
            }
            RtcState::Closed => return self.end(EndReason::Closed),
            RtcState::Young | RtcState::Connected => self.state.borrow_mut().disconnected = false,
            RtcState::Disconnected => self.state.borrow_mut().disconnected = true,
        }
        self.wake_watcher();
    }

    /// Registers a channel of this connection.
    pub(crate) fn attach(self: &Rc<Self>, channel: RtcDataChannel) -> Result<DataChannel, BrokerError> {
        let mut state = self.state.borrow_mut();
        if state.channels.len() >= CHANNELS_MAX {
            drop(state);
            channel.close();
            return Err(BrokerError::Limit(format!("{CHANNELS_MAX} channels of one connection")));
        }
        let key = state.next_channel;
        state.next_channel = key.wrapping_add(1);
        let channel = DataChannel::new(channel, Rc::downgrade(self), key);
        state.channels.insert(key, channel.downgrade());
        Ok(channel)
    }

    /// Removes a channel.
    pub(crate) fn detach(&self, key: u32) {
        self.state.borrow_mut().channels.remove(&key);
    }

    /// Completes when the link has ended. The page closes channels that a peer opens, so none arrives here.
    pub(crate) fn poll_inbound(&self, cx: &mut Context<'_>) -> Poll<EndReason> {
        let mut state = self.state.borrow_mut();
        if let Some(reason) = &state.end {
            return Poll::Ready(reason.clone());
        }
        state.acceptor = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Wakes the task at the next change of state or end.
    pub(crate) fn watch(&self, cx: &Context<'_>) {
        self.state.borrow_mut().watcher = Some(cx.waker().clone());
    }

    pub(crate) fn wake_watcher(&self) {
        let waker = self.state.borrow_mut().watcher.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end(EndReason::Local);
    }
}
