//! A reader tab below the page: real database, lock and broadcast channel. What the writing tab says is posted by the test,
//! or by a whole driver.
#![cfg(target_arch = "wasm32")]

mod page;
mod session;
mod support;

use std::rc::Rc;

use futures::{FutureExt, StreamExt, channel::mpsc};
use header_store::{HeaderStore, contract::TestChain};
use js_sys::JSON;
use page::{Page, field, is_of, number, rising_batches, settings, soon, text};
use session::Session;
use support::{delete, writer};
use sync_wasm::{
    command::Command,
    follower::{Followed, Follower, HELLO, follow},
    mailbox::{Receiver, Sender, mailbox},
    message::{Call, HeaderKey},
    network::peers::AddressBook,
    options::Settings,
    reads::Reader,
    store::{IdbStore, LockError, ProgressChannel},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const FIGURES: &str =
    r#""staged":1,"headersPerSecond":2,"bytesReceived":3,"bytesPerSecond":4,"memoryBytes":5,"peers":[]"#;

/// What a reader tab consists of.
struct Tab {
    page: Page,
    calls: Sender<Command>,
    commands: Receiver<Command>,
    store: IdbStore,
    reader: Reader<IdbStore>,
    port: sync_wasm::port::Port,
    channel: ProgressChannel,
    settings: Rc<Settings>,
    book: AddressBook,
}

impl Tab {
    /// A tab that reads what another one writes.
    async fn new(name: &str, chain: &TestChain, pin: Option<u64>) -> Self {
        let (page, port) = Page::new();
        let (calls, commands) = mailbox();
        let store = IdbStore::connect(name).await.expect("opens beside the writer");
        let settings = settings(name, chain, pin);
        let reader = Reader::new(store.clone(), port.clone(), settings.target, calls.clone());
        let channel = ProgressChannel::open(name).expect("opens");
        Self { page, calls, commands, store, reader, port, channel, settings, book: AddressBook::new(7) }
    }

    /// Follows while the page does this, and then until the tab leads or stops.
    async fn follow<T>(&mut self, page: impl AsyncFnOnce(&mut Page, &Sender<Command>) -> T) -> (T, Followed) {
        let Self { page: end, calls, commands, reader, port, channel, settings, book, .. } = self;
        let follower = Follower { port, channel, reader, book, commands, settings, stored: 0 };
        let follows = follow(follower).boxed_local();
        let does = page(end, calls);
        let (followed, done): (Result<Followed, LockError>, T) =
            soon("the end of following", futures::future::join(follows, does)).await;
        (done, followed.expect("locks exist here"))
    }
}

fn object(json: &str) -> JsValue {
    JSON::parse(json).expect("JSON in a test")
}

/// A progress that shows so many stored headers.
fn stored(event: &JsValue, count: u64) -> bool {
    is_of(event, "progress") && number(event, "progress.stored") == count
}

#[wasm_bindgen_test]
async fn a_reader_tab_shows_what_is_stored_and_leads_when_the_writer_goes() {
    let name = "tab-leads";
    delete(name).await;
    let chain = TestChain::new(2_048, 81);
    let batches = rising_batches(&chain, 2_047);
    let [first, second] = batches.as_slice() else { panic!("two batches") };
    let mut leader = writer(name).await;
    leader.open().await.expect("opens");
    leader.persist(first).await.expect("stores");
    let mut tab = Tab::new(name, &chain, Some(1_023)).await;
    let page = async |page: &mut Page, calls: &Sender<Command>| {
        let shown = page.event("what is stored", |event| stored(event, 1_024)).await;
        assert_eq!(text(&shown, "progress.state"), "follower");
        assert_eq!(number(&page.event_of("synced").await, "number"), 1_023, "its own target is whole");
        let ask = async |page: &mut Page, id, call| {
            calls.call(Command::Call { id, call }).expect("there is room");
            page.reply(id).await
        };
        let header = ask(page, 1.0, Call::GetHeader(HeaderKey::Number(9))).await.expect("reads");
        assert_eq!(text(&header, "hash"), chain.hash(9).to_string());
        assert!(ask(page, 2.0, Call::GetHeader(HeaderKey::Number(1_024))).await.expect("reads").is_undefined());
        for (id, call) in [(3.0, Call::Pause), (4.0, Call::Resume), (5.0, Call::Clear)] {
            assert_eq!(ask(page, id, call).await, Err("follower".into()), "only the writer can do this");
        }
        drop(leader);
    };
    let ((), followed) = tab.follow(page).await;
    let Followed::Leads(lock) = followed else { panic!("nobody stopped it") };
    assert_eq!(
        tab.store.persist(second).await,
        Err(sync_core::fault::StoreFailure::Locked),
        "not before it is granted"
    );
    tab.store.grant(lock);
    let opening = tab.store.open().await.expect("opens");
    assert_eq!(opening.checkpoint.as_ref(), Some(first.checkpoint()));
    tab.store.persist(second).await.expect("it writes");
    assert_eq!(tab.store.header_by_number(2_047).await, Ok(Some(chain.header(2_047).clone())));
}

#[wasm_bindgen_test]
async fn what_a_newer_tab_says_is_shown_as_far_as_it_is_known() {
    let name = "tab-newer";
    delete(name).await;
    let chain = TestChain::new(1_024, 82);
    let mut leader = writer(name).await;
    leader.open().await.expect("opens");
    leader.persist(&rising_batches(&chain, 1_023)[0]).await.expect("stores");
    let newer = ProgressChannel::open(name).expect("opens");
    let post = |json: &str| newer.post(&object(json)).expect("posts");
    let mut tab = Tab::new(name, &chain, None).await;
    let page = async |page: &mut Page, calls: &Sender<Command>| {
        page.event("what is stored", |event| stored(event, 1_024)).await;
        page.forget();
        // An event that this version does not know, one with a field that it does not know, a state that it does not know.
        post(r#"{"type":"bodies-pruned","from":1,"to":2}"#);
        post(r#"{"type":"segment-dropped","from":1,"to":2,"why":{"deep":[1]}}"#);
        post(&format!(r#"{{"type":"progress","progress":{{"state":"pruning","bodies":7,{FIGURES}}}}}"#));
        let shown = page.event("a progress", |event| !field(event, "progress.leader").is_undefined()).await;
        assert_eq!(text(&shown, "progress.leader.state"), "pruning");
        assert_eq!((text(&shown, "progress.state"), number(&shown, "progress.stored")), ("follower".into(), 1_024));
        assert!(field(&shown, "progress.bodies").is_undefined());
        // They came in order, so what was not handed on by now never is.
        let event = page.event("an event of the other tab", |event| !is_of(event, "progress")).await;
        assert_eq!(
            String::from(JSON::stringify(&event).expect("plain data")),
            r#"{"from":1,"to":2,"type":"segment-dropped"}"#
        );
        calls.call(Command::Call { id: 1.0, call: Call::GetHeader(HeaderKey::Number(3)) }).expect("there is room");
        assert_eq!(number(&page.reply(1.0).await.expect("it reads on"), "number"), 3);
        calls.call(Command::Call { id: 2.0, call: Call::Stop }).expect("there is room");
    };
    let ((), followed) = tab.follow(page).await;
    let Followed::Stopped(stopped) = followed else { panic!("the writer still holds the lock") };
    assert_eq!(stopped.id, Some(2.0));
    assert!(leader.is_writer());
}

#[wasm_bindgen_test]
async fn the_word_of_the_writing_tab_makes_nothing_synced_that_is_not_stored() {
    let name = "tab-word";
    delete(name).await;
    let chain = TestChain::new(2_048, 83);
    let batches = rising_batches(&chain, 2_047);
    let mut leader = writer(name).await;
    leader.open().await.expect("opens");
    leader.persist(&batches[0]).await.expect("stores");
    let mut channel = ProgressChannel::open(name).expect("opens");
    let (heard, mut greetings) = mpsc::unbounded();
    channel.listen(move |message| heard.unbounded_send(message).expect("the test listens"));
    let says_synced = |number: u64| {
        let target = format!(r#"{{"number":{number},"hash":"{}"}}"#, chain.hash(number));
        let progress = format!(r#"{{"state":"synced","target":{target},"stored":9999,"percent":100,{FIGURES}}}"#);
        channel.post(&object(&format!(r#"{{"type":"progress","progress":{progress}}}"#))).expect("posts");
    };
    let mut tab = Tab::new(name, &chain, None).await;
    let page = async |page: &mut Page, calls: &Sender<Command>| {
        let greeting = greetings.next().await.expect("it asks for a sign of life");
        assert_eq!(greeting.as_string().as_deref(), Some(HELLO));
        says_synced(2_047);
        let word = |event: &JsValue| is_of(event, "progress") && !field(event, "progress.leader").is_undefined();
        let shown = page.event("the word", word).await;
        assert_eq!(number(&shown, "progress.stored"), 1_024);
        assert!(field(&shown, "progress.target").is_undefined(), "what is said to be the target is not stored");
        leader.persist(&batches[1]).await.expect("stores");
        says_synced(2_047);
        let synced = page.event_of("synced").await;
        assert_eq!(text(&synced, "hash"), chain.hash(2_047).to_string());
        let whole = page.event("a whole store", |event| stored(event, 2_048)).await;
        assert_eq!(number(&whole, "progress.percent"), 100);
        calls.call(Command::Call { id: 1.0, call: Call::Stop }).expect("there is room");
    };
    let ((), followed) = tab.follow(page).await;
    assert!(matches!(followed, Followed::Stopped(stopped) if stopped.id == Some(1.0)));
}

#[wasm_bindgen_test]
async fn what_a_running_sync_reports_reaches_the_reader_tab_until_it_stops() {
    let name = "tab-sync";
    let chain = TestChain::new(1_024, 84);
    let mut sync = Session::new(name, &chain, 1_023, None).await;
    let (writer, ends) = (sync.calls.clone(), &mut sync.ends);
    let mut tab = Tab::new(name, &chain, None).await;
    let page = async |page: &mut Page, _: &Sender<Command>| {
        let mut shows = async |state: &str| {
            let is_it = |event: &JsValue| field(event, "progress.leader.state") == state;
            page.event(state, is_it).await
        };
        let shown = shows("finding-peers").await;
        assert_eq!((text(&shown, "progress.state"), number(&shown, "progress.stored")), ("follower".into(), 1_024));
        writer.call(Command::Call { id: 1.0, call: Call::Pause }).expect("there is room");
        shows("paused").await;
        writer.call(Command::Call { id: 2.0, call: Call::Stop }).expect("there is room");
    };
    let (ended, ((), followed)) = futures::future::join(ends, tab.follow(page)).await;
    assert_eq!(ended.expect("nothing failed"), Some(2.0));
    assert!(matches!(followed, Followed::Leads(lock) if lock.is_held()));
}
