//! A chain: its id, its genesis, and the forks that select its rules.
//!
//! There are two kinds of chain. For a known one, a public network ([`ChainSpec::mainnet`] and others) or one from a
//! `genesis.json` (feature `genesis-json`), the [`ForkSchedule`] gives every fork. For any other chain only the id and
//! perhaps a genesis hash are known; its headers are checked by [`RuleSet::Structural`], so that no honest chain is
//! rejected for a rule that it does not have.

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

/// Longest header of a chain with known forks, in bytes. All 23 fields at their longest have 760; this leaves room for
/// seven more of 32 bytes.
pub const HEADER_BYTES_MAX: usize = 1_024;

/// Longest text of a schedule, in bytes; that of mainnet has about 1,200.
pub const FORKS_BYTES_MAX: usize = 16 * 1024;

/// Blocks from one clique checkpoint to the next, where the genesis file names no number (EIP-225, `EPOCH_LENGTH`).
pub const CLIQUE_EPOCH: u64 = 30_000;

/// Longest extra data of a clique chain beside the signers, in bytes: 32 free ones and a seal (EIP-225).
pub const CLIQUE_EXTRA_BYTES: usize = 32 + 65;

/// Most signers of a clique chain. Public networks had some twenty; each costs 20 bytes in every checkpoint header.
pub const CLIQUE_SIGNERS_MAX: usize = 512;

/// Chain id of the chains of `header-peer serve --generate`: the id of private chains in EIP-155. It does not select
/// rules, as any private chain may have it; the genesis identifies a generated chain.
pub const GENERATED_CHAIN_ID: u64 = 1_337;

/// The rules of a chain's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "few exist, and each header's rules would go through the box")]
pub enum RuleSet {
    /// Every rule, with the forks of this schedule.
    Forks(ForkSchedule),
    /// The rules that hold on every chain: layer twos, side chains, private networks. The parent hash is the hash of
    /// the parent, numbers are consecutive, and time does not go back. All other fields are opaque bytes
    /// ([`HeaderLink`](crate::header::HeaderLink)).
    ///
    /// No other rule, because some honest chain breaks each of them: the fields themselves (AuRa has its own seal, some
    /// chains lack roots or add fields), the base fee (OP, Polygon and BSC have their own, some of more than 64 bits),
    /// the change of the gas limit (OP: any; BSC: 1/256), a later time than the parent's (Arbitrum and BSC make several
    /// blocks in a second), 32 bytes of extra data (every proof-of-authority chain), whole blobs (OP counts other data
    /// in the field), a difficulty that stays 0 once it was.
    Structural,
}

/// A chain with its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSpec {
    id: u64,
    name: Option<&'static str>,
    genesis: Option<B256>,
    rules: RuleSet,
}

impl ChainSpec {
    /// A chain with an id and, perhaps, a genesis. Its headers are checked by [`RuleSet::Structural`].
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

    /// The same chain with this genesis hash.
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

    /// Hash of block 0, if it is known.
    pub fn genesis(&self) -> Option<B256> {
        self.genesis
    }

    /// The rules of this chain.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The forks of this chain; `None` if they are not known.
    pub fn forks(&self) -> Option<&ForkSchedule> {
        match &self.rules {
            RuleSet::Forks(forks) => Some(forks),
            RuleSet::Structural => None,
        }
    }

    /// Longest header that the rules allow, in bytes, except block 0; `None` if they are not known. A clique chain
    /// lists its signers in each checkpoint header.
    pub fn header_bytes_max(&self) -> Option<usize> {
        let signers = match self.consensus()? {
            Consensus::Ethash => 0,
            Consensus::Clique { .. } => CLIQUE_EXTRA_BYTES + 20 * CLIQUE_SIGNERS_MAX,
        };
        Some(HEADER_BYTES_MAX + signers)
    }

    /// Consensus before proof of stake; `None` if it is not known.
    pub fn consensus(&self) -> Option<Consensus> {
        self.forks().map(|forks| forks.consensus)
    }
}
