//! Who made a header: proof of work (ethash) and signatures of authorities (clique).
//!
//! Hash links prove that a header belongs under a target; they do not prove that anybody worked for it, or was allowed to
//! make it. Seals do. They cost much more than links (milliseconds a header, caches of many megabytes), need the headers
//! in **rising** order, and matter only below the merge. So they are no part of a sync: [`SealAudit`] walks over headers
//! that are already stored, as far and as often as its host likes.
//!
//! | module | what | feature |
//! |---|---|---|
//! | [`ethash`] | light verification of proof of work | `ethash` |
//! | [`clique`] | EIP-225: signers, votes, seals | `clique` |
//! | [`audit`] | a bounded, resumable walk over stored headers | either |
//! | [`policy`] | which seals are checked | either |
//! | [`limits`] | what an audit may use | either |
//!
//! A broken seal speaks against the target: whoever named the target vouched for every header under it
//! ([`header_rules::rules`] says the same of every other rule).

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audit;
#[cfg(feature = "clique")]
pub mod clique;
#[cfg(feature = "ethash")]
pub mod ethash;
pub mod limits;
pub mod policy;
mod sections;

pub use audit::{AuditError, AuditHalt, AuditStep, SealAudit};
pub use policy::SealPolicy;

/// How the headers of a chain are sealed before the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealEngine {
    /// Not at all: a chain that began with proof of stake, or one of which nothing is known.
    None,
    /// By proof of work.
    Ethash,
    /// By authorities (EIP-225).
    Clique {
        /// Least seconds between a header and its parent.
        period: u64,
        /// Headers from one checkpoint to the next; 0 means the 30,000 of the EIP, as in a genesis file that leaves it out.
        epoch: u64,
    },
}

/// What is wrong with a seal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealViolation {
    /// Proof of work.
    #[cfg(feature = "ethash")]
    #[error(transparent)]
    Ethash(#[from] ethash::EthashViolation),
    /// Authorities.
    #[cfg(feature = "clique")]
    #[error(transparent)]
    Clique(#[from] clique::CliqueViolation),
}
