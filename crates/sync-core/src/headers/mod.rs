//! The reverse download: which headers to request, which are in flight, which are staged. Scores of peers and
//! verification are elsewhere.
//!
//! [`plan`] holds the numbers that are not requested, [`request`] the requests in flight, [`inbox`] responses that were
//! not checked yet, [`staging`] responses that were checked and wait; [`downloader`] moves numbers between them.
//! [`escalation`] defines what happens to a range that keeps failing, and [`strategy`] how the gap is requested: from
//! all peers, from one, or by hash. The first three are bounded by the machine's memory limit
//! ([`SyncConfig::staged_bytes_max`](crate::SyncConfig::staged_bytes_max)), which counts bytes before they are asked
//! for.

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
