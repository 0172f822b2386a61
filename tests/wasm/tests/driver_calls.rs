//! The calls of a page, to a whole driver ([`session`]).
#![cfg(target_arch = "wasm32")]

mod page;
mod session;
mod support;

use alloy_primitives::B256;
use header_store::{HeaderStore, contract::TestChain};
use page::{Page, is_of, number, rising_batches, settings, soon, text};
use session::Session;
use support::{delete, writer};
use sync_wasm::{
    mailbox::{CALLS_MAX, mailbox},
    message::{Call, HeaderKey},
    reads::Reader,
    store::{Acquired, IdbStore, WriteLock},
    store_queue::control::CLEAR_CALLS_MAX,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn a_header_is_found_where_it_is_stored_and_nowhere_else() {
    let chain = TestChain::new(1_500, 71);
    let mut session = Session::new("calls-stored", &chain, 1_023, None).await;
    let expected = |number: u64| Some((number, chain.hash(number).to_string(), chain.header(number).to_vec(), false));
    for stored in [0, 5, 1_023] {
        assert_eq!(session.header(HeaderKey::Number(stored)).await, expected(stored));
        assert_eq!(session.header(HeaderKey::Hash(chain.hash(stored))).await, expected(stored));
    }
    for missing in [1_024, 1_499, u64::MAX >> 11] {
        assert_eq!(session.header(HeaderKey::Number(missing)).await, None, "{missing}");
    }
    for missing in [chain.hash(1_024), B256::ZERO] {
        assert_eq!(session.header(HeaderKey::Hash(missing)).await, None, "{missing}");
    }
    assert_eq!(session.piece(1_000, 1_400).await, Some((1_000, 24)), "as far as it is stored");
    assert_eq!(session.piece(1_024, 1_400).await, None);
    assert_eq!(session.piece(9, 3).await, None, "an empty range holds nothing");
    session.stop().await;
}

#[wasm_bindgen_test]
async fn nothing_above_a_pinned_target_is_served() {
    let chain = TestChain::new(2_048, 72);
    let mut session = Session::new("calls-pinned", &chain, 2_047, Some(1_500)).await;
    let expected = |number: u64| Some((number, chain.hash(number).to_string(), chain.header(number).to_vec(), true));
    for under in [0, 1_023, 1_024, 1_500] {
        assert_eq!(session.header(HeaderKey::Number(under)).await, expected(under));
        assert_eq!(session.header(HeaderKey::Hash(chain.hash(under))).await, expected(under));
    }
    // Stored, and no ancestor of the target.
    for above in [1_501, 2_047] {
        assert_eq!(session.header(HeaderKey::Number(above)).await, None, "{above}");
        assert_eq!(session.header(HeaderKey::Hash(chain.hash(above))).await, None, "{above}");
    }
    assert_eq!(session.piece(1_490, 1_600).await, Some((1_490, 11)));
    assert_eq!(session.piece(1_501, 2_000).await, None);
    session.stop().await;
}

#[wasm_bindgen_test]
async fn each_call_has_its_reply_and_the_last_one_ends_the_sync() {
    let name = "calls-all";
    let chain = TestChain::new(1_024, 73);
    let mut session = Session::new(name, &chain, 1_023, None).await;
    let opening = session.while_it_runs(async |page| page.event_of("progress").await).await;
    assert_eq!(text(&opening, "progress.state"), "finding-peers");
    assert_eq!(number(&opening, "progress.stored"), 1_024);

    assert_eq!(number(&session.ask(Call::Peers).await.expect("a list"), "length"), 0);
    assert_eq!(session.ask(Call::AddPeer("/ip4/127.0.0.1/tcp/1".into())).await, Err("bad-multiaddr".into()));
    let listed = Call::AddListedPeers(vec!["no address".into()]);
    assert_eq!(session.ask(listed).await, Ok(JsValue::UNDEFINED));
    let skipped = session.while_it_runs(async |page| page.event_of("peer-skipped").await).await;
    assert_eq!(text(&skipped, "multiaddr"), "no address");

    for (call, state) in [(Call::Pause, "paused"), (Call::Resume, "finding-peers")] {
        assert_eq!(session.ask(call).await, Ok(JsValue::UNDEFINED));
        let is_told = |event: &JsValue| is_of(event, "state") && text(event, "state") == state;
        session.while_it_runs(async |page| page.event(state, is_told).await).await;
    }
    let stats = session.ask(Call::Stats).await.expect("figures");
    assert_eq!((number(&stats, "connections"), number(&stats, "requestsSent")), (0, 0));

    assert!(matches!(WriteLock::try_acquire(name).await, Ok(Acquired::Busy)), "the sync holds its store");
    session.stop().await;
    let next = WriteLock::wait(name).expect("locks exist here");
    assert!(soon("the lock, given back", next).await.expect("the lock comes").is_held());
}

#[wasm_bindgen_test]
async fn one_emptying_answers_as_many_calls_as_may_wait_and_refuses_the_next() {
    let name = "calls-clear";
    let chain = TestChain::new(1_024, 74);
    let mut session = Session::new(name, &chain, 1_023, None).await;
    // All are in line before the sync sees the first.
    let calls: Vec<_> = (0..=CLEAR_CALLS_MAX).map(|_| session.call(Call::Clear)).collect();
    let (refused, cleared) = calls.split_last().expect("calls");
    assert_eq!(session.while_it_runs(async |page| page.reply(*refused).await).await, Err("busy".into()));
    for call in cleared {
        assert_eq!(session.while_it_runs(async |page| page.reply(*call).await).await, Ok(JsValue::UNDEFINED));
    }
    assert_eq!(session.header(HeaderKey::Number(5)).await, None);
    let is_empty = |event: &JsValue| is_of(event, "progress") && number(event, "progress.stored") == 0;
    session.while_it_runs(async |page| page.event("an empty store", is_empty).await).await;
    session.stop().await;
    assert_eq!(IdbStore::connect(name).await.expect("opens").checkpoint().await, Ok(None));
}

#[wasm_bindgen_test]
async fn look_ups_beyond_those_that_may_wait_are_refused_and_the_others_answered() {
    let chain = TestChain::new(1_024, 75);
    let name = "calls-many";
    delete(name).await;
    let mut store = writer(name).await;
    for batch in rising_batches(&chain, 1_023) {
        store.persist(&batch).await.expect("stores");
    }
    let (mut page, port) = Page::new();
    let (calls, _commands) = mailbox();
    let reader = Reader::new(store, port, settings(name, &chain, None).target, calls);
    // 16 run, as many wait as the page may have calls, 20 are too many.
    let (run, refused) = (16, 20);
    let asked = run + CALLS_MAX + refused;
    (0..asked).for_each(|id| reader.header(id as f64, HeaderKey::Number(id as u64 % 1_024)));
    assert!(reader.is_busy());
    for id in 0..asked {
        let reply = page.reply(id as f64).await;
        if id < run + CALLS_MAX {
            assert_eq!(number(&reply.expect("found"), "number"), id as u64 % 1_024);
        } else {
            assert_eq!(reply, Err("busy".into()));
        }
    }
    assert_eq!((reader.is_busy(), reader.reads_begun()), (false, asked as u64));
    reader.header(-1.0, HeaderKey::Number(1));
    assert!(page.reply(-1.0).await.is_ok(), "there is room again");
}
