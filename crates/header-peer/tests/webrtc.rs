//! The real listener against a real WebRTC client: a native one here, a browser in the end-to-end tests.
//!
//! The native client of libp2p-webrtc cannot read a data channel message over 8,192 bytes ("Short buffer"; it may send
//! 16,384), so the responses here fit into one. The browser tests read responses of 48 KiB.

mod support;

use std::time::Duration;

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use header_wire::{
    BlockHeaders, Decoder, ETH_VERSION, ForkId, GetBlockHeaders, HashOrNumber, Message, PROTOCOL, Status, encode,
    limits,
};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, Transport,
    core::muxing::StreamMuxerBox,
    identity::Keypair,
    multiaddr::Protocol,
    swarm::{self, SwarmEvent},
};
use libp2p_webrtc::tokio::Certificate;
use support::{Peer, data, folder};
use tokio::sync::Mutex;

/// Longer than any step here takes; only a broken peer reaches it.
const PATIENCE: Duration = Duration::from_secs(300);

/// The native client loses some of its own dials on a busy machine: if the listener's first message comes before the
/// dialler has opened its side of channel 0, webrtc-rs takes it for a channel of its own ("there already exists a
/// stream with identifier"), and libp2p-webrtc fails after ten seconds. So the client retries, and dials run one at a
/// time.
const DIALS_MAX: usize = 12;

/// Held during a dial.
static DIALLING: Mutex<()> = Mutex::const_new(());

/// Headers whose response fits into one message that the native client can read.
const HEADERS_READABLE: u64 = 11;

/// A stream to a peer, after the handshake.
struct Client {
    stream: swarm::Stream,
    decoder: Decoder,
    status: Status,
    next_id: u64,
}

impl Client {
    async fn connect(peer: &Peer) -> Self {
        let mut client = Self::open(peer.text("multiaddr").parse().expect("a multiaddr")).await;
        let Some(Message::Status(status)) = client.receive().await else { panic!("the status comes first") };
        client.status = status;
        let own = Status { earliest: 0, latest: 0, latest_hash: status.genesis, ..status };
        client.send(&Message::Status(own)).await;
        client
    }

    /// Dials and opens the stream, without the handshake.
    async fn open(address: Multiaddr) -> Self {
        for _ in 0..DIALS_MAX {
            match Self::dial(address.clone()).await {
                Ok(stream) => {
                    let status = Status {
                        version: ETH_VERSION,
                        network_id: 0,
                        genesis: B256::ZERO,
                        fork_id: ForkId::default(),
                        earliest: 0,
                        latest: 0,
                        latest_hash: B256::ZERO,
                    };
                    return Self { stream, decoder: Decoder::new(limits::MESSAGE_BYTES_MAX), status, next_id: 0 };
                }
                Err(error) => eprintln!("a dial was lost: {error:?}"),
            }
        }
        panic!("no stream after {DIALS_MAX} dials");
    }

    async fn dial(address: Multiaddr) -> Result<swarm::Stream, libp2p_stream::OpenStreamError> {
        let _one_at_a_time = DIALLING.lock().await;
        let key = Keypair::generate_ed25519();
        let certificate = Certificate::generate(&mut rand::rng()).expect("a certificate");
        let transport = libp2p_webrtc::tokio::Transport::new(key.clone(), certificate)
            .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
            .boxed();
        let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(PATIENCE);
        let streams = libp2p_stream::Behaviour::new();
        let mut control = streams.new_control();
        let mut swarm = Swarm::new(transport, streams, key.public().to_peer_id(), config);
        // The native transport dials from the socket that it listens on.
        swarm.listen_on("/ip4/127.0.0.1/udp/0/webrtc-direct".parse().expect("an address")).expect("a free port");
        while !matches!(swarm.select_next_some().await, SwarmEvent::NewListenAddr { .. }) {}

        let peer = peer_id(&address);
        swarm.dial(address).expect("an address to dial");
        let driver = async move { while swarm.next().await.is_some() {} };
        tokio::spawn(driver);
        let opening = control.open_stream(peer, StreamProtocol::new(PROTOCOL));
        within(opening).await
    }

    async fn send(&mut self, message: &Message) {
        self.stream.write_all(&encode(message)).await.expect("an open stream");
        self.stream.flush().await.expect("an open stream");
    }

    /// The next message; `None` if the peer has ended the stream.
    async fn receive(&mut self) -> Option<Message> {
        let mut chunk = [0; 8192];
        loop {
            if let Some(message) = self.decoder.next().expect("messages of the protocol") {
                return Some(message);
            }
            match within(self.stream.read(&mut chunk)).await {
                Ok(0) => return None,
                Err(error) => {
                    eprintln!("the stream broke: {error:?}");
                    return None;
                }
                Ok(read) => self.decoder.push(&chunk[..read]),
            }
        }
    }

    async fn ask(&mut self, start: HashOrNumber, limit: u64) -> u64 {
        self.next_id += 1;
        let request = GetBlockHeaders { request_id: self.next_id, start, limit, skip: 0, reverse: true };
        self.send(&Message::GetBlockHeaders(request)).await;
        self.next_id
    }

    /// The headers of the response to a falling request.
    async fn headers(&mut self, start: HashOrNumber, limit: u64) -> Vec<bytes::Bytes> {
        let asked = self.ask(start, limit).await;
        match self.receive().await {
            Some(Message::BlockHeaders(BlockHeaders { request_id, headers })) if request_id == asked => headers,
            other => panic!("no response to {asked}: {other:?}"),
        }
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

fn peer_id(address: &Multiaddr) -> PeerId {
    let peer = address.iter().find_map(|part| if let Protocol::P2p(peer) = part { Some(peer) } else { None });
    peer.expect("an address with /p2p/")
}

/// Parent hash, the first field.
fn parent_of(header: &[u8]) -> B256 {
    let mut outer = header;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut outer, true).expect("a list");
    B256::decode(&mut fields).expect("a hash")
}

/// Requests headers from the tip down, verifies each link, and returns all headers in rising order.
async fn sync(client: &mut Client) -> Vec<u8> {
    let (mut expected, mut left) = (client.status.latest_hash, client.status.latest - client.status.earliest + 1);
    let mut falling = Vec::new();
    while left > 0 {
        let headers = client.headers(HashOrNumber::Hash(expected), left.min(HEADERS_READABLE)).await;
        assert!(!headers.is_empty());
        for header in headers {
            assert_eq!(keccak256(&header), expected);
            expected = parent_of(&header);
            falling.push(header);
            left -= 1;
        }
    }
    falling.iter().rev().flatten().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_chain_syncs_to_its_genesis() {
    let peer = Peer::start(&["--generate", "3000", "--seed", "11"]);
    let mut client = within(Client::connect(&peer)).await;
    assert_eq!((client.status.network_id, client.status.latest), (1337, 2999));
    let synced = sync(&mut client).await;
    assert_eq!(synced, peer.get("/headers.bin").1);
    let stats = peer.json("/stats.json");
    assert_eq!((stats["connections"].as_u64(), stats["headersServed"].as_u64()), (Some(1), Some(3000)));
    assert_eq!(stats["bytesServed"].as_u64(), Some(synced.len() as u64));

    // A peer that stops closes its connections: the client does not wait for a timeout.
    let stopped = tokio::task::spawn_blocking(move || peer.stop("TERM"));
    assert_eq!(client.receive().await, None);
    assert_eq!(within(stopped).await.expect("no panic").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genesis_that_the_source_does_not_hold_is_said_to_be_unknown() {
    let whole = Peer::start(&["--generate", "60"]);
    let file = folder("upper").join("upper.headers.rlp");
    std::fs::write(&file, whole.get("/headers.bin?from=20&to=59").1).expect("a file for the test");
    let file = file.to_str().expect("text");

    for chain in ["1337", "7"] {
        let upper = Peer::start(&["--headers", file, "--chain", chain]);
        let client = within(Client::connect(&upper)).await;
        assert_eq!((client.status.earliest, client.status.known_genesis()), (20, None));
        assert_eq!(client.status.fork_id, ForkId::default());
        assert!(upper.ready.get("genesis").is_none(), "{}", upper.ready);
        assert!(upper.json("/peers.json").get("genesis").is_none());
    }
    // The table of networks has more forks than the file.
    let known = Peer::start(&["--headers", file, "--chain", "sepolia"]);
    let client = within(Client::connect(&known)).await;
    let sepolia = client.status.known_genesis().expect("a known network").to_string();
    assert!(sepolia.starts_with("0x25a5cc10") && known.text("genesis") == sepolia, "{sepolia}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_mainnet_syncs_to_its_genesis() {
    let Some(data) = data() else { return };
    let era1 = data.join("era1/mainnet-00000-5ec1ffb8.era1");
    let peer = Peer::start(&["--era1", era1.to_str().expect("text")]);
    let mut client = within(Client::connect(&peer)).await;
    assert_eq!((client.status.network_id, client.status.latest), (1, 8191));
    assert_eq!(client.status.fork_id, ForkId { hash: [0xfc, 0x64, 0xec, 0x04], next: 1_150_000 });
    assert_eq!(sync(&mut client).await, peer.get("/headers.bin").1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breach_ends_one_stream_and_no_other() {
    let peer = Peer::start(&["--generate", "50"]);
    let mut good = within(Client::connect(&peer)).await;

    let mut wrong_version = within(Client::open(peer.text("multiaddr").parse().expect("a multiaddr"))).await;
    wrong_version.send(&Message::Status(Status { version: 68, ..good.status })).await;
    assert!(matches!(wrong_version.receive().await, Some(Message::Status(_))));
    assert_eq!(wrong_version.receive().await, None);

    let mut twice = within(Client::connect(&peer)).await;
    twice.send(&Message::Status(twice.status)).await;
    assert_eq!(twice.receive().await, None);

    let mut greedy = within(Client::connect(&peer)).await;
    greedy.ask(HashOrNumber::Number(1), 1025).await;
    assert_eq!(greedy.receive().await, None);

    let mut garbage = within(Client::connect(&peer)).await;
    garbage.stream.write_all(&[2, 0x7f, 0xc0]).await.expect("an open stream");
    garbage.stream.flush().await.expect("an open stream");
    assert_eq!(garbage.receive().await, None);

    assert_eq!(good.headers(HashOrNumber::Number(49), 3).await.len(), 3);
    assert_eq!(good.headers(HashOrNumber::Hash(B256::ZERO), 3).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_streams_do_no_harm_when_nobody_reads_standard_error() {
    let peer = Peer::start_unheard(&["--generate", "50"]);
    for _ in 0..2 {
        let mut garbage = within(Client::connect(&peer)).await;
        garbage.stream.write_all(&[2, 0x7f, 0xc0]).await.expect("an open stream");
        garbage.stream.flush().await.expect("an open stream");
        assert_eq!(garbage.receive().await, None);
    }
    let mut good = within(Client::connect(&peer)).await;
    assert_eq!(good.headers(HashOrNumber::Number(49), 3).await.len(), 3);
    assert_eq!(peer.stop("TERM").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_p04_unknown_starts_and_equal_ids_are_all_answered_on_one_stream() {
    let peer = Peer::start(&["--generate", "50"]);
    let mut client = within(Client::connect(&peer)).await;
    for _ in 0..10 {
        assert_eq!(client.headers(HashOrNumber::Number(u64::MAX), 3).await.len(), 0);
    }
    assert_eq!(client.headers(HashOrNumber::Hash(B256::repeat_byte(9)), 3).await.len(), 0);
    let mut asked = Vec::new();
    for (request_id, number, limit) in [(0, 49, 1), (7, 40, 2), (7, 30, 3), (0, 20, 4)] {
        let start = HashOrNumber::Number(number);
        let request = GetBlockHeaders { request_id, start, limit, skip: 0, reverse: true };
        client.send(&Message::GetBlockHeaders(request)).await;
        asked.push((request_id, limit as usize));
    }
    let mut answered = Vec::new();
    for _ in 0..asked.len() {
        let Some(Message::BlockHeaders(response)) = client.receive().await else { panic!("each is answered") };
        answered.push((response.request_id, response.headers.len()));
    }
    asked.sort_unstable();
    answered.sort_unstable();
    assert_eq!(answered, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_lies_in_its_own_way() {
    let honest = Peer::start(&["--generate", "1200"]);
    let mut client = within(Client::connect(&honest)).await;
    let truth = client.headers(HashOrNumber::Number(1199), 10).await;
    let tip = HashOrNumber::Number(1199);

    for fault in ["flip-byte", "wrong-start", "short", "slow", "forked", "too-many", "silent"] {
        let liar = Peer::start(&["--generate", "1200", "--fault", fault]);
        let mut client = within(Client::connect(&liar)).await;
        if fault == "silent" {
            client.ask(tip, 10).await;
            let response = tokio::time::timeout(Duration::from_secs(2), client.receive()).await;
            assert!(response.is_err(), "{response:?}");
            assert_eq!(liar.json("/stats.json")["requests"], 1);
            continue;
        }
        let got = client.headers(tip, 10).await;
        match fault {
            "flip-byte" => {
                let wrong = got.iter().zip(&truth).filter(|(a, b)| a != b).count();
                assert_eq!((got.len(), wrong), (10, 1));
                assert_eq!(client.headers(tip, 10).await, truth, "the second response is true");
            }
            "wrong-start" => assert_eq!(got[..9], truth[1..]),
            "short" => assert_eq!(got, truth[..8]),
            "slow" => assert_eq!(got, truth),
            "too-many" => assert_eq!((&got[..10], got.len()), (&truth[..], 11)),
            "forked" => {
                assert_ne!(client.status.latest_hash, keccak256(&truth[0]));
                assert_eq!(keccak256(&got[0]), client.status.latest_hash);
                assert!(got.windows(2).all(|pair| parent_of(&pair[0]) == keccak256(&pair[1])));
                assert_eq!(liar.get("/headers.bin").1, honest.get("/headers.bin").1);
            }
            _ => unreachable!("a fault of the list above"),
        }
    }
}
