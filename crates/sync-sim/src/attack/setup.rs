//! How the world of each attack is set up: where the sync begins, which peers there are, and the steps of the script.

use header_rules::range::BLOCK_NUMBER_END;
use sync_core::{SyncConfig, config::ANCESTOR_VERIFY_MAX};

use super::{Attack, AttackPlan, VISITS};
use crate::{
    chain::{BranchId, Pool, View},
    churn::Churn,
    network::{LinkPlan, MILLI, SECOND},
    options::{HEADERS_MIN, VISIT_GROWTH},
    peer::Behavior,
    rng::Rng,
    scene::Scene,
    script::Step,
};

impl Attack {
    /// Where it begins: with nothing stored, with everything stored and a reorg since, or with everything stored.
    pub(super) fn scene(self, pool: &Pool, rng: &mut Rng) -> Scene {
        match self {
            Self::QuickDeniers | Self::QuickSplicers => Scene::reorg(pool, 64, rng),
            Self::Strangers | Self::Fat | Self::Drip | Self::QuickAlteredField if rng.percent(30) => {
                Scene::reorg(pool, 380, rng)
            }
            Self::AloneForked | Self::AloneOrphan => Scene::stored(pool, rng.between(2, 20), rng),
            // Everything is on the way down to genesis.
            Self::AloneForeign | Self::ForeignMajority => Scene::whole(rng),
            // Its genesis is not seen, and all else is.
            Self::AloneSlow => Scene { floor: rng.between(1, 50), ..Scene::whole(rng) },
            Self::AloneSilent if rng.percent(70) => {
                let new = rng.between(50, 300);
                Scene::stored(pool, new, rng)
            }
            Self::ShortVisits => Scene::stored(pool, VISIT_GROWTH, rng),
            Self::OtherFees => Scene::other_fees(pool, rng),
            Self::DeepSplicers | Self::DeepStrangers => Scene::deep_reorg(pool, rng),
            Self::AloneTooDeep => Scene::under_a_deep_branch(pool, rng),
            Self::ShortGap => {
                let new = rng.between(1, 60);
                Scene::stored(pool, new, rng)
            }
            Self::CatchUp => Scene::behind(pool, rng.between(100, 150), rng),
            Self::HigherClaims | Self::Climbers | Self::PinnedClaims if rng.percent(50) => {
                let new = rng.between(1, 200);
                Scene::stored(pool, new, rng)
            }
            _ => Scene::first_sync(rng),
        }
    }

    /// What its malicious peers are, and what else happens.
    pub(super) fn change(
        self,
        scene: &mut Scene,
        config: &mut SyncConfig,
        plan: &mut AttackPlan,
        pool: &Pool,
        rng: &mut Rng,
    ) {
        scene.add_honest(self.honest(rng), rng);
        let honest = scene.peers.len() as u64;
        // An honest majority, where a tip is agreed on.
        let few = rng.between(1, (honest - 1).max(1)).min(3);
        // As many as are asked about an ancestor, and more.
        let deniers = rng.between(3, (honest - 1).max(3));
        let many = rng.log_between(1, 16);
        scene.follows_tip = rng.percent(50);
        let quick = scene.link(1, rng);
        let any = scene.link(rng.log_between(1, 75), rng);
        match self {
            Self::Strangers => {
                scene.churn = Some(Churn::draw(any, rng));
            }
            Self::Fat => {
                for _ in 0..many {
                    let bytes = rng.pick(&[1_100, 4_000, 20_000, 60_000]);
                    scene.add(Behavior::Fat(bytes), scene_link(scene, rng), 10 * MILLI);
                }
            }
            Self::AloneForked | Self::AloneOrphan | Self::AloneForeign => {
                let alone = rng.between(1, (honest - 1).min(2));
                let branch = self.branch(scene, pool, rng);
                let behavior =
                    if self == Self::AloneOrphan { Behavior::Orphan(branch) } else { Behavior::Forked(branch) };
                for _ in 0..alone {
                    scene.add(behavior, any, 10 * MILLI);
                }
                config.tip_quorum = alone as usize;
                scene.follows_tip = true;
                scene.honest_join(rng.between(2, 10) * SECOND);
                let theirs = View { branch, tip: pool.last(branch).min(scene.start.tip + 3) };
                config.rollback_window = rng.pick(&[100, 1_000, 90_000]);
                // A peer that may follow them may also come back: theirs is the longer branch.
                if pool.common(theirs, scene.start).is_some_and(|common| theirs.tip <= common + 1_000) {
                    config.rollback_window = config.rollback_window.max(1_000);
                }
                plan.decided.push(theirs);
            }
            Self::AloneTooDeep => {
                let alone = rng.between(1, (honest - 1).min(2));
                let branch = pool.deep_branch() + 1;
                (0..alone).for_each(|_| scene.add(Behavior::Forked(branch), any, 10 * MILLI));
                config.tip_quorum = alone as usize;
                config.rollback_window = rng.pick(&[100, 500, ANCESTOR_VERIFY_MAX]);
                // Within the second pause before the target is chosen anew.
                let at = rng.between(2, 12) * SECOND;
                scene.honest_join(at);
                // Higher than what they name by then, mostly: a newer tip usually waits for what is under way.
                scene.end_tip += rng.below(20);
                scene.steps.push((at - SECOND, Step::CanonicalChain(View { tip: scene.end_tip, ..scene.start })));
                plan.decided.push(View { branch, tip: pool.last(branch).min(scene.start.tip + 3) });
            }
            Self::HigherClaims => {
                scene.follows_tip = true;
                let higher = rng.pick(&[1, 1, 5, 1_000]);
                (0..few).for_each(|_| scene.add(Behavior::ClaimsHigher(higher), any, 10 * MILLI));
                config.tip_quorum = few as usize + 1;
                if rng.percent(60) {
                    scene.lag(config.tip_quorum);
                }
            }
            Self::Climbers => {
                scene.follows_tip = true;
                let few = few.min(2);
                (0..few).for_each(|_| scene.add(Behavior::Climbs, any, 10 * MILLI));
                config.tip_quorum = few as usize + 1;
                if rng.percent(60) {
                    scene.lag(config.tip_quorum);
                }
            }
            Self::PinnedClaims => {
                scene.follows_tip = false;
                (0..many).for_each(|_| scene.add(Behavior::Silent, quick, 10 * MILLI));
            }
            Self::QuickDeniers => {
                let top = rng.log_between(1, 8);
                (0..deniers).for_each(|_| scene.add(Behavior::Denies(top), quick, 10 * MILLI));
                config.rollback_window = rng.pick(&[500, 1_000, 90_000]);
            }
            Self::QuickSplicers => {
                let top = rng.log_between(1, 8);
                let branch = pool.deep_branch();
                (0..deniers).for_each(|_| scene.add(Behavior::Splices(branch, top), quick, 10 * MILLI));
                config.rollback_window = rng.pick(&[500, 1_000, 90_000]);
            }
            Self::QuickAlteredField => {
                for _ in 0..many {
                    let field = rng.below(header_maker::FIELDS as u64 + 1) as u8;
                    scene.add(Behavior::InvalidField(field, rng.pick(&[100, 50, 10])), quick, 10 * MILLI);
                }
            }
            Self::CatchUp => {
                scene.follows_tip = true;
                let every = rng.log_between(20, 400) * MILLI;
                scene.grow_each(every);
                config.tip_quorum = rng.between(1, 2) as usize;
            }
            Self::EndlessFlood => {
                (0..few.max(many / 2)).for_each(|_| scene.add(Behavior::EndlessFlood, any, 10 * MILLI));
            }
            Self::LatePrune => {
                for _ in 0..rng.between(1, 3) {
                    let at = rng.log_between(50, 1_500) * MILLI;
                    let above = rng.between(100, HEADERS_MIN - 100);
                    let late = rng.log_between(20, 20_000) * MILLI;
                    scene.steps.push((at, Step::Prune(rng.draw(), scene.floor + above, late)));
                }
                // Slow enough that they are asked at that time.
                scene.narrow(rng.between(200, 1_000));
                scene.quiescent_at = 2 * SECOND;
            }
            Self::Outages => {
                scene.narrow(rng.between(200, 600));
                (0..rng.between(2, 6)).for_each(|_| scene.add(Behavior::Silent, any, 10 * MILLI));
                let mut at = rng.between(200, 1_500) * MILLI;
                for _ in 0..rng.between(1, 3) {
                    let span = rng.between(2_000, 9_000) * MILLI;
                    scene.steps.push((at, Step::Cut(1, span)));
                    at += span + rng.between(300, 3_000) * MILLI;
                }
                scene.quiescent_at = at;
            }
            Self::ShortVisits => {
                scene.follows_tip = true;
                config.window = 64;
                config.tip_quorum = 1;
                scene.store.visits = VISITS;
                // A process, its peers, a few round trips, and a transaction.
                scene.quiescent_at = u64::from(VISITS) * 2 * SECOND;
                scene.end_tip = scene.start.tip + u64::from(VISITS + 1) * VISIT_GROWTH;
            }
            Self::Drip => {
                for _ in 0..many {
                    let link = LinkPlan { latency: rng.pick(&[350, 700, 1_400, 2_200]) * MILLI, ..any };
                    scene.add(Behavior::Drip(rng.pick(&[1, 1, 8, 80])), link, 10 * MILLI);
                }
            }
            Self::Flicker => {
                for _ in 0..few {
                    let span = rng.log_between(1, 40) * MILLI;
                    scene.add(Behavior::Silent, any, 10 * MILLI);
                    if let Some(peer) = scene.peers.last_mut() {
                        peer.flaps = Some((span, span));
                    }
                }
                // While they are alone their word is no target.
                config.tip_quorum = few as usize + 1;
                if rng.percent(50) {
                    scene.honest_join(rng.between(1, 4) * SECOND);
                }
            }
            Self::DeepSplicers => {
                // So many new blocks that headers of every peer are verified: witnesses are chosen among those.
                let new = rng.between(800, 2_000);
                scene.grow_start(new);
                // Honest as far down as hashes are compared. Three of eleven are seldom the whole sample, and the
                // quickest always.
                let above = scene.stored.map_or(0, |old| scene.start.tip - old.tip);
                let top = above + ANCESTOR_VERIFY_MAX + rng.between(10, 60);
                (0..3).for_each(|_| scene.add(Behavior::Splices(Pool::FOREIGN, top), quick, 10 * MILLI));
            }
            Self::DeepStrangers => {
                let every = SECOND / rng.between(2, 5);
                scene.churn = Some(Churn { behavior: Behavior::Silent, live: 8, every, ..Churn::draw(any, rng) });
            }
            Self::SilentMajority => {
                scene.follows_tip = true;
                let higher = rng.between(1, 1_000);
                let silent = honest + rng.below(3);
                // Each another one: no two of them agree.
                (0..silent).for_each(|at| scene.add(Behavior::ClaimsHigher(higher + at), any, 10 * MILLI));
            }
            Self::ForeignMajority => {
                scene.follows_tip = true;
                let foreign = honest + rng.below(3);
                (0..foreign).for_each(|_| scene.add(Behavior::Forked(Pool::FOREIGN), any, 10 * MILLI));
                scene.honest_join(rng.between(2, 10) * SECOND);
                plan.decided
                    .push(View { branch: Pool::FOREIGN, tip: pool.last(Pool::FOREIGN).min(scene.start.tip + 3) });
            }
            Self::LatePin => {
                scene.follows_tip = false;
                (scene.end_tip, scene.agreed_under) = (scene.start.tip + rng.between(3, 9), 2);
                scene.quiescent_at = SECOND;
                let every = SECOND / rng.between(2, 5);
                scene.churn = Some(Churn { behavior: Behavior::Silent, live: 8, every, ..Churn::draw(any, rng) });
            }
            Self::OpaqueFat => {
                scene.follows_tip = false;
                for _ in 0..many {
                    scene.add(Behavior::Fat(rng.pick(&[4_000, 15_000, 60_000])), quick, 10 * MILLI);
                }
            }
            Self::Hoarders => {
                scene.follows_tip = false;
                config.staged_bytes_max = 2 * 1024 * 1024;
                scene.narrow(rng.between(200, 600));
                let under = (scene.start.tip - scene.floor) / 4;
                (0..rng.between(1, 3)).for_each(|_| scene.add(Behavior::Low(under), quick, 10 * MILLI));
            }
            Self::Comeback => {
                scene.follows_tip = false;
                let way = scene.peers.first().map_or(0, |peer| peer.link.latency);
                let span = rng.between(11_000, 20_000) * MILLI;
                // It has responded to the probe, and the next response is in flight.
                let at = 10 * MILLI + 3 * way;
                scene.steps.push((at, Step::Cut(1, span)));
                scene.quiescent_at = at + span;
                if rng.percent(50) {
                    for _ in 0..rng.between(3, 8) {
                        scene.add(Behavior::Silent, any, rng.between(100, 2_000) * MILLI);
                        if let Some(peer) = scene.peers.last_mut() {
                            let span = |most: u64, rng: &mut Rng| rng.between(most / 4, most) * MILLI;
                            peer.flaps = Some((span(4_000, rng), span(400, rng)));
                        }
                    }
                } else {
                    let every = SECOND / rng.between(3, 5);
                    scene.churn = Some(Churn { behavior: Behavior::Silent, live: 8, every, ..Churn::draw(any, rng) });
                }
            }
            Self::LongOutage => {
                scene.narrow(rng.between(200, 600));
                (0..rng.between(4, 8)).for_each(|_| scene.add(Behavior::Silent, any, 10 * MILLI));
                let (at, span) = (rng.between(300, 1_500) * MILLI, rng.between(60, 200) * SECOND);
                scene.steps.push((at, Step::Cut(1, span)));
                scene.quiescent_at = at + span;
            }
            Self::ShortGap => {
                scene.follows_tip = true;
                let live = rng.between(6, 7);
                // Each leaves before its piece is handed over to another peer.
                let every = rng.between(1_200, 1_450) * MILLI / live;
                let drawn = Churn::draw(any, rng);
                scene.churn =
                    Some(Churn { behavior: Behavior::Silent, live: live as u32, every, from: MILLI, ..drawn });
            }
            Self::AloneSilent => {
                scene.follows_tip = true;
                // Each is here for longer than one deadline, and is late once.
                let every = rng.between(400, 600) * MILLI;
                let drawn = Churn::draw(any, rng);
                scene.churn =
                    Some(Churn { behavior: Behavior::Silent, live: 16, every, shares_address: false, ..drawn });
                scene.honest_join(rng.between(60, 150) * SECOND);
            }
            Self::AloneSlow => {
                scene.follows_tip = true;
                config.tip_quorum = 1;
                config.window = rng.pick(&[64, 128, 256]);
                config.rollback_window = rng.pick(&[64, 100]);
                let link = LinkPlan { bytes_per_milli: rng.between(50, 150), ..any };
                scene.add(Behavior::Forked(Pool::FOREIGN), link, 10 * MILLI);
                let at = rng.between(2_000, 5_000) * MILLI;
                if let Some(alone) = scene.peers.last_mut() {
                    alone.flaps = Some((at, 1_000 * SECOND));
                }
                scene.honest_join(at);
                let tip = pool.last(Pool::FOREIGN).min(scene.start.tip + 3);
                plan.decided.push(View { branch: Pool::FOREIGN, tip });
            }
            Self::LostVotes => {
                scene.follows_tip = true;
                scene.narrow(rng.between(100, 300));
                scene.add(Behavior::Behind(rng.between(2, 9)), quick, 10 * MILLI);
                let (at, span) = (rng.between(300, 600) * MILLI, rng.between(12, 25) * SECOND);
                scene.steps.push((at, Step::Cut((1 << honest) - 1, span)));
                scene.quiescent_at = at + span;
                scene.end_tip += rng.between(1, 5);
                (0..few).for_each(|_| scene.add(Behavior::Silent, any, 10 * MILLI));
            }
            Self::FullWays => {
                scene.narrow(rng.between(100, 400));
                let every = rng.between(200, 300) * MILLI;
                scene.churn = Some(Churn { behavior: Behavior::Silent, live: 16, every, ..Churn::draw(quick, rng) });
            }
            Self::AloneBoaster => {
                scene.follows_tip = true;
                let latest = rng.pick(&[u64::MAX, BLOCK_NUMBER_END, BLOCK_NUMBER_END - 1]);
                scene.add(Behavior::Boaster(latest), any, 10 * MILLI);
                config.tip_quorum = 1;
                scene.honest_join(rng.between(2, 10) * SECOND);
            }
            Self::OtherFees => {
                plan.unknown_from = pool.fork_point(scene.start.branch).map(|fork| fork + 1);
                (0..few)
                    .for_each(|_| scene.add(Behavior::InvalidField(header_maker::FIELDS as u8, 100), any, 10 * MILLI));
            }
            Self::Sleep => {
                (0..few).for_each(|_| scene.add(Behavior::Silent, any, 10 * MILLI));
                scene.narrow(rng.between(200, 600));
                let at = rng.between(200, 1_500) * MILLI;
                let span = rng.log_between(2, 3_600) * SECOND;
                scene.steps.push((at, Step::Freeze(span)));
                scene.quiescent_at = at + span;
            }
        }
    }

    /// Honest peers beside so many others.
    fn honest(self, rng: &mut Rng) -> u64 {
        match self {
            Self::Outages | Self::Comeback | Self::LongOutage => 1,
            Self::DeepSplicers => 8,
            Self::Fat | Self::OpaqueFat | Self::Drip => rng.between(1, 3),
            Self::QuickDeniers | Self::QuickSplicers => rng.between(4, 8),
            Self::LostVotes => rng.between(2, 4),
            Self::ShortGap => rng.between(1, 2),
            Self::FullWays => rng.between(1, 3),
            _ => rng.between(2, 6),
        }
    }

    /// The branch of a peer that is alone at first.
    fn branch(self, scene: &Scene, pool: &Pool, rng: &mut Rng) -> BranchId {
        match self {
            Self::AloneForeign => Pool::FOREIGN,
            // One that has a header above the stored head.
            _ => {
                let high = |branch: &BranchId| pool.last(*branch) > scene.start.tip;
                let near: Vec<_> = pool.branches_near(scene.start, scene.floor).into_iter().filter(high).collect();
                if near.is_empty() { pool.deep_branch() } else { rng.pick(&near) }
            }
        }
    }
}

fn scene_link(scene: &Scene, rng: &mut Rng) -> LinkPlan {
    let latency = rng.log_between(1, 75);
    scene.link(latency, rng)
}
