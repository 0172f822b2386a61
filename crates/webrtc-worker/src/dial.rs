//! One dial: from the address to a connection with a verified peer.
//!
//! ```text
//!  page: RTCPeerConnection, channel 0, offer
//!  here: offer with our ufrag; answer made from the address         (no message to the peer so far)
//!  page: both descriptions set: ICE, DTLS (the certificate is checked against the address), SCTP
//!  here: channel 0 opens; Noise over it, bound to both certificates: who is it?
//! ```

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, select},
};
use libp2p_identity::{Keypair, PeerId};
use libp2p_webrtc_utils::{noise, sdp::random_ufrag};
use send_wrapper::SendWrapper;

use crate::{
    Broker, BrokerError, Connection, DialAddress, Error,
    config::Config,
    connection::{ended, timeout},
    message::{Command, shorten},
    sdp,
    stream::Stream,
};

/// A dial in progress. Dropping it frees the page's connection.
pub struct Dial {
    // libp2p wants `Send`; a worker has one thread.
    future: SendWrapper<LocalBoxFuture<'static, <Self as Future>::Output>>,
}

impl Dial {
    pub(crate) fn new(broker: Broker, keypair: Keypair, address: DialAddress, config: Config) -> Self {
        let future = async move {
            let limit = config.dial_timeout;
            match select(Box::pin(dial(broker, keypair, address, config)), timeout(limit)).await {
                Either::Left((result, _)) => result,
                Either::Right(((), _)) => Err(Error::DialTimeout(limit)),
            }
        };
        Self { future: SendWrapper::new(future.boxed_local()) }
    }
}

impl Future for Dial {
    type Output = Result<(PeerId, Connection), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.poll_unpin(cx)
    }
}

async fn dial(
    broker: Broker,
    keypair: Keypair,
    address: DialAddress,
    config: Config,
) -> Result<(PeerId, Connection), Error> {
    let missing = |what: &str| BrokerError::Protocol(format!("result without {what}"));
    let link = broker.link()?;
    let reply = link.ask(Command::Open).await?;
    let offer = reply.offer.ok_or_else(|| missing("an offer"))?;
    let handshake = reply.channel.ok_or_else(|| missing("a channel"))?;

    let ours = sdp::fingerprint(&offer)?;
    let ufrag = random_ufrag();
    let offer = sdp::munge_offer(&offer, &ufrag)?;
    let answer = sdp::answer(address.socket, address.fingerprint, &ufrag);
    link.ask(Command::Negotiate { offer: &offer, answer: &answer }).await?;
    handshake.opened().await.map_err(|end| ended(&link, end))?;

    // This stream needs no reset: it is closed in the handshake, or with the connection.
    let (stream, _listener) = Stream::new(handshake.clone());
    let peer =
        noise::outbound(keypair, stream, address.fingerprint, ours).await.map_err(|error| match link.ended() {
            Some(reason) => reason.into(),
            None => Error::Noise(shorten(&error.to_string())),
        })?;
    handshake.stop_reading();
    match address.peer {
        Some(expected) if expected != peer => Err(Error::PeerId { expected, got: peer }),
        _ => Ok((peer, Connection::new(link, handshake, config))),
    }
}
