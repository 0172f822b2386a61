//! A whole driver with its page: real machine, real database, real swarm. No peer is there.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::cell::Cell;

use futures::{FutureExt, future::LocalBoxFuture};
use header_store::{HeaderStore, contract::TestChain};
use sync_wasm::{
    clock::Turns,
    command::Command,
    driver::{Driver, DriverSetup},
    error::HostError,
    mailbox::{Sender, mailbox},
    message::{Call, HeaderKey},
    network::peers::AddressBook,
    reads::Reader,
    store::ProgressChannel,
    worker::listen_for_followers,
};
use wasm_bindgen::JsValue;
use web_sys::MessageChannel;

use crate::page::{Page, bytes, field, number, rising_batches, settings, soon, text};
use crate::support::{delete, writer};

/// One sync, and the page that it talks to.
pub(crate) struct Session {
    pub page: Page,
    pub calls: Sender<Command>,
    next_id: Cell<u32>,
    /// Runs the sync until it is stopped and closed; gives the call that stopped it.
    pub ends: LocalBoxFuture<'static, Result<Option<f64>, HostError>>,
}

impl Session {
    /// A session over the blocks `0..=stored` of a chain, with this target pinned.
    pub(crate) async fn new(name: &str, chain: &TestChain, stored: u64, pin: Option<u64>) -> Self {
        delete(name).await;
        let mut store = writer(name).await;
        store.open().await.expect("opens");
        for batch in rising_batches(chain, stored) {
            store.persist(&batch).await.expect("stores");
        }
        let opening = store.open().await.expect("opens");
        let (page, port) = Page::new();
        let (calls, commands) = mailbox();
        let mut channel = ProgressChannel::open(name).expect("opens");
        listen_for_followers(&mut channel, calls.clone());
        let settings = settings(name, chain, pin);
        let reader = Reader::new(store.clone(), port.clone(), settings.target, calls.clone());
        let mut driver = Driver::new(DriverSetup {
            settings,
            pinned: pin.map(|number| chain.header(number).clone()),
            port,
            turns: Turns::new().expect("channels exist here"),
            rtc_port: MessageChannel::new().expect("channels exist here").port1(),
            store,
            opening,
            channel,
            reader,
            commands,
            seed: 7,
            book: AddressBook::new(7),
            kept: Ok(None),
            open_ms: 0.0,
        });
        let ends = async move {
            let ended = driver.run().await;
            driver.shut_down().await;
            ended
        };
        Self { page, calls, next_id: Cell::new(0), ends: ends.boxed_local() }
    }

    /// Makes a call; gives its id.
    pub(crate) fn call(&self, call: Call) -> f64 {
        let id = f64::from(self.next_id.replace(self.next_id.get() + 1));
        self.calls.call(Command::Call { id, call }).expect("there is room");
        id
    }

    /// Runs the sync while the page does this.
    pub(crate) async fn while_it_runs<T>(&mut self, page: impl AsyncFnOnce(&mut Page) -> T) -> T {
        let Self { page: end, ends, .. } = self;
        futures::select! {
            ended = ends.fuse() => panic!("the sync ended: {ended:?}"),
            done = page(end).boxed_local().fuse() => done,
        }
    }

    /// A call and its reply.
    pub(crate) async fn ask(&mut self, call: Call) -> Result<JsValue, String> {
        let id = self.call(call);
        self.while_it_runs(async |page| page.reply(id).await).await
    }

    /// A header by its key: number, hash, RLP, and whether it lies under the target.
    pub(crate) async fn header(&mut self, key: HeaderKey) -> Option<(u64, String, Vec<u8>, bool)> {
        let header = self.ask(Call::GetHeader(key)).await.expect("a look-up works");
        if header.is_undefined() {
            return None;
        }
        let verified = field(&header, "verifiedUnderTarget") == JsValue::TRUE;
        Some((number(&header, "number"), text(&header, "hash"), bytes(&header, "rlp"), verified))
    }

    /// First number and length of the piece that answers a range.
    pub(crate) async fn piece(&mut self, from: u64, to: u64) -> Option<(u64, u64)> {
        let piece = self.ask(Call::GetHeaders { from, to }).await.expect("a look-up works");
        if piece.is_undefined() {
            return None;
        }
        let count = number(&piece, "lengths.length");
        assert_eq!(number(&piece, "hashes.length"), count * 32);
        Some((number(&piece, "first"), count))
    }

    /// Stops the sync.
    pub(crate) async fn stop(self) {
        let id = self.call(Call::Stop);
        assert_eq!(soon("the end", self.ends).await.expect("nothing failed"), Some(id));
    }
}
