//! Which headers to ask for, which are on their way, which wait: the reverse download without peers' merits and without
//! proofs.
//!
//! [`plan`] holds what nobody is asked for, [`request`] what somebody is asked for, [`inbox`] what came and nobody looked
//! at yet, [`staging`] what was looked at and waits;
//! [`downloader`] moves numbers between them. [`escalation`] says what happens to a range that keeps failing, and
//! [`strategy`] how the whole gap is asked for: over all peers, over one, or by hash. The first three are bounded by
//! the machine's memory limit ([`SyncConfig::staged_bytes_max`](crate::SyncConfig::staged_bytes_max)), which counts
//! bytes before they are asked for.

pub mod downloader;
pub mod escalation;
pub mod failures;
pub mod inbox;
pub mod plan;
pub mod request;
pub mod staging;
pub mod strategy;

pub use downloader::Downloader;
pub use failures::Failures;
pub use inbox::Response;
pub use request::{InFlight, Purpose};
pub use staging::Staged;
pub use strategy::{Strategy, StrategyReason};
