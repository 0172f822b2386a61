//! What descends from what: the only place where headers become *verified*.
//!
//! A sync knows one hash for sure: the target's. An [`Anchor`] says what the next older header must be; a header whose
//! bytes hash to it is genuine, and its parent hash is the next anchor. So trust walks down, one keccak a header.
//!
//! The work is split in two, because responses arrive in any order:
//!
//! 1. [`SealedRun::seal`] takes one response, as it comes: hashes and decodes each header, checks that the response hangs
//!    together and notes the first rule that it breaks. All that costs time happens here, once for each header.
//! 2. [`Lineage::link`] joins a sealed run to the anchor: one comparison of hashes, and the rules of the seam.
//!
//! ```text
//!   anchor #120  ->  [#120 #119 #118]  ->  anchor #117  ->  [#117 ...
//! ```
//!
//! Who is to blame is exact. A response that does not hang together, or that does not hash to the anchor, is its sender's
//! fault. A header that does hash to the anchor and breaks a rule was vouched for by the target: then the *target* lies
//! on no valid chain, whoever delivered the header ([`LinkError::blames_sender`]). One that hashes to the anchor and
//! that this release cannot judge is nobody's fault ([`LinkFault::UnknownFork`]): the walk stops above it.
//!
//! An attacker can make us hash what we asked for, once; a response is bounded by its request.

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
