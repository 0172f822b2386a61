//! The attack table: attackers by kind, number and new ids a second, and how much longer a sync takes because of them.
//!
//! The world is always the same: four honest peers of 150 ms round trip and 5 MB a second each, 40,000 headers, and a
//! pinned target, so that attackers can only affect which peer is asked for what. It is run as a first sync, and as a
//! reorg of the newest 1,000 headers over a store that has everything. Nothing else happens, so a ratio is of the same
//! world with and without attackers.
//!
//! Limits: four attackers that come once cost at most half as much again ([`RATIO_FEW_MAX`]); sixteen of which five a
//! second are replaced by new ids cost at most twice as much again ([`RATIO_MAX`]), and so does everything between.

use core::time::Duration;

use header_maker::FIELDS;
use sync_core::{SyncConfig, SyncTarget};

use crate::{
    attack::{Attack, AttackPlan},
    chain::{Pool, View},
    churn::Churn,
    network::{LinkPlan, MILLI, Micros, SECOND},
    options::{Options, StorePlan},
    peer::{Behavior, PeerPlan},
    script::{Script, Step},
    world::World,
};

/// Times that a sync may take of what it takes undisturbed, in percent: with attackers that come once, few of them.
pub const RATIO_FEW_MAX: u64 = 150;
/// The same with more, or with new ids.
pub const RATIO_MAX: u64 = 300;
/// Attackers that are few.
const FEW: u32 = 4;
/// A world that takes so many times longer is stopped.
const GIVEN_UP: u64 = 10;

/// One way.
const LATENCY: Micros = 75 * MILLI;
const HONEST: usize = 4;
const JOINS_AT: Micros = 10 * MILLI;

/// What an attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attacker {
    /// Never responds.
    Silent,
    /// Responds with nothing.
    Empty,
    /// One bit of one header is wrong.
    AlteredField,
    /// Everything is of a chain with another genesis.
    Forked,
    /// Headers of 60 KB that it made itself.
    Fat,
    /// One header a response, after 1.4 seconds.
    Drip,
    /// Announces a hundred times a second and does not respond.
    Flood,
    /// Names a higher tip and never responds.
    Claims,
    /// Has the target, and denies everything under it.
    Denier,
    /// Has the target, and under it another chain; the quickest too.
    Splicer,
    /// A malicious peer that responds within a millisecond.
    QuickAlteredField,
}

impl Attacker {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Silent,
        Self::Empty,
        Self::AlteredField,
        Self::Forked,
        Self::Fat,
        Self::Drip,
        Self::Flood,
        Self::Claims,
        Self::Denier,
        Self::Splicer,
        Self::QuickAlteredField,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Empty => "empty",
            Self::AlteredField => "one field altered",
            Self::Forked => "forked from genesis",
            Self::Fat => "fat headers",
            Self::Drip => "slow drip",
            Self::Flood => "announcer flood",
            Self::Claims => "claims of a higher tip",
            Self::Denier => "denier, 1 ms",
            Self::Splicer => "splicer, 1 ms",
            Self::QuickAlteredField => "altered field, 1 ms",
        }
    }

    fn behavior(self) -> Behavior {
        match self {
            Self::Silent => Behavior::Silent,
            Self::Empty => Behavior::Empty,
            Self::AlteredField | Self::QuickAlteredField => Behavior::InvalidField(FIELDS as u8, 100),
            Self::Forked => Behavior::Forked(Pool::FOREIGN),
            Self::Fat => Behavior::Fat(60_000),
            Self::Drip => Behavior::Drip(1),
            Self::Flood => Behavior::Climbs,
            Self::Claims => Behavior::ClaimsHigher(5),
            Self::Denier => Behavior::Denies(1),
            Self::Splicer => Behavior::Splices(Pool::FOREIGN, 1),
        }
    }

    fn link(self) -> LinkPlan {
        LinkPlan::clean(match self {
            Self::QuickAlteredField | Self::Denier | Self::Splicer => MILLI / 2,
            Self::Drip => 700 * MILLI,
            _ => LATENCY,
        })
    }
}

/// What is run: the product of its lists.
#[derive(Clone, Debug)]
pub struct Table {
    /// Headers of the chain.
    pub headers: u64,
    /// Kinds of attackers.
    pub attackers: Vec<Attacker>,
    /// Attackers that are connected at a time.
    pub numbers: Vec<u32>,
    /// New ids a second; each takes the place of the oldest.
    pub new_ids: Vec<u32>,
    /// First sync (`false`), reorg (`true`).
    pub reorgs: Vec<bool>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            headers: 40_000,
            attackers: Attacker::ALL.into(),
            numbers: vec![FEW, 16],
            new_ids: vec![0, 1, 5],
            reorgs: vec![false, true],
        }
    }
}

impl Table {
    /// The chains of its worlds.
    pub fn pool(&self) -> Pool {
        Pool::tall(self.headers)
    }

    /// Its cases, row by row.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for reorg in &self.reorgs {
            for attacker in &self.attackers {
                for number in &self.numbers {
                    let case = |new_ids: &u32| Case {
                        headers: self.headers,
                        attacker: *attacker,
                        number: *number,
                        new_ids: *new_ids,
                        reorg: *reorg,
                    };
                    cases.extend(self.new_ids.iter().map(case));
                }
            }
        }
        cases
    }
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Headers of the chain.
    pub headers: u64,
    /// What attackers do.
    pub attacker: Attacker,
    /// How many are connected.
    pub number: u32,
    /// New ones a second.
    pub new_ids: u32,
    /// Is it a reorg, or a first sync?
    pub reorg: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was run.
    pub case: Case,
    /// Microseconds from the first honest peer to the end of the sync, without attackers; `None`: it did not end.
    pub undisturbed: Option<Micros>,
    /// With them; `None` when it was stopped after ten times as long.
    pub attacked: Option<Micros>,
    /// What a checker found besides, in either world.
    pub violation: Option<String>,
}

impl Case {
    /// Runs both worlds.
    pub fn run(&self, pool: &Pool) -> Row {
        let options = self.options(pool);
        let peace = World::new(pool, options.without_attackers(), None, 0).run();
        let took = |whole_at: Option<Micros>| whole_at.map(|at| at.saturating_sub(JOINS_AT));
        let undisturbed = took(peace.whole_at);
        let mut row = Row { case: *self, undisturbed, attacked: None, violation: None };
        let mut attacked = options;
        if let Some(plan) = &mut attacked.attack {
            plan.due = Some(JOINS_AT + GIVEN_UP * undisturbed.unwrap_or(SECOND));
        }
        let war = World::new(pool, attacked, None, 0).run();
        row.attacked = took(war.whole_at);
        let others = [peace.violation, war.violation].into_iter().flatten().filter(|found| found.checker != "progress");
        row.violation = others.map(|found| format!("{}: {}", found.checker, found.what)).next();
        row
    }

    /// The world of this case; a sweep of seeds has none like it.
    fn options(&self, pool: &Pool) -> Options {
        let tip = |branch| View { branch, tip: self.headers - 1 };
        let (start, holds) = match self.reorg {
            true => (tip(pool.newest_branch()), Some(tip(Pool::TRUNK))),
            false => (tip(Pool::TRUNK), None),
        };
        let target = SyncTarget::Hash(pool.tip(start).hash);
        let link = LinkPlan::clean(LATENCY);
        let honest = PeerPlan { behavior: Behavior::Honest, link, joins_at: JOINS_AT, flaps: None, hears_after: MILLI };
        let churn = Churn {
            behavior: self.attacker.behavior(),
            link: self.attacker.link(),
            live: self.number,
            every: SECOND.checked_div(u64::from(self.new_ids)).unwrap_or_default(),
            from: JOINS_AT,
            shares_address: false,
        };
        let script = Script {
            start,
            floor: 0,
            steps: vec![(MILLI, Step::Want(target))],
            quiescent_at: JOINS_AT,
            target,
            goal: start,
            end: start,
            follows_tip: false,
        };
        Options {
            seed: 0,
            config: SyncConfig { tip_quorum: 2, ban: Duration::from_secs(600), ..SyncConfig::default() },
            peers: vec![honest; HONEST],
            store: StorePlan { delay: 4 * MILLI, holds, ..StorePlan::default() },
            start,
            script,
            unknown_from: None,
            pruned_below: None,
            slow_ways: false,
            attack: Some(AttackPlan { kind: Attack::Strangers, decided: Vec::new(), due: None, unknown_from: None }),
            churn: Some(churn),
            features: vec![self.attacker.name()],
        }
    }

    /// The highest ratio that is allowed, in percent.
    pub fn ratio_max(&self) -> u64 {
        if self.number <= FEW && self.new_ids == 0 { RATIO_FEW_MAX } else { RATIO_MAX }
    }
}

impl Row {
    /// The first line of a table, in markdown.
    pub const HEAD: &'static str = "\
| sync | attackers | number | new ids/s | undisturbed | under attack | ratio | at most | |
|---|---|---:|---:|---:|---:|---:|---:|---|";

    /// How many times longer it took, in percent; `None` when it was stopped.
    pub fn ratio(&self) -> Option<u64> {
        Some(self.attacked? * 100 / self.undisturbed?.max(1))
    }

    /// Does it keep its limit, and every checker?
    pub fn holds(&self) -> bool {
        self.violation.is_none() && self.ratio().is_some_and(|ratio| ratio <= self.case.ratio_max())
    }

    /// Its line of the table, in markdown.
    pub fn line(&self) -> String {
        let Case { attacker, number, new_ids, reorg, .. } = self.case;
        let seconds = |took: Option<Micros>| took.map_or("-".into(), |took| format!("{:.2} s", took as f64 / 1e6));
        let ratio = self.ratio().map_or(format!("> {GIVEN_UP}"), |ratio| format!("{:.2}", ratio as f64 / 100.0));
        format!(
            "| {} | {} | {number} | {new_ids} | {} | {} | {ratio} | {:.1} | {} |",
            if reorg { "reorg" } else { "first" },
            attacker.name(),
            seconds(self.undisturbed),
            seconds(self.attacked),
            self.case.ratio_max() as f64 / 100.0,
            match &self.violation {
                Some(what) => what.lines().next().unwrap_or_default(),
                None if self.holds() => "",
                None => "over",
            }
        )
    }
}
