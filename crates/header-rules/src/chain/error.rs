//! Errors of schedules and of genesis.json files, each with its key.

use alloc::string::String;

use super::FORKS_BYTES_MAX;

/// Why a schedule, or a genesis.json, is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not a JSON object.
    #[error("{what} is not an object: {error}")]
    Json {
        /// Key of the object.
        what: String,
        /// Error of the parser.
        error: String,
    },
    /// A required key is missing.
    #[error("{0} is absent")]
    Missing(&'static str),
    /// An invalid value.
    #[error("{key} cannot be {value}")]
    Value {
        /// The key.
        key: String,
        /// The value, cut to 80 characters.
        value: String,
    },
    /// Invalid blob parameters.
    #[error("blobs of {fork}: target {target} of {max}, fraction {update_fraction}")]
    Blobs {
        /// The fork.
        fork: String,
        /// Target number of blobs.
        target: u64,
        /// Highest number of blobs.
        max: u64,
        /// Its update fraction.
        update_fraction: u64,
    },
    /// The chain has an unknown engine, or is of an unknown family.
    #[error("the rules of a chain with {0} are not known")]
    Engine(String),
    /// An unknown key.
    #[error("{0} is not a known fork")]
    UnknownKey(String),
    /// A fork without an earlier one, or before it.
    #[error("{later} must not begin before {earlier}, and not without it")]
    Order {
        /// Key of the earlier fork.
        earlier: &'static str,
        /// Key of the later fork.
        later: &'static str,
    },
    /// Longer than [`FORKS_BYTES_MAX`].
    #[error("{0} bytes, at most {FORKS_BYTES_MAX}")]
    TooLong(usize),
}
