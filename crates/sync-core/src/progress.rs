//! Progress of the sync, as one plain value that a page can draw.
//!
//! Every figure is measured: rates are taken over a sliding window, the ETA is the remaining headers divided by the
//! rate, and both are absent until there is a rate.

mod rate;

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use alloy_primitives::B256;

use crate::{
    fault::StoreFailure,
    headers::{Failures, escalation},
    id::PeerId,
};
use header_rules::{
    block::{BlockNumHash, ServedRange},
    range::{BlockNumber, BlockRange},
    rules::{RuleViolation, UnknownFork},
};
use sorted::sort_long_by;

pub use rate::{Meter, RATE_WINDOW, eta};

/// What the machine is doing, in the order of a sync's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStage {
    /// Waits for peers.
    FindingPeers,
    /// Asks what the target is.
    ResolvingTarget,
    /// Downloads, verifies and stores.
    Headers,
    /// Everything from the floor to the target is stored.
    Synced,
}

/// Where a run of numbers stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeState {
    /// Not requested yet.
    Unprocessed,
    /// A peer was asked for it.
    Borrowed,
    /// Received, or verified and waiting for its window to fill.
    Staged,
    /// In the store.
    Stored,
}

/// One run of the strip that a page draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeProgress {
    /// Which numbers.
    pub range: BlockRange,
    /// Where they stand.
    pub state: RangeState,
}

/// One peer, as the machine sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerProgress {
    /// Its id.
    pub peer: PeerId,
    /// Is it connected?
    pub connected: bool,
    /// What it says it serves.
    pub served: ServedRange,
    /// Requests in flight.
    pub requests_in_flight: usize,
    /// Bytes asked for and not yet received (estimated from the size of earlier headers).
    pub bytes_in_flight: u64,
    /// Its window: how many bytes may be in flight.
    pub window_bytes: u64,
    /// Smoothed time from request to response.
    pub round_trip: Option<Duration>,
    /// Headers of this peer that were verified.
    pub headers: u64,
    /// Bytes of headers received from it.
    pub bytes: u64,
    /// Faults so far.
    pub faults: u32,
    /// 0 (banned) to 100 (no fault).
    pub score: u8,
    /// Is it banned, and for how much longer?
    pub banned_for: Option<Duration>,
    /// From this number up it has another branch, so it is not asked by number there for a while
    /// ([`SyncConfig::cool_down`](crate::SyncConfig::cool_down)). No fault: a reorg reaches peers at different moments.
    pub other_branch_from: Option<BlockNumber>,
}

/// The tip that one peer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipClaim {
    /// The peer that names it.
    pub peer: PeerId,
    /// The tip. In a vote on a number: the block that the peer has there.
    pub tip: BlockNumHash,
}

/// Why the sync is stalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StallReason {
    /// No peer is connected.
    NoPeers,
    /// Peers are connected, but all of them are banned or on another chain.
    NoUsablePeer,
    /// The connected peers name different tips and none has the quorum. Ends by itself once so many peers agree.
    TipsDisagree {
        /// Peers that must agree.
        need: usize,
        /// Tips, by peer; at most [`TIP_CLAIMS_MAX`](crate::config::TIP_CLAIMS_MAX).
        claims: Vec<TipClaim>,
    },
    /// Fewer peers than the quorum are connected.
    QuorumNotReached {
        /// Peers that agree.
        have: usize,
        /// Peers that must.
        need: usize,
    },
    /// The pinned target: so many peers were asked and none has it.
    TargetUnavailable {
        /// The hash.
        hash: B256,
        /// Peers asked.
        asked: usize,
    },
    /// No connected peer serves this range, which is missing, or the peers that claim to serve it do not respond.
    /// Everything above it is stored and can be used; new blocks of the tip are still followed.
    RangeUnavailable(BlockRange),
    /// The target lies under the floor: there is nothing to sync. A higher target ends it.
    FloorAboveTarget {
        /// The floor of this sync ([`SyncConfig::floor`](crate::SyncConfig::floor)).
        floor: BlockNumber,
        /// The target.
        target: BlockNumHash,
    },
    /// The chain that the target lies on breaks a rule. Nothing more of it is asked for; another target, or another tip
    /// that enough peers agree on, ends this.
    InvalidTarget {
        /// Number of the header that breaks it.
        number: BlockNumber,
        /// Its hash.
        hash: B256,
        /// The rule.
        violation: Box<RuleViolation>,
        /// Its parent, up to which nothing is known against the chain.
        last_valid: Option<BlockNumHash>,
    },
    /// The target's chain and the stored one differ for longer than the rollback window. Nothing is removed: pin another
    /// target, raise [`SyncConfig::rollback_window`](crate::SyncConfig::rollback_window), or clear the store.
    RollbackTooDeep {
        /// The stored head.
        local: BlockNumHash,
        /// Blocks that may be reverted.
        window: u64,
    },
    /// A header of the target's chain has the right hash, and this release cannot judge it: it is of a fork that was
    /// added, moved or cancelled after the release. No peer is penalized and nothing is removed; a newer release, or
    /// another schedule of forks, ends this.
    UnknownFork {
        /// Its number; `None` when the target itself cannot be read.
        number: Option<BlockNumber>,
        /// Its hash.
        hash: B256,
        /// Why it cannot be judged.
        why: Box<UnknownFork>,
    },
    /// The store refused a batch.
    Store(StoreFailure),
    /// Thirty seconds without a verified header, although peers are there.
    NoProgress,
    /// The header at height 0 is not the genesis of the chain. Fatal: the target lies on another network.
    WrongGenesis {
        /// What the target descends from.
        got: B256,
        /// Genesis of the chain.
        expected: B256,
    },
}

/// How far the sync is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What the machine is doing.
    pub stage: SyncStage,
    /// Where it ends, above; unknown until it is resolved.
    pub target: Option<BlockNumHash>,
    /// Where it ends, below.
    pub floor: u64,
    /// Headers from floor to target.
    pub total: u64,
    /// Of these, headers in the store.
    pub stored: u64,
    /// Of these, headers received and not yet stored.
    pub staged: u64,
    /// `stored / total` in percent, 0 to 100.
    pub percent: f64,
    /// Headers verified a second, over the last seconds.
    pub headers_per_second: f64,
    /// Bytes of headers received since the start.
    pub bytes_received: u64,
    /// Bytes received a second, over the last seconds.
    pub bytes_per_second: f64,
    /// Time left at this rate.
    pub eta: Option<Duration>,
    /// Bytes of headers held in memory: staged, collected, in flight.
    pub memory_bytes: u64,
    /// The whole range, from the tip down; at most [`crate::config::PROGRESS_RANGES_MAX`] runs.
    pub ranges: Vec<RangeProgress>,
    /// Every peer that was ever connected, up to [`crate::config::PEERS_MAX`].
    pub peers: Vec<PeerProgress>,
    /// Why the sync is stalled, if it is.
    pub stall: Option<StallReason>,
    /// Paused by the page.
    pub paused: bool,
}

/// How the download went so far: counts since the start of the machine, and how much waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DownloadStats {
    /// Requests sent, probes and votes included.
    pub requests: u64,
    /// Headers of responses that link inside themselves.
    pub headers: u64,
    /// Of these, headers that were verified.
    pub linked: u64,
    /// Headers that are durable, of this session.
    pub flushed: u64,
    /// Responses that held fewer headers than were asked for.
    pub partial: u64,
    /// Empty responses to requests by number.
    pub empty: u64,
    /// Responses that came before those above them.
    pub out_of_order: u64,
    /// Requests without a response in time.
    pub timeouts: u64,
    /// Responses that were wrong in themselves, or headers that broke a rule.
    pub validation_failures: u64,
    /// Responses that link inside themselves and are of another branch.
    pub disagreements: u64,
    /// Requests that ended with their stream or their connection.
    pub transport_failures: u64,
    /// Headers that were pushed out of memory and asked for again.
    pub shed: u64,
    /// Headers that were verified although their range had been escalated.
    pub recovered: u64,
    /// Requests in flight now.
    pub in_flight: usize,
    /// Responses that wait now for those above them.
    pub buffered: usize,
    /// Headers that are escalated now.
    pub escalated: u64,
}

impl DownloadStats {
    /// Headers were verified, whose range had failed so often before.
    pub(crate) fn linked(&mut self, headers: u64, failures: &Failures) {
        self.linked += headers;
        if escalation::is_due(failures.attempts()) {
            self.recovered += headers;
        }
    }
}

/// Builds the strip: adjacent runs of the same state become one, and beyond `max` runs the shortest take the state of
/// their upper neighbour. `runs` come from the top down and touch.
pub fn bounded_ranges(runs: impl IntoIterator<Item = RangeProgress>, max: usize) -> Vec<RangeProgress> {
    let mut strip: Vec<RangeProgress> = Vec::new();
    for run in runs {
        push_run(&mut strip, run);
    }
    while strip.len() > max.max(1) {
        let keep = max.max(1);
        let mut lengths: Vec<u64> = strip.iter().map(|run| run.range.len()).collect();
        sort_long_by(&mut lengths, Ord::cmp);
        // At least `len - keep` runs are this short or shorter; the first run of the strip always stays.
        let short = lengths[strip.len() - keep - 1];
        let mut surplus = strip.len() - keep;
        let mut merged: Vec<RangeProgress> = Vec::with_capacity(keep);
        for mut run in strip {
            if surplus > 0
                && run.range.len() <= short
                && let Some(over) = merged.last()
            {
                run.state = over.state;
                surplus -= 1;
            }
            push_run(&mut merged, run);
        }
        if surplus > 0 && merged.len() > keep {
            // Only the first run was short: the second takes its place.
            merged[0].state = merged[1].state;
            let rest = merged.split_off(1);
            for run in rest {
                push_run(&mut merged, run);
            }
        }
        strip = merged;
    }
    strip
}

fn push_run(strip: &mut Vec<RangeProgress>, run: RangeProgress) {
    let over = strip.last().map(|over| over.range);
    debug_assert!(
        over.is_none_or(|over| run.range.last().checked_add(1) == Some(over.first())),
        "{} does not continue {over:?}",
        run.range
    );
    if let Some(over) = strip.last_mut()
        && over.state == run.state
        && let Some(joined) = BlockRange::new(run.range.first(), over.range.last())
    {
        over.range = joined;
        return;
    }
    strip.push(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_is_bounded_and_covers_everything() {
        let state = |i: u64| if i.is_multiple_of(2) { RangeState::Staged } else { RangeState::Borrowed };
        let runs = (0..1_000u64)
            .rev()
            .map(|i| RangeProgress { range: BlockRange::new(i * 10, i * 10 + 9).expect("rising"), state: state(i) });
        let strip = bounded_ranges(runs, 96);
        assert!(strip.len() <= 96, "{}", strip.len());
        assert_eq!(strip.first().expect("runs").range.last(), 9_999);
        assert_eq!(strip.last().expect("runs").range.first(), 0);
        for pair in strip.windows(2) {
            assert_eq!(pair[0].range.first(), pair[1].range.last() + 1);
            assert_ne!(pair[0].state, pair[1].state);
        }
    }
}
