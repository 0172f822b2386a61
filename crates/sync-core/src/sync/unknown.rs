//! A header of the target's chain that this release cannot judge: the sync stops above it and stalls.
//!
//! The header hashes to its anchor, so it belongs to the target's chain and no peer is penalized
//! ([`header_rules::rules::UnknownFork`]). It is not known to be invalid either: nothing is removed, the verified
//! headers above it are stored, and peers on this chain keep their votes, or a few peers on another chain would decide.
//! Another target is tried once it is named or agreed on; the stall ends when a chain without that header is verified.

use alloy_primitives::B256;

use super::{
    HeaderSync,
    parts::{Phase, UnknownHeader},
};
use crate::{
    lineage::{Anchor, LinkError, LinkFault, VerifiedHeaders},
    time::Instant,
};
use header_rules::{header::HeaderError, rules::UnknownFork};

impl HeaderSync {
    /// A verified header, or a stored one whose parent was just verified, cannot be judged. `keeps`: the headers
    /// verified so far are stored; `false` when the unknown header is the lowest of them.
    pub(super) fn stop_at_unknown(&mut self, now: Instant, error: LinkError, keeps: bool) {
        let LinkFault::UnknownFork { hash, why } = error.fault else { return };
        let Some(target) = self.target.resolved else { return };
        if keeps {
            self.close_run();
        } else {
            self.drop_run();
        }
        self.note_unknown(now, UnknownHeader { number: Some(error.number), hash, why, target: target.hash });
    }

    /// The pinned target has the right hash, and not even its number can be read.
    pub(super) fn stop_at_unreadable_target(&mut self, now: Instant, hash: B256, error: HeaderError) {
        self.drop_run();
        self.target.resolved = None;
        self.target.trouble = None;
        self.target.retry_at = None;
        let why = UnknownFork::Undecodable(error);
        self.note_unknown(now, UnknownHeader { number: None, hash, why, target: hash });
    }

    fn note_unknown(&mut self, now: Instant, unknown: UnknownHeader) {
        self.cancel_search();
        self.phase.enter(Phase::Idle);
        self.target.rejected.unknown = Some(unknown);
        self.moved(now);
    }

    /// Is `hash` the target under which the sync stopped?
    pub(super) fn is_stopped_at(&self, hash: B256) -> bool {
        self.target.rejected.unknown.as_ref().is_some_and(|unknown| unknown.target == hash)
    }

    /// Does the walk from another target come down to the same unknown header? Then it ends here too, without another
    /// request. `child`: the header above the anchor.
    pub(super) fn comes_down_to_unknown(&mut self, anchor: Anchor, child: Option<B256>) -> bool {
        let Some(target) = self.target.resolved else { return false };
        let Some(unknown) = &mut self.target.rejected.unknown else { return false };
        let is_it = unknown.hash == anchor.hash || Some(unknown.hash) == child;
        if is_it {
            unknown.target = target.hash;
        }
        is_it
    }

    /// Headers were verified: a chain with another header at that number, or verified below it, is not stopped.
    pub(super) fn passes_unknown(&mut self, verified: &VerifiedHeaders) {
        let passed = |unknown: &UnknownHeader| {
            let lowest = verified.range().first();
            unknown.number.is_none_or(|number| lowest <= number) && !verified.hashes().contains(&unknown.hash)
        };
        if self.target.rejected.unknown.as_ref().is_some_and(passed) {
            self.target.rejected.unknown = None;
        }
    }
}
