//! The command line.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use header_wire::limits::{MESSAGE_BYTES_MAX, RESPONSE_BYTES_DEFAULT};

use crate::{chain::Chain, fault::Fault, limits, source::GENERATED_HEADERS_MAX};

/// Headers of the generated chain that is served without a source.
pub const GENERATE_DEFAULT: u64 = 100_000;
/// Room in a message for ids and prefixes, and for one header over the limit.
const RESPONSE_BYTES_MAX: u64 = (MESSAGE_BYTES_MAX / 2) as u64;

/// Serves Ethereum headers to browsers over WebRTC.
#[derive(Debug, Parser)]
#[command(name = "header-peer", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve headers over WebRTC-direct, and a page over HTTP
    Serve(ServeArgs),
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Source of the headers.
    #[command(flatten)]
    pub source: SourceArgs,

    /// Seed of the generated chain
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Network of the headers: mainnet, sepolia, holesky, hoodi or a chain id [default: by genesis, then by file name]
    #[arg(long, value_name = "NAME|ID", value_parser = Chain::parse)]
    pub chain: Option<Chain>,

    /// Fork times that override those of the network, as JSON: the `config` of a go-ethereum genesis.json
    #[arg(long, value_name = "FILE")]
    pub forks: Option<PathBuf>,

    /// UDP address for WebRTC; with port 0 the port of the last run if it is free, else any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,

    /// TCP address of the page, peers.json and stats.json
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub http: SocketAddr,

    /// Folder of the page
    #[arg(long, value_name = "DIR")]
    pub web: Option<PathBuf>,

    /// Folder for identity and certificate, which keep the multiaddr the same [default: in the user's data folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Most connections at a time
    #[arg(long, value_name = "N", default_value_t = limits::CONNECTIONS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Bytes of headers at which a response ends
    #[arg(long, value_name = "N", default_value_t = RESPONSE_BYTES_DEFAULT as u64, value_parser = clap::value_parser!(u64).range(1..=RESPONSE_BYTES_MAX))]
    pub response_bytes: u64,

    /// Requests per second that one client may make
    #[arg(long, value_name = "N", default_value_t = limits::REQUESTS_PER_SECOND_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub request_budget: u32,

    /// Threads for connections. One thread stays on one core, which is fastest for a few clients; use more for many
    /// clients
    #[arg(long, value_name = "N", default_value = "1")]
    pub threads: NonZeroUsize,

    /// For tests: break the protocol or the chain in this way
    #[arg(long, value_name = "NAME", hide = true)]
    pub fault: Option<Fault>,

    /// For tests: one line of JSON in place of the addresses
    #[arg(long, hide = true)]
    pub ready_json: bool,
}

/// Source of the headers; at most one.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SourceArgs {
    /// A generated chain of N headers; the default, with N = 100000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=GENERATED_HEADERS_MAX))]
    pub generate: Option<u64>,

    /// Era1 files, or folders of them
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub era1: Vec<PathBuf>,

    /// RLP blocks, concatenated, as `geth export` writes them
    #[arg(long, value_name = "FILE")]
    pub rlp: Option<PathBuf>,

    /// RLP headers, concatenated
    #[arg(long, value_name = "FILE")]
    pub headers: Option<PathBuf>,
}

impl SourceArgs {
    /// Is the chain generated, because no file was given?
    pub fn is_generated(&self) -> bool {
        self.era1.is_empty() && self.rlp.is_none() && self.headers.is_none()
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "give an IP address and a port, such as 0.0.0.0:4001 or [::1]:4001".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
