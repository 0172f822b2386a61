//! The peers of an ordinary world.

use header_maker::FIELDS;
use header_rules::range::BLOCK_NUMBER_END;

use super::Swarm;
use crate::{
    chain::{BranchId, Pool},
    churn::Churn,
    network::{LinkPlan, MILLI},
    peer::{Behavior, PeerPlan},
    rng::Rng,
};

fn draw_link(swarm: &Swarm, rng: &mut Rng) -> LinkPlan {
    let slow = swarm.slow && rng.percent(30);
    let latency = if slow { rng.between(200, 1_500) } else { rng.log_between(1, 150) } * MILLI;
    LinkPlan {
        latency,
        jitter: if rng.percent(50) { latency / 2 } else { MILLI / 2 },
        bytes_per_milli: if slow { rng.between(30, 200) } else { rng.log_between(500, 20_000) },
        loss_request_ppm: if swarm.loss { rng.log_between(1_000, 100_000) } else { 0 },
        loss_response_ppm: if swarm.loss { rng.log_between(1_000, 100_000) } else { 0 },
        broken_stream_ppm: if swarm.resets { rng.log_between(1_000, 60_000) } else { 0 },
        reset_ppm: if swarm.resets { rng.log_between(1_000, 30_000) } else { 0 },
        reorder: swarm.reorder,
        stall_ppm: 0,
        stall_max: 0,
    }
}

fn draw_honest(swarm: &Swarm, rng: &mut Rng) -> Behavior {
    match rng.below(8) {
        0 | 1 if swarm.capped => Behavior::Capped(rng.log_between(4, 64) as u16),
        2 => Behavior::Lagging(rng.log_between(1, 40)),
        3 => Behavior::Recent(rng.log_between(1, 1_800)),
        _ => Behavior::Honest,
    }
}

fn draw_faulty(swarm: &Swarm, branches: &[BranchId], rng: &mut Rng) -> Behavior {
    if swarm.silent && rng.percent(if swarm.malicious { 25 } else { 100 }) {
        return Behavior::Silent;
    }
    if branches.contains(&Pool::FOREIGN) && rng.percent(15) {
        return Behavior::Forked(Pool::FOREIGN);
    }
    match rng.below(16) {
        0 => Behavior::Empty,
        1 => Behavior::TooMany(rng.log_between(1, 900) as u16),
        2 => Behavior::WrongStart(rng.log_between(1, 100)),
        3 => Behavior::WrongChain,
        4 => Behavior::WrongGenesis,
        5 => Behavior::Garbage,
        6 => Behavior::Rising,
        7 => Behavior::Gap,
        8 => Behavior::Breach,
        9 => Behavior::Boaster(rng.pick(&[u64::MAX, BLOCK_NUMBER_END, BLOCK_NUMBER_END - 1])),
        10 => Behavior::Echo,
        11 | 12 => Behavior::Forked(rng.pick(branches)),
        _ => Behavior::InvalidField(rng.below(FIELDS as u64 + 1) as u8, rng.pick(&[100, 100, 50, 10])),
    }
}

pub(super) fn draw_peers(swarm: &Swarm, near: &[BranchId], rng: &mut Rng) -> Vec<PeerPlan> {
    // Where no branch is near, a peer that would be on one is of another network.
    let branches = if near.is_empty() { &[Pool::FOREIGN] } else { near };
    let honest = rng.log_between(1, 6);
    let faulty = if swarm.malicious || swarm.silent { rng.log_between(1, 6) } else { 0 };
    let mut behaviors = vec![draw_honest(swarm, rng)];
    // The first serves everything: with it alone the sync must end.
    if matches!(behaviors[0], Behavior::Recent(_)) {
        behaviors[0] = Behavior::Honest;
    }
    behaviors.extend((1..honest).map(|_| draw_honest(swarm, rng)));
    behaviors.extend((0..faulty).map(|_| draw_faulty(swarm, branches, rng)));
    if swarm.colluders {
        let branch = rng.pick(branches);
        let more = behaviors.len() as u64 + 1;
        behaviors.extend((0..more).map(|_| Behavior::Forked(branch)));
    }
    let late = rng.percent(40);
    let mut plans: Vec<PeerPlan> = Vec::with_capacity(behaviors.len());
    for (at, behavior) in behaviors.into_iter().enumerate() {
        let flaps = swarm.flapping && at > 0 && rng.percent(50);
        let mut span = || rng.log_between(50, 8_000) * MILLI;
        plans.push(PeerPlan {
            behavior,
            flaps: flaps.then(|| (span(), span())),
            joins_at: if late { span() } else { 10 * MILLI },
            hears_after: if late { span() / 4 } else { 5 * MILLI },
            link: draw_link(swarm, rng),
        });
    }
    plans
}

/// The peers' tip is what more than half of them name: honest ones are added until no false tip can win or block.
pub(super) fn make_honest_majority(peers: &mut Vec<PeerPlan>, rng: &mut Rng) {
    let count = |peers: &[PeerPlan], of: fn(Behavior) -> bool| peers.iter().filter(|peer| of(peer.behavior)).count();
    // A peer that may not vote for the honest tip counts against it.
    while count(peers, |behavior| {
        behavior == Behavior::Honest || matches!(behavior, Behavior::Capped(_) | Behavior::Pruned(_))
    }) <= count(peers, |behavior| !behavior.is_honest())
    {
        let like = peers[0];
        let latency = rng.log_between(1, 150) * MILLI;
        let behavior = if let Behavior::Pruned(_) = like.behavior { like.behavior } else { Behavior::Honest };
        peers.push(PeerPlan { behavior, flaps: None, link: LinkPlan { latency, ..like.link }, ..like });
    }
}

/// Peers that do what others do in a world under attack, and strangers. None of them names a false tip, so no majority
/// changes.
pub(super) fn add_intruders(peers: &mut Vec<PeerPlan>, rng: &mut Rng) -> Option<Churn> {
    let link = |rng: &mut Rng| LinkPlan::clean(rng.log_between(1, 150) * MILLI);
    for _ in 0..rng.below(4) {
        let fat = rng.pick(&[1_100, 4_000, 20_000, 60_000]);
        let behaviors =
            [Behavior::Fat(fat), Behavior::Fat(fat), Behavior::Denies(rng.log_between(1, 64)), Behavior::Drip(1)];
        let behavior = rng.pick(&behaviors);
        let joins_at = rng.log_between(10, 4_000) * MILLI;
        peers.push(PeerPlan { behavior, link: link(rng), joins_at, flaps: None, hears_after: MILLI });
    }
    rng.percent(60).then(|| Churn::draw(link(rng), rng))
}
