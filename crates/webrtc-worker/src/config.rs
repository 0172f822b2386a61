//! What a host may set.

use std::time::Duration;

use crate::limits;

/// Deadlines of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the dial to a connection whose peer is known.
    pub dial_timeout: Duration,
    /// For one channel to open on a connection that stands; then the connection is given up.
    pub channel_open_timeout: Duration,
    /// How long the browser may not reach the peer before the connection is given up.
    pub disconnected_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dial_timeout: limits::DIAL_TIMEOUT,
            channel_open_timeout: limits::CHANNEL_OPEN_TIMEOUT,
            disconnected_max: limits::DISCONNECTED_MAX,
        }
    }
}
