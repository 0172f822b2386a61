//! Everything that may cross the port between the page and the worker, as types. `web/src/messages.ts` mirrors this file;
//! `message_types.rs` and `web/message-types/` compare the two.
//!
//! Page to worker ([`crate::port`] reads the envelope, the types here are its contents):
//!
//! ```text
//! { type: 'start', id, options: StartOptions, rtcPort: MessagePort }            -> reply: Started
//! { type: 'call', id, method: 'getHeader',  args: [number | hash] }             -> reply: StoredHeader | undefined
//! { type: 'call', id, method: 'getHeaders', args: [from, to] }                  -> reply: PackedHeaders | undefined
//! { type: 'call', id, method: 'peers' | 'stats', args: [] }                     -> reply: PeerInfo[] | Stats
//! { type: 'call', id, method: 'recording', args: [] }                           -> reply: Uint8Array | undefined
//! { type: 'call', id, method: 'addPeer',    args: [multiaddr] }                 -> reply: undefined
//! { type: 'call', id, method: 'addListedPeers', args: [multiaddr[]] }           -> reply: undefined
//! { type: 'call', id, method: 'pause' | 'resume' | 'stop' | 'clear', args: [] } -> reply: undefined
//! { type: 'hint', hint: 'online' | 'visible' | 'hidden' }                       -> no reply
//! ```
//!
//! Worker to page:
//!
//! ```text
//! { type: 'reply', id, ok: true, value } | { type: 'reply', id, ok: false, error: ErrorInfo }
//! { type: 'event', event: WorkerEvent }
//! ```
//!
//! Plain objects only. Block numbers and byte counts are JS numbers and never rounded (what a peer names above 2^53 - 1 is
//! absent, see [`exact`]); hashes are `0x` hex strings; header RLP is a transferred `Uint8Array`. Names of fields are camelCase;
//! a field whose value is absent is absent in the object.
//!
//! An attacker on the network reaches the page only through these types: texts are made here from typed values, and
//! what a peer chose freely (its addresses, its numbers) is bounded before it comes here.

mod event;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

pub use event::{
    PeerDialError, PeerInfo, PeerState, Progress, RangeInfo, RangeRef, ServedInfo, SyncState, WorkerEvent,
};

/// Largest block number or byte count that crosses the port: `Number.MAX_SAFE_INTEGER`.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Entries of a peer list that one message brings: four times what the address book takes, so that bad entries at the
/// front do not hide the good ones behind them.
pub const LISTED_PEERS_MAX: usize = 4 * crate::network::PEERS_MAX;

/// A figure of ours as a JS number: a count of bytes or headers, or a block number that the machine took, which is below
/// 2^48. None comes near [`NUMBER_MAX`]; what only a peer says goes through [`exact`].
pub fn number(value: u64) -> f64 {
    value.min(NUMBER_MAX) as f64
}

/// A number that a peer or the store chose, as a JS number; `None` where JavaScript would round it.
pub fn exact(value: u64) -> Option<f64> {
    (value <= NUMBER_MAX).then_some(value as f64)
}

/// A hash as the page writes it.
pub fn hex(hash: B256) -> String {
    hash.to_string()
}

/// What `start` brings.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct StartOptions {
    /// Which chain.
    pub chain: ChainOption,
    /// Multiaddresses of peers, `/ip4/../udp/../webrtc-direct/certhash/../p2p/..`; at most
    /// [`PEERS_MAX`](crate::network::PEERS_MAX).
    #[serde(default)]
    pub peers: Vec<String>,
    /// Multiaddresses out of a peer list, which nobody vouches for: one that cannot be used is skipped and named in a
    /// [`WorkerEvent::PeerSkipped`], and one that lies nearer to the browser than the page is not dialled
    /// ([`reach`](crate::network::reach)). At most [`LISTED_PEERS_MAX`].
    #[serde(default)]
    pub listed_peers: Vec<String>,
    /// Hash to sync down from; absent: the tip that the peers agree on.
    #[serde(default)]
    pub target: Option<String>,
    /// Fork times that override those of the package, as JSON text
    /// ([`ForkSchedule::overridden`](header_rules::chain::ForkSchedule::overridden)).
    #[serde(default)]
    pub forks: Option<String>,
    /// Where headers are kept.
    #[serde(default)]
    pub storage: StorageOption,
    /// Figures that a user need not know; tests and special networks do.
    #[serde(default)]
    pub tuning: Tuning,
    /// The page holds the sync: it does not begin before `resume`.
    #[serde(default)]
    pub paused: bool,
}

/// Which chain: the page turns names into ids.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct ChainOption {
    /// Chain id.
    pub id: u64,
    /// Hash of block 0. Not needed for a known network. For another one, and when absent here, block 0 is whatever the
    /// target descends from; pass it, or pin `target`, where that is not good enough.
    #[serde(default)]
    pub genesis: Option<String>,
}

/// Where headers are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct StorageOption {
    /// Name of the database; absent: `headlight-<chain id>`, with the first bytes of the genesis for an unknown chain.
    #[serde(default)]
    pub name: Option<String>,
}

/// Figures that a user need not know. Each absent one keeps its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// Peers that must name the same tip; default: 2, or the number of peers when there are fewer.
    /// Bounds of this and of the following: [`crate::options::FIGURES`].
    #[serde(default)]
    pub tip_quorum: Option<u64>,
    /// Lowest block to sync; default: 0, and on an unknown chain the lowest block that peers serve.
    #[serde(default)]
    pub floor: Option<u64>,
    /// Seed of all chance in the machine; default: random.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Milliseconds until a request counts as unanswered.
    #[serde(default)]
    pub request_timeout_ms: Option<u64>,
    /// Bytes of headers that may wait in memory.
    #[serde(default)]
    pub memory_bytes_max: Option<u64>,
    /// Milliseconds without a verified header until the sync counts as stalled.
    #[serde(default)]
    pub stall_ms: Option<u64>,
    /// Milliseconds that dialling a peer may take.
    #[serde(default)]
    pub dial_timeout_ms: Option<u64>,
    /// Bytes of the recording of the session; default: [`crate::options::RECORDING_BYTES_MAX`].
    #[serde(default)]
    pub recording_bytes_max: Option<u64>,
    /// `false`: stored segments are not audited in the background (benchmarks only).
    #[serde(default)]
    pub audit: Option<bool>,
}

/// One request of the page, once its arguments were read.
#[derive(Clone, Debug)]
pub enum Call {
    /// One stored header.
    GetHeader(HeaderKey),
    /// Stored headers from the first number on: one piece, the page asks again for the rest.
    GetHeaders {
        /// First number wanted.
        from: u64,
        /// Last number wanted.
        to: u64,
    },
    /// Every peer that is known.
    Peers,
    /// One more peer.
    AddPeer(String),
    /// Peers out of a peer list; at most [`LISTED_PEERS_MAX`]. Entries that cannot be used are skipped and named.
    AddListedPeers(Vec<String>),
    /// Send no request until `Resume`.
    Pause,
    /// Go on.
    Resume,
    /// Close everything and end the worker.
    Stop,
    /// Empty the store and sync again.
    Clear,
    /// Figures for tests and benchmarks.
    Stats,
    /// The recording of the session, for a report of a bug.
    Recording,
}

/// How the page names a block.
#[derive(Clone, Copy, Debug)]
pub enum HeaderKey {
    /// By its number.
    Number(u64),
    /// By its hash.
    Hash(B256),
}

/// What the page saw, and a worker cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The network is back (`online`).
    Online,
    /// The page is visible again (`visibilitychange`).
    Visible,
    /// It is not any more.
    Hidden,
}

/// Answer to `start`: the store is open.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Another tab writes this store; this one reads.
    pub follower: bool,
    /// Headers that an earlier run stored.
    pub stored: f64,
    /// Name of the database.
    pub storage: String,
}

/// One block by number and hash.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockRef {
    /// Its number.
    pub number: f64,
    /// Its hash.
    pub hash: String,
}

/// One stored header. `rlp: Uint8Array` is set beside these by [`crate::port`], its buffer transferred.
#[derive(Clone, Debug)]
pub struct StoredHeader {
    /// Its number.
    pub number: u64,
    /// Its hash, computed from `rlp`.
    pub hash: B256,
    /// As it came from the peer.
    pub rlp: bytes::Bytes,
    /// It is this session's target, or an ancestor of it.
    pub verified_under_target: bool,
}

impl StoredHeader {
    /// What the page calls the fields, in their order.
    pub const FIELDS: [&str; 4] = ["number", "hash", "rlp", "verifiedUnderTarget"];
}

/// Stored headers with consecutive numbers, rising, packed so that a thousand cost one message:
/// `{ first: number, lengths: Uint32Array, hashes: Uint8Array (32 bytes each), rlp: Uint8Array (all, end to end),
/// verifiedUnderTarget: boolean }`.
/// `first` may lie above the number that was asked for (a gap below it). All three buffers are transferred.
#[derive(Clone, Debug)]
pub struct PackedHeaders {
    /// Number of the first header.
    pub first: u64,
    /// Length of the RLP of each.
    pub lengths: Vec<u32>,
    /// Hashes, 32 bytes each, computed from the RLP.
    pub hashes: Vec<u8>,
    /// RLP of all, end to end.
    pub rlp: Vec<u8>,
    /// All are ancestors of this session's target (or it is the last of them), or none is.
    pub verified_under_target: bool,
}

impl PackedHeaders {
    /// What the page calls the fields, in their order.
    pub const FIELDS: [&str; 5] = ["first", "lengths", "hashes", "rlp", "verifiedUnderTarget"];
}

/// Figures for tests and benchmarks.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Size of the wasm memory; it never shrinks, so this is the peak.
    pub wasm_memory_bytes: f64,
    /// Bytes of headers that wait in memory.
    pub memory_bytes: f64,
    /// Bytes read from streams, all messages.
    pub wire_bytes_received: f64,
    /// Bytes written to streams.
    pub wire_bytes_sent: f64,
    /// Messages read.
    pub messages_received: f64,
    /// Requests sent.
    pub requests_sent: f64,
    /// Batches stored.
    pub batches_persisted: f64,
    /// Milliseconds that the store took for them, from hand-over to durable.
    pub persist_ms: f64,
    /// Milliseconds spent inside the machine (decode, hash, rules, plan).
    pub core_ms: f64,
    /// Times the driver gave way to the event loop in the middle of work.
    pub yields: f64,
    /// Segments that the background audit found sound.
    pub segments_audited: f64,
    /// Dials so far.
    pub dials: f64,
    /// Connections open now.
    pub connections: f64,
    /// Milliseconds from `start` to the open store.
    pub open_ms: f64,
}

/// What went wrong, as the page gets it: it throws `HeadlightError` with these.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInfo {
    /// Which of the codes of [`crate::error`].
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What it is about, where that is more than the sentence says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// Got, expected, and what else a program may want to read; only what applies is present.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The option or argument that it is about, as a path: `tuning.floor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What should have been there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The hash that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The multiaddress or peer that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiaddr: Option<String>,
    /// First number of the range that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// Last number of that range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<f64>,
    /// How many there must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<f64>,
    /// How many peers were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<f64>,
    /// Which tip each peer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tips: Option<Vec<TipRef>>,
    /// Why peers could not be dialled; the first few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_errors: Option<Vec<PeerDialError>>,
}

/// The tip that a peer names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TipRef {
    /// The peer's identity.
    pub peer: String,
    /// Number of its tip.
    pub number: f64,
    /// Hash of its tip.
    pub hash: String,
}
