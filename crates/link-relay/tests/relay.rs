//! A relay between real sockets: packets arrive at the right socket, in time and in order.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use link_relay::{
    link::LinkConfig,
    loss::Loss,
    relay::{Relay, RelayConfig},
};

/// Longer than any step here takes; only a broken relay reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

const IDEAL: LinkConfig =
    LinkConfig { delay: Duration::ZERO, jitter: Duration::ZERO, rate: None, queue_bytes: 0, loss: Loss::None };

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

fn start(targets: &[&UdpSocket], up: LinkConfig, down: LinkConfig) -> Relay {
    let targets = targets.iter().map(|target| target.local_addr().expect("bound")).collect();
    let config = RelayConfig { targets, listen: Ipv4Addr::LOCALHOST.into(), up, down, seed: 1 };
    Relay::start(&config).expect("sockets and threads")
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2_048];
    let (len, from) = socket.recv_from(&mut buffer).expect("in time");
    (buffer[..len].to_vec(), from)
}

#[test]
fn each_client_has_a_flow_of_its_own_and_each_target_its_own_address() {
    let (one, two, clients) = (socket(), socket(), [socket(), socket(), socket()]);
    let relay = start(&[&one, &two], IDEAL, IDEAL);
    let [to_one, to_two] = relay.addresses() else { panic!("two addresses") };
    let mut flows = Vec::new();
    for (n, client) in clients.iter().enumerate() {
        for (target, address) in [(&one, to_one), (&two, to_two)] {
            client.send_to(&[n as u8, 7], address).expect("sent");
            let (payload, flow) = receive(target);
            assert_eq!(payload, [n as u8, 7]);
            target.send_to(&[n as u8, 8, 9], flow).expect("sent");
            assert_eq!(receive(client), (vec![n as u8, 8, 9], *address));
            flows.push(flow);
        }
    }
    flows.sort();
    flows.dedup();
    assert_eq!(flows.len(), 6);
    let counters = relay.counters();
    assert_eq!((counters.flows, counters.up.packets, counters.up.bytes), (6, 6, 12));
    assert_eq!((counters.down.packets, counters.down.bytes, counters.socket_drops), (6, 18, 0));
}

#[test]
fn the_delay_is_that_of_each_way() {
    let (target, client) = (socket(), socket());
    let delay = |ms| LinkConfig { delay: Duration::from_millis(ms), ..IDEAL };
    let relay = start(&[&target], delay(60), delay(90));
    let begin = Instant::now();
    client.send_to(b"there", relay.addresses()[0]).expect("sent");
    let (_, flow) = receive(&target);
    let there = begin.elapsed();
    target.send_to(b"back", flow).expect("sent");
    receive(&client);
    // Only the lower bound is checked: a packet must not arrive too early.
    assert!(there >= Duration::from_millis(60), "{there:?}");
    assert!(begin.elapsed() >= Duration::from_millis(150), "{:?}", begin.elapsed());
}

#[test]
fn packets_keep_their_order_and_what_does_not_arrive_is_counted() {
    let (target, client) = (socket(), socket());
    let loss = Loss::Bursts { rate: 0.1, length: 3.0 };
    let jitter = Duration::from_millis(5);
    let up = LinkConfig { jitter, rate: Some(1_000_000), queue_bytes: 30_000, loss, ..IDEAL };
    let relay = start(&[&target], up, IDEAL);
    let sent = 200_u32;
    for n in 0..sent {
        let mut payload = vec![0; 500];
        payload[..4].copy_from_slice(&n.to_be_bytes());
        client.send_to(&payload, relay.addresses()[0]).expect("sent");
    }
    let expected = loop {
        let up = relay.counters().up;
        if up.packets == u64::from(sent) {
            break up.packets - up.queue_drops - up.lost;
        }
        std::thread::yield_now();
    };
    let mut last = None;
    for _ in 0..expected {
        let (payload, _) = receive(&target);
        let n = u32::from_be_bytes(payload[..4].try_into().expect("four bytes"));
        assert!(last.is_none_or(|last| last < n), "{n} after {last:?}");
        last = Some(n);
    }
    let up = relay.counters().up;
    assert!(up.queue_drops > 0 && up.lost > 0, "{up:?}");
    assert_eq!((up.overflow, up.send_errors), (0, 0));
}

#[test]
fn two_flows_share_one_queue() {
    let (target, greedy, modest) = (socket(), socket(), socket());
    // Ten packets fill the queue, and a second passes before it is empty.
    let up = LinkConfig { rate: Some(10_280), queue_bytes: 10_280, ..IDEAL };
    let relay = start(&[&target], up, IDEAL);
    for _ in 0..30 {
        greedy.send_to(&[1; 1_000], relay.addresses()[0]).expect("sent");
    }
    while relay.counters().up.packets < 30 {
        std::thread::yield_now();
    }
    let before = relay.counters().up.queue_drops;
    modest.send_to(&[2; 1_000], relay.addresses()[0]).expect("sent");
    while relay.counters().up.packets < 31 {
        std::thread::yield_now();
    }
    assert!(before >= 19 && relay.counters().up.queue_drops > before, "{:?}", relay.counters());
}
