//! The raw channel: the sync's own stream to the same peer, with nothing behind it.

use std::rc::Rc;

use futures::{StreamExt, channel::mpsc};
use header_wire::{GetBlockHeaders, HashOrNumber, Message, limits};
use libp2p_core::{Multiaddr, multiaddr::Protocol};
use sync_core::{PeerStatus, id::PeerId};
use web_sys::MessagePort;

use crate::{
    clock,
    network::{Counters, DIAL_TIMEOUT, EVENTS_MAX, NetworkEvent, Outgoing, SessionKey, conversation::Greeting, swarm},
};

/// Carries `headers` headers from the peer's tip down, and from the tip again when its chain is shorter. Returns bytes of
/// headers and milliseconds.
pub(super) async fn carry(
    rtc_port: MessagePort,
    multiaddr: &str,
    headers: u32,
    in_flight: u32,
) -> Result<(f64, f64), String> {
    let mut address: Multiaddr = multiaddr.parse().map_err(|_| "no multiaddress".to_owned())?;
    let Some(Protocol::P2p(identity)) = address.pop() else { return Err("no /p2p/ at the end".to_owned()) };
    let greeting = Rc::new(Greeting { chain_id: 0, genesis: None });
    let (sender, mut events) = mpsc::channel(EVENTS_MAX);
    let mut swarm = swarm::start(rtc_port, DIAL_TIMEOUT, greeting, sender, Rc::new(Counters::default()));
    swarm.dial(SessionKey { peer: PeerId(0), dial: 1 }, identity, vec![address]);

    let (status, mut outbox) = match events.next().await {
        Some(NetworkEvent::Ready { status, outbox, .. }) => (status, outbox),
        other => return Err(format!("not connected: {other:?}")),
    };
    let mut asker = Asker { status, next: status.served.latest, id: 0 };
    let begin = clock::now_ms();
    for _ in 0..in_flight {
        outbox.try_send(Outgoing::Message(asker.request())).map_err(|error| error.to_string())?;
    }
    let (mut carried, mut bytes) = (0_usize, 0_usize);
    while carried < headers as usize {
        match events.next().await {
            Some(NetworkEvent::Headers { headers, .. }) => {
                carried += headers.len();
                bytes += headers.iter().map(|header| header.len()).sum::<usize>();
                outbox.try_send(Outgoing::Message(asker.request())).map_err(|error| error.to_string())?;
            }
            Some(NetworkEvent::Range { .. }) => {}
            other => return Err(format!("ended after {carried} headers: {other:?}")),
        }
    }
    let milliseconds = clock::now_ms() - begin;
    drop(outbox);
    swarm.shut_down().await;
    Ok((bytes as f64, milliseconds))
}

/// Asks for one run after the other, falling, each as long as one default answer.
struct Asker {
    status: PeerStatus,
    next: u64,
    id: u64,
}

impl Asker {
    fn request(&mut self) -> Message {
        // The average of the generated chain, as a sync would measure it.
        let limit = (limits::RESPONSE_BYTES_DEFAULT / 600) as u64;
        let start = self.next;
        let lowest = self.status.served.earliest;
        self.next = if start < lowest + limit { self.status.served.latest } else { start - limit };
        self.id += 1;
        Message::GetBlockHeaders(GetBlockHeaders {
            request_id: self.id,
            start: HashOrNumber::Number(start),
            limit,
            skip: 0,
            reverse: true,
        })
    }
}
