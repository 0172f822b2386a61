//! Verification: the only place where headers become *verified*.
//!
//! A sync knows one hash for sure: the target's. An [`Anchor`] says what the next older header must be; a header whose
//! bytes hash to it is genuine, and its parent hash is the next anchor. So trust walks down, one keccak a header.
//!
//! The work is split in two, because responses arrive in any order:
//!
//! 1. [`SealedRun::seal`] takes one response, as it comes: hashes and decodes each header, checks that its headers link
//!    and notes the first rule that one breaks. All that costs time happens here, once for each header.
//! 2. [`Lineage::link`] joins a sealed run to the anchor: one comparison of hashes, and the rules of the seam.
//!
//! ```text
//!   anchor #120  ->  [#120 #119 #118]  ->  anchor #117  ->  [#117 ...
//! ```
//!
//! The fault is exact. A response whose headers do not link, or that does not hash to the anchor, is its sender's
//! fault. A header that hashes to the anchor and breaks a rule belongs to the target's chain: then the *target* is
//! invalid, whichever peer sent the header ([`LinkError::blames_sender`]). One that hashes to the anchor and that this
//! release cannot judge is no fault of any peer ([`LinkFault::UnknownFork`]): the walk stops above it.
//!
//! A malicious peer can make us hash one response for each request; a response is bounded by its request.

mod link;
mod sealed;
mod verified;
mod view;

use alloy_primitives::B256;

use header_rules::range::BlockNumber;

pub use link::{Lineage, LinkError, LinkFault};
pub use sealed::SealedRun;
pub use verified::VerifiedHeaders;

/// What the next older header must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash: the target's, or the parent hash of the header above.
    pub hash: B256,
}
