//! The scene of a world under attack: the honest chain, the stored headers, the honest peers, and the script.

use sync_core::{SyncTarget, config::ANCESTOR_VERIFY_MAX};

use crate::{
    chain::{BranchId, Pool, SHALLOW_HEADERS, View},
    churn::Churn,
    network::{LinkPlan, MILLI, Micros},
    options::{HEADERS_MIN, StorePlan},
    peer::{Behavior, PeerPlan},
    rng::Rng,
    script::{Script, Step},
};

/// When an attack begins at the latest, and the sync is measured from: after the user named the target.
const BEGINS: Micros = 100 * MILLI;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Scene {
    /// The honest chain at the start.
    pub start: View,
    /// Its tip in the end.
    pub end_tip: u64,
    /// Blocks under it up to which enough honest peers see the chain: what they agree on.
    pub agreed_under: u64,
    /// Lowest number to sync.
    pub floor: u64,
    /// What is stored at the start.
    pub stored: Option<View>,
    /// The store.
    pub store: StorePlan,
    /// Peers, the honest ones first.
    pub peers: Vec<PeerPlan>,
    /// Strangers that come and go.
    pub churn: Option<Churn>,
    /// What happens.
    pub steps: Vec<(Micros, Step)>,
    /// From when on the sync is measured.
    pub quiescent_at: Micros,
    /// Is the target the peers' tip, or the honest tip, pinned?
    pub follows_tip: bool,
}

impl Scene {
    fn new(start: View, floor: u64, stored: Option<View>) -> Self {
        Self {
            start,
            end_tip: start.tip,
            agreed_under: 0,
            floor,
            stored,
            store: StorePlan::default(),
            peers: Vec::new(),
            churn: None,
            steps: Vec::new(),
            quiescent_at: BEGINS,
            follows_tip: true,
        }
    }

    /// Nothing is stored.
    pub fn first_sync(rng: &mut Rng) -> Self {
        let headers = rng.log_between(HEADERS_MIN, 8_000);
        let tip = rng.between(headers + 100, 9_500);
        Self::new(View { branch: Pool::TRUNK, tip }, tip - headers, None)
    }

    /// Nothing is stored, and the sync goes down to genesis.
    pub fn whole(rng: &mut Rng) -> Self {
        let tip = rng.between(HEADERS_MIN + 100, HEADERS_MIN + 900);
        Self::new(View { branch: Pool::TRUNK, tip }, 0, None)
    }

    /// Everything is stored but the newest blocks.
    pub fn stored(pool: &Pool, newest: u64, rng: &mut Rng) -> Self {
        let branches: Vec<_> = shallow(pool).filter(|branch| pool.parent(*branch) == Some(Pool::TRUNK)).collect();
        // A little above a place where a branch parts, so that a peer may be on that branch. Low enough for what grows.
        let branch = rng.pick(&branches[..2]);
        let tip = pool.fork_point(branch).unwrap_or_default() + rng.between(10, SHALLOW_HEADERS - 250);
        let start = View { branch: Pool::TRUNK, tip: tip + newest };
        let floor = if rng.percent(30) { 0 } else { tip - HEADERS_MIN - rng.below(200) };
        Self::new(start, floor, Some(View { tip, ..start }))
    }

    /// Everything is stored, and since then the newest blocks were reorganised: few of them, mostly, and `deepest` at most.
    pub fn reorg(pool: &Pool, deepest: u64, rng: &mut Rng) -> Self {
        let branches: Vec<_> = shallow(pool).collect();
        let branch = rng.pick(&branches);
        let fork = pool.fork_point(branch).unwrap_or_default();
        let depth = rng.log_between(1, deepest);
        let old = View { branch: pool.parent(branch).unwrap_or(Pool::TRUNK), tip: fork + depth };
        let start = View { branch, tip: fork + depth + rng.between(1, 20) };
        Self::new(start, fork - HEADERS_MIN - rng.below(300), Some(old))
    }

    /// The same with more blocks than are compared by hash.
    pub fn deep_reorg(pool: &Pool, rng: &mut Rng) -> Self {
        // The second of the deep branches, which parts higher.
        let branch = pool.deep_branch() + 1;
        let fork = pool.fork_point(branch).unwrap_or_default();
        let depth = rng.between(ANCESTOR_VERIFY_MAX + 100, ANCESTOR_VERIFY_MAX + 900);
        let old = View { branch: Pool::TRUNK, tip: fork + depth };
        let start = View { branch, tip: fork + depth + rng.between(1, 20) };
        Self::new(start, fork - HEADERS_MIN - rng.below(300), Some(old))
    }

    /// Everything is stored but the newest blocks; a branch parts further down than is compared by hash, and is higher.
    pub fn under_a_deep_branch(pool: &Pool, rng: &mut Rng) -> Self {
        let fork = pool.fork_point(pool.deep_branch() + 1).unwrap_or_default();
        let depth = rng.between(ANCESTOR_VERIFY_MAX + 100, ANCESTOR_VERIFY_MAX + 900);
        let stored = View { branch: Pool::TRUNK, tip: fork + depth };
        let start = View { tip: stored.tip + rng.between(1, 20), ..stored };
        Self::new(start, fork - HEADERS_MIN - rng.below(300), Some(stored))
    }

    /// The newest blocks are of a fork that is not known; what lies under it is stored, but for a few blocks, or nothing.
    pub fn other_fees(pool: &Pool, rng: &mut Rng) -> Self {
        let branch = pool.other_fees();
        let fork = pool.fork_point(branch).unwrap_or_default();
        let start = View { branch, tip: fork + rng.log_between(1, 300) };
        // Where everything up to the fork is stored, the first new header is compared with a stored one.
        let missing = if rng.percent(50) { rng.below(50) } else { 0 };
        let stored = rng.percent(60).then(|| View { branch: Pool::TRUNK, tip: fork - missing });
        Self::new(start, fork - HEADERS_MIN - rng.below(300), stored)
    }

    /// Everything is stored, and every honest peer is so many blocks behind.
    pub fn behind(pool: &Pool, blocks: u64, rng: &mut Rng) -> Self {
        let scene = Self::stored(pool, 0, rng);
        let start = View { tip: scene.start.tip - blocks, ..scene.start };
        Self { start, end_tip: scene.start.tip + 5, ..scene }
    }

    /// Honest peers with clean ways.
    pub fn add_honest(&mut self, count: u64, rng: &mut Rng) {
        for _ in 0..count {
            let latency = rng.between(20, 75);
            let link = self.link(latency, rng);
            self.add(Behavior::Honest, link, 10 * MILLI);
        }
    }

    /// One more peer.
    pub fn add(&mut self, behavior: Behavior, link: LinkPlan, joins_at: Micros) {
        self.peers.push(PeerPlan { behavior, link, joins_at, flaps: None, hears_after: 5 * MILLI });
    }

    /// A clean way of so many milliseconds.
    pub fn link(&self, latency: u64, rng: &mut Rng) -> LinkPlan {
        LinkPlan { bytes_per_milli: rng.log_between(1_000, 10_000), ..LinkPlan::clean(latency * MILLI) }
    }

    /// So many honest peers stay a block behind that only the block under the tip has a majority, of all peers that
    /// there are now.
    pub fn lag(&mut self, quorum: usize) {
        let need = (self.peers.len() / 2 + 1).max(quorum);
        let honest = self.peers.iter_mut().filter(|peer| peer.behavior.is_honest());
        for peer in honest.skip(1).skip(need.saturating_sub(2)) {
            peer.behavior = Behavior::Behind(1);
            self.agreed_under = 1;
        }
    }

    /// Honest peers come only then, and the sync is measured from there.
    pub fn honest_join(&mut self, at: Micros) {
        self.peers.iter_mut().filter(|peer| peer.behavior.is_honest()).for_each(|peer| peer.joins_at = at);
        self.quiescent_at = at;
    }

    /// Ways to honest peers carry so many bytes a millisecond.
    pub fn narrow(&mut self, bytes_per_milli: u64) {
        let honest = self.peers.iter_mut().filter(|peer| peer.behavior.is_honest());
        honest.for_each(|peer| peer.link.bytes_per_milli = bytes_per_milli);
    }

    /// The honest chain is so many blocks higher from the beginning.
    pub fn grow_start(&mut self, blocks: u64) {
        self.start.tip += blocks;
        self.end_tip += blocks;
    }

    /// The honest chain grows block by block until its end.
    pub fn grow_each(&mut self, every: Micros) {
        let numbers = self.start.tip + 1..self.end_tip;
        let steps = numbers.zip(1..).map(|(tip, at)| (at * every, Step::CanonicalChain(View { tip, ..self.start })));
        self.steps.extend(steps);
        self.quiescent_at = (self.end_tip - self.start.tip) * every;
    }

    /// What happens, in order.
    pub fn script(&mut self, pool: &Pool) -> Script {
        let end = View { tip: self.end_tip, ..self.start };
        let pin = |view: View| SyncTarget::Hash(pool.tip(view).hash);
        let goal = View { tip: end.tip - self.agreed_under, ..end };
        let target = |view| if self.follows_tip { SyncTarget::PeersTip } else { pin(view) };
        let mut steps = core::mem::take(&mut self.steps);
        steps.push((5 * MILLI, Step::Want(target(self.start))));
        steps.sort_by_key(|(at, _)| *at);
        Script {
            start: self.start,
            floor: self.floor,
            steps,
            quiescent_at: self.quiescent_at,
            target: target(goal),
            goal,
            end,
            follows_tip: self.follows_tip,
        }
    }
}

/// Honest branches of a few hundred headers, the lowest first.
fn shallow(pool: &Pool) -> impl Iterator<Item = BranchId> + '_ {
    let is_shallow =
        |branch: &BranchId| pool.fork_point(*branch).is_some_and(|fork| pool.last(*branch) - fork <= SHALLOW_HEADERS);
    pool.honest_branches().filter(is_shallow)
}
