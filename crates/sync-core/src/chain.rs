//! What a chain is: its id, its genesis and the forks that decide which rules hold where.
//!
//! Two kinds of chain. The public networks are known to the block and to the second ([`ForkSchedule`]). Of any other
//! chain we know an id and, at most, a genesis hash; it is held to what every Ethereum chain has in common
//! ([`RuleSet::Structural`]), so that no honest chain is refused for a fork that we never heard of.
//!
//! The times are those of go-ethereum `params/config.go` and of `alloy-hardforks`; a test compares them with the
//! latter, so the crate itself depends on neither.

use alloc::borrow::Cow;
use alloy_primitives::{B256, b256};

use crate::range::BlockNumber;

/// Chain id of the chains that `header-peer serve --generate` makes.
pub const GENERATED_CHAIN_ID: u64 = 4_919;

/// Blob parameters that hold from a time on (EIP-7840; later ones by "blob parameter only" forks, EIP-7892).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobParams {
    /// First timestamp, in seconds.
    pub from: u64,
    /// Blobs of a block that keep the blob fee where it is.
    pub target: u64,
    /// Blobs that a block may hold.
    pub max: u64,
    /// How slowly the blob fee follows the excess: `BASE_FEE_UPDATE_FRACTION` of EIP-4844.
    pub update_fraction: u64,
}

/// Where each fork that a header shows begins. `None`: not on this chain, or not yet scheduled.
///
/// Forks up to the merge begin at a number, later ones at a timestamp (seconds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkSchedule {
    /// First block with a base fee (EIP-1559).
    pub london: Option<BlockNumber>,
    /// First block by proof of stake (EIP-3675), by number: for a chain whose merge is history.
    pub merge: Option<BlockNumber>,
    /// Withdrawals root (EIP-4895).
    pub shanghai: Option<u64>,
    /// Blob gas and beacon root (EIP-4844, EIP-4788).
    pub cancun: Option<u64>,
    /// Requests hash (EIP-7685).
    pub prague: Option<u64>,
    /// Blob fee bounded by the cost of execution (EIP-7918).
    pub osaka: Option<u64>,
    /// Block access list and slot number (EIP-7928, EIP-7843).
    pub amsterdam: Option<u64>,
    /// Blob parameters, rising by time; the last that has begun holds.
    pub blobs: Cow<'static, [BlobParams]>,
}

impl ForkSchedule {
    /// Does the block have a base fee?
    pub fn is_london(&self, number: BlockNumber) -> bool {
        self.london.is_some_and(|first| number >= first)
    }

    /// Is the block made by proof of stake?
    pub fn is_merged(&self, number: BlockNumber) -> bool {
        self.merge.is_some_and(|first| number >= first)
    }

    /// The blob parameters of a block with this timestamp.
    pub fn blob_params(&self, timestamp: u64) -> Option<&BlobParams> {
        self.blobs.iter().rev().find(|params| timestamp >= params.from)
    }
}

/// Has a fork that begins at `from` begun at `timestamp`?
pub(crate) fn begun(from: Option<u64>, timestamp: u64) -> bool {
    from.is_some_and(|from| timestamp >= from)
}

/// Which rules a chain's headers are held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSet {
    /// Every rule, at the forks of this schedule.
    Forks(ForkSchedule),
    /// What holds on every chain that follows Ethereum's header rules, whatever its forks and however it is sealed.
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
    /// Ethereum mainnet.
    pub fn mainnet() -> Self {
        let genesis = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
        Self::public(1, "mainnet", genesis, MAINNET)
    }

    /// Sepolia: a test network, proof of work up to 1,450,408.
    pub fn sepolia() -> Self {
        let genesis = b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9");
        Self::public(11_155_111, "sepolia", genesis, SEPOLIA)
    }

    /// Holesky: a test network, proof of stake from block 1.
    pub fn holesky() -> Self {
        let genesis = b256!("b5f7f912443c940f21fd611f12828d75b534364ed9e95ca4e307729a4661bde4");
        Self::public(17_000, "holesky", genesis, HOLESKY)
    }

    /// Hoodi: a test network, proof of stake from block 1.
    pub fn hoodi() -> Self {
        let genesis = b256!("bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b");
        Self::public(560_048, "hoodi", genesis, HOODI)
    }

    /// A chain of `header-peer serve --generate`: every fork up to Prague from genesis on.
    pub fn generated(genesis: B256) -> Self {
        Self::custom(GENERATED_CHAIN_ID, genesis, GENERATED)
    }

    /// The public network with this chain id.
    pub fn by_id(id: u64) -> Option<Self> {
        match id {
            1 => Some(Self::mainnet()),
            11_155_111 => Some(Self::sepolia()),
            17_000 => Some(Self::holesky()),
            560_048 => Some(Self::hoodi()),
            _ => None,
        }
    }

    /// The public network with this name: `mainnet`, `sepolia`, `holesky` or `hoodi`.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "mainnet" => Some(Self::mainnet()),
            "sepolia" => Some(Self::sepolia()),
            "holesky" => Some(Self::holesky()),
            "hoodi" => Some(Self::hoodi()),
            _ => None,
        }
    }

    /// A chain of which nothing is known but its id and, perhaps, its genesis. Its headers are held to
    /// [`RuleSet::Structural`].
    pub fn unknown(id: u64, genesis: impl Into<Option<B256>>) -> Self {
        Self { id, name: None, genesis: genesis.into(), rules: RuleSet::Structural }
    }

    /// A chain with its own schedule.
    pub fn custom(id: u64, genesis: impl Into<Option<B256>>, forks: ForkSchedule) -> Self {
        Self { id, name: None, genesis: genesis.into(), rules: RuleSet::Forks(forks) }
    }

    fn public(id: u64, name: &'static str, genesis: B256, forks: ForkSchedule) -> Self {
        Self { id, name: Some(name), genesis: Some(genesis), rules: RuleSet::Forks(forks) }
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
}

/// EIP-4844 at Cancun.
const fn cancun_blobs(from: u64) -> BlobParams {
    BlobParams { from, target: 3, max: 6, update_fraction: 3_338_477 }
}

/// EIP-7691 at Prague; Osaka keeps it.
const fn prague_blobs(from: u64) -> BlobParams {
    BlobParams { from, target: 6, max: 9, update_fraction: 5_007_716 }
}

/// EIP-7892, first step.
const fn bpo1_blobs(from: u64) -> BlobParams {
    BlobParams { from, target: 10, max: 15, update_fraction: 8_346_193 }
}

/// EIP-7892, second step.
const fn bpo2_blobs(from: u64) -> BlobParams {
    BlobParams { from, target: 14, max: 21, update_fraction: 11_684_671 }
}

const MAINNET: ForkSchedule = ForkSchedule {
    london: Some(12_965_000),
    merge: Some(15_537_394),
    shanghai: Some(1_681_338_455),
    cancun: Some(1_710_338_135),
    prague: Some(1_746_612_311),
    osaka: Some(1_764_798_551),
    amsterdam: None,
    blobs: Cow::Borrowed(&[
        cancun_blobs(1_710_338_135),
        prague_blobs(1_746_612_311),
        bpo1_blobs(1_765_290_071),
        bpo2_blobs(1_767_747_671),
    ]),
};

const SEPOLIA: ForkSchedule = ForkSchedule {
    london: Some(0),
    merge: Some(1_450_409),
    shanghai: Some(1_677_557_088),
    cancun: Some(1_706_655_072),
    prague: Some(1_741_159_776),
    osaka: Some(1_760_427_360),
    amsterdam: Some(1_791_294_816),
    blobs: Cow::Borrowed(&[
        cancun_blobs(1_706_655_072),
        prague_blobs(1_741_159_776),
        bpo1_blobs(1_761_017_184),
        bpo2_blobs(1_761_607_008),
    ]),
};

/// Genesis has difficulty 1 and a terminal total difficulty of 0: block 1 is the first by proof of stake, and genesis
/// is never validated, so "from 0" says the same.
const HOLESKY: ForkSchedule = ForkSchedule {
    london: Some(0),
    merge: Some(0),
    shanghai: Some(1_696_000_704),
    cancun: Some(1_707_305_664),
    prague: Some(1_740_434_112),
    osaka: Some(1_759_308_480),
    amsterdam: None,
    blobs: Cow::Borrowed(&[
        cancun_blobs(1_707_305_664),
        prague_blobs(1_740_434_112),
        bpo1_blobs(1_759_800_000),
        bpo2_blobs(1_760_389_824),
    ]),
};

const HOODI: ForkSchedule = ForkSchedule {
    london: Some(0),
    merge: Some(0),
    shanghai: Some(0),
    cancun: Some(0),
    prague: Some(1_742_999_832),
    osaka: Some(1_761_677_592),
    amsterdam: None,
    blobs: Cow::Borrowed(&[
        cancun_blobs(0),
        prague_blobs(1_742_999_832),
        bpo1_blobs(1_762_365_720),
        bpo2_blobs(1_762_955_544),
    ]),
};

const GENERATED: ForkSchedule = ForkSchedule {
    london: Some(0),
    merge: Some(0),
    shanghai: Some(0),
    cancun: Some(0),
    prague: Some(0),
    osaka: None,
    amsterdam: None,
    blobs: Cow::Borrowed(&[prague_blobs(0)]),
};
