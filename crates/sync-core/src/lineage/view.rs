//! The fields of a header that the rules of its chain read, and the check of those rules.

use alloy_primitives::B256;

use header_rules::{
    chain::{ChainSpec, ForkSchedule, RuleSet},
    header::{Header, HeaderError, HeaderLink},
    rules::{self, RuleViolation, UnknownFork, is_of_unknown_fork},
};

/// Why a header is not valid. It counts once the header is known to belong to the target's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It breaks a rule: the target is not valid.
    Invalid(RuleViolation),
    /// This release cannot judge it.
    UnknownFork(UnknownFork),
}

/// A header as its chain's rules see it.
#[allow(clippy::large_enum_variant, reason = "two exist at a time, and a box would cost an allocation for each header")]
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    /// All fields: on a chain whose forks are known.
    Full(Header<'a>),
    /// What links it: on any other chain, or where the other fields are of no fork known here.
    Link(HeaderLink, Option<HeaderError>),
}

impl<'a> View<'a> {
    /// Reads as much of a header as the rules of `chain` ask for. An error: not even what links it can be read.
    pub fn read(rlp: &'a [u8], chain: &ChainSpec) -> Result<Self, HeaderError> {
        match chain.rules() {
            RuleSet::Structural => HeaderLink::decode(rlp).map(|link| Self::Link(link, None)),
            RuleSet::Forks(_) => Header::decode(rlp)
                .map(Self::Full)
                .or_else(|error| HeaderLink::decode(rlp).map(|link| Self::Link(link, Some(error)))),
        }
    }

    pub fn link(&self) -> HeaderLink {
        match self {
            Self::Full(header) => header.link(),
            Self::Link(link, _) => *link,
        }
    }

    /// Is the header read as far as its chain's rules need?
    pub fn is_judged(&self) -> bool {
        !matches!(self, Self::Link(_, Some(_)))
    }

    /// The rules of a header alone, and that block 0 is the genesis of its chain.
    pub fn check(&self, hash: B256, chain: &ChainSpec) -> Result<(), Flaw> {
        if let Some(expected) = chain.genesis().filter(|expected| self.link().number == 0 && hash != *expected) {
            return Err(Flaw::Invalid(RuleViolation::Genesis { got: hash, expected }));
        }
        match self {
            Self::Full(header) => {
                rules::validate_standalone(header, chain).map_err(|violation| flaw_of(violation, header, chain))
            }
            Self::Link(_, None) => Ok(()),
            Self::Link(link, Some(error)) => Err(undecodable(*error, link.timestamp, chain)),
        }
    }

    /// The rules between the header and its parent.
    pub fn check_against(&self, parent: &Self, chain: &ChainSpec) -> Result<(), Flaw> {
        match (self, parent) {
            (Self::Full(child), Self::Full(parent)) => {
                rules::validate(child, parent, chain).map_err(|violation| flaw_of(violation, child, chain))
            }
            _ => rules::validate_link(&self.link(), &parent.link()).map_err(Flaw::Invalid),
        }
    }
}

fn flaw_of(violation: RuleViolation, header: &Header<'_>, chain: &ChainSpec) -> Flaw {
    if is_of_unknown_fork(&violation, header, chain) {
        Flaw::UnknownFork(UnknownFork::Unfitting(violation))
    } else {
        Flaw::Invalid(violation)
    }
}

/// A header of this time, or of a time not later, is no header that is known here.
pub(super) fn undecodable(error: HeaderError, timestamp: u64, chain: &ChainSpec) -> Flaw {
    if chain.forks().is_some_and(|forks: &ForkSchedule| forks.is_certain_at(timestamp)) {
        Flaw::Invalid(RuleViolation::Undecodable(error))
    } else {
        Flaw::UnknownFork(UnknownFork::Undecodable(error))
    }
}
