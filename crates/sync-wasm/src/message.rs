//! The types of every message between the page and the worker. `web/src/messages.ts` mirrors this file;
//! `message_types.rs` and `web/message-types/` compare the two.
//!
//! Page to worker ([`crate::port`] reads the envelope; the types here are its contents):
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
//! Plain objects only. Block numbers and byte counts are JS numbers and never rounded (a peer's number above 2^53 - 1
//! is absent, see [`exact`]); hashes are `0x` hex strings; header RLP is a transferred `Uint8Array`. Field names are
//! camelCase; a field without a value is absent in the object.
//!
//! An attacker on the network reaches the page only through these types: texts are formatted here from typed values,
//! and values that a peer chooses freely (its addresses, its numbers) are bounded before.

mod event;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

pub use event::{
    PeerDialError, PeerInfo, PeerState, Progress, RangeInfo, RangeRef, ServedInfo, SyncState, WorkerEvent,
};

/// Largest block number or byte count that crosses the port: `Number.MAX_SAFE_INTEGER`.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Entries of a peer list in one message: four times the capacity of the address book, so that bad entries at the
/// front do not displace good ones behind them.
pub const LISTED_PEERS_MAX: usize = 4 * crate::network::PEERS_MAX;

/// A number of our own as a JS number: a count of bytes or headers, or a block number that the machine accepted, which
/// is below 2^48. All are far below [`NUMBER_MAX`]; unverified numbers of a peer go through [`exact`].
pub fn number(value: u64) -> f64 {
    value.min(NUMBER_MAX) as f64
}

/// A number from a peer or the store, as a JS number; `None` if JavaScript would round it.
pub fn exact(value: u64) -> Option<f64> {
    (value <= NUMBER_MAX).then_some(value as f64)
}

/// A hash as `0x` and 64 hex digits.
pub fn hex(hash: B256) -> String {
    hash.to_string()
}

/// The options of `start`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct StartOptions {
    /// Chain id and genesis.
    pub chain: ChainOption,
    /// Multiaddresses of peers, `/ip4/../udp/../webrtc-direct/certhash/../p2p/..`; at most
    /// [`PEERS_MAX`](crate::network::PEERS_MAX).
    #[serde(default)]
    pub peers: Vec<String>,
    /// Multiaddresses of a peer list, which is untrusted: an unusable entry is skipped and reported in a
    /// [`WorkerEvent::PeerSkipped`]; an address nearer to the browser than the page is not dialled
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
    /// Where headers are stored.
    #[serde(default)]
    pub storage: StorageOption,
    /// Settings for tests and special networks.
    #[serde(default)]
    pub tuning: Tuning,
    /// Starts paused: the sync does not begin before `resume`.
    #[serde(default)]
    pub paused: bool,
}

/// The chain to sync; the page converts network names to ids.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct ChainOption {
    /// Chain id.
    pub id: u64,
    /// Hash of block 0. Not needed for a known network. For another one, if absent, any block 0 that the target
    /// descends from is accepted; pass the hash, or pin `target`, if that is not safe enough.
    #[serde(default)]
    pub genesis: Option<String>,
}

/// Where headers are stored.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct StorageOption {
    /// Name of the database; absent: `headlight-<chain id>`, with the first bytes of the genesis for an unknown chain.
    #[serde(default)]
    pub name: Option<String>,
}

/// Settings that most users do not need. An absent one has its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// Peers that must name the same tip; default: 2, or the number of peers when there are fewer.
    /// Bounds of this field and the following: [`crate::options::FIGURES`].
    #[serde(default)]
    pub tip_quorum: Option<u64>,
    /// Lowest block to sync; default: 0, and on an unknown chain the lowest block that peers serve.
    #[serde(default)]
    pub floor: Option<u64>,
    /// Seed of the machine's random numbers; default: random.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Milliseconds until a request times out.
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

/// A call of the page with parsed arguments.
#[derive(Clone, Debug)]
pub enum Call {
    /// One stored header.
    GetHeader(HeaderKey),
    /// One piece of stored headers, from the first number on; the page calls again for the rest.
    GetHeaders {
        /// First block number.
        from: u64,
        /// Last block number.
        to: u64,
    },
    /// Every known peer.
    Peers,
    /// Adds one peer.
    AddPeer(String),
    /// Adds peers of a peer list; at most [`LISTED_PEERS_MAX`]. Unusable entries are skipped and reported.
    AddListedPeers(Vec<String>),
    /// Send no request until `Resume`.
    Pause,
    /// Send requests again.
    Resume,
    /// Close everything and end the worker.
    Stop,
    /// Empty the store and sync again.
    Clear,
    /// Figures for tests and benchmarks.
    Stats,
    /// The recording of the session, for a bug report.
    Recording,
}

/// The argument of `getHeader`.
#[derive(Clone, Copy, Debug)]
pub enum HeaderKey {
    /// By number.
    Number(u64),
    /// By hash.
    Hash(B256),
}

/// Browser events that only the page receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The network is back (`online`).
    Online,
    /// The page is visible again (`visibilitychange`).
    Visible,
    /// The page is hidden.
    Hidden,
}

/// Reply to `start`: the store is open.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Another tab writes this store; this tab only reads.
    pub follower: bool,
    /// Number of headers that earlier sessions stored.
    pub stored: f64,
    /// Name of the database.
    pub storage: String,
}

/// One block by number and hash.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockRef {
    /// Block number, below 2^53.
    pub number: f64,
    /// Block hash, as `0x` and 64 hex digits.
    pub hash: String,
}

/// One stored header. [`crate::port`] sends `rlp` as a `Uint8Array` and transfers its buffer.
#[derive(Clone, Debug)]
pub struct StoredHeader {
    /// Block number.
    pub number: u64,
    /// Block hash, computed from `rlp`.
    pub hash: B256,
    /// RLP as received from the peer.
    pub rlp: bytes::Bytes,
    /// Whether it is this session's target or an ancestor of it.
    pub verified_under_target: bool,
}

impl StoredHeader {
    /// The page's names of the fields, in their order.
    pub const FIELDS: [&str; 4] = ["number", "hash", "rlp", "verifiedUnderTarget"];
}

/// Stored headers with consecutive, rising numbers, packed so that a thousand need only one message:
/// `{ first: number, lengths: Uint32Array, hashes: Uint8Array (32 bytes each), rlp: Uint8Array (all, end to end),
/// verifiedUnderTarget: boolean }`.
/// `first` may be above the requested number (a gap below it). All three buffers are transferred.
#[derive(Clone, Debug)]
pub struct PackedHeaders {
    /// Number of the first header.
    pub first: u64,
    /// RLP length of each header, in bytes.
    pub lengths: Vec<u32>,
    /// Hashes, 32 bytes each, computed from the RLP.
    pub hashes: Vec<u8>,
    /// RLP of all headers, end to end.
    pub rlp: Vec<u8>,
    /// `true`: the last header is this session's target or an ancestor of it, and so are all others. `false`: none is.
    pub verified_under_target: bool,
}

impl PackedHeaders {
    /// The page's names of the fields, in their order.
    pub const FIELDS: [&str; 5] = ["first", "lengths", "hashes", "rlp", "verifiedUnderTarget"];
}

/// Figures for tests and benchmarks.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Size of the wasm memory; it never shrinks, so this is the peak.
    pub wasm_memory_bytes: f64,
    /// Bytes of staged headers.
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
    /// Milliseconds that the store took for these batches, from hand-over to durable.
    pub persist_ms: f64,
    /// Milliseconds spent in the machine (decode, hash, rules, plan).
    pub core_ms: f64,
    /// Number of times that the driver yielded to the event loop during work.
    pub yields: f64,
    /// Segments that the background audit verified.
    pub segments_audited: f64,
    /// Number of dials.
    pub dials: f64,
    /// Number of open connections.
    pub connections: f64,
    /// Milliseconds from `start` to the open store.
    pub open_ms: f64,
}

/// An error for the page, which throws it as `HeadlightError`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInfo {
    /// One of the codes of [`crate::error`].
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// Details that `message` does not contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// Details of an error, for programs; only the fields that apply are present.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Path of the option or argument: `tuning.floor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The actual value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// The expected value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Hash of the block or genesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The multiaddress or peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiaddr: Option<String>,
    /// First block number of the range, or the block number of a single header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// Last block number of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Votes for the tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<f64>,
    /// Votes that the tip needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<f64>,
    /// Number of peers that were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<f64>,
    /// The tip that each peer claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tips: Option<Vec<TipRef>>,
    /// Dial errors; the first few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_errors: Option<Vec<PeerDialError>>,
}

/// The tip that a peer claims.
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
