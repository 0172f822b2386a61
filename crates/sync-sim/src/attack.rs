//! Worlds under attack: every fifth seed. Honest peers have clean ways and agree; what goes wrong is done by malicious
//! peers of one kind, by the honest ones themselves (they prune, they catch up), or by a way that breaks.
//!
//! These worlds are made for the two checkers that are strict ([`checker`](crate::checker)): the sync must not take much
//! longer than in the same world without the malicious peers, and honest peers must keep their scores. So nothing else
//! happens in them: whatever is slow in such a world is slow because of the attack.
//!
//! A kind is a variant of [`Attack`], its chance in [`Attack::KINDS`] and its arm in [`Attack::change`].

use core::time::Duration;

use sync_core::SyncConfig;

use crate::{
    chain::{BranchId, Pool, View},
    chance::Chance,
    churn::Churn,
    network::{LinkPlan, MILLI, Micros, SECOND},
    options::{HEADERS_MIN, Options, StorePlan, VISIT_GROWTH},
    peer::{Manner, PeerPlan},
    scene::Scene,
    script::Step,
};

/// Seeds of which one is a world under attack, and which of them.
const ONE_OF: u64 = 5;
const WHICH: u64 = 2;

/// Short visits: one more than the runs that a checkpoint holds.
const VISITS: u32 = sync_core::config::SUBCHAINS_MAX as u32 + 2;

/// What is done in a world under attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Strangers of no use come in under new ids, up to five a second.
    Strangers,
    /// Peers answer with headers of up to 60 KB that they made themselves.
    Fat,
    /// Before any honest peer is here, somebody names a tip above the stored head, on a branch that parts far below.
    AloneForked,
    /// The same on a chain with another genesis, and with the right genesis in the status.
    AloneForeign,
    /// The same on a branch, and everything under it is denied.
    AloneOrphan,
    /// Peers name a higher tip and never answer.
    HigherClaims,
    /// A peer names one higher tip after the other, a hundred a second.
    Climbers,
    /// Peers name the pinned block and never answer.
    PinnedClaims,
    /// In a reorg the quickest peers have the target and deny everything under it.
    QuickDeniers,
    /// In a reorg the quickest peers have the target, and another branch under it.
    QuickSplicers,
    /// The quickest peers lie in a field.
    QuickLiars,
    /// After a restart honest peers catch up, block by block, under what is stored.
    CatchUp,
    /// Peers announce a hundred times a second for as long as the world runs.
    EndlessFlood,
    /// Honest peers prune while they are asked, and say so late.
    LatePrune,
    /// The way to the only honest peer breaks again and again, beside silent peers.
    Outages,
    /// More short visits than a checkpoint has runs, and the chain grows in between.
    ShortVisits,
    /// Peers answer little, and as late as they may.
    Drip,
}

/// What malicious peers do, and what follows.
#[derive(Clone, Debug)]
pub struct AttackPlan {
    /// The kind.
    pub kind: Attack,
    /// Chains that malicious peers may decide on while they are alone: what may be stored, besides.
    pub decided: Vec<View>,
    /// By when the sync must be done: set from the same world without its malicious peers.
    pub due: Option<Micros>,
}

impl Attack {
    /// Every kind with its weight.
    const KINDS: [(Self, u64); 17] = [
        (Self::Strangers, 6),
        (Self::Fat, 3),
        (Self::AloneForked, 2),
        (Self::AloneForeign, 2),
        (Self::AloneOrphan, 2),
        (Self::HigherClaims, 2),
        (Self::Climbers, 2),
        (Self::PinnedClaims, 2),
        (Self::QuickDeniers, 3),
        (Self::QuickSplicers, 3),
        (Self::QuickLiars, 2),
        (Self::CatchUp, 1),
        (Self::EndlessFlood, 1),
        (Self::LatePrune, 3),
        (Self::Outages, 2),
        (Self::ShortVisits, 1),
        (Self::Drip, 2),
    ];

    /// The attack of this seed's world, if it is one of them.
    pub fn draw(seed: u64) -> Option<Self> {
        if seed % ONE_OF != WHICH {
            return None;
        }
        let whole: u64 = Self::KINDS.iter().map(|(_, weight)| weight).sum();
        let mut at = Chance::new(seed, "attack").below(whole);
        let (kind, _) = Self::KINDS.into_iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        })?;
        Some(kind)
    }

    /// Its words in the list of features, and of what a sweep reached.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strangers => "attack: strangers",
            Self::Fat => "attack: fat headers",
            Self::AloneForked => "attack: alone on a branch",
            Self::AloneForeign => "attack: alone with another genesis",
            Self::AloneOrphan => "attack: alone, and all below denied",
            Self::HigherClaims => "attack: silent claims of a higher tip",
            Self::Climbers => "attack: ever higher tips",
            Self::PinnedClaims => "attack: silent claims of the target",
            Self::QuickDeniers => "attack: quick deniers",
            Self::QuickSplicers => "attack: quick splicers",
            Self::QuickLiars => "attack: quick liars",
            Self::CatchUp => "attack: a quorum under the stored head",
            Self::EndlessFlood => "attack: endless announcements",
            Self::LatePrune => "attack: pruned and said late",
            Self::Outages => "attack: outages beside silent peers",
            Self::ShortVisits => "attack: short visits",
            Self::Drip => "attack: slow drip",
        }
    }

    /// The world of this attack.
    pub fn options(self, seed: u64, pool: &Pool) -> Options {
        let mut chance = Chance::new(seed, "attack world");
        let mut scene = self.scene(pool, &mut chance);
        let mut config = SyncConfig {
            seed: chance.draw(),
            tip_quorum: 2,
            floor: scene.floor,
            window: chance.pick(&[256, 512, 1_024, 8_192]),
            ban: Duration::from_secs(600),
            ..SyncConfig::default()
        };
        let mut plan = AttackPlan { kind: self, decided: Vec::new(), due: None };
        self.change(&mut scene, &mut config, &mut plan, pool, &mut chance);
        if scene.follows_tip && scene.end_tip == scene.start.tip {
            // A pinned block is known from the beginning; a tip may still grow.
            scene.end_tip += chance.below(2);
        }
        let false_tips = scene.peers.iter().filter(|peer| peer.manner.names_a_false_tip()).count();
        if false_tips == 0 && scene.peers.iter().filter(|peer| peer.manner.is_honest()).count() == 1 {
            config.tip_quorum = 1;
        }
        let store = StorePlan { delay: chance.between(1, 8) * MILLI, holds: scene.stored, ..scene.store.clone() };
        Options {
            seed,
            config,
            start: scene.start,
            script: scene.script(pool),
            peers: scene.peers,
            store,
            unknown_from: None,
            pruned_below: None,
            slow_ways: false,
            features: vec![self.word()],
            attack: Some(plan),
            churn: scene.churn,
        }
    }

    /// Where it begins: with nothing stored, with everything stored and a reorg since, or with everything stored.
    fn scene(self, pool: &Pool, chance: &mut Chance) -> Scene {
        match self {
            Self::QuickDeniers | Self::QuickSplicers => Scene::reorg(pool, chance),
            Self::Strangers | Self::Fat | Self::Drip | Self::QuickLiars if chance.percent(30) => {
                Scene::reorg(pool, chance)
            }
            Self::AloneForked | Self::AloneOrphan => Scene::stored(pool, chance.between(2, 20), chance),
            // Everything is on the way down to genesis.
            Self::AloneForeign => Scene::whole(chance),
            Self::ShortVisits => Scene::stored(pool, VISIT_GROWTH, chance),
            Self::CatchUp => Scene::behind(pool, chance.between(100, 150), chance),
            Self::HigherClaims | Self::Climbers | Self::PinnedClaims if chance.percent(50) => {
                let new = chance.between(1, 200);
                Scene::stored(pool, new, chance)
            }
            _ => Scene::first_sync(chance),
        }
    }

    fn change(
        self,
        scene: &mut Scene,
        config: &mut SyncConfig,
        plan: &mut AttackPlan,
        pool: &Pool,
        chance: &mut Chance,
    ) {
        scene.add_honest(self.honest(chance), chance);
        let honest = scene.peers.len() as u64;
        // An honest majority, where a tip is agreed on.
        let few = chance.between(1, (honest - 1).max(1)).min(3);
        // As many as are asked about an ancestor, and more.
        let deniers = chance.between(3, (honest - 1).max(3));
        let many = chance.log_between(1, 16);
        scene.follows_tip = chance.percent(50);
        let quick = scene.link(1, chance);
        let any = scene.link(chance.log_between(1, 75), chance);
        match self {
            Self::Strangers => {
                scene.churn = Some(Churn::draw(any, chance));
                // Those that name no false tip may be many, but they are no majority against anything.
                config.tip_quorum = 2;
            }
            Self::Fat => {
                for _ in 0..few {
                    let bytes = chance.pick(&[1_100, 4_000, 20_000, 60_000]);
                    scene.add(Manner::Fat(bytes), scene_link(scene, chance), 10 * MILLI);
                }
            }
            Self::AloneForked | Self::AloneOrphan | Self::AloneForeign => {
                let alone = chance.between(1, honest.min(2));
                let branch = self.branch(scene, pool, chance);
                let manner = if self == Self::AloneOrphan { Manner::Orphan(branch) } else { Manner::Forked(branch) };
                for _ in 0..alone {
                    scene.add(manner, any, 10 * MILLI);
                }
                config.tip_quorum = alone as usize;
                config.rollback_window = chance.pick(&[100, 1_000, 90_000]);
                scene.follows_tip = true;
                scene.honest_join(chance.between(2, 10) * SECOND);
                let tip = pool.last(branch).min(scene.start.tip + 3);
                plan.decided.push(View { branch, tip });
            }
            Self::HigherClaims => {
                scene.follows_tip = true;
                let higher = chance.pick(&[1, 1, 5, 1_000]);
                (0..few).for_each(|_| scene.add(Manner::ClaimsHigher(higher), any, 10 * MILLI));
                config.tip_quorum = few as usize + 1;
                if chance.percent(60) {
                    scene.lag(config.tip_quorum);
                }
            }
            Self::Climbers => {
                scene.follows_tip = true;
                let few = few.min(2);
                (0..few).for_each(|_| scene.add(Manner::Climbs, any, 10 * MILLI));
                config.tip_quorum = few as usize + 1;
                if chance.percent(60) {
                    scene.lag(config.tip_quorum);
                }
            }
            Self::PinnedClaims => {
                scene.follows_tip = false;
                (0..many).for_each(|_| scene.add(Manner::Silent, quick, 10 * MILLI));
            }
            Self::QuickDeniers => {
                let top = chance.log_between(1, 8);
                (0..deniers).for_each(|_| scene.add(Manner::Denies(top), quick, 10 * MILLI));
                config.rollback_window = chance.pick(&[500, 1_000, 90_000]);
            }
            Self::QuickSplicers => {
                let top = chance.log_between(1, 8);
                let branch = pool.deep_branch();
                (0..deniers).for_each(|_| scene.add(Manner::Splices(branch, top), quick, 10 * MILLI));
                config.rollback_window = chance.pick(&[500, 1_000, 90_000]);
            }
            Self::QuickLiars => {
                for _ in 0..few {
                    let field = chance.below(header_maker::FIELDS as u64 + 1) as u8;
                    scene.add(Manner::LieInField(field, chance.pick(&[100, 50, 10])), quick, 10 * MILLI);
                }
            }
            Self::CatchUp => {
                scene.follows_tip = true;
                let every = chance.log_between(20, 400) * MILLI;
                scene.grow_each(every);
                config.tip_quorum = chance.between(1, 2) as usize;
            }
            Self::EndlessFlood => {
                (0..few).for_each(|_| scene.add(Manner::EndlessFlood, any, 10 * MILLI));
            }
            Self::LatePrune => {
                for _ in 0..chance.between(1, 3) {
                    let at = chance.log_between(50, 1_500) * MILLI;
                    let above = chance.between(100, HEADERS_MIN - 100);
                    let late = chance.log_between(20, 20_000) * MILLI;
                    scene.steps.push((at, Step::Prune(chance.draw(), scene.floor + above, late)));
                }
                // Slow enough that they are asked at that time.
                scene.narrow(chance.between(200, 1_000));
                scene.calm_at = 2 * SECOND;
            }
            Self::Outages => {
                scene.narrow(chance.between(200, 600));
                (0..chance.between(2, 6)).for_each(|_| scene.add(Manner::Silent, any, 10 * MILLI));
                let mut at = chance.between(200, 1_500) * MILLI;
                for _ in 0..chance.between(1, 3) {
                    let span = chance.between(2_000, 9_000) * MILLI;
                    scene.steps.push((at, Step::Cut(1, span)));
                    at += span + chance.between(300, 3_000) * MILLI;
                }
                scene.calm_at = at;
            }
            Self::ShortVisits => {
                scene.follows_tip = true;
                config.window = 64;
                config.tip_quorum = 1;
                scene.store.visits = VISITS;
                // A process, its peers, a few round trips, and a transaction.
                scene.calm_at = u64::from(VISITS) * 2 * SECOND;
                scene.end_tip = scene.start.tip + u64::from(VISITS + 1) * VISIT_GROWTH;
            }
            Self::Drip => {
                for _ in 0..few {
                    let link = LinkPlan { latency: chance.pick(&[350, 700, 1_400, 2_200]) * MILLI, ..any };
                    scene.add(Manner::Drip(chance.pick(&[1, 1, 8, 80])), link, 10 * MILLI);
                }
            }
        }
    }

    /// Honest peers beside so many others.
    fn honest(self, chance: &mut Chance) -> u64 {
        match self {
            Self::Outages => 1,
            Self::Fat | Self::Drip => chance.between(1, 3),
            Self::QuickDeniers | Self::QuickSplicers => chance.between(4, 8),
            _ => chance.between(2, 6),
        }
    }

    /// The branch that a peer is on who is alone at first.
    fn branch(self, scene: &Scene, pool: &Pool, chance: &mut Chance) -> BranchId {
        match self {
            Self::AloneForeign => Pool::FOREIGN,
            // One that has a header above the stored head.
            _ => {
                let high = |branch: &BranchId| pool.last(*branch) > scene.start.tip;
                let near: Vec<_> = pool.branches_near(scene.start, scene.floor).into_iter().filter(high).collect();
                if near.is_empty() { pool.deep_branch() } else { chance.pick(&near) }
            }
        }
    }
}

fn scene_link(scene: &Scene, chance: &mut Chance) -> LinkPlan {
    let latency = chance.log_between(1, 75);
    scene.link(latency, chance)
}

impl Options {
    /// The same world without its malicious peers: what an attack is measured against. Ids of honest peers stay.
    pub fn without_attackers(&self) -> Self {
        let mut peace = self.clone();
        peace.peers.retain(|peer: &PeerPlan| peer.manner.is_honest());
        peace.churn = None;
        // Who stays behind does so to keep the attackers from a majority against the honest tip.
        for peer in peace.peers.iter_mut().filter(|peer| matches!(peer.manner, Manner::Behind(_))) {
            peer.manner = Manner::Honest;
        }
        peace.script.goal = peace.script.end;
        peace
    }
}
