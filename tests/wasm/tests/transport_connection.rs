//! A connection: how it ends, who is told, and what a peer may open.
#![cfg(target_arch = "wasm32")]

mod transport_page;

use std::pin::pin;

use futures::{
    AsyncReadExt,
    future::{join, poll_fn, poll_immediate},
};
use gloo_timers::future::TimeoutFuture;
use libp2p_core::muxing::StreamMuxerExt;
use transport_page::{Channel, connect, object, quick, soon};
use wasm_bindgen_test::*;
use webrtc_worker::{BrokerError, Connection, EndReason, Error};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn end(connection: &mut Connection) -> Error {
    soon("the end", poll_fn(|cx| connection.poll_unpin(cx))).await.expect_err("it reports nothing else")
}

#[wasm_bindgen_test]
async fn failed_and_closed_end_it_once_and_the_page_is_told() {
    for (state, reason) in [("failed", EndReason::Failed), ("closed", EndReason::Closed)] {
        let mut connected = connect().await;
        assert!(poll_immediate(poll_fn(|cx| connected.connection.poll_unpin(cx))).await.is_none());
        connected.page.state(connected.id, state);
        assert_eq!(end(&mut connected.connection).await, Error::Ended(reason.clone()));
        connected.page.command("close").await;
        let outbound = soon("a refusal", poll_fn(|cx| connected.connection.poll_outbound_unpin(cx))).await;
        assert_eq!(outbound.err(), Some(Error::Ended(reason.clone())));
        let inbound = soon("a refusal", poll_fn(|cx| connected.connection.poll_inbound_unpin(cx))).await;
        assert_eq!(inbound.err(), Some(Error::Ended(reason)));
    }
}

#[wasm_bindgen_test]
async fn disconnected_may_come_back() {
    let mut connected = connect().await;
    connected.page.state(connected.id, "disconnected");
    connected.page.state(connected.id, "connected");
    let longer = TimeoutFuture::new(2 * quick().disconnected_max.as_millis() as u32);
    let mut ended = pin!(poll_fn(|cx| connected.connection.poll_unpin(cx)));
    assert!(matches!(futures::future::select(&mut ended, longer).await, futures::future::Either::Right(_)));
}

#[wasm_bindgen_test]
async fn disconnected_for_too_long_is_the_end() {
    let mut connected = connect().await;
    connected.page.state(connected.id, "disconnected");
    assert_eq!(end(&mut connected.connection).await, Error::Ended(EndReason::Silent));
    connected.page.command("close").await;
}

#[wasm_bindgen_test]
async fn an_aborted_association_is_noticed_without_any_stream() {
    let mut connected = connect().await;
    connected.handshake.fail("sctp-failure");
    assert_eq!(end(&mut connected.connection).await, Error::Ended(EndReason::Aborted));
    connected.page.command("close").await;
}

#[wasm_bindgen_test]
async fn a_channel_that_does_not_open_in_time_ends_it() {
    let mut connected = connect().await;
    let opening = poll_fn(|cx| connected.connection.poll_outbound_unpin(cx));
    let page = async {
        let command = connected.page.command("channel").await;
        let channel = Channel::new();
        connected.page.hand_over(command.connection, command.request, &channel);
        connected.page.done(&command);
        channel
    };
    let (opened, channel) = soon("the deadline", join(opening, page)).await;
    assert_eq!(opened.err(), Some(Error::ChannelTimeout(quick().channel_open_timeout)));
    assert_eq!(end(&mut connected.connection).await, Error::Ended(EndReason::ChannelTimeout));
    assert_eq!(channel.closes(), 1);
}

#[wasm_bindgen_test]
async fn a_channel_that_the_page_refuses_fails_that_stream_alone() {
    let mut connected = connect().await;
    let opening = poll_fn(|cx| connected.connection.poll_outbound_unpin(cx));
    let page = async {
        let command = connected.page.command("channel").await;
        connected.page.refuse(&command, "limit", "too many");
    };
    let (opened, ()) = soon("the refusal", join(opening, page)).await;
    assert_eq!(opened.err(), Some(Error::Broker(BrokerError::Limit("too many".to_owned()))));
    assert!(poll_immediate(poll_fn(|cx| connected.connection.poll_unpin(cx))).await.is_none());
}

#[wasm_bindgen_test]
async fn a_peer_that_opens_too_many_channels_is_named_as_that() {
    let mut connected = connect().await;
    let opening = poll_fn(|cx| connected.connection.poll_outbound_unpin(cx));
    let (stream, _channel) = soon("a stream", join(opening, connected.page.open_channel())).await;
    let mut stream = stream.expect("the page opened it");
    connected.page.say(&object([
        ("type", "state".into()),
        ("connection", connected.id.into()),
        ("state", "failed".into()),
        ("cause", "channels".into()),
    ]));
    let ended = end(&mut connected.connection).await;
    assert!(matches!(ended, Error::Ended(EndReason::Breach(_))), "{ended:?}");
    let read = soon("an error", stream.read(&mut [0])).await.expect_err("ended");
    assert_eq!(
        read.kind(),
        std::io::ErrorKind::InvalidData,
        "a session must be able to tell it from a lost connection"
    );
}

#[wasm_bindgen_test]
async fn a_channel_for_a_connection_that_is_gone_is_closed() {
    let connected = connect().await;
    drop(connected.connection);
    let late = Channel::new();
    connected.page.hand_over(connected.id, Some(99), &late);
    assert_eq!(late.closes(), 1);
    assert!(!late.has_handlers());
}

#[wasm_bindgen_test]
async fn the_page_goes_away() {
    let mut connected = connect().await;
    connected.page.say(&object([("type", "broken".into()), ("message", "gone".into())]));
    let gone = BrokerError::Protocol("gone".to_owned());
    assert_eq!(end(&mut connected.connection).await, Error::Broker(gone));
}
