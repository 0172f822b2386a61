//! Timestamps rise, and are not in the future.

use super::{RuleViolation, merge};
use crate::{
    chain::{ChainSpec, Consensus, ForkSchedule, Seal},
    header::{Header, HeaderLink},
};

/// Seconds by which an ethash block may be ahead of the clock, as in go-ethereum and others.
const FUTURE_SECONDS_MAX: u64 = 15;

/// `timestamp > parent.timestamp` (Yellow Paper 4.4.4); for clique `>= parent.timestamp + period` (EIP-225), which on a
/// development chain may be the same second.
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

/// On any chain: `timestamp >= parent.timestamp`. Some make several blocks in a second.
pub(super) fn check_not_back(child: &HeaderLink, parent: &HeaderLink) -> Result<(), RuleViolation> {
    let (got, parent) = (child.timestamp, parent.timestamp);
    if got >= parent { Ok(()) } else { Err(RuleViolation::Timestamp { got, parent }) }
}

/// A new header is not ahead of the clock (`now`, seconds since 1970): by ethash at most 15 seconds, by clique not at
/// all. By proof of stake the consensus layer checks the slot's time; on an unknown chain nothing is checked.
///
/// Only for new headers: the clock of a page may be wrong, so a sync of old headers never uses it.
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
