//! Combines the machine's progress and the address book into what the page receives. No I/O.

use header_rules::range::{BlockNumber, BlockRange};
use sorted::{SortedMap, sort_short_by};
use sync_core::{
    Checkpoint, StallReason,
    id::PeerId,
    progress::{self, PeerProgress, RangeState, SyncStage},
};

use crate::{
    error::stall_info,
    message::{BlockRef, ErrorInfo, PeerDialError, PeerInfo, Progress, RangeInfo, ServedInfo, SyncState, hex, number},
    network::peers::{AddressBook, Need, Peer, Worth},
};

/// Dial errors that a stall lists. The others are in the list of peers.
const DIAL_ERRORS_SHOWN_MAX: usize = 8;

/// Number of headers that a checkpoint covers.
pub fn headers_in(checkpoint: Option<&Checkpoint>) -> u64 {
    let runs = checkpoint.into_iter().flat_map(|checkpoint| &checkpoint.subchains);
    runs.map(|run| run.head.saturating_sub(run.tail).saturating_add(1)).fold(0, u64::saturating_add)
}

/// Size of the worker's wasm memory, in bytes.
pub fn wasm_memory_bytes() -> f64 {
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size::<0>();
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0;
    // A page of wasm memory is 64 KiB.
    (pages * 65_536) as f64
}

/// The worker's state, from the machine's progress.
fn state_of(progress: &progress::Progress) -> SyncState {
    match progress.stage {
        _ if progress.paused => SyncState::Paused,
        // The agreed target is stored, but the peers do not agree on a newer one.
        SyncStage::Synced if matches!(progress.stall, Some(StallReason::TipsDisagree { .. })) => SyncState::Stalled,
        SyncStage::Synced => SyncState::Synced,
        _ if progress.stall.is_some() => SyncState::Stalled,
        SyncStage::FindingPeers => SyncState::FindingPeers,
        SyncStage::ResolvingTarget => SyncState::ResolvingTarget,
        SyncStage::Headers => SyncState::Syncing,
    }
}

/// The machine's progress, with the peers from the address book. `in_store`: headers found in the store, shown while
/// the target is unknown.
pub fn running(progress: &progress::Progress, book: &AddressBook, in_store: u64) -> Progress {
    // Lists every field, so that a new one does not compile until it is sent or explicitly ignored here.
    let progress::Progress {
        stage: _,
        target,
        floor,
        total,
        stored,
        staged,
        percent,
        headers_per_second,
        bytes_received,
        bytes_per_second,
        eta,
        memory_bytes,
        ranges,
        peers: measured,
        stall,
        paused: _,
    } = progress;
    let state = state_of(progress);
    let stall = stall.as_ref().filter(|_| state == SyncState::Stalled);
    Progress {
        state,
        target: target.map(|target| BlockRef { number: number(target.number), hash: hex(target.hash) }),
        floor: number(*floor),
        total: number(*total),
        stored: number(if target.is_some() { *stored } else { in_store }),
        staged: number(*staged),
        percent: *percent,
        headers_per_second: *headers_per_second,
        bytes_received: number(*bytes_received),
        bytes_per_second: *bytes_per_second,
        eta_seconds: eta.map(|eta| eta.as_secs_f64()),
        memory_bytes: number(*memory_bytes),
        wasm_memory_bytes: wasm_memory_bytes(),
        ranges: ranges.iter().map(range).collect(),
        peers: peers(book, measured),
        stall: stall.map(|reason| explained(reason, book)),
    }
}

/// Progress while there is no machine: only the peers are known.
pub fn waiting(state: SyncState, stall: Option<&StallReason>, book: &AddressBook, in_store: u64) -> Progress {
    Progress {
        stored: number(in_store),
        peers: peers(book, &[]),
        stall: stall.map(|reason| explained(reason, book)),
        ..idle(state)
    }
}

/// The reason of a stall. If no peer is reached: with the dial errors.
fn explained(reason: &StallReason, book: &AddressBook) -> ErrorInfo {
    let mut info = stall_info(reason, book.no_peer(), |peer| book.name(peer));
    if info.code == "no-peers" {
        let shown = book.dial_errors().take(DIAL_ERRORS_SHOWN_MAX);
        let errors: Vec<_> = shown.map(|(peer, error)| PeerDialError::new(peer, error)).collect();
        if !errors.is_empty() {
            info.details.get_or_insert_default().dial_errors = Some(errors);
        }
    }
    info
}

/// How urgently the sync needs more peers than the connected ones. `floor`: lowest block that the page requests.
pub fn need(progress: &progress::Progress, floor: u64) -> Need {
    match (&progress.stall, progress.stage) {
        _ if progress.paused => Need::Nothing,
        // No peer can help here.
        (Some(StallReason::Store(_) | StallReason::WrongGenesis { .. } | StallReason::RollbackTooDeep { .. }), _) => {
            Need::Nothing
        }
        (Some(_), _) => Need::Urgent,
        (None, SyncStage::Synced) if progress.floor > floor => Need::Urgent,
        (None, SyncStage::Synced) => Need::Nothing,
        (None, _) => Need::More,
    }
}

/// Usefulness of each peer that the machine knows.
pub fn worth(progress: &progress::Progress, floor: u64) -> Vec<Worth> {
    let missing = |range: &&progress::RangeProgress| range.state != RangeState::Stored;
    let mut wanted: Vec<_> =
        progress.ranges.iter().filter(missing).map(|run| (run.range.first(), run.range.last())).collect();
    if let Some(StallReason::RangeUnavailable(range)) = &progress.stall {
        wanted = vec![(range.first(), range.last())];
    } else if progress.target.is_some() && progress.floor > floor {
        wanted.push((floor, progress.floor - 1));
    }
    let serves = |peer: &PeerProgress| {
        let PeerProgress { served, .. } = peer;
        progress.target.is_none()
            || wanted.iter().any(|(first, last)| served.earliest <= *last && served.latest >= *first)
    };
    let worth = |peer: &PeerProgress| Worth { peer: peer.peer, headers: peer.headers, serves_missing: serves(peer) };
    progress.peers.iter().map(worth).collect()
}

/// Progress of an idle worker.
pub fn idle(state: SyncState) -> Progress {
    Progress {
        state,
        target: None,
        floor: 0.0,
        total: 0.0,
        stored: 0.0,
        staged: 0.0,
        percent: 0.0,
        headers_per_second: 0.0,
        bytes_received: 0.0,
        bytes_per_second: 0.0,
        eta_seconds: None,
        memory_bytes: 0.0,
        wasm_memory_bytes: wasm_memory_bytes(),
        ranges: Vec::new(),
        peers: Vec::new(),
        stall: None,
    }
}

/// Every peer of the address book that is shown, with the machine's figures for it.
pub fn peers(book: &AddressBook, measured: &[PeerProgress]) -> Vec<PeerInfo> {
    let measured: SortedMap<PeerId, &PeerProgress> = measured.iter().map(|peer| (peer.peer, peer)).collect();
    let shown = book.iter().filter(|(_, peer)| peer.is_shown());
    shown.map(|(id, peer)| peer_info(peer, measured.get(&id).copied())).collect()
}

fn peer_info(peer: &Peer, measured: Option<&PeerProgress>) -> PeerInfo {
    // Lists every field, as in `running`: a new one does not compile until it is sent or explicitly ignored here.
    if let Some(PeerProgress {
        peer: _,
        connected: _,
        served: _,
        requests_in_flight: _,
        bytes_in_flight: _,
        window_bytes: _,
        round_trip: _,
        headers: _,
        bytes: _,
        faults: _,
        score: _,
        banned_for: _,
        other_branch_from: _,
    }) = measured
    {}
    let served = peer.status().map(|status| status.served).or(measured.map(|measured| measured.served));
    PeerInfo {
        id: peer.identity.to_string(),
        multiaddr: peer.multiaddr(),
        state: peer.state(),
        served: served.and_then(ServedInfo::new),
        requests_in_flight: measured.map_or(0.0, |peer| peer.requests_in_flight as f64),
        bytes_in_flight: measured.map_or(0.0, |peer| number(peer.bytes_in_flight)),
        window_bytes: measured.map_or(0.0, |peer| number(peer.window_bytes)),
        latency_ms: measured.and_then(|peer| peer.round_trip).map(|time| time.as_secs_f64() * 1_000.0),
        headers: measured.map_or(0.0, |peer| number(peer.headers)),
        bytes: measured.map_or(0.0, |peer| number(peer.bytes)),
        faults: measured.map_or(0.0, |peer| f64::from(peer.faults)),
        last_fault: peer.last_fault.clone(),
        last_dial_error: peer.last_dial_error.clone(),
        score: measured.map_or(100.0, |peer| f64::from(peer.score)),
        banned_for_seconds: measured.and_then(|peer| peer.banned_for).map(|time| time.as_secs_f64()),
        other_branch_from: measured.and_then(|peer| peer.other_branch_from).map(number),
    }
}

/// The ranges from `top` down to `floor`, from the checkpoint alone: stored, or unprocessed.
pub fn stored_ranges(checkpoint: Option<&Checkpoint>, floor: BlockNumber, top: BlockNumber) -> Vec<RangeInfo> {
    let Some(whole) = BlockRange::new(floor, top) else { return Vec::new() };
    let info = |range: BlockRange, state| RangeInfo { from: number(range.first()), to: number(range.last()), state };
    let runs = checkpoint.into_iter().flat_map(|checkpoint| &checkpoint.subchains);
    let stored = runs.filter_map(|run| run.range()?.intersection(whole));
    let missing = checkpoint.map_or_else(|| vec![whole], |checkpoint| checkpoint.missing_in(whole));
    let mut ranges: Vec<_> = stored.map(|range| info(range, "stored")).collect();
    ranges.extend(missing.into_iter().map(|range| info(range, "unprocessed")));
    sort_short_by(&mut ranges, |a, b| b.from.total_cmp(&a.from));
    ranges
}

fn range(range: &progress::RangeProgress) -> RangeInfo {
    RangeInfo {
        from: number(range.range.first()),
        to: number(range.range.last()),
        state: match range.state {
            RangeState::Unprocessed => "unprocessed",
            RangeState::Borrowed => "borrowed",
            RangeState::Staged => "staged",
            RangeState::Stored => "stored",
        },
    }
}
