//! A stream: what arrives is queued and read in order, what is written waits for room, every end is noticed.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test, though not every function in it is marked as one")]

mod transport_page;

use std::{io, pin::pin};

use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
    future::{join, poll_fn, poll_immediate},
};
use libp2p_core::muxing::StreamMuxerExt;
use transport_page::{Channel, Connected, connect, object, soon};
use wasm_bindgen_test::*;
use webrtc_worker::{Connection, Stream, limits};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A stream that we open, and the channel below it.
async fn open(connected: &mut Connected) -> (Stream, Channel) {
    let Connected { page, connection, .. } = connected;
    let opening = poll_fn(|cx| connection.poll_outbound_unpin(cx));
    let (stream, channel) = soon("a stream", join(opening, page.open_channel())).await;
    (stream.expect("the page opened it"), channel)
}

/// Lets the connection do what it has to do.
async fn run(connection: &mut Connection) {
    assert!(poll_immediate(poll_fn(|cx| connection.poll_unpin(cx))).await.is_none(), "it is alive");
}

async fn read_error(stream: &mut Stream) -> io::ErrorKind {
    let mut bytes = [0; 16];
    soon("an error", stream.read(&mut bytes)).await.expect_err("no bytes are left").kind()
}

#[wasm_bindgen_test]
async fn many_messages_before_the_first_read() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    let sent: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    for part in sent.chunks(16_000) {
        channel.deliver_frame(part);
    }
    let mut got = vec![0; sent.len()];
    soon("all of it", stream.read_exact(&mut got)).await.unwrap();
    assert!(got == sent, "in order, once");
}

#[wasm_bindgen_test]
async fn closed_by_the_peer_is_read_to_the_end_first() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    channel.deliver_frame(b"one");
    channel.deliver_frame(b"two");
    channel.close_by_peer();
    let mut got = Vec::new();
    soon("the end of the stream", stream.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"onetwo");
}

#[wasm_bindgen_test]
async fn closing_wakes_a_reader_that_waits() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    let mut byte = [0];
    let mut reading = stream.read(&mut byte);
    assert!(poll_immediate(&mut reading).await.is_none());
    let close = async { channel.close_by_peer() };
    assert_eq!(soon("the end", join(reading, close)).await.0.unwrap(), 0);
}

#[wasm_bindgen_test]
async fn a_lost_connection_wakes_readers_after_what_is_left() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    channel.deliver_frame(b"last");
    connected.page.state(connected.id, "failed");
    connected.page.command("close").await;
    let mut bytes = [0; 16];
    assert_eq!(stream.read(&mut bytes).await.unwrap(), 4);
    assert_eq!(read_error(&mut stream).await, io::ErrorKind::ConnectionAborted);
    assert_eq!(
        stream.write_all(b"x").await.and(stream.flush().await).unwrap_err().kind(),
        io::ErrorKind::ConnectionAborted
    );
}

#[wasm_bindgen_test]
async fn a_flood_ends_the_stream_and_leaves_nothing() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    for _ in 0..=limits::INBOX_BYTES_MAX / 16_000 {
        channel.deliver_frame(&[7; 16_000]);
    }
    assert_eq!(read_error(&mut stream).await, io::ErrorKind::InvalidData);
    run(&mut connected.connection).await;
}

#[wasm_bindgen_test]
async fn text_and_garbage_end_the_stream() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    channel.event("onmessage", &object([("data", "text".into())]));
    assert_eq!(read_error(&mut stream).await, io::ErrorKind::InvalidData);

    let (mut stream, channel) = open(&mut connected).await;
    channel.deliver(&[0xFF; 64]);
    read_error(&mut stream).await;
    run(&mut connected.connection).await;
}

#[wasm_bindgen_test]
async fn a_writer_waits_for_room_and_goes_on_when_there_is_some() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n / 3) as u8).collect();
    let mut writing = pin!(async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    });
    let mut sent = Vec::new();
    let mut waits = 0;
    while poll_immediate(&mut writing).await.is_none() {
        let budget = limits::OUTBOX_BYTES_MAX..limits::OUTBOX_BYTES_MAX + limits::MESSAGE_BYTES_MAX as u32;
        assert!(budget.contains(&channel.buffered()), "waited at {}", channel.buffered());
        sent.append(&mut channel.sent());
        channel.drain();
        waits += 1;
    }
    assert_eq!(waits, bytes.len() / limits::OUTBOX_BYTES_MAX as usize);
    sent.append(&mut channel.sent());
    assert!(sent.iter().all(|message| message.len() <= limits::MESSAGE_BYTES_MAX));
    let total: usize = sent.iter().map(Vec::len).sum();
    assert!((bytes.len()..bytes.len() + 16 * sent.len()).contains(&total), "{total}");
}

#[wasm_bindgen_test]
async fn a_flush_does_not_wait_for_the_line() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    assert!(poll_immediate(stream.write_all(b"request")).await.is_some());
    assert!(poll_immediate(stream.flush()).await.is_some());
    assert!(channel.buffered() > 7, "nothing has left the browser yet");
    let sent = channel.sent();
    assert_eq!(sent.len(), 1, "one write, one message");
    assert!(sent[0].ends_with(b"request"));
}

#[wasm_bindgen_test]
async fn a_dropped_stream_is_reset_detached_and_closed() {
    let mut connected = connect().await;
    let (stream, channel) = open(&mut connected).await;
    drop(stream);
    run(&mut connected.connection).await;
    // Length 2, field 1 (flag): 2 (RESET).
    assert_eq!(channel.sent(), [[2, 0x08, 2]]);
    assert_eq!(channel.closes(), 1);
    assert!(!channel.has_handlers());
    channel.deliver(b"late");
    channel.close_by_peer();
}

#[wasm_bindgen_test]
async fn a_closed_stream_still_reads_and_is_closed_when_dropped() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    stream.close().await.unwrap();
    // Length 2, field 1 (flag): 0 (FIN).
    assert_eq!(channel.sent(), [[2, 0x08, 0]]);
    run(&mut connected.connection).await;
    assert_eq!(channel.closes(), 0);
    channel.deliver_frame(b"answer");
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"answer");
    drop(stream);
    run(&mut connected.connection).await;
    assert_eq!(channel.closes(), 1);
    assert!(channel.sent().is_empty());
}

#[wasm_bindgen_test]
async fn a_stream_dropped_inside_its_own_wake_up_harms_nobody() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    let waiting = async move {
        let mut byte = [0];
        let end = stream.read(&mut byte).await;
        drop(stream);
        end
    };
    let close = async { channel.close_by_peer() };
    assert_eq!(soon("the end", join(waiting, close)).await.0.unwrap(), 0);
    run(&mut connected.connection).await;
    assert!(!channel.has_handlers());
}

#[wasm_bindgen_test]
async fn a_channel_that_breaks_fails_its_stream_alone() {
    let mut connected = connect().await;
    let (mut stream, channel) = open(&mut connected).await;
    channel.fail("data-channel-failure");
    assert_eq!(read_error(&mut stream).await, io::ErrorKind::ConnectionReset);
    run(&mut connected.connection).await;
}

fn _is_a_stream(stream: Stream) -> impl AsyncRead + AsyncWrite + Send {
    stream
}
