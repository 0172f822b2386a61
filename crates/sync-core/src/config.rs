//! Every limit of the machine, by name: its unit, why it has this value, and what raising it costs.
//!
//! Two kinds. What a host may tune is a field of [`SyncConfig`]; what follows from the protocol or from the shape of
//! the code is a constant here. Nothing in this crate grows without one of these names on it.

mod bounded;

pub use bounded::ConfigError;

use core::time::Duration;

use header_rules::range::BlockNumber;

/// Headers in one request. The protocol refuses more (eth wire, `GetBlockHeaders`: 1,024).
pub const HEADERS_PER_REQUEST_MAX: u16 = 1_024;

/// Headers that a peer is asked for at once before anything is known of it; its window of bytes is smaller at first.
/// Between the 80 headers of 600 bytes that fit one response of 48 KiB and the 1,024 that the protocol allows.
pub const BATCH_HEADERS_START: u16 = 128;

/// Headers that are added after five whole responses. Twenty of them bring a peer back from one failure; raising it makes
/// the way down and up again more restless.
pub const BATCH_HEADERS_STEP: u16 = 16;

/// Failures of one range after which one more escalates it: it is then served before everything else, in ever smaller
/// parts.
pub const ESCALATE_AFTER: u32 = 5;

/// Bytes of a peer's address. A multiaddress with certificate hash and peer id has 180; raising it makes the table of
/// peers and the peer book longer.
pub const ADDRESS_BYTES_MAX: usize = 256;

/// Addresses that are banned at the same time; of more, the ban that ends first is dropped. Some 250 bytes each.
pub const BANNED_ADDRESSES_MAX: usize = 256;

/// Bytes of a peer book: every record at its longest, with room to spare.
pub const PEER_BOOK_BYTES_MAX: usize = 256 * 1024;

/// Peers in the report of a stall. Ten fit a screen; the event must stay small enough to be sent at once.
pub const PEER_HEALTH_MAX: usize = 16;

/// Peers that the machine remembers. Beyond it the one that is gone for longest is forgotten; raising it costs some
/// 300 bytes a peer and a longer list in each progress event.
pub const PEERS_MAX: usize = 256;

/// Runs in [`Progress::ranges`](crate::progress::Progress::ranges). A page draws a strip of some hundred pixels;
/// raising it costs 24 bytes a run in each of ten events a second.
pub const PROGRESS_RANGES_MAX: usize = 96;

/// Bytes of a header before any was measured: between the 508 of the first years and the 620 of a busy Prague block.
pub const HEADER_BYTES_ESTIMATE: u64 = 600;

/// Headers that [`HEADER_BYTES_ESTIMATE`] counts for in the mean length: few, so that the first response that is linked
/// decides on a chain with longer headers.
pub const HEADER_MEAN_WEIGHT_START: u64 = 16;

/// Headers over which the mean length runs. More follows a change slower (a fork adds 40 bytes at once); less lets a few
/// odd headers change the size of every request.
pub const HEADER_MEAN_WEIGHT_MAX: u64 = 1_024;

/// Mean length of a header at least, in bytes: what links it alone has some 50.
pub const HEADER_BYTES_MEAN_MIN: u64 = 64;

/// Mean length of a header at most, in bytes. Chains whose headers carry the seals of a hundred authorities have some
/// 8 KiB; more would let a request hold no two headers.
pub const HEADER_BYTES_MEAN_MAX: u64 = 16 * 1024;

/// A response takes at most so many times the memory that was reserved for it; what is longer is asked for again. Less
/// would cut honest responses where headers become longer.
pub const RESPONSE_OVER_RESERVE: u64 = 2;

/// A peer whose headers were linked holds at most this part of the memory: one half. A smaller part would keep a quick peer
/// from running ahead of a slow front.
pub const PEER_SHARE: u64 = 2;

/// A peer without linked headers holds at most this part of the memory: a sixteenth, some 2,500 headers.
pub const STRANGER_SHARE: u64 = 16;

/// All peers without linked headers together hold at most this part of the memory: a quarter.
pub const STRANGERS_SHARE: u64 = 4;

/// Requests in flight over all peers. The windows of the peers end it much earlier; it bounds the table of requests
/// when thousands of peers connect. Raising it costs some 200 bytes a request.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 512;

/// Requests cancelled or reassigned (deadline, steal) whose late response still teaches the round trip. Raising it
/// costs 40 bytes each.
pub const LATE_REQUESTS_MAX: usize = 256;

/// Peers on trial that have pieces at the same time, in flight or staged; one that failed counts for [`TRIAL_PAUSE`] more.
/// Each may cost one round trip at the front when it turns out to be of no use; fewer make a new peer wait longer until it
/// is asked for more.
pub const TRIALS_MAX: usize = 3;

/// Pieces, in flight or staged, of a peer without verified headers while no other peer is verified either. Two keep its
/// window full until the first is verified; more would let a quick peer fill the memory with useless responses.
pub const UNVERIFIED_PIECES_MAX: usize = 2;

/// Responses that are staged at the same time; beyond it only the front is asked for. Each may be linked, with an event, in
/// one go. Whole ones fill the memory before; more would let peers that send one header at a time make longer goes.
pub const STAGED_RUNS_MAX: usize = 1_024;

/// The same of a peer whose highest block lies under the front: what it sends waits until the anchor has come there. Some
/// 1.5 MB; more would leave less memory to the others.
pub const PIECES_BELOW_MAX: usize = 32;

/// Headers of a trial. More would say no more of the peer, and would be fetched twice when it fails.
pub const TRIAL_HEADERS_MAX: u64 = 32;

/// Time for which a failed trial keeps its place. With [`TRIALS_MAX`] it bounds how many new peers a second can delay
/// the sync.
pub const TRIAL_PAUSE: Duration = Duration::from_secs(2);

/// A trial lies so far in front of the anchor, in time, that a response within it holds up nothing. More lets a peer of no
/// use be found later.
pub const TRIAL_AHEAD: Duration = Duration::from_secs(1);

/// (range, peer) pairs remembered for back-off on one piece of the plan; beyond it the oldest goes. Peers that failed a
/// piece are few: it goes to another after each failure.
pub const FAILED_PEERS_PER_PIECE_MAX: usize = 8;

/// Runs of the checkpoint. Each interrupted sync with a new target above adds one; beyond it the shortest is dropped
/// and downloaded again, never the newest, the longest, or the one that reaches the floor. Raising it makes each
/// batch's checkpoint longer (80 bytes a run).
pub const SUBCHAINS_MAX: usize = 64;

/// Numbers in one [`Output::Lookup`](crate::Output::Lookup). Each may cost the host one segment (some 700 KB) to read
/// and verify; a seam needs two.
pub const LOOKUP_NUMBERS_MAX: usize = 8;

/// Stored headers that the machine keeps in mind, some 600 bytes each; a search compares one at a time.
pub const STORED_HEADERS_MAX: usize = 64;

/// Peers asked for each number of a search for the common ancestor. One honest among them is enough for the exact
/// ancestor; raising it costs a request of one header a peer and a number.
pub const ANCESTOR_PEERS_MAX: usize = 3;

/// Headers under the fork that are fetched by hash before the store is searched: one request. Most reorgs are shorter,
/// and then no peer's claim is needed to find the ancestor.
pub const ANCESTOR_VERIFY_START: u64 = 64;

/// The same when those were not enough: a dozen requests. Deeper reorgs are searched with peers' claims; raising it
/// costs that many headers in memory, twice downloaded, for each reorg deeper than [`ANCESTOR_VERIFY_START`].
pub const ANCESTOR_VERIFY_MAX: u64 = 1_024;

/// Bytes of headers that were compared in a search and wait to be stored: [`ANCESTOR_VERIFY_MAX`] of them with room to
/// spare. What does not fit is fetched again.
pub const COMPARED_BYTES_MAX: u64 = 1024 * 1024;

/// Time after which the target is chosen anew although its reorg was deeper than the window; doubles each time, up to
/// [`SyncConfig::cool_down`]. Shorter repeats the search more often where the store really is of another chain.
pub const TOO_DEEP_RETRY: Duration = Duration::from_secs(5);

/// Claims kept in a search, to find the peers whose claims were invalid. A search over a million blocks asks for 40
/// numbers; a peer with an invalid claim is banned, so that searches end. Raising it costs 48 bytes each.
pub const ANCESTOR_CLAIMS_MAX: usize = 512;

/// Time after which another peer is asked for a pinned target; the probe itself stays open longer. Shorter asks more
/// peers for the same header on slow links.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// A round of probes for a pinned target ends after this time although late peers were not asked; then each peer may be
/// asked again.
pub const PROBE_ROUND_MAX: Duration = Duration::from_secs(10);

/// Heights at which a peer's vote is remembered; peers that disagree name a few. Raising it costs 40 bytes each.
pub const VOTES_PER_PEER_MAX: usize = 32;

/// Peers in the claims of [`StallReason::TipsDisagree`](crate::StallReason::TipsDisagree). Raising it makes the report
/// longer (48 bytes each); more than a screen of claims is of no use to the user.
pub const TIP_CLAIMS_MAX: usize = 16;

/// Interval at which a peer's announcements are evaluated: which tip has a majority, and whether the peer is asked
/// again for what it did not have. The announced range is noted at once. Longer makes the sync follow a quick chain
/// later; shorter lets a peer that announces all the time cause more work and requests.
pub const ANNOUNCEMENTS_EVERY: Duration = Duration::from_millis(250);

/// Changes of the stall that are reported at once after a quiet time: [`Event::Stalled`](crate::Event::Stalled) with
/// its `PeerHealth`, or [`Event::Resumed`](crate::Event::Resumed). Raising it lets peers cause more events at once.
pub const STALL_EVENTS_BURST: u32 = 4;

/// Time between two such events when more changes come than that; the last state is always reported. Longer shows the
/// user an old state for longer.
pub const STALL_EVENTS_EVERY: Duration = Duration::from_millis(500);

/// Hashes remembered as invalid or as descendants of such. Raising it costs some 200 bytes each.
pub const INVALID_HASHES_MAX: usize = 512;

/// How a host tunes the machine. `SyncConfig::default()` is right for a browser tab. A figure that no sync can have (a floor
/// at or above [`BLOCK_NUMBER_END`](header_rules::range::BLOCK_NUMBER_END), no window, a least value over its greatest) is
/// taken as the nearest that one can; [`SyncConfig::validate`] names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SyncConfig {
    /// Seed of every random choice (which of two equal peers is asked first). The same seed and the same inputs give
    /// the same outputs.
    pub seed: u64,
    /// Connected peers that must name the same tip, for [`SyncTarget::PeersTip`](crate::SyncTarget::PeersTip). More
    /// than half of the connected peers must agree in any case. 1 trusts a lone peer's claim of where the chain ends
    /// (each header below is verified all the same); a host that knows several addresses should set 2 or more.
    pub tip_quorum: usize,
    /// Peers that the host is configured with, by distinct identity. A new session chooses no tip before more than half of
    /// them agree on it, or [`tip_settle`](Self::tip_settle) is over. 1 never waits.
    pub peers_expected: usize,
    /// How long after the first peer connected a new session waits for the others before it chooses a tip. Longer gives
    /// slow honest peers more time to vote before quick ones decide; a list of mostly dead peers waits for that time.
    pub tip_settle: Duration,
    /// Lowest number to sync. No peer's claim changes it, unless [`floor_may_rise`](Self::floor_may_rise).
    pub floor: BlockNumber,
    /// When no peer serves what is missing above `floor`, the lowest number that was verified becomes the floor, and
    /// the sync is done there. For chains whose lowest served number is unknown. `false`: the sync stalls with
    /// [`StallReason::RangeUnavailable`](crate::StallReason::RangeUnavailable) and names what is missing.
    pub floor_may_rise: bool,
    /// Headers in a window, the unit of storage, aligned. A multiple of a store's segment (1,024). More means fewer
    /// transactions (3 ms each when durable) and more memory (600 bytes a header) and more lost by a crash.
    pub window: u64,
    /// Batches cut and not yet durable. They are handed out one at a time, because a checkpoint speaks of all before it;
    /// the others wait. Each holds a window in memory.
    pub batches_in_flight_max: usize,
    /// Bytes of headers in memory: in flight (estimated), staged, collected, in batches. Six windows of 8,192 headers of
    /// 600 bytes are 29 MB. More lets fast peers run further ahead of a slow one; less makes them wait for it.
    pub staged_bytes_max: u64,
    /// Bytes of one response that the machine asks for. Peers cut a response at 48 KiB because longer ones overrun
    /// the receiver's UDP buffer (128 KiB in Chromium) and recovery takes seconds.
    pub request_bytes: u64,
    /// A peer's window at the start: bytes in flight.
    pub window_bytes_start: u64,
    /// A peer's window at least: one small request.
    pub window_bytes_min: u64,
    /// A peer's window at most. A receiver must buffer it: a data channel knows no back-pressure.
    pub window_bytes_max: u64,
    /// Requests in flight to one peer. Header peers bound their queue; small headers would otherwise fill it. Requests
    /// of one header (probe, vote, fork check, ancestor: one of each) and the piece at the front are sent beside them.
    pub requests_per_peer_max: usize,
    /// Deadline of a request before any round trip was measured.
    pub deadline_start: Duration,
    /// Fixed part of a deadline, beside three round trips. A deadline ends nothing but waiting: others are asked for the
    /// same, and twice as long without a byte is a fault. Less would take a transport that repairs a loss (seconds), a
    /// garbage collection or a busy tab for silence.
    pub deadline_min: Duration,
    /// Deadline at most. More lets a silent peer hold a range for longer.
    pub deadline_max: Duration,
    /// How long a peer stays banned. A ban for ever would end a sync whose only peer was repaired.
    pub ban: Duration,
    /// How long a peer on another branch is not asked for the numbers above the fork, and a stale one not asked by hash.
    pub cool_down: Duration,
    /// First pause after a peer failed a range, or failed at all; doubles with each failure.
    pub backoff_start: Duration,
    /// Longest such pause.
    pub backoff_max: Duration,
    /// Peers asked for a pinned target before the sync says that it is unavailable (it keeps asking).
    pub target_peers_asked_max: usize,
    /// Pause between two rounds of probes for a target that no peer had.
    pub target_retry: Duration,
    /// Pause before a batch that the store refused is handed out again; doubles with each refusal.
    pub persist_retry_start: Duration,
    /// Longest such pause. Short enough that freed storage is noticed while the user looks at the page.
    pub persist_retry_max: Duration,
    /// Time without peers until [`StallReason::NoPeers`](crate::StallReason::NoPeers), and for every other reason that has
    /// to do with peers.
    pub stall_after: Duration,
    /// Time without a verified header until [`StallReason::NoProgress`](crate::StallReason::NoProgress).
    pub no_progress_after: Duration,
    /// Time without a verified header after which a range counts as unavailable although peers claim to serve it: those
    /// peers did not respond, and others announce that they do not have it. Two deadlines of a peer without a measured
    /// round trip.
    pub claim_patience: Duration,
    /// Time without a verified header after which the verified ones are stored, although their window is not full.
    pub flush_after: Duration,
    /// How much longer than four round trips of a quicker peer the piece at the front may take before it is given to that
    /// peer. Everything received waits for this piece.
    pub steal_after: Duration,
    /// Blocks under a peer's announced tip within which an empty response is no fault: it may have lost them to a reorg.
    pub near_tip: u64,
    /// How many headers a reorg may revert of a chain that is stored down to the floor. A deeper one removes nothing
    /// and stalls ([`StallReason::RollbackTooDeep`](crate::StallReason::RollbackTooDeep)): 90,000 blocks are twelve
    /// days of mainnet, and no client of the field follows a reorg deeper than that (geth:
    /// `FullImmutabilityThreshold`); much more likely the target, or the store, belongs to another chain. `u64::MAX`
    /// allows any.
    pub rollback_window: u64,
    /// How late the host may poll before the time counts as sleep: responses of peers may wait unread.
    pub sleep_forgiven: Duration,
    /// Time between two progress events, whatever happens: a change of stage is in the next one.
    pub progress_every: Duration,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            tip_quorum: 1,
            peers_expected: 1,
            tip_settle: Duration::from_secs(5),
            floor: 0,
            floor_may_rise: false,
            window: 8_192,
            batches_in_flight_max: 2,
            staged_bytes_max: 24 * 1024 * 1024,
            request_bytes: 48 * 1024,
            window_bytes_start: 48 * 1024,
            window_bytes_min: 16 * 1024,
            window_bytes_max: 512 * 1024,
            requests_per_peer_max: 16,
            deadline_start: Duration::from_secs(5),
            deadline_min: Duration::from_secs(4),
            deadline_max: Duration::from_secs(20),
            ban: Duration::from_secs(600),
            cool_down: Duration::from_secs(120),
            backoff_start: Duration::from_millis(500),
            backoff_max: Duration::from_secs(16),
            target_peers_asked_max: 8,
            target_retry: Duration::from_secs(5),
            persist_retry_start: Duration::from_secs(1),
            persist_retry_max: Duration::from_secs(10),
            stall_after: Duration::from_secs(5),
            no_progress_after: Duration::from_secs(30),
            claim_patience: Duration::from_secs(10),
            flush_after: Duration::from_secs(3),
            steal_after: Duration::from_millis(1_500),
            near_tip: 64,
            rollback_window: 90_000,
            sleep_forgiven: Duration::from_millis(250),
            progress_every: Duration::from_millis(100),
        }
    }
}
