//! Worlds under attack: every fifth seed, and a few others. Honest peers have clean ways and agree; what goes wrong is done by malicious
//! peers of one kind, by the honest ones themselves (they prune, they catch up), or by a way that breaks.
//!
//! These worlds are made for the two checkers that are strict ([`checker`](crate::checker)): the sync must not take much
//! longer than in the same world without the malicious peers, and honest peers must keep their scores. So nothing else
//! happens in them: whatever is slow in such a world is slow because of the attack.
//!
//! A kind is a variant of [`Attack`], its weight in `Attack::KINDS` or its share in `Attack::RARE`, and its arm in `setup`.

mod setup;

use core::time::Duration;

use sync_core::SyncConfig;

use crate::{
    chain::{Pool, View},
    network::{MILLI, Micros, SECOND},
    options::{Options, StorePlan},
    peer::{Behavior, PeerPlan},
    rng::Rng,
};

/// One seed of so many is a world under attack.
const ONE_OF: u64 = 5;
/// Its remainder: one that no kept seed of an ordinary world has (`tests/seeds.rs`).
const WHICH: u64 = 2;

/// Short visits: more than the runs that a checkpoint holds, however the first and the last end.
const VISITS: u32 = sync_core::config::SUBCHAINS_MAX as u32 + 2;

/// What is done in a world under attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Strangers of no use come in under new ids, up to five a second.
    Strangers,
    /// Peers respond with made-up headers of up to 60 KB.
    Fat,
    /// Before any honest peer connects, a malicious peer names a tip above the stored head, on a branch that forks far
    /// below.
    AloneForked,
    /// The same on a chain with another genesis, and with the right genesis in the status.
    AloneForeign,
    /// The same on a branch, and everything under it is denied.
    AloneOrphan,
    /// Peers name a higher tip and never respond.
    HigherClaims,
    /// A peer names one higher tip after the other, a hundred a second.
    Climbers,
    /// Peers name the pinned block and never respond.
    PinnedClaims,
    /// In a reorg the quickest peers have the target and deny everything under it.
    QuickDeniers,
    /// In a reorg the quickest peers have the target, and another branch under it.
    QuickSplicers,
    /// The quickest peers alter one field of a header.
    QuickAlteredField,
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
    /// Peers respond with few headers, and as late as they may.
    Drip,
    /// Peers come and go every few milliseconds, before anything is known and while the sync runs.
    Flicker,
    /// The host sleeps for minutes while the sync runs, beside silent peers.
    Sleep,
    /// A fork came that changes what gas costs, after the schedule was written; malicious peers beside that.
    OtherFees,
    /// A reorg deeper than what is decided by hashes alone: three quick peers have the target, and another chain under it.
    DeepSplicers,
    /// The same reorg, and strangers that name the target and never respond connect under new ids.
    DeepStrangers,
    /// As many peers as the honest ones, or more, name higher tips, each another one, and never respond.
    SilentMajority,
    /// As many as the honest ones, or more, were there first, on a chain with another genesis.
    ForeignMajority,
    /// The same on a branch that parts further down than a reorg may go, beside a chain that is stored whole.
    AloneTooDeep,
    /// Before any honest peer connects, a malicious peer names a tip with a number that no chain has, or the highest
    /// plausible one.
    AloneBoaster,
    /// The user pins a block that honest peers hear of a moment later, and not as their tip; strangers never respond.
    LatePin,
    /// On a chain whose forks are not known, quick peers have the target, and headers of many KB that they made themselves.
    OpaqueFat,
    /// Quick peers have only what is far under the tip: right headers, of which nothing can be linked for long.
    Hoarders,
    /// The only honest peer has named the target and is gone for a while before it served anything; peers that never
    /// respond reconnect all the time, or connect under new ids.
    Comeback,
    /// The only honest peer is gone for long in the middle of a sync, beside peers that never respond.
    LongOutage,
    /// A few new blocks are missing; strangers that never respond leave before anything is taken from them, beside one or
    /// two honest peers.
    ShortGap,
    /// Peers that never respond are alone for a minute and more.
    AloneSilent,
    /// A malicious peer is alone on a chain with another genesis, and its way is so slow that only the upper part of that
    /// chain is stored when honest peers connect.
    AloneSlow,
    /// The ways to all honest peers but one break for a while; that one is some blocks behind, and completes the sync.
    LostVotes,
    /// The ways to the honest peers are full all the time, beside quick strangers that never respond.
    FullWays,
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
    /// From this number up no header can be judged.
    pub unknown_from: Option<u64>,
}

impl Attack {
    /// Every kind with its weight.
    const KINDS: [(Self, u64); 19] = [
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
        (Self::QuickAlteredField, 2),
        (Self::CatchUp, 1),
        (Self::EndlessFlood, 1),
        (Self::LatePrune, 3),
        (Self::Outages, 2),
        (Self::ShortVisits, 1),
        (Self::Drip, 2),
        (Self::Flicker, 1),
        (Self::Sleep, 1),
    ];

    /// Kinds with seeds of their own, beside every fifth: of so many other seeds one. So the worlds of other seeds stay what
    /// they are when a kind is added.
    const RARE: [(Self, u64); 19] = [
        (Self::OtherFees, 60),
        (Self::DeepSplicers, 100),
        (Self::DeepStrangers, 100),
        (Self::SilentMajority, 100),
        (Self::ForeignMajority, 100),
        (Self::AloneBoaster, 100),
        (Self::LatePin, 100),
        (Self::OpaqueFat, 100),
        (Self::Hoarders, 100),
        (Self::Comeback, 100),
        (Self::LongOutage, 100),
        (Self::AloneTooDeep, 100),
        // These two are rare among the others.
        (Self::EndlessFlood, 50),
        (Self::ShortVisits, 200),
        (Self::ShortGap, 50),
        (Self::FullWays, 100),
        (Self::AloneSilent, 100),
        (Self::AloneSlow, 100),
        (Self::LostVotes, 100),
    ];

    /// The attack of this seed's world, if it is one of them.
    pub fn draw(seed: u64) -> Option<Self> {
        if seed % ONE_OF != WHICH {
            let mut rng = Rng::new(seed, "rare attack");
            return Self::RARE.into_iter().find(|(_, one_of)| rng.below(*one_of) == 0).map(|(kind, _)| kind);
        }
        let whole: u64 = Self::KINDS.iter().map(|(_, weight)| weight).sum();
        let mut at = Rng::new(seed, "attack").below(whole);
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
            Self::QuickAlteredField => "attack: quick malicious peers",
            Self::CatchUp => "attack: a quorum under the stored head",
            Self::EndlessFlood => "attack: endless announcements",
            Self::LatePrune => "attack: pruned and said late",
            Self::Outages => "attack: outages beside silent peers",
            Self::ShortVisits => "attack: short visits",
            Self::Drip => "attack: slow drip",
            Self::Flicker => "attack: peers that come and go",
            Self::Sleep => "attack: a host that sleeps",
            Self::OtherFees => "attack: another price of gas",
            Self::DeepSplicers => "attack: splicers in a deep reorg",
            Self::DeepStrangers => "attack: strangers in a deep reorg",
            Self::SilentMajority => "attack: a silent majority",
            Self::AloneTooDeep => "attack: alone on a branch that is too deep",
            Self::AloneBoaster => "attack: alone with an extreme number",
            Self::LatePin => "attack: a target that is heard of late",
            Self::ForeignMajority => "attack: a majority with another genesis",
            Self::OpaqueFat => "attack: fat headers on an unknown chain",
            Self::Hoarders => "attack: hoarders",
            Self::Comeback => "attack: silent peers beside one that comes back",
            Self::LongOutage => "attack: a long outage",
            Self::ShortGap => "attack: strangers at a short gap",
            Self::AloneSilent => "attack: alone and silent",
            Self::LostVotes => "attack: all votes but one are lost",
            Self::AloneSlow => "attack: alone with a part of another chain",
            Self::FullWays => "attack: strangers beside full ways",
        }
    }

    /// What it may cost once, however long the sync is: see [`progress`](crate::checker::progress).
    pub fn allowance(self) -> Micros {
        match self {
            // Whatever the attackers do, a peer that responds quickly has what is missing, and is known.
            Self::QuickDeniers
            | Self::QuickSplicers
            | Self::DeepSplicers
            | Self::CatchUp
            | Self::LatePrune
            | Self::OtherFees
            | Self::Hoarders
            | Self::EndlessFlood
            | Self::ShortVisits
            | Self::Comeback => SECOND,
            // One of the attackers is waited for until its piece is handed over.
            Self::QuickAlteredField
            | Self::PinnedClaims
            | Self::HigherClaims
            | Self::Climbers
            | Self::Drip
            | Self::Flicker
            | Self::AloneSilent => 3 * SECOND,
            // Several are, one after another, each for half as long; or a deadline of a peer that was never heard of; or
            // a thousand headers are compared by hash, one request after another.
            Self::AloneForeign
            | Self::ForeignMajority
            | Self::AloneSlow
            | Self::AloneOrphan
            | Self::AloneBoaster
            | Self::LatePin
            | Self::Sleep
            | Self::DeepStrangers
            | Self::ShortGap
            | Self::FullWays => 5 * SECOND,
            // One such deadline, and what follows it: a vote, or a pause.
            Self::Strangers | Self::Fat | Self::AloneForked | Self::SilentMajority => 8 * SECOND,
            // The target is chosen anew after 5 s, and after 10 s the next time. Requests for large headers are small.
            Self::AloneTooDeep | Self::OpaqueFat => 15 * SECOND,
            // A request that fell into the outage is awaited for 40 s at most, and the next is sent 16 s later.
            Self::Outages | Self::LongOutage | Self::LostVotes => 60 * SECOND,
        }
    }

    /// The world of this attack.
    pub fn options(self, seed: u64, pool: &Pool) -> Options {
        let mut rng = Rng::new(seed, "attack world");
        let mut scene = self.scene(pool, &mut rng);
        let mut config = SyncConfig {
            seed: rng.draw(),
            tip_quorum: 2,
            floor: scene.floor,
            window: rng.pick(&[256, 512, 1_024, 8_192]),
            ban: Duration::from_secs(600),
            ..SyncConfig::default()
        };
        let mut plan = AttackPlan { kind: self, decided: Vec::new(), due: None, unknown_from: None };
        self.change(&mut scene, &mut config, &mut plan, pool, &mut rng);
        if scene.follows_tip && scene.end_tip == scene.start.tip {
            // A pinned block is known from the beginning; a tip may still grow.
            scene.end_tip += rng.below(2);
        }
        let false_tips = scene.peers.iter().filter(|peer| peer.behavior.names_a_false_tip()).count();
        if false_tips == 0 && scene.peers.iter().filter(|peer| peer.behavior.is_honest()).count() == 1 {
            config.tip_quorum = 1;
        }
        let store = StorePlan { delay: rng.between(1, 8) * MILLI, holds: scene.stored, ..scene.store.clone() };
        Options {
            seed,
            config,
            start: scene.start,
            script: scene.script(pool),
            peers: scene.peers,
            store,
            unknown_from: plan.unknown_from,
            pruned_below: None,
            slow_ways: false,
            features: vec![self.word()],
            attack: Some(plan),
            churn: scene.churn,
        }
    }
}

impl Options {
    /// The same world without its malicious peers: what an attack is measured against. Ids of honest peers stay.
    pub fn without_attackers(&self) -> Self {
        let mut peace = self.clone();
        peace.peers.retain(|peer: &PeerPlan| peer.behavior.is_honest());
        peace.churn = None;
        // Peers that stay behind keep the attackers from a majority against the honest tip.
        for peer in peace.peers.iter_mut().filter(|peer| matches!(peer.behavior, Behavior::Behind(_))) {
            peer.behavior = Behavior::Honest;
        }
        if peace.script.follows_tip {
            peace.script.goal = peace.script.end;
        }
        peace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_drawn_and_honest_peers_have_the_majority() {
        let pool = Pool::new();
        let mut drawn = Vec::new();
        for seed in 0..2_000 {
            let Some(kind) = Attack::draw(seed) else { continue };
            if !drawn.contains(&kind) {
                drawn.push(kind);
            }
            let options = kind.options(seed, &pool);
            let count = |of: fn(Behavior) -> bool| options.peers.iter().filter(|peer| of(peer.behavior)).count();
            let (honest, false_tips) = (count(Behavior::is_honest), count(Behavior::names_a_false_tip));
            let majority = matches!(kind, Attack::SilentMajority | Attack::ForeignMajority);
            assert!(honest > false_tips || majority, "seed {seed}: {honest} honest, {false_tips} with a false tip");
            // Ids are indices: the honest peers come first, so they are the same without the others.
            assert!(options.peers[..honest].iter().all(|peer| peer.behavior.is_honest()), "seed {seed}");
            let peace = options.without_attackers();
            assert_eq!((peace.peers.len(), peace.churn.is_none()), (honest, true), "seed {seed}");
            assert!(options.script.end.tip <= pool.last(options.start.branch), "seed {seed}");
        }
        let mut kinds: Vec<_> = Attack::KINDS.iter().chain(&Attack::RARE).map(|(kind, _)| *kind).collect();
        kinds.sort_by_key(|kind| kind.word());
        kinds.dedup();
        assert_eq!(drawn.len(), kinds.len());
    }
}
