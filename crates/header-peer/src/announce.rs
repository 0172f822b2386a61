//! The start message on standard output: lines for people, or one line of JSON (`--ready-json`).

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use alloy_primitives::B256;
use header_wire::Status;
use libp2p::Multiaddr;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::chain::Chain;

/// The line of `--ready-json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    ready: bool,
    multiaddr: String,
    /// One address per network interface.
    multiaddrs: Vec<String>,
    http: String,
    chain_id: u64,
    /// Absent if the peer does not know its genesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    genesis: Option<B256>,
    /// Forks that override the network's own table.
    #[serde(skip_serializing_if = "Option::is_none")]
    forks: Option<Map<String, Value>>,
    earliest: u64,
    latest: u64,
    latest_hash: B256,
}

impl Ready {
    /// Collects the start message.
    pub fn new(
        addresses: &[Multiaddr],
        http: SocketAddr,
        chain: Chain,
        forks: Option<Map<String, Value>>,
        status: &Status,
    ) -> Self {
        Self {
            ready: true,
            multiaddr: addresses.first().map(ToString::to_string).unwrap_or_default(),
            multiaddrs: addresses.iter().map(ToString::to_string).collect(),
            http: format!("http://{http}"),
            chain_id: chain.id,
            genesis: status.known_genesis(),
            forks,
            earliest: status.earliest,
            latest: status.latest,
            latest_hash: status.latest_hash,
        }
    }

    /// Prints the message; everything else goes to standard error.
    ///
    /// # Errors
    ///
    /// Standard output is closed.
    pub fn announce(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
        } else {
            for address in &self.multiaddrs {
                writeln!(out, "peer {address}")?;
            }
            writeln!(out, "page {}/", self.http)?;
        }
        out.flush()
    }
}
