//! Why a text is no schedule and no genesis.json: the key, and what it cannot be.

use alloc::string::String;

use super::FORKS_BYTES_MAX;

/// What is wrong with a schedule, or with a genesis.json.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No JSON object.
    #[error("{what} is no object: {error}")]
    Json {
        /// Key of the object.
        what: String,
        /// What the reader says.
        error: String,
    },
    /// A key without which there is no chain.
    #[error("{0} is absent")]
    Missing(&'static str),
    /// A value that its key cannot have.
    #[error("{key} cannot be {value}")]
    Value {
        /// The key.
        key: String,
        /// The value, cut to 80 characters.
        value: String,
    },
    /// Blob parameters that cannot be.
    #[error("blobs of {fork}: target {target} of {max}, fraction {update_fraction}")]
    Blobs {
        /// The fork.
        fork: String,
        /// Its target.
        target: u64,
        /// Its highest number.
        max: u64,
        /// Its update fraction.
        update_fraction: u64,
    },
    /// The chain is of an engine, or of a family, whose rules are not known here.
    #[error("the rules of a chain with {0} are not known")]
    Engine(String),
    /// A key that names no fork known here.
    #[error("{0} is no fork that is known here")]
    UnknownKey(String),
    /// A fork without the one that comes before it, or before that one.
    #[error("{later} must not begin before {earlier}, and not without it")]
    Order {
        /// Key of the fork that comes first.
        earlier: &'static str,
        /// Key of the other.
        later: &'static str,
    },
    /// Longer than [`FORKS_BYTES_MAX`].
    #[error("{0} bytes, at most {FORKS_BYTES_MAX}")]
    TooLong(usize),
}
