//! The worker's end of the port to the page: numbers commands, matches results, and passes channels and states to their
//! links.
//!
//! Bounds: the open links ([`CONNECTIONS_MAX`]) and the pending commands
//! ([`COMMANDS_PENDING_MAX`](crate::limits::COMMANDS_PENDING_MAX)). A channel that is not awaited any more is closed at
//! once. An invalid message ends everything with a reason: it means that page and worker are of different builds.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessagePort, RtcDataChannel};

use crate::{
    BrokerError, EndReason, Error,
    data_channel::DataChannel,
    handlers::Handlers,
    limits::{COMMANDS_PENDING_MAX, CONNECTIONS_MAX},
    link::Link,
    message::{self, Command, Report, shorten},
};

/// The broker of the page. Clones share one port; when the last clone and the last connection are dropped, the port is
/// closed.
#[derive(Clone)]
pub struct Broker {
    // The worker has one thread; use from another thread is a panic, not a data race.
    shared: SendWrapper<Rc<Shared>>,
}

impl Broker {
    /// Takes the port whose other end the page gave to `new RtcBroker(port)`. A command that is sent before the page
    /// listens waits in the port.
    pub fn new(port: MessagePort) -> Self {
        Self { shared: SendWrapper::new(Shared::new(port)) }
    }

    /// Connections that are open or being opened.
    pub fn connections(&self) -> usize {
        self.shared.links.borrow().len()
    }

    pub(crate) fn link(&self) -> Result<Rc<Link>, BrokerError> {
        self.shared.new_link()
    }
}

/// Result of a command.
pub(crate) struct Reply {
    pub(crate) offer: Option<String>,
    pub(crate) channel: Option<DataChannel>,
}

pub(crate) struct Shared {
    port: MessagePort,
    handlers: Cell<Option<Handlers>>,
    /// The reason, after an invalid message or a closed port.
    broken: RefCell<Option<BrokerError>>,
    next_connection: Cell<u32>,
    next_request: Cell<u32>,
    links: RefCell<BTreeMap<u32, Weak<Link>>>,
    pending: RefCell<BTreeMap<u32, Pending>>,
}

/// A pending command.
struct Pending {
    connection: u32,
    channel: Option<DataChannel>,
    reply: oneshot::Sender<Result<Reply, BrokerError>>,
}

impl Shared {
    fn new(port: MessagePort) -> Rc<Self> {
        let shared = Rc::new(Self {
            port,
            handlers: Cell::new(None),
            broken: RefCell::new(None),
            next_connection: Cell::new(0),
            next_request: Cell::new(0),
            links: RefCell::default(),
            pending: RefCell::default(),
        });
        let [on_message, on_error, on_close] = [(); 3].map(|()| Rc::downgrade(&shared));
        let handlers = Handlers::new(&shared.port)
            .on("onmessage", move |event| {
                if let Some(shared) = on_message.upgrade() {
                    shared.receive(&event.unchecked_into::<MessageEvent>().data());
                }
            })
            .on("onmessageerror", move |_| {
                if let Some(shared) = on_error.upgrade() {
                    shared.break_down(BrokerError::Protocol("a message of the page could not be read".to_owned()));
                }
            })
            // Newer browsers fire `close` when the other end is gone; in other browsers the deadlines notice.
            .on("onclose", move |_| {
                if let Some(shared) = on_close.upgrade() {
                    shared.break_down(BrokerError::Closed);
                }
            });
        shared.handlers.set(Some(handlers));
        shared
    }

    fn new_link(self: &Rc<Self>) -> Result<Rc<Link>, BrokerError> {
        if let Some(broken) = &*self.broken.borrow() {
            return Err(broken.clone());
        }
        let mut links = self.links.borrow_mut();
        if links.len() >= CONNECTIONS_MAX {
            return Err(BrokerError::Limit(format!("{CONNECTIONS_MAX} connections")));
        }
        let id = count_up(&self.next_connection);
        let link = Link::new(id, Rc::clone(self));
        links.insert(id, Rc::downgrade(&link));
        Ok(link)
    }

    /// Sends a command for a connection. The result is dropped with the future, or when the link ends.
    pub(crate) fn ask(
        &self,
        connection: u32,
        command: Command<'_>,
    ) -> impl Future<Output = Result<Reply, Error>> + use<> {
        let sent = self.send(connection, command);
        async move {
            match sent?.await {
                Ok(reply) => Ok(reply?),
                // The link's end dropped the sender.
                Err(oneshot::Canceled) => Err(EndReason::Local.into()),
            }
        }
    }

    fn send(
        &self,
        connection: u32,
        command: Command<'_>,
    ) -> Result<oneshot::Receiver<Result<Reply, BrokerError>>, BrokerError> {
        if let Some(broken) = &*self.broken.borrow() {
            return Err(broken.clone());
        }
        if self.pending.borrow().len() >= COMMANDS_PENDING_MAX {
            return Err(BrokerError::Limit(format!("{COMMANDS_PENDING_MAX} commands without a result")));
        }
        let request = count_up(&self.next_request);
        self.post(&command.to_js(request, connection))?;
        let (reply, result) = oneshot::channel();
        self.pending.borrow_mut().insert(request, Pending { connection, channel: None, reply });
        Ok(result)
    }

    fn post(&self, message: &JsValue) -> Result<(), BrokerError> {
        self.port.post_message(message).map_err(|error| BrokerError::Protocol(shorten(&format!("{error:?}"))))
    }

    fn receive(&self, message: &JsValue) {
        match Report::from_js(message) {
            Ok(Report::Result { request, outcome }) => self.on_result(request, outcome),
            Ok(Report::Channel { connection, request, channel }) => self.on_channel(connection, request, channel),
            Ok(Report::State { connection, state }) => {
                if let Some(link) = self.find(connection) {
                    link.on_state(state);
                }
            }
            Ok(Report::Broken(what)) | Err(what) => self.break_down(BrokerError::Protocol(what)),
        }
    }

    fn on_result(&self, request: u32, outcome: Result<Option<String>, BrokerError>) {
        let pending = self.pending.borrow_mut().remove(&request);
        // None: the link ended meanwhile.
        let Some(Pending { channel, reply, .. }) = pending else {
            return;
        };
        // Fails if the result is not awaited any more; dropping it closes the channel.
        let _ = reply.send(outcome.map(|offer| Reply { offer, channel }));
    }

    fn on_channel(&self, connection: u32, request: u32, channel: RtcDataChannel) {
        let Some(link) = self.find(connection) else {
            return channel.close();
        };
        // The handlers are attached in the task that brought the channel, so no message is missed.
        let channel = match link.attach(channel) {
            Ok(channel) => channel,
            Err(error) => return self.on_result(request, Err(error)),
        };
        if let Some(pending) = self.pending.borrow_mut().get_mut(&request).filter(|p| p.connection == connection) {
            pending.channel = Some(channel);
        }
    }

    fn find(&self, connection: u32) -> Option<Rc<Link>> {
        self.links.borrow().get(&connection).and_then(Weak::upgrade)
    }

    /// Removes an ended link; the page frees its connection.
    pub(crate) fn forget(&self, connection: u32) {
        self.links.borrow_mut().remove(&connection);
        let waiting: Vec<Pending> =
            self.pending.borrow_mut().extract_if(.., |_, p| p.connection == connection).map(|(_, p)| p).collect();
        if self.broken.borrow().is_none() {
            // A plain object can always be posted; otherwise the page's broker cannot be reached at all.
            let posted = self.post(&message::close(connection));
            debug_assert!(posted.is_ok(), "{posted:?}");
        }
        drop(waiting);
    }

    /// Ends everything on this port.
    fn break_down(&self, why: BrokerError) {
        if self.broken.borrow().is_some() {
            return;
        }
        *self.broken.borrow_mut() = Some(why.clone());
        let links: Vec<_> = self.links.borrow().values().filter_map(Weak::upgrade).collect();
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        for pending in pending.into_values() {
            // Fails if the result is not awaited any more.
            let _ = pending.reply.send(Err(why.clone()));
        }
        for link in links {
            link.end(EndReason::Broker(why.clone()));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.handlers.take();
        self.port.close();
    }
}

/// The next number. After 2^32 connections or commands it starts again; by then the first ones are gone.
fn count_up(counter: &Cell<u32>) -> u32 {
    let number = counter.get();
    counter.set(number.wrapping_add(1));
    number
}
