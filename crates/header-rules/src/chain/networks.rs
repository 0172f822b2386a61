//! The public networks: names, ids, genesis and forks.
//!
//! The numbers and times are those of go-ethereum `params/config.go` and of `alloy-hardforks`; a test compares them
//! with the latter. The tables are here, in a few hundred bytes, because that crate adds the forks of other chains, and
//! a lookup by name, to the wasm.
//!
//! Each table is certain up to the second blob step ([`ForkSchedule::known_until`]): for later forks the sources
//! disagree. A published date has been cancelled shortly before, so a later fork is a plan, not a fact.

use alloc::borrow::Cow;
use alloy_primitives::{B256, U256, b256};

use super::{BlobParams, ChainSpec, Consensus, DaoFork, ForkSchedule, GENERATED_CHAIN_ID};

/// A public network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name: in `ChainSpec::by_name`, on command lines, in file names, in the package's `chain` option.
    pub name: &'static str,
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// Timestamp of its genesis block, seconds since 1970.
    pub genesis_timestamp: u64,
    forks: fn() -> ForkSchedule,
}

/// The public networks: the one table for machine, native peer and tools. Genesis hashes and times are those of the
/// published genesis files. A test compares the lists of the npm package with it (`tests/rules/one_table.rs`).
pub const NETWORKS: [Network; 4] = [
    Network {
        name: "mainnet",
        chain_id: 1,
        genesis: b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"),
        genesis_timestamp: 0,
        forks: || MAINNET,
    },
    Network {
        name: "sepolia",
        chain_id: 11_155_111,
        genesis: b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9"),
        genesis_timestamp: 1_633_267_481,
        forks: || SEPOLIA,
    },
    Network {
        name: "holesky",
        chain_id: 17_000,
        genesis: b256!("b5f7f912443c940f21fd611f12828d75b534364ed9e95ca4e307729a4661bde4"),
        genesis_timestamp: 1_695_902_100,
        forks: || HOLESKY,
    },
    Network {
        name: "hoodi",
        chain_id: 560_048,
        genesis: b256!("bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b"),
        genesis_timestamp: 1_742_212_800,
        forks: || HOODI,
    },
];

impl Network {
    /// Chain id, genesis and rules of the network.
    pub fn spec(&self) -> ChainSpec {
        ChainSpec::public(self.chain_id, self.name, Some(self.genesis), (self.forks)())
    }
}

impl ChainSpec {
    /// A chain of `header-peer serve --generate`: every fork up to Prague from genesis on.
    pub fn generated(genesis: B256) -> Self {
        Self::custom(GENERATED_CHAIN_ID, genesis, GENERATED)
    }

    /// Ethereum mainnet.
    pub fn mainnet() -> Self {
        NETWORKS[0].spec()
    }

    /// Sepolia: a test network, proof of work up to 1,450,408.
    pub fn sepolia() -> Self {
        NETWORKS[1].spec()
    }

    /// Holesky: a test network, proof of stake from block 1.
    pub fn holesky() -> Self {
        NETWORKS[2].spec()
    }

    /// Hoodi: a test network, proof of stake from block 1.
    pub fn hoodi() -> Self {
        NETWORKS[3].spec()
    }

    /// The chain of a node in developer mode: every fork up to the second blob step from genesis on. The genesis is not
    /// known: each client has its own, and it changes with their versions ([`ChainSpec::with_genesis`]).
    pub fn dev() -> Self {
        Self::public(1_337, "dev", None, DEV)
    }

    /// The public network with this chain id. Not [`ChainSpec::dev`]: many private chains have its id, with other
    /// forks.
    pub fn by_id(id: u64) -> Option<Self> {
        NETWORKS.iter().find(|network| network.chain_id == id).map(Network::spec)
    }

    /// The network with this name: one of [`NETWORKS`], or `dev`.
    pub fn by_name(name: &str) -> Option<Self> {
        let public = NETWORKS.iter().find(|network| network.name == name).map(Network::spec);
        public.or_else(|| (name == "dev").then(Self::dev))
    }
}

/// Every fork that starts at a number, from genesis on, with London's bomb delay: the start of the later networks.
/// networks begin with.
const FROM_LONDON: ForkSchedule = ForkSchedule {
    consensus: Consensus::Ethash,
    homestead: Some(0),
    dao: None,
    byzantium: Some(0),
    constantinople: Some(0),
    muir_glacier: Some(0),
    london: Some(0),
    arrow_glacier: None,
    gray_glacier: None,
    merge: None,
    terminal_total_difficulty: None,
    shanghai: None,
    cancun: None,
    prague: None,
    osaka: None,
    amsterdam: None,
    blobs: Cow::Borrowed(&[]),
    known_until: None,
};

const MAINNET: ForkSchedule = ForkSchedule {
    homestead: Some(1_150_000),
    dao: Some(DaoFork { block: 1_920_000, support: true }),
    byzantium: Some(4_370_000),
    constantinople: Some(7_280_000),
    muir_glacier: Some(9_200_000),
    london: Some(12_965_000),
    arrow_glacier: Some(13_773_000),
    gray_glacier: Some(15_050_000),
    merge: Some(15_537_394),
    // 58,750,000,000,000,000,000,000
    terminal_total_difficulty: Some(U256::from_limbs([0xd808_a128_d738_0000, 0xc70, 0, 0])),
    shanghai: Some(1_681_338_455),
    cancun: Some(1_710_338_135),
    prague: Some(1_746_612_311),
    osaka: Some(1_764_798_551),
    blobs: Cow::Borrowed(&[
        BlobParams::cancun(1_710_338_135),
        BlobParams::prague(1_746_612_311),
        BlobParams::bpo1(1_765_290_071),
        BlobParams::bpo2(1_767_747_671),
    ]),
    known_until: Some(1_767_747_671),
    ..FROM_LONDON
};

const SEPOLIA: ForkSchedule = ForkSchedule {
    merge: Some(1_450_409),
    terminal_total_difficulty: Some(U256::from_limbs([17_000_000_000_000_000, 0, 0, 0])),
    shanghai: Some(1_677_557_088),
    cancun: Some(1_706_655_072),
    prague: Some(1_741_159_776),
    osaka: Some(1_760_427_360),
    amsterdam: Some(1_791_294_816),
    blobs: Cow::Borrowed(&[
        BlobParams::cancun(1_706_655_072),
        BlobParams::prague(1_741_159_776),
        BlobParams::bpo1(1_761_017_184),
        BlobParams::bpo2(1_761_607_008),
    ]),
    known_until: Some(1_761_607_008),
    ..FROM_LONDON
};

/// Genesis has difficulty 1 and a terminal total difficulty of 0: block 1 is the first by proof of stake, and genesis
/// is never validated, so "from 0" is equivalent.
const HOLESKY: ForkSchedule = ForkSchedule {
    merge: Some(0),
    terminal_total_difficulty: Some(U256::ZERO),
    shanghai: Some(1_696_000_704),
    cancun: Some(1_707_305_664),
    prague: Some(1_740_434_112),
    osaka: Some(1_759_308_480),
    blobs: Cow::Borrowed(&[
        BlobParams::cancun(1_707_305_664),
        BlobParams::prague(1_740_434_112),
        BlobParams::bpo1(1_759_800_000),
        BlobParams::bpo2(1_760_389_824),
    ]),
    known_until: Some(1_760_389_824),
    ..FROM_LONDON
};

const HOODI: ForkSchedule = ForkSchedule {
    merge: Some(0),
    terminal_total_difficulty: Some(U256::ZERO),
    shanghai: Some(0),
    cancun: Some(0),
    prague: Some(1_742_999_832),
    osaka: Some(1_761_677_592),
    blobs: Cow::Borrowed(&[
        BlobParams::cancun(0),
        BlobParams::prague(1_742_999_832),
        BlobParams::bpo1(1_762_365_720),
        BlobParams::bpo2(1_762_955_544),
    ]),
    known_until: Some(1_762_955_544),
    ..FROM_LONDON
};

const DEV: ForkSchedule = ForkSchedule {
    merge: Some(0),
    terminal_total_difficulty: Some(U256::ZERO),
    shanghai: Some(0),
    cancun: Some(0),
    prague: Some(0),
    osaka: Some(0),
    blobs: Cow::Borrowed(&[BlobParams::bpo2(0)]),
    ..FROM_LONDON
};

/// Of [`ChainSpec::generated`].
const GENERATED: ForkSchedule = ForkSchedule {
    merge: Some(0),
    terminal_total_difficulty: Some(U256::ZERO),
    shanghai: Some(0),
    cancun: Some(0),
    prague: Some(0),
    blobs: Cow::Borrowed(&[BlobParams::prague(0)]),
    ..FROM_LONDON
};
