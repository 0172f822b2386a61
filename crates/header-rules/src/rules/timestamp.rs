//! Time goes forward, and not past the clock.

use super::{RuleViolation, merge};
use crate::{
    chain::{ChainSpec, Consensus, ForkSchedule, Seal},
    header::{Header, HeaderLink},
};

/// Seconds by which a block by ethash may be ahead of the clock: what go-ethereum and others grant.
const FUTURE_SECONDS_MAX: u64 = 15;

/// `timestamp > parent.timestamp` (Yellow Paper 4.4.4); for an authority `>= parent.timestamp + period` (EIP-225), which
/// on a development chain may be the same second.
pub(super) fn check_against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
    seal: Seal,
) -> Result<(), RuleViolation> {
    let (got, parent) = (child.timestamp, parent.timestamp);
    match (seal, forks.consensus) {
        (Seal::Work, Consensus::Clique { period, .. }) => {
            let earliest = parent.saturating_add(period);
            if got >= earliest { Ok(()) } else { Err(RuleViolation::CliquePeriod { got, earliest }) }
        }
        _ if got > parent => Ok(()),
        _ => Err(RuleViolation::Timestamp { got, parent }),
    }
}

/// Of any chain: `timestamp >= parent.timestamp`. Some make several blocks in a second.
pub(super) fn check_not_back(child: &HeaderLink, parent: &HeaderLink) -> Result<(), RuleViolation> {
    let (got, parent) = (child.timestamp, parent.timestamp);
    if got >= parent { Ok(()) } else { Err(RuleViolation::Timestamp { got, parent }) }
}

/// A header that was just made is not later than the clock (`now`, seconds since 1970): by ethash 15 seconds at most, by
/// an authority not at all. By stake the time of a slot is a matter of the consensus layer, and of a chain that is not
/// known nothing can be said.
///
/// For live headers alone: the clock of a page is whatever its user set, so a sync of history never asks it.
pub fn check_future(header: &Header<'_>, now: u64, chain: &ChainSpec) -> Result<(), RuleViolation> {
    let Some(forks) = chain.forks() else { return Ok(()) };
    let ahead = match (merge::seal_of(header, forks, None), forks.consensus) {
        (Seal::Stake, _) => return Ok(()),
        (Seal::Work, Consensus::Ethash) => FUTURE_SECONDS_MAX,
        (Seal::Work, Consensus::Clique { .. }) => 0,
    };
    let (got, latest) = (header.timestamp, now.saturating_add(ahead));
    if got <= latest { Ok(()) } else { Err(RuleViolation::TimestampInFuture { got, latest }) }
}
