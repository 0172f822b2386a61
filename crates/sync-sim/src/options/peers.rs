//! The peers of an ordinary world.

use header_maker::FIELDS;
use header_rules::range::BLOCK_NUMBER_END;

use super::Swarm;
use crate::{
    chain::{BranchId, Pool},
    chance::Chance,
    churn::Churn,
    network::{LinkPlan, MILLI},
    peer::{Manner, PeerPlan},
};

fn draw_link(swarm: &Swarm, chance: &mut Chance) -> LinkPlan {
    let slow = swarm.slow && chance.percent(30);
    let latency = if slow { chance.between(200, 1_500) } else { chance.log_between(1, 150) } * MILLI;
    LinkPlan {
        latency,
        jitter: if chance.percent(50) { latency / 2 } else { MILLI / 2 },
        bytes_per_milli: if slow { chance.between(30, 200) } else { chance.log_between(500, 20_000) },
        loss_request_ppm: if swarm.loss { chance.log_between(1_000, 100_000) } else { 0 },
        loss_answer_ppm: if swarm.loss { chance.log_between(1_000, 100_000) } else { 0 },
        broken_stream_ppm: if swarm.resets { chance.log_between(1_000, 60_000) } else { 0 },
        reset_ppm: if swarm.resets { chance.log_between(1_000, 30_000) } else { 0 },
        reorder: swarm.reorder,
        stall_ppm: 0,
        stall_max: 0,
    }
}

fn draw_honest(swarm: &Swarm, chance: &mut Chance) -> Manner {
    match chance.below(8) {
        0 | 1 if swarm.capped => Manner::Capped(chance.log_between(4, 64) as u16),
        2 => Manner::Lagging(chance.log_between(1, 40)),
        3 => Manner::Recent(chance.log_between(1, 1_800)),
        _ => Manner::Honest,
    }
}

fn draw_faulty(swarm: &Swarm, branches: &[BranchId], chance: &mut Chance) -> Manner {
    if swarm.silent && chance.percent(if swarm.liars { 25 } else { 100 }) {
        return Manner::Silent;
    }
    if branches.contains(&Pool::FOREIGN) && chance.percent(15) {
        return Manner::Forked(Pool::FOREIGN);
    }
    match chance.below(16) {
        0 => Manner::Empty,
        1 => Manner::TooMany(chance.log_between(1, 900) as u16),
        2 => Manner::WrongStart(chance.log_between(1, 100)),
        3 => Manner::WrongChain,
        4 => Manner::WrongGenesis,
        5 => Manner::Garbage,
        6 => Manner::Rising,
        7 => Manner::Gap,
        8 => Manner::Breach,
        9 => Manner::Boaster(chance.pick(&[u64::MAX, BLOCK_NUMBER_END, BLOCK_NUMBER_END - 1])),
        10 => Manner::Echo,
        11 | 12 => Manner::Forked(chance.pick(branches)),
        _ => Manner::LieInField(chance.below(FIELDS as u64 + 1) as u8, chance.pick(&[100, 100, 50, 10])),
    }
}

pub(super) fn draw_peers(swarm: &Swarm, near: &[BranchId], chance: &mut Chance) -> Vec<PeerPlan> {
    // Where no branch is near, whoever would be on one is of another network.
    let branches = if near.is_empty() { &[Pool::FOREIGN] } else { near };
    let honest = chance.log_between(1, 6);
    let faulty = if swarm.liars || swarm.silent { chance.log_between(1, 6) } else { 0 };
    let mut manners = vec![draw_honest(swarm, chance)];
    // The first serves everything: with it alone the sync must end.
    if matches!(manners[0], Manner::Recent(_)) {
        manners[0] = Manner::Honest;
    }
    manners.extend((1..honest).map(|_| draw_honest(swarm, chance)));
    manners.extend((0..faulty).map(|_| draw_faulty(swarm, branches, chance)));
    if swarm.colluders {
        let branch = chance.pick(branches);
        let more = manners.len() as u64 + 1;
        manners.extend((0..more).map(|_| Manner::Forked(branch)));
    }
    let late = chance.percent(40);
    let mut plans: Vec<PeerPlan> = Vec::with_capacity(manners.len());
    for (at, manner) in manners.into_iter().enumerate() {
        let flaps = swarm.flapping && at > 0 && chance.percent(50);
        let mut span = || chance.log_between(50, 8_000) * MILLI;
        plans.push(PeerPlan {
            manner,
            flaps: flaps.then(|| (span(), span())),
            joins_at: if late { span() } else { 10 * MILLI },
            hears_after: if late { span() / 4 } else { 5 * MILLI },
            link: draw_link(swarm, chance),
        });
    }
    plans
}

/// The peers' tip is what more than half of them name: honest ones are added until no false tip can win or block.
pub(super) fn make_honest_majority(peers: &mut Vec<PeerPlan>, chance: &mut Chance) {
    let count = |peers: &[PeerPlan], of: fn(Manner) -> bool| peers.iter().filter(|peer| of(peer.manner)).count();
    // Whoever may not vote for the honest tip counts against it.
    while count(peers, |manner| manner == Manner::Honest || matches!(manner, Manner::Capped(_) | Manner::Pruned(_)))
        <= count(peers, |manner| !manner.is_honest())
    {
        let like = peers[0];
        let latency = chance.log_between(1, 150) * MILLI;
        let manner = if let Manner::Pruned(_) = like.manner { like.manner } else { Manner::Honest };
        peers.push(PeerPlan { manner, flaps: None, link: LinkPlan { latency, ..like.link }, ..like });
    }
}

/// Peers that do what others do in a world under attack, and strangers. None of them names a false tip, so no majority
/// changes.
pub(super) fn add_intruders(peers: &mut Vec<PeerPlan>, chance: &mut Chance) -> Option<Churn> {
    let link = |chance: &mut Chance| LinkPlan::clean(chance.log_between(1, 150) * MILLI);
    for _ in 0..chance.below(4) {
        let fat = chance.pick(&[1_100, 4_000, 20_000, 60_000]);
        let manners = [Manner::Fat(fat), Manner::Fat(fat), Manner::Denies(chance.log_between(1, 64)), Manner::Drip(1)];
        let manner = chance.pick(&manners);
        let joins_at = chance.log_between(10, 4_000) * MILLI;
        peers.push(PeerPlan { manner, link: link(chance), joins_at, flaps: None, hears_after: MILLI });
    }
    chance.percent(60).then(|| Churn::draw(link(chance), chance))
}
