//! The records of a file.

use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::B256;
use header_rules::chain::{ChainSpec, ForkSchedule};
use serde::{Deserialize, Serialize};
use sync_core::{Input, SyncConfig};

/// What a file begins with. The last two bytes are the version of the form; another form is not read.
pub const MAGIC: [u8; 12] = *b"headlight\x0001";

/// A chain, as a recording has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chain {
    id: u64,
    genesis: Option<B256>,
    forks: Option<ForkSchedule>,
}

impl From<&ChainSpec> for Chain {
    fn from(chain: &ChainSpec) -> Self {
        Self { id: chain.id(), genesis: chain.genesis(), forks: chain.forks().cloned() }
    }
}

impl From<Chain> for ChainSpec {
    fn from(Chain { id, genesis, forks }: Chain) -> Self {
        match forks {
            Some(forks) => Self::custom(id, genesis, forks),
            None => Self::unknown(id, genesis),
        }
    }
}

/// What a machine was made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// Moment at which it learned of the peers, in microseconds after the start of the host.
    pub at: u64,
    /// Its settings, the seed included.
    pub config: SyncConfig,
    /// Its chain.
    pub chain: Chain,
    /// `Checkpoint::encode` of the checkpoint that it went on from.
    pub checkpoint: Option<Vec<u8>>,
    /// `PeerBook::encode` of what was known of peers.
    pub peers: Option<Vec<u8>>,
}

/// One record. Moments are microseconds after the start of the host.
///
/// The order of the variants is part of the form. [`Written`] is the same with a borrowed input.
#[derive(Clone, Debug, Deserialize)]
pub enum Record {
    /// A machine was made.
    Start(Box<Start>),
    /// It was given an input.
    Input(u64, Input),
    /// It was polled so many times.
    Polls(u64, u64),
    /// It is drained. [`Digest`](crate::Digest) of its outputs, and of those of the machines before it.
    Drained(u64),
    /// The limit is reached; the session went on.
    Full,
}

/// A [`Record`], to be written.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Written<'a> {
    /// See [`Record::Start`].
    Start(&'a Start),
    /// See [`Record::Input`].
    Input(u64, &'a Input),
    /// See [`Record::Polls`].
    Polls(u64, u64),
    /// See [`Record::Drained`].
    Drained(u64),
    /// See [`Record::Full`].
    Full,
}
