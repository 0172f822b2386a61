//! State about two chains at once: the stored one, and the target's.
//!
//! | module | question |
//! |---|---|
//! | [`stored`] | what does the store hold at these numbers? Asked of the host, kept for a moment |
//! | [`head`] | where is a tip relative to the stored runs? |
//! | [`ancestor`] | what is the highest block that both chains share? |
//! | [`invalid`] | which chains broke a rule already? |
//!
//! All five are plain state without I/O; [`crate::sync`] asks peers and store on their behalf. None of them trusts a
//! claim: an ancestor is verified once the hash link meets it, and an invalid claim costs one more search.

pub mod ancestor;
pub mod head;
pub mod invalid;
pub mod stored;

pub use ancestor::{AncestorSearch, Claim, Outcome};
pub use head::{TipPlace, place};
pub use invalid::{InvalidChain, InvalidHashes};
pub use stored::{Known, StoredHeaders};
