//! The network of a source: by its genesis hash, by its file name, or by `--chain`.

use std::{fmt, path::Path};

use alloy_hardforks::{EthereumHardfork, ForkCondition, ForkFilter, ForkFilterKey, ForkHash, Head};
use alloy_primitives::B256;
use header_rules::chain::{NETWORKS, Network};
use header_wire::ForkId;

use crate::forks::Forks;

/// Chain id of generated chains. The genesis distinguishes one generated chain from another.
pub use header_rules::chain::GENERATED_CHAIN_ID;

/// Chain id of a source whose network is unknown.
pub const UNKNOWN_CHAIN_ID: u64 = 0;

/// The chain in the peer's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Chain id and network id; [`UNKNOWN_CHAIN_ID`] if it is unknown.
    pub id: u64,
}

impl Chain {
    /// Reads `--chain`: a name of [`NETWORKS`] or a chain id.
    ///
    /// # Errors
    ///
    /// `text` is neither; the error lists the names.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(network) = NETWORKS.iter().find(|network| network.name == text) {
            return Ok(Self { id: network.chain_id });
        }
        text.parse().map(|id| Self { id }).map_err(|_| {
            let names: Vec<_> = NETWORKS.iter().map(|network| network.name).collect();
            format!("not a chain: give {} or a chain id", names.join(", "))
        })
    }

    /// The chain of a source that was read from files: the network with its genesis, or, if the source does not hold a
    /// genesis, the network in its file names ([`network_of_file`]).
    pub fn of_source(genesis: Option<B256>, network: Option<&str>) -> Self {
        let known = match genesis {
            Some(hash) => NETWORKS.iter().find(|network| network.genesis == hash),
            None => NETWORKS.iter().find(|known| Some(known.name) == network),
        };
        Self { id: known.map_or(UNKNOWN_CHAIN_ID, |network| network.chain_id) }
    }

    /// The public network with this id, if it is one.
    pub fn network(self) -> Option<&'static Network> {
        NETWORKS.iter().find(|network| network.chain_id == self.id)
    }

    /// Fork id (EIP-2124) at the header with this number and time, by the network's table and the overrides in `forks`.
    /// For a chain with unknown forks it is the checksum of the genesis alone, without a next fork; all zero if the
    /// genesis is unknown too.
    pub fn fork_id(self, genesis: Option<B256>, number: u64, timestamp: u64, forks: Option<&Forks>) -> ForkId {
        let Some(genesis) = genesis else { return ForkId::default() };
        let network = self.network().filter(|network| network.genesis == genesis);
        let table = network.map(forks_of).unwrap_or_default();
        let keys = match forks {
            Some(forks) => forks.apply(table),
            None => table,
        };
        if keys.is_empty() {
            return ForkId { hash: ForkHash::from(genesis).0, next: 0 };
        }
        let head = Head { number, timestamp, ..Head::default() };
        let filter = ForkFilter::new(head, genesis, network.map_or(0, |network| network.genesis_timestamp), keys);
        let alloy_hardforks::ForkId { hash, next } = filter.current();
        ForkId { hash: hash.0, next }
    }
}

/// The network in a file name: the part before the first hyphen of `mainnet-00000-5ec1ffb8.era1`.
pub fn network_of_file(path: &Path) -> Option<String> {
    let (network, _) = path.file_name()?.to_str()?.split_once('-')?;
    Some(network.to_owned())
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network(), self.id) {
            (Some(network), _) => f.write_str(network.name),
            (None, UNKNOWN_CHAIN_ID) => f.write_str("unknown"),
            (None, id) => write!(f, "{id}"),
        }
    }
}

/// Blocks and times at which the fork id of a network changes. [`ForkSchedule`](header_rules::chain::ForkSchedule) has
/// only the forks that change a header, so the others come from alloy's table.
fn forks_of(network: &Network) -> Vec<ForkFilterKey> {
    let forks: Vec<(EthereumHardfork, ForkCondition)> = match network.name {
        "mainnet" => EthereumHardfork::mainnet().into(),
        "sepolia" => EthereumHardfork::sepolia().into(),
        "holesky" => EthereumHardfork::holesky().into(),
        "hoodi" => EthereumHardfork::hoodi().into(),
        // A network that this table does not list: its fork id is the genesis alone.
        _ => Vec::new(),
    };
    let key = |(_, condition): &(_, ForkCondition)| match *condition {
        ForkCondition::Block(number) => Some(ForkFilterKey::Block(number)),
        ForkCondition::TTD { fork_block, .. } => fork_block.map(ForkFilterKey::Block),
        ForkCondition::Timestamp(time) => Some(ForkFilterKey::Time(time)),
        ForkCondition::Never => None,
    };
    forks.iter().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fork_ids_are_those_of_the_eip_and_of_the_networks() {
        let id = |name, number, timestamp| {
            let chain = Chain::parse(name).expect("a known name");
            let network = chain.network().expect("a known network");
            chain.fork_id(Some(network.genesis), number, timestamp, None)
        };
        // EIP-2124, table of examples.
        assert_eq!(id("mainnet", 0, 0), ForkId { hash: [0xfc, 0x64, 0xec, 0x04], next: 1_150_000 });
        assert_eq!(id("mainnet", 1_920_000, 0), ForkId { hash: [0x91, 0xd1, 0xf9, 0x48], next: 2_463_000 });
        // EIP-6953 gives the timestamps; the checksums are those that nodes of the networks announce.
        assert_eq!(
            id("mainnet", 20_000_000, 1_710_338_135),
            ForkId { hash: [0x9f, 0x3d, 0x22, 0x54], next: 1_746_612_311 }
        );
        assert_eq!(id("sepolia", 0, 1_633_267_481), ForkId { hash: [0xfe, 0x33, 0x66, 0xe7], next: 1_735_371 });
        // Another genesis under a known chain id is another network.
        let other = Chain { id: 1 }.fork_id(Some(B256::ZERO), 0, 0, None);
        assert_eq!(other, ForkId { hash: ForkHash::from(B256::ZERO).0, next: 0 });
        assert_eq!(Chain { id: 5 }.fork_id(None, 7, 7, None), ForkId::default());
    }

    #[test]
    fn every_network_of_the_table_has_its_forks() {
        for network in &NETWORKS {
            assert!(!forks_of(network).is_empty(), "{}: name its forks in forks_of", network.name);
        }
    }

    #[test]
    fn a_genesis_weighs_more_than_a_file_name() {
        let mainnet = &NETWORKS[0];
        let of_file = |genesis, file: &str| {
            let network = network_of_file(Path::new(file));
            Chain::of_source(genesis, network.as_deref()).id
        };
        assert_eq!(of_file(Some(mainnet.genesis), "export.rlp"), 1);
        assert_eq!(of_file(None, "hoodi-files/sepolia-5382810.headers.rlp"), 11_155_111);
        assert_eq!(of_file(None, "sepolia2-1.rlp"), UNKNOWN_CHAIN_ID);
        assert_eq!(of_file(Some(B256::ZERO), "mainnet-shadow.rlp"), UNKNOWN_CHAIN_ID);
        assert_eq!(of_file(None, "mainnet"), UNKNOWN_CHAIN_ID);
        assert_eq!(Chain::of_source(None, None).id, UNKNOWN_CHAIN_ID);
    }

    #[test]
    fn chains_parse_by_name_and_number() {
        assert_eq!(Chain::parse("hoodi"), Ok(Chain { id: 560_048 }));
        assert_eq!(Chain::parse("1337"), Ok(Chain { id: 1337 }));
        assert!(Chain::parse("moonnet").unwrap_err().contains("mainnet, sepolia"));
        assert_eq!(Chain { id: 7 }.to_string(), "7");
    }
}
