//! The consensus rules of a header, one small file per subject.
//!
//! The [`ChainSpec`] selects the rules: all of them, by the forks of a known chain, or on any other chain only what
//! every chain has in common ([`RuleSet::Structural`]). Genesis is never validated.
//!
//! There are two directions, because a sync verifies a chain from its tip down, and a later pass may read it in rising
//! order:
//!
//! | | input | checks |
//! |---|---|---|
//! | [`validate_standalone`] | one header | the rules of a header by itself |
//! | [`validate`] | a child, then its parent | the rules against the parent; where only the total difficulty tells the seal, the header itself is asked |
//! | [`validate_forward`] | a parent, its hash, its total difficulty | all rules, and that the merge came exactly when the terminal total difficulty was reached |
//! | [`check_future`] | the time of day | that a new header is not in the future; the host calls it, as the core has no clock |
//!
//! Where the schedule of a chain is not certain any more ([`ForkSchedule::known_until`]), a header that breaks a rule
//! is not invalid but belongs to a fork that this release does not know ([`is_of_unknown_fork`]).
//!
//! A hash-linked chain breaks a rule only if its target's chain does, so a [`RuleViolation`] invalidates the target,
//! and is not a fault of the peer that sent the header.
//!
//! # Differences between clients, and the choice here
//!
//! | rule | here |
//! |---|---|
//! | difficulty, mark of the DAO fork | checked, as in go-ethereum; others skip both in a header sync |
//! | a base fee before London, any field before its fork | rejected: a field is present if, and only if, its fork has started |
//! | the time of the merge | by its block if known, else by the total difficulty if known, else a header without difficulty is by proof of stake; never back to proof of work |
//! | requests hash | its presence is a rule of the header, not of the body |
//! | a timestamp in the future | before the merge only, 15 seconds for ethash, none for clique; by a given clock, for new headers only |
//! | which of several violations is reported | the first in the order of the code; do not depend on it |
//!
//! # Cost
//!
//! Every function runs for each header of a sync: none allocates, and each has a bounded number of steps.

mod base_fee;
mod blob_gas;
mod dao;
mod difficulty;
mod extra_data;
mod fields;
mod gas_limit;
mod merge;
mod timestamp;
mod unknown_fork;
mod violation;

use alloy_primitives::{B256, U256};

use crate::{
    chain::{ChainSpec, ForkSchedule, RuleSet, Seal},
    header::{Header, HeaderLink},
};

pub use crate::chain::GAS_PER_BLOB;
pub use base_fee::{INITIAL_BASE_FEE, next_base_fee};
pub use blob_gas::next_excess_blob_gas;
pub use difficulty::{next_difficulty, total_difficulty};
pub use timestamp::check_future;
pub use unknown_fork::{UnknownFork, is_of_unknown_fork};
pub use violation::{Field, RuleViolation};

/// A parent, in a pass from genesis up.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Its fields.
    pub header: &'a Header<'a>,
    /// Its hash.
    pub hash: B256,
    /// Sum of all difficulties from genesis up to it ([`total_difficulty`]). `None` if the pass did not start at
    /// genesis: then the merge is checked as in [`validate`].
    pub total_difficulty: Option<U256>,
}

/// Checks a header by itself: sizes, limits, the fields of its fork. Genesis always passes.
pub fn validate_standalone(header: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    if header.number == 0 {
        return Ok(());
    }
    match chain.rules() {
        RuleSet::Forks(forks) => standalone(header, forks, merge::seal_of(header, forks, None)),
        RuleSet::Structural => Ok(()),
    }
}

/// Checks a header against its parent, which a sync receives after it. The caller checks the hash link (`sync-core`'s
/// `lineage` does).
pub fn validate(child: &Header<'_>, parent: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    match chain.rules() {
        RuleSet::Forks(forks) => {
            check_number(&child.link(), &parent.link())?;
            against_parent(child, parent, forks, merge::seal_of(child, forks, None))
        }
        RuleSet::Structural => validate_link(&child.link(), &parent.link()),
    }
}

/// Checks a header of any chain against its parent, beside the hash link: consecutive numbers, and time that does not
/// go back.
pub fn validate_link(child: &HeaderLink, parent: &HeaderLink) -> Result<(), RuleViolation> {
    check_number(child, parent)?;
    timestamp::check_not_back(child, parent)
}

/// Checks all rules of a header, in a pass from genesis up.
pub fn validate_forward(child: &Header<'_>, parent: &Parent<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    check_number(&child.link(), &parent.header.link())?;
    if child.parent_hash != parent.hash {
        return Err(RuleViolation::ParentHash { got: child.parent_hash, expected: parent.hash });
    }
    match chain.rules() {
        RuleSet::Forks(forks) => {
            let seal = merge::seal_of(child, forks, parent.total_difficulty);
            standalone(child, forks, seal)?;
            against_parent(child, parent.header, forks, seal)
        }
        RuleSet::Structural => validate_link(&child.link(), &parent.header.link()),
    }
}

/// Checks a header of a known chain by itself. `seal`: the required kind of seal.
fn standalone(header: &Header<'_>, forks: &ForkSchedule, seal: Seal) -> Result<(), RuleViolation> {
    extra_data::check(header, forks, seal)?;
    merge::check(header, seal)?;
    dao::check(header, forks)?;
    gas_limit::check(header)?;
    fields::check(header, forks)?;
    blob_gas::check(header, forks)
}

/// Checks a header of a known chain against its parent.
fn against_parent(
    child: &Header<'_>,
    parent: &Header<'_>,
    forks: &ForkSchedule,
    seal: Seal,
) -> Result<(), RuleViolation> {
    timestamp::check_against_parent(child, parent, forks, seal)?;
    merge::check_against_parent(child, parent)?;
    difficulty::check_against_parent(child, parent, forks, seal)?;
    gas_limit::check_against_parent(child, parent, forks)?;
    base_fee::check_against_parent(child, parent, forks)?;
    blob_gas::check_against_parent(child, parent, forks)
}

fn check_number(child: &HeaderLink, parent: &HeaderLink) -> Result<(), RuleViolation> {
    match parent.number.checked_add(1) {
        Some(expected) if child.number == expected => Ok(()),
        expected => Err(RuleViolation::Number { got: child.number, expected: expected.unwrap_or(u64::MAX) }),
    }
}
