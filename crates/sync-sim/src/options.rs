//! What a world is like: every feature on or off and its rate, drawn from the seed ("swarm testing": a world with few
//! features goes deeper into them than one in which everything happens at once).
//!
//! A new feature is a field here, its draw, and its word in `Display`.

mod peers;

use core::{fmt, time::Duration};

use header_maker::{GENESIS_TIMESTAMP, SECONDS_PER_BLOCK};
use header_rules::chain::{ChainSpec, ForkSchedule};
use sync_core::SyncConfig;

use self::peers::{add_intruders, draw_peers, make_honest_majority};
use crate::{
    attack::{Attack, AttackPlan},
    chain::{Pool, View},
    churn::Churn,
    network::{MILLI, Micros, SECOND},
    peer::{Behavior, PeerPlan},
    rng::Rng,
    script::{Opening, Script},
    special::Special,
};

/// Every virtual sync has at least so many headers.
pub const HEADERS_MIN: u64 = 2_000;

/// Ordinary worlds, of a hundred, in which some of what attackers do happens beside everything else.
const INTRUDERS_PERCENT: u64 = 8;

/// Blocks that come between two short visits: more than a short visit stores.
pub const VISIT_GROWTH: u64 = 96;

/// How the store is.
#[derive(Clone, Debug, Default)]
pub struct StorePlan {
    /// The longest time of a transaction.
    pub delay: Micros,
    /// Transactions that fail for no stated reason, of a million, until the world is quiescent.
    pub fail_ppm: u64,
    /// From so many stored headers on it is full, until the world is quiescent.
    pub full_at: Option<u64>,
    /// Transactions around which the process dies, and where.
    pub crashes: Vec<(u64, CrashPoint)>,
    /// What it holds from the floor up when the world begins.
    pub holds: Option<View>,
    /// So many processes die as soon as they have stored anything, and the chain grows by [`VISIT_GROWTH`] each time.
    pub visits: u32,
}

/// Where a crash lies, seen from a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Nothing of it is stored.
    Before,
    /// All of it is stored and the machine was not told.
    Committed,
    /// It is stored, and the machine was told just before.
    Responded,
}

/// Everything about a world that is drawn before it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// How the machine is tuned.
    pub config: SyncConfig,
    /// The peers; the first is honest and stays.
    pub peers: Vec<PeerPlan>,
    /// The store.
    pub store: StorePlan,
    /// The honest chain at the start.
    pub start: View,
    /// What happens, and when.
    pub script: Script,
    /// From this number up no header can be judged: the machine has a fork scheduled there that never came. The sync must
    /// then end with a stall that says so.
    pub unknown_from: Option<u64>,
    /// No peer serves anything below this number, which is above the floor; a peer may claim to.
    pub pruned_below: Option<u64>,
    /// The ways to honest peers are slow and lose nothing for good: then silence is no excuse for a fault.
    pub slow_ways: bool,
    /// What malicious peers do in a world under attack, and by when the sync must be done all the same.
    pub attack: Option<AttackPlan>,
    /// Strangers that come in under new ids for as long as the world runs.
    pub churn: Option<Churn>,
    /// Words for the features that are on.
    pub features: Vec<&'static str>,
}

/// Feature switches, drawn first.
struct Swarm {
    malicious: bool,
    colluders: bool,
    silent: bool,
    slow: bool,
    capped: bool,
    loss: bool,
    resets: bool,
    reorder: bool,
    flapping: bool,
    slow_store: bool,
    failing_store: bool,
    full_store: bool,
    crashes: bool,
    small_windows: bool,
}

impl Swarm {
    fn draw(rng: &mut Rng) -> Self {
        let mut on = |percent| rng.percent(percent);
        Self {
            malicious: on(50),
            colluders: on(15),
            silent: on(25),
            slow: on(30),
            capped: on(25),
            loss: on(25),
            resets: on(20),
            reorder: on(50),
            flapping: on(20),
            slow_store: on(30),
            failing_store: on(20),
            full_store: on(12),
            crashes: on(35),
            small_windows: on(70),
        }
    }

    fn words(&self) -> Vec<&'static str> {
        let words = [
            (self.malicious, "malicious peers"),
            (self.colluders, "colluders"),
            (self.silent, "silent"),
            (self.slow, "slow"),
            (self.capped, "capped"),
            (self.loss, "loss"),
            (self.resets, "resets"),
            (self.reorder, "reorder"),
            (self.flapping, "flapping"),
            (self.slow_store, "slow store"),
            (self.failing_store, "failing store"),
            (self.full_store, "full store"),
            (self.crashes, "crashes"),
        ];
        words.into_iter().filter_map(|(on, word)| on.then_some(word)).collect()
    }
}

impl Options {
    /// The world of this seed.
    pub fn draw(seed: u64, pool: &Pool) -> Self {
        if let Some(attack) = Attack::draw(seed) {
            return attack.options(seed, pool);
        }
        let mut rng = Rng::new(seed, "options");
        let swarm = Swarm::draw(&mut rng);
        let mut features = swarm.words();
        let opening = Opening::draw(pool, &mut Rng::new(seed, "opening"));
        let near = pool.branches_near(opening.start, opening.floor);
        let mut peers = draw_peers(&swarm, &near, &mut Rng::new(seed, "peers"));
        let special = Special::draw(opening.deep, &mut Rng::new(seed, "special"));
        features.extend(special.word());
        special.change_peers(&mut peers, &mut Rng::new(seed, "special peers"));
        let mut script = Script::draw(pool, &opening, &peers, &mut features, &mut Rng::new(seed, "script"));
        if rng.percent(5) {
            // Until the world is quiescent no peer serves everything.
            peers[0].joins_at = script.quiescent_at;
        }
        if script.follows_tip {
            make_honest_majority(&mut peers, &mut rng);
        }
        // The honest peers that were added are like the first: what it serves, and how slow its way is.
        special.change_script(&mut script);
        // A stream of their own too. A useless peer must not be the only one that has what others dropped.
        let mut intruders = Rng::new(seed, "intruder");
        let churn = match special {
            Special::Pruned(_) => None,
            _ if intruders.percent(INTRUDERS_PERCENT) => {
                features.push("intruders");
                add_intruders(&mut peers, &mut intruders)
            }
            _ => None,
        };
        let false_tips = peers.iter().filter(|peer| peer.behavior.names_a_false_tip()).count();
        let store = draw_store(&swarm, script.quiescent_at, &mut rng);
        if store.full_at.is_some() || store.fail_ppm > 0 {
            // What is written while the store is in trouble must fit into the time that it has afterwards.
            script.quiescent_at = script.quiescent_at.max(3 * SECOND);
        }
        let window = if swarm.small_windows { rng.pick(&[256, 512, 1_024, 1_000]) } else { 8_192 };
        let config = SyncConfig {
            seed: rng.draw(),
            // More than there are peers that name a false tip: then no set of them is a quorum.
            tip_quorum: false_tips + 1,
            floor: script.floor,
            window,
            batches_in_flight_max: rng.between(1, 3) as usize,
            staged_bytes_max: rng.pick(&[512, 1_024, 4_096, 24_576]) * 1024,
            ban: Duration::from_secs(rng.pick(&[600, 600, 60])),
            ..SyncConfig::default()
        };
        let pruned_below = special.pruned_from(&peers).map(|above| script.floor + above);
        let slow_ways = matches!(special, Special::SlowWays);
        // A stream of its own: the other worlds stay what they were. What cannot be had cannot be judged either.
        let mut fork = Rng::new(seed, "fork");
        let forks = fork.percent(6) && pruned_below.is_none();
        let unknown_from = forks.then(|| fork.between(script.floor + 1, script.goal.tip));
        features.extend(unknown_from.map(|_| "unknown fork"));
        let start = script.start;
        Self {
            seed,
            config,
            peers,
            store,
            start,
            script,
            unknown_from,
            pruned_below,
            slow_ways,
            attack: None,
            churn,
            features,
        }
    }

    /// What the machine is told of the chain.
    pub fn spec(&self, pool: &Pool) -> ChainSpec {
        let spec = pool.spec();
        if self.attack.as_ref().is_some_and(|attack| attack.kind == Attack::OpaqueFat) {
            return ChainSpec::unknown(spec.id(), spec.genesis());
        }
        match (spec.forks().cloned(), self.unknown_from) {
            (Some(forks), Some(number)) => {
                let from = GENESIS_TIMESTAMP + number * SECONDS_PER_BLOCK;
                // The fork that came shows in no field.
                let is_unseen = self.start.branch == pool.other_fees();
                let amsterdam = if is_unseen { forks.amsterdam } else { Some(from) };
                spec.with_forks(ForkSchedule { amsterdam, known_until: Some(from), ..forks })
            }
            _ => spec,
        }
    }

    /// By when the sync must be done.
    ///
    /// From the moment when the world is quiescent: the pauses that the machine may still sit out (a refused batch, an
    /// unavailable target, a silent peer), a share for each piece that a faulty peer may hold up, and the time that the
    /// slowest honest peer takes to serve everything twice, one small response after another, with what its way holds
    /// up.
    pub fn deadline(&self) -> Micros {
        if let Some(due) = self.attack.as_ref().and_then(|attack| attack.due) {
            return due;
        }
        let Some(rock) = self.peers.first() else { return self.script.quiescent_at };
        let headers = self.script.headers();
        let in_response = match rock.behavior {
            Behavior::Capped(most) => u64::from(most),
            _ => 24,
        };
        let round_trip = 2 * rock.link.latency + rock.link.jitter;
        let responses = headers.div_ceil(in_response);
        let stalled = responses * rock.link.stall_ppm * rock.link.stall_max / 1_000_000;
        let serving = responses * round_trip + stalled + headers * 700 * MILLI / rock.link.bytes_per_milli;
        let faulty = self.peers.iter().filter(|peer| !peer.behavior.is_honest()).count() as u64;
        self.script.quiescent_at + 120 * SECOND + 20 * SECOND * faulty + 2 * serving
    }
}

fn draw_store(swarm: &Swarm, quiescent_at: Micros, rng: &mut Rng) -> StorePlan {
    let delay = if swarm.slow_store { rng.log_between(20, 3_000) } else { rng.between(1, 8) } * MILLI;
    let points = [CrashPoint::Before, CrashPoint::Committed, CrashPoint::Responded];
    let crashes = if swarm.crashes { rng.log_between(1, 6) } else { 0 };
    let mut at = 0;
    let mut next = || {
        at += rng.log_between(1, 4);
        (at, rng.pick(&points))
    };
    let crashes: Vec<_> = (0..crashes).map(|_| next()).collect();
    StorePlan {
        delay: delay.min(quiescent_at / 2),
        fail_ppm: if swarm.failing_store { rng.log_between(20_000, 900_000) } else { 0 },
        full_at: swarm.full_store.then(|| rng.log_between(1, HEADERS_MIN)),
        crashes,
        ..StorePlan::default()
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        writeln!(f, "seed {}: {}", self.seed, self.features.join(", "))?;
        writeln!(
            f,
            "  machine: floor {}, window {}, {} batches, {} KiB staged, quorum {}, ban {:?}",
            config.floor,
            config.window,
            config.batches_in_flight_max,
            config.staged_bytes_max / 1024,
            config.tip_quorum,
            config.ban
        )?;
        writeln!(f, "  store: {:?}", self.store)?;
        for (id, peer) in self.peers.iter().enumerate() {
            let link = &peer.link;
            writeln!(
                f,
                "  peer {id}: {:?}, {} us, {} B/ms, loss {}/{} ppm, resets {}/{} ppm, joins at {} ms, flaps {:?}",
                peer.behavior,
                link.latency,
                link.bytes_per_milli,
                link.loss_request_ppm,
                link.loss_response_ppm,
                link.broken_stream_ppm,
                link.reset_ppm,
                peer.joins_at / MILLI,
                peer.flaps.map(|(up, down)| (up / MILLI, down / MILLI)),
            )?;
        }
        writeln!(f, "  chain: branch {} up to {}", self.start.branch, self.start.tip)?;
        for (at, step) in &self.script.steps {
            writeln!(f, "  {:>7} ms  {step:?}", at / MILLI)?;
        }
        if let Some(attack) = &self.attack {
            writeln!(f, "  attack: {attack:?}")?;
        }
        if let Some(churn) = &self.churn {
            writeln!(f, "  strangers: {churn:?}")?;
        }
        write!(f, "  quiescent at {} ms, due at {} ms", self.script.quiescent_at / MILLI, self.deadline() / MILLI)
    }
}
