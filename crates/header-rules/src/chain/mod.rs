//! What a chain is: its id, its genesis and the forks that decide which rules hold where.
//!
//! Two kinds of chain. Of a known one, a public network ([`ChainSpec::mainnet`] and others) or one that a
//! `genesis.json` describes (feature `genesis-json`), we know every fork to the block and to the second
//! ([`ForkSchedule`]). Of any other chain we know an id and, at most, a genesis hash; it is held to
//! [`RuleSet::Structural`], so that no honest chain is refused for a rule that it never had.

mod config;
mod error;
mod forks;
#[cfg(feature = "genesis-json")]
mod genesis_json;
mod json;
mod networks;

use alloy_primitives::B256;

pub use error::ConfigError;
pub(crate) use forks::begun;
pub use forks::{BlobParams, Consensus, DaoFork, ForkSchedule, GAS_PER_BLOB, Seal};
#[cfg(feature = "genesis-json")]
pub use genesis_json::GenesisJson;
pub use networks::{NETWORKS, Network};

/// Longest header of a chain whose forks are known, in bytes. All 23 fields at their longest have 760; there is room for
/// seven more of 32 bytes.
pub const HEADER_BYTES_MAX: usize = 1_024;

/// Longest text of a schedule, in bytes; that of mainnet has some 1,200.
pub const FORKS_BYTES_MAX: usize = 16 * 1024;

/// Blocks from one clique checkpoint to the next, where the genesis file names no number (EIP-225, `EPOCH_LENGTH`).
pub const CLIQUE_EPOCH: u64 = 30_000;

/// Longest extra data of a clique chain beside the signers, in bytes: 32 free ones and a seal (EIP-225).
pub const CLIQUE_EXTRA_BYTES: usize = 32 + 65;

/// Signers of a clique chain that are kept. Public networks had some twenty; each costs 20 bytes in every checkpoint
/// header of the chain itself.
pub const CLIQUE_SIGNERS_MAX: usize = 512;

/// Chain id of the chains that `header-peer serve --generate` makes: the one that EIP-155 names for private chains. It
/// says nothing of the rules, as any private chain may have it; a generated chain is told by its genesis.
pub const GENERATED_CHAIN_ID: u64 = 1_337;

/// Which rules a chain's headers are held to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "few exist, and each header's rules would go through the box")]
pub enum RuleSet {
    /// Every rule, at the forks of this schedule.
    Forks(ForkSchedule),
    /// What holds on every chain of headers, whoever makes them: layer twos, side chains, private networks. The parent
    /// hash is the parent's, numbers follow each other, and time does not go back. All other fields are opaque bytes
    /// ([`HeaderLink`](crate::header::HeaderLink)).
    ///
    /// Nothing else, because each other rule is broken by some honest chain: the fields themselves (AuRa has its own
    /// seal, some chains have roots that are absent, or fields of their own), the base fee (OP, Polygon and BSC have
    /// their own, some of more than 64 bits), how fast the gas limit moves (OP: as it likes; BSC: by 1/256), a time later
    /// than the parent's (Arbitrum and BSC make several blocks in a second), 32 bytes of extra data (every chain of
    /// authorities), whole blobs (OP counts other data in the field), a difficulty that stays 0 once it was.
    Structural,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSpec {
    id: u64,
    name: Option<&'static str>,
    genesis: Option<B256>,
    rules: RuleSet,
}

impl ChainSpec {
    /// A chain of which nothing is known but its id and, perhaps, its genesis. Its headers are held to
    /// [`RuleSet::Structural`].
    pub fn unknown(id: u64, genesis: impl Into<Option<B256>>) -> Self {
        Self { id, name: None, genesis: genesis.into(), rules: RuleSet::Structural }
    }

    /// A chain with its own schedule.
    pub fn custom(id: u64, genesis: impl Into<Option<B256>>, forks: ForkSchedule) -> Self {
        Self { id, name: None, genesis: genesis.into(), rules: RuleSet::Forks(forks) }
    }

    /// The same chain with this schedule.
    pub fn with_forks(self, forks: ForkSchedule) -> Self {
        Self { rules: RuleSet::Forks(forks), ..self }
    }

    fn public(id: u64, name: &'static str, genesis: Option<B256>, forks: ForkSchedule) -> Self {
        Self { id, name: Some(name), genesis, rules: RuleSet::Forks(forks) }
    }

    /// The same chain with this block 0.
    pub fn with_genesis(self, genesis: B256) -> Self {
        Self { genesis: Some(genesis), ..self }
    }

    /// Chain id (EIP-155).
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Name of a public network.
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Hash of block 0, when it is known.
    pub fn genesis(&self) -> Option<B256> {
        self.genesis
    }

    /// The rules of this chain.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The forks of this chain; `None` when they are not known.
    pub fn forks(&self) -> Option<&ForkSchedule> {
        match &self.rules {
            RuleSet::Forks(forks) => Some(forks),
            RuleSet::Structural => None,
        }
    }

    /// Longest header that the rules allow, in bytes, block 0 aside; `None` when they are not known. A clique chain lists
    /// its signers in each checkpoint header.
    pub fn header_bytes_max(&self) -> Option<usize> {
        let signers = match self.consensus()? {
            Consensus::Ethash => 0,
            Consensus::Clique { .. } => CLIQUE_EXTRA_BYTES + 20 * CLIQUE_SIGNERS_MAX,
        };
        Some(HEADER_BYTES_MAX + signers)
    }

    /// Who makes the blocks until proof of stake does; `None` when it is not known.
    pub fn consensus(&self) -> Option<Consensus> {
        self.forks().map(|forks| forks.consensus)
    }
}
