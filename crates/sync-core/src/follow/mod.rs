//! What a sync must know of two chains at once: the one that is stored, and the one that the target lies on.
//!
//! | module | answers |
//! |---|---|
//! | [`stored`] | what does the store hold at these numbers? Asked of the host, kept for a moment |
//! | [`head`] | where does a tip lie, compared with what is stored? |
//! | [`ancestor`] | what is the highest block that both chains share? |
//! | [`fork_choice`] | which branch is heavier, by proof of work? |
//! | [`invalid`] | which chains broke a rule already? |
//!
//! All five are plain state without I/O; [`crate::sync`] asks peers and store on their behalf. None of them believes a
//! peer: an ancestor is a guess until the hash link meets it, and what a guess costs is one more search.

pub mod ancestor;
pub mod fork_choice;
pub mod head;
pub mod invalid;
pub mod stored;

pub use ancestor::{AncestorSearch, Claim, Outcome};
pub use fork_choice::BranchWeight;
pub use head::{TipPlace, place};
pub use invalid::{InvalidChain, InvalidHashes};
pub use stored::{Known, StoredHeaders};
