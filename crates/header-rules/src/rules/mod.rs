//! The rules that make a header a header of its chain, one small file each.
//!
//! Which rules hold is read from the [`ChainSpec`]: all of them at the forks of a known chain, and on any other chain
//! only what every chain has in common ([`RuleSet::Structural`]). Genesis is given, not made, and is never validated.
//!
//! Two directions, because a sync verifies a chain from its tip down and a later pass may read it up again:
//!
//! | | knows | asks |
//! |---|---|---|
//! | [`validate_standalone`] | one header | what it can be asked alone |
//! | [`validate`] | a child, then its parent | what the child owes to the parent; who made it, where only the total difficulty would tell, is read from the header itself |
//! | [`validate_forward`] | a parent, its hash, its total difficulty | all of it at once, and that the merge came exactly when the terminal total difficulty was reached |
//! | [`check_future`] | the time of day | that a header that was just made is not of tomorrow; the host calls it, as the core has no clock |
//!
//! Where the schedule of a chain is not certain any more ([`ForkSchedule::known_until`]), a header that does not fit it is
//! not invalid but of a fork that this release does not know ([`is_of_unknown_fork`]).
//!
//! A hash-linked chain can break a rule only from its tip: whoever named the target vouched for it. So a
//! [`RuleViolation`] speaks against the target, not against the peer that delivered the header.
//!
//! # Where the clients of the field differ, and what holds here
//!
//! | rule | here |
//! |---|---|
//! | difficulty, marks of the DAO fork | checked, as go-ethereum does; others skip both in a header sync |
//! | a base fee before London, any field before its fork | refused: a field is there if, and only if, its fork has begun |
//! | when the merge came | by its block where that is known, else by the total difficulty where that is known, else stake is what has no difficulty; never back from stake to work |
//! | requests hash | its presence is a rule of the header, not of the body |
//! | a time in the future | before the merge only, 15 seconds for ethash, none for clique; by a clock that is given, for live headers alone |
//! | which violation is named, if there are several | the first by the order of the code; nobody may depend on it |
//!
//! # What it costs
//!
//! Every function is on the path of each header of a sync: none allocates, and each does a bounded number of steps
//! whatever the header says.

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

/// A parent, as a pass from genesis up knows it.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Its fields.
    pub header: &'a Header<'a>,
    /// Its hash.
    pub hash: B256,
    /// The sum of all difficulties from genesis up to it ([`total_difficulty`]). `None` when the pass did not begin at
    /// genesis: then the merge is judged as [`validate`] does.
    pub total_difficulty: Option<U256>,
}

/// What a header owes to no other: sizes, limits, the fields of its fork. Genesis always passes.
pub fn validate_standalone(header: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    if header.number == 0 {
        return Ok(());
    }
    match chain.rules() {
        RuleSet::Forks(forks) => standalone(header, forks, merge::seal_of(header, forks, None)),
        RuleSet::Structural => Ok(()),
    }
}

/// What a header owes to its parent, which a sync learns after it. That `child.parent_hash` is the parent's hash is for
/// the caller to know (`sync-core`'s `lineage` does).
pub fn validate(child: &Header<'_>, parent: &Header<'_>, chain: &ChainSpec) -> Result<(), RuleViolation> {
    match chain.rules() {
        RuleSet::Forks(forks) => {
            check_number(&child.link(), &parent.link())?;
            against_parent(child, parent, forks, merge::seal_of(child, forks, None))
        }
        RuleSet::Structural => validate_link(&child.link(), &parent.link()),
    }
}

/// What a header of any chain owes to its parent, beside the hash link: its number follows, and its time does not go
/// back.
pub fn validate_link(child: &HeaderLink, parent: &HeaderLink) -> Result<(), RuleViolation> {
    check_number(child, parent)?;
    timestamp::check_not_back(child, parent)
}

/// Everything that a header owes to its chain, in a pass from genesis up.
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

/// What a header of a known chain owes to no other. `seal`: who has to have made it.
fn standalone(header: &Header<'_>, forks: &ForkSchedule, seal: Seal) -> Result<(), RuleViolation> {
    extra_data::check(header, forks, seal)?;
    merge::check(header, seal)?;
    dao::check(header, forks)?;
    gas_limit::check(header)?;
    fields::check(header, forks)?;
    blob_gas::check(header, forks)
}

/// What a header of a known chain owes to its parent.
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
