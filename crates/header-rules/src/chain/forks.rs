//! The forks that change a header, and their start on a chain.
//!
//! A [`ForkSchedule`] is a table of numbers and times; the rules of each fork are in [`rules`](crate::rules), one file
//! per subject. Forks that do not change a header (Tangerine Whistle, Spurious Dragon, Petersburg, Istanbul, Berlin)
//! are not in it.

use alloc::borrow::Cow;
use alloy_primitives::U256;

use crate::range::BlockNumber;

/// Blob gas of one blob (EIP-4844).
pub const GAS_PER_BLOB: u64 = 131_072;

/// Blob parameters from a time on (EIP-7840; later ones by "blob parameter only" forks, EIP-7892).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BlobParams {
    /// First timestamp, in seconds.
    pub from: u64,
    /// Target number of blobs: the blob fee stays the same.
    pub target: u64,
    /// Highest number of blobs.
    pub max: u64,
    /// Update fraction of the blob fee: `BASE_FEE_UPDATE_FRACTION` of EIP-4844.
    pub update_fraction: u64,
}

impl BlobParams {
    /// EIP-4844, from Cancun on.
    pub const fn cancun(from: u64) -> Self {
        Self { from, target: 3, max: 6, update_fraction: 3_338_477 }
    }

    /// EIP-7691, from Prague on; Osaka keeps it.
    pub const fn prague(from: u64) -> Self {
        Self { from, target: 6, max: 9, update_fraction: 5_007_716 }
    }

    /// EIP-7892, the first step of the public networks.
    pub const fn bpo1(from: u64) -> Self {
        Self { from, target: 10, max: 15, update_fraction: 8_346_193 }
    }

    /// EIP-7892, the second step of the public networks.
    pub const fn bpo2(from: u64) -> Self {
        Self { from, target: 14, max: 21, update_fraction: 11_684_671 }
    }
}

/// The consensus before proof of stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Consensus {
    /// Proof of work by ethash (Yellow Paper 4.4.4). Also for a chain with proof of stake from genesis on, which has no
    /// such block.
    #[default]
    Ethash,
    /// Proof of authority (EIP-225).
    Clique {
        /// Least seconds between a block and its parent.
        period: u64,
        /// Blocks from one checkpoint to the next; 0 means [`CLIQUE_EPOCH`](super::CLIQUE_EPOCH).
        epoch: u64,
    },
}

/// The DAO fork (EIP-779), with the side that the chain took. Its first ten blocks have a mark in their extra data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DaoFork {
    /// First block.
    pub block: BlockNumber,
    /// `true`: the ten blocks must have the mark. `false`: they must not.
    pub support: bool,
}

/// Start of each fork that changes a header. `None`: not on this chain, or not scheduled yet.
///
/// Forks up to the merge begin at a number, later ones at a timestamp (seconds). The default has none: Frontier for
/// ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForkSchedule {
    /// Consensus before the merge.
    pub consensus: Consensus,
    /// Difficulty by the time between two blocks (EIP-2).
    pub homestead: Option<BlockNumber>,
    /// Marked extra data (EIP-779).
    pub dao: Option<DaoFork>,
    /// Difficulty with ommers (EIP-100), bomb 3,000,000 blocks later (EIP-649).
    pub byzantium: Option<BlockNumber>,
    /// Bomb 5,000,000 blocks later (EIP-1234).
    pub constantinople: Option<BlockNumber>,
    /// Bomb 9,000,000 blocks later (EIP-2384).
    pub muir_glacier: Option<BlockNumber>,
    /// First block with a base fee (EIP-1559); bomb 9,700,000 blocks later (EIP-3554).
    pub london: Option<BlockNumber>,
    /// Bomb 10,700,000 blocks later (EIP-4345).
    pub arrow_glacier: Option<BlockNumber>,
    /// Bomb 11,400,000 blocks later (EIP-5133).
    pub gray_glacier: Option<BlockNumber>,
    /// First block by proof of stake (EIP-3675), for a chain whose merge is in the past. If it is known, it takes
    /// precedence over `terminal_total_difficulty`.
    pub merge: Option<BlockNumber>,
    /// A block is by proof of stake if the total difficulty of its parent has reached this value (EIP-3675). Zero: from
    /// genesis on.
    pub terminal_total_difficulty: Option<U256>,
    /// Withdrawals root (EIP-4895).
    pub shanghai: Option<u64>,
    /// Blob gas and beacon root (EIP-4844, EIP-4788).
    pub cancun: Option<u64>,
    /// Requests hash (EIP-7685).
    pub prague: Option<u64>,
    /// Lower bound of the blob fee by the cost of execution (EIP-7918).
    pub osaka: Option<u64>,
    /// Block access list and slot number (EIP-7928, EIP-7843).
    pub amsterdam: Option<u64>,
    /// Blob parameters, rising by time; the latest that has started applies.
    pub blobs: Cow<'static, [BlobParams]>,
    /// Seconds since 1970 up to which the schedule is certain. From then on forks may have been added, moved or
    /// cancelled, and a header that breaks a rule belongs to an unknown fork. `None`: certain for ever.
    pub known_until: Option<u64>,
}

impl ForkSchedule {
    /// Does the block have a base fee?
    pub fn is_london(&self, number: BlockNumber) -> bool {
        begun(self.london, number)
    }

    /// Is the block by proof of stake, by its number alone? `false` if only the total difficulty can tell; see
    /// [`ForkSchedule::seal_at`].
    pub fn is_merged(&self, number: BlockNumber) -> bool {
        self.seal_at(number, None) == Some(Seal::Stake)
    }

    /// Kind of the block's seal: by the number of the merge if it is known, else by the total difficulty of the parent.
    /// `None`: the total difficulty is needed, and not given.
    pub fn seal_at(&self, number: BlockNumber, parent_total_difficulty: Option<U256>) -> Option<Seal> {
        let seal = |stake| if stake { Seal::Stake } else { Seal::Work };
        match (self.merge, self.terminal_total_difficulty) {
            (Some(first), _) => Some(seal(number >= first)),
            (None, Some(terminal)) if terminal.is_zero() => Some(Seal::Stake),
            (None, Some(terminal)) => parent_total_difficulty.map(|total| seal(total >= terminal)),
            (None, None) => Some(Seal::Work),
        }
    }

    /// Is the schedule certain for a block with this timestamp?
    pub fn is_certain_at(&self, timestamp: u64) -> bool {
        self.known_until.is_none_or(|until| timestamp < until)
    }

    /// Blob parameters of a block with this timestamp.
    pub fn blob_params(&self, timestamp: u64) -> Option<&BlobParams> {
        self.blobs.iter().rev().find(|params| timestamp >= params.from)
    }
}

/// Kind of a block's seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Proof of work or of authority, by [`Consensus`].
    Work,
    /// Proof of stake (EIP-3675).
    Stake,
}

/// Has a fork with start `from` started at `at`? Both are numbers, or both are times.
pub(crate) fn begun(from: Option<u64>, at: u64) -> bool {
    from.is_some_and(|from| at >= from)
}
