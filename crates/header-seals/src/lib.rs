//! Seals of headers: proof of work (ethash) and signatures of authorities (clique).
//!
//! Hash links verify that a header is an ancestor of the target; they do not verify proof of work or a signer. Seals
//! do. They cost much more than links (milliseconds per header, caches of many megabytes), need the headers in
//! **rising** order, and matter only below the merge. So they are not part of a sync: [`SealAudit`] checks stored
//! headers, as many and as often as its host likes.
//!
//! | module | what | feature |
//! |---|---|---|
//! | [`ethash`] | light verification of proof of work | `ethash` |
//! | [`clique`] | EIP-225: signers, votes, seals | `clique` |
//! | [`audit`] | a bounded, resumable walk over stored headers | either |
//! | [`policy`] | which seals are checked | either |
//! | [`limits`] | what an audit may use | either |
//!
//! An invalid seal invalidates the target: trusting a target means trusting every header below it
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

/// A broken rule of a seal.
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
