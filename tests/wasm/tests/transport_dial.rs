//! A dial: what the page is asked, in which order, and what each failure becomes.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test, though not every function in it is marked as one")]

mod transport_page;

use std::time::Duration;

use libp2p_core::{
    Endpoint, Transport as _,
    transport::{DialOpts, PortUse, TransportError},
};
use libp2p_identity::{Keypair, PeerId};
use transport_page::{Channel, Page, address, connect, dial, object, offer, quick, soon, try_connect};
use wasm_bindgen_test::*;
use webrtc_worker::{AddressError, BrokerError, Config, EndReason, Error, Transport, limits};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn line<'a>(sdp: &'a str, name: &str) -> &'a str {
    sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {sdp}"))
}

#[wasm_bindgen_test]
async fn the_whole_handshake() {
    let connected = connect().await;
    let (offer, answer) = (connected.negotiated.text("offer"), connected.negotiated.text("answer"));
    let ufrag = line(&offer, "a=ice-ufrag:");
    assert!(ufrag.starts_with("libp2p+webrtc+v1/") && ufrag.len() > 40, "{ufrag}");
    for same in [line(&offer, "a=ice-pwd:"), line(&answer, "a=ice-ufrag:"), line(&answer, "a=ice-pwd:")] {
        assert_eq!(same, ufrag);
    }
    assert!(line(&answer, "a=fingerprint:").starts_with("sha-256 3C:3C"), "{answer}");
    assert!(answer.contains(" 192.0.2.7 4242 "), "{answer}");
    assert!(offer.contains("a=setup:actpass"), "all else stays: {offer}");
}

#[wasm_bindgen_test]
async fn a_dropped_connection_is_freed_by_the_page_and_nothing_stays_attached() {
    let mut connected = connect().await;
    assert!(connected.handshake.has_handlers());
    assert_eq!(connected.broker.connections(), 1);
    drop(connected.connection);
    assert_eq!(connected.page.command("close").await.connection, connected.id);
    assert!(!connected.handshake.has_handlers());
    assert_eq!(connected.handshake.closes(), 1);
    assert_eq!(connected.broker.connections(), 0);
    connected.handshake.deliver(b"too late");
}

#[wasm_bindgen_test]
async fn somebody_else_answers() {
    let expected = PeerId::random();
    let keypair = Keypair::generate_ed25519();
    let got = keypair.public().to_peer_id();
    assert_eq!(try_connect(expected, keypair).await.err(), Some(Error::PeerId { expected, got }));
}

#[wasm_bindgen_test]
async fn each_refusal_of_the_page_is_typed() {
    for (code, expected) in [
        ("unsupported", BrokerError::Unsupported("why".to_owned())),
        ("limit", BrokerError::Limit("why".to_owned())),
        ("rtc", BrokerError::Rtc("why".to_owned())),
        ("closed", BrokerError::Closed),
        ("never heard of", BrokerError::Protocol("why".to_owned())),
    ] {
        let (mut page, broker) = Page::new();
        let dialling = dial(broker, &address(PeerId::random()), quick());
        let answering = async {
            let open = page.command("open").await;
            page.refuse(&open, code, "why");
            page.command("close").await;
        };
        let (result, ()) = soon("the refusal", futures::future::join(dialling, answering)).await;
        assert_eq!(result.err(), Some(Error::Broker(expected)));
    }
}

#[wasm_bindgen_test]
async fn an_offer_that_is_none_fails_the_dial() {
    let (mut page, broker) = Page::new();
    let dialling = dial(broker, &address(PeerId::random()), quick());
    let answering = async {
        let open = page.command("open").await;
        page.hand_over(open.connection, open.request, &Channel::new());
        page.offer(&open, "v=0\r\n");
    };
    let (result, ()) = soon("the refusal", futures::future::join(dialling, answering)).await;
    assert!(matches!(result, Err(Error::Sdp(_))), "{:?}", result.err());
}

#[wasm_bindgen_test]
async fn a_page_that_never_answers_ends_in_a_timeout_and_is_told() {
    let (mut page, broker) = Page::new();
    let dial_timeout = Duration::from_millis(50);
    let result =
        soon("the deadline", dial(broker.clone(), &address(PeerId::random()), Config { dial_timeout, ..quick() }))
            .await;
    assert_eq!(result.err(), Some(Error::DialTimeout(dial_timeout)));
    let open = page.command("open").await;
    assert_eq!(page.command("close").await.connection, open.connection);
    assert_eq!(broker.connections(), 0);
    // What comes now finds nobody, and is closed.
    let late = Channel::new();
    page.hand_over(open.connection, open.request, &late);
    page.offer(&open, &offer());
    assert_eq!(late.closes(), 1);
}

#[wasm_bindgen_test]
async fn a_connection_that_fails_while_it_is_made() {
    for (cause, reason) in [(None, EndReason::Failed), (Some("dtls"), EndReason::Certificate)] {
        let (mut page, broker) = Page::new();
        let dialling = dial(broker, &address(PeerId::random()), quick());
        let answering = async {
            let open = page.command("open").await;
            page.hand_over(open.connection, open.request, &Channel::new());
            page.offer(&open, &offer());
            let negotiate = page.command("negotiate").await;
            page.done(&negotiate);
            page.state(open.connection, "connecting");
            page.say(&object([
                ("type", "state".into()),
                ("connection", open.connection.into()),
                ("state", "failed".into()),
                ("cause", cause.map_or(wasm_bindgen::JsValue::UNDEFINED, Into::into)),
            ]));
        };
        let (result, ()) = soon("the failure", futures::future::join(dialling, answering)).await;
        assert_eq!(result.err(), Some(Error::Ended(reason)));
    }
}

#[wasm_bindgen_test]
async fn nonsense_from_the_page_ends_everything_with_a_reason() {
    for nonsense in [
        object([("type", "what".into())]),
        object([("type", "result".into()), ("request", (-1).into()), ("ok", true.into())]),
        object([("type", "state".into()), ("connection", 0.into()), ("state", "splendid".into())]),
        object([("type", "channel".into()), ("connection", 0.into()), ("channel", "none".into())]),
        object([("type", "broken".into()), ("message", "unknown command".into())]),
        wasm_bindgen::JsValue::NULL,
    ] {
        let (mut page, broker) = Page::new();
        let dialling = dial(broker.clone(), &address(PeerId::random()), quick());
        let answering = async {
            page.command("open").await;
            page.say(&nonsense);
        };
        let (result, ()) = soon("the end", futures::future::join(dialling, answering)).await;
        assert!(matches!(result, Err(Error::Broker(BrokerError::Protocol(_)))), "{nonsense:?}: {:?}", result.err());
        let again = soon("the second dial", dial(broker, &address(PeerId::random()), quick())).await;
        assert!(matches!(again, Err(Error::Broker(BrokerError::Protocol(_)))), "{nonsense:?}");
    }
}

#[wasm_bindgen_test]
async fn more_connections_than_the_limit_are_refused_and_room_comes_back() {
    let (_page, broker) = Page::new();
    let start = || dial(broker.clone(), &address(PeerId::random()), quick());
    let mut dials: Vec<_> = (0..limits::CONNECTIONS_MAX).map(|_| start()).collect();
    for dial in &mut dials {
        assert!(futures::future::poll_immediate(dial).await.is_none());
    }
    assert_eq!(broker.connections(), limits::CONNECTIONS_MAX);
    let refused = soon("the refusal", start()).await;
    assert!(matches!(refused, Err(Error::Broker(BrokerError::Limit(_)))), "{:?}", refused.err());
    dials.pop();
    assert!(futures::future::poll_immediate(&mut start()).await.is_none());
}

#[wasm_bindgen_test]
fn an_address_of_another_transport_is_left_to_it_and_a_bad_one_of_ours_is_an_error() {
    let (_page, broker) = Page::new();
    let mut transport = Transport::new(&Keypair::generate_ed25519(), broker, Config::default());
    let mut refusal = |address: &str| {
        let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::Reuse };
        transport.dial(address.parse().unwrap(), opts).err().expect("refused")
    };
    assert!(matches!(refusal("/ip4/192.0.2.7/udp/1/quic-v1/webtransport"), TransportError::MultiaddrNotSupported(_)));
    let error = refusal("/ip4/192.0.2.7/udp/1/webrtc-direct");
    assert!(matches!(error, TransportError::Other(Error::Address(AddressError::NoCertHash))), "{error:?}");
}
