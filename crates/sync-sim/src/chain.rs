//! The chains of all worlds: made once a process (or a thread), from fixed seeds, real headers under real hashes.
//!
//! ```text
//!   trunk   0 ---- 2,100 ------ 2,500 --- 3,400 --- ... ------------------> 9,999
//!                    \ deep        \ shallow  \ shallow
//!                     \ 5,600       \ 400      \ 400
//!   foreign 0 ------------------> 2,999      another genesis
//! ```
//!
//! A [`View`] is a chain as one peer sees it: a branch and a tip on it. A reorg of any depth is a change from one view
//! to another whose branch parts from it so many blocks under the tip. Numbers and hashes are looked up in flat tables,
//! so that a world costs little more than the machine that it tests.
//!
//! Every header obeys the rules of [`ChainSpec::generated`] (all forks up to Prague from genesis on), but for
//! those from [`Pool::INVALID`] on, whose headers hang together and break rules, and [`Pool::other_fees`].

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_maker::Figures;
use header_rules::chain::ChainSpec;
use sync_core::BlockNumHash;

use crate::{
    header::{Rules, append_header, figures_of},
    rng::Rng,
};

/// A line of headers that parts from another one, or a whole chain.
pub type BranchId = u16;

/// Headers of the trunk.
const TRUNK_HEADERS: u64 = 10_000;
/// Where the deep branches part, and how long they are: room for a reorg of 5,000 blocks.
const DEEP: [(u64, u64); 2] = [(2_100, 5_600), (2_300, 5_300)];
/// Where shallow branches part.
const SHALLOW_FIRST: u64 = 2_500;
const SHALLOW_STEP: u64 = 700;
const SHALLOW_COUNT: u64 = 10;
/// Headers of a shallow branch.
pub const SHALLOW_HEADERS: u64 = 420;
/// Branches whose headers break a rule; each parts a little under a shallow branch.
const INVALID_COUNT: u64 = 5;
/// Where a fork begins that changes what gas costs, and headers of that branch.
const OTHER_FEES: (u64, u64) = (2_400, 400);
/// Headers of the other network.
const FOREIGN_HEADERS: u64 = 3_000;

/// Headers of the trunk of a tall pool that its newest branch replaces, and headers that it has above them.
const NEWEST_DEPTH: u64 = 1_000;
const NEWEST_MORE: u64 = 40;

/// A chain as one peer sees it: a branch and a tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The branch.
    pub branch: BranchId,
    /// Its highest number.
    pub tip: u64,
}

#[derive(Debug)]
struct Branch {
    /// What it parts from.
    parent: Option<BranchId>,
    /// Its first own number.
    first: u64,
    headers: Vec<Bytes>,
    hashes: Vec<B256>,
}

/// All chains. See the [module](self).
#[derive(Debug)]
pub struct Pool {
    branches: Vec<Branch>,
    by_hash: BTreeMap<B256, (BranchId, u64)>,
    other_fees: BranchId,
}

impl Pool {
    /// The longest chain.
    pub const TRUNK: BranchId = 0;
    /// A chain with another genesis.
    pub const FOREIGN: BranchId = 1;
    /// The first branch whose headers break a rule; there are `INVALID_COUNT`.
    pub const INVALID: BranchId = 2;

    /// Makes all chains: some 30,000 headers, a tenth of a second.
    pub fn new() -> Self {
        Self::with_heights(TRUNK_HEADERS, FOREIGN_HEADERS)
    }

    /// All chains, the trunk and the other network's chain with so many headers, and a branch
    /// ([`Pool::newest_branch`]) that parts from the trunk 1,000 headers under its end and goes on a little above it.
    pub fn tall(headers: u64) -> Self {
        let headers = headers.max(TRUNK_HEADERS);
        let mut pool = Self::with_heights(headers, headers);
        pool.grow(Some(Self::TRUNK), headers - 1 - NEWEST_DEPTH, NEWEST_DEPTH + NEWEST_MORE, Rules::Valid);
        pool
    }

    fn with_heights(trunk: u64, foreign: u64) -> Self {
        let mut pool = Self { branches: Vec::new(), by_hash: BTreeMap::new(), other_fees: Self::TRUNK };
        pool.grow(None, 0, trunk, Rules::Valid);
        pool.grow(None, 0, foreign, Rules::Valid);
        for at in 0..INVALID_COUNT {
            let fork = SHALLOW_FIRST - 10 + 2 * at * SHALLOW_STEP;
            pool.grow(Some(Self::TRUNK), fork, SHALLOW_HEADERS, Rules::Invalid);
        }
        for (fork, headers) in DEEP {
            pool.grow(Some(Self::TRUNK), fork, headers, Rules::Valid);
        }
        for at in 0..SHALLOW_COUNT {
            let fork = SHALLOW_FIRST + at * SHALLOW_STEP;
            let branch = pool.grow(Some(Self::TRUNK), fork, SHALLOW_HEADERS, Rules::Valid);
            if at % 2 == 0 {
                pool.grow(Some(branch), fork + 20 + at, SHALLOW_HEADERS, Rules::Valid);
            }
        }
        let (fork, headers) = OTHER_FEES;
        pool.other_fees = pool.grow(Some(Self::TRUNK), fork, headers, Rules::OtherFees);
        pool
    }

    /// Branches of the honest network, the trunk first; no foreign and no invalid one.
    pub fn honest_branches(&self) -> impl Iterator<Item = BranchId> + '_ {
        (0..self.branches.len() as BranchId).filter(|id| !self.is_dishonest(*id) && *id != self.other_fees)
    }

    /// Branches that part from the view above `lowest`, honest and invalid ones, and the other network's chain when the
    /// two begin there.
    pub fn branches_near(&self, view: View, lowest: u64) -> Vec<BranchId> {
        let parts = |branch: &BranchId| {
            let whole = View { branch: *branch, tip: self.last(*branch) };
            match self.common(view, whole) {
                Some(common) => (lowest..view.tip).contains(&common) && whole.tip > common,
                None => lowest == 0,
            }
        };
        (0..self.branches.len() as BranchId).filter(|id| *id != self.other_fees).filter(parts).collect()
    }

    /// The branch of a fork that changes what gas costs; no peer is on it but in worlds that are made for it.
    pub fn other_fees(&self) -> BranchId {
        self.other_fees
    }

    /// The branch that was made last: the one near the top of a [`Pool::tall`].
    pub fn newest_branch(&self) -> BranchId {
        self.branches.len() as BranchId - 1
    }

    /// A branch with room for a deep reorg.
    pub fn deep_branch(&self) -> BranchId {
        Self::INVALID + INVALID_COUNT as BranchId
    }

    fn is_dishonest(&self, branch: BranchId) -> bool {
        branch == Self::FOREIGN || (Self::INVALID..Self::INVALID + INVALID_COUNT as BranchId).contains(&branch)
    }

    /// The number of the last header that this branch shares with its parent; `None` for a whole chain.
    pub fn fork_point(&self, branch: BranchId) -> Option<u64> {
        let branch = self.branch(branch);
        branch.parent.map(|_| branch.first - 1)
    }

    /// What the branch parts from.
    pub fn parent(&self, branch: BranchId) -> Option<BranchId> {
        self.branch(branch).parent
    }

    /// The highest number of the branch.
    pub fn last(&self, branch: BranchId) -> u64 {
        let branch = self.branch(branch);
        branch.first + branch.headers.len() as u64 - 1
    }

    /// The branch that owns the header which `branch` has at `number`.
    pub fn owner(&self, branch: BranchId, number: u64) -> Option<BranchId> {
        let mut id = branch;
        while number < self.branch(id).first {
            id = self.branch(id).parent?;
        }
        (number <= self.last(id)).then_some(id)
    }

    /// RLP of the header that `branch` has at `number`.
    pub fn header(&self, branch: BranchId, number: u64) -> Option<&Bytes> {
        let owner = self.branch(self.owner(branch, number)?);
        owner.headers.get((number - owner.first) as usize)
    }

    /// Hash of the header that `branch` has at `number`.
    pub fn hash(&self, branch: BranchId, number: u64) -> Option<B256> {
        let owner = self.branch(self.owner(branch, number)?);
        owner.hashes.get((number - owner.first) as usize).copied()
    }

    /// Owner and number of the header with this hash.
    pub fn locate(&self, hash: B256) -> Option<(BranchId, u64)> {
        self.by_hash.get(&hash).copied()
    }

    /// Does the view hold this header?
    pub fn holds(&self, view: View, owner: BranchId, number: u64) -> bool {
        number <= view.tip && self.owner(view.branch, number) == Some(owner)
    }

    /// The highest number that both views share; `None` when not even genesis.
    pub fn common(&self, one: View, other: View) -> Option<u64> {
        let mut number = one.tip.min(other.tip);
        loop {
            let (a, b) = (self.owner(one.branch, number)?, self.owner(other.branch, number)?);
            if a == b {
                return Some(number);
            }
            number = self.branch(a).first.max(self.branch(b).first).checked_sub(1)?;
        }
    }

    /// Number and hash of the view's tip.
    pub fn tip(&self, view: View) -> BlockNumHash {
        self.at(view.branch, view.tip)
    }

    /// Number and hash of the header that `branch` has at `number`, or at its end.
    pub fn at(&self, branch: BranchId, number: u64) -> BlockNumHash {
        let number = number.min(self.last(branch));
        BlockNumHash { number, hash: self.hash(branch, number).unwrap_or_default() }
    }

    /// Hash of block 0 of the branch's chain.
    pub fn genesis(&self, branch: BranchId) -> B256 {
        self.hash(branch, 0).unwrap_or_default()
    }

    /// What the machine is told of the honest chain.
    pub fn spec(&self) -> ChainSpec {
        ChainSpec::generated(self.genesis(Self::TRUNK))
    }

    fn branch(&self, id: BranchId) -> &Branch {
        &self.branches[usize::from(id)]
    }

    /// Adds a branch that parts from `parent` above `fork`, or a whole chain.
    fn grow(&mut self, parent: Option<BranchId>, fork: u64, count: u64, rules: Rules) -> BranchId {
        let id = self.branches.len() as BranchId;
        let mut rng = Rng::new(u64::from(id), "chain");
        let (first, mut figures, mut above) = match parent {
            None => (0, Figures::START, B256::ZERO),
            Some(parent) => {
                let header = self.header(parent, fork).expect("a branch parts inside its parent");
                (fork + 1, figures_of(header), self.hash(parent, fork).unwrap_or_default())
            }
        };
        let mut rlp = Vec::with_capacity(count as usize * 680);
        let mut ends = Vec::with_capacity(count as usize);
        let mut hashes = Vec::with_capacity(count as usize);
        for number in first..first + count {
            let start = rlp.len();
            figures = append_header(&mut rng, number, above, &figures, rules, &mut rlp);
            above = keccak256(&rlp[start..]);
            hashes.push(above);
            ends.push(rlp.len());
            self.by_hash.insert(above, (id, number));
        }
        let whole = Bytes::from(rlp);
        let starts = core::iter::once(0).chain(ends.iter().copied());
        let headers = starts.zip(&ends).map(|(start, end)| whole.slice(start..*end)).collect();
        self.branches.push(Branch { parent, first, headers, hashes });
        id
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use header_rules::{header::Header, rules};

    use super::*;

    #[test]
    fn every_honest_header_obeys_every_rule_and_the_invalid_branch_does_not() {
        let pool = Pool::new();
        let spec = pool.spec();
        let check = |branch: BranchId, number: u64| {
            let child = Header::decode(pool.header(branch, number).expect("inside")).expect("decodes");
            let parent = Header::decode(pool.header(branch, number - 1).expect("inside")).expect("decodes");
            assert_eq!(Some(child.parent_hash), pool.hash(branch, number - 1));
            rules::validate_standalone(&child, &spec).and_then(|()| rules::validate(&child, &parent, &spec))
        };
        for branch in pool.honest_branches().collect::<Vec<_>>() {
            let first = pool.fork_point(branch).unwrap_or(0) + 1;
            for number in first..=pool.last(branch) {
                assert_eq!(check(branch, number), Ok(()), "branch {branch}, number {number}");
            }
        }
        let fork = pool.fork_point(Pool::INVALID).expect("a branch");
        assert!((fork + 1..=pool.last(Pool::INVALID)).any(|number| check(Pool::INVALID, number).is_err()));
    }

    #[test]
    fn views_share_what_lies_under_the_fork() {
        let pool = Pool::new();
        let deep = View { branch: pool.deep_branch(), tip: 7_000 };
        let trunk = View { branch: Pool::TRUNK, tip: 7_100 };
        assert_eq!(pool.common(deep, trunk), Some(DEEP[0].0));
        assert_eq!(pool.common(trunk, trunk), Some(7_100));
        assert_eq!(pool.common(trunk, View { branch: Pool::FOREIGN, tip: 2_999 }), None);
        assert!(pool.holds(deep, Pool::TRUNK, 2_100) && !pool.holds(deep, Pool::TRUNK, 2_101));
        assert_eq!(pool.locate(pool.tip(deep).hash), Some((deep.branch, 7_000)));
    }
}
