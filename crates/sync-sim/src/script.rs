//! What happens to a world from outside: blocks, reorgs, the user, the power cord. Drawn whole before the world begins.
//!
//! Trouble ends at [`Script::quiescent_at`]: then every honest peer sees the same chain, no message of theirs is lost
//! any more, the store works, the process is not killed, and the target is [`Script::target`]. From there on the sync
//! must end in time. Faulty peers stay as they are.

use alloy_primitives::B256;
use sync_core::SyncTarget;

use crate::{
    chain::{BranchId, Pool, SHALLOW_HEADERS, View},
    network::{MILLI, Micros, SECOND},
    options::HEADERS_MIN,
    peer::{Behavior, PeerPlan},
    rng::Rng,
};

/// A hash that no peer has.
pub const UNKNOWN: B256 = B256::repeat_byte(0xee);
/// Blocks that come at once.
const GROWTH_MAX: u64 = 1_500;
/// The deepest reorg.
const DEPTH_MAX: u64 = 5_000;
/// Blocks that a branch must have left above a tip: for what grows on it until the end.
const ROOM: u64 = 60;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// The honest chain is this one now: it grew, or was reorganised.
    CanonicalChain(View),
    /// The user names a target.
    Want(SyncTarget),
    /// The user holds the sync, or lets it go on.
    Pause(bool),
    /// The process dies.
    Crash,
    /// The links to the peers of this mask are cut for this time.
    Cut(u64, Micros),
    /// The host does not run for this time: a busy tab, a sleeping laptop.
    Freeze(Micros),
    /// A timer fires although none was asked for.
    Tick,
    /// Honest peers of this mask, all but the first, drop everything under this number, and say so only after that time.
    Prune(u64, u64, Micros),
}

/// Everything that happens.
#[derive(Clone, Debug)]
pub struct Script {
    /// The honest chain at the start.
    pub start: View,
    /// Lowest number to sync.
    pub floor: u64,
    /// By time.
    pub steps: Vec<(Micros, Step)>,
    /// When all trouble is over.
    pub quiescent_at: Micros,
    /// The target from then on.
    pub target: SyncTarget,
    /// What that is.
    pub goal: View,
    /// The honest chain from then on.
    pub end: View,
    /// Is the target ever the peers' tip?
    pub follows_tip: bool,
}

impl Script {
    /// How many headers the store holds in the end.
    pub fn headers(&self) -> u64 {
        self.goal.tip - self.floor + 1
    }

    /// A script that begins so, for these peers.
    pub fn draw(
        pool: &Pool,
        opening: &Opening,
        peers: &[PeerPlan],
        features: &mut Vec<&'static str>,
        rng: &mut Rng,
    ) -> Self {
        let mut on = |percent: u64, word: &'static str| {
            let on = rng.percent(percent);
            features.extend(on.then_some(word));
            on
        };
        let Opening { start, floor, deep } = *opening;
        let reorgs = on(if deep { 100 } else { 45 }, "reorgs");
        let grows = on(50, "growth");
        let retargets = on(35, "retargets");
        let pauses = on(20, "pauses");
        let cuts = on(25, "partitions");
        let kills = on(25, "kills");
        let freezes = on(15, "freezes");
        let forked = peers.iter().filter(|peer| peer.behavior.names_a_false_tip()).count();
        // Enough false tips decide the peers' tip; such a world pins its targets.
        let tip_allowed = forked <= 3;

        let quiescent_at = rng.log_between(800, 24_000) * MILLI;
        let mut drawer = Drawer {
            pool,
            canonical: start,
            highest: start.tip,
            follows_tip: false,
            tip_allowed,
            deep,
            floor,
            forked: peers.iter().filter_map(|peer| forked_to(peer.behavior)).collect(),
        };
        let foreign = drawer.forked.contains(&Pool::FOREIGN) && rng.percent(50);
        let first = match rng.below(5) {
            _ if foreign => drawer.pin(View { branch: Pool::FOREIGN, tip: start.tip.min(pool.last(Pool::FOREIGN)) }),
            // What some faulty peer has, and no honest one: a block of another branch, or of another network.
            4 if !drawer.forked.is_empty() => drawer.sibling(rng),
            0 | 1 if tip_allowed => drawer.tip(),
            // A block from long ago: what is above it is a second run later on.
            2 => drawer.pin(View { tip: start.tip - rng.below(start.tip - floor), ..start }),
            _ => drawer.pin(start),
        };
        let mut times: Vec<(Micros, u8)> = Vec::new();
        let mut some = |kind: u8, on: bool, most: u64, rng: &mut Rng| {
            let count = if on { rng.log_between(1, most) } else { 0 };
            times.extend((0..count).map(|_| (rng.log_between(20, quiescent_at * 9 / 10 / MILLI) * MILLI, kind)));
        };
        some(0, reorgs, 3, rng);
        some(1, grows, 12, rng);
        some(2, retargets, 6, rng);
        some(3, pauses, 2, rng);
        some(4, cuts, 3, rng);
        some(5, kills, 4, rng);
        some(6, freezes, 2, rng);
        some(7, true, 2, rng);
        times.sort_unstable();
        let mut steps = vec![(rng.between(1, 30) * MILLI, Step::Want(first))];
        for (at, kind) in times {
            let rest = quiescent_at - at;
            match kind {
                0 => steps.extend(drawer.reorg(rng).map(|step| (at, step))),
                1 => steps.push((at, drawer.grow(rng))),
                2 => steps.push((at, Step::Want(drawer.retarget(rng)))),
                3 => {
                    steps.push((at, Step::Pause(true)));
                    steps.push((at + rng.below(rest), Step::Pause(false)));
                }
                4 => steps.push((at, Step::Cut(rng.draw(), rng.log_between(20, rest / MILLI) * MILLI))),
                5 => steps.push((at, Step::Crash)),
                6 => steps.push((at, Step::Freeze(rng.log_between(20, rest / MILLI) * MILLI))),
                _ => steps.push((at, Step::Tick)),
            }
        }
        steps.sort_by_key(|(at, _)| *at);
        let end = View { branch: drawer.canonical.branch, tip: drawer.highest.max(drawer.canonical.tip) + 1 };
        let follows = drawer.tip_allowed && rng.percent(50);
        let goal = if follows { end } else { View { tip: end.tip - rng.pick(&[0, 0, 0, 1, 9]), ..end } };
        let target = if follows { drawer.tip() } else { drawer.pin(goal) };
        let floor = drawer.floor.min(goal.tip + 1 - HEADERS_MIN);
        Self {
            start,
            floor,
            steps,
            quiescent_at: quiescent_at.max(SECOND),
            target,
            goal,
            end,
            follows_tip: drawer.follows_tip,
        }
    }
}

/// Where a world begins.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The honest chain.
    pub start: View,
    /// Lowest number to sync; the script may lower it a little.
    pub floor: u64,
    /// Are reorgs deep?
    pub deep: bool,
}

impl Opening {
    /// A beginning: mostly a little above a place where branches part.
    pub fn draw(pool: &Pool, rng: &mut Rng) -> Self {
        let deep = rng.percent(5);
        let start = draw_start(pool, deep || rng.percent(80), deep, rng);
        Self { start, floor: draw_floor(start, rng), deep }
    }
}

/// Walks through the script while it is drawn.
struct Drawer<'a> {
    pool: &'a Pool,
    canonical: View,
    /// The highest number that was ever a tip or a target.
    highest: u64,
    follows_tip: bool,
    tip_allowed: bool,
    deep: bool,
    floor: u64,
    /// Branches that some peer serves.
    forked: Vec<BranchId>,
}

impl Drawer<'_> {
    fn tip(&mut self) -> SyncTarget {
        self.follows_tip = true;
        SyncTarget::PeersTip
    }

    fn pin(&mut self, view: View) -> SyncTarget {
        let block = self.pool.tip(view);
        self.highest = self.highest.max(block.number);
        SyncTarget::Hash(block.hash)
    }

    /// A block of another branch, about as high: one that a peer serves, if there is one.
    fn sibling(&mut self, rng: &mut Rng) -> SyncTarget {
        let others: Vec<BranchId> = match self.forked.is_empty() {
            true => self.pool.honest_branches().collect(),
            false => self.forked.clone(),
        };
        let branch = match others.contains(&Pool::FOREIGN) && rng.percent(50) {
            true => Pool::FOREIGN,
            false => rng.pick(&others),
        };
        let tip = (self.canonical.tip + 2).saturating_sub(rng.below(4)).min(self.pool.last(branch));
        self.pin(View { branch, tip })
    }

    fn grow(&mut self, rng: &mut Rng) -> Step {
        let room = self.pool.last(self.canonical.branch).saturating_sub(self.canonical.tip + 1 + ROOM / 2);
        // Mostly block by block; now and then several blocks at once.
        let most = if rng.percent(25) { GROWTH_MAX } else { 12 };
        self.canonical.tip += rng.log_between(1, most).min(room);
        self.highest = self.highest.max(self.canonical.tip);
        Step::CanonicalChain(self.canonical)
    }

    fn reorg(&mut self, rng: &mut Rng) -> Option<Step> {
        let mut to: Vec<View> = Vec::new();
        for branch in self.pool.honest_branches().filter(|branch| *branch != self.canonical.branch) {
            let last = self.pool.last(branch);
            let Some(common) = self.pool.common(self.canonical, View { branch, tip: last }) else { continue };
            let depth = self.canonical.tip - common;
            let most = if self.deep { DEPTH_MAX } else { SHALLOW_HEADERS };
            if (1..=most).contains(&depth) && last > self.highest + ROOM {
                let tip = (self.canonical.tip + rng.below(6)).saturating_sub(2).max(common + 1);
                to.push(View { branch, tip });
            }
        }
        if to.is_empty() {
            return None;
        }
        self.canonical = rng.pick(&to);
        self.highest = self.highest.max(self.canonical.tip);
        Some(Step::CanonicalChain(self.canonical))
    }

    fn retarget(&mut self, rng: &mut Rng) -> SyncTarget {
        let canonical = self.canonical;
        match rng.below(10) {
            0..=2 if self.tip_allowed => self.tip(),
            3 => SyncTarget::Hash(UNKNOWN),
            // Lower, seldom lower than the floor.
            4 | 5 => {
                let lowest = if rng.percent(10) { self.floor / 2 } else { self.floor };
                let room = canonical.tip - lowest;
                self.pin(View { tip: canonical.tip - rng.log_between(1, room.max(1)), ..canonical })
            }
            6 | 7 => self.sibling(rng),
            _ => self.pin(canonical),
        }
    }
}

fn forked_to(behavior: Behavior) -> Option<BranchId> {
    if let Behavior::Forked(branch) = behavior { Some(branch) } else { None }
}

/// The honest chain at the start. One that is `near` stands a little above a place where a branch parts.
fn draw_start(pool: &Pool, near: bool, deep: bool, rng: &mut Rng) -> View {
    if !near {
        return View { branch: Pool::TRUNK, tip: rng.between(HEADERS_MIN + 100, 9_500) };
    }
    let is_deep = |branch: BranchId| pool.last(branch) - pool.fork_point(branch).unwrap_or(0) > SHALLOW_HEADERS;
    let branches: Vec<BranchId> =
        pool.honest_branches().filter(|id| pool.fork_point(*id).is_some() && is_deep(*id) == deep).collect();
    // The lowest ones more often: a sync from there may go down to genesis.
    let among = if rng.percent(30) { &branches[..branches.len().min(3)] } else { &branches };
    let branch = rng.pick(among);
    let fork = pool.fork_point(branch).unwrap_or_default();
    let most = if deep { DEPTH_MAX } else { SHALLOW_HEADERS - 2 * ROOM };
    let tip = fork + rng.log_between(1, most);
    let own = rng.percent(40);
    View { branch: if own { branch } else { pool.parent(branch).unwrap_or(Pool::TRUNK) }, tip }
}

/// The floor leaves some 2,000 to 3,000 headers; seldom everything down to genesis, or all of a long chain.
fn draw_floor(start: View, rng: &mut Rng) -> u64 {
    let whole = rng.percent(if start.tip < 3_200 { 70 } else { 2 });
    if whole { 0 } else { start.tip.saturating_sub(HEADERS_MIN + rng.log_between(10, 1_000)) }
}
